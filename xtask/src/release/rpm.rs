//! Packages for Fedora, openSUSE and their kin, by rpm's own tool.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

use super::stage::Staged;
use super::{Build, Version, told};

pub(super) fn pack(
    workspace: &Workspace,
    staged: &Staged,
    version: &Version,
    build: Build,
    out: &Path,
) -> Result<Vec<PathBuf>> {
    let mut spec = fs::read_to_string(workspace.root.join("packaging/rpm/latchkey.spec"))
        .context("packaging/rpm/latchkey.spec")?
        .replace("@VERSION@", &version.0);
    for package in Staged::PACKAGES {
        let place = format!("@FILES_OF_{}@", package.replace('-', "_").to_uppercase());
        spec = spec.replace(&place, &files(&staged.root(package))?);
    }
    let top = workspace.target.join("stage/rpmbuild");
    fs::create_dir_all(&top).with_context(|| format!("cannot make {}", top.display()))?;
    let path = top.join("latchkey.spec");
    fs::write(&path, spec).with_context(|| format!("cannot write {}", path.display()))?;
    let fresh = top.join("RPMS");
    match fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).context("rpmbuild"),
        Ok(()) | Err(_) => {}
    }
    let payload = match build {
        Build::Release => "w19.zstdio",
        Build::Debug => "w1.gzdio",
    };
    let mut rpmbuild = Command::new("rpmbuild");
    rpmbuild.arg("-bb");
    for (name, value) in [
        ("_topdir", top.display().to_string()),
        ("staged", staged.folder.display().to_string()),
        ("_binary_payload", payload.to_owned()),
        // The files are staged as they are to be: nothing is stripped, packed or linked once more.
        ("__os_install_post", "%{nil}".to_owned()),
        ("debug_package", "%{nil}".to_owned()),
        ("_build_id_links", "none".to_owned()),
    ] {
        rpmbuild.arg("--define").arg(format!("{name} {value}"));
    }
    told(rpmbuild.arg(&path))?;
    moved(&fresh, out)
}

/// The line of each file. Folders belong to the system, other than those of our papers.
fn files(root: &Path) -> Result<String> {
    let list = |words: &[&str]| told(Command::new("find").current_dir(root).args(words));
    let mut text = String::from("%defattr(-,root,root,-)");
    for folder in list(&["usr/share/doc", "-mindepth", "1", "-type", "d"])?.lines() {
        let _ = write!(text, "\n%dir /{folder}");
    }
    for file in list(&["usr", "!", "-type", "d"])?.lines() {
        let _ = write!(text, "\n/{file}");
    }
    Ok(text)
}

/// Moves the packages out of rpmbuild's folder for this architecture.
fn moved(from: &Path, out: &Path) -> Result<Vec<PathBuf>> {
    let list = told(Command::new("find").arg(from).args(["-name", "*.rpm"]))?;
    let mut made = Vec::new();
    for path in list.lines().map(Path::new) {
        let to = out.join(path.file_name().unwrap_or_default());
        fs::copy(path, &to).with_context(|| format!("cannot copy {}", path.display()))?;
        made.push(to);
    }
    if made.len() != Staged::PACKAGES.len() {
        bail!("rpmbuild made {} packages", made.len());
    }
    made.sort();
    Ok(made)
}
