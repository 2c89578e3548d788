//! The tests there are, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Where Rust tests and those of the window stand.
const PLACES: [&str; 6] = ["crates", "src-tauri/src", "tests", "xtask/src", "ui/src", "ui/tests"];
/// Folders in which nothing of ours stands.
const FOREIGN: [&str; 4] = ["node_modules", "target", ".next", "snapshots"];

/// Each test that runs, with the files in which one of that name stands.
#[derive(Default)]
pub(super) struct Named(BTreeMap<String, BTreeSet<String>>);

impl Named {
    /// All tests of a checkout.
    pub(super) fn below(root: &Path) -> Result<Self> {
        let mut named = Self::default();
        for place in PLACES {
            named.look_into(root, &root.join(place))?;
        }
        Ok(named)
    }

    fn look_into(&mut self, root: &Path, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !FOREIGN.contains(&name.as_str()) {
                    self.look_into(root, &path)?;
                }
                continue;
            }
            let read: fn(&str) -> Vec<String> = match name.rsplit_once('.') {
                Some((_, "rs")) => of_rust,
                Some((stem, "ts")) if has_tests(stem) => of_the_window,
                Some(_) | None => continue,
            };
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let place = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            for name in read(&text) {
                self.0.entry(name).or_default().insert(place.clone());
            }
        }
        Ok(())
    }

    /// A cell that names these tests, each with a link from a page one folder below the root.
    ///
    /// # Errors
    /// When one is not there, or does not run.
    pub(super) fn cell(&self, whose: &str, tests: &[&str]) -> Result<String> {
        let mut cell = String::new();
        for test in tests {
            let Some(files) = self.0.get(*test) else {
                bail!("{whose}: there is no test `{test}` that runs")
            };
            for file in files {
                if !cell.is_empty() {
                    cell.push_str("<br>");
                }
                let _ = write!(cell, "[{}](../{file})", test.replace('_', " "));
            }
        }
        Ok(cell)
    }
}

fn has_tests(stem: &str) -> bool {
    stem.rsplit_once('.').is_some_and(|(_, kind)| kind == "test")
}

/// Functions below a test attribute and not below one that has them left out.
fn of_rust(text: &str) -> Vec<String> {
    let (mut is_test, mut left_out) = (false, false);
    let mut found = Vec::new();
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if line.starts_with("#[ignore") {
            left_out = true;
        } else if let Some(function) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")) {
            let name = function.split(['(', '<']).next().unwrap_or_default();
            if is_test && !left_out {
                found.push(name.to_owned());
            }
            (is_test, left_out) = (false, false);
        }
    }
    found
}

/// `it("…")` and `test("…")` of vitest.
fn of_the_window(text: &str) -> Vec<String> {
    let begins = |line: &str| {
        let rest = line.strip_prefix("it(\"").or_else(|| line.strip_prefix("test(\""))?;
        rest.split_once('"').map(|(name, _)| name.to_owned())
    };
    text.lines().map(str::trim_start).filter_map(begins).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tests_that_run_are_found() {
        let text = "fn help() {}\n#[test]\nfn one() {}\n#[test]\n#[ignore = \"slow\"]\nfn two() {}\n\
            fn three() {}\n    #[tokio::test(flavor = \"multi_thread\")]\n    async fn four() {}";
        assert_eq!(of_rust(text), ["one", "four"]);
        assert_eq!(of_the_window("  it(\"says so\", () => {\n it.skip(\"does not\", () => {"), ["says so"]);
    }

    #[test]
    fn a_test_that_is_not_there_is_named() {
        let named = Named(BTreeMap::from([("here".to_owned(), BTreeSet::from(["a.rs".to_owned()]))]));
        assert_eq!(named.cell("P1", &["here"]).unwrap(), "[here](../a.rs)");
        assert!(named.cell("P1", &["here", "gone"]).unwrap_err().to_string().contains("P1"));
    }
}
