//! `cargo xtask doctor`: what this machine has, what it lacks, and the command that gets it.

use std::process::Command;

use crate::packages::{self, Package};
use crate::provision::{self, System, Tool};
use crate::session::{self, Keychain};
use crate::workspace::Workspace;
use crate::{npm, process, say};

/// Looks at everything; `true` if nothing is missing that `run` and `test` could not get by themselves, and nothing
/// else either.
pub(crate) fn doctor(workspace: &Workspace) -> bool {
    let mut healthy = true;
    say::heading("Tools");
    healthy &= tool("cargo", version(workspace.cargo().arg("--version")), "https://rustup.rs");
    healthy &= tool(
        "rustfmt",
        version(workspace.cargo().args(["fmt", "--version"])),
        "rustup component add rustfmt",
    );
    healthy &= tool(
        "clippy",
        version(workspace.cargo().args(["clippy", "--version"])),
        "rustup component add clippy",
    );
    let node = npm::node_version();
    let node_fits = node.as_deref().is_none_or(npm::node_will_do);
    healthy &=
        tool("node", node, &format!("Node {}, from https://nodejs.org", npm::NODE_NEEDED)) && node_fits;
    if !node_fits {
        say::line(format!("    too old: {} is needed", npm::NODE_NEEDED));
    }
    healthy &= tool("npm", version(npm::command(&workspace.root).arg("--version")), "comes with Node");
    for helper in [&provision::NEXTEST, &provision::DENY] {
        healthy &= cargo_tool(workspace, helper);
    }

    say::heading("System packages");
    match provision::system() {
        System::Apt => {
            healthy &= package_set("to build and open the window", packages::WINDOW);
            healthy &= package_set("for the headless desktop", packages::HEADLESS);
            healthy &= package_set("for the black-box tests", packages::BLACK_BOX);
            healthy &= package_set("for the packages and their tests", packages::PACKAGING);
            if !process::on_path("kubectl") {
                healthy &= package_set("for the test of kubectl", packages::KUBECTL);
            }
        }
        System::OtherLinux => {
            say::line("  not checked: no apt here. Needed, by the names of Debian:");
            let sets = [packages::WINDOW, packages::HEADLESS, packages::BLACK_BOX, packages::PACKAGING];
            for package in sets.into_iter().flatten() {
                say::line(format!("  {:<28} {}", package.name, package.why));
            }
        }
        System::NotLinux => say::line("  none needed here"),
    }

    say::heading("This session");
    if cfg!(target_os = "linux") {
        match session::keychain() {
            Keychain::There => say::line("  keychain   there (org.freedesktop.secrets)"),
            Keychain::NoBus => say::line("  keychain   no session bus"),
            Keychain::NoService => say::line("  keychain   no service on the session bus"),
        }
    }
    match session::lacking() {
        None => say::line("  `cargo xtask run` opens the window here"),
        Some(why) => say::line(format!("  `cargo xtask run` uses a virtual desktop: {why}")),
    }
    say::line("");
    say::line(if healthy {
        "Nothing is missing."
    } else {
        "What is missing under system packages and cargo helpers, `cargo xtask run` and `cargo xtask test` also install."
    });
    healthy
}

fn version(command: &mut Command) -> Option<String> {
    process::answer(command).map(|text| text.lines().next().unwrap_or_default().to_owned())
}

fn tool(name: &str, version: Option<String>, remedy: &str) -> bool {
    let there = version.is_some();
    say::line(match version {
        Some(version) => format!("  {name:<14} {version}"),
        None => format!("  {name:<14} MISSING; get it: {remedy}"),
    });
    there
}

fn cargo_tool(workspace: &Workspace, helper: &Tool) -> bool {
    tool(helper.krate, helper.installed(workspace), &helper.install_command())
}

fn package_set(purpose: &str, set: &'static [Package]) -> bool {
    let missing = provision::missing_packages(&[set]);
    if missing.is_empty() {
        say::line(format!("  {purpose}: all {} there", set.len()));
        return true;
    }
    say::line(format!("  {purpose}: {} of {} MISSING", missing.len(), set.len()));
    for package in &missing {
        say::line(format!("    {:<28} {}", package.name, package.why));
    }
    say::line(format!("    get them: {}", provision::apt_command(&missing)));
    false
}
