//! The packages: installed into an empty root by dpkg and by rpm themselves, used from there, upgraded while people are signed in, and
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

/// Who installs packages.
#[derive(Clone, Copy)]
enum Installer {
    Dpkg,
    Rpm,
}

impl Installer {
    /// How its packages' names end.
    const fn ending(self) -> &'static str {
        match self {
            Self::Dpkg => "deb",
            Self::Rpm => "rpm",
        }
    }
}

/// A root with nothing in it but what the installer keeps its books in.
struct Root {
    folder: tempfile::TempDir,
    installer: Installer,
}

impl Root {
    fn empty(installer: Installer) -> Self {
        let root = Self { folder: tempfile::tempdir().unwrap(), installer };
        if matches!(installer, Installer::Dpkg) {
            for folder in ["info", "updates", "triggers"] {
                fs::create_dir_all(root.path("var/lib/dpkg").join(folder)).unwrap();
            }
            fs::write(root.path("var/lib/dpkg/status"), "").unwrap();
        }
        root
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The installer, for this root. The libraries that a package needs are not in it.
    fn command(&self) -> Command {
        let (name, is_root) =
            (if self.is_rpm() { "rpm" } else { "dpkg" }, rustix::process::geteuid().is_root());
        let mut command = if is_root {
            Command::new(name)
        } else {
            let mut command = Command::new("fakeroot");
            command.args(["--", name]);
            command
        };
        let folder = self.folder.path().display();
        match self.installer {
            Installer::Dpkg => {
                let root = format!("--root={folder}");
                command.args([&root, "--force-depends", "--force-bad-path", "--log=/dev/null"]);
            }
            Installer::Rpm if is_root => {
                command.args(["--root", &folder.to_string(), "--dbpath", "/var/lib/rpm"]);
            }
            // Only root may make another folder its root.
            Installer::Rpm => {
                command.args(["--dbpath", &format!("{folder}/var/lib/rpm")]);
            }
        }
        command.env("LC_ALL", "C");
        command
    }

    fn is_rpm(&self) -> bool {
        matches!(self.installer, Installer::Rpm)
    }

    /// Installs both packages of a version, or replaces those that are there; what the installer said.
    #[track_caller]
    fn install(&self, version: &str) -> String {
        let mut command = self.command();
        if self.is_rpm() {
            command.args(["-U", "--nodeps"]);
            if !rustix::process::geteuid().is_root() {
                command.args(["--badreloc", "--relocate", &format!("/usr={}", self.path("usr").display())]);
            }
        } else {
            command.arg("-i");
        }
        told(command.args(packages(version, self.installer.ending())))
    }

    /// What is not as it was packed.
    #[track_caller]
    fn differs(&self) -> String {
        let words: &[&str] =
            if self.is_rpm() { &["-Va", "--nodeps", "--nouser", "--nogroup"] } else { &["--verify"] };
        told(self.command().args(words))
    }

    /// Which versions are installed.
    #[track_caller]
    fn versions(&self) -> BTreeSet<String> {
        let told = if self.is_rpm() {
            told(self.command().args(["-qa", "--qf", "%{VERSION}\n"]))
        } else {
            let admin = format!("--admindir={}", self.path("var/lib/dpkg").display());
            told(Command::new("dpkg-query").args([&admin, "-W", "-f", "${Version}\n"]))
        };
        told.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn purge(&self, package: &str) {
        let words: &[&str] = if self.is_rpm() { &["-e", "--nodeps"] } else { &["--purge"] };
        told(self.command().args(words).arg(package));
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
    installed_used_upgraded_and_purged(Installer::Dpkg).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_rpm_packages_are_installed_used_upgraded_under_a_live_session_and_removed() {
    installed_used_upgraded_and_purged(Installer::Rpm).await;
}

async fn installed_used_upgraded_and_purged(by: Installer) {
    let root = Root::empty(by);
    root.install("older");
    is_complete(&root);
    assert_eq!(root.differs(), "", "what was installed is not what was packed");
    let older = root.versions();
    assert!(older.len() == 1 && older.iter().all(|version| version.contains("~before")), "{older:?}");

    // Used: somebody signs in, an agent serves other programs, and git finds its helper by its name.
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let backend = living(std::time::Duration::from_mins(5)).await;
    let installed = Installed { root: &root, desktop: &desktop };
    let port = backend.address().port().to_string();
    let _ =
        installed.latchkey(&["accounts", "add", "demo", "--devserver", "--devserver-port", &port]).ends(0);
    let words = ["sign-in", "demo", "--username", "demo", "--password-stdin"];
    let _ = installed.runs("latchkey", &words, "demo").ends(0);
    let version = installed.latchkey(&["--version"]).ends(0);
    assert!(version.stdout.starts_with("latchkey "), "{version:?}");
    let page =
        told(Command::new("gzip").arg("-dc").arg(root.path("usr/share/man/man1/latchkey-sign-in.1.gz")));
    assert!(page.contains("sign\\-in"), "{page}");
    let agent = installed.agent();
    let before = installed.latchkey(&["token", "demo"]).ends(0);
    let asked_for = "protocol=https\nhost=nobody.example\n\n";
    let helper = installed.runs("git-credential-latchkey", &["get"], asked_for).ends(0);
    assert_eq!(helper.stdout, "", "a stranger gets nothing");

    // Upgraded while the agent runs: it goes on, and the session with it.
    let inode = fs::metadata(root.path("usr/bin/latchkey")).unwrap().ino();
    let said = root.install("newer");
    assert!(!said.contains("downgrading"), "{said}");
    let newer = root.versions();
    assert!(newer.len() == 1 && newer.is_disjoint(&older), "{older:?} became {newer:?}");
    assert_eq!(root.differs(), "", "what was installed is not what was packed");
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
    root.purge("latchkey-desktop");
    assert!(desktop.secret_of("demo").is_some() && desktop.config_file().is_file());
    let _ = installed.latchkey(&["accounts", "remove", "demo", "--yes"]).ends(0);
    assert_eq!(desktop.secret_of("demo"), None);
    assert!(!desktop.path("runtime").join("agent.sock").exists());
    let journal = files_below(&desktop.path("state").join("journal"), "journal");
    assert!(journal.is_empty(), "{journal:?}");
    root.purge("latchkey");
    assert_eq!(root.files(), BTreeSet::new(), "this is left");
}

#[test]
fn both_kinds_of_packages_hold_the_same() {
    let (debian, other) = (Root::empty(Installer::Dpkg), tempfile::tempdir().unwrap());
    debian.install("newer");
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
        assert!(read(debian.folder.path()) == read(other.path()), "{path} differs");
    }
}
