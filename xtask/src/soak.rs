//! `cargo xtask soak`: for hours what the tests do for a minute. Simulated years with the real engine, renewals that are
//! killed, processes that renew at once.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::clock::{self, Stopwatch};
use crate::process;
use crate::workspace::Workspace;
use crate::{packages, provision, say};

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
    /// Rounds in which eight processes renew at once
    #[arg(long, default_value_t = 1000)]
    rounds: u32,
}

/// Runs all of it to its end; `true` if nothing went wrong.
pub(crate) fn soak(workspace: &Workspace, amount: Amount, yes: bool) -> Result<bool> {
    provision::provide(workspace, &[packages::HEADLESS, packages::BLACK_BOX], &[], yes)?;
    let Amount { seed, lives, days, kills, rounds } = amount;
    let parts = [
        (
            "simulated lives with the real engine",
            vec!["years".to_owned(), seed.to_string(), lives.to_string(), days.to_string()],
        ),
        ("renewals that are killed", vec!["kills".to_owned(), seed.to_string(), kills.to_string()]),
        ("processes that renew at once", vec!["together".to_owned(), rounds.to_string()]),
    ];
    let mut fine = true;
    for (what, words) in parts {
        say::heading(what);
        let watch = Stopwatch::start();
        fine &= simulate(workspace, &words)?;
        say::line(format!("  in {}", clock::readable(watch.elapsed())));
    }
    Ok(fine)
}

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
    let from = workspace.program("debug", "latchkey");
    let to = folder.join(from.file_name().context("a program without a name")?);
    fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(to)
}
