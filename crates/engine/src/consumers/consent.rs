//! Whether a program may have a token of an account, and asking the person where it is not known.
//!
//! One question for each program and account, however often it asks; who asks waits for the answer as long as they
//! would wait for a token, and is told clearly if none has come.

use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::Fingerprint;
use latchkey_core::time::Stamp;

use super::digest::{self, Digest};
use super::rules::{ForNow, Rule, Verdict};
use super::{Consumer, Consumers, FileMark, Known, Program, Programs};
use crate::config::Consent;
use crate::error::EngineError;
use crate::ports::Clock;
use crate::snapshot::{ConsentName, ConsumerStatus};

/// How many programs may wait for an answer about one account. More are told to come back.
const MOST_ASKED: usize = 16;
/// How long a question stands when nobody asks any more.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// How many digests are remembered.
const MOST_DIGESTS: usize = 256;

/// What a person decides about a program and an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may, as long as it keeps asking: until it has not for ten minutes, twelve hours at most.
    AllowForNow,
    /// It may, until its executable changes.
    AllowForGood,
    /// Not now: until it is allowed again.
    Pause,
    /// It may not, whatever its executable becomes.
    Deny,
}

/// Why a program gets no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// The person has not answered yet.
    Asked,
    /// The person holds it back for now.
    Paused,
    /// The person refused it.
    Denied,
    /// The account wants to know who asks, and it cannot be told: another container, a replaced executable.
    Unknown,
    /// Too many programs wait for an answer already.
    Crowded,
}

impl Withheld {
    /// Stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Asked => "consent_needed",
            Self::Paused => "consumer_paused",
            Self::Denied => "consumer_denied",
            Self::Unknown => "consumer_unknown",
            Self::Crowded => "too_many_consumers",
        }
    }

    /// A sentence without its full stop.
    pub fn message(self) -> &'static str {
        match self {
            Self::Asked => "this account asks before a program gets a token, and nobody has answered yet",
            Self::Paused => "this program is held back for now from this account's tokens",
            Self::Denied => "this program may not have this account's tokens",
            Self::Unknown => {
                "this account asks before a program gets a token, and which program this is cannot be told"
            }
            Self::Crowded => "too many programs wait for leave to take this account's tokens",
        }
    }

    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Asked | Self::Crowded => {
                "answer in the window, or with `latchkey consumers allow ACCOUNT PROGRAM`"
            }
            Self::Paused | Self::Denied => "`latchkey consumers allow ACCOUNT PROGRAM` lets it",
            Self::Unknown => {
                "start it again if it was updated while it ran; a program in a container cannot be told apart"
            }
        }
    }
}

/// A program that waits for an answer.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    program: Program,
    digest: Digest,
    pid: Option<u32>,
    since: Stamp,
    last: Stamp,
}

/// What is known of a program that asks.
enum Verdicts {
    Go,
    No(Withheld),
    /// Whether this is the first time it asks.
    Ask(bool),
}

impl Consumers {
    /// Waits until the person has let this program, at most until the time given; `asked` is called with its name
    /// where it is the first time that it asks.
    ///
    /// # Errors
    /// [`EngineError::NotAllowed`].
    pub(crate) async fn settle(
        self: &Arc<Self>,
        account: &AccountName,
        consent: Consent,
        consumer: &Consumer,
        until: Stamp,
        clock: &dyn Clock,
        asked: impl Fn(String),
    ) -> Result<(), EngineError> {
        let refused = |why| Err(EngineError::NotAllowed { why });
        if consent == Consent::Open && self.known_anew().rules.of(account).next().is_none() {
            return Ok(());
        }
        let Some(program) = &consumer.program else {
            return if consent == Consent::Open { Ok(()) } else { refused(Withheld::Unknown) };
        };
        let digest = self.digest(program).await;
        let mut decided = self.decided.subscribe();
        loop {
            decided.borrow_and_update();
            match self.look(account, consent, consumer, digest.as_ref(), clock.now()) {
                Verdicts::Go => return Ok(()),
                Verdicts::No(why) => return refused(why),
                Verdicts::Ask(first) => {
                    if first {
                        asked(program.name());
                    }
                }
            }
            tokio::select! {
                _ = decided.changed() => {}
                () = clock.sleep_until(until.boot) => return refused(Withheld::Asked),
            }
        }
    }

