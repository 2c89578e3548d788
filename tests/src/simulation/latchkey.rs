//! Ours: the session machine of `core`, as it is, with what the engine does around it (one repeat of an exchange
//! whose reply was lost, a look at the clocks every minute).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::disposition::{Answer, Body, ErrorCode, Failure};
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::policy::Policy;
use latchkey_core::reason::Reason;
use latchkey_core::session::{
    self, Asker, Authenticated, Effect, EffectId, Input, Loaded, Renewal, Session, State,
};
use latchkey_core::time::{Jitter, Now, Stamp};
use latchkey_core::token_set::{Clock, Source, TokenFacts};

use super::backend::Grant;
use super::policy_run::{After, Alarm, Look, Moment, Outcome, Schedule, Wish};
use super::seed::Draw;
use super::{BEGIN, MINUTE, Millis, SECOND};

/// The engine looks at the clocks at least this often (`actor`, `LONGEST_SLEEP`).
const LONGEST_SLEEP: Millis = MINUTE;
/// Within this after it began, an exchange whose reply was lost is repeated (`renewal`, `REPEAT_WITHIN`).
const REPEAT_WITHIN: Millis = 10 * SECOND;
/// The proposed limit for a reply: a repeat then still falls into the shortest grace windows that are common (10 s).
const PROPOSED_PATIENCE: Millis = 8 * SECOND;
/// The proposed longest wait during [`PROPOSED_KEENNESS`] after the expiry (`faults.md`, section 9).
const PROPOSED_WAIT: Millis = 30 * SECOND;
/// How long that holds; the limits of `core` follow.
const PROPOSED_KEENNESS: Millis = 15 * MINUTE;

/// What is added to the machine as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum With {
    /// Nothing.
    Nothing,
    /// The news that the network is back ends a wait that the network caused.
    News,
    /// That, waits of at most a minute for a quarter of an hour after the expiry, and less patience with a reply.
    Proposal,
}

/// The session machine in a simulation.
pub struct Latchkey {
    session: Session,
    fingerprints: FingerprintKey,
    draw: Draw,
    awaited: Option<EffectId>,
    generation: u64,
    began: Millis,
    repeated: bool,
    with: With,
    /// When the proposal tries again, where that is earlier than the machine does.
    retry: Option<Millis>,
}

impl Latchkey {
    /// The machine as it is, with something added.
    pub fn new(seed: u64, with: With) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let now = now(Moment { boot: 0, wall: 0, awake: 0 }, Jitter(0));
        let opened = session::open(AccountName::new("work").unwrap(), Policy::default(), now);
        let awaited = opened
            .effects
            .iter()
            .find_map(|effect| if let Effect::Load(id) = effect { Some(*id) } else { None });
        Self {
            session: opened.session,
            fingerprints: FingerprintKey::new(key),
            draw: Draw::new(seed, 88),
            awaited,
            generation: 0,
            began: 0,
            repeated: false,
            with,
            retry: None,
        }
    }

    /// Feeds the machine; gives back whether it wants a renewal.
    fn input(&mut self, input: Input, at: Moment) -> bool {
        let step = session::step(self.session.clone(), input, now(at, Jitter(self.draw.short())));
        self.session = step.session;
        let mut renews = false;
        for effect in step.effects {
            match effect {
                Effect::Renew { id, .. } => {
                    (self.awaited, self.began, self.repeated, renews) = (Some(id), at.boot, false, true);
                }
                Effect::Load(id) | Effect::Authenticate(id) => self.awaited = Some(id),
                Effect::Save(_)
                | Effect::Wipe(_)
                | Effect::Publish { .. }
                | Effect::Forget
                | Effect::Notify(_)
                | Effect::Record(_) => {}
            }
        }
        renews
    }

    fn facts(&mut self, grant: Grant, at: Moment) -> TokenFacts {
        self.generation += 1;
        let received = stamp(at);
        let lifetime = SignedDuration::from_millis(grant.expires - grant.issued);
        TokenFacts {
            generation: self.generation,
            received,
            access: Clock { expires: received.plus(lifetime), source: Source::ExpiresIn },
            refresh: None,
            session: grant.ceiling.map(|end| {
                let left = SignedDuration::from_millis(end - grant.issued);
                Clock { expires: received.plus(left), source: Source::SessionExpiry }
            }),
            access_fingerprint: self.fingerprints.of(&format!("access {}", grant.refresh)),
            refresh_fingerprint: Some(self.fingerprints.of(&format!("refresh {}", grant.refresh))),
            quarantined: None,
        }
    }

    /// When the proposal tries again: within [`PROPOSED_WAIT`] while the expiry is not long ago. What the backend asks
    /// for is respected.
    fn proposed_retry(&mut self, outcome: Outcome, at: Moment) -> Option<Millis> {
        let State::Waiting { .. } = self.session.state() else { return None };
        let expires = self.session.held()?.facts.access.expires;
        let since = Millis::try_from(expires.age(stamp(at)).as_millis()).unwrap_or(Millis::MAX);
        let keen = self.with == With::Proposal && (0..PROPOSED_KEENNESS).contains(&since);
        let asked = matches!(outcome, Outcome::Busy(_, Some(_)));
        (keen && !asked).then(|| at.boot + self.draw.between(PROPOSED_WAIT / 2, PROPOSED_WAIT))
    }

    /// Whether it waits for something that ends with the network's return.
    fn waits_for_network(&self) -> bool {
        let State::Waiting { reason, .. } = self.session.state() else { return false };
        let of_the_network = BTreeSet::from(["unreachable", "reply_lost", "not_the_provider"]);
        *reason != Reason::Storm && of_the_network.contains(reason.code())
    }
}

