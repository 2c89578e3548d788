//! Child processes that die with this program: each runs in a process group of its own, the group is stopped when
//! its guard is dropped, and Ctrl-C only sets a flag, so that the guards are dropped in order.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::clock::{self, Stopwatch};
use crate::say;

/// How often a waiting loop looks.
const LOOK: Duration = Duration::from_millis(50);

/// How long a stopped process may take to leave before it is killed.
const GRACE: Duration = Duration::from_secs(3);

/// A child and everything it started.
pub(crate) struct Group {
    name: String,
    child: Child,
    ended: Option<ExitStatus>,
}

impl Group {
    /// Starts `command` at the head of a new process group.
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Result<Self> {
        interrupt::check()?;
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name: name.to_owned(), child, ended: None })
    }

    /// The child, for its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().with_context(|| format!("cannot watch {}", self.name))?;
        }
        Ok(self.ended)
    }

    /// Waits for the end; fails when a person interrupts or `limit` passes.
    pub(crate) fn wait(&mut self, limit: Option<Duration>) -> Result<ExitStatus> {
        let watch = Stopwatch::start();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            interrupt::check()?;
            if limit.is_some_and(|limit| watch.passed(limit)) {
                bail!("{} did not end in {}", self.name, clock::readable(watch.elapsed()));
            }
            clock::pause(LOOK);
        }
    }

    /// Asks the group to leave, then makes it.
    pub(crate) fn stop(&mut self) {
        if matches!(self.ended(), Ok(Some(_))) {
            return;
        }
        self.signal("TERM");
        let watch = Stopwatch::start();
        while matches!(self.ended(), Ok(None)) && !watch.passed(GRACE) {
            clock::pause(LOOK);
        }
        // Also when the head left in time: what it started may have stayed.
        self.signal("KILL");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal to the whole group. The shell does it: `kill(2)` would be unsafe code, and a crate for it would
    /// change the features of one that the app is built with, which doubles the build.
    fn signal(&self, signal: &str) {
        if cfg!(unix) {
            let _ = Command::new("sh")
                .args(["-c", "kill -s \"$1\" -- \"-$2\"", "sh", signal, &self.child.id().to_string()])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a streamed command left behind.
pub(crate) struct Run {
    pub(crate) success: bool,
    /// Its whole stdout, then its whole stderr: never mixed, so that no line is torn.
    pub(crate) text: String,
}

/// Which pipe a piece came from.
#[derive(Clone, Copy)]
enum Pipe {
    Out,
    Err,
}

/// Runs a command, passes its output on as it comes, and keeps a copy to count tests in.
pub(crate) fn stream(name: &str, command: &mut Command) -> Result<Run> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::spawn(name, command)?;
    let (sender, pieces) = mpsc::channel::<(Pipe, Vec<u8>)>();
    if let Some(out) = group.child().stdout.take() {
        forward(Pipe::Out, out, sender.clone());
    }
    if let Some(err) = group.child().stderr.take() {
        forward(Pipe::Err, err, sender.clone());
    }
    drop(sender);

    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut since_end: Option<Stopwatch> = None;
    loop {
        match pieces.recv_timeout(LOOK) {
            Ok((Pipe::Out, bytes)) => {
                say::pass_out(&bytes);
                out.extend(bytes);
            }
            Ok((Pipe::Err, bytes)) => {
                say::pass_err(&bytes);
                err.extend(bytes);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                interrupt::check()?;
                // Something it left running may hold the pipe open for ever.
                match since_end {
                    Some(watch) if watch.passed(Duration::from_secs(2)) => break,
                    None if group.ended()?.is_some() => since_end = Some(Stopwatch::start()),
                    Some(_) | None => {}
                }
            }
        }
        interrupt::check()?;
    }
    let success = group.wait(None)?.success();
    out.push(b'\n');
    out.extend(err);
    Ok(Run { success, text: String::from_utf8_lossy(&out).into_owned() })
}

/// Reads a pipe to its end on a thread of its own.
fn forward(pipe: Pipe, mut from: impl Read + Send + 'static, to: mpsc::Sender<(Pipe, Vec<u8>)>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0_u8; 16 * 1024];
        while let Ok(count) = from.read(&mut buffer) {
            let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
            if to.send((pipe, piece.to_vec())).is_err() {
                break;
            }
        }
    });
}

/// Runs a quick question to a tool: its stdout if it succeeded, `None` if it failed or is not there.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program can be found.
pub(crate) fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Ctrl-C and its kin as a flag that loops look at.
pub(crate) mod interrupt {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, OnceLock};

    use anyhow::{Result, bail};

    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

    fn flag() -> &'static Arc<AtomicBool> {
        FLAG.get_or_init(|| Arc::new(AtomicBool::new(false)))
    }

    /// From here on, a signal to end sets the flag.
    #[cfg(unix)]
    pub(crate) fn install() -> Result<()> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(flag()))?;
        }
        Ok(())
    }

    /// The console ends its processes itself there.
    #[cfg(not(unix))]
    pub(crate) fn install() -> Result<()> {
        Ok(())
    }

    /// Whether a person asked to stop.
    pub(crate) fn requested() -> bool {
        flag().load(Ordering::Relaxed)
    }

    /// Fails when a person asked to stop.
    pub(crate) fn check() -> Result<()> {
        if requested() {
            bail!("interrupted");
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_group_takes_its_grandchildren_along() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]).stdout(Stdio::piped());
        let mut group = Group::spawn("sleeper", &mut command).unwrap();
        let mut pid = [0_u8; 16];
        let count = group.child().stdout.as_mut().unwrap().read(&mut pid).unwrap();
        let pid = String::from_utf8_lossy(&pid[..count]).trim().to_owned();
        assert!(alive(&pid));
        drop(group);
        // It was told to end, and does so on a processor that may be busy.
        let watch = Stopwatch::start();
        while alive(&pid) {
            assert!(!watch.passed(Duration::from_secs(30)), "{pid} lives on");
            clock::pause(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_streamed_command_keeps_both_pipes_apart() {
        let run = stream("echo", Command::new("sh").args(["-c", "echo one; echo two >&2; exit 3"])).unwrap();
        assert!(!run.success);
        assert_eq!(run.text, "one\n\ntwo\n");
    }

    fn alive(pid: &str) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !state.is_empty() && !state.contains(") Z ")
    }
}
