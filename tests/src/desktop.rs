//! A desktop for one test: its own folders, session bus, keychain, and where it is asked for a display.
//!
//! It shares nothing with the machine's own desktop or with another test, and everything in it ends with it. The bus
//! starts no services by itself: a keychain that a test has killed must stay away until the test brings it back.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::process::{Process, print_into};
use crate::wait::{PATIENCE, until};

/// What opens the keychain of every test.
const KEYCHAIN_PASSWORD: &[u8] = b"opens the keychain of a test";

/// A session bus without services to start.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=@</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"#;

/// What is taken over from the environment of the tests. Everything else is the test's own.
const KEPT: [&str; 6] = ["PATH", "LANG", "LC_ALL", "TZ", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"];

/// What there is to keep secrets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keychain {
    /// A keychain that answers.
    Unlocked,
    /// A keychain that is locked, and nobody who could be asked to unlock it.
    Locked,
    /// A keychain service that has no keyring to keep anything in, as on a machine nobody ever logged in to.
    Bare,
    /// A session bus, and no keychain on it.
    Absent,
    /// Not even a session bus.
    NoBus,
}

/// The desktop. Its parts end in the order in which they stand here.
#[derive(Debug)]
pub struct Desktop {
    manager: Option<Process>,
    screen: Option<Process>,
    display: Option<String>,
    keychain: Option<Process>,
    bus: Option<Process>,
    dir: TempDir,
    more: Vec<(OsString, OsString)>,
}

impl Desktop {
    /// A desktop without a display.
    ///
    /// # Panics
    /// When a part of it does not start.
    pub fn start(keychain: Keychain) -> Self {
        let dir = tempfile::Builder::new().prefix("latchkey-test-").tempdir().unwrap();
        for name in
            ["home", "data", "cache", "xdg-config", "xdg-state", "run", "config", "state", "runtime", "out"]
        {
            DirBuilder::new().mode(0o700).create(dir.path().join(name)).unwrap();
        }
        let mut desktop = Self {
            manager: None,
            screen: None,
            display: None,
            keychain: None,
            bus: None,
            dir,
            more: Vec::new(),
        };
        if keychain != Keychain::NoBus {
            desktop.start_bus();
        }
        if matches!(keychain, Keychain::Unlocked | Keychain::Locked) {
            desktop.start_keychain();
        }
        if keychain == Keychain::Locked {
            desktop.lock_keychain();
        }
        if keychain == Keychain::Bare {
            desktop.keychain = Some(desktop.keychain_daemon(false));
            desktop.await_keychain();
        }
        desktop
    }

    /// With a display and a window manager.
    ///
    /// # Panics
    /// When they do not start.
    #[must_use]
    pub fn with_screen(mut self) -> Self {
        let mut command = self.command("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-noreset"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut screen = Process::start(command, "xvfb");
        let number = first_line(&mut screen, "the number of the display");
        self.display = Some(format!(":{number}"));
        self.screen = Some(screen);
        let mut manager = self.command("openbox");
        manager.args(["--sm-disable"]);
        print_into(&mut manager, &self.out("openbox"));
        self.manager = Some(Process::start(manager, "openbox"));
        self
    }

    /// With another variable for every program.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.more.push((name.into(), value.into()));
        self
    }

