//! What says the same again and again is counted instead, so that an outage does not fill the log.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::LogRecord;

/// How often a minute the same is said.
const PER_WINDOW: u64 = 20;

const FIRST_WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// While it goes on, what was left out is summed up less and less often, down to this.
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_secs(600);

/// How many different records are watched; more are not told apart from new ones.
const MAX_WATCHED: usize = 1_000;

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is said.
    Say,
    /// It is counted.
    Count,
}

/// Which records have been said how often.
#[derive(Default)]
pub(super) struct Repeats {
    watched: HashMap<Key, Window>,
    swept: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    account: Option<String>,
    kind: String,
    message: String,
}

struct Window {
    from: Timestamp,
    length: SignedDuration,
    seen: u64,
    /// The last that was left out, and how many there were.
    left_out: Option<(LogRecord, u64)>,
    /// It went on from the window before, so nothing more is said but the sum.
    storm: bool,
}

impl Repeats {
    /// Whether to say it, and the sums that are due before it.
    pub(super) fn judge(&mut self, record: &LogRecord) -> (Vec<LogRecord>, Verdict) {
        let now = record.at;
        let mut sums = self.sweep(now);
        let key = Key {
            account: record.account.clone(),
            kind: record.kind.clone(),
            message: record.message.clone(),
        };
        if !self.watched.contains_key(&key) && self.watched.len() >= MAX_WATCHED {
            return (sums, Verdict::Say);
        }
        let window = self.watched.entry(key).or_insert_with(|| Window::new(now));
        if window.over(now) {
            sums.extend(window.next(now));
        }
        window.seen += 1;
        if !window.storm && window.seen <= PER_WINDOW {
            return (sums, Verdict::Say);
        }
        let count = window.left_out.as_ref().map_or(0, |(_, count)| *count) + 1;
        window.left_out = Some((record.clone(), count));
        (sums, Verdict::Count)
    }

    /// All sums, due or not: the log is about to be read or closed.
    pub(super) fn drain(&mut self, now: Timestamp) -> Vec<LogRecord> {
        let mut sums: Vec<_> = self.watched.values_mut().filter_map(|window| window.sum(now)).collect();
        sums.sort_by(|one, other| one.message.cmp(&other.message));
        sums
    }

    /// Says what is due of those that fell silent, and forgets them. Not more often than every ten seconds.
    fn sweep(&mut self, now: Timestamp) -> Vec<LogRecord> {
        let lately = |swept: Timestamp| (0..10).contains(&now.duration_since(swept).as_secs());
        if self.swept.is_some_and(lately) {
            return Vec::new();
        }
        self.swept = Some(now);
        let mut sums = Vec::new();
        self.watched.retain(|_, window| {
            // One whose window has just ended may go on; it is forgotten when another has passed.
            let silent = now.duration_since(window.from) >= window.length * 2 || now < window.from;
            if silent {
                sums.extend(window.sum(now));
            }
            !silent
        });
        sums.sort_by(|one, other| one.message.cmp(&other.message));
        sums
    }
}

impl Window {
    fn new(from: Timestamp) -> Self {
        Self { from, length: FIRST_WINDOW, seen: 0, left_out: None, storm: false }
    }

    /// Its time is up; or the clock was set back, and nothing is known.
    fn over(&self, now: Timestamp) -> bool {
        now.duration_since(self.from) >= self.length || now < self.from
    }

    fn next(&mut self, now: Timestamp) -> Option<LogRecord> {
        let sum = self.sum(now);
        let minutes = u64::try_from(self.length.as_mins()).unwrap_or(1);
        let storm = self.seen > PER_WINDOW * minutes;
        let length = if storm { (self.length * 2).min(LONGEST_WINDOW) } else { FIRST_WINDOW };
        *self = Self { length, storm, ..Self::new(now) };
        sum
    }

    fn sum(&mut self, now: Timestamp) -> Option<LogRecord> {
        let (mut record, count) = self.left_out.take()?;
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let _ = write!(record.message, " (repeated {times})");
        record.at = now;
        record.facts.insert("repeated".to_owned(), Value::from(count));
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_log::Level;
    use proptest::prelude::*;

    #[test]
    fn the_same_is_said_twenty_times_a_minute_and_then_counted() {
        let mut repeats = Repeats::default();
        let said: Vec<_> = (0..50).flat_map(|_| all(&mut repeats, at(0, "refused"))).collect();
        assert_eq!(said.len(), 20);
        let later = all(&mut repeats, at(60, "refused"));
        assert_eq!(later.len(), 1, "only the sum while it goes on");
        assert_eq!(later[0].message, "refused (repeated 30 times)");
        assert_eq!(later[0].facts.get("repeated"), Some(&Value::from(30)));
        assert_eq!(repeats.drain(now(61)).len(), 1);
        assert_eq!(repeats.drain(now(61)).len(), 0);
    }

    #[test]
    fn what_differs_is_not_the_same() {
        let mut repeats = Repeats::default();
        for count in 0..200 {
            assert_eq!(all(&mut repeats, at(0, &format!("attempt {count}"))).len(), 1);
        }
    }

    #[test]
    fn once_it_was_quiet_it_is_said_again() {
        let mut repeats = Repeats::default();
        for _ in 0..50 {
            all(&mut repeats, at(0, "refused"));
        }
        let other = all(&mut repeats, at(300, "something else"));
        assert_eq!(
            other.iter().map(|one| one.message.as_str()).collect::<Vec<_>>(),
            ["refused (repeated 30 times)", "something else"]
        );
        assert_eq!(all(&mut repeats, at(301, "refused")).len(), 1);
        assert_eq!(all(&mut repeats, at(-900, "refused")).len(), 1, "also after the clock was set back");
    }

    #[test]
    fn a_day_of_the_same_stays_small() {
        let mut repeats = Repeats::default();
        let (mut bytes, mut said) = (0, 0_u64);
        for second in 0..86_400 {
            for record in all(&mut repeats, at(second, "the backend cannot be reached; next try in 30 s")) {
                bytes += record.to_line().len() + 1;
                said += record.facts.get("repeated").and_then(Value::as_u64).unwrap_or(1);
            }
        }
        said += repeats
            .drain(now(86_400))
            .first()
            .and_then(|sum| sum.facts["repeated"].as_u64())
            .unwrap_or_default();
        assert!(bytes < 100_000, "{bytes}");
        assert_eq!(said, 86_400, "every one is counted");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_in_counting(steps in prop::collection::vec((-30_i64..90, 0_u8..3), 0..400)) {
            let mut repeats = Repeats::default();
            let (mut clock, mut told, total) = (0, 0, steps.len() as u64);
            for (step, which) in steps {
                clock += step;
                told += count(&all(&mut repeats, at(clock, ["a", "b", "c"][usize::from(which)])));
            }
            prop_assert_eq!(told + count(&repeats.drain(now(clock))), total);
        }
    }

    fn count(records: &[LogRecord]) -> u64 {
        records.iter().map(|record| record.facts.get("repeated").and_then(Value::as_u64).unwrap_or(1)).sum()
    }

    /// All that is said when this comes.
    fn all(repeats: &mut Repeats, record: LogRecord) -> Vec<LogRecord> {
        let (mut said, verdict) = repeats.judge(&record);
        if verdict == Verdict::Say {
            said.push(record);
        }
        said
    }

    fn at(secs: i64, message: &str) -> LogRecord {
        LogRecord::note(Level::Warn, now(secs), "waiting", message.to_owned())
    }

    fn now(secs: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + secs).unwrap()
    }
}
