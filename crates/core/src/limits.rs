//! How long a session may last here, whatever its provider allows: NextAuth's `maxAge` and `updateAge`, and an end
//! for sessions that nobody uses.
//!
//! Ends are judged on the boot-time clock alone: it counts on through suspend and is never set, so a wall clock that
//! jumps neither ends a session nor lets it live longer.

use jiff::SignedDuration;

use crate::policy::in_words;
use crate::reason::Reason;
use crate::time::Stamp;

/// How often activity moves a rolling ceiling unless the account says it, as a share of `max_age`, and at most: a day in
/// thirty, as NextAuth has it.
const ROLLS_IN: i32 = 30;
const ROLLS_AT_LEAST_EACH: SignedDuration = SignedDuration::from_hours(24);

/// How often activity is written down for `idle_timeout`, as a share of that: so much earlier than it says may a session
/// end of which nobody but the vault knows when it was used last.
const MARKS_IN: i32 = 10;

/// How long before its end a person is told, as a share of the time allowed, and at most. Never in the first two thirds.
const WARNS_IN: i32 = 24;
const WARNS_AT_LEAST: SignedDuration = SignedDuration::from_mins(5);
const WARNS_AT_MOST: SignedDuration = SignedDuration::from_hours(24);

/// What an account allows a session. Nothing is limited unless it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The longest a session lasts, from its sign-in; or from the activity that moved its end last, where it rolls.
    pub max_age: Option<SignedDuration>,
    /// Whether activity moves that end.
    pub rolling: bool,
    /// At most once in this, if it does.
    pub update_age: Option<SignedDuration>,
    /// The longest a session lasts that nobody uses.
    pub idle_timeout: Option<SignedDuration>,
    /// What it is used for.
    pub sensitivity: Option<Sensitivity>,
}

/// What an account is used for: a name for limits that fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensitivity {
    /// Everyday work: thirty days (NIST SP 800-63B §4.1.3, AAL1), moved once a day by activity.
    General,
    /// Other people's data or systems depend on it: twelve hours from the sign-in, and fifteen minutes without
    /// activity (NIST SP 800-63B §4.3.3, AAL3).
    Admin,
}

impl Sensitivity {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Admin => "admin",
        }
    }

    /// The limits that it stands for.
    pub fn limits(self) -> Limits {
        let (max_age, idle_timeout) = match self {
            Self::General => (SignedDuration::from_hours(30 * 24), None),
            Self::Admin => (SignedDuration::from_hours(12), Some(SignedDuration::from_mins(15))),
        };
        Limits {
            max_age: Some(max_age),
            rolling: self == Self::General,
            // Once a day of thirty, and so much oftener where an account says less.
            update_age: None,
            idle_timeout,
            sensitivity: Some(self),
        }
    }
}

/// From when on limits are counted: stamps of one session, kept with its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// When somebody signed in.
    pub signed_in: Stamp,
    /// The activity that moved a rolling ceiling last; the sign-in, if none has.
    pub rolled: Stamp,
    /// The activity that was marked last; the sign-in, if none was.
    pub active: Stamp,
}

/// When a session ends by the account's limits, and which of them that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// When. Only its boot-time clock counts.
    pub at: Stamp,
    /// Which limit.
    pub limit: Limit,
    /// How long that allows.
    pub allowed: SignedDuration,
}

/// Which limit ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `max_age`, counted from the sign-in: a static session.
    MaxAge,
    /// `max_age`, counted from the activity that moved it last: a rolling one.
    Rolling,
    /// `idle_timeout`.
    Idle,
}

impl Usage {
    /// A session that begins.
    pub fn beginning(at: Stamp) -> Self {
        Self { signed_in: at, rolled: at, active: at }
    }

    /// The later activity of two accounts of one session.
    #[must_use]
    pub fn and_later(self, other: Self) -> Self {
        let later = |one: Stamp, other: Stamp| if other.boot > one.boot { other } else { one };
        Self {
            signed_in: self.signed_in,
            rolled: later(self.rolled, other.rolled),
            active: later(self.active, other.active),
        }
    }