    fn look(
        &self,
        account: &AccountName,
        consent: Consent,
        consumer: &Consumer,
        digest: Option<&Digest>,
        now: Stamp,
    ) -> Verdicts {
        let mut known = self.known_anew();
        let Known { accounts, rules, .. } = &mut *known;
        let Some(program) = &consumer.program else { return Verdicts::No(Withheld::Unknown) };
        // First, so that what has run out is forgotten before it is looked for.
        rules.forget_spent(now);
        let found = rules.find(account, &program.path, digest).map(|rule| rule.verdict);
        match (found, consent) {
            (Some(Verdict::Denied), _) => return Verdicts::No(Withheld::Denied),
            (Some(Verdict::Paused), _) => return Verdicts::No(Withheld::Paused),
            (Some(Verdict::Allowed), _) | (None, Consent::Open) => {
                rules.touch(account, &program.path, now);
                return Verdicts::Go;
            }
            (None, Consent::Ask) => {}
        }
        let Some(digest) = digest else { return Verdicts::No(Withheld::Unknown) };
        let asked = &mut accounts.entry(account.clone()).or_default().asked;
        asked.retain(|one| now.boot.saturating_sub(one.last.boot) < FORGOTTEN_AFTER);
        if let Some(one) = asked.iter_mut().find(|one| one.program == *program) {
            (one.last, one.pid) = (now, consumer.pid);
            return Verdicts::Ask(false);
        }
        if asked.len() >= MOST_ASKED {
            return Verdicts::No(Withheld::Crowded);
        }
        let (program, digest) = (program.clone(), digest.clone());
        asked.push(Asked { program, digest, pid: consumer.pid, since: now, last: now });
        Verdicts::Ask(true)
    }

    /// Whether a program waits for an answer about this account.
    pub(crate) fn asks(&self, account: &AccountName) -> bool {
        self.known().accounts.get(account).is_some_and(|programs| !programs.asked.is_empty())
    }

    /// Decides about a program by its id, its path, or its name where only one has it.
    ///
    /// # Errors
    /// [`EngineError::UnknownConsumer`] where no such program took a token or asks for one.
    pub(crate) async fn decide(
        self: &Arc<Self>,
        account: &AccountName,
        which: &str,
        decision: Decision,
        now: Stamp,
    ) -> Result<(), EngineError> {
        let program = self.named(account, which).ok_or(EngineError::UnknownConsumer)?;
        let asked = self.known().accounts.get(account).and_then(|all| {
            all.asked.iter().find(|one| one.program == program).map(|one| one.digest.clone())
        });
        let sha256 = match asked {
            Some(digest) => Some(digest),
            None => self.digest(&program).await,
        };
        let (verdict, for_now) = match decision {
            Decision::AllowForNow => (Verdict::Allowed, Some(ForNow::begin(now))),
            Decision::AllowForGood => (Verdict::Allowed, None),
            Decision::Pause => (Verdict::Paused, None),
            Decision::Deny => (Verdict::Denied, None),
        };
        if verdict == Verdict::Allowed && sha256.is_none() {
            return Err(EngineError::NotAllowed { why: Withheld::Unknown });
        }
        let mut known = self.known();
        if let Some(programs) = known.accounts.get_mut(account) {
            programs.asked.retain(|one| one.program.path != program.path);
        }
        tracing::info!(
            target: "latchkey::session",
            account = account.as_str(),
            kind = "consumer_decided",
            program = program.shown(),
            verdict = verdict.name(),
            for_good = for_now.is_none(),
            "{} is {} from now on",
            program.name(),
            verdict.name()
        );
        let rule = Rule { account: account.to_string(), path: program.path, sha256, verdict, for_now };
        known.rules.put(rule);
        drop(known);
        self.decided.send_modify(|count| *count = count.wrapping_add(1));
        Ok(())
    }

