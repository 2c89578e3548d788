//! `cargo xtask bench`: size, start and build time of the app, and how well it renews. What it prints is what
//! `docs/performance.md` quotes.

#[cfg(unix)]
mod agent;
mod desktop;
mod policy;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Subcommand, ValueEnum};

use crate::clock::{self, Stopwatch};
use crate::desktop::Desktop;
use crate::painted::painted;
use crate::process::{self, Group};
use crate::programs::cargo;
use crate::workspace::{Workspace, fresh_private_folder, with_folders};
use crate::{npm, packages, programs, provision, say, ui};

/// What to measure.
#[derive(Clone, Copy, Subcommand)]
pub(crate) enum Measure {
    /// Size of the release programs and number of crates they are made of
    Size,
    /// Time from start to first paint of the release app, beside an empty window
    Start,
    /// What the window costs beside an empty one, against its budgets: start, memory, idle processor time, sizes
    Desktop,
    /// Time to filter as many log records as the window keeps, in Node
    Log,
    /// Time of a build from nothing, in a target folder of its own
    Build {
        /// Which build
        #[arg(long, value_enum, default_value_t = Profile::Debug)]
        profile: Profile,
    },
    /// A token from the running agent, and the agent at rest, beside oidc-agent and pizauth where they are installed
    #[cfg(unix)]
    Agent,
    /// How well people stay signed in, beside other programs' rules, through the same simulated years
    Policy {
        /// The first seed; the other years follow it
        #[arg(long, default_value_t = 1)]
        seed: u32,
        /// How many years
        #[arg(long, default_value_t = 5)]
        years: u32,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// The packages that are measured.
const BOTH: [&str; 4] = ["-p", "latchkey-desktop", "-p", "latchkey"];

/// Launches of each program, after one that is not counted.
const LAUNCHES: usize = 15;

pub(crate) fn bench(workspace: &Workspace, what: Measure) -> Result<()> {
    if let Measure::Policy { seed, years } = what {
        return policy::policy(workspace, seed, years);
    }
    if matches!(what, Measure::Log) {
        ui::install(workspace)?;
        return npm::run(workspace, &workspace.ui(), &["run", "--silent", "bench"]);
    }
    #[cfg(unix)]
    if matches!(what, Measure::Agent) {
        return agent::agent(workspace);
    }
    provision::provide(workspace, &[packages::WINDOW], &[], false)?;
    ui::ready(workspace)?;
    match what {
        #[cfg(unix)]
        Measure::Agent => agent::agent(workspace),
        Measure::Size => size(workspace),
        Measure::Start => start(workspace).map(|_| ()),
        Measure::Desktop => desktop::desktop(workspace),
        Measure::Build { profile } => build(workspace, profile),
        Measure::Log => Ok(()),
        Measure::Policy { seed, years } => policy::policy(workspace, seed, years),
    }
}

fn release(workspace: &Workspace) -> Result<()> {
    programs::release(workspace, &["latchkey-desktop", "latchkey"])
}

fn size(workspace: &Workspace) -> Result<()> {
    release(workspace)?;
    say::heading("Size, release, stripped");
    for name in ["latchkey-desktop"].into_iter().chain(programs::TERMINAL) {
        let path = workspace.program("release", name);
        let bytes = fs::metadata(&path).with_context(|| format!("{} is not there", path.display()))?.len();
        say::line(format!("  {name:<18} {} ({bytes} bytes)", mebibytes(bytes)));
    }
    say::heading("Crates compiled for this platform, our own included");
    let mut all = BTreeSet::new();
    for name in ["latchkey-desktop", "latchkey"] {
        let words = ["tree", "--locked", "-p", name, "-e", "normal,build", "--prefix", "none"];
        let tree = process::answer(workspace.cargo().args(words).env_remove("CARGO_TERM_COLOR"))
            .context("`cargo tree` failed")?;
        let crates = crates(&tree);
        say::line(format!("  {name:<18} {}", crates.len()));
        all.extend(crates);
    }
    say::line(format!("  {:<18} {}", "together", all.len()));
    Ok(())
}

/// Bytes as `9.8 MiB`.
fn mebibytes(bytes: u64) -> String {
    let tenths = (bytes * 10 + (1 << 19)) >> 20;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

/// The different `name version` pairs of a `cargo tree --prefix none`.
fn crates(tree: &str) -> BTreeSet<String> {
    tree.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(format!("{} {}", words.next()?, words.next()?))
        })
        .collect()
}

fn build(workspace: &Workspace, profile: Profile) -> Result<()> {
    let folder = workspace.target.join("cold");
    fresh_private_folder(&folder)?;
    // Downloads are no part of the figure.
    cargo(workspace.cargo().args(["fetch", "--locked"]))?;
    let mut command = workspace.cargo();
    command.arg("build").args(BOTH).arg("--target-dir").arg(&folder);
    if profile == Profile::Release {
        command.arg("--release");
    }
    let watch = Stopwatch::start();
    let built = cargo(&mut command);
    let took = watch.elapsed();
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    built?;
    let name = if profile == Profile::Release { "release" } else { "debug" };
    say::line(format!("cold {name} build of the app and the terminal program: {}", clock::readable(took)));
    Ok(())
}

/// Medians from start to first paint.
struct Measured {
    app: Duration,
    empty: Duration,
}

fn start(workspace: &Workspace) -> Result<Measured> {
    provision::provide(workspace, &[packages::HEADLESS], &[], false)?;
    release(workspace)?;
    let empty = empty_window(workspace)?;
    let app = workspace.program("release", "latchkey-desktop");
    let desktop = Desktop::start(&workspace.target.join("bench/desktop"))?;
    let folders = desktop.runtime().join("bench");
    fresh_private_folder(&folders)?;
    // The backend is a process of its own, as a person's is.
    let _backend = signed_in(workspace, &desktop, &folders)?;

    let mut times: [Vec<Duration>; 2] = Default::default();
    say::heading("From start to first paint, with one session on the screen, in turns");
    for round in 0..=LAUNCHES {
        let app = first_paint(&desktop, &folders, &app).context("Latchkey")?;
        let empty = first_paint(&desktop, &folders, &empty).context("the empty window")?;
        let first = if round == 0 { "  first in this home, not counted" } else { "" };
        say::line(format!("  Latchkey {:>5} ms   empty {:>5} ms{first}", app.as_millis(), empty.as_millis()));
        if round > 0 {
            let [apps, empties] = &mut times;
            apps.push(app);
            empties.push(empty);
        }
    }
    let [app, empty] = times.map(spread);
    say::heading("Median (least, most)");
    say::line(format!("  Latchkey      {app}"));
    say::line(format!("  empty window  {empty}"));
    say::line(format!("  ratio of the medians {:.2}", app.median.as_secs_f64() / empty.median.as_secs_f64()));
    Ok(Measured { app: app.median, empty: empty.median })
}

/// Builds the empty window with the very versions of the app.
fn empty_window(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.root.join("xtask/empty-window");
    fs::copy(workspace.root.join("Cargo.lock"), folder.join("Cargo.lock"))
        .context("cannot copy Cargo.lock")?;
    let target = workspace.target.join("bench");
    cargo(workspace.cargo().current_dir(&folder).args(["build", "--release", "--target-dir"]).arg(&target))?;
    Ok(target.join("release").join(format!("empty-window{}", std::env::consts::EXE_SUFFIX)))
}

/// Signs an account in at a backend, which is left running: what somebody sees who opens the window on any day.
fn signed_in(workspace: &Workspace, desktop: &Desktop, folders: &Path) -> Result<Group> {
    let latchkey = || {
        let mut command = Command::new(workspace.program("release", "latchkey"));
        desktop.apply(&mut command);
        with_folders(&mut command, folders);
        command
    };
    let mut command = latchkey();
    // Tokens of an hour: no renewal falls into the time in which it is measured.
    command.args([
        "devserver",
        "--listen",
        "127.0.0.1:0",
        "--access-lifetime",
        "1h",
        "--refresh-lifetime",
        "8h",
    ]);
    command.arg("--json").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut backend = Group::spawn("the backend", &mut command)?;
    let mut line = String::new();
    let mut stdout = BufReader::new(backend.child().stdout.take().context("no stdout")?);
    stdout.read_line(&mut line)?;
    // It says each request, and somebody has to take that.
    std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    let said: serde_json::Value =
        serde_json::from_str(&line).context("the backend does not say where it is")?;
    let url = said
        .get("url")
        .and_then(serde_json::Value::as_str)
        .context("the backend does not say where it is")?;
    let mut add = latchkey();
    add.args(["accounts", "add", "work", "--login-url"]).arg(format!("{url}/auth/login"));
    add.arg("--refresh-url").arg(format!("{url}/auth/refreshToken"));
    process::answer(&mut add).context("no account could be added")?;
    sign_in(latchkey(), "work")?;
    Ok(backend)
}

/// Signs this account in with the terminal program, as the one person a backend of these knows.
fn sign_in(mut latchkey: Command, account: &str) -> Result<()> {
    let mut child = latchkey
        .args(["sign-in", account, "--username", "demo", "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("`latchkey sign-in` does not start")?;
    child.stdin.take().context("no stdin")?.write_all(b"demo\n")?;
    let out = child.wait_with_output()?;
    if !out.status.success() {
        bail!("{account} cannot sign in: {}", String::from_utf8_lossy(&out.stderr).trim());
    }
    Ok(())
}

/// How long a program takes until its page was painted.
fn first_paint(desktop: &Desktop, folders: &Path, program: &Path) -> Result<Duration> {
    let (mut group, took) = painted(desktop, folders, program, &[])?;
    group.stop();
    Ok(took)
}

struct Spread {
    least: Duration,
    median: Duration,
    most: Duration,
}

fn spread(mut times: Vec<Duration>) -> Spread {
    times.sort_unstable();
    let at = |index: usize| times.get(index).copied().unwrap_or_default();
    Spread { least: at(0), median: at(times.len() / 2), most: at(times.len().saturating_sub(1)) }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} ms ({}, {})", self.median.as_millis(), self.least.as_millis(), self.most.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_in_two_versions_counts_twice_and_a_repeated_one_once() {
        let tree = "latchkey v0.1.0 (/somewhere)\nserde v1.0.2\nserde v1.0.2 (*)\nsyn v1.0.0\nsyn v2.0.0 (proc-macro)\n\n";
        assert_eq!(crates(tree).len(), 4);
    }

    #[test]
    fn sizes_are_rounded_to_tenths() {
        assert_eq!(mebibytes(0), "0.0 MiB");
        assert_eq!(mebibytes(10_276_045), "9.8 MiB");
        assert_eq!(mebibytes(1 << 20), "1.0 MiB");
    }

    #[test]
    fn the_median_of_seven_is_the_fourth() {
        let spread = spread([7, 1, 5, 3, 2, 6, 4].map(Duration::from_millis).into());
        assert_eq!(spread.to_string(), "4 ms (1, 7)");
    }
}