    /// A program that will run on this desktop, with nothing else of the environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment()).current_dir(self.path("home")).stdin(Stdio::null());
        command
    }

    /// The environment of every program on this desktop.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let kept = KEPT.into_iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?)));
        let mut all: Vec<(OsString, OsString)> = kept.collect();
        let mut set = |name: &str, value: OsString| all.push((name.into(), value));
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_CONFIG_HOME", "xdg-config"),
            ("XDG_STATE_HOME", "xdg-state"),
            ("XDG_RUNTIME_DIR", "run"),
            ("LATCHKEY_CONFIG_DIR", "config"),
            ("LATCHKEY_STATE_DIR", "state"),
            ("LATCHKEY_RUNTIME_DIR", "runtime"),
        ] {
            set(name, self.path(folder).into());
        }
        // A machine without a bus must not be given one by a library that looks for it or starts it.
        let bus = if self.bus.is_some() { self.path("bus") } else { self.path("no-bus") };
        set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display()).into());
        for (name, value) in [
            ("NO_AT_BRIDGE", "1"),
            ("GTK_A11Y", "none"),
            ("GSETTINGS_BACKEND", "memory"),
            ("XDG_SESSION_TYPE", "x11"),
            ("GDK_BACKEND", "x11"),
        ] {
            set(name, value.into());
        }
        if let Some(display) = &self.display {
            set("DISPLAY", display.into());
        }
        all.extend(self.more.iter().cloned());
        all
    }

    /// Kills the keychain, as a crash or an update does.
    pub fn kill_keychain(&mut self) {
        self.keychain = None;
        let gone = "the keychain to leave the bus";
        until(gone, PATIENCE, || (!self.on_the_bus("org.freedesktop.secrets")).then_some(()));
    }

    /// Starts the keychain, and opens it.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_keychain(&mut self) {
        let mut keychain = self.keychain_daemon(true);
        // A line end would become part of the password.
        keychain.child().stdin.take().unwrap().write_all(KEYCHAIN_PASSWORD).unwrap();
        self.keychain = Some(keychain);
        self.await_keychain();
    }

    /// Ends the bus and with it the keychain, as a new login does, and starts both anew at the same address.
    ///
    /// # Panics
    /// When they do not come up.
    pub fn restart_bus(&mut self) {
        self.keychain = None;
        self.bus = None;
        // A killed bus leaves its socket behind, and does not start over one.
        let _ = fs::remove_file(self.path("bus"));
        self.start_bus();
        self.start_keychain();
    }

    /// Starts the keychain anew, and leaves it locked. A keychain that never was unlocked would be empty, not locked.
    fn lock_keychain(&mut self) {
        self.store("a test", "something");
        self.kill_keychain();
        self.keychain = Some(self.keychain_daemon(false));
        self.await_keychain();
    }

    fn keychain_daemon(&self, unlock: bool) -> Process {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]);
        if unlock {
            command.arg("--unlock");
        }
        print_into(&mut command, &self.out("keychain"));
        command.stdin(if unlock { Stdio::piped() } else { Stdio::null() });
        Process::start(command, "gnome-keyring")
    }

    fn await_keychain(&self) {
        until("the keychain on the bus", PATIENCE, || {
            self.on_the_bus("org.freedesktop.secrets").then_some(())
        });
    }

    fn start_bus(&mut self) {
        let (socket, file) = (self.path("bus"), self.path("bus.conf"));
        fs::write(&file, BUS.replace('@', &socket.display().to_string())).unwrap();
        let mut command = self.command("dbus-daemon");
        command.arg(format!("--config-file={}", file.display())).args(["--nofork", "--print-address=1"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut bus = Process::start(command, "dbus");
        first_line(&mut bus, "the address of the bus");
        self.bus = Some(bus);
    }

    /// Whether a program owns this name on the bus.
    pub fn on_the_bus(&self, name: &str) -> bool {
        let mut ask = self.command("dbus-send");
        ask.args([
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.DBus",
            "/",
            "org.freedesktop.DBus.NameHasOwner",
        ]);
        ask.arg(format!("string:{name}"));
        let said =
            ask.output().expect("`dbus-send` is not installed: install it with `apt-get install dbus`");
        String::from_utf8_lossy(&said.stdout).contains("boolean true")
    }

    /// The secret of an account, as any other program of this person reads it.
    ///
    /// # Panics
    /// When `secret-tool` is not installed.
    pub fn secret_of(&self, account: &str) -> Option<String> {
        let mut ask = self.command("secret-tool");
        ask.args(["lookup", "service", "latchkey", "username", account]);
        let said = ask
            .output()
            .expect("`secret-tool` is not installed: install it with `apt-get install libsecret-tools`");
        said.status.success().then(|| String::from_utf8(said.stdout).unwrap())
    }

    /// What `secret-tool` tells of all items of this program, without the secrets.
    ///
    /// # Panics
    /// When `secret-tool` is not installed.
    pub fn items(&self) -> String {
        let mut ask = self.command("secret-tool");
        ask.args(["search", "--all", "service", "latchkey"]);
        let said = ask
            .output()
            .expect("`secret-tool` is not installed: install it with `apt-get install libsecret-tools`");
        let both = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
        let lines: Vec<_> = both.lines().filter(|line| !line.starts_with("secret = ")).collect();
        lines.join("\n")
    }

    fn store(&self, service: &str, secret: &str) {
        let mut ask = self.command("secret-tool");
        ask.args(["store", "--label=a test", "service", service]).stdin(Stdio::piped());
        let mut asked = Process::start(ask, "libsecret-tools");
        asked.child().stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        assert!(asked.ended(PATIENCE).success(), "the keychain of the test takes nothing");
    }

    /// Closes the app's window as its frame does, as soon as the window manager has one.
    ///
    /// # Panics
    /// When `wmctrl` is not installed.
    pub fn close_windows(&self) {
        until("the app's window to be closed", PATIENCE, || {
            let mut ask = self.command("wmctrl");
            ask.args(["-c", "Latchkey"]).stderr(Stdio::null());
            let closed =
                ask.status().expect("`wmctrl` is not installed: install it with `apt-get install wmctrl`");
            closed.success().then_some(())
        });
    }

    /// Whether the app's window is there, hidden ones left out.
    ///
    /// # Panics
    /// When `wmctrl` is not installed.
    pub fn shows_a_window(&self) -> bool {
        let mut ask = self.command("wmctrl");
        let said = ask
            .arg("-l")
            .output()
            .expect("`wmctrl` is not installed: install it with `apt-get install wmctrl`");
        String::from_utf8_lossy(&said.stdout).contains("Latchkey")
    }

    /// The number of the keychain's process.
    pub fn keychain_pid(&self) -> Option<u32> {
        self.keychain.as_ref().map(Process::id)
    }

    /// A file or folder of this desktop.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Everything this desktop keeps on the disk.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The configuration.
    pub fn config_file(&self) -> PathBuf {
        self.path("config").join("config.toml")
    }

    /// The event log.
    pub fn events_file(&self) -> PathBuf {
        self.path("state").join("log").join("events.jsonl")
    }

    /// The file with what a program printed.
    pub fn out(&self, program: &str) -> PathBuf {
        self.path("out").join(program)
    }
}

fn first_line(process: &mut Process, what: &str) -> String {
    let mut line = String::new();
    let printed = process.child().stdout.take().unwrap();
    BufReader::new(printed).read_line(&mut line).unwrap();
    assert!(!line.trim().is_empty(), "{what} was not printed: the program ended at once");
    line.trim().to_owned()
}
