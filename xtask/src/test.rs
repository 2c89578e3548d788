//! `cargo xtask test`: everything that must hold, one part after the other, each to its end even when one before it
//! failed, so that one run shows all.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::clock::Stopwatch;
use crate::desktop::Desktop;
use crate::process::{self, Group, interrupt};
use crate::proofs::{self, Outcomes};
use crate::summary::{self, Counts, Outcome, Row};
use crate::workspace::Workspace;
use crate::{audit, doctests, npm, packages, provision, run, say, sites, soak, ui};

/// A part of the test run, in the order they run in: what is quick and often wrong comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// rustfmt finds nothing to change.
    Fmt,
    /// The user interface builds, and its lint, type check and tests pass.
    Ui,
    /// clippy finds nothing, in any target.
    Clippy,
    /// The dependencies are allowed: licences, sources, bans, advisories, also of npm packages.
    Deny,
    /// The programs build and the tests of the crates pass.
    Rust,
    /// The built programs pass the tests from outside.
    Blackbox,
}

use Part::{Blackbox, Clippy, Deny, Fmt, Rust, Ui};

const ALL: [Part; 6] = [Fmt, Ui, Clippy, Deny, Rust, Blackbox];

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Fmt => "fmt",
            Ui => "ui",
            Clippy => "clippy",
            Deny => "deny",
            Rust => "rust",
            Blackbox => "blackbox",
        }
    }

    const fn heading(self) -> &'static str {
        match self {
            Fmt => "fmt: rustfmt finds nothing to change",
            Ui => "ui: build, lint, types, tests",
            Clippy => "clippy: warnings denied, all targets",
            Deny => "deny: licences, sources, bans, advisories, also of npm packages",
            Rust => "rust: the programs and the tests of the crates",
            Blackbox => "blackbox: the programs from outside",
        }
    }
}

/// How a part came out when it could run to its end.
#[derive(Default)]
struct Report {
    counts: Counts,
    failed: Vec<String>,
    /// Tests that failed, by name.
    tests: Vec<String>,
    skipped: bool,
    note: String,
}

/// Runs the parts; `true` if none failed.
pub(crate) fn test(workspace: &Workspace, only: &[Part], yes: bool) -> Result<bool> {
    let parts: Vec<Part> = ALL.into_iter().filter(|part| only.is_empty() || only.contains(part)).collect();
    prepare(workspace, &parts, yes)?;
    let names: Vec<_> = parts.iter().map(|part| part.name()).collect();
    say::line(format!(
        "\nParts: {}. Each runs to its end, also after one that failed; the summary comes last.",
        names.join(", ")
    ));
    let (mut rows, mut failed, mut outcomes) = (Vec::new(), Vec::new(), Outcomes::default());
    for (number, &part) in parts.iter().enumerate() {
        interrupt::check()?;
        say::heading(format!("{} of {} · {}", number + 1, parts.len(), part.heading()));
        let watch = Stopwatch::start();
        Outcomes::clear(&workspace.target);
        let report = one(workspace, part);
        outcomes.take(&workspace.target);
        interrupt::check()?;
        let tests = report.as_ref().map(|report| report.tests.as_slice()).unwrap_or_default();
        failed.extend(tests.iter().map(|test| format!("{:<9} {test}", part.name())));
        let row = row(part, report, watch.elapsed());
        say::line(summary::ended(&row));
        rows.push(row);
    }
    say::heading("Summary");
    for line in summary::table(&rows) {
        say::line(line);
    }
    if !outcomes.is_empty() {
        proofs::conformance_of(workspace, &outcomes)?;
    }
    if !failed.is_empty() {
        say::heading("Tests that failed");
        failed.iter().for_each(say::line);
    }
    if let Some(again) = summary::again(&rows) {
        say::line(format!("\n{again}"));
    }
    say::line(summary::last_line(&rows));
    Ok(rows.iter().all(|row| row.outcome != Outcome::Failed))
}

/// Compares the window with its accepted pictures, or accepts it as it is; `true` if nothing differs.
pub(crate) fn screenshots(workspace: &Workspace, accept: bool, yes: bool) -> Result<bool> {
    prepare(workspace, &[Part::Blackbox], yes)?;
    ui::preview(workspace)?;
    let desktop = Desktop::start(&workspace.target.join("black-box/desktop"))?;
    let mut command = nextest(workspace, "package(latchkey-tests) & test(window_looks)");
    desktop.apply(&mut command);
    if accept {
        command.env("LATCHKEY_ACCEPT_PICTURES", "1");
    }
    let mut report = Report::default();
    report.step("nextest", &mut command, summary::nextest)?;
    Ok(report.failed.is_empty())
}

