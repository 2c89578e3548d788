//! One way of renewing lives through one world, alone on its machine.

use std::collections::BTreeMap;

use super::backend::{Backend, Grant, Refusal};
use super::gaps::{Cause, long, without};
use super::seed::Draw;
use super::world::{Fate, World};
use super::{MINUTE, Millis, SECOND};

/// A program on the machine wants a token this often while the machine is awake.
const CALLS: Millis = MINUTE;
/// Until somebody looks at the screen after the lid was opened.
const FOCUS: Millis = 5 * SECOND;
/// Until a person has noticed that a sign-in is needed, and has signed in.
const PERSON: Millis = 2 * MINUTE;
/// How long a client waits for a reply, unless it says otherwise: pizauth's and our own limit.
const REPLY: Millis = 30 * SECOND;
/// How long a look at this machine's own routes takes: two system calls, and a turn of a busy machine.
const ROUTE: Millis = 2;
/// A moment, on the clocks a program may look at.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Counted through suspend, never set.
    pub boot: Millis,
    /// What people see; may be set.
    pub wall: Millis,
    /// Stands still during suspend: what timers follow by default on Linux and in browsers.
    pub awake: Millis,
}

/// When a program looks by itself.
#[derive(Clone, Copy, Debug)]
pub struct Alarm {
    /// After so long, as far as it knows now.
    pub after: Millis,
    /// It never sleeps longer than this: a clock that was set is noticed then.
    pub longest_sleep: Millis,
    /// Whether its timer counts through suspend (and rings at the wake) or stands still.
    pub through_suspend: bool,
}

/// Why a program looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Its own timer.
    Timer,
    /// Somebody wants a token.
    Call,
    /// Its window was looked at again.
    Focus,
    /// The machine woke, or its clock was set.
    Clock,
    /// A link came or went.
    Link,
}

/// What a program does after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    Nothing,
    /// It sends its refresh token.
    Refresh,
    /// It asks whether the backend takes connections, and sends nothing.
    Probe,
    /// It looks whether the machine has a route, and asks the backend as above only where there is none.
    Route,
    /// It sends the person to sign in.
    SignIn,
}

/// How an exchange ended, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With tokens.
    Tokens(Grant),
    /// The request never left.
    NotSent,
    /// It left, and no reply came: reset, or waited for in vain.
    NoReply {
        /// Whether it was waited for in vain.
        slow: bool,
    },
    /// A page or a redirect (200, 302).
    Portal(u16),
    /// An error status without a verdict, and the seconds to wait.
    Busy(u16, Option<Millis>),
    /// `invalid_grant`.
    Refused,
}

/// What a program does after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It goes on.
    GoesOn,
    /// It sends the same token once more, at once.
    Again,
    /// It sends the person to sign in, and goes on handing out the access token in hand.
    SignIn,
    /// It throws its tokens away and sends the person to sign in.
    DropAndSignIn,
}

/// A way of renewing.
pub trait Schedule {
    /// Somebody has signed in.
    fn signed_in(&mut self, grant: Grant, now: Moment);
    /// When it looks next by itself.
    fn alarm(&self, now: Moment) -> Option<Alarm>;
    /// Whether it does anything at such a look.
    fn hears(&self, look: Look) -> bool;
    /// How long it waits for a reply.
    fn patience(&self) -> Millis {
        REPLY
    }
    /// It looks.
    fn look(&mut self, look: Look, now: Moment) -> Wish;
    /// It has asked whether the backend takes connections.
    fn probed(&mut self, _answers: bool, _now: Moment) -> Wish {
        Wish::Nothing
    }
    /// An exchange has ended.
    fn answered(&mut self, outcome: Outcome, now: Moment) -> After;
}

/// Why a person had to sign in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// The backend had ended the session: unused for too long, or its ceiling.
    TrueRefusal,
    /// A reply was lost and the backend took the repeat for theft: nobody could have kept this session.
    LostReply,
    /// The backend would have renewed: the client gave up by itself, or sent what it should not have sent.
    OwnFault,
}

impl Loss {
    /// What a session's end was, by the backend's verdict on the token that is stored.
    pub fn by(verdict: Option<Refusal>) -> Self {
        match verdict {
            Some(Refusal::Idle | Refusal::Ceiling) => Self::TrueRefusal,
            Some(Refusal::LostReply) => Self::LostReply,
            Some(Refusal::Reused | Refusal::Unknown) | None => Self::OwnFault,
        }
    }
}

