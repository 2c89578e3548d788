//! A desktop where there is none: a virtual display, a private session bus, an unlocked keychain and a window manager.
//!
//! It lives in folders of its own (home, XDG, runtime), so nothing of the person's is read or written, and it dies
//! with its guard. The parts are children of this program rather than of `dbus-run-session`: each then has its own
//! process group and its own log, and more than one program can be started in the desktop.

use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::clock::{self, Stopwatch};
use crate::process::{self, Group};
use crate::session;
use crate::workspace::{fresh_private_folder, private_folder};

/// How long a part of the desktop may take to come up.
const PATIENCE: Duration = Duration::from_secs(15);

/// Pixels of the virtual display.
const SCREEN: &str = "1280x900x24";

/// The part of the display that the inside of the app's window covers.
const MIDDLE: &str = "[640x450+320+225]";

/// Every window in the middle of the display, so that a picture always shows it whole.
const OPENBOX: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <theme><name>Clearlooks</name><titleLayout>NLIMC</titleLayout></theme>
  <applications>
    <application class="*"><position force="yes"><x>center</x><y>center</y></position></application>
  </applications>
</openbox_config>
"#;

/// What must not leak in from the session this command was started in.
const FOREIGN: [&str; 9] = [
    "WAYLAND_DISPLAY",
    "WAYLAND_SOCKET",
    "XAUTHORITY",
    "DBUS_STARTER_ADDRESS",
    "DBUS_STARTER_BUS_TYPE",
    "GNOME_KEYRING_CONTROL",
    "SESSION_MANAGER",
    "DESKTOP_STARTUP_ID",
    "XDG_CURRENT_DESKTOP",
];

/// A running desktop. Dropping it stops every part and removes its runtime folder; the other folders stay to be
/// looked at and are emptied by the next start.
pub(crate) struct Desktop {
    base: PathBuf,
    runtime: PathBuf,
    environment: Vec<(&'static str, OsString)>,
    /// In the order of their start; stopped from the back.
    parts: Vec<Group>,
}

impl Desktop {
    /// Starts a desktop with its folders below `base`, which is emptied first.
    pub(crate) fn start(base: &Path) -> Result<Self> {
        fresh_private_folder(base)?;
        // Sockets live here, and their paths may not exceed 107 bytes: a checkout can lie too deep for that.
        let runtime = std::env::temp_dir().join(format!("latchkey-{}-{}", std::process::id(), number()));
        fresh_private_folder(&runtime)?;
        let mut desktop = Self { base: base.to_owned(), runtime, environment: Vec::new(), parts: Vec::new() };
        desktop.folders()?;
        desktop.display()?;
        desktop.bus()?;
        desktop.keychain()?;
        desktop.window_manager()?;
        Ok(desktop)
    }

    /// Makes a command run inside this desktop.
    pub(crate) fn apply(&self, command: &mut Command) {
        for name in FOREIGN {
            command.env_remove(name);
        }
        // A developer's own choice of vault or folders has no say in here; how much to log does.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LATCHKEY_") && name != "LATCHKEY_LOG" {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
    }

    /// The value a program in this desktop sees, for example of `DISPLAY`.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsString> {
        self.environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The folder of its sockets, short enough for more of them.
    pub(crate) fn runtime(&self) -> &Path {
        &self.runtime
    }

    /// Writes what the display shows to a PNG file and tells how many colours the middle of it has. The frame of a
    /// window and its icon alone have hundreds, so they must not count.
    pub(crate) fn screenshot(&self, path: &Path) -> Result<u32> {
        let mut import = Command::new("import");
        self.apply(import.args(["-window", "root"]).arg(path));
        process::answer(&mut import).context("`import` of ImageMagick could not take the screenshot")?;
        let mut identify = Command::new("identify");
        let mut middle = path.as_os_str().to_owned();
        middle.push(MIDDLE);
        identify.args(["-format", "%k"]).arg(middle);
        let colours = process::answer(&mut identify).context("`identify` could not read the screenshot")?;
        colours.trim().parse().with_context(|| format!("`identify` answered with no number: {colours}"))
    }

    fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.environment.push((name, value.into()));
    }

