//! The files of each package, as they lie on an installed system.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::programs;
use crate::workspace::{Workspace, fresh_private_folder};

use super::{Programs, told};

/// Where distributions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Deb,
    Rpm,
}

impl Family {
    /// Where zsh finds the completions of packages.
    const fn zsh(self) -> &'static str {
        match self {
            Self::Deb => "usr/share/zsh/vendor-completions",
            Self::Rpm => "usr/share/zsh/site-functions",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
        }
    }
}

/// The names under which other programs look for a credential helper.
const HELPERS: [&str; 2] = ["git-credential-latchkey", "docker-credential-latchkey"];

/// A folder for each package.
pub(super) struct Staged {
    pub(super) folder: PathBuf,
}

impl Staged {
    pub(super) const PACKAGES: [&'static str; 2] = ["latchkey", "latchkey-desktop"];

    /// Stages both packages.
    pub(super) fn make(
        workspace: &Workspace,
        programs: &Programs,
        family: Family,
        below: &Path,
    ) -> Result<Self> {
        let staged = Self { folder: below.join(family.name()) };
        fresh_private_folder(&staged.folder)?;
        staged.terminal(workspace, &programs.terminal, family)?;
        staged.window(workspace, programs)?;
        Ok(staged)
    }

    /// The root of a package.
    pub(super) fn root(&self, package: &str) -> PathBuf {
        self.folder.join(package)
    }

    fn terminal(&self, workspace: &Workspace, program: &Path, family: Family) -> Result<()> {
        let tree = Tree(self.root("latchkey"));
        for name in programs::TERMINAL {
            tree.program(&format!("usr/bin/{name}"), &program.with_file_name(name))?;
        }
        for helper in HELPERS {
            tree.link(&format!("usr/bin/{helper}"), "latchkey")?;
        }
        for shell in ["bash", "zsh", "fish"] {
            let script = told(Command::new(program).args(["completions", shell]))?;
            let path = match shell {
                "bash" => "usr/share/bash-completion/completions/latchkey".to_owned(),
                "zsh" => format!("{}/_latchkey", family.zsh()),
                _ => "usr/share/fish/vendor_completions.d/latchkey.fish".to_owned(),
            };
            tree.file(&path, script.as_bytes())?;
        }
        let pages = workspace.target.join("man");
        for entry in fs::read_dir(&pages).with_context(|| format!("cannot read {}", pages.display()))? {
            tree.manual(&entry?.path())?;
        }
        for unit in ["latchkey.service", "latchkey.socket"] {
            let text = read(&workspace.root.join("packaging/systemd").join(unit))?;
            tree.file(&format!("usr/lib/systemd/user/{unit}"), installed_unit(&text).as_bytes())?;
        }
        tree.papers(workspace, "latchkey")
    }

    fn window(&self, workspace: &Workspace, programs: &Programs) -> Result<()> {
        let tree = Tree(self.root("latchkey-desktop"));
        let from = workspace.root.join("packaging/linux");
        tree.program("usr/bin/latchkey-desktop", &programs.window)?;
        if let Some(guide) = &programs.guide {
            tree.folder("usr/share/doc/latchkey-desktop/guide", guide)?;
        }
        for (file, folder) in [
            ("latchkey-desktop.desktop", "usr/share/applications"),
            ("dev.latchkey.desktop.metainfo.xml", "usr/share/metainfo"),
        ] {
            tree.copy(&format!("{folder}/{file}"), &from.join(file))?;
        }
        tree.manual(&from.join("latchkey-desktop.1"))?;
        let icons = workspace.root.join("icons");
        for (size, file) in [
            ("32x32", "32x32.png"),
            ("128x128", "128x128.png"),
            ("256x256", "128x128@2x.png"),
            ("512x512", "icon.png"),
        ] {
            tree.copy(&format!("usr/share/icons/hicolor/{size}/apps/latchkey.png"), &icons.join(file))?;
        }
        tree.copy("usr/share/icons/hicolor/scalable/apps/latchkey.svg", &icons.join("source/latchkey.svg"))?;
        tree.papers(workspace, "latchkey-desktop")
    }
}

/// A unit without the lines for those who install it by hand, with the whole path of the program.
fn installed_unit(text: &str) -> String {
    let begin = text.find("[Unit]").unwrap_or_default();
    let unit = text.get(begin..).unwrap_or(text);
    let lines = unit.lines().filter(|line| !line.starts_with("# `latchkey` must be in"));
    lines.fold(String::new(), |unit, line| {
        unit + &line.replace("ExecStart=latchkey ", "ExecStart=/usr/bin/latchkey ") + "\n"
    })
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The root of one package. Every file in it can be read by everybody, whatever the umask of who makes it is.
struct Tree(PathBuf);

impl Tree {
    fn place(&self, path: &str) -> Result<PathBuf> {
        let mut folder = self.0.clone();
        let parents = Path::new(path).parent().into_iter().flat_map(Path::components);
        for part in std::iter::once(None).chain(parents.map(Some)) {
            folder.extend(part.map(|part| part.as_os_str().to_owned()));
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            mode(&folder, 0o755)?;
        }
        Ok(self.0.join(path))
    }

    fn file(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let place = self.place(path)?;
        fs::write(&place, bytes).with_context(|| format!("cannot write {}", place.display()))?;
        mode(&place, 0o644)
    }

    fn copy(&self, path: &str, from: &Path) -> Result<()> {
        self.file(path, &fs::read(from).with_context(|| format!("cannot read {}", from.display()))?)
    }

    /// A folder with everything in it.
    fn folder(&self, path: &str, from: &Path) -> Result<()> {
        for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
            let from = entry?.path();
            let path = format!("{path}/{}", from.file_name().unwrap_or_default().to_string_lossy());
            if from.is_dir() { self.folder(&path, &from)? } else { self.copy(&path, &from)? }
        }
        Ok(())
    }

    /// A program without what only debuggers read.
    fn program(&self, path: &str, from: &Path) -> Result<()> {
        let place = self.place(path)?;
        told(Command::new("strip").arg("-o").arg(&place).arg(from))?;
        mode(&place, 0o755)
    }

    fn link(&self, path: &str, to: &str) -> Result<()> {
        let place = self.place(path)?;
        symlink(to, &place).with_context(|| format!("cannot link {}", place.display()))
    }

    /// A page of the manual, packed without a time, so that the same page is the same file.
    fn manual(&self, page: &Path) -> Result<()> {
        let name = page.file_name().unwrap_or_default().to_string_lossy();
        self.packed(&format!("usr/share/man/man1/{name}.gz"), page)
    }

    fn packed(&self, path: &str, from: &Path) -> Result<()> {
        let output =
            Command::new("gzip").args(["-9nc", "--"]).arg(from).output().context("cannot run gzip")?;
        if !output.status.success() {
            bail!("gzip failed for {}", from.display());
        }
        self.file(path, &output.stdout)
    }

    fn papers(&self, workspace: &Workspace, package: &str) -> Result<()> {
        let folder = format!("usr/share/doc/{package}");
        self.copy(&format!("{folder}/copyright"), &workspace.root.join("packaging/linux/copyright"))?;
        self.packed(&format!("{folder}/changelog.gz"), &workspace.root.join("CHANGELOG.md"))
    }
}

pub(super) fn mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("cannot set the mode of {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_packed_with_everything_in_it_for_everybody_to_read() {
        let scratch = std::env::temp_dir().join(format!("latchkey-xtask-stage-{}", std::process::id()));
        let guide = scratch.join("guide");
        fs::create_dir_all(guide.join("css")).unwrap();
        fs::write(guide.join("index.html"), "page").unwrap();
        fs::write(guide.join("css/general.css"), "style").unwrap();
        mode(&guide.join("index.html"), 0o600).unwrap();
        let tree = Tree(scratch.join("root"));
        tree.folder("usr/share/doc/latchkey-desktop/guide", &guide).unwrap();
        let packed = scratch.join("root/usr/share/doc/latchkey-desktop/guide");
        assert_eq!(fs::read_to_string(packed.join("css/general.css")).unwrap(), "style");
        assert_eq!(fs::metadata(packed.join("index.html")).unwrap().permissions().mode() & 0o777, 0o644);
        fs::remove_dir_all(scratch).unwrap();
    }

    #[test]
    fn an_installed_unit_starts_the_installed_program() {
        let unit = installed_unit(include_str!("../../../packaging/systemd/latchkey.service"));
        assert!(unit.starts_with("[Unit]\n") && !unit.contains("daemon-reload"), "{unit}");
        assert!(unit.contains("\nExecStart=/usr/bin/latchkey agent --wait\n"), "{unit}");
        assert!(unit.contains("[Install]"), "{unit}");
    }
}
