//! Ours: the session machine of `core`, as it is, with what the engine does around it: one repeat of an exchange whose
//! reply was lost, and news of wakes, set clocks and links.

use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::disposition::{Answer, Body, ErrorCode, Failure};
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::freshness;
use latchkey_core::limits::Usage;
use latchkey_core::policy::Policy;
use latchkey_core::session::{
    self, Asker, Authenticated, Effect, EffectId, Failed, Input, Loaded, Renewal, Sealed, Session, State,
};
use latchkey_core::time::{Jitter, Now, Stamp};
use latchkey_core::token_set::{Clock, Source, TokenFacts};

use super::backend::Grant;
use super::policy_run::{After, Alarm, Look, Moment, Outcome, Schedule, Wish};
use super::seed::Draw;
use super::{BEGIN, DAY, Millis, SECOND};

/// Within this after it began, an exchange whose reply was lost is repeated (`workshop/renewal`, `REPEAT_WITHIN`).
const REPEAT_WITHIN: Millis = 10 * SECOND;
/// The shortest sleep of the machine that counts as one (`actor`, `SLEPT`).
const SLEPT: Millis = 2 * SECOND;
/// After how long the client notices that a connection is dead: `ALIVE_*` in engine/src/http.rs.
const DEAD_AFTER: Millis = 9_000;
/// What a program wants a token to be good for, at least.
const WANTED: SignedDuration = SignedDuration::from_secs(30);
/// Nothing is looked at in between: whatever matters is told.
const LONGEST_SLEEP: Millis = 400 * DAY;

/// The session machine in a simulation.
pub struct Latchkey {
    session: Session,
    fingerprints: FingerprintKey,
    draw: Draw,
    awaited: Option<EffectId>,
    generation: u64,
    began: Millis,
    repeated: bool,
    /// How long the machine had slept when that was looked at last.
    asleep: Millis,
    /// Whether programs ask it for tokens.
    asked: bool,
}

impl Latchkey {
    /// The machine as it is; its jitter is drawn from the seed.
    pub fn new(seed: u64) -> Self {
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
            asleep: 0,
            asked: true,
        }
    }

    /// One that no program asks for anything.
    pub fn unasked(seed: u64) -> Self {
        Self { asked: false, ..Self::new(seed) }
    }

    /// Feeds the machine; gives back what it wants done that takes its time.
    fn input(&mut self, input: Input, at: Moment) -> Wish {
        let step = session::step(self.session.clone(), input, now(at, Jitter(self.draw.short())));
        self.session = step.session;
        let (mut wish, mut sealed) = (Wish::Nothing, None);
        for effect in step.effects {
            match effect {
                Effect::Renew { id, .. } => {
                    (self.awaited, self.began, self.repeated, wish) =
                        (Some(id), at.boot, false, Wish::Refresh);
                }
                Effect::Probe { id, look } => {
                    let looks = if look == session::Look::Route { Wish::Route } else { Wish::Probe };
                    (self.awaited, wish) = (Some(id), looks);
                }
                Effect::Load(id) | Effect::Authenticate(id) => self.awaited = Some(id),
                Effect::Seal { id, .. } => sealed = Some(id),
                // Nobody signs out here, and the vault takes what it is given.
                Effect::Save(_)
                | Effect::Wipe { .. }
                | Effect::Expire(_)
                | Effect::Mark(_)
                | Effect::Revoke { .. }
                | Effect::AbandonSignIn
                | Effect::Publish { .. }
                | Effect::Forget
                | Effect::Notify(_)
                | Effect::Record(_) => {}
            }
        }
        match sealed {
            Some(id) => self.input(Input::Sealed(id, Sealed::Done), at),
            None => wish,
        }
    }

    /// What the engine notices of a sleep as soon as it does anything at all.
    fn notice_sleep(&mut self, at: Moment) -> Wish {
        let asleep = at.boot - at.awake;
        if asleep - self.asleep < SLEPT {
            return Wish::Nothing;
        }
        self.asleep = asleep;
        self.input(Input::NetworkChanged, at)
    }

    /// Whether a program's request is more than a look at what is in hand.
    fn wanting(&self, at: Moment) -> bool {
        let renewable = matches!(self.session.state(), State::SignedIn | State::Waiting { .. });
        renewable
            && self.session.held().is_some_and(|held| !freshness::covers(&held.facts, WANTED, stamp(at)))
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
            usage: Usage::beginning(received),
            access_fingerprint: self.fingerprints.of(&format!("access {}", grant.refresh)),
            refresh_fingerprint: Some(self.fingerprints.of(&format!("refresh {}", grant.refresh))),
            quarantined: None,
        }
    }
}

impl Schedule for Latchkey {
    /// What is lost in the world is lost with its connection, and that is noticed (docs/decisions/0018).
    fn patience(&self) -> Millis {
        DEAD_AFTER
    }

    fn signed_in(&mut self, grant: Grant, at: Moment) {
        let facts = self.facts(grant, at);
        if let Some(id) = self.awaited.take() {
            self.input(Input::Loaded(id, Loaded::Absent), at);
        }
        self.asleep = at.boot - at.awake;
        self.input(Input::SignInRequested, at);
        let id = self.awaited.take().unwrap();
        self.input(Input::Authenticated(id, Authenticated::Done(facts)), at);
    }

    fn alarm(&self, at: Moment) -> Option<Alarm> {
        let left = self.session.deadline()?.left(stamp(at)).as_millis();
        let left = Millis::try_from(left).unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP);
        // Deadlines are finer than a millisecond: one that has not quite come is looked at after it has.
        Some(Alarm { after: (left + 1).max(0), longest_sleep: LONGEST_SLEEP, through_suspend: true })
    }

    fn hears(&self, look: Look) -> bool {
        matches!(look, Look::Clock | Look::Link) || look == Look::Call && self.asked
    }

    fn look(&mut self, look: Look, at: Moment) -> Wish {
        let woken = self.notice_sleep(at);
        if woken != Wish::Nothing {
            return woken;
        }
        let input = match look {
            Look::Timer if self.session.deadline().is_none_or(|due| !due.passed(stamp(at))) => {
                return Wish::Nothing;
            }
            Look::Timer | Look::Clock => Input::TimePassed,
            Look::Link => Input::NetworkChanged,
            Look::Call if self.wanting(at) => Input::RenewRequested(Asker::Program),
            Look::Call | Look::Focus => return Wish::Nothing,
        };
        self.input(input, at)
    }

    fn probed(&mut self, answers: bool, at: Moment) -> Wish {
        let id = self.awaited.take().unwrap();
        self.input(Input::Probed(id, answers), at)
    }

    fn answered(&mut self, outcome: Outcome, at: Moment) -> After {
        let repeats = !self.repeated && at.boot - self.began <= REPEAT_WITHIN;
        if repeats && matches!(outcome, Outcome::NoReply { .. }) {
            self.repeated = true;
            return After::Again;
        }
        let after_lost_reply = self.repeated;
        let failed = |failure| Renewal::Failed(Failed { failure, after_lost_reply, skew: None });
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