    /// The program somebody means.
    fn named(&self, account: &AccountName, which: &str) -> Option<Program> {
        let known = self.known_anew();
        let programs = known.accounts.get(account);
        let asked =
            programs.into_iter().flat_map(|programs| programs.asked.iter().map(|one| one.program.clone()));
        let took = programs.into_iter().flat_map(|programs| programs.ledger.programs());
        // A rule is about a path, whatever stands there now.
        let ruled = known.rules.of(account).map(|rule| {
            let found = std::fs::metadata(&rule.path);
            let file = found.map(|found| FileMark::of(&found)).unwrap_or_default();
            Program { path: rule.path.clone(), file }
        });
        // Who asks comes first: a question is about the file that stands there now.
        let all: Vec<_> = asked.chain(took).chain(ruled).collect();
        let exact = all.iter().find(|one| one.id() == which || one.path.as_os_str() == which);
        exact.cloned().or_else(|| {
            let mut same = all.iter().filter(|one| one.name() == which);
            let first = same.next()?;
            same.all(|other| other.path == first.path).then(|| first.clone())
        })
    }

    /// What the program's file is; read away from the runtime, once for each file.
    async fn digest(self: &Arc<Self>, program: &Program) -> Option<Digest> {
        if let Some(digest) = self.known().digests.get(program) {
            return Some(digest.clone());
        }
        let asked = program.clone();
        let digest = tokio::task::spawn_blocking(move || digest::of(&asked)).await.ok()??;
        let mut known = self.known();
        if known.digests.len() >= MOST_DIGESTS {
            known.digests.clear();
        }
        known.digests.insert(program.clone(), digest.clone());
        Some(digest)
    }
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Paused => "paused",
            Self::Denied => "denied",
        }
    }
}

/// All that may be seen of an account's programs: those that ask, those that took a token, those that were decided
/// about before.
pub(super) fn statuses(
    known: &Known,
    account: &AccountName,
    consent: Consent,
    in_hand: Option<Fingerprint>,
    now: Stamp,
) -> Vec<ConsumerStatus> {
    let Known { accounts, rules, digests, .. } = known;
    let mut all = Vec::new();
    let mut seen: Vec<&Path> = Vec::new();
    if let Some(Programs { ledger, asked }) = accounts.get(account) {
        for one in asked {
            seen.push(&one.program.path);
            all.push(ConsumerStatus {
                pid: one.pid,
                consent: ConsentName::Asked,
                asked_at: Some(one.since.wall.to_string()),
                ..of(&one.program)
            });
        }
        for (program, mut status) in ledger.statuses(in_hand) {
            let Some(program) = program else {
                all.push(status);
                continue;
            };
            if asked.iter().any(|one| one.program == *program) {
                continue;
            }
            let rule = rules.find(account, &program.path, digests.get(program));
            seen.push(&program.path);
            (status.consent, status.allowed_until) = shown_verdict(rule, consent, now);
            all.push(status);
        }
    }
    for rule in rules.of(account).filter(|rule| !seen.contains(&rule.path.as_path())) {
        let (consent, allowed_until) = shown_verdict(Some(rule), consent, now);
        let program = Program { path: rule.path.clone(), file: FileMark::default() };
        // It is known by its path: which file stands there now is of no matter until it asks.
        all.push(ConsumerStatus { id: program.shown(), consent, allowed_until, ..of(&program) });
    }
    all
}

/// A program that has taken nothing yet.
fn of(program: &Program) -> ConsumerStatus {
    ConsumerStatus {
        id: program.id(),
        program: Some(program.shown()),
        name: Some(program.name()),
        pid: None,
        fingerprint: None,
        generation: None,
        taken_at: None,
        expires_at: None,
        current: false,
        times: 0,
        consent: ConsentName::Open,
        asked_at: None,
        allowed_until: None,
    }
}

fn shown_verdict(rule: Option<&Rule>, consent: Consent, now: Stamp) -> (ConsentName, Option<String>) {
    let Some(rule) = rule else {
        // Whoever took a token and may no more is asked about when it comes back.
        let name = if consent == Consent::Ask { ConsentName::Lapsed } else { ConsentName::Open };
        return (name, None);
    };
    let until = rule.for_now.map(|for_now| now.wall.saturating_add(for_now.left(now)));
    let name = match rule.verdict {
        Verdict::Allowed if rule.for_now.is_some_and(|for_now| for_now.left(now) <= SignedDuration::ZERO) => {
            ConsentName::Lapsed
        }
        Verdict::Allowed => ConsentName::Allowed,
        Verdict::Paused => ConsentName::Paused,
        Verdict::Denied => ConsentName::Denied,
    };
    (name, until.and_then(Result::ok).map(|at| at.to_string()))
}

#[cfg(all(test, unix))]
mod tests;
