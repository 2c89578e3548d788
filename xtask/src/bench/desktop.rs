//! `cargo xtask bench desktop`: what the window costs, beside an empty one of the same Tauri, against its budgets.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::{Measured, empty_window, release, start};
use crate::clock;
use crate::desktop::Desktop;
use crate::process::{self, Group};
use crate::workspace::{Workspace, fresh_private_folder, with_folders};
use crate::{packages, provision, say, ui};

/// How long a window is left alone before it is looked at: what it does to open is over then.
const SETTLE: Duration = Duration::from_secs(10);

/// How long it is watched for what it costs to be left alone: a page that is let be still tidies up now and then.
const WATCH: Duration = Duration::from_mins(1);

/// What a window costs while nothing happens in it.
struct Cost {
    /// Memory of all its processes, shared parts divided by those who share them (PSS), in KiB.
    memory: u64,
    /// Processor time while it was watched, as a share of one core.
    idle: f64,
}

/// Measures everything and says which budgets are kept; fails where one is not.
pub(super) fn desktop(workspace: &Workspace) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("made for Linux: it reads /proc");
    }
    provision::provide(workspace, &[packages::HEADLESS], &[], false)?;
    let page = ui::page(workspace)?;
    release(workspace)?;
    let program = workspace.program("release", "latchkey-desktop");
    let size = fs::metadata(&program).context("the release app is not there")?.len();
    let Measured { app, empty } = start(workspace)?;

    let desktop = Desktop::start(&workspace.target.join("bench/desktop"))?;
    // Tokens of an hour: no renewal falls into the time in which it is watched.
    let demo = ["--demo", "--demo-access-lifetime", "1h"];
    say::heading("Left alone, with one session");
    let visible = cost("Latchkey, visible", &desktop, &program, &demo)?;
    let hidden = cost("Latchkey, hidden", &desktop, &program, &[&demo[..], &["--hidden"]].concat())?;
    let floor = cost("empty window", &desktop, &empty_window(workspace)?, &[])?;

    say::heading("Budgets");
    let ratio = |one: f64, other: f64| one / other;
    let memory = |cost: &Cost| f64::from(u32::try_from(cost.memory).unwrap_or(u32::MAX));
    let rows = [
        (
            "start to first paint, beside the empty window",
            ratio(app.as_secs_f64(), empty.as_secs_f64()),
            1.25,
            "×",
        ),
        (
            "memory of all processes, beside the empty window",
            ratio(memory(&visible), memory(&floor)),
            1.2,
            "×",
        ),
        ("processor, visible", visible.idle * 100.0, 0.5, "% of a core"),
        ("processor, hidden", hidden.idle * 100.0, 0.1, "% of a core"),
        ("page in one language, gzipped", kilo(page), kilo(ui::PAGE_BUDGET), "KiB"),
        ("release app, stripped", kilo(size) / 1024.0, 15.0, "MiB"),
    ];
    let mut kept = true;
    for (what, measured, budget, unit) in rows {
        let fits = measured <= budget;
        kept &= fits;
        let verdict = if fits { "kept" } else { "NOT KEPT" };
        say::line(format!("  {what:<50} {measured:>7.2} of {budget:>6.2} {unit:<12} {verdict}"));
    }
    if !kept {
        bail!("a budget is not kept");
    }
    Ok(())
}

/// Thousands of them.
fn kilo(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1024.0
}

/// Opens a window, lets it settle, and watches it.
fn cost(name: &str, desktop: &Desktop, program: &Path, arguments: &[&str]) -> Result<Cost> {
    let folders = desktop.runtime().join("bench");
    fresh_private_folder(&folders)?;
    let mut command = Command::new(program);
    desktop.apply(&mut command);
    with_folders(&mut command, &folders)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut group = Group::spawn(name, &mut command)?;
    clock::pause(SETTLE);
    process::interrupt::check()?;
    let family = family(group.child().id());
    let before = spent(&family);
    clock::pause(WATCH);
    process::interrupt::check()?;
    let idle = spent(&family).saturating_sub(before).as_secs_f64() / WATCH.as_secs_f64();
    let memory = family.iter().map(|id| memory(*id)).sum();
    if group.ended()?.is_some() {
        bail!("{name} ended while it was watched");
    }
    group.stop();
    say::line(format!(
        "  {name:<18} {} processes, {:>4} MiB, {:.2} % of a core",
        family.len(),
        memory / 1024,
        idle * 100.0
    ));
    Ok(Cost { memory, idle })
}

/// A process and all it started.
pub(super) fn family(id: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = fs::read_dir("/proc")
        .map(|entries| {
            entries
                .filter_map(|entry| {
                    let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
                    Some((id, field(id, 1)?))
                })
                .collect()
        })
        .unwrap_or_default();
    let mut found = vec![id];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(all.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        at += 1;
    }
    found
}

/// A number from `/proc/PID/stat` (proc_pid_stat(5)), counted from the one after the name: state, parent, …
fn field(id: u32, index: usize) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit(')').next()?.split_whitespace().nth(index)?.parse().ok()
}

/// Processor time that the threads of these have used, to the nanosecond (`/proc/PID/task/TID/schedstat`).
fn spent(family: &[u32]) -> Duration {
    let threads =
        family.iter().filter_map(|id| fs::read_dir(format!("/proc/{id}/task")).ok()).flatten().flatten();
    let spent = threads.filter_map(|thread| {
        let schedstat = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        schedstat.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(spent.sum())
}

/// The proportional set size of a process, in KiB.
fn memory(id: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_found_with_what_it_started_and_uses_memory() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let family = family(std::process::id());
        assert!(family.contains(&std::process::id()) && family.contains(&child.id()), "{family:?}");
        assert!(memory(std::process::id()) > 100);
        assert!(spent(&family) > Duration::ZERO);
        child.kill().unwrap();
        let _ = child.wait().unwrap();
    }
}