    /// The same moments, as the boot-time clock has them, on the wall clock as it is now: whoever wrote these down may
    /// have had another.
    #[must_use]
    pub fn on_boot_clock(self, now: Stamp) -> Self {
        let put = |at: Stamp| now.plus(at.boot.saturating_sub(now.boot));
        Self { signed_in: put(self.signed_in), rolled: put(self.rolled), active: put(self.active) }
    }
}

impl Limits {
    /// Whether there is any.
    pub fn any(&self) -> bool {
        self.max_age.is_some() || self.idle_timeout.is_some()
    }

    /// How often activity moves a rolling ceiling, at most; none where it does not roll.
    pub fn rolls_each(&self) -> Option<SignedDuration> {
        let max_age = self.max_age.filter(|_| self.rolling)?;
        Some(self.update_age.unwrap_or_else(|| (max_age / ROLLS_IN).min(ROLLS_AT_LEAST_EACH)))
    }

    /// How often activity is marked for `idle_timeout`, at most.
    pub fn marks_each(&self) -> Option<SignedDuration> {
        self.idle_timeout.map(|idle| idle / MARKS_IN)
    }

    /// When a session ends, if it does.
    pub fn end(&self, usage: &Usage) -> Option<End> {
        let age = self.max_age.map(|allowed| {
            let (limit, since) =
                if self.rolling { (Limit::Rolling, usage.rolled) } else { (Limit::MaxAge, usage.signed_in) };
            End { at: since.plus(allowed), limit, allowed }
        });
        let idle = self.idle_timeout.map(|allowed| End {
            at: usage.active.plus(allowed),
            limit: Limit::Idle,
            allowed,
        });
        age.into_iter().chain(idle).min_by_key(|end| end.at.boot)
    }

    /// What becomes of the marks when somebody uses the session now; none where that moves nothing. Moving a mark is
    /// worth a write, so each moves only so often.
    pub fn used(&self, usage: &Usage, now: Stamp) -> Option<Usage> {
        let ago = |at: Stamp| now.boot.saturating_sub(at.boot);
        let roll = self.rolls_each().is_some_and(|each| ago(usage.rolled) >= each);
        let mark = self.marks_each().is_some_and(|each| ago(usage.active) >= each);
        (roll || mark).then_some(Usage {
            signed_in: usage.signed_in,
            rolled: if roll { now } else { usage.rolled },
            active: if mark { now } else { usage.active },
        })
    }
}

impl End {
    /// Whether it has come. The wall clock is not asked.
    pub fn over(&self, now: Stamp) -> bool {
        self.at.boot <= now.boot
    }

    /// From when on a person is told that it comes.
    pub fn warns(&self) -> Stamp {
        let wanted = (self.allowed / WARNS_IN).clamp(WARNS_AT_LEAST, WARNS_AT_MOST);
        self.at.plus(-wanted.min(self.allowed / 3))
    }

    /// Why the session ends then, in a sentence without subject.
    pub fn why(&self) -> String {
        let allowed = in_words(self.allowed);
        match self.limit {
            Limit::MaxAge => format!("the account allows a session {allowed} from its sign-in"),
            Limit::Rolling | Limit::Idle => {
                format!("the account allows a session {allowed} without use; using it moves this end")
            }
        }
    }

