//! What may be seen of a session: the one shape that `status --json`, the window and later the agent show.
//!
//! There is no field for a token here, and none of the types in it can hold one.

mod consumer;
mod history;
mod names;
mod past;
mod update;
mod values;

#[cfg(feature = "bindings")]
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::fingerprint::Fingerprint;
use latchkey_core::reason::Reason;
use latchkey_core::session::{Headline as CoreHeadline, Held, Session};
use latchkey_core::time::Stamp;
use latchkey_core::token_set::Clock;
use serde::{Deserialize, Serialize};

use crate::vault::Identity;

pub use consumer::ConsumerStatus;
pub(crate) use history::History;
pub use names::{ActionName, ConsentName, HeadlineKind, MarkKind, StateName};
pub use past::past;
pub(crate) use update::changes;
pub use update::{SessionChange, SessionUpdate};
pub use values::Values;

/// One session, as people and programs see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SessionStatus {
    /// The account's name.
    pub account: String,
    /// How it signs in: `credentials`, `oauth` or `nextauth`.
    pub provider: String,
    /// What it is doing.
    pub state: StateName,
    /// Why it is not simply signed in.
    pub reason: Option<ReasonStatus>,
    /// What matters most.
    pub headline: Headline,
    /// The generation in hand; 0 without one.
    pub generation: u32,
    /// Who is signed in.
    pub identity: Option<Identity>,
    /// The three clocks.
    pub clocks: Clocks,
    /// What the person has to do for the sign-in under way.
    pub sign_in: Option<SignInPrompt>,
    /// What comes next.
    pub next: Option<NextStatus>,
    /// How renewals went since the process started.
    pub renewals: Renewals,
    /// The access token in hand.
    pub access: Option<AccessStatus>,
    /// The refresh token in the vault.
    pub refresh: Option<RefreshStatus>,
    /// How much the provider's clock was ahead of ours at its last answer, in milliseconds, where that told. Servers
    /// count in whole seconds.
    pub clock_skew_ms: Option<i32>,
    /// What was different when the session was last read again and something was.
    pub updated: Option<SessionUpdate>,
    /// What happened, oldest first.
    #[cfg_attr(feature = "bindings", specta(type = Vec<HistoryMark>))]
    pub history: Arc<Vec<HistoryMark>>,
    /// The programs that took tokens or ask for one, the latest first.
    pub consumers: Vec<ConsumerStatus>,
}

/// What the person has to do for the sign-in under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SignInPrompt {
    /// Sign in on this page, in the browser of this machine.
    Browser {
        /// The page.
        url: String,
        /// Whether it was opened by itself.
        opened: bool,
        /// When it is given up (RFC 3339, UTC).
        expires_at: String,
    },
    /// Enter this code on that page, in any browser (RFC 8628 §3.3).
    Device {
        /// The code.
        user_code: String,
        /// The page.
        verification_uri: String,
        /// The page with the code in it, to open or to scan (RFC 8628 §3.3.1).
        verification_uri_complete: Option<String>,
        /// When the code expires (RFC 3339, UTC).
        expires_at: String,
    },
}

/// A reason, for programs and for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ReasonStatus {
    /// Stable name.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// The values in the sentence by name, for whoever words it anew by its code. Names that end in `_ms` are
    /// durations in milliseconds.
    #[cfg_attr(feature = "bindings", specta(type = BTreeMap<String, String>))]
    pub values: Values,
}

/// What matters most to the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Headline {
    /// What it is.
    pub kind: HeadlineKind,
    /// Until or by when.
    pub at: Option<String>,
}

/// The three clocks of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Clocks {
    /// The access token's.
    pub access: Option<ClockStatus>,
    /// The refresh token's.
    pub refresh: Option<ClockStatus>,
    /// The session's ceiling.
    pub session: Option<ClockStatus>,
}

/// When something ends, and who said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ClockStatus {
    /// When (RFC 3339, UTC).
    pub expires_at: String,
    /// Where it was learned.
    pub source: String,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct NextStatus {
    /// What.
    pub action: ActionName,
    /// When, if that is known.
    pub at: Option<String>,
    /// Why, without a full stop.
    pub why: String,
    /// Which sentence that is, for whoever words it anew.
    pub code: String,
    /// The values in it by name, as in [`ReasonStatus::values`].
    #[cfg_attr(feature = "bindings", specta(type = BTreeMap<String, String>))]
    pub values: Values,
}

/// How renewals went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Renewals {
    /// How many succeeded.
    pub count: u32,
    /// How many failed.
    pub failed: u32,
    /// How long the last one took, in milliseconds.
    pub last_ms: Option<u32>,
}

/// Facts of the access token in hand; never the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AccessStatus {
    /// When it arrived.
    pub received_at: String,
    /// When it expires.
    pub expires_at: String,
    /// From when on renewing it makes sense.
    pub margin_from: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its claims, if it is a JWT; unverified.
    pub claims: Vec<ClaimStatus>,
}

/// One claim, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ClaimStatus {
    /// Its name.
    pub name: String,
    /// Its value, as text.
    pub value: String,
}

/// Facts of the refresh token in the vault; never the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RefreshStatus {
    /// Its fingerprint.
    pub fingerprint: String,
    /// Since when it is in hand.
    pub since: String,
    /// Whether the provider replaces it at each renewal, as far as that was seen.
    pub rotates: Option<bool>,
}

