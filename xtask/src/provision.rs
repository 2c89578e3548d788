//! Finds out what is missing on this machine and gets it: system packages on Debian and Ubuntu, cargo's helpers
//! everywhere. Says what and why, asks where a person is there to answer, and goes ahead where nobody is.

use std::fs;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::clock::{self, Stopwatch};
use crate::npm;
use crate::packages::{self, Package};
use crate::process::{self, Group};
use crate::say;
use crate::workspace::Workspace;

/// A program from crates.io that the tests or the guide need.
pub(crate) struct Tool {
    /// As cargo calls it: `cargo nextest`; none where it is a program of its own.
    subcommand: Option<&'static str>,
    pub(crate) krate: &'static str,
    /// The version to install where there is none; one that is already there is taken as it is.
    version: &'static str,
    /// The features to build instead of those it would have: what is left out is not waited for.
    features: Option<&'static str>,
    pub(crate) why: &'static str,
}

pub(crate) const NEXTEST: Tool = Tool {
    subcommand: Some("nextest"),
    krate: "cargo-nextest",
    version: "0.9.151",
    features: None,
    why: "runs the Rust tests, each in a process of its own",
};

pub(crate) const DENY: Tool = Tool {
    subcommand: Some("deny"),
    krate: "cargo-deny",
    version: "0.20.2",
    features: None,
    why: "checks licences, sources and advisories of the dependencies",
};

pub(crate) const MDBOOK: Tool = Tool {
    subcommand: None,
    krate: "mdbook",
    version: "0.5.4",
    features: Some("search"),
    why: "makes pages of the guide",
};

pub(crate) const CYCLONEDX: Tool = Tool {
    subcommand: Some("cyclonedx"),
    krate: "cargo-cyclonedx",
    version: "0.5.9",
    features: None,
    why: "writes what a release is made of",
};

pub(crate) const FUZZ: Tool = Tool {
    subcommand: Some("fuzz"),
    krate: "cargo-fuzz",
    version: "0.13.2",
    features: None,
    why: "builds the targets in fuzz/ for libFuzzer and runs them",
};

pub(crate) const MUTANTS: Tool = Tool {
    subcommand: Some("mutants"),
    krate: "cargo-mutants",
    version: "27.1.0",
    features: None,
    why: "changes what decides, to see whether a test notices",
};

impl Tool {
    pub(crate) fn installed(&self, workspace: &Workspace) -> Option<String> {
        let text = process::answer(self.command(workspace).arg("--version"))?;
        Some(text.lines().next().unwrap_or_default().to_owned())
    }

    /// The tool itself.
    pub(crate) fn command(&self, workspace: &Workspace) -> Command {
        let Some(subcommand) = self.subcommand else { return Command::new(installed_program(self.krate)) };
        let mut cargo = workspace.cargo();
        cargo.arg(subcommand);
        cargo
    }

    fn install_words(&self) -> Vec<String> {
        let mut words = vec!["--locked".to_owned(), format!("{}@{}", self.krate, self.version)];
        if let Some(features) = self.features {
            words.extend(["--no-default-features", "--features", features].map(str::to_owned));
        }
        words
    }

    pub(crate) fn install_command(&self) -> String {
        format!("cargo install {}", self.install_words().join(" "))
    }
}

/// A program that `cargo install` made: on the path, or where cargo puts them, which need not be there.
fn installed_program(name: &str) -> PathBuf {
    if process::on_path(name) {
        return name.into();
    }
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    home.map_or_else(|| name.into(), |home| home.join("bin").join(file))
}

/// Where system packages come from here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Apt,
    OtherLinux,
    NotLinux,
}

pub(crate) fn system() -> System {
    if !cfg!(target_os = "linux") {
        System::NotLinux
    } else if process::on_path("apt-get") && process::on_path("dpkg-query") {
        System::Apt
    } else {
        System::OtherLinux
    }
}

