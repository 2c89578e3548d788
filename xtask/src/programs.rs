//! The programs as people get them.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::say;
use crate::workspace::Workspace;

/// What is started for every token, and the full program behind it; in one package.
pub(crate) const TERMINAL: [&str; 2] = ["latchkey", "latchkey-cli"];

/// Builds these packages in release. The small terminal program is linked once more, with the C library in it where this
/// system has it to link: finding libraries and fitting them together is most of what starting it costs
/// (docs/decisions/0036).
pub(crate) fn release(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    let mut build = workspace.cargo();
    build.args(["build", "--release", "--locked"]);
    for package in packages {
        build.args(["-p", package]);
    }
    cargo(&mut build)?;
    if !packages.contains(&"latchkey") {
        return Ok(());
    }
    if !links_statically() {
        say::line(
            "`latchkey` stays linked to shared libraries: this system has no C library to link into it",
        );
        return Ok(());
    }
    let small = ["rustc", "--release", "--locked", "-p", "latchkey", "--bin", "latchkey", "--"];
    cargo(workspace.cargo().args(small).args(["-C", "target-feature=+crt-static"]))
}

/// Whether a program can have the C library in it: with glibc that takes its archive, elsewhere it is not done.
fn links_statically() -> bool {
    // What the compiler does not find it gives back as it was asked.
    let found = || process::answer(Command::new("cc").arg("-print-file-name=libc.a"));
    cfg!(all(target_os = "linux", target_env = "gnu")) && found().is_some_and(|path| path.starts_with('/'))
}

/// Runs cargo and shows what it says.
pub(crate) fn cargo(command: &mut Command) -> Result<()> {
    if !process::stream("cargo", command)?.success {
        bail!("the build failed");
    }
    Ok(())
}
