//! The steps of the user interface: dependencies and the built page, each only when its input changed.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::npm;
use crate::say;
use crate::stamp::{self, Stamp};
use crate::workspace::Workspace;

/// Folders below `ui/` that are made, not written.
const MADE: [&str; 5] = ["node_modules", "dist", "dist-fake", "coverage", ".svelte-kit"];

/// What a window may load in all, gzipped, in bytes (docs/performance.md).
pub(crate) const PAGE_BUDGET: u64 = 120_000;

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

/// Bytes of the page, each file packed by itself: what a window loads in which every view is opened, in the language
/// that is the longest. A window loads one language; each is a chunk named as its folder in `src/strings`.
pub(crate) fn page(workspace: &Workspace) -> Result<u64> {
    let folders = fs::read_dir(workspace.ui().join("src/strings"))?.filter_map(Result::ok);
    let languages: Vec<_> = folders
        .filter(|entry| entry.path().is_dir())
        .map(|entry| format!("{}-", entry.file_name().to_string_lossy()))
        .collect();
    let (mut always, mut longest) = (0, 0);
    let assets = workspace.ui().join("dist/assets");
    for entry in fs::read_dir(&assets).with_context(|| format!("cannot read {}", assets.display()))? {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if matches!(ending, "js" | "css") {
            let packed = Command::new("gzip").arg("-9c").arg(&path).output().context("gzip")?;
            let bytes = u64::try_from(packed.stdout.len())?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if languages.iter().any(|language| name.starts_with(language)) {
                longest = longest.max(bytes);
            } else {
                always += bytes;
            }
        }
    }
    if longest == 0 {
        bail!("no language has a chunk of its own in {}", assets.display());
    }
    Ok(always + longest)
}
