//! Patterns of life: when the lid is open and when there is a network, over a week that repeats.

use std::ops::Range;

use toml::Table;

/// The patterns that come with the program.
pub const NAMES: [&str; 5] = ["office", "train", "part-time", "weekend", "always"];

/// Minutes of a day.
pub(super) const DAY: i64 = 24 * 60;

/// A week with a laptop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// What it is called.
    pub name: String,
    /// How often a program wants a token while the lid is open, in minutes.
    pub(super) uses_every: i64,
    /// For each day, Monday first: when the lid is open, in minutes since midnight.
    pub(super) open: [Vec<Range<i64>>; 7],
    /// And when there is no network.
    pub(super) offline: [Vec<Range<i64>>; 7],
}

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LifeProblem(String);

/// What the days are called.
pub(super) const WEEK: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Life {
    /// One of [`NAMES`].
    pub fn named(name: &str) -> Option<Self> {
        let office: &[&str] = &["08:30-12:10", "12:55-17:30"];
        let week = |days: [&[&str]; 7], offline: [&[&str]; 7]| {
            let spans =
                |days: [&[&str]; 7]| days.map(|day| day.iter().filter_map(|span| read(span).ok()).collect());
            Self { name: name.to_owned(), uses_every: 5, open: spans(days), offline: spans(offline) }
        };
        let none: [&[&str]; 7] = [&[]; 7];
        Some(match name {
            "office" => week([office, office, office, office, office, &[], &[]], none),
            // The lid is open on the train, and there is no network there.
            "train" => {
                let day: &[&str] = &["07:10-08:20", "08:40-12:10", "12:55-17:30", "17:50-19:00"];
                let gone: &[&str] = &["07:10-08:20", "17:50-19:00"];
                week([day, day, day, day, day, &[], &[]], [gone, gone, gone, gone, gone, &[], &[]])
            }
            "part-time" => week([office, &[], office, &[], &["08:30-12:10"], &[], &[]], none),
            "weekend" => {
                week([&[], &[], &[], &[], &[], &["10:00-11:30", "20:00-22:00"], &["20:00-21:00"]], none)
            }
            "always" => week([&["00:00-24:00"]; 7], none),
            _ => return None,
        })
    }

    /// Reads a pattern of one's own: `uses_every = 5` (minutes), and a table for each day, which may have `open` and
    /// `offline`, lists of spans such as `"08:30-12:10"`. A day that is not there is one on which the lid stays closed.
    ///
    /// # Errors
    /// [`LifeProblem`], with the key and what to write there.
    pub fn parse(name: &str, text: &str) -> Result<Self, LifeProblem> {
        let wrong = |what: String| LifeProblem(format!("{name}: {what}"));
        let table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| wrong(format!("this is no TOML: {}", error.message())))?;
        let mut life = Self {
            name: name.to_owned(),
            uses_every: 5,
            open: Default::default(),
            offline: Default::default(),
        };
        for (key, value) in &table {
            if key == "uses_every" {
                let minutes = value.as_integer().filter(|minutes| (1..=DAY).contains(minutes));
                life.uses_every =
                    minutes.ok_or_else(|| wrong("uses_every: write a number of minutes".to_owned()))?;
                continue;
            }
            let day = WEEK.iter().position(|day| day == key).ok_or_else(|| {
                wrong(format!("{key}: this key is unknown; there are uses_every, {}", WEEK.join(", ")))
            })?;
            let of_day = value
                .as_table()
                .ok_or_else(|| wrong(format!("{key}: write `[{key}]` and what it has below it")))?;
            for (what, spans) in of_day {
                let place = match what.as_str() {
                    "open" => life.open.get_mut(day),
                    "offline" => life.offline.get_mut(day),
                    _ => {
                        return Err(wrong(format!(
                            "{key}.{what}: this key is unknown; there are open and offline"
                        )));
                    }
                };
                let Some(place) = place else { continue };
                let spans =
                    spans.as_array().ok_or_else(|| wrong(format!("{key}.{what}: write a list of spans")))?;
                for span in spans {
                    let span = span.as_str().ok_or("write it in quotes").and_then(read);
                    place.push(span.map_err(|how| wrong(format!("{key}.{what}: {how}")))?);
                }
                place.sort_by_key(|span| span.start);
            }
        }
        if life.open.iter().all(Vec::is_empty) {
            return Err(wrong("the lid is never open; give a day `open = [\"08:30-17:00\"]`".to_owned()));
        }
        Ok(life)
    }

    /// Whether the lid is open in this minute of the month.
    pub(super) fn is_open(&self, minute: i64) -> bool {
        Self::within(&self.open, minute)
    }

    /// Whether there is a network.
    pub(super) fn is_online(&self, minute: i64) -> bool {
        !Self::within(&self.offline, minute)
    }

    fn within(week: &[Vec<Range<i64>>; 7], minute: i64) -> bool {
        let day = usize::try_from(minute.div_euclid(DAY).rem_euclid(7)).unwrap_or_default();
        week.get(day).is_some_and(|day| day.iter().any(|span| span.contains(&minute.rem_euclid(DAY))))
    }
}

/// A span such as `08:30-12:10`.
fn read(text: &str) -> Result<Range<i64>, &'static str> {
    let form = "write a span such as `08:30-12:10`";
    let minute = |text: &str| -> Option<i64> {
        let (hours, minutes) = text.trim().split_once(':')?;
        let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
        let whole = hours * 60 + minutes;
        ((0..60).contains(&minutes) && (0..=DAY).contains(&whole)).then_some(whole)
    };
    let (from, until) = text.split_once('-').ok_or(form)?;
    match (minute(from), minute(until)) {
        (Some(from), Some(until)) if from < until => Ok(from..until),
        _ => Err(form),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_that_comes_along_is_one() {
        for name in NAMES {
            let life = Life::named(name).unwrap();
            assert!(life.open.iter().any(|day| !day.is_empty()), "{name}");
        }
        assert_eq!(Life::named("moon"), None);
    }

    #[test]
    fn a_pattern_of_ones_own_is_read_and_what_is_wrong_with_it_is_told_by_its_key() {
        let text = "uses_every = 10\n[monday]\nopen = [\"08:30-12:00\"]\noffline = [\"09:00-09:30\"]\n";
        let life = Life::parse("mine", text).unwrap();
        assert!(life.is_open(8 * 60 + 30) && !life.is_open(12 * 60) && !life.is_open(DAY + 600));
        assert!(!life.is_online(9 * 60) && life.is_online(7 * DAY + 600));
        assert!(life.is_open(7 * DAY + 600), "the week repeats");
        for (text, key) in [
            ("[mon]\nopen = []", "mon:"),
            ("[monday]\nopen = [\"9-10\"]", "monday.open"),
            ("[monday]\nshut = []", "monday.shut"),
            ("uses_every = 0", "uses_every"),
            ("[monday]\nopen = [\"10:00-09:00\"]", "monday.open"),
            ("", "never open"),
        ] {
            let told = Life::parse("mine", text).unwrap_err().to_string();
            assert!(told.contains(key), "{told}");
        }
    }
}
