//! systemd as it runs for a user, with Latchkey's own units and nothing else of the machine's.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::desktop::Desktop;
use crate::process::{Process, print_into};
use crate::programs::latchkey;
use crate::wait::{Deadline, PATIENCE, pause, until};

/// What systemd itself wants to have: every service waits for the first of them, and ends with the last.
const ITS_OWN: [&str; 8] = [
    "basic.target",
    "default.target",
    "sockets.target",
    "timers.target",
    "paths.target",
    "shutdown.target",
    "exit.target",
    "systemd-exit.service",
];

/// systemd itself.
const SYSTEMD: &str = "/lib/systemd/systemd";

/// It asks whether the whole system was started by systemd (sd_booted(3)), which tests need not be. So it gets a `/run` of its
/// own, where that is so.
const START: &str = "mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && \
                     exec \"$0\" --user";

/// The manager. It ends with what it started.
#[derive(Debug)]
pub struct UserManager<'a> {
    desktop: &'a Desktop,
    process: Process,
}

impl<'a> UserManager<'a> {
    /// The manager of this desktop's user, with the units of `packaging/systemd` for the built program. `None` where none can
    /// run: it takes systemd, root, and control groups.
    ///
    /// # Panics
    /// When the units are not there.
    pub fn start(desktop: &'a Desktop) -> Option<Self> {
        if !Path::new(SYSTEMD).exists() {
            return None;
        }
        let units = desktop.path("units");
        fs::create_dir_all(units.join("latchkey.service.d")).unwrap();
        for unit in ITS_OWN {
            std::os::unix::fs::symlink(Path::new("/usr/lib/systemd/user").join(unit), units.join(unit))
                .unwrap();
        }
        let packaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd");
        for unit in ["latchkey.service", "latchkey.socket"] {
            fs::copy(packaged.join(unit), units.join(unit)).unwrap();
        }
        let packaged = fs::read_to_string(units.join("latchkey.service")).unwrap();
        let start = packaged.lines().find(|line| line.starts_with("ExecStart=latchkey ")).unwrap();
        let start = start.replacen("latchkey", &latchkey().display().to_string(), 1);
        // Nobody wants to wait as long as a person would for an agent that was killed.
        let built =
            format!("[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=\n{start}\nRestartSec=100ms\n");
        fs::write(units.join("latchkey.service.d/built.conf"), built).unwrap();
        let mut command = desktop.command("unshare");
        command.args(["--mount", "sh", "-c", START, SYSTEMD]).env("SYSTEMD_UNIT_PATH", &units);
        print_into(&mut command, &desktop.out("systemd"));
        let mut manager = Self { desktop, process: Process::start(command, "util-linux") };
        let up = until("the user's manager", PATIENCE, || {
            if !manager.process.runs() {
                return Some(false);
            }
            manager.is("default.target", "active").then_some(true)
        });
        up.then_some(manager)
    }

    /// Has something done by `systemctl --user`, and waits until it is.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn has(&self, words: &[&str]) {
        let done = self.systemctl(words).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Whether a unit is in this state: `active`, `inactive`, `failed`.
    pub fn is(&self, unit: &str, state: &str) -> bool {
        let said = self.systemctl(&["is-active", unit]).output().unwrap();
        String::from_utf8_lossy(&said.stdout).trim() == state
    }

    /// Waits until a unit is in this state. A service that is started answers before the manager has seen that it runs.
    ///
    /// # Panics
    /// When it does not come to it.
    #[track_caller]
    pub fn until(&self, unit: &str, state: &str) {
        until(&format!("{unit} to be {state}"), PATIENCE, || self.is(unit, state).then_some(()));
    }

    /// The process of a service; none where none runs.
    ///
    /// # Panics
    /// When the manager does not say.
    pub fn process_of(&self, service: &str) -> Option<u32> {
        let said = self.systemctl(&["show", "--property=MainPID", "--value", service]).output().unwrap();
        let number = String::from_utf8_lossy(&said.stdout).trim().parse().unwrap();
        (number != 0).then_some(number)
    }

    fn systemctl(&self, words: &[&str]) -> Command {
        let mut command = self.desktop.command("systemctl");
        command.arg("--user").args(words);
        command
    }
}

impl Drop for UserManager<'_> {
    /// Its services are in no group of its own: only it can end them.
    fn drop(&mut self) {
        self.process.signal(Signal::TERM);
        let end = Deadline::after(PATIENCE);
        while self.process.runs() && !end.passed() {
            pause();
        }
    }
}