    fn folders(&mut self) -> Result<()> {
        // cargo and rustup look in the home folder, which is about to change for them.
        if let Some(home) = std::env::home_dir() {
            for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
                let value = std::env::var_os(name).unwrap_or_else(|| home.join(folder).into());
                self.set(name, value);
            }
        }
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
        ] {
            let path = self.base.join(folder);
            private_folder(&path)?;
            self.set(name, path);
        }
        private_folder(&self.base.join("log"))?;
        self.set("XDG_RUNTIME_DIR", self.runtime.clone());
        self.set("XDG_SESSION_TYPE", "x11");
        self.set("GDK_BACKEND", "x11");
        self.set("GSETTINGS_BACKEND", "memory");
        // There is no accessibility bus here; looking for one costs seconds.
        self.set("NO_AT_BRIDGE", "1");
        self.set("GTK_A11Y", "none");
        // Without a graphics card, drawing on the CPU at once is the faster way. The WEBKIT_DISABLE_* switches are
        // left alone: with them, WebDriver's screenshots hang.
        self.set("WEBKIT_SKIA_ENABLE_CPU_RENDERING", "1");
        Ok(())
    }

    /// Starts one part, with its log in a file.
    fn part(&self, program: &str, arguments: &[&str], stdin: Stdio, stdout: Option<Stdio>) -> Result<Group> {
        let log = fs::File::create(self.base.join("log").join(format!("{program}.log")))?;
        let mut command = Command::new(program);
        self.apply(command.args(arguments));
        command.stdin(stdin).stdout(stdout.unwrap_or(log.try_clone()?.into())).stderr(log);
        Group::spawn(program, &mut command)
    }

    fn display(&mut self) -> Result<()> {
        // The server picks a free number by itself and writes it to the given file descriptor, here its stdout.
        let arguments = ["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"];
        let mut xvfb = self.part("Xvfb", &arguments, Stdio::null(), Some(Stdio::piped()))?;
        let mut out = xvfb.child().stdout.take().context("Xvfb has no stdout")?;
        let (sender, number) = mpsc::channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            let mut byte = [0_u8];
            while out.read(&mut byte).is_ok_and(|count| count == 1) && byte != *b"\n" {
                text.extend(byte.map(char::from));
            }
            let _ = sender.send(text);
        });
        let number = number.recv_timeout(PATIENCE).unwrap_or_default();
        if number.is_empty() {
            bail!("the virtual display did not start: {}", self.log("Xvfb"));
        }
        self.parts.push(xvfb);
        self.set("DISPLAY", format!(":{number}"));
        Ok(())
    }

    fn bus(&mut self) -> Result<()> {
        let socket = self.runtime.join("bus");
        let address = format!("unix:path={}", socket.display());
        self.set("DBUS_SESSION_BUS_ADDRESS", &address);
        let flag = format!("--address={address}");
        let bus =
            self.part("dbus-daemon", &["--session", "--nofork", "--nopidfile", &flag], Stdio::null(), None)?;
        self.parts.push(bus);
        self.until("dbus-daemon", |_| socket.exists())
    }

    fn keychain(&mut self) -> Result<()> {
        let arguments = ["--foreground", "--unlock", "--components=secrets"];
        let mut keyring = self.part("gnome-keyring-daemon", &arguments, Stdio::piped(), None)?;
        // The first unlock makes the login collection with this password. It protects nothing but what the desktop
        // holds; a newline would become part of it.
        let mut stdin = keyring.child().stdin.take().context("gnome-keyring-daemon has no stdin")?;
        stdin.write_all(b"headless").context("gnome-keyring-daemon takes no password")?;
        drop(stdin);
        self.parts.push(keyring);
        self.until("gnome-keyring-daemon", |desktop| {
            let names = session::bus_names("ListNames", |command| desktop.apply(command));
            names.is_some_and(|names| session::lists(&names, session::SECRETS))
        })
    }

    fn window_manager(&mut self) -> Result<()> {
        let rules = self.base.join("config/openbox.xml");
        fs::write(&rules, OPENBOX).with_context(|| format!("cannot write {}", rules.display()))?;
        let rules = rules.to_string_lossy();
        let openbox =
            self.part("openbox", &["--sm-disable", "--config-file", &rules], Stdio::null(), None)?;
        self.parts.push(openbox);
        Ok(())
    }

    /// Waits until a part that was just started is ready.
    fn until(&mut self, name: &str, ready: impl Fn(&Self) -> bool) -> Result<()> {
        let watch = Stopwatch::start();
        while !ready(self) {
            process::interrupt::check()?;
            let ended = match self.parts.last_mut() {
                Some(part) => part.ended()?,
                None => None,
            };
            if ended.is_some() || watch.passed(PATIENCE) {
                bail!("{name} did not start: {}", self.log(name));
            }
            clock::pause(Duration::from_millis(30));
        }
        Ok(())
    }

    fn log(&self, program: &str) -> String {
        let path = self.base.join("log").join(format!("{program}.log"));
        fs::read_to_string(path).unwrap_or_default().trim().to_owned()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        while let Some(mut part) = self.parts.pop() {
            part.stop();
        }
        let _ = fs::remove_dir_all(&self.runtime);
    }
}

/// Tells several desktops of one process apart.
fn number() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
