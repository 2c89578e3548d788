//! `cargo xtask fuzz`: makes up bytes as they may come from outside, for as long as is asked. With a nightly compiler
//! libFuzzer looks for those that reach new places; without one the ordinary tests try many more changes to the corpora.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process::{self, interrupt};
use crate::workspace::Workspace;
use crate::{provision, say};

/// How many inputs the ordinary tests try for each second that libFuzzer would have had.
const INPUTS_A_SECOND: u32 = 500;

/// Runs these targets, or all; `true` if nothing was found.
pub(crate) fn fuzz(workspace: &Workspace, only: &[String], seconds: u32, yes: bool) -> Result<bool> {
    let targets = targets(workspace, only)?;
    let nightly = process::answer(Command::new("rustup").args(["run", "nightly", "rustc", "--version"]));
    if let Some(version) = nightly {
        provision::provide(workspace, &[], &[&provision::FUZZ], yes)?;
        say::line(format!("libFuzzer, {seconds} s for each target, with {}", version.trim()));
        return each(&targets, |target| guided(workspace, target, seconds));
    }
    say::line(
        "There is no nightly compiler here (`rustup toolchain install nightly --profile minimal`), so nothing guides the \
         search: the ordinary tests try more changes to the corpora instead.",
    );
    each(&targets, |target| blind(workspace, target, seconds.saturating_mul(INPUTS_A_SECOND)))
}

/// The names of the targets, of which only these are wanted.
fn targets(workspace: &Workspace, only: &[String]) -> Result<Vec<String>> {
    let folder = workspace.root.join("fuzz/targets");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut all: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned())).collect();
    all.sort();
    if let Some(unknown) = only.iter().find(|name| !all.contains(name)) {
        bail!("there is no target `{unknown}`; there are: {}", all.join(", "));
    }
    Ok(all.into_iter().filter(|name| only.is_empty() || only.contains(name)).collect())
}

fn each(targets: &[String], run: impl Fn(&str) -> Result<bool>) -> Result<bool> {
    let mut fine = true;
    for target in targets {
        interrupt::check()?;
        say::heading(target);
        fine &= run(target)?;
    }
    Ok(fine)
}

/// libFuzzer, with the address sanitizer for what is C in the dependencies. What it finds worth keeping stays beside its build; the committed corpus is chosen by hand.
fn guided(workspace: &Workspace, target: &str, seconds: u32) -> Result<bool> {
    let found = workspace.root.join("fuzz/target/found").join(target);
    fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo", "fuzz", "run", "--sanitizer", "address", target])
        .arg(&found)
        .arg(workspace.root.join("fuzz/corpus").join(target))
        .args(["--", &format!("-max_total_time={seconds}"), "-max_len=8192"])
        // Longer than the slowest answer that is waited for within a target.
        .args(["-timeout=30", "-print_final_stats=1"])
        .current_dir(&workspace.root)
        // Set by the cargo that runs this, and another toolchain's.
        .env_remove("CARGO")
        .env_remove("RUSTC");
    Ok(process::stream(target, &mut command)?.success)
}

/// The ordinary test of a target, with more inputs.
fn blind(workspace: &Workspace, target: &str, inputs: u32) -> Result<bool> {
    let package = if target == "agent" { "latchkey-agent" } else { "latchkey-engine" };
    let mut command = workspace.cargo();
    command.args(["test", "-p", package, "--lib"]);
    if target == "agent" {
        command.args(["--features", "server"]);
    }
    command.arg(format!("fuzzing::tests::{target}_holds")).env("LATCHKEY_FUZZ_INPUTS", inputs.to_string());
    Ok(process::stream(target, &mut command)?.success)
}
