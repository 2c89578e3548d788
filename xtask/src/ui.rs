//! The steps of the user interface: dependencies and the built page, each only when its input changed.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::say;
use crate::stamp::{self, Stamp};
use crate::workspace::Workspace;

/// Folders below `ui/` that are made, not written.
const MADE: [&str; 5] = ["node_modules", "dist", "dist-fake", "coverage", ".svelte-kit"];

/// The oldest Node that Vite 8 starts on, in the two lines it supports.
pub(crate) const NODE_NEEDED: &str = "20.19, 22.12 or newer";

/// Sees to it that `ui/node_modules` fits the lock file and `ui/dist` fits the sources.
pub(crate) fn ready(workspace: &Workspace) -> Result<()> {
    install(workspace)?;
    build(workspace)
}

/// `npm ci`, when the lock file is not the one it was last done for.
pub(crate) fn install(workspace: &Workspace) -> Result<()> {
    node()?;
    let lock = workspace.ui().join("package-lock.json");
    let digest = stamp::digest(&lock, &[])?;
    let stamp = Stamp::new(&workspace.target, "npm-ci");
    if stamp.matches(&digest) && workspace.ui().join("node_modules").is_dir() {
        return Ok(());
    }
    say::line("npm ci (the lock file is new here)");
    stamp.clear();
    npm(workspace, &["ci", "--no-progress"])?;
    stamp.set(&digest)
}

/// `npm run build`, when a source is not the one it was last done for.
fn build(workspace: &Workspace) -> Result<()> {
    let digest = stamp::digest(&workspace.ui(), &MADE)?;
    let stamp = Stamp::new(&workspace.target, "ui-build");
    if stamp.matches(&digest) && workspace.ui().join("dist/index.html").is_file() {
        return Ok(());
    }
    say::line("npm run build (the sources are new here)");
    stamp.clear();
    npm(workspace, &["run", "--silent", "build"])?;
    stamp.set(&digest)
}

fn npm(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    if !process::stream("npm", workspace.npm().args(arguments))?.success {
        bail!("`npm {}` failed in ui/", arguments.join(" "));
    }
    Ok(())
}

/// Node is not installed by us: distributions carry versions too old, and people have their own way to get it.
fn node() -> Result<()> {
    match process::answer(Command::new("node").arg("--version")) {
        Some(version) if node_will_do(&version) => Ok(()),
        Some(version) => bail!("Node {version} is too old for the user interface: {NODE_NEEDED} is needed"),
        None => {
            bail!("Node is missing: {NODE_NEEDED} is needed, from https://nodejs.org or your version manager")
        }
    }
}

/// Whether `v20.19.2` is among the versions that Vite supports.
pub(crate) fn node_will_do(version: &str) -> bool {
    let mut numbers = version.trim().trim_start_matches('v').split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return false };
    match major {
        20 => minor >= 19,
        22 => minor >= 12,
        _ => major > 22,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_are_told_apart() {
        for good in ["v20.19.0", "v20.20.2", "22.12.0", "v24.1.0"] {
            assert!(node_will_do(good), "{good}");
        }
        for bad in ["v18.20.4", "v20.18.3", "v21.7.0", "v22.11.0", "", "nonsense"] {
            assert!(!node_will_do(bad), "{bad}");
        }
    }
}
