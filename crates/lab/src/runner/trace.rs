//! What came of a scenario: what either side did, and what is right about it.

use jiff::{SignedDuration, Timestamp};
use latchkey_engine::snapshot::HistoryMark;
use serde::Serialize;

use crate::scenario::Scenario;

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The lab: it plans faults, moves the clock, plays the thief.
    Lab,
    /// The client under test.
    Client,
    /// The backend.
    Backend,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Entry {
    /// How long after the begin, in milliseconds; never moved by a clock that is set.
    pub after_ms: i32,
    /// Who did it.
    pub side: Side,
    /// What, in a line.
    pub what: String,
    /// Whether it went wrong, or was made to.
    pub wrong: bool,
}

/// One expectation and whether it was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Judgement {
    /// Which step of the scenario, from 1.
    pub step: u32,
    /// Whose doing is judged.
    pub side: Side,
    /// What is right.
    pub expected: String,
    /// What was found, where that is something else.
    pub found: Option<String>,
    /// Why that is right.
    pub because: Option<String>,
    /// Whether the other side had done wrong before: what follows from that is not held against this one.
    pub follows: bool,
}

impl Judgement {
    /// Whether it was met.
    pub fn passed(&self) -> bool {
        self.found.is_none()
    }

    /// Whether it is held against the side it is about.
    pub fn counts_as_failed(&self) -> bool {
        !self.passed() && !self.follows
    }
}

/// How one side did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SideOutcome {
    /// Everything that was expected of it.
    Passed,
    /// Not everything.
    Failed,
    /// Nothing was expected of it.
    NotJudged,
}

/// What a stretch of time was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// The client's machine slept.
    Asleep,
    /// No host answered.
    Offline,
    /// The backend was away.
    BackendAway,
    /// The client could not store.
    VaultAway,
}

/// A stretch of time, in milliseconds after the begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Span {
    /// What it was.
    pub kind: SpanKind,
    /// From.
    pub from_ms: i32,
    /// To.
    pub to_ms: i32,
}

/// A fault that struck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Fault {
    /// When, in milliseconds after the begin.
    pub after_ms: i32,
    /// Its mode.
    pub mode: String,
    /// The path it struck.
    pub path: String,
}

/// A state of the client, until the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct StateSince {
    /// Since when, in milliseconds after the begin.
    pub after_ms: i32,
    /// Its name.
    pub state: String,
}

/// What happened, in order and as a picture needs it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Run {
    /// When it began, by the client's wall clock (RFC 3339, UTC).
    pub began_at: String,
    /// How long it took, in its own time, in milliseconds.
    pub took_ms: i32,
    /// What happened.
    pub entries: Vec<Entry>,
    /// The client's tokens.
    pub marks: Vec<HistoryMark>,
    /// The client's states.
    pub states: Vec<StateSince>,
    /// What the world was like.
    pub spans: Vec<Span>,
    /// The faults that struck.
    pub faults: Vec<Fault>,
    /// The requests that the backend saw, in milliseconds after the begin.
    pub requests_ms: Vec<i32>,
}

/// What came of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Outcome {
    /// The scenario's name.
    pub name: String,
    /// The version of its form.
    pub version: u32,
    /// What it is about.
    pub title: String,
    /// Why that matters.
    pub about: String,
    /// Which sections of standards say what is right.
    pub standard: Vec<String>,
    /// How the client did.
    pub client: SideOutcome,
    /// How the backend did.
    pub backend: SideOutcome,
    /// Why it was not played, if it was not.
    pub skipped: Option<String>,
    /// What ended it before its end, if anything did.
    pub broken: Option<String>,
    /// What was expected, and whether it was so.
    pub judgements: Vec<Judgement>,
    /// What happened.
    pub run: Run,
}

impl Outcome {
    /// One that was not played.
    pub fn skipped(scenario: &Scenario, why: String) -> Self {
        Self { skipped: Some(why), ..Self::of(scenario, Vec::new(), Run::default()) }
    }

    /// One that was played to its end.
    pub fn of(scenario: &Scenario, mut judgements: Vec<Judgement>, run: Run) -> Self {
        let first = judgements.iter().find(|judgement| !judgement.passed()).map(|judgement| judgement.side);
        for judgement in &mut judgements {
            judgement.follows = !judgement.passed() && first.is_some_and(|first| first != judgement.side);
        }
        let side = |side: Side| {
            let mut of_side = judgements.iter().filter(|judgement| judgement.side == side).peekable();
            if of_side.peek().is_none() {
                return SideOutcome::NotJudged;
            }
            let failed = of_side.any(Judgement::counts_as_failed);
            if failed { SideOutcome::Failed } else { SideOutcome::Passed }
        };
        Self {
            name: scenario.name.clone(),
            version: scenario.version,
            title: scenario.title.clone(),
            about: scenario.about.trim().to_owned(),
            standard: scenario.standard.clone(),
            client: side(Side::Client),
            backend: side(Side::Backend),
            skipped: None,
            broken: None,
            judgements,
            run,
        }
    }

    /// Whether neither side did anything wrong. One that was not played did not fail.
    pub fn passed(&self) -> bool {
        self.broken.is_none() && self.client != SideOutcome::Failed && self.backend != SideOutcome::Failed
    }

    /// Who did wrong, in a few words; nothing where nobody did.
    pub fn at_fault(&self) -> Option<&'static str> {
        match (self.client, self.backend) {
            (SideOutcome::Failed, SideOutcome::Failed) => Some("client and backend"),
            (SideOutcome::Failed, _) => Some("the client"),
            (_, SideOutcome::Failed) => Some("the backend"),
            _ => self.broken.is_some().then_some("the run itself"),
        }
    }
}

/// Milliseconds, as far as a picture can show them.
pub(crate) fn millis(long: SignedDuration) -> i32 {
    i32::try_from(long.as_millis()).unwrap_or(if long.is_negative() { i32::MIN } else { i32::MAX })
}

/// How long after the begin a moment of the wall clock is, in milliseconds.
pub(crate) fn since(begin: Timestamp, at: Timestamp) -> i32 {
    millis(at.duration_since(begin))
}
