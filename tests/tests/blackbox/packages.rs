//! The packages: installed into an empty root by dpkg itself, used from there, upgraded while people are signed in, and
//! purged. Nothing but a package can have put anything there.
//!
//! The libraries of the system are those of this machine: what a package depends on is looked at, not installed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::{Process, print_into, signal};
use latchkey_tests::programs::{Done, Running};
use latchkey_tests::wait::{PATIENCE, until};
use rustix::process::Signal;

use crate::backend::{REFRESH, asked, living};

/// Both packages, in a version.
fn packages(version: &str, ending: &str) -> Vec<PathBuf> {
    let folder = std::env::var_os("LATCHKEY_PACKAGES").map(PathBuf::from);
    let folder =
        folder.expect("LATCHKEY_PACKAGES is not set: `cargo xtask test --only blackbox` makes packages");
    let mut found: Vec<_> = fs::read_dir(folder.join(version))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some(OsStr::new(ending)))
        .collect();
    found.sort();
    assert_eq!(found.len(), 2, "{found:?}");
    found
}

#[track_caller]
fn told(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}\n{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A root with nothing in it but what dpkg keeps its books in.
struct Root(tempfile::TempDir);

impl Root {
    fn empty() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["info", "updates", "triggers"] {
            fs::create_dir_all(root.path().join("var/lib/dpkg").join(folder)).unwrap();
        }
        fs::write(root.path().join("var/lib/dpkg/status"), "").unwrap();
        Self(root)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    #[track_caller]
    fn dpkg(&self, words: &[&str], files: &[PathBuf]) -> String {
        let mut command = if rustix::process::geteuid().is_root() {
            Command::new("dpkg")
        } else {
            let mut command = Command::new("fakeroot");
            command.args(["--", "dpkg"]);
            command
        };
        let root = format!("--root={}", self.0.path().display());
        command.args([&root, "--force-depends", "--force-bad-path", "--log=/dev/null"]);
        told(command.args(words).args(files).env("LC_ALL", "C"))
    }

    /// Everything that a package put there.
    fn files(&self) -> BTreeSet<String> {
        files_below(&self.path("usr"), "usr")
    }
}

fn files_below(folder: &Path, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries.map(Result::unwrap) {
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path(), &name));
        } else {
            found.insert(name);
        }
    }
    found
}

/// The installed programs on a desktop.
struct Installed<'a> {
    root: &'a Root,
    desktop: &'a Desktop,
}

impl Installed<'_> {
    fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = self.desktop.command(self.root.path("usr/bin").join(program));
        command.args(words);
        command
    }

    fn runs(&self, program: &str, words: &[&str], stdin: &str) -> Done {
        Running::start(self.command(program, words), stdin).done()
    }

    fn latchkey(&self, words: &[&str]) -> Done {
        self.runs("latchkey", words, "")
    }

    fn agent(&self) -> Running {
        let agent = Running::start(self.command("latchkey", &["agent"]), "");
        let _ = agent.first_line();
        agent
    }
}

/// What another program, the desktop or a shell looks for at its place.
const LOOKED_FOR: [&str; 13] = [
    "usr/bin/latchkey",
    "usr/bin/latchkey-cli",
    "usr/bin/latchkey-desktop",
    "usr/bin/git-credential-latchkey",
    "usr/bin/docker-credential-latchkey",
    "usr/lib/systemd/user/latchkey.service",
    "usr/lib/systemd/user/latchkey.socket",
    "usr/share/applications/latchkey-desktop.desktop",
    "usr/share/bash-completion/completions/latchkey",
    "usr/share/fish/vendor_completions.d/latchkey.fish",
    "usr/share/icons/hicolor/scalable/apps/latchkey.svg",
    "usr/share/man/man1/latchkey-sign-in.1.gz",
    "usr/share/man/man1/latchkey-desktop.1.gz",
];