    /// Why a session that came to it is over.
    pub fn reason(&self) -> Reason {
        let allowed_secs = self.allowed.as_secs();
        match self.limit {
            Limit::MaxAge => Reason::MaxAgeReached { allowed_secs },
            Limit::Rolling | Limit::Idle => Reason::UnusedTooLong { allowed_secs },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::samples::at;
    use proptest::prelude::*;

    fn secs(secs: i64) -> SignedDuration {
        SignedDuration::from_secs(secs)
    }

    fn rolling() -> Limits {
        Limits { max_age: Some(secs(100)), rolling: true, update_age: Some(secs(10)), ..Limits::default() }
    }

    #[test]
    fn a_static_session_ends_so_long_after_its_sign_in_however_much_it_is_used() {
        let limits = Limits { max_age: Some(secs(100)), ..Limits::default() };
        let usage = Usage::beginning(at(0));
        assert_eq!(limits.used(&usage, at(90)), None);
        let end = limits.end(&usage).unwrap();
        assert_eq!((end.at, end.limit), (at(100), Limit::MaxAge));
        assert!(!end.over(at(99)) && end.over(at(100)));
    }

    #[test]
    fn activity_moves_a_rolling_end_at_most_once_in_its_update_age() {
        let usage = Usage::beginning(at(0));
        assert_eq!(rolling().used(&usage, at(9)), None);
        let moved = rolling().used(&usage, at(10)).unwrap();
        assert_eq!(rolling().end(&moved).unwrap().at, at(110));
        assert_eq!(rolling().used(&moved, at(19)), None);
    }

    #[test]
    fn whichever_end_is_nearer_counts() {
        let limits = Limits { idle_timeout: Some(secs(30)), ..rolling() };
        assert_eq!(limits.end(&Usage::beginning(at(0))).unwrap().limit, Limit::Idle);
        let busy = Usage { active: at(80), ..Usage::beginning(at(0)) };
        assert_eq!(limits.end(&busy).unwrap().limit, Limit::Rolling);
    }

    #[test]
    fn a_wall_clock_that_jumps_ends_nothing_and_prolongs_nothing() {
        let end = rolling().end(&Usage::beginning(at(0))).unwrap();
        let a_year_ahead = Stamp { wall: at(365 * 86_400).wall, ..at(99) };
        let a_day_behind = Stamp { wall: at(-86_400).wall, ..at(100) };
        assert!(!end.over(a_year_ahead) && end.over(a_day_behind));
        let put = Usage::beginning(at(0)).on_boot_clock(a_year_ahead);
        assert_eq!(put.signed_in.age(a_year_ahead), secs(99), "both clocks say the same from then on");
    }

    #[test]
    fn the_presets_are_what_the_standard_has_for_them() {
        let (general, admin) = (Sensitivity::General.limits(), Sensitivity::Admin.limits());
        assert_eq!((general.max_age, general.rolls_each()), (Some(secs(30 * 86_400)), Some(secs(86_400))));
        assert_eq!((admin.max_age, admin.idle_timeout), (Some(secs(12 * 3600)), Some(secs(900))));
        assert_eq!((admin.rolls_each(), admin.marks_each()), (None, Some(secs(90))));
    }

    proptest! {
        #[test]
        fn a_person_is_told_in_the_last_third_and_before_the_end(allowed in 1_i64..40_000_000) {
            let limits = Limits { max_age: Some(secs(allowed)), ..Limits::default() };
            let end = limits.end(&Usage::beginning(at(0))).unwrap();
            let ahead = end.at.boot - end.warns().boot;
            prop_assert!(ahead > SignedDuration::ZERO && ahead <= secs(allowed) / 3, "{ahead:?}");
            prop_assert!(ahead <= WARNS_AT_MOST);
        }

        /// However a session is used: it never outlives what it is allowed after its last use, ends no earlier than
        /// the marks allow, and a static one ends to the second.
        #[test]
        fn no_use_makes_a_session_last_longer_than_it_may(
            max_age in 1_i64..10_000, rolls: bool, update in prop::option::of(1_i64..20_000),
            idle in prop::option::of(1_i64..10_000), uses in prop::collection::vec(1_i64..2_000, 0..40),
        ) {
            let limits = Limits {
                max_age: Some(secs(max_age)), rolling: rolls, update_age: update.map(secs),
                idle_timeout: idle.map(secs), sensitivity: None,
            };
            let (mut usage, mut now) = (Usage::beginning(at(0)), 0);
            let mut last = 0;
            for pause in uses {
                now += pause;
                if limits.end(&usage).unwrap().over(at(now)) {
                    break;
                }
                last = now;
                usage = limits.used(&usage, at(now)).unwrap_or(usage);
            }
            let end = limits.end(&usage).unwrap();
            prop_assert!(end.at.boot <= at(last + max_age).boot, "{end:?} after {last}");
            if !rolls {
                prop_assert!(end.at.boot <= at(max_age).boot);
            }
            if let Some(idle) = idle {
                prop_assert!(end.at.boot <= at(last + idle).boot);
                let early = secs(idle) / MARKS_IN;
                prop_assert!(end.limit != Limit::Idle || end.at.boot >= at(last + idle).boot - early);
            }
        }
    }
}
