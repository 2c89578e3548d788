//! The app, started and waited for until its page says that it was painted.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result};

use crate::clock;
use crate::desktop::Desktop;
use crate::process::Group;
use crate::workspace::with_folders;

/// What the page lets the program print once it has been painted, when `LATCHKEY_BENCH_FIRST_PAINT=1`; then when that was,
/// in ms since the epoch.
const FIRST_PAINT: &str = "latchkey: first-paint ";

/// How long a first paint may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts a program with its own things in these folders, and with these variables; the program, which runs, and how long
/// its paint took.
pub(crate) fn painted(
    desktop: &Desktop,
    folders: &Path,
    program: &Path,
    variables: &[(&str, &str)],
) -> Result<(Group, Duration)> {
    let mut command = Command::new(program);
    desktop.apply(&mut command);
    with_folders(&mut command, folders)
        .envs(variables.iter().copied())
        .env("LATCHKEY_BENCH_FIRST_PAINT", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let started = clock::wall();
    let mut group = Group::spawn("the program", &mut command)?;
    let stderr = group.child().stderr.take().context("no stderr")?;
    let (sender, painted) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some(at) = line.strip_prefix(FIRST_PAINT).and_then(|at| at.trim().parse().ok()) {
                let _ = sender.send(UNIX_EPOCH + Duration::from_millis(at));
            }
        }
    });
    let painted = painted.recv_timeout(PATIENCE).context("no first paint within 20 s")?;
    let took = painted.duration_since(started).context("the clock was set back meanwhile")?;
    Ok((group, took))
}
