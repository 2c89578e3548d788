//! The steps of the user interface: dependencies and the built page, each only when its input changed.

use anyhow::Result;

use crate::npm;
use crate::say;
use crate::stamp::{self, Stamp};
use crate::workspace::Workspace;

/// Folders below `ui/` that are made, not written.
const MADE: [&str; 5] = ["node_modules", "dist", "dist-fake", "coverage", ".svelte-kit"];

/// Sees to it that `ui/node_modules` fits the lock file and `ui/dist` fits the sources.
pub(crate) fn ready(workspace: &Workspace) -> Result<()> {
    install(workspace)?;
    build(workspace)
}

/// The packages of the user interface, as the lock file has them.
pub(crate) fn install(workspace: &Workspace) -> Result<()> {
    npm::install(workspace, &workspace.ui(), "npm-ci")
}

/// Sees to it that `ui/dist-fake`, the preview with pretended sessions, fits the sources.
pub(crate) fn preview(workspace: &Workspace) -> Result<()> {
    install(workspace)?;
    made(workspace, "build:fake", "dist-fake")
}

/// `npm run build`, when a source is not the one it was last done for.
fn build(workspace: &Workspace) -> Result<()> {
    made(workspace, "build", "dist")
}

/// Runs a script that makes a folder, when a source is not the one it was last done for.
fn made(workspace: &Workspace, script: &str, folder: &str) -> Result<()> {
    let digest = stamp::digest(&workspace.ui(), &MADE)?;
    let stamp = Stamp::new(&workspace.target, &format!("ui-{folder}"));
    if stamp.matches(&digest) && workspace.ui().join(folder).join("index.html").is_file() {
        return Ok(());
    }
    say::line(format!("npm run {script} (the sources are new here)"));
    stamp.clear();
    npm::run(workspace, &workspace.ui(), &["run", "--silent", script])?;
    stamp.set(&digest)
}
