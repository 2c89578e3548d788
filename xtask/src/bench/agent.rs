//! `cargo xtask bench agent`: what it costs to get a token from the agent, and to have it run, beside other programs
//! that keep tokens and beside what this machine takes for nothing at all.

mod issuer;
mod peers;
mod requests;
mod resident;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use self::issuer::Issuer;
use self::peers::Peer;
use super::sign_in;
use crate::clock::Stopwatch;
use crate::process::Group;
use crate::programs;
use crate::say;
use crate::workspace::{Workspace, fresh_private_folder, with_folders};

/// Runs of each program, in turns, after some that are not counted.
const RUNS: usize = 400;
const WARM_UP: usize = 20;
/// How many accounts an agent has that has many.
const MANY: usize = 1000;

/// The account that is asked for.
const ACCOUNT: &str = "bench";

pub(super) fn agent(workspace: &Workspace) -> Result<()> {
    programs::release(workspace, &["latchkey"])?;
    let program = workspace.program("release", "latchkey");
    let folder = workspace.target.join("bench/agent");
    fresh_private_folder(&folder)?;
    let empty = empty_program(&folder)?;
    let issuer = Issuer::start()?;

    let one = Agent::start(&program, &folder.join("one"), &issuer, 1)?;
    let mut peers = Vec::new();
    for (name, peer) in [
        ("oidc-agent", peers::oidc_agent(&issuer, &own(&folder, "oidc")?)),
        ("pizauth", peers::pizauth(&issuer, &own(&folder, "pizauth")?)),
    ] {
        match peer {
            Ok(Some(peer)) => peers.push(peer),
            Ok(None) => say::line(format!("{name} is not installed here and is left out")),
            Err(error) => say::problem(format!("{name} is left out: {error:#}")),
        }
    }

    let costs = whole_processes(&one, &peers, &empty)?;
    print_costs(&costs);
    say::heading("One round trip over a Unix socket, and requests over the agent's");
    let round_trip = requests::round_trip(&folder)?;
    say::line(format!("  a byte there and back            {round_trip}"));
    for (what, rate) in requests::rates(&one)? {
        say::line(format!("  {what:<32} {rate:.0} a second"));
    }

    let many = Agent::start(&program, &folder.join("many"), &issuer, MANY)?;
    resident::print(&one, &many, &peers)
}

fn own(folder: &Path, name: &str) -> Result<PathBuf> {
    let folder = folder.join(name);
    fresh_private_folder(&folder)?;
    Ok(folder)
}

/// A program that does nothing, as Rust builds it.
fn empty_program(folder: &Path) -> Result<PathBuf> {
    let (source, program) = (folder.join("empty.rs"), folder.join("empty"));
    fs::write(&source, "fn main() {}\n")?;
    let mut rustc = Command::new("rustc");
    rustc.args(["-O", "-C", "panic=abort", "-C", "strip=symbols", "-o"]).arg(&program).arg(&source);
    if !rustc.status().context("rustc cannot be started")?.success() {
        bail!("the empty program cannot be built");
    }
    Ok(program)
}

/// `latchkey agent` with accounts that are signed in.
struct Agent {
    program: PathBuf,
    folder: PathBuf,
    pid: u32,
    _group: Group,
}

impl Agent {
    fn start(program: &Path, folder: &Path, issuer: &Issuer, accounts: usize) -> Result<Self> {
        fresh_private_folder(folder)?;
        for part in ["config", "state", "run"] {
            fresh_private_folder(&folder.join(part))?;
        }
        let key = folder.join("key");
        fs::write(&key, [7; 32])?;
        private(&key)?;
        let mut config = String::new();
        let names: Vec<String> = (0..accounts)
            .map(|number| if number == 0 { ACCOUNT.to_owned() } else { format!("a{number}") })
            .collect();
        for name in &names {
            use fmt::Write as _;
            let url = &issuer.url;
            let _ = writeln!(
                config,
                "[accounts.{name}]\nprovider = \"credentials\"\nlogin_url = \"{url}/login\"\n\
                 refresh_url = \"{url}/refresh\"\nassumed_lifetime = \"6h\"\n"
            );
        }
        fs::write(folder.join("config/config.toml"), config)?;
        for name in &names {
            sign_in(latchkey(program, folder), name)?;
        }
        let mut command = latchkey(program, folder);
        command.arg("agent").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut group = Group::spawn("the agent", &mut command)?;
        let pid = group.child().id();
        let agent = Self { program: program.to_owned(), folder: folder.to_owned(), pid, _group: group };
        let watch = Stopwatch::start();
        // The quick way only: without an agent a command would do it by itself.
        while !agent.socket().exists() || !agent.command().output()?.status.success() {
            if watch.passed(Duration::from_mins(1)) {
                bail!("the agent serves nothing after a minute");
            }
            crate::clock::pause(Duration::from_millis(50));
        }
        Ok(agent)
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("run/agent.sock")
    }

    /// What is measured: a valid token, please.
    fn command(&self) -> Command {
        let mut command = latchkey(&self.program, &self.folder);
        command.args(["token", ACCOUNT]);
        command
    }
}

fn latchkey(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    with_folders(&mut command, folder)
        .env("LATCHKEY_VAULT", "sealed-file")
        .env("LATCHKEY_KEY_FILE", folder.join("key"))
        .env_remove("LATCHKEY_LOG");
    command
}

#[cfg(unix)]
fn private(path: &Path) -> Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    Ok(fs::set_permissions(path, mode)?)
}

#[cfg(not(unix))]
fn private(_: &Path) -> Result<()> {
    Ok(())
}

/// What each program took, from its start until it was waited for.
struct Cost {
    name: String,
    times: Vec<Duration>,
}

fn whole_processes(agent: &Agent, peers: &[Peer], empty: &Path) -> Result<Vec<Cost>> {
    let mut runs: Vec<(Cost, Command)> = vec![
        (Cost::of("an empty Rust program"), Command::new(empty)),
        (Cost::of("latchkey token"), agent.command()),
    ];
    runs.extend(peers.iter().map(|peer| (Cost::of(peer.name), peer.command())));
    for (_, command) in &mut runs {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    }
    for round in 0..WARM_UP + RUNS {
        for (cost, command) in &mut runs {
            let watch = Stopwatch::start();
            let status = command.spawn().with_context(|| cost.name.clone())?.wait()?;
            let took = watch.elapsed();
            if !status.success() {
                bail!("{} failed", cost.name);
            }
            if round >= WARM_UP {
                cost.times.push(took);
            }
        }
    }
    let sorted = runs.into_iter().map(|(mut cost, _)| {
        cost.times.sort_unstable();
        cost
    });
    Ok(sorted.collect())
}

impl Cost {
    fn of(name: &str) -> Self {
        Self { name: name.to_owned(), times: Vec::new() }
    }

    /// In milliseconds: the run at this share of all, the quickest first.
    fn at(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a list"
        )]
        let place = (self.times.len() as f64 * share) as usize;
        let place = place.min(self.times.len().saturating_sub(1));
        self.times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}

fn print_costs(costs: &[Cost]) {
    say::heading(format!("A token from a running agent, whole processes in turns, {RUNS} runs each (ms)"));
    say::line("| | least | median | 95 of 100 | median above an empty program |");
    say::line("|---|---|---|---|---|");
    let floor = costs.first().map_or(0.0, |floor| floor.at(0.5));
    for cost in costs {
        let (least, median, most) = (cost.at(0.0), cost.at(0.5), cost.at(0.95));
        let above = median - floor;
        say::line(format!("| {} | {least:.3} | {median:.3} | {most:.3} | {above:.3} |", cost.name));
    }
}
