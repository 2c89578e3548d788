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

/// What became of a target.
struct Row {
    target: String,
    /// Whether what must hold did.
    holds: bool,
    /// How many inputs were tried, and how many edges of the code they went over in the end, where that is known.
    inputs: Option<u64>,
    edges: Option<u64>,
}

/// Runs these targets, or all; `true` if nothing was found.
pub(crate) fn fuzz(workspace: &Workspace, only: &[String], seconds: u32, yes: bool) -> Result<bool> {
    let targets = targets(workspace, only)?;
    let nightly = process::answer(Command::new("rustup").args(["run", "nightly", "rustc", "--version"]));
    if let Some(version) = nightly {
        provision::provide(workspace, &[], &[&provision::FUZZ], yes)?;
        say::line(format!(
            "libFuzzer, {seconds} s for each of {} targets, with {}; building them for it comes first",
            targets.len(),
            version.trim()
        ));
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

fn each(targets: &[String], run: impl Fn(&str) -> Result<Row>) -> Result<bool> {
    let mut rows = Vec::new();
    for (number, target) in (1..).zip(targets) {
        interrupt::check()?;
        say::heading(format!("{target} ({number} of {})", targets.len()));
        rows.push(run(target)?);
    }
    say::heading("What became of it");
    for line in table(&rows) {
        say::line(line);
    }
    Ok(rows.iter().all(|row| row.holds))
}

/// A line for each target.
fn table(rows: &[Row]) -> Vec<String> {
    let mut lines = vec![format!("{:<12} {:>10} {:>8}  result", "target", "inputs", "edges")];
    for Row { target, holds, inputs, edges } in rows {
        let number = |of: &Option<u64>| of.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let (inputs, edges) = (number(inputs), number(edges));
        let result = if *holds { "holds" } else { "FAILED: the input that shows it is named above" };
        lines.push(format!("{target:<12} {inputs:>10} {edges:>8}  {result}"));
    }
    lines
}

/// libFuzzer, with the address sanitizer for what is C in the dependencies. What it finds worth keeping stays beside its
/// build; the committed corpus is chosen by hand.
fn guided(workspace: &Workspace, target: &str, seconds: u32) -> Result<Row> {
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
    let run = process::stream(target, &mut command)?;
    let (inputs, edges) = tried(&run.text);
    Ok(Row { target: target.to_owned(), holds: run.success, inputs, edges })
}

/// What libFuzzer says of itself: `stat::number_of_executed_units: 29204` once at the end, and `cov: 3842` in each line.
fn tried(text: &str) -> (Option<u64>, Option<u64>) {
    let after = |word: &str| {
        let number = text.rsplit_once(word)?.1.split_whitespace().next()?;
        number.parse().ok()
    };
    (after("stat::number_of_executed_units:"), after(" cov: "))
}

/// The ordinary test of a target, with more inputs.
fn blind(workspace: &Workspace, target: &str, inputs: u32) -> Result<Row> {
    let package = if target == "agent" { "latchkey-agent" } else { "latchkey-engine" };
    let mut command = workspace.cargo();
    command.args(["test", "-p", package, "--lib"]);
    if target == "agent" {
        command.args(["--features", "server"]);
    }
    command.arg(format!("fuzzing::tests::{target}_holds")).env("LATCHKEY_FUZZ_INPUTS", inputs.to_string());
    let holds = process::stream(target, &mut command)?.success;
    Ok(Row { target: target.to_owned(), holds, inputs: Some(inputs.into()), edges: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_at_the_end_is_counted() {
        let text = "#2\tINITED cov: 1437 ft: 2 corp: 1/1b\n#90\tDONE   cov: 1938 ft: 9 corp: 4/9b\nDone 90 runs in 2 second(s)\n\
                    stat::number_of_executed_units: 90\nstat::average_exec_per_sec:     45\n";
        assert_eq!(tried(text), (Some(90), Some(1938)));
        assert_eq!(tried("error: could not compile\n"), (None, None));
    }

    #[test]
    fn a_target_that_failed_is_told_apart() {
        let row =
            |target: &str, holds, inputs, edges| Row { target: target.to_owned(), holds, inputs, edges };
        assert_eq!(
            table(&[row("jwt", true, Some(90), Some(1938)), row("set_cookie", false, None, None)]),
            [
                "target           inputs    edges  result",
                "jwt                  90     1938  holds",
                "set_cookie            -        -  FAILED: the input that shows it is named above"
            ]
        );
    }
}