/// Gets what these parts need.
fn prepare(workspace: &Workspace, parts: &[Part], yes: bool) -> Result<()> {
    let has = |wanted: &[Part]| parts.iter().any(|part| wanted.contains(part));
    let mut sets = Vec::new();
    let mut tools = Vec::new();
    if has(&[Clippy, Rust, Blackbox]) {
        sets.push(packages::WINDOW);
    }
    if has(&[Blackbox]) {
        sets.extend([packages::HEADLESS, packages::BLACK_BOX, packages::PACKAGING]);
        if !process::on_path("kubectl") {
            sets.push(packages::KUBECTL);
        }
    }
    if has(&[Rust, Blackbox]) {
        tools.push(&provision::NEXTEST);
    }
    if has(&[Ui, Clippy, Rust, Blackbox]) && provision::node_can_be_installed() {
        sets.push(packages::NODE);
    }
    if has(&[Deny]) {
        tools.push(&provision::DENY);
    }
    provision::provide(workspace, &sets, &tools, yes)
}

fn row(part: Part, report: Result<Report>, took: Duration) -> Row {
    let (counts, outcome, note) = match report {
        Ok(report) if !report.failed.is_empty() => (report.counts, Outcome::Failed, report.failed.join(", ")),
        Ok(report) if report.skipped => (report.counts, Outcome::Skipped, report.note),
        Ok(report) => (report.counts, Outcome::Passed, report.note),
        Err(error) => {
            say::problem(format!("error: {error:#}"));
            let text = format!("{error:#}");
            (Counts::default(), Outcome::Failed, text.lines().next().unwrap_or_default().to_owned())
        }
    };
    Row { part: part.name(), outcome, took, counts, note }
}

fn one(workspace: &Workspace, part: Part) -> Result<Report> {
    let mut report = Report::default();
    match part {
        Fmt => {
            let words = ["fmt", "--all", "--", "--check"];
            report.step("cargo fmt", workspace.cargo().args(words), nothing)?;
        }
        Ui => {
            ui::ready(workspace)?;
            for script in ["lint", "check", "test"] {
                report.step(
                    &format!("npm run {script}"),
                    npm::command(&workspace.ui()).args(["run", "--silent", script]),
                    summary::vitest,
                )?;
            }
            let page = ui::page(workspace)?;
            report.note = format!("page {page} bytes of {} gzipped", ui::PAGE_BUDGET);
            if page > ui::PAGE_BUDGET {
                report.failed.push("the page's budget".to_owned());
            }
        }
        Clippy => {
            ui::ready(workspace)?;
            let words = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
            report.step("cargo clippy", workspace.cargo().args(words), nothing)?;
        }
        Deny => deny(workspace, &mut report)?,
        Rust => rust(workspace, &mut report)?,
        Blackbox => black_box(workspace, &mut report)?,
    }
    Ok(report)
}

impl Report {
    /// Runs one command of a part and counts its tests.
    fn step(&mut self, name: &str, command: &mut Command, count: fn(&str) -> Counts) -> Result<()> {
        let run = process::stream(name, command)?;
        self.counts += count(&run.text);
        if !run.success {
            self.tests.extend(summary::failed_tests(&run.text));
            self.failed.push(name.to_owned());
        }
        Ok(())
    }
}

fn nothing(_: &str) -> Counts {
    Counts::default()
}