fn is_complete(root: &Root) {
    let files = root.files();
    for path in LOOKED_FOR {
        assert!(files.contains(path), "{path} is not there: {files:#?}");
    }
    let entry = root.path("usr/share/applications/latchkey-desktop.desktop");
    let _ = told(Command::new("desktop-file-validate").arg(&entry));
    let entry = fs::read_to_string(entry).unwrap();
    let value = |key: &str| entry.lines().find_map(|line| line.strip_prefix(key)).unwrap().to_owned();
    let program = value("Exec=").split(' ').next().unwrap().to_owned();
    assert!(files.contains(&format!("usr/bin/{program}")), "{entry}");
    assert!(files.contains(&format!("usr/share/icons/hicolor/128x128/apps/{}.png", value("Icon="))));
    let unit = fs::read_to_string(root.path("usr/lib/systemd/user/latchkey.service")).unwrap();
    let started = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/")).unwrap();
    assert!(files.contains(started.split(' ').next().unwrap()), "{unit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn window_packages_are_installed_used_upgraded_under_a_live_session_and_purged() {
    let root = Root::empty();
    root.dpkg(&["-i"], &packages("older", "deb"));
    is_complete(&root);
    assert_eq!(root.dpkg(&["--verify"], &[]), "", "what was installed is not what was packed");

    // Used: somebody signs in, an agent serves other programs, and git finds its helper by its name.
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let backend = living(std::time::Duration::from_mins(5)).await;
    let installed = Installed { root: &root, desktop: &desktop };
    let port = backend.address().port().to_string();
    let _ =
        installed.latchkey(&["accounts", "add", "demo", "--devserver", "--devserver-port", &port]).ends(0);
    let words = ["sign-in", "demo", "--username", "demo", "--password-stdin"];
    let _ = installed.runs("latchkey", &words, "demo").ends(0);
    let agent = installed.agent();
    let before = installed.latchkey(&["token", "demo"]).ends(0);
    let asked_for = "protocol=https\nhost=nobody.example\n\n";
    let helper = installed.runs("git-credential-latchkey", &["get"], asked_for).ends(0);
    assert_eq!(helper.stdout, "", "a stranger gets nothing");

    // Upgraded while the agent runs: it goes on, and the session with it.
    let inode = fs::metadata(root.path("usr/bin/latchkey")).unwrap().ino();
    let upgraded = root.dpkg(&["-i"], &packages("newer", "deb"));
    assert!(upgraded.contains("~before") && !upgraded.contains("downgrading"), "{upgraded}");
    assert!(fs::metadata(root.path("usr/bin/latchkey")).unwrap().ino() != inode, "nothing was replaced");
    is_complete(&root);
    assert_eq!(installed.latchkey(&["token", "demo"]).ends(0).value(), before.value());
    let renewed = installed.latchkey(&["renew", "demo", "--json"]).ends(0);
    assert_eq!(renewed.json()["generation"], 2, "the new program and the old agent renew together");
    signal(agent.id(), Signal::TERM);
    let _ = agent.done().ends(0);
    let agent = installed.agent();
    assert_eq!(installed.latchkey(&["renew", "demo", "--json"]).ends(0).json()["generation"], 3);
    assert_eq!(asked(&backend, REFRESH), 2);
    drop(agent);

    // The window opens from there as well.
    let mut command = installed.command("latchkey-desktop", &[]);
    command.env("LATCHKEY_BENCH_FIRST_PAINT", "1");
    print_into(&mut command, &desktop.out("app"));
    let mut app = Process::start(command, "nothing: it is installed");
    let printed = || fs::read_to_string(desktop.out("app")).unwrap();
    until("the first paint", PATIENCE, || printed().contains("first-paint").then_some(()));
    app.signal(Signal::TERM);
    assert_eq!(app.ended(PATIENCE).code(), Some(0), "{}", printed());

    // What is people's own goes when they say so; purging takes what is the package's, and nothing else.
    root.dpkg(&["--purge", "latchkey-desktop"], &[]);
    assert!(desktop.secret_of("demo").is_some() && desktop.config_file().is_file());
    let _ = installed.latchkey(&["accounts", "remove", "demo", "--yes"]).ends(0);
    assert_eq!(desktop.secret_of("demo"), None);
    assert!(!desktop.path("runtime").join("agent.sock").exists());
    let journal = files_below(&desktop.path("state").join("journal"), "journal");
    assert!(journal.is_empty(), "{journal:?}");
    root.dpkg(&["--purge", "latchkey"], &[]);
    assert_eq!(root.files(), BTreeSet::new(), "this is left");
}

#[test]
fn both_kinds_of_packages_hold_the_same() {
    let (debian, other) = (Root::empty(), tempfile::tempdir().unwrap());
    debian.dpkg(&["-i"], &packages("newer", "deb"));
    for package in packages("newer", "rpm") {
        let script = "rpm2archive - < \"$1\" | tar -xzf - -C \"$2\"";
        told(Command::new("sh").args(["-c", script, "sh"]).arg(&package).arg(other.path()));
        let scripts = told(Command::new("rpm").args(["-qp", "--scripts"]).arg(&package));
        assert_eq!(scripts, "", "a package runs nothing when it is installed");
    }
    let zsh = |files: BTreeSet<String>, from: &str| -> BTreeSet<String> {
        files.into_iter().map(|path| path.replace(from, "zsh")).collect()
    };
    let ours = zsh(debian.files(), "zsh/vendor-completions");
    let theirs = zsh(files_below(&other.path().join("usr"), "usr"), "zsh/site-functions");
    assert_eq!(ours, theirs);
    for path in ours.iter().filter(|path| !path.contains("zsh")) {
        let read = |root: &Path| fs::read(root.join(path)).unwrap();
        assert!(read(debian.0.path()) == read(other.path()), "{path} differs");
    }
}
