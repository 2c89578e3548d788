//! Packages from npm: installed as the lock file has them, and only when it changed.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::say;
use crate::stamp::{self, Stamp};
use crate::workspace::Workspace;

/// The oldest Node that Vite 8 starts on, in the two lines it supports. The provider that the tests start is content
/// with it.
pub(crate) const NODE_NEEDED: &str = "20.19, 22.12 or newer";

/// `npm ci` in this folder, when its lock file is not the one it was last done for. Asks nothing, and needs no network
/// while what is there fits.
pub(crate) fn install(workspace: &Workspace, folder: &Path, step: &str) -> Result<()> {
    node()?;
    let digest = stamp::digest(&folder.join("package-lock.json"), &[])?;
    let stamp = Stamp::new(&workspace.target, step);
    if stamp.matches(&digest) && folder.join("node_modules").is_dir() {
        return Ok(());
    }
    say::line(format!("npm ci in {} (the lock file is new here)", workspace.shown(folder)));
    stamp.clear();
    run(workspace, folder, &["ci", "--no-progress"])?;
    stamp.set(&digest)
}

/// npm, in this folder.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    // No chatter that is of no use to the person who waits; no watch mode in the tests.
    command
        .current_dir(folder)
        .env("CI", "1")
        .env("npm_config_update_notifier", "false")
        .env("npm_config_audit", "false")
        .env("npm_config_fund", "false");
    // Without a word about it, `CI` makes some of what npm runs colour a file.
    command.env(if say::colour() { "FORCE_COLOR" } else { "NO_COLOR" }, "1");
    command
}

/// npm with these words, in this folder.
pub(crate) fn run(workspace: &Workspace, folder: &Path, words: &[&str]) -> Result<()> {
    if !process::stream("npm", command(folder).args(words))?.success {
        bail!("`npm {}` failed in {}", words.join(" "), workspace.shown(folder));
    }
    Ok(())
}

fn node() -> Result<()> {
    match node_version() {
        Some(version) if node_will_do(&version) => Ok(()),
        Some(version) => bail!("Node {version} is too old: {NODE_NEEDED} is needed"),
        None => {
            bail!("Node is missing: {NODE_NEEDED} is needed, from https://nodejs.org or your version manager")
        }
    }
}

/// The Node on the path, such as `v20.19.2`.
pub(crate) fn node_version() -> Option<String> {
    process::answer(Command::new("node").arg("--version"))
}

/// Whether this version is among those that Vite supports.
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
        for good in ["v20.19.0", "v20.20.2", "22.12.0", "v24.1.0", "20.19.2+dfsg-1"] {
            assert!(node_will_do(good), "{good}");
        }
        for bad in ["v18.20.4", "v20.18.3", "v21.7.0", "v22.11.0", "", "nonsense", "18.20.4+dfsg-1~deb12u1"] {
            assert!(!node_will_do(bad), "{bad}");
        }
    }
}