/// The advisories need a database from the network; without it the rest is still checked, and the run says so.
fn deny(workspace: &Workspace, report: &mut Report) -> Result<()> {
    report.step(
        "cargo deny",
        workspace.cargo().args(["deny", "check", "bans", "licenses", "sources"]),
        nothing,
    )?;
    let mut fetch = workspace.cargo();
    fetch.args(["deny", "fetch", "db"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let looked = audit::look(workspace)?;
    for what in &looked.wrong {
        say::problem(what);
    }
    if !looked.wrong.is_empty() {
        report.failed.push("npm audit".to_owned());
    }
    let mut notes = Vec::from_iter(looked.note);
    // A network that swallows everything must not hold up the run.
    let fetched = Group::spawn("cargo deny fetch", &mut fetch)?.wait(Some(Duration::from_mins(1)));
    interrupt::check()?;
    if fetched.is_ok_and(|status| status.success()) {
        let words = ["deny", "check", "advisories"];
        report.step("cargo deny advisories", workspace.cargo().args(words), nothing)?;
    } else {
        notes.push("advisories not checked: their database is out of reach".to_owned());
    }
    for note in &notes {
        say::line(note);
    }
    report.note = notes.join("; ");
    Ok(())
}

/// Every nextest run selects the whole workspace and filters afterwards: selecting single packages would resolve other
/// features and build the dependencies once more.
fn nextest(workspace: &Workspace, filter: &str) -> Command {
    let mut cargo = workspace.cargo();
    cargo.args(["nextest", "run", "--workspace", "-E", filter]);
    cargo
}

fn rust(workspace: &Workspace, report: &mut Report) -> Result<()> {
    ui::ready(workspace)?;
    run::build(workspace)?;
    report.step("nextest", &mut nextest(workspace, "not package(latchkey-tests)"), summary::nextest)?;
    if doctests::any(&workspace.root.join("crates"))? {
        report.step(
            "cargo test --doc",
            workspace.cargo().args(["test", "--workspace", "--doc"]),
            summary::libtest,
        )?;
    }
    Ok(())
}

/// The tests start desktops of their own. They run in one nevertheless: a test that forgets its own must not reach the
/// keychain of the person who runs it.
fn black_box(workspace: &Workspace, report: &mut Report) -> Result<()> {
    if !cfg!(target_os = "linux") {
        report.skipped = true;
        "made for Linux: a virtual display and a private session bus".clone_into(&mut report.note);
        return Ok(());
    }
    ui::preview(workspace)?;
    npm::install(workspace, &workspace.test_provider(), "npm-ci-provider")?;
    sites::ready(workspace)?;
    let everything = "package(latchkey-tests)";
    #[cfg(unix)]
    if crate::release::can_pack() {
        let (_desktop, mut command) = from_outside(workspace, everything)?;
        command.env("LATCHKEY_PACKAGES", crate::release::for_tests(workspace)?);
        return report.step("nextest", &mut command, summary::nextest);
    }
    "packages not looked at: the tools that make them are missing".clone_into(&mut report.note);
    say::line(&report.note);
    let but_packages = format!("{everything} & not test(/^packages::/)");
    let (_desktop, mut command) = from_outside(workspace, &but_packages)?;
    report.step("nextest", &mut command, summary::nextest)
}

/// The tests of the built programs that a filter names, and the desktop they run in.
pub(crate) fn from_outside(workspace: &Workspace, filter: &str) -> Result<(Desktop, Command)> {
    ui::ready(workspace)?;
    run::build(workspace)?;
    let programs = set_aside(workspace)?;
    let doomed = soak::with_failpoints(workspace)?;
    let desktop = Desktop::start(&workspace.target.join("black-box/desktop"))?;
    let mut command = nextest(workspace, filter);
    desktop.apply(&mut command);
    let [cli, app] = programs;
    command.env("LATCHKEY_BIN", cli).env("LATCHKEY_DESKTOP_BIN", app).env(soak::DOOMED, doomed);
    Ok((desktop, command))
}

/// Keeps the programs as they were built for a person. The build of the tests may put others in their place, which have
/// features that only tests switch on.
fn set_aside(workspace: &Workspace) -> Result<[PathBuf; 2]> {
    let folder = workspace.target.join("black-box");
    fs::create_dir_all(&folder)?;
    let keep = |name: &str| -> Result<PathBuf> {
        let from = workspace.program("debug", name);
        let to = folder.join(from.file_name().context("a program without a name")?);
        let _ = fs::remove_file(&to);
        if fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
        Ok(to)
    };
    // The small program starts the full one that stands beside it.
    keep("latchkey-cli")?;
    Ok([keep("latchkey")?, keep("latchkey-desktop")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_could_not_run_failed_with_the_first_line_of_its_error() {
        let row = row(Part::Rust, Err(anyhow::anyhow!("no\nmore")), Duration::ZERO);
        assert_eq!((row.outcome, row.note.as_str()), (Outcome::Failed, "no"));
    }
}
