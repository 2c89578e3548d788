//! Packages for Debian and Ubuntu, by dpkg's own tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

use super::stage::{Staged, mode};
use super::{Build, Version, told};

pub(super) fn pack(
    workspace: &Workspace,
    staged: &Staged,
    version: &Version,
    build: Build,
    out: &Path,
) -> Result<Vec<PathBuf>> {
    let architecture = told(Command::new("dpkg").arg("--print-architecture"))?.trim().to_owned();
    let mut made = Vec::new();
    for package in Staged::PACKAGES {
        let root = staged.root(package);
        let sums = told(Command::new("sh").current_dir(&root).args(["-c", SUMS]))?;
        let size = told(Command::new("du").args(["-sk", "--apparent-size"]).arg(&root))?;
        let depends = depends(workspace, &root.join("usr/bin").join(large(package)))?;
        let template = fs::read_to_string(workspace.root.join(format!("packaging/deb/{package}.control")))
            .with_context(|| format!("packaging/deb/{package}.control"))?;
        let text = template
            .replace("@VERSION@", &version.0)
            .replace("@ARCHITECTURE@", &architecture)
            .replace("@SIZE@", size.split_whitespace().next().unwrap_or("0"))
            .replace("@DEPENDS@", &depends);
        describe(&root, &text, &sums)?;
        let file = out.join(format!("{package}_{}_{architecture}.deb", version.0));
        let packed: &[&str] = match build {
            Build::Release => &["-Zxz"],
            Build::Debug => &["-Zgzip", "-z1"],
        };
        told(
            Command::new("dpkg-deb")
                .args(packed)
                .args(["--root-owner-group", "--build"])
                .arg(&root)
                .arg(&file),
        )?;
        made.push(file);
    }
    Ok(made)
}

/// Writes what dpkg is to know. dpkg-deb refuses a folder that others cannot read, so this person's umask must not count.
fn describe(root: &Path, control: &str, sums: &str) -> Result<()> {
    let folder = root.join("DEBIAN");
    fs::create_dir_all(&folder).context("cannot make DEBIAN")?;
    mode(&folder, 0o755)?;
    for (name, text) in [("control", control), ("md5sums", sums)] {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {name}"))?;
        mode(&file, 0o644)?;
    }
    Ok(())
}

/// What `dpkg --verify` compares files with.
const SUMS: &str = "find usr -type f -print0 | sort -z | xargs -0 md5sum";

/// The program of a package that needs the most: the small terminal program may need nothing at all.
fn large(package: &str) -> &str {
    if package == "latchkey" { "latchkey-cli" } else { package }
}

/// The packages of the libraries that a program is linked with.
fn depends(workspace: &Workspace, program: &Path) -> Result<String> {
    // The tool wants to stand in the folder of a source package.
    let folder = workspace.target.join("stage/shlibdeps");
    fs::create_dir_all(folder.join("debian")).context("cannot make a folder for dpkg-shlibdeps")?;
    fs::write(folder.join("debian/control"), "Source: latchkey\n\nPackage: latchkey\nArchitecture: any\n")
        .context("cannot write for dpkg-shlibdeps")?;
    let told = told(Command::new("dpkg-shlibdeps").current_dir(&folder).arg("-O").arg("-e").arg(program))?;
    let depends = told.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
    depends.map(str::to_owned).context("dpkg-shlibdeps names no libraries")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_dpkg_reads_can_be_read_by_everybody_whatever_the_umask_is() {
        let root = std::env::temp_dir().join(format!("latchkey-xtask-deb-{}", std::process::id()));
        let folder = root.join("DEBIAN");
        fs::create_dir_all(&folder).unwrap();
        mode(&folder, 0o700).unwrap();
        fs::write(folder.join("control"), "").unwrap();
        mode(&folder.join("control"), 0o600).unwrap();
        describe(&root, "Package: latchkey\n", "").unwrap();
        let modes = ["", "control", "md5sums"]
            .map(|name| fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777);
        fs::remove_dir_all(root).unwrap();
        assert_eq!(modes, [0o755, 0o644, 0o644]);
    }
}