/// A mark of the past on the lifeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct HistoryMark {
    /// What happened.
    pub kind: MarkKind,
    /// When; for what lasted, when it began; for several, when the first was.
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub at: Timestamp,
    /// For what lasted, when it ended, if it has; for several, when the last was.
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub until: Option<Timestamp>,
    /// How many it stands for: what is long ago is told together. The rest is then said of the last one.
    pub count: u32,
    /// The generation it led to, or was about.
    pub generation: u32,
    /// The access token's fingerprint.
    pub fingerprint: Option<String>,
    /// When that access token expires; for a ceiling, where it moved.
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub expires_at: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u32>,
    /// What went wrong, or which program took the token.
    pub note: Option<String>,
    /// The code of the reason for it, if one was given.
    pub reason: Option<String>,
}

impl HistoryMark {
    /// A mark that says no more than what happened, and when.
    pub(crate) fn new(kind: MarkKind, at: Timestamp) -> Self {
        Self {
            kind,
            at,
            until: None,
            count: 1,
            generation: 0,
            fingerprint: None,
            expires_at: None,
            took_ms: None,
            reason: None,
            note: None,
        }
    }
}

/// What the engine knows of a session besides its machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    pub(crate) identity: Option<Identity>,
    pub(crate) claims: Vec<(String, String)>,
    /// The claims of the access token before the one in hand.
    pub(crate) previous: Option<Vec<ClaimStatus>>,
    pub(crate) rotates: Option<bool>,
    pub(crate) prompt: Option<Box<SignInPrompt>>,
    pub(crate) skew: Option<SignedDuration>,
    pub(crate) updated: Option<SessionUpdate>,
    pub(crate) history: History,
}

/// A number JavaScript can hold exactly; counters and milliseconds do not get larger in a lifetime.
pub(crate) fn number(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// What may be seen of a session now; `consumers` tells of the programs, given the access token in hand.
pub(crate) fn status(
    session: &Session,
    provider: &str,
    beside: &Beside,
    consumers: impl FnOnce(Option<Fingerprint>) -> Vec<ConsumerStatus>,
    now: Stamp,
) -> SessionStatus {
    let held = session.held();
    let clock = |clock: Clock| ClockStatus {
        expires_at: clock.expires.wall.to_string(),
        source: clock.source.name().to_owned(),
    };
    let tally = session.tally();
    SessionStatus {
        account: session.account().to_string(),
        provider: provider.to_owned(),
        state: session.state().into(),
        reason: session.state().reason().map(|reason| reason_status(&reason)),
        headline: headline(session.headline(now)),
        generation: held.map_or(0, |held| number(held.facts.generation)),
        identity: held.and(beside.identity.clone()).filter(|identity| !identity.is_empty()),
        clocks: held.map_or_else(Clocks::default, |Held { facts, .. }| Clocks {
            access: (!facts.without_end()).then(|| clock(facts.access)),
            refresh: facts.refresh.map(clock),
            session: session.ceiling().map(clock),
        }),
        sign_in: beside.prompt.as_deref().cloned(),
        next: session.next(now).map(|next| NextStatus {
            action: next.action.into(),
            at: next.at.map(|at| at.wall.to_string()),
            why: next.why,
            code: next.wording.code.to_owned(),
            values: next.wording.values.into(),
        }),
        renewals: Renewals {
            count: number(tally.count),
            failed: number(tally.failed),
            last_ms: tally.last_ms.map(number),
        },
        access: held.map(|held| access(held, beside)),
        refresh: held.and_then(|Held { facts, .. }| {
            Some(RefreshStatus {
                fingerprint: facts.refresh_fingerprint?.to_string(),
                since: facts.received.wall.to_string(),
                rotates: beside.rotates,
            })
        }),
        clock_skew_ms: beside.skew.map(millis),
        updated: held.and(beside.updated.clone()),
        history: beside.history.shown(),
        consumers: consumers(held.map(|held| held.facts.access_fingerprint)),
    }
}

/// A difference of clocks; beyond 24 days it does not matter how large it is.
fn millis(difference: SignedDuration) -> i32 {
    let most = if difference.is_negative() { i32::MIN } else { i32::MAX };
    i32::try_from(difference.as_millis()).unwrap_or(most)
}

fn access(held: &Held, beside: &Beside) -> AccessStatus {
    let claims = beside.claims.iter();
    AccessStatus {
        received_at: held.facts.received.wall.to_string(),
        expires_at: held.facts.access.expires.wall.to_string(),
        margin_from: held.plan.margin_from.wall.to_string(),
        fingerprint: held.facts.access_fingerprint.to_string(),
        claims: claims
            .map(|(name, value)| ClaimStatus { name: name.clone(), value: value.clone() })
            .collect(),
    }
}

pub(crate) fn reason_status(reason: &Reason) -> ReasonStatus {
    ReasonStatus { code: reason.code().to_owned(), message: reason.message(), values: reason.values().into() }
}

fn headline(headline: CoreHeadline) -> Headline {
    let (kind, at) = match headline {
        CoreHeadline::SignedInUntil(at) => (HeadlineKind::SignedInUntil, Some(at)),
        CoreHeadline::SignedIn => (HeadlineKind::SignedIn, None),
        CoreHeadline::SignInAgainBy(at) => (HeadlineKind::SignInAgainBy, Some(at)),
        CoreHeadline::SigningIn => (HeadlineKind::SigningIn, None),
        CoreHeadline::SignedOut => (HeadlineKind::SignedOut, None),
        CoreHeadline::NeedsSignIn => (HeadlineKind::NeedsSignIn, None),
        CoreHeadline::Unknown => (HeadlineKind::Unknown, None),
    };
    Headline { kind, at: at.map(|at| at.to_string()) }
}
