//! One month of a session, from its first use on.

use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::disposition::{Answer, Body, ErrorCode, Failure};
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::limits::Usage;
use latchkey_core::session::{
    self, Authenticated, Effect, EffectId, Expired, Failed, Input, Loaded, Renewal, Revocation, Sealed,
    Session, State, Wiped,
};
use latchkey_core::time::{Jitter, Now, Stamp};
use latchkey_core::token_set::{Clock, Source, TokenFacts};

use super::life::{DAY, WEEK};
use super::{CELLS, Cell, DAYS, Day, Forecast, Life, Question, SignedOut};

/// Seconds of a minute, minutes of a cell, and days of a month.
const MINUTE: i64 = 60;
const CELL: i64 = 30;
const MONTH: i64 = 31;
/// The first midnight: a Monday, 2026-01-05, UTC. Which one it is does not matter.
const BEGIN: i64 = 1_767_571_200;
/// An exchange takes a moment, so that nothing happens twice in one.
const EXCHANGE: i64 = 1;

/// Foresees a month. The same question has the same answer each time.
///
/// A session whose renewal was due while the lid was closed is renewed at the wake; one that ended is noticed at the next
/// use, and the person signs in again then.
pub fn foresee(account: &AccountName, question: &Question, life: &Life) -> Forecast {
    let mut month = Month::new(account, question, life);
    month.lives();
    month.told
}

struct Month<'a> {
    question: &'a Question,
    life: &'a Life,
    session: Session,
    fingerprints: FingerprintKey,
    generation: u64,
    /// The time, in seconds since the first midnight.
    now: i64,
    /// What the vault holds of the session's use.
    usage: Usage,
    /// When the newest refresh token ends, and when the provider ends the session.
    refresh_until: i64,
    session_until: Option<i64>,
    /// When the account's limit came that the machine has just seen.
    limit_came: Option<i64>,
    told: Forecast,
}

impl<'a> Month<'a> {
    fn new(account: &AccountName, question: &'a Question, life: &'a Life) -> Self {
        let begin = stamp(0);
        let opened =
            session::open(account.clone(), question.policy.clone(), Now { stamp: begin, jitter: Jitter(0) });
        let day = |name: &&str| Day { name: (*name).to_owned(), cells: vec![Cell::Out; CELLS] };
        let days = WEEK.iter().cycle().take(DAYS).map(day).collect();
        let told = Forecast {
            life: life.name.clone(),
            sign_outs: Vec::new(),
            sign_ins: 0,
            renewals: 0,
            requests: 0,
            without_token_s: 0,
            at_work_s: 0,
            days,
        };
        let mut month = Self {
            question,
            life,
            session: opened.session,
            fingerprints: FingerprintKey::new([0; 32]),
            generation: 0,
            now: 0,
            usage: Usage::beginning(begin),
            refresh_until: 0,
            session_until: None,
            limit_came: None,
            told,
        };
        for effect in opened.effects {
            if let Effect::Load(id) = effect {
                month.input(Input::Loaded(id, Loaded::Absent));
            }
        }
        month
    }

    /// Minute by minute where the lid is open; what is due within a minute is done at its moment.
    fn lives(&mut self) {
        let end = MONTH * DAY;
        let (mut was_open, mut was_online) = (false, true);
        for minute in 0..end {
            let begins = minute * MINUTE;
            let (open, online) = (self.life.is_open(minute), self.life.is_online(minute));
            if open {
                self.now = self.now.max(begins);
                if !was_open || online != was_online {
                    self.input(Input::NetworkChanged);
                }
                self.what_is_due_until(begins);
                if minute % self.life.uses_every == 0 || !was_open {
                    self.is_used(online);
                }
                self.what_is_due_until(begins + MINUTE - 1);
                self.counts(online);
            }
            self.draws(minute, open, online);
            (was_open, was_online) = (open, online);
        }
    }

