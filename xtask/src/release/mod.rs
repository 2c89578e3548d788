//! `cargo xtask release`: packages for Linux, what they are made of, and their checksums, in `target/packages`.
//!
//! The files of each package are staged once; the distributions' own tools make packages of them.

mod bill;
mod closed;
mod deb;
mod rpm;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::workspace::{Workspace, fresh_private_folder};
use crate::{guide, man, packages, process, programs, provision, run, say, ui};

use stage::{Family, Staged};

/// How the programs are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// Optimised, as people get them.
    Release,
    /// As the tests have built them: quick to make, and packed quickly.
    Debug,
}

/// Makes everything of a release.
pub(crate) fn release(workspace: &Workspace, build: Build, yes: bool) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("packages are made on Linux; for macOS and Windows see docs/platforms.md");
    }
    let sets = [packages::WINDOW, packages::HEADLESS, packages::PACKAGING];
    provision::provide(workspace, &sets, &[&provision::CYCLONEDX], yes)?;
    ui::ready(workspace)?;
    let mut programs = built(workspace, build)?;
    closed::check(workspace, &programs.window, build)?;
    programs.guide = Some(guide::guide(workspace, yes)?);
    let out = workspace.target.join("packages");
    let version = Version::of_the_workspace(workspace)?;
    fresh_private_folder(&out)?;
    for made in pack(workspace, &version, &programs, build, &out)? {
        say::line(format!("  {}", workspace.shown(&made)));
    }
    for made in bill::bills(workspace, &out)? {
        say::line(format!("  {}", workspace.shown(&made)));
    }
    checksums(&out)?;
    say::line(format!("  {}", workspace.shown(&out.join("SHA256SUMS"))));
    Ok(())
}

/// Whether the tools that make packages are there: other systems than Debian's may lack one kind.
pub(crate) fn can_pack() -> bool {
    ["dpkg-deb", "dpkg-shlibdeps", "rpmbuild", "rpm2archive", "desktop-file-validate"]
        .into_iter()
        .all(process::on_path)
}

/// Packages of the programs that were set aside for the tests: the version there is, and one before it to upgrade from.
pub(crate) fn for_tests(workspace: &Workspace) -> Result<PathBuf> {
    let set_aside = workspace.target.join("black-box");
    let programs = Programs {
        terminal: set_aside.join("latchkey"),
        window: set_aside.join("latchkey-desktop"),
        guide: None,
    };
    let folder = set_aside.join("packages");
    let version = Version::of_the_workspace(workspace)?;
    for (name, version) in [("older", version.older()), ("newer", version)] {
        let out = folder.join(name);
        fresh_private_folder(&out)?;
        pack(workspace, &version, &programs, Build::Debug, &out)?;
    }
    Ok(folder)
}

/// The programs to be packed (the full terminal program stands beside the small one), and the pages of the guide. Tests
/// pack without it: the tool that makes it takes minutes to install.
struct Programs {
    terminal: PathBuf,
    window: PathBuf,
    guide: Option<PathBuf>,
}

fn built(workspace: &Workspace, build: Build) -> Result<Programs> {
    let profile = match build {
        Build::Debug => {
            run::build(workspace)?;
            "debug"
        }
        Build::Release => {
            say::line("cargo build --release (the app and the terminal program)");
            programs::release(workspace, &["latchkey-desktop", "latchkey"])?;
            "release"
        }
    };
    Ok(Programs {
        terminal: workspace.program(profile, "latchkey"),
        window: workspace.program(profile, "latchkey-desktop"),
        guide: None,
    })
}

/// A version as packages write it.
struct Version(String);

impl Version {
    fn of_the_workspace(workspace: &Workspace) -> Result<Self> {
        let manifest = fs::read_to_string(workspace.root.join("Cargo.toml")).context("no Cargo.toml")?;
        let manifest: toml::Table = manifest.parse().context("Cargo.toml is no TOML")?;
        let package = manifest.get("workspace").and_then(|it| it.get("package"));
        let version = package.and_then(|it| it.get("version")).and_then(toml::Value::as_str);
        Ok(Self(version.context("the workspace has no version")?.to_owned()))
    }

    /// One that both kinds of packages take for an earlier one: a tilde sorts before nothing.
    fn older(&self) -> Self {
        Self(format!("{}~before", self.0))
    }
}

fn pack(
    workspace: &Workspace,
    version: &Version,
    programs: &Programs,
    build: Build,
    out: &Path,
) -> Result<Vec<PathBuf>> {
    man::man(workspace)?;
    let folder = workspace.target.join("stage");
    let mut made = Vec::new();
    for family in [Family::Deb, Family::Rpm] {
        let staged = Staged::make(workspace, programs, family, &folder)?;
        match family {
            Family::Deb => made.extend(deb::pack(workspace, &staged, version, build, out)?),
            Family::Rpm => made.extend(rpm::pack(workspace, &staged, version, build, out)?),
        }
    }
    Ok(made)
}

/// `SHA256SUMS`, as `sha256sum --check` reads it.
fn checksums(folder: &Path) -> Result<()> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
        .filter(|name| name != "SHA256SUMS")
        .collect();
    names.sort();
    let sums = told(Command::new("sha256sum").current_dir(folder).arg("--").args(&names))?;
    fs::write(folder.join("SHA256SUMS"), sums).context("cannot write SHA256SUMS")
}

/// What a program prints; an error with what it said where it fails.
fn told(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
