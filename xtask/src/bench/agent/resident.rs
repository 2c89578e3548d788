//! What stays in memory, and what wakes up when nothing is to be done.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::peers::Peer;
use super::{Agent, MANY};
use crate::{clock, say};

/// How long everything is left alone before and while it is watched.
const SETTLES: Duration = Duration::from_secs(15);
const WATCHED: Duration = Duration::from_mins(1);

/// What a process and its threads used up.
#[derive(Clone, Copy, Default)]
struct Used {
    resident: u64,
    own: u64,
    voluntary: u64,
    involuntary: u64,
}

pub(super) fn print(one: &Agent, many: &Agent, peers: &[Peer]) -> Result<()> {
    let mut rows = vec![("latchkey agent".to_owned(), vec![one.pid])];
    rows.push((format!("latchkey agent, {MANY} accounts"), vec![many.pid]));
    rows.extend(peers.iter().map(|peer| (peer.name.to_owned(), peer.pids.clone())));
    clock::pause(SETTLES);
    let before = rows.iter().map(|(_, pids)| used(pids)).collect::<Result<Vec<_>>>()?;
    clock::pause(WATCHED);
    let after = rows.iter().map(|(_, pids)| used(pids)).collect::<Result<Vec<_>>>()?;
    say::heading("Resident memory, and context switches over an idle minute");
    say::line("| | resident | of it its own | switches by itself | switched away |");
    say::line("|---|---|---|---|---|");
    for (((name, _), before), after) in rows.iter().zip(before).zip(after) {
        say::line(format!(
            "| {name} | {} | {} | {} | {} |",
            mebibytes(after.resident),
            mebibytes(after.own),
            after.voluntary.saturating_sub(before.voluntary),
            after.involuntary.saturating_sub(before.involuntary),
        ));
    }
    Ok(())
}

/// Kilobytes as `6.7 MiB`.
fn mebibytes(kilobytes: u64) -> String {
    let tenths = (kilobytes * 10 + 512) / 1024;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

/// What processes used up together (proc_pid_status(5)).
fn used(pids: &[u32]) -> Result<Used> {
    let mut all = Used::default();
    for pid in pids {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).context("a program has ended")?;
        all.resident += number(&status, "VmRSS:");
        all.own += number(&status, "RssAnon:");
        for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            all.voluntary += number(&status, "voluntary_ctxt_switches:");
            all.involuntary += number(&status, "nonvoluntary_ctxt_switches:");
        }
    }
    Ok(all)
}

fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