/// What a year was like.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How long the machine was awake and the backend could be asked.
    pub reachable: Millis,
    /// How much of that without a valid access token.
    pub without: Millis,
    /// The same by its cause.
    pub causes: BTreeMap<Cause, Millis>,
    /// Sessions lost, by cause.
    pub lost: BTreeMap<Loss, u32>,
    /// When the backend saw a request.
    pub requests: Vec<Millis>,
    /// How often a timer rang.
    pub wake_ups: u64,
    /// What ended sessions that the backend would have renewed.
    pub faults: BTreeMap<String, u32>,
}

/// One run.
struct Run<'a> {
    world: &'a World,
    backend: Backend,
    schedule: &'a mut dyn Schedule,
    tally: Tally,
    grant: Grant,
    /// What the backend said the last time it refused.
    refusal: Option<Refusal>,
    /// From when until when a valid access token was in hand.
    valid: Vec<(Millis, Millis)>,
    /// From when until when a person was waited for.
    person: Vec<(Millis, Millis)>,
}

/// Lives through a world; the first sign-in is at the first moment possible after `begin`.
pub fn live_through(world: &World, backend: Backend, schedule: &mut dyn Schedule, begin: Millis) -> Tally {
    let nobody = Grant { refresh: 0, issued: 0, expires: 0, ceiling: None };
    let mut run = Run {
        world,
        backend,
        schedule,
        tally: Tally::default(),
        grant: nobody,
        refusal: None,
        valid: Vec::new(),
        person: Vec::new(),
    };
    if let Some(start) = world.first_reachable(begin) {
        run.sign_in(start);
        run.runs(start);
        run.measure(start);
    }
    run.tally
}

