//! Counts tests out of what the test runners print, and says at the end what became of each part.

use std::time::Duration;

use crate::clock;

/// Real tests, as counted by their runners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// One row of the table at the end.
pub(crate) struct Row {
    pub(crate) part: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    pub(crate) counts: Counts,
    /// Why it failed or was skipped, or what it could not look at.
    pub(crate) note: String,
}

/// The table, a line each.
pub(crate) fn table(rows: &[Row]) -> Vec<String> {
    let mut lines = vec![format!("{:<9} {:<8} {:>7}  tests", "part", "result", "seconds")];
    for row in rows {
        let outcome = match row.outcome {
            Outcome::Passed => "ok",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "skipped",
        };
        let tests = match row.counts {
            Counts { passed: 0, failed: 0 } => "-".to_owned(),
            Counts { passed, failed: 0 } => passed.to_string(),
            Counts { passed, failed } => format!("{passed} ({failed} failed)"),
        };
        let seconds = row.took.as_secs_f64();
        let line = format!("{:<9} {outcome:<8} {seconds:>7.1}  {tests:<16} {}", row.part, row.note);
        lines.push(line.trim_end().to_owned());
    }
    let whole = rows.iter().map(|row| row.took).sum();
    lines.push(format!("in all {}", clock::readable(whole)));
    lines
}

/// What is said at the end of a part, before the next one fills the screen.
pub(crate) fn ended(row: &Row) -> String {
    let outcome = match row.outcome {
        Outcome::Passed => "ok",
        Outcome::Failed => "FAILED",
        Outcome::Skipped => "skipped",
    };
    let note = if row.note.is_empty() { String::new() } else { format!(": {}", row.note) };
    format!("{} {outcome} after {}{note}", row.part, clock::readable(row.took))
}

/// How to run again what failed, if anything did.
pub(crate) fn again(rows: &[Row]) -> Option<String> {
    let failed = rows.iter().filter(|row| row.outcome == Outcome::Failed);
    let parts: Vec<_> = failed.map(|row| row.part).collect();
    (!parts.is_empty()).then(|| format!("These again: cargo xtask test --only {}", parts.join(",")))
}

/// The last line of a run. A part that failed without naming a test (a lint, a build) counts as one, so that the line
/// never reads as a success when there was none.
pub(crate) fn last_line(rows: &[Row]) -> String {
    let mut sum = Counts::default();
    for row in rows {
        sum += row.counts;
        if row.outcome == Outcome::Failed && row.counts.failed == 0 {
            sum.failed += 1;
        }
    }
    format!("{} passed, {} failed", sum.passed, sum.failed)
}