impl Schedule for Latchkey {
    fn signed_in(&mut self, grant: Grant, at: Moment) {
        let facts = self.facts(grant, at);
        if let Some(id) = self.awaited.take() {
            self.input(Input::Loaded(id, Loaded::Absent), at);
        }
        self.input(Input::SignInRequested, at);
        let id = self.awaited.take().unwrap();
        self.input(Input::Authenticated(id, Authenticated::Done(facts)), at);
    }

    fn alarm(&self, at: Moment) -> Option<Alarm> {
        let left =
            Millis::try_from(self.session.deadline()?.left(stamp(at)).as_millis()).unwrap_or(Millis::MAX);
        // Deadlines are finer than a millisecond: one that has not quite come is looked at after it has.
        let left = self.retry.map_or(left, |retry| left.min(retry - at.boot)) + 1;
        Some(Alarm { after: left.max(0), longest_sleep: LONGEST_SLEEP, through_suspend: true })
    }

    fn hears(&self, look: Look) -> bool {
        look == Look::Network && self.with >= With::News
    }

    fn patience(&self) -> Millis {
        if self.with == With::Proposal { PROPOSED_PATIENCE } else { 30 * SECOND }
    }

    fn look(&mut self, look: Look, at: Moment) -> Wish {
        let input = match look {
            Look::Timer if self.retry.is_some_and(|retry| retry <= at.boot) => {
                self.retry = None;
                Input::RenewRequested(Asker::Person)
            }
            // What the news is to the machine until it has an input of its own.
            Look::Network if self.waits_for_network() => Input::RenewRequested(Asker::Person),
            Look::Timer if self.session.deadline().is_some_and(|at_last| at_last.passed(stamp(at))) => {
                Input::TimePassed
            }
            Look::Timer | Look::Network | Look::Call | Look::Focus => return Wish::Nothing,
        };
        if self.input(input, at) { Wish::Refresh } else { Wish::Nothing }
    }

    fn answered(&mut self, outcome: Outcome, at: Moment) -> After {
        let repeats = !self.repeated && at.boot - self.began <= REPEAT_WITHIN;
        if repeats && matches!(outcome, Outcome::NoReply { .. }) {
            self.repeated = true;
            return After::Again;
        }
        let after_lost_reply = self.repeated;
        let failed = |failure| Renewal::Failed { failure, after_lost_reply };
        let renewal = match outcome {
            Outcome::Tokens(grant) => {
                let took_ms = u64::try_from(at.boot - self.began).unwrap_or_default();
                Renewal::Done { facts: self.facts(grant, at), took_ms }
            }
            Outcome::NotSent => failed(Failure::NotSent { what: String::new() }),
            Outcome::NoReply { .. } => failed(Failure::NoReply),
            Outcome::Portal(200) => failed(answered(200, Body::NotJson, None)),
            Outcome::Portal(status) => failed(answered(status, Body::Redirect, None)),
            Outcome::Busy(status, wait) => failed(answered(status, Body::Empty, wait)),
            Outcome::Refused => {
                failed(answered(400, Body::Verdict { code: ErrorCode::InvalidGrant, said: None }, None))
            }
        };
        let id = self.awaited.take().unwrap();
        self.input(Input::Renewed(id, renewal), at);
        self.retry = self.proposed_retry(outcome, at);
        let over = matches!(self.session.state(), State::NeedsSignIn { .. });
        if over { After::SignIn } else { After::GoesOn }
    }
}

fn answered(status: u16, body: Body, wait: Option<Millis>) -> Failure {
    Failure::Answered(Answer { status, body, retry_after: wait.map(SignedDuration::from_secs) })
}

/// The stamp of a moment.
pub(super) fn stamp(at: Moment) -> Stamp {
    let wall = Timestamp::from_millisecond(BEGIN * 1000 + at.wall).unwrap();
    Stamp { wall, boot: SignedDuration::from_millis(at.boot) }
}

fn now(at: Moment, jitter: Jitter) -> Now {
    Now { stamp: stamp(at), jitter }
}
