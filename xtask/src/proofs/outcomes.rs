//! How tests came out in a run, as nextest writes it down (`[profile.default.junit]` in `.config/nextest.toml`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each test that ran, by its name without modules, and whether it passed; of several of one name whether all did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcomes(BTreeMap<String, bool>);

/// How several tests came out together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Together {
    Passed,
    Failed,
    NotAllRun,
}

impl Outcomes {
    /// Forgets what an earlier run wrote down.
    pub(crate) fn clear(target: &Path) {
        let _ = fs::remove_file(place(target));
    }

    /// Adds what the last run wrote down; nothing where it did not come so far.
    pub(crate) fn take(&mut self, target: &Path) {
        self.add(&fs::read_to_string(place(target)).unwrap_or_default());
    }

    /// Whether any test ran.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, junit: &str) {
        for case in junit.split("<testcase ").skip(1) {
            let Some((_, rest)) = case.split_once("name=\"") else { continue };
            let Some((path, _)) = rest.split_once('"') else { continue };
            let name = path.rsplit("::").next().unwrap_or(path);
            let own = case.split("</testcase>").next().unwrap_or(case);
            let passed = !own.contains("<failure") && !own.contains("<error");
            *self.0.entry(name.to_owned()).or_insert(true) &= passed;
        }
    }

    pub(super) fn of(&self, tests: &[&str]) -> Together {
        let each: Vec<_> = tests.iter().map(|test| self.0.get(*test)).collect();
        if each.contains(&Some(&false)) {
            Together::Failed
        } else if each.contains(&None) {
            Together::NotAllRun
        } else {
            Together::Passed
        }
    }
}

fn place(target: &Path) -> PathBuf {
    target.join("nextest/default/junit.xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_in_any_place_has_failed() {
        let mut outcomes = Outcomes::default();
        outcomes.add(
            "<testsuite><testcase name=\"a::good\" classname=\"x\" time=\"1\"/>\
             <testcase name=\"b::bad\" time=\"1\"><failure message=\"m\">text</failure></testcase>\
             <testcase name=\"c::good\" time=\"1\"></testcase></testsuite>",
        );
        assert_eq!(outcomes.of(&["good"]), Together::Passed);
        assert_eq!(outcomes.of(&["good", "bad"]), Together::Failed);
        assert_eq!(outcomes.of(&["good", "other"]), Together::NotAllRun);
        outcomes.add("<testcase name=\"good\"><failure/></testcase>");
        assert_eq!(outcomes.of(&["good"]), Together::Failed);
    }
}
