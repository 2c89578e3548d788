//! `cargo xtask run`: from a fresh clone to an open window that is signed in.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::clock::{self, Stopwatch};
use crate::packages;
use crate::process::{self, Group};
use crate::workspace::Workspace;
use crate::{demo, provision, say, session, ui};

pub(crate) fn run(workspace: &Workspace, headless: bool, yes: bool) -> Result<()> {
    let why = if headless { Some("--headless asks for it".to_owned()) } else { session::lacking() };
    if headless && !cfg!(target_os = "linux") {
        bail!("--headless is for Linux: elsewhere there is always a display and a keychain");
    }
    let mut sets = vec![packages::WINDOW];
    if let Some(why) = &why {
        say::line(format!("The app runs in a virtual desktop: {why}."));
        sets.push(packages::HEADLESS);
    }
    if provision::node_can_be_installed() {
        sets.push(packages::NODE);
    }
    provision::provide(workspace, &sets, &[], yes)?;
    ui::ready(workspace)?;
    build(workspace)?;
    if why.is_some() { demo::headless(workspace) } else { open(workspace) }
}

/// Builds the two programs as developers run them.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    say::line("cargo build (the app and the terminal program; some minutes the first time)");
    let watch = Stopwatch::start();
    let mut cargo = workspace.cargo();
    cargo.args(["build", "-p", "latchkey-desktop", "-p", "latchkey"]);
    if !process::stream("cargo", &mut cargo)?.success {
        bail!("the build failed");
    }
    say::line(format!("built in {}", clock::readable(watch.elapsed())));
    Ok(())
}

/// Opens the app in the person's own session and stays until it is closed.
fn open(workspace: &Workspace) -> Result<()> {
    let program = workspace.program("debug", "latchkey-desktop");
    say::line(format!(
        "Opening {} with the account `demo`; Ctrl-C here closes it.",
        workspace.shown(&program)
    ));
    let mut command = Command::new(program);
    command.arg("--demo").stdin(Stdio::null());
    let status = Group::spawn("latchkey-desktop", &mut command)?.wait(None)?;
    if !status.success() {
        bail!("the app ended with {status}");
    }
    Ok(())
}
