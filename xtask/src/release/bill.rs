//! What a release is made of: bills of material in CycloneDX, of the two programs and of the window's page.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;
use crate::{npm, process};

use super::told;

/// Writes them, each beside the packages.
pub(super) fn bills(workspace: &Workspace, out: &Path) -> Result<Vec<PathBuf>> {
    let mut made = Vec::new();
    for (package, folder) in [("latchkey", "crates/cli"), ("latchkey-desktop", "src-tauri")] {
        let name = format!("{package}.cdx");
        let folder = workspace.root.join(folder);
        let mut cargo = workspace.cargo();
        cargo.args(["cyclonedx", "--format", "json", "--target", "all", "--override-filename", &name]);
        cargo.arg("--manifest-path").arg(folder.join("Cargo.toml"));
        if !process::stream("cargo cyclonedx", &mut cargo)?.success {
            bail!("no bill of material was made of {package}");
        }
        made.push(taken(workspace, &format!("{name}.json"), &folder, out)?);
    }
    // Without what only builds and tests the page: that is in nobody's package.
    let words = ["sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--package-lock-only"];
    let page = out.join("latchkey-window.cdx.json");
    fs::write(&page, told(npm::command(&workspace.ui()).args(words))?)
        .with_context(|| format!("cannot write {}", page.display()))?;
    made.push(page);
    Ok(made)
}

/// The tool writes a file beside the manifest of every package of the workspace that it comes by; one is wanted.
fn taken(workspace: &Workspace, name: &str, folder: &Path, out: &Path) -> Result<PathBuf> {
    let to = out.join(name);
    fs::copy(folder.join(name), &to).with_context(|| format!("no {name} in {}", folder.display()))?;
    let found = told(std::process::Command::new("git").current_dir(&workspace.root).args([
        "ls-files",
        "--others",
        "--exclude-standard",
        "--",
        &format!("*/{name}"),
    ]))?;
    for left in found.lines() {
        let _ = fs::remove_file(workspace.root.join(left));
    }
    Ok(to)
}
