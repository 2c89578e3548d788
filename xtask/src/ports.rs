//! Whether the code for Windows and macOS still compiles. Nothing is linked, so neither system nor its libraries are needed.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process::{self, interrupt};
use crate::workspace::{Workspace, private_folder};
use crate::{packages, provision, say, ui};

/// Stands in for a C compiler and an archiver where there is none for the system: what C libraries hold is no matter to a
/// look at types.
const STAND_IN: &str = include_str!("ports/stand-in.sh");

/// The systems, by the names that rustc has for them.
const WINDOWS: &str = "x86_64-pc-windows-gnu";
const MACOS: &str = "aarch64-apple-darwin";

/// What people run.
const PACKAGES: [&str; 5] =
    ["latchkey-core", "latchkey-engine", "latchkey-agent", "latchkey", "latchkey-desktop"];

/// Looks at both; `true` if they compile without a warning.
pub(crate) fn check(workspace: &Workspace, yes: bool) -> Result<bool> {
    let mut sets = vec![packages::PORTS];
    if provision::node_can_be_installed() {
        sets.push(packages::NODE);
    }
    provision::provide(workspace, &sets, &[], yes)?;
    // The app has its page built into it.
    ui::ready(workspace)?;
    rust_targets()?;
    let stand_in = stand_in(workspace)?;
    let mut fine = true;
    for target in [WINDOWS, MACOS] {
        interrupt::check()?;
        say::heading(target);
        let mut command = workspace.cargo();
        command.args(["clippy", "--target", target]).args(PACKAGES.map(|name| format!("--package={name}")));
        if target == MACOS {
            for tool in ["CC", "CXX", "AR", "RANLIB"] {
                command.env(format!("{tool}_{}", target.replace('-', "_")), &stand_in);
            }
        }
        fine &= process::stream(target, command.args(["--", "-D", "warnings"]))?.success;
    }
    Ok(fine)
}

/// The standard library for both, of the toolchain in use.
fn rust_targets() -> Result<()> {
    let mut rustup = Command::new("rustup");
    let run = process::stream("rustup", rustup.args(["target", "add", WINDOWS, MACOS]));
    if !run.context("rustup brings the standard library for other systems, and is not there")?.success {
        bail!("the standard library for {WINDOWS} and {MACOS} could not be had");
    }
    Ok(())
}

fn stand_in(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("ports");
    private_folder(&folder)?;
    let path = folder.join("stand-in.sh");
    std::fs::write(&path, STAND_IN)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(path)
}
