//! `tests/catalogue.md`: what can go wrong, how it must end, and which test shows that it does.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::named::Named;
use super::{table, tests, text};

/// The topics in the order of the page: file, letter of its scenarios, how many there are.
const TOPICS: [(&str, &str, usize); 10] = [
    ("protocol", "P", 66),
    ("signed-tokens", "J", 34),
    ("vault", "K", 20),
    ("callback", "C", 15),
    ("network", "N", 17),
    ("clocks", "L", 10),
    ("process", "X", 20),
    ("agent", "I", 16),
    ("window", "U", 14),
    ("house", "G", 12),
];

/// How many scenarios are how far.
#[derive(Default)]
struct Tally {
    shown: usize,
    partly: usize,
    elsewhere: usize,
    open: usize,
}

impl Tally {
    fn count(&mut self, scenario: &toml::Table) {
        let has = |key| scenario.contains_key(key);
        match (has("tests"), has("elsewhere"), has("open")) {
            (true, false, false) => self.shown += 1,
            (true, _, true) => self.partly += 1,
            // Where there are tests too, all that this platform can show is shown.
            (_, true, _) => self.elsewhere += 1,
            (false, false, _) => self.open += 1,
        }
    }
}

pub(super) fn page(root: &Path, named: &Named) -> Result<String> {
    let (mut tally, mut tables) = (Tally::default(), String::new());
    let folder = root.join("tests/catalogue");
    let files = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?.count();
    if files != TOPICS.len() {
        bail!("{} holds {files} files, and the page is made of {}", folder.display(), TOPICS.len());
    }
    for (file, letter, scenarios) in TOPICS {
        let topic = table(&folder.join(file).with_extension("toml"))?;
        let title = text(&topic, "title").with_context(|| format!("{file} has no title"))?;
        let _ = write!(
            tables,
            "\n## {title}\n\n| | what happens | how it ends | shown by |\n|---|---|---|---|\n"
        );
        if topic.len() != scenarios + 1 {
            bail!("{file} holds {} scenarios in place of {scenarios}", topic.len() - 1);
        }
        for number in 1..=scenarios {
            let id = format!("{letter}{number}");
            let scenario = topic.get(&id).and_then(toml::Value::as_table);
            let scenario = scenario.with_context(|| format!("{file} lacks {id}"))?;
            tally.count(scenario);
            let _ = writeln!(tables, "{}", row(&id, scenario, named)?);
        }
    }
    let all: usize = TOPICS.iter().map(|(_, _, scenarios)| scenarios).sum();
    let Tally { shown, partly, elsewhere, open } = tally;
    Ok(format!(
        "# The catalogue\n\n\
        What can go wrong, how it must end, and which test shows that it does. Made by `cargo xtask catalogue` from \
        `tests/catalogue/`; a test\nfails when this page is stale or names a test that is not there. In every row also \
        holds that no secret gets out (`canary.rs`).\n\n\
        Of {all} scenarios {shown} are shown, {partly} in part, {elsewhere} need another platform, wholly or for the rest, and {open} are open.\n\
        {tables}"
    ))
}

fn row(id: &str, scenario: &toml::Table, named: &Named) -> Result<String> {
    const KEYS: [&str; 6] = ["what", "ends", "tests", "open", "elsewhere", "differs"];
    if let Some(key) = scenario.keys().find(|key| !KEYS.contains(&key.as_str())) {
        bail!("{id}: `{key}` is none of {KEYS:?}");
    }
    let said = |key| text(scenario, key);
    let what = said("what").with_context(|| format!("{id} does not say what happens"))?;
    let ends = said("ends").with_context(|| format!("{id} does not say how it ends"))?;
    let mut shown = named.cell(id, &tests(scenario))?;
    let notes = [("open", "Open"), ("elsewhere", "Not on Linux"), ("differs", "Otherwise than usual")];
    for (key, heading) in notes {
        let Some(note) = said(key) else { continue };
        let between = if shown.is_empty() { "" } else { "<br>" };
        let _ = write!(shown, "{between}*{heading}:* {note}");
    }
    if shown.is_empty() {
        bail!("{id} names neither a test nor a reason why there is none");
    }
    Ok(format!("| {id} | {what} | {ends} | {shown} |"))
}

#[cfg(test)]
mod unit {
    use super::*;

    fn scenario(text: &str) -> toml::Table {
        text.parse().unwrap()
    }

    #[test]
    fn a_scenario_needs_a_test_or_a_reason() {
        let row = |text| row("P1", &scenario(text), &Named::default());
        assert!(row("what = 'a'\nends = 'b'").is_err());
        assert!(row("what = 'a'\nends = 'b'\ntests = ['gone']").is_err());
        assert!(row("what = 'a'\nends = 'b'\nopne = 'c'").is_err());
        assert_eq!(row("what = 'a'\nends = 'b'\nopen = 'c'").unwrap(), "| P1 | a | b | *Open:* c |");
    }

    #[test]
    fn what_is_shown_in_part_is_not_counted_as_shown() {
        let mut tally = Tally::default();
        for text in [
            "tests = ['a']",
            "tests = ['a']\nopen = 'b'",
            "elsewhere = 'c'",
            "tests = ['a']\nelsewhere = 'c'",
            "open = 'd'",
        ] {
            tally.count(&scenario(text));
        }
        assert_eq!([tally.shown, tally.partly, tally.elsewhere, tally.open], [1, 1, 2, 1]);
    }
}