    fn what_is_due_until(&mut self, until: i64) {
        // Nothing keeps a machine busy for ever; the bound is for one that does.
        for _ in 0..1000 {
            let Some(deadline) = self.session.deadline() else { break };
            let left = deadline.left(stamp(self.now));
            let due = self.now + left.as_secs().max(0) + i64::from(left.subsec_nanos() > 0);
            if due > until {
                break;
            }
            self.now = due;
            self.input(Input::TimePassed);
        }
        self.now = self.now.max(until);
    }

    /// A program wants a token; a person who has none and can be asked signs in.
    fn is_used(&mut self, online: bool) {
        let out = matches!(self.session.state(), State::SignedOut { .. } | State::NeedsSignIn { .. });
        if out && online {
            self.told.sign_ins += 1;
            self.told.requests += 1;
            self.input(Input::SignInRequested);
        }
        if self.session.held().is_some() {
            self.input(Input::Used);
        }
    }

    fn counts(&mut self, online: bool) {
        let minute = u32::try_from(MINUTE).unwrap_or(60);
        if !online {
            return;
        }
        self.told.at_work_s += minute;
        let valid =
            self.session.held().is_some_and(|held| !held.facts.access.expires.passed(stamp(self.now)));
        if !valid {
            self.told.without_token_s += minute;
        }
    }

    fn draws(&mut self, minute: i64, open: bool, online: bool) {
        let signed_in =
            self.session.held().is_some() && !matches!(self.session.state(), State::NeedsSignIn { .. });
        let cell = match (open, signed_in) {
            (true, _) if !online => Cell::Offline,
            (true, true) => Cell::SignedIn,
            (false, true) => Cell::Asleep,
            (_, false) => Cell::Out,
        };
        self.draw(minute, cell);
    }

    fn draw(&mut self, minute: i64, cell: Cell) {
        if let Some(drawn) = self.cell(minute) {
            *drawn = (*drawn).max(cell);
        }
    }

    /// Nobody knew it until now, with the lid closed.
    fn is_out_since(&mut self, minute: i64) {
        for later in minute..self.now / MINUTE {
            if let Some(cell) = self.cell(later).filter(|cell| **cell == Cell::Asleep) {
                *cell = Cell::Out;
            }
        }
        self.draw(minute, Cell::SignedOut);
    }

    fn cell(&mut self, minute: i64) -> Option<&mut Cell> {
        let at = |whole: i64| usize::try_from(whole).unwrap_or_default();
        self.told.days.get_mut(at(minute / DAY))?.cells.get_mut(at(minute % DAY / CELL))
    }

    fn input(&mut self, input: Input) {
        let before = matches!(self.session.state(), State::SignedOut { .. } | State::NeedsSignIn { .. });
        if let Some(end) = self.session.end().filter(|end| end.over(stamp(self.now))) {
            self.limit_came = Some(end.at.boot.as_secs());
        }
        let step =
            session::step(self.session.clone(), input, Now { stamp: stamp(self.now), jitter: Jitter(0) });
        self.session = step.session;
        let answers: Vec<_> = step.effects.iter().filter_map(|effect| self.does(effect)).collect();
        for answer in answers {
            self.input(answer);
        }
        let ended = match self.session.state() {
            State::SignedOut { reason } | State::NeedsSignIn { reason } if !before => Some(reason.clone()),
            State::SignedOut { .. }
            | State::NeedsSignIn { .. }
            | State::SigningIn { .. }
            | State::SignedIn
            | State::Renewing { .. }
            | State::Saving { .. }
            | State::Waiting { .. } => None,
        };
        let known = self.told.sign_outs.len() >= usize::try_from(self.told.sign_ins).unwrap_or(usize::MAX);
        if let Some(reason) = ended.filter(|_| self.told.sign_ins > 0 && !known) {
            // A limit that came under a closed lid came then, and not when somebody looked.
            let minute = self.limit_came.take().unwrap_or(self.now) / MINUTE;
            self.told.sign_outs.push(SignedOut {
                day: u32::try_from(minute / DAY + 1).unwrap_or_default(),
                minute: u32::try_from(minute % DAY).unwrap_or_default(),
                code: reason.code().to_owned(),
                message: reason.message(),
                values: reason.values().into(),
                away: !(self.life.is_open(minute) && self.life.is_online(minute)),
            });
            self.is_out_since(minute);
        }
    }

