//! The built programs, run as a person or a script runs them.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::desktop::Desktop;
use crate::process::{Process, has_ended, has_open};
use crate::wait::until;

/// How long a command may take, on a machine with much else to do. The longest of them waits 10 s for a token.
const PATIENCE: Duration = Duration::from_mins(1);

/// The terminal program.
pub fn latchkey() -> PathBuf {
    built("latchkey", "LATCHKEY_BIN", "cargo build -p latchkey")
}

/// The full terminal program, which the one that people call starts for nearly everything.
pub fn latchkey_cli() -> PathBuf {
    latchkey().with_file_name("latchkey-cli")
}

/// The desktop app.
pub fn latchkey_desktop() -> PathBuf {
    let how = "(cd ui && npm ci && npm run build) && cargo build -p latchkey-desktop";
    built("latchkey-desktop", "LATCHKEY_DESKTOP_BIN", how)
}

fn built(name: &str, variable: &str, how: &str) -> PathBuf {
    // The test runs in target/<profile>/deps.
    let beside = || std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join(name);
    let path = std::env::var_os(variable).map_or_else(beside, PathBuf::from);
    assert!(
        path.is_file(),
        "{} is not there: build it with `{how}`, or name another with {variable}",
        path.display()
    );
    path
}

/// What a command did.
#[derive(Clone, Debug)]
pub struct Done {
    /// What it printed as a value.
    pub stdout: String,
    /// What it told the person.
    pub stderr: String,
    /// Its exit code.
    pub code: Option<i32>,
}

impl Done {
    /// Its value as JSON.
    ///
    /// # Panics
    /// When it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// Its value without the line end.
    pub fn value(&self) -> &str {
        self.stdout.trim_end()
    }

    /// Itself, after the code was compared.
    ///
    /// # Panics
    /// When it ended otherwise.
    #[track_caller]
    #[must_use]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Itself, after the message was looked at.
    ///
    /// # Panics
    /// When the message does not say it.
    #[track_caller]
    #[must_use]
    pub fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "the message does not say “{words}”: {self:#?}");
        self
    }
}

/// A command that runs.
pub struct Running {
    process: Process,
    first_line: Receiver<String>,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Running {
    /// Starts it; standard input is written and closed.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(mut command: Command, stdin: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::start(command, "nothing: it is built by cargo");
        let child = process.child();
        let mut input = child.stdin.take().unwrap();
        // A program that ends before it has read everything closes the pipe.
        let _ = input.write_all(stdin.as_bytes());
        drop(input);
        let (sender, first_line) = channel();
        let stdout = read(child.stdout.take(), Some(sender));
        let stderr = read(child.stderr.take(), None);
        Self { process, first_line, stdout, stderr }
    }

    /// The first line that it prints as a value, while it goes on.
    ///
    /// # Panics
    /// When it ends or time passes without one.
    pub fn first_line(&self) -> String {
        let line = self.first_line.recv_timeout(PATIENCE).unwrap_or_default();
        assert!(line.ends_with('\n'), "it printed no line: {line:?}");
        line.trim_end().to_owned()
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn done(self) -> Done {
        self.done_within(PATIENCE)
    }

    /// Waits for its end, which may take longer than that of other commands.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn done_within(mut self, patience: Duration) -> Done {
        let code = self.process.ended(patience).code();
        Done { stdout: self.stdout.join().unwrap(), stderr: self.stderr.join().unwrap(), code }
    }
}

/// Reads to the end; the first line is passed on as soon as it is there.
fn read(from: Option<impl Read + Send + 'static>, first_line: Option<Sender<String>>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let (mut from, mut bytes) = (BufReader::new(from.unwrap()), Vec::new());
        let _ = from.read_until(b'\n', &mut bytes);
        if let Some(first_line) = first_line {
            // Most commands are not asked for it.
            let _ = first_line.send(String::from_utf8_lossy(&bytes).into_owned());
        }
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Desktop {
    /// Runs the terminal program.
    #[track_caller]
    pub fn latchkey(&self, arguments: &[&str]) -> Done {
        self.start_latchkey(arguments, "").done()
    }

    /// Starts the terminal program, with this on its standard input.
    pub fn start_latchkey(&self, arguments: &[&str], stdin: &str) -> Running {
        Running::start(self.latchkey_command(arguments), stdin)
    }

    /// The terminal program, to be started.
    pub fn latchkey_command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = self.command(latchkey());
        command.args(arguments);
        command
    }

    /// Configures the account `demo` for a development backend on this port.
    #[track_caller]
    pub fn add_demo(&self, port: u16) {
        let _ = self
            .latchkey(&["accounts", "add", "demo", "--devserver", "--devserver-port", &port.to_string()])
            .ends(0);
    }

    /// Signs in to an account as `demo` with this password.
    #[track_caller]
    pub fn sign_in(&self, account: &str, password: &str) -> Done {
        self.start_latchkey(&["sign-in", account, "--username", "demo", "--password-stdin"], password).done()
    }

    /// So many processes renew `demo` at once. They all stand at the lock when it is given free, so all of them have read the
    /// same token: how long they take to come there does not matter, as it would if one of them waited for an answer
    /// meanwhile. Gives back what each did; one that cannot read its token ends before it comes to the lock.
    ///
    /// # Panics
    /// When they do not come to the lock.
    pub fn renewed_together(&self, processes: usize) -> Vec<Done> {
        let path = self.path("state/locks/demo.lock");
        let lock = File::options().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
        lock.lock().unwrap();
        let renew = || self.start_latchkey(&["renew", "demo", "--json"], "");
        let all: Vec<_> = (0..processes).map(|_| renew()).collect();
        for one in &all {
            let there = || has_open(one.id(), &path) || has_ended(one.id());
            until("a process at the lock", PATIENCE, || there().then_some(()));
        }
        drop(lock);
        all.into_iter().map(Running::done).collect()
    }

    /// The one account's status.
    ///
    /// # Panics
    /// When it is not told.
    #[track_caller]
    pub fn status(&self, account: &str) -> Value {
        let done = self.latchkey(&["status", account, "--json"]);
        done.json().get(0).cloned().unwrap_or_else(|| panic!("no status: {done:#?}"))
    }
}

/// A development backend in a process of its own: `latchkey devserver`.
#[derive(Debug)]
pub struct DevServerProcess {
    /// Where it listens.
    pub url: String,
    /// Its port.
    pub port: u16,
    _process: Process,
}

impl DevServerProcess {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(desktop: &Desktop, arguments: &[&str]) -> Self {
        let mut command = desktop.latchkey_command(&["devserver", "--listen", "127.0.0.1:0", "--json"]);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Process::start(command, "nothing: it is built by cargo");
        let mut line = String::new();
        BufReader::new(process.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value =
            serde_json::from_str(&line).expect("the first line of `devserver --json` is an object");
        let url = said["url"].as_str().unwrap().to_owned();
        let port = url.rsplit(':').next().unwrap().parse().unwrap();
        Self { url, port, _process: process }
    }
}
