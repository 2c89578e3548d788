//! A program that reads records as JSON lines from its standard input.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::{LogRecord, WallClock};
use super::Sink;
use crate::command_line::CommandLine;

/// A program that ended is started again after this at the earliest.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// The program. It sees the end of its input when the log ends, and ends by itself.
pub(super) struct Reader {
    run: CommandLine,
    clock: WallClock,
    running: Option<(Child, ChildStdin)>,
    started: Option<Timestamp>,
}

impl Reader {
    pub(super) fn new(run: CommandLine, clock: WallClock) -> Self {
        Self { run, clock, running: None, started: None }
    }

    fn input(&mut self) -> Result<&mut ChildStdin, String> {
        if let Some((mut child, input)) = self.running.take()
            && child.try_wait().is_ok_and(|ended| ended.is_none())
        {
            self.running = Some((child, input));
        }
        if self.running.is_none() {
            let now = (self.clock)();
            let lately = |at: Timestamp| (SignedDuration::ZERO..AGAIN).contains(&now.duration_since(at));
            if self.started.is_some_and(lately) {
                return Err("the program has ended".to_owned());
            }
            self.started = Some(now);
            let mut command = self.run.command();
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            // Ctrl-C in our terminal is not meant for it: the last records are still to come.
            #[cfg(unix)]
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
            let mut child = command.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
            let input = child.stdin.take().ok_or("it has no standard input")?;
            self.running = Some((child, input));
        }
        self.running.as_mut().map(|(_, input)| input).ok_or_else(|| "it is not running".to_owned())
    }
}

impl Sink for Reader {
    fn take(&mut self, records: &[Arc<LogRecord>]) -> Result<(), String> {
        let mut lines = String::new();
        for record in records {
            lines.push_str(&record.to_line());
            lines.push('\n');
        }
        let written = self.input()?.write_all(lines.as_bytes());
        written.map_err(|_| {
            if let Some((mut child, input)) = self.running.take() {
                drop(input);
                // Whoever closes its input and goes on is no reader of ours any more.
                let _ = child.kill();
                let _ = child.wait();
            }
            "the program reads no longer".to_owned()
        })
    }
}
