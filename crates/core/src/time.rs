//! Time as the machine sees it: two clocks and a drawn number, always given, never read.

use jiff::{SignedDuration, Timestamp};

/// A point in time on both clocks.
///
/// The *boot* clock counts on through suspend and never jumps; the *wall* clock is what people and servers
/// mean, and may be set. A deadline that has passed on either has passed ([`Stamp::left`]): a jump forward
/// costs one early renewal, a jump back costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The wall clock (UTC).
    pub wall: Timestamp,
    /// The boot-time clock; its zero is the start of the machine. Negative for stamps from before that.
    pub boot: SignedDuration,
}

impl Stamp {
    /// The stamp of a wall-clock time read from somewhere else (a file, a claim), seen from `now`.
    pub fn from_wall(wall: Timestamp, now: Self) -> Self {
        Self { wall, boot: now.boot.saturating_add(wall.duration_since(now.wall)) }
    }

    /// This much later (earlier, for a negative duration); stops at the ends of the calendar.
    #[must_use]
    pub fn plus(self, by: SignedDuration) -> Self {
        let wall = self.wall.saturating_add(by).unwrap_or(self.wall);
        Self { wall, boot: self.boot.saturating_add(by) }
    }

    /// How much time is left at `now`; the clock that says less is believed. Negative when passed.
    pub fn left(self, now: Self) -> SignedDuration {
        self.wall.duration_since(now.wall).min(self.boot.saturating_sub(now.boot))
    }

    /// Whether it has come.
    pub fn passed(self, now: Self) -> bool {
        self.left(now) <= SignedDuration::ZERO
    }

    /// How long ago it was; the clock that says more is believed.
    pub fn age(self, now: Self) -> SignedDuration {
        SignedDuration::ZERO.saturating_sub(self.left(now))
    }

    /// The earlier of two, measured from `now`.
    #[must_use]
    pub fn earlier(self, other: Self, now: Self) -> Self {
        if other.left(now) < self.left(now) { other } else { self }
    }

    /// The later of two, measured from `now`.
    #[must_use]
    pub fn later(self, other: Self, now: Self) -> Self {
        if other.left(now) > self.left(now) { other } else { self }
    }
}

/// A drawn number in `[0, 1)`, in steps of 1/65536.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter(pub u16);

impl Jitter {
    /// That share of a duration. Negative durations have none.
    pub fn of(self, whole: SignedDuration) -> SignedDuration {
        if whole.is_negative() {
            return SignedDuration::ZERO;
        }
        let nanos = whole.as_nanos() * i128::from(self.0) / 65_536;
        i64::try_from(nanos).map_or(whole, SignedDuration::from_nanos)
    }
}

/// What the world tells the machine with each input: the time, and a number drawn for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The time on both clocks.
    pub stamp: Stamp,
    /// A fresh draw, used for at most one decision.
    pub jitter: Jitter,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stamp(wall: i64, boot: i64) -> Stamp {
        Stamp { wall: Timestamp::from_second(wall).unwrap(), boot: SignedDuration::from_secs(boot) }
    }

    #[test]
    fn the_clock_that_says_less_is_believed() {
        let deadline = stamp(1_000, 100);
        assert_eq!(deadline.left(stamp(900, 0)).as_secs(), 100);
        assert_eq!(deadline.left(stamp(4_500, 10)).as_secs(), -3_500, "wall clock jumped an hour forward");
        assert_eq!(deadline.left(stamp(-2_700, 90)).as_secs(), 10, "wall clock jumped an hour back");
    }

    #[test]
    fn a_time_from_a_file_is_as_far_away_on_both_clocks() {
        let now = stamp(1_000, 50);
        let expiry = Stamp::from_wall(Timestamp::from_second(1_060).unwrap(), now);
        assert_eq!(expiry.boot.as_secs(), 110);
        assert_eq!(expiry.left(now).as_secs(), 60);
    }

    proptest! {
        #[test]
        fn jitter_is_a_share_of_the_whole(draw: u16, secs in 0_i64..1_000_000) {
            let whole = SignedDuration::from_secs(secs);
            let part = Jitter(draw).of(whole);
            prop_assert!(part >= SignedDuration::ZERO && (part < whole || whole.is_zero()));
        }

        #[test]
        fn no_duration_overflows_a_stamp(wall in -100_000_000_000_i64..100_000_000_000, by: i64) {
            let moved = stamp(wall, 0).plus(SignedDuration::from_secs(by));
            let _ = moved.left(stamp(0, 0));
        }
    }
}