/// The tests that failed, by name, in what nextest and Vitest print: `FAIL [ 0.7s] (4/9) latchkey-core policy::x` and
/// ` FAIL  tests/window.test.ts > shows a session`. Each is printed more than once.
pub(crate) fn failed_tests(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in plain(text).lines() {
        let line = line.trim();
        let Some((word, rest)) = line.split_once(' ') else { continue };
        let name = match (word, rest.trim_start().strip_prefix('[')) {
            ("FAIL" | "TIMEOUT" | "ABORT" | "LEAK-FAIL" | "XFAIL", Some(timed)) => {
                timed.split_once(']').map(|(_, name)| name)
            }
            (signal, Some(timed)) if signal.starts_with("SIG") => timed.split_once(']').map(|(_, name)| name),
            ("FAIL", None) => Some(rest).filter(|name| name.contains(" > ")),
            _ => None,
        };
        let Some(name) = name.map(str::trim_start) else { continue };
        let name = match name.strip_prefix('(').and_then(|numbered| numbered.split_once(") ")) {
            Some((_, name)) => name,
            None => name,
        };
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

/// Counts in nextest's `Summary [ 1.2s] 5 tests run: 3 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
pub(crate) fn nextest(text: &str) -> Counts {
    let mut counts = Counts::default();
    for line in plain(text).lines() {
        let Some(rest) = line.trim_start().strip_prefix("Summary [") else { continue };
        let Some((_, results)) = rest.split_once("run:") else { continue };
        // What stands in brackets only tells more about the number before it.
        for (number, word) in numbered(&without_brackets(results), ',') {
            match word.as_str() {
                "passed" => counts.passed += number,
                "skipped" => {}
                _ => counts.failed += number,
            }
        }
    }
    counts
}

/// Counts in Vitest's `Tests  1 failed | 5 passed | 1 skipped (7)`; the line `Test Files` counts files.
pub(crate) fn vitest(text: &str) -> Counts {
    let mut counts = Counts::default();
    for line in plain(text).lines() {
        let Some(results) = line.trim_start().strip_prefix("Tests ") else { continue };
        for (number, word) in numbered(&without_brackets(results), '|') {
            match word.as_str() {
                "passed" => counts.passed += number,
                "failed" => counts.failed += number,
                _ => {}
            }
        }
    }
    counts
}

/// Counts in libtest's `test result: ok. 3 passed; 0 failed; 0 ignored; …`, once per crate.
pub(crate) fn libtest(text: &str) -> Counts {
    let mut counts = Counts::default();
    for line in plain(text).lines() {
        let Some((_, results)) = line.split_once("test result: ").and_then(|(_, rest)| rest.split_once(". "))
        else {
            continue;
        };
        for (number, word) in numbered(results, ';') {
            match word.as_str() {
                "passed" => counts.passed += number,
                "failed" => counts.failed += number,
                _ => {}
            }
        }
    }
    counts
}

/// `3 passed, 1 timed out` as `(3, "passed"), (1, "timed out")`.
fn numbered(text: &str, separator: char) -> Vec<(u32, String)> {
    text.split(separator)
        .filter_map(|piece| {
            let (number, word) = piece.trim().split_once(' ')?;
            Some((number.parse().ok()?, word.trim().to_owned()))
        })
        .collect()
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|sign| {
            match sign {
                '(' => depth += 1,
                ')' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

/// Without the escape sequences that set colours.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        if sign == '\u{1b}' {
            // `ESC [ … letter`
            if signs.next() == Some('[') {
                let _ = signs.find(|sign| ('@'..='~').contains(sign));
            }
        } else {
            out.push(sign);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn counts(passed: u32, failed: u32) -> Counts {
        Counts { passed, failed }
    }

    #[test]
    fn nextest_summaries_are_counted() {
        for (line, expected) in [
            ("     Summary [   0.003s] 3 tests run: 3 passed, 0 skipped", counts(3, 0)),
            (
                "     Summary [  61.2s] 9 tests run: 5 passed (2 slow, 1 leaky), 2 failed, 1 timed out, 1 exec failed, 4 skipped",
                counts(5, 4),
            ),
            ("     Summary [   1.0s] 4/9 tests run: 3 passed, 1 failed, 0 skipped", counts(3, 1)),
            ("     Summary [   1.0s] 1 test run: 1 passed, 0 skipped", counts(1, 0)),
            (
                "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 0 \u{1b}[33;1mskipped\u{1b}[0m",
                counts(2, 0),
            ),
            ("        PASS [   0.010s] latchkey-core a_test_with_3_passed", counts(0, 0)),
        ] {
            assert_eq!(nextest(line), expected, "{line}");
        }
    }

    #[test]
    fn vitest_summaries_are_counted() {
        let text = " Test Files  1 failed | 2 passed (3)\n      Tests  1 failed | 5 passed | 1 skipped (7)\n   Start at  10:00:00\n";
        assert_eq!(vitest(text), counts(5, 1));
        let coloured = "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m12 passed\u{1b}[39m\u{1b}[22m\u{1b}[90m (12)\u{1b}[39m\n";
        assert_eq!(vitest(coloured), counts(12, 0));
        assert_eq!(vitest("      Tests  no tests\n"), counts(0, 0));
    }

    #[test]
    fn libtest_results_are_summed_over_crates() {
        let text = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                    test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(libtest(text), counts(4, 2));
    }

    #[test]
    fn failed_tests_are_named_once_each() {
        let text = "        FAIL [   0.697s] (4/9) latchkey-core policy::waits_long\n\
                    \u{1b}[31;1m     TIMEOUT\u{1b}[0m [ 180.001s] latchkey-tests::blackbox window_opens\n\
                    \u{20}    SIGSEGV [   0.100s] (5/9) latchkey ends\n\
                    \u{20}       SLOW [> 60.000s] latchkey-tests::blackbox is_slow\n\
                    \u{20}    Summary [   1.0s] 9 tests run: 6 passed, 3 failed\n\
                    \u{20}       FAIL [   0.697s] (4/9) latchkey-core policy::waits_long\n\
                    \u{20}FAIL  tests/log.test.ts > the log > follows\nFAILURE of none\n";
        assert_eq!(
            failed_tests(text),
            [
                "latchkey-core policy::waits_long",
                "latchkey-tests::blackbox window_opens",
                "latchkey ends",
                "tests/log.test.ts > the log > follows"
            ]
        );
    }

    #[test]
    fn a_part_that_failed_without_a_test_shows_in_the_last_line() {
        let rows = [row("fmt", Outcome::Failed, counts(0, 0)), row("rust", Outcome::Failed, counts(7, 2))];
        assert_eq!(last_line(&rows), "7 passed, 3 failed");
        assert_eq!(again(&rows).unwrap(), "These again: cargo xtask test --only fmt,rust");
        assert_eq!(ended(&rows[0]), "fmt FAILED after 1.5 s");
        let rows = [row("fmt", Outcome::Passed, counts(0, 0)), row("rust", Outcome::Passed, counts(7, 0))];
        assert_eq!(last_line(&rows), "7 passed, 0 failed");
        assert_eq!(again(&rows), None);
    }

    #[test]
    fn the_table_has_a_line_for_each_part() {
        let mut failed = row("rust", Outcome::Failed, counts(7, 2));
        failed.note = "why".to_owned();
        let lines = table(&[row("fmt", Outcome::Passed, counts(0, 0)), failed]);
        assert_eq!(
            lines,
            [
                "part      result   seconds  tests",
                "fmt       ok           1.5  -",
                "rust      FAILED       1.5  7 (2 failed)     why",
                "in all 3.0 s"
            ]
        );
    }

    fn row(part: &'static str, outcome: Outcome, counts: Counts) -> Row {
        Row { part, outcome, took: Duration::from_millis(1500), counts, note: String::new() }
    }
}