impl Run<'_> {
    fn moment(&self, time: Millis) -> Moment {
        Moment { boot: time, wall: self.world.wall(time), awake: self.world.awake_until(time) }
    }

    fn sign_in(&mut self, time: Millis) {
        self.grant = self.backend.sign_in(time);
        self.valid.push((time, self.grant.expires));
        let now = self.moment(time);
        self.schedule.signed_in(self.grant, now);
    }

    fn runs(&mut self, start: Millis) {
        let mut time = start;
        let phase = Draw::new(self.world.seed, 77).between(0, CALLS - 1);
        let hears = [Look::Call, Look::Focus, Look::Clock, Look::Link].map(|look| self.schedule.hears(look));
        let (mut still, mut last) = (0, start);
        // What happens during an exchange is heard at its end; who wants a token then shares what it brought.
        let (mut listened, mut told) = (start, start);
        loop {
            let now = self.moment(time);
            let (timer, rings) = self.schedule.alarm(now).map_or((None, 0), |alarm| self.rings(alarm, now));
            let call = hears[0].then(|| {
                let next = (self.world.awake_until(listened) - phase).div_euclid(CALLS) + 1;
                self.world.when_awake(next * CALLS + phase)
            });
            let focus = hears[1].then(|| self.next_wake(listened)).flatten();
            let clock = hears[2].then(|| self.world.clock_news(told)).flatten();
            let link = hears[3].then(|| self.world.link_news(told)).flatten();
            let looks = [
                (clock, Look::Clock),
                (timer, Look::Timer),
                (link, Look::Link),
                (call, Look::Call),
                (focus, Look::Focus),
            ];
            let next = looks.into_iter().filter_map(|(at, look)| Some((at?, look))).min_by_key(|(at, _)| *at);
            let Some((at, look)) = next.filter(|(at, _)| *at < self.world.length) else { return };
            match look {
                Look::Timer => {}
                Look::Clock | Look::Link => told = at,
                Look::Call | Look::Focus => listened = at,
            }
            time = at.max(time);
            still = if time > last { 0 } else { still + 1 };
            last = time;
            assert!(still < 1000, "time stands still at {time} of seed {}", self.world.seed);
            self.tally.wake_ups += if look == Look::Timer { rings } else { 0 };
            let now = self.moment(time);
            let mut wish = self.schedule.look(look, now);
            while matches!(wish, Wish::Probe | Wish::Route) {
                let routed = wish == Wish::Route && self.world.routed(time);
                let (answers, took) = if routed { (true, ROUTE) } else { self.world.answers(time) };
                time = self.world.awake.first(time + took, |awake| awake).unwrap_or(self.world.length);
                let now = self.moment(time);
                wish = self.schedule.probed(answers, now);
            }
            time = match wish {
                Wish::Nothing | Wish::Probe | Wish::Route => time,
                Wish::Refresh => self.exchanges(time),
                Wish::SignIn => self.lose(time, false, "it sent the person away"),
            };
            listened = listened.max(time);
        }
    }

    /// When a timer rings for the first time at which there is anything to be seen, and how often it rings until then:
    /// while no clock is set and the lid stays as it is, a look that comes too early sees nothing.
    fn rings(&self, alarm: Alarm, now: Moment) -> (Option<Millis>, u64) {
        let changes = [self.world.awake.next_change(now.boot), self.world.wall_ahead.next_change(now.boot)];
        let quiet = changes.into_iter().flatten().min().unwrap_or(Millis::MAX) - now.boot;
        let sleeps = (alarm.after.min(quiet) / alarm.longest_sleep).max(1);
        let sleep = alarm.after.clamp(0, sleeps * alarm.longest_sleep);
        let at = if alarm.through_suspend {
            self.world.awake.first(now.boot + sleep, |awake| awake)
        } else {
            Some(self.world.when_awake(now.awake + sleep).max(now.boot))
        };
        (at, sleeps.unsigned_abs())
    }

    /// When somebody looks at the screen after the next opening of the lid.
    fn next_wake(&self, time: Millis) -> Option<Millis> {
        let asleep = self.world.awake.first(time - FOCUS, |awake| !awake)?;
        Some(self.world.awake.first(asleep, |awake| awake)? + FOCUS)
    }

    /// One exchange and its repeats; gives back when they have ended.
    fn exchanges(&mut self, start: Millis) -> Millis {
        let mut time = start;
        loop {
            let (fate, took) = self.world.request(time, self.schedule.patience());
            if fate.reaches() {
                self.tally.requests.push(time);
            }
            let outcome = self.outcome(fate, time, took);
            time += took;
            if let Outcome::Tokens(grant) = outcome {
                self.grant = grant;
                self.valid.push((time, grant.expires));
            }
            let now = self.moment(time);
            let dropped = match self.schedule.answered(outcome, now) {
                After::GoesOn => return time,
                After::Again => continue,
                After::SignIn => false,
                After::DropAndSignIn => true,
            };
            return self.lose(time, dropped, &format!("{outcome:?}"));
        }
    }

    fn outcome(&mut self, fate: Fate, time: Millis, took: Millis) -> Outcome {
        let arrives = fate == Fate::Arrives;
        match fate {
            Fate::NotSent => Outcome::NotSent,
            Fate::LostBefore => Outcome::NoReply { slow: took > SECOND },
            Fate::Portal(status) => Outcome::Portal(status),
            Fate::Busy(status, wait) => Outcome::Busy(status, wait),
            Fate::Arrives | Fate::LostAfter => {
                match self.backend.refresh(self.grant.refresh, time + took.min(600) / 2, arrives) {
                    _ if !arrives => Outcome::NoReply { slow: took > SECOND },
                    Ok(grant) => Outcome::Tokens(grant),
                    Err(refusal) => {
                        self.refusal = Some(refusal);
                        Outcome::Refused
                    }
                }
            }
        }
    }

    /// The session is over for this client; gives back when a person has signed in again.
    fn lose(&mut self, time: Millis, dropped: bool, how: &str) -> Millis {
        let loss = Loss::by(self.refusal.take());
        *self.tally.lost.entry(loss).or_default() += 1;
        if loss == Loss::OwnFault {
            *self.tally.faults.entry(how.to_owned()).or_default() += 1;
        }
        if dropped {
            for (_, until) in self.valid.iter_mut().rev().take_while(|(_, until)| *until > time) {
                *until = time;
            }
        }
        let noticed = self.world.when_awake(self.world.awake_until(time) + PERSON).max(time);
        let back = self.world.first_reachable(noticed).unwrap_or(self.world.length);
        self.person.push((time, back));
        if back < self.world.length {
            self.sign_in(back);
        }
        back
    }

    fn measure(&mut self, start: Millis) {
        let spans = self.world.reachable_spans();
        let spans: Vec<_> = spans
            .into_iter()
            .filter(|(_, until)| *until > start)
            .map(|(from, until)| (from.max(start), until))
            .collect();
        self.tally.reachable = long(&spans);
        let gaps = without(&spans, &self.valid);
        self.tally.without = long(&gaps);
        let rest = without(&gaps, &self.person);
        *self.tally.causes.entry(Cause::Person).or_default() = self.tally.without - long(&rest);
        for (from, until) in rest {
            *self.tally.causes.entry(Cause::of(from, self.world)).or_default() += until - from;
        }
    }
}
