//! Whether the clock of this machine can be right: expiries are shown, and cookies and tokens judged, by it.

use std::fs;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::policy::in_words;

use super::{Finding, Grade, Sentence, Topic};
use crate::paths::Paths;

/// No clock that is right shows an earlier time to this version: 2026-11-01, when it was being written.
const WRITTEN: Timestamp = Timestamp::constant(1_793_491_200, 0);
/// Nor one so much later.
const LONGEST_USE: SignedDuration = SignedDuration::from_hours(30 * 366 * 24);
/// File times of other file systems may be this much ahead.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn examine(paths: &Paths, now: Timestamp) -> Finding {
    let program = std::env::current_exe().ok();
    let files = [paths.events_file(), paths.fingerprint_key_file(), paths.vault_dir(), paths.locks_dir()];
    let newest = files.into_iter().chain(program).filter_map(|file| Some((modified(&file)?, file))).max();
    judge(now, newest)
}

fn modified(file: &PathBuf) -> Option<Timestamp> {
    Timestamp::try_from(fs::metadata(file).ok()?.modified().ok()?).ok()
}

/// `newest` is the file that was written last, which cannot have been later than now.
fn judge(now: Timestamp, newest: Option<(Timestamp, PathBuf)>) -> Finding {
    let time = [("time", format!("{now:.0}"))];
    let wrong = |message: String, sentence| {
        Finding::new(Topic::Clock, "clock_wrong", Grade::Problem, message)
            .hint("set the clock, or let the system set it from the network")
            .says(sentence, time.clone())
    };
    if now < WRITTEN {
        let message = format!("The clock shows {now:.0}, which is before this version was made");
        return wrong(message, Sentence::ClockTooEarly);
    }
    if now.duration_since(WRITTEN) > LONGEST_USE {
        let message = format!("The clock shows {now:.0}, which is too far in the future to be true");
        return wrong(message, Sentence::ClockTooLate);
    }
    let ahead = newest.map(|(written, file)| (written.duration_since(now), file));
    if let Some((ahead, file)) = ahead.filter(|(ahead, _)| *ahead > TOLERANCE) {
        let message = format!(
            "The clock was set back: {} was written {} after the time it shows",
            file.display(),
            in_words(ahead)
        );
        return Finding::new(Topic::Clock, "clock_set_back", Grade::Warning, message)
            .hint("see whether date and time are right")
            .says(
                Sentence::ClockSetBack,
                [("file", file.display().to_string()), ("ahead_ms", ahead.as_millis().to_string())],
            );
    }
    Finding::new(
        Topic::Clock,
        "clock_plausible",
        Grade::Ok,
        format!("The clock shows {now:.0}, which can be right"),
    )
    .says(Sentence::ClockPlausible, time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_cannot_be_right_is_noticed() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let file = |text| Some((at(text), PathBuf::from("/state/log/events.jsonl")));
        for (now, newest, code) in [
            ("2026-12-01T00:00:00Z", None, "clock_plausible"),
            ("2026-12-01T00:00:00Z", file("2026-12-01T00:04:00Z"), "clock_plausible"),
            ("2026-12-01T00:00:00Z", file("2026-12-01T01:00:00Z"), "clock_set_back"),
            ("1970-01-01T00:00:30Z", None, "clock_wrong"),
            ("1969-12-31T00:00:30Z", file("2026-12-01T01:00:00Z"), "clock_wrong"),
            ("2026-10-31T23:59:59Z", None, "clock_wrong"),
            ("2099-01-01T00:00:00Z", None, "clock_wrong"),
        ] {
            let finding = judge(at(now), newest);
            assert_eq!(finding.code, code, "{now}");
            assert_eq!(finding.hint.is_none(), finding.grade == Grade::Ok);
        }
        assert_eq!(WRITTEN, at("2026-11-01T00:00:00Z"));
    }
}
