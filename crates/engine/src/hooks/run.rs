//! One run of one program: what it is given, how long it may take, and what of its output gets into the log.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::{Event, VARIABLE};
use crate::config::Hook;
use crate::ports::Clock;

/// How much of what a program prints is kept for the log, in bytes.
const OUTPUT: usize = 1_500;

/// How long the output of a program that has ended is read on: what it left running in the background may keep it open.
const REST: SignedDuration = SignedDuration::from_millis(500);

/// How it ended.
enum Outcome {
    Ended(ExitStatus),
    TooLong,
    NotRun(io::Error),
}

/// Runs a program for an event, to its end or to its time limit. The log says how it went.
pub(super) async fn run(account: &AccountName, hook: &Hook, event: &Event, clock: &dyn Clock) {
    let began = clock.now();
    let printed = Arc::new(Mutex::new(Vec::new()));
    let outcome = attempt(account, hook, event, clock, &printed).await;
    let took_ms = u64::try_from(clock.now().boot.saturating_sub(began.boot).as_millis()).unwrap_or_default();
    let printed = std::mem::take(&mut *printed.lock().unwrap_or_else(PoisonError::into_inner));
    let output = Some(String::from_utf8_lossy(&printed).trim().to_owned()).filter(|text| !text.is_empty());
    let (account, program, what) = (account.as_str(), hook.run.to_string(), event.what.name());
    let failed = match outcome {
        Outcome::Ended(status) if status.success() => {
            debug!(account, kind = "hook_ran", event = what, program, took_ms, output, "A program was told");
            return;
        }
        Outcome::Ended(status) => format!("It ended with {status}"),
        Outcome::TooLong => {
            format!("It was still running after {} s and was ended", hook.time_limit.as_secs())
        }
        Outcome::NotRun(error) => format!("It could not be started: {error}"),
    };
    warn!(
        account,
        kind = "hook_failed",
        event = what,
        program,
        took_ms,
        output,
        "A program that was to be told failed; the session is not touched by that. {failed}"
    );
}

async fn attempt(
    account: &AccountName,
    hook: &Hook,
    event: &Event,
    clock: &dyn Clock,
    printed: &Arc<Mutex<Vec<u8>>>,
) -> Outcome {
    let mut command = Command::from(hook.run.command());
    command
        .env(VARIABLE, event.what.name())
        .env("LATCHKEY_ACCOUNT", account.as_str())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // A group of its own: what it started is ended with it, and Ctrl-C in our terminal is not meant for it.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Outcome::NotRun(error),
    };
    let group = Group::of(&child);
    let mut talking = JoinSet::new();
    let (input, document) = (child.stdin.take(), event.document.clone());
    talking.spawn(async move {
        if let Some(mut input) = input {
            // A program that does not want to hear closes it.
            let _ = input.write_all(document.as_bytes()).await;
            let _ = input.write_all(b"\n").await;
        }
    });
    talking.spawn(listen(child.stdout.take(), printed.clone()));
    talking.spawn(listen(child.stderr.take(), printed.clone()));
    let end = clock.now().boot.saturating_add(hook.time_limit);
    let outcome = tokio::select! {
        ended = child.wait() => match ended {
            Ok(status) => Outcome::Ended(status),
            Err(error) => Outcome::NotRun(error),
        },
        () = clock.sleep_until(end) => Outcome::TooLong,
    };
    if matches!(outcome, Outcome::TooLong) {
        group.end();
        let _ = child.wait().await;
    } else {
        // What it left in the background goes on.
        group.leave();
        let rest = clock.now().boot.saturating_add(REST);
        tokio::select! {
            () = async { while talking.join_next().await.is_some() {} } => {}
            () = clock.sleep_until(rest) => {}
        }
    }
    outcome
}

/// Reads to the end, and keeps the beginning.
async fn listen(from: Option<impl AsyncRead + Unpin>, printed: Arc<Mutex<Vec<u8>>>) {
    let Some(mut from) = from else { return };
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        let room = OUTPUT.saturating_sub(printed.len());
        printed.extend(bytes.iter().take(count.min(room)));
    }
}

/// The processes of a program. Ended when dropped, unless they are left alone.
struct Group(#[cfg(unix)] Option<rustix::process::Pid>);

impl Group {
    #[cfg(unix)]
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }

    #[cfg(not(unix))]
    fn of(_: &Child) -> Self {
        Self()
    }

    fn end(self) {
        drop(self);
    }

    #[cfg_attr(not(unix), allow(unused_mut, reason = "there are no groups to leave"))]
    fn leave(mut self) {
        #[cfg(unix)]
        {
            self.0 = None;
        }
        drop(self);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.0.take() {
            // It may have ended by itself just now.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}