/// The packages of these sets that are not installed. dpkg is asked rather than apt: it answers in milliseconds.
pub(crate) fn missing_packages(sets: &[&'static [Package]]) -> Vec<&'static Package> {
    let wanted: Vec<&'static Package> = sets.iter().flat_map(|set| set.iter()).collect();
    let output = Command::new("dpkg-query")
        .args(["-W", "-f", "${Package}\t${db:Status-Status}\n"])
        .args(wanted.iter().map(|package| package.name))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        // It fails when one of them is unknown, and still lists the others.
        .output();
    let listing =
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    packages::missing(&wanted, &listing)
}

/// Whether to get Node from the system's packages: only where there is none, since people have their own ways to get it,
/// and not where it is known to be too old there, as in older releases.
pub(crate) fn node_can_be_installed() -> bool {
    if system() != System::Apt || npm::node_version().is_some() {
        return false;
    }
    let policy = process::answer(Command::new("apt-cache").args(["policy", "nodejs"]).env("LC_ALL", "C"));
    // A fresh machine has no package lists yet; what the update brings is looked at afterwards.
    policy.as_deref().and_then(candidate).is_none_or(npm::node_will_do)
}

/// The version that `apt-cache policy` would install, where it knows one.
fn candidate(policy: &str) -> Option<&str> {
    let line = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate:"))?;
    let version = line.trim();
    // An epoch is no part of the version.
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    (version != "(none)").then_some(version)
}

/// Sees to it that these packages and tools are there. `yes` stands for an answer given in advance.
pub(crate) fn provide(
    workspace: &Workspace,
    sets: &[&'static [Package]],
    tools: &[&Tool],
    yes: bool,
) -> Result<()> {
    let packages = match system() {
        System::Apt => missing_packages(sets),
        System::OtherLinux if sets.is_empty() => Vec::new(),
        System::OtherLinux => {
            say::line(
                "This is no Debian or Ubuntu, so nothing is installed. Needed, by the names used there:",
            );
            for package in sets.iter().flat_map(|set| set.iter()) {
                say::line(format!("  {:<28} {}", package.name, package.why));
            }
            Vec::new()
        }
        System::NotLinux => Vec::new(),
    };
    let tools: Vec<&&Tool> = tools.iter().filter(|tool| tool.installed(workspace).is_none()).collect();
    if packages.is_empty() && tools.is_empty() {
        return Ok(());
    }

    say::heading("Missing on this machine");
    for package in &packages {
        say::line(format!("  {:<28} {}", package.name, package.why));
    }
    for tool in &tools {
        say::line(format!("  {:<28} {}", tool.krate, tool.why));
    }
    if !nobody_to_ask(yes) && !say::ask("Install these now?") {
        bail!("nothing was installed; to do it by hand:\n{}", by_hand(&packages, &tools));
    }
    if !packages.is_empty() {
        install_packages(workspace, &packages)?;
    }
    for tool in tools {
        say::line(format!("{} (compiles, takes some minutes)", tool.install_command()));
        let run = process::stream(
            tool.krate,
            workspace
                .cargo()
                .args(["install", "--quiet"])
                .args(tool.install_words())
                // Its build has no place in the project's target folder.
                .env_remove("CARGO_TARGET_DIR"),
        )?;
        if !run.success {
            bail!("could not install {}; by hand: {}", tool.krate, tool.install_command());
        }
    }
    Ok(())
}

/// Whether to go ahead without a question.
fn nobody_to_ask(yes: bool) -> bool {
    let ci = std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
    yes || ci || !std::io::stdin().is_terminal()
}

/// The lines a person can type instead.
fn by_hand(packages: &[&Package], tools: &[&&Tool]) -> String {
    let mut lines = Vec::new();
    if !packages.is_empty() {
        lines.push(format!("  {}", apt_command(packages)));
    }
    lines.extend(tools.iter().map(|tool| format!("  {}", tool.install_command())));
    lines.join("\n")
}

/// The exact command that installs these packages.
pub(crate) fn apt_command(packages: &[&Package]) -> String {
    let names: Vec<_> = packages.iter().map(|package| package.name).collect();
    format!("sudo apt-get update && sudo apt-get install -y --no-install-recommends {}", names.join(" "))
}

/// By what right packages can be installed.
enum Right {
    Root,
    /// `sudo` without a password.
    Sudo,
    /// `sudo`, with a person at the terminal who can type one.
    SudoAsks,
    None,
}

fn right() -> Right {
    if process::answer(Command::new("id").arg("-u")).as_deref() == Some("0") {
        Right::Root
    } else if process::answer(Command::new("sudo").args(["-n", "true"])).is_some() {
        Right::Sudo
    } else if process::on_path("sudo") && std::io::stdin().is_terminal() {
        Right::SudoAsks
    } else {
        Right::None
    }
}

fn install_packages(workspace: &Workspace, packages: &[&Package]) -> Result<()> {
    let sudo: &[&str] = match right() {
        Right::Root => &[],
        Right::Sudo => &["sudo", "-n"],
        Right::SudoAsks => {
            // Asked for here, on the terminal; the installation itself then runs unattended.
            if !Command::new("sudo").arg("-v").status().is_ok_and(|status| status.success()) {
                bail!("sudo was refused; to install by hand:\n  {}", apt_command(packages));
            }
            &["sudo", "-n"]
        }
        Right::None => bail!(
            "packages are missing and this account may not install them; run this, then try again:\n  {}",
            apt_command(packages)
        ),
    };
    let watch = Stopwatch::start();
    say::line("apt-get update …");
    if let Err(error) = apt(workspace, sudo, &["update"]) {
        // One unreachable source among several need not matter for these packages.
        say::problem(format!("{error:#}\ngoing on with the package lists that are here"));
    }
    say::line(format!("apt-get install {} packages and what they need …", packages.len()));
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages.iter().map(|package| package.name));
    apt(workspace, sudo, &arguments)
        .with_context(|| format!("the installation failed; by hand:\n  {}", apt_command(packages)))?;
    say::line(format!("installed in {}", clock::readable(watch.elapsed())));
    Ok(())
}

/// Runs apt-get with its chatter in a file, which is shown when it fails.
fn apt(workspace: &Workspace, sudo: &[&str], arguments: &[&str]) -> Result<()> {
    let folder = workspace.target.join("xtask");
    fs::create_dir_all(&folder)?;
    let path = folder.join("apt.log");
    let log = fs::File::create(&path)?;
    let mut words = sudo.to_vec();
    words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]);
    // Another apt may be at work, on a fresh machine above all.
    words.extend(["-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"]);
    words.extend(arguments);
    let (program, rest) = words.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(rest).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let status = Group::spawn("apt-get", &mut command)?.wait(None)?;
    if !status.success() {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n");
        bail!("apt-get {} failed:\n{tail}", arguments.first().copied().unwrap_or_default());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_command_can_be_typed_as_it_is() {
        let packages: Vec<&Package> = packages::HEADLESS.iter().take(2).collect();
        assert_eq!(
            apt_command(&packages),
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends xvfb openbox"
        );
    }

    #[test]
    fn the_candidate_of_a_package_is_read() {
        let policy = "nodejs:\n  Installed: (none)\n  Candidate: 20.19.2+dfsg-1\n  Version table:\n";
        assert_eq!(candidate(policy), Some("20.19.2+dfsg-1"));
        assert_eq!(candidate("  Candidate: 1:22.12.0-1\n"), Some("22.12.0-1"));
        assert_eq!(candidate("N: Unable to locate package nodejs"), None);
        assert_eq!(candidate("nodejs:\n  Candidate: (none)\n"), None);
    }

    #[test]
    fn an_answer_in_advance_asks_nothing() {
        assert!(nobody_to_ask(true));
    }
}
