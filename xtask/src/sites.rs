//! The sites that the tests start: NextAuth v4, which Next has to build, and Auth.js v5.

use anyhow::Result;

use crate::npm;
use crate::process;
use crate::say;
use crate::stamp::{self, Stamp};
use crate::workspace::Workspace;

/// Folders that are made, not written.
const MADE: [&str; 2] = ["node_modules", ".next"];

/// Sees to it that the sites are installed as their lock files have them, and that the first is built from its sources.
pub(crate) fn ready(workspace: &Workspace) -> Result<()> {
    let [next, express] = workspace.test_sites();
    npm::install(workspace, &express, "npm-ci-na5")?;
    npm::install(workspace, &next, "npm-ci-na4")?;
    // What both sites share stands beside the second.
    let digest =
        format!("{} {}", stamp::digest(&next, &MADE)?, stamp::digest(&express.join("site.mjs"), &[])?);
    let stamp = Stamp::new(&workspace.target, "next-build");
    if stamp.matches(&digest) && next.join(".next/BUILD_ID").is_file() {
        return Ok(());
    }
    say::line(format!("next build in {} (the sources are new here)", workspace.shown(&next)));
    stamp.clear();
    let mut build = npm::command(&next);
    build.args(["exec", "--no", "next", "build"]).env("NEXT_TELEMETRY_DISABLED", "1");
    if !process::stream("next build", &mut build)?.success {
        anyhow::bail!("`next build` failed in {}", workspace.shown(&next));
    }
    stamp.set(&digest)
}
