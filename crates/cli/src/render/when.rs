//! Times as a person at this machine reads them: on their clock, and from now.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use latchkey_core::policy::in_words;

/// Now, and where the person is.
#[derive(Clone, Debug)]
pub(crate) struct When {
    now: Timestamp,
    zone: TimeZone,
}

impl When {
    /// Seen from `now` in this time zone.
    pub(crate) fn new(now: Timestamp, zone: TimeZone) -> Self {
        Self { now, zone }
    }

    /// The time on the wall, with the date unless it is today's.
    pub(crate) fn clock(&self, at: Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        if local.date() == self.now.to_zoned(self.zone.clone()).date() {
            local.strftime("%H:%M:%S").to_string()
        } else {
            local.strftime("%Y-%m-%d %H:%M:%S").to_string()
        }
    }

    /// How far away it is.
    pub(crate) fn relative(&self, at: Timestamp) -> String {
        let left = at.duration_since(self.now);
        // Whole seconds, rounded to the nearest: a time just read from a clock is not "59 s" away.
        let secs = (left.as_millis() + 500 * left.as_millis().signum()) / 1000;
        let whole = |secs: i128| in_words(SignedDuration::from_secs(i64::try_from(secs).unwrap_or(i64::MAX)));
        match secs {
            0 => "now".to_owned(),
            1.. => format!("in {}", whole(secs)),
            _ => format!("{} ago", whole(-secs)),
        }
    }

    /// Both.
    pub(crate) fn both(&self, at: Timestamp) -> String {
        format!("{}, {}", self.clock(at), self.relative(at))
    }

    /// Whether it has come.
    pub(crate) fn passed(&self, at: Timestamp) -> bool {
        at <= self.now
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Noon in UTC, two o'clock for the person.
    pub(crate) fn noon() -> When {
        When::new(at("2026-11-20T12:00:00Z"), TimeZone::fixed(jiff::tz::offset(2)))
    }

    pub(crate) fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_of_today_has_no_date() {
        assert_eq!(noon().clock(at("2026-11-20T12:00:45Z")), "14:00:45");
        assert_eq!(noon().clock(at("2026-11-20T22:30:00Z")), "2026-11-21 00:30:00", "tomorrow, over there");
    }

    #[test]
    fn the_distance_is_told_in_whole_seconds() {
        for (time, told) in [
            ("2026-11-20T12:00:00.4Z", "now"),
            ("2026-11-20T12:00:59.9Z", "in 1 min"),
            ("2026-11-20T12:00:45Z", "in 45 s"),
            ("2026-11-20T11:59:48Z", "12 s ago"),
            ("2026-11-20T19:59:00Z", "in 7 h 59 min"),
            ("2026-11-22T15:00:00Z", "in 2 d 3 h"),
            ("2025-11-20T12:00:00Z", "365 d ago"),
        ] {
            assert_eq!(noon().relative(at(time)), told, "{time}");
        }
    }
}