    /// Does what the machine wants done, in a world that keeps its promises.
    fn does(&mut self, effect: &Effect) -> Option<Input> {
        let online = self.life.is_online(self.now / MINUTE);
        Some(match *effect {
            Effect::Load(id) => Input::Loaded(id, Loaded::Absent),
            Effect::Authenticate(id) => {
                let end = |lifetime: SignedDuration| self.now + lifetime.as_secs();
                self.session_until = self.question.provider.session.map(end);
                self.usage = Usage::beginning(stamp(self.now));
                Input::Authenticated(id, Authenticated::Done(self.issued()))
            }
            Effect::Renew { id, .. } => Input::Renewed(id, self.renewal(online)),
            Effect::Probe { id, .. } => Input::Probed(id, online),
            Effect::Save(id) => Input::Saved(id, Ok(())),
            Effect::Seal { id, .. } => Input::Sealed(id, Sealed::Done),
            Effect::Wipe { id, .. } => Input::Wiped(id, Ok(Wiped::Gone)),
            Effect::Expire(id) => self.expired(id),
            Effect::Revoke { id, .. } => Input::Revoked(id, Revocation::Done),
            Effect::Mark(usage) => {
                self.usage = usage;
                return None;
            }
            Effect::AbandonSignIn
            | Effect::Publish { .. }
            | Effect::Forget
            | Effect::Notify(_)
            | Effect::Record(_) => return None,
        })
    }

    /// Nobody else uses the session, so the machine is right; the provider is told.
    fn expired(&mut self, id: EffectId) -> Input {
        self.told.requests += 1;
        Input::Expired(id, Expired::Over(Wiped::Gone))
    }

    fn renewal(&mut self, online: bool) -> Renewal {
        let failed = |failure| Renewal::Failed(Failed { failure, after_lost_reply: false, skew: None });
        if !online {
            return failed(Failure::NotSent { what: "there is no network".to_owned() });
        }
        self.told.requests += 1;
        self.now += EXCHANGE;
        let over =
            self.refresh_until <= self.now || self.session_until.is_some_and(|until| until <= self.now);
        if over {
            let body = Body::Verdict { code: ErrorCode::InvalidGrant, said: None };
            return failed(Failure::Answered(Answer { status: 400, body, retry_after: None }));
        }
        self.told.renewals += 1;
        Renewal::Done { facts: self.issued(), took_ms: 1000 }
    }

    /// A token set of now. Nothing outlives the provider's own end of the session.
    fn issued(&mut self) -> TokenFacts {
        self.generation += 1;
        let received = stamp(self.now);
        let session = self.session_until;
        let until = |lifetime: SignedDuration| {
            let own = self.now.saturating_add(lifetime.as_secs());
            session.map_or(own, |session| own.min(session))
        };
        let (access, refresh) = (until(self.question.provider.access), until(self.question.provider.refresh));
        self.refresh_until = refresh;
        let clock = |at: i64, source| Clock { expires: stamp(at), source };
        TokenFacts {
            generation: self.generation,
            received,
            access: clock(access, Source::ExpiresIn),
            refresh: Some(clock(refresh, Source::RefreshExpiresIn)),
            session: session.map(|at| clock(at, Source::SessionExpiry)),
            usage: self.usage,
            access_fingerprint: self.fingerprints.of(&format!("access {}", self.generation)),
            refresh_fingerprint: Some(self.fingerprints.of(&format!("refresh {}", self.generation))),
            quarantined: None,
        }
    }
}

/// A moment of the month: both clocks are right.
fn stamp(secs: i64) -> Stamp {
    let boot = SignedDuration::from_secs(secs);
    let wall = Timestamp::from_second(BEGIN).unwrap_or(Timestamp::UNIX_EPOCH);
    Stamp { wall: wall.saturating_add(boot).unwrap_or(wall), boot }
}

#[cfg(test)]
mod tests;
