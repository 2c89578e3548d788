//! `cargo xtask soak`: for hours what the tests do for a minute. Figures of the policy, services that are restarted,
//! renewals that are killed, processes that renew at once, simulated years with the real engine, a window that hears of
//! changes all the time, the search for secrets.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::clock::{self, Stopwatch};
use crate::process;
use crate::workspace::Workspace;
use crate::{packages, provision, say, test, ui};

/// How much of each.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Amount {
    /// The first seed; the others follow it
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Simulated lives, each from a seed of its own
    #[arg(long, default_value_t = 20)]
    lives: u32,
    /// Days of each life
    #[arg(long, default_value_t = 365)]
    days: u32,
    /// Renewals that are killed
    #[arg(long, default_value_t = 1000)]
    kills: u32,
    /// Rounds in which many processes renew at once
    #[arg(long, default_value_t = 1000)]
    rounds: u32,
    /// How many renew at once
    #[arg(long, default_value_t = 8)]
    processes: u32,
    /// Times that the keychain and the bus are restarted
    #[arg(long, default_value_t = 20)]
    restarts: u32,
    /// Renewals that a window hears of, some six a second
    #[arg(long, default_value_t = 23_000)]
    heard: u32,
}

/// Runs all of it to its end; `true` if nothing went wrong.
pub(crate) fn soak(workspace: &Workspace, amount: Amount, yes: bool) -> Result<bool> {
    let sets = [packages::WINDOW, packages::HEADLESS, packages::BLACK_BOX];
    provision::provide(workspace, &sets, &[&provision::NEXTEST], yes)?;
    let Amount { seed, lives, days, kills, rounds, processes, restarts, heard } = amount;
    let parts: [(&str, &str, &[u32]); 5] = [
        ("figures: how often a token is there, and what an outage costs", "figures", &[seed]),
        ("services that are restarted", "recovery", &[restarts]),
        ("renewals that are killed", "kills", &[seed, kills]),
        ("processes that renew at once", "together", &[rounds, processes]),
        ("simulated lives with the real engine", "years", &[seed, lives, days]),
    ];
    let mut outcomes = Vec::new();
    // None of what is counted last means that there is none of it.
    for (heading, what, numbers) in parts.into_iter().filter(|(_, _, numbers)| numbers.last() != Some(&0)) {
        let words: Vec<_> =
            std::iter::once(what.to_owned()).chain(numbers.iter().map(u32::to_string)).collect();
        outcomes.push((heading, part(heading, || simulate(workspace, &words))?));
    }
    if heard != 0 {
        let window = "a window that hears of changes all the time";
        outcomes.push((window, part(window, || endures(workspace, heard))?));
    }
    let canary = "secrets: every token and password looked for in everything that is written";
    outcomes.push((canary, part(canary, || secrets(workspace))?));
    say::heading("Summary");
    for (heading, fine) in &outcomes {
        say::line(format!("{}  {heading}", if *fine { "ok    " } else { "FAILED" }));
    }
    Ok(outcomes.iter().all(|(_, fine)| *fine))
}

fn part(heading: &str, run: impl FnOnce() -> Result<bool>) -> Result<bool> {
    say::heading(heading);
    let watch = Stopwatch::start();
    let fine = run()?;
    say::line(format!("  in {}", clock::readable(watch.elapsed())));
    Ok(fine)
}

/// The tests that search files, outputs, memory and the page for secrets; none is found, and a planted one is.
fn secrets(workspace: &Workspace) -> Result<bool> {
    ui::preview(workspace)?;
    let (_desktop, mut command) = test::from_outside(workspace, "package(latchkey-tests) & test(canary)")?;
    Ok(process::stream("nextest", &mut command)?.success)
}

/// The test that watches a window while many sessions are renewed, for so many renewals.
fn endures(workspace: &Workspace, renewals: u32) -> Result<bool> {
    let filter = "package(latchkey-tests) & test(window_that_hears_of_changes)";
    let (_desktop, mut command) = test::from_outside(workspace, filter)?;
    command.args(["--profile", "soak", "--no-capture"]).env(RENEWALS, renewals.to_string());
    Ok(process::stream("nextest", &mut command)?.success)
}

/// Where that test finds how many.
const RENEWALS: &str = "LATCHKEY_SOAK_RENEWALS";

/// Builds the simulation, optimised, and runs it; whether it found nothing wrong.
pub(crate) fn simulate(workspace: &Workspace, words: &[String]) -> Result<bool> {
    let kills = words.first().is_some_and(|what| what == "kills");
    let doomed = if kills { Some(with_failpoints(workspace)?) } else { None };
    let mut build = workspace.cargo();
    build.args(["build", "-p", "latchkey", "-p", "latchkey-tests", "--bins"]);
    // The simulation looks at millions of moments; everything else stays as the tests have built it.
    for package in ["latchkey-tests", "latchkey-core", "jiff"] {
        build.args(["--config", &format!("profile.dev.package.{package}.opt-level=2")]);
    }
    if !process::stream("cargo", &mut build)?.success {
        bail!("the build failed");
    }
    let mut command = Command::new(workspace.program("debug", "simulate"));
    command.args(words).env("LATCHKEY_BIN", workspace.program("debug", "latchkey"));
    if let Some(doomed) = doomed {
        command.env(DOOMED, doomed);
    }
    Ok(process::stream("simulate", &mut command)?.success)
}

/// Where the simulation finds what [`with_failpoints`] built.
pub(crate) const DOOMED: &str = "LATCHKEY_DOOMED_BIN";

/// Builds the terminal program with the named places at which a test lets it die, and keeps it apart from the one that
/// is for people.
pub(crate) fn with_failpoints(workspace: &Workspace) -> Result<PathBuf> {
    let mut build = workspace.cargo();
    build.args(["build", "-p", "latchkey", "--features", "latchkey/failpoints"]);
    if !process::stream("cargo", &mut build)?.success {
        bail!("the build with failpoints failed");
    }
    let folder = workspace.target.join("failpoints");
    fs::create_dir_all(&folder)?;
    let from = workspace.program("debug", "latchkey-cli");
    let to = folder.join(from.file_name().context("a program without a name")?);
    fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(to)
}
