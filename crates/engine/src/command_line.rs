//! Programs that the configuration names: how they are found, with what environment they run, and what is odd about them.
//!
//! A program gets what it needs to find its way (`PATH`, `HOME`, the desktop's bus) and nothing else that happens to be in
//! our environment: a passphrase or a key of another program is none of its business.

use std::env;
use std::fmt;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::process::Command;

use latchkey_core::text::harmless;

use crate::paths;

/// The variables that a program is given, where they are set here.
const PASSED_ON: [&str; 34] = [
    "APPDATA",
    "ComSpec",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "HOME",
    "HOMEDRIVE",
    "HOMEPATH",
    "LANG",
    "LATCHKEY_CONFIG_DIR",
    "LATCHKEY_RUNTIME_DIR",
    "LATCHKEY_STATE_DIR",
    "LATCHKEY_VAULT",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LOCALAPPDATA",
    "LOGNAME",
    "PATH",
    "PATHEXT",
    "SHELL",
    "SystemRoot",
    "TEMP",
    "TMP",
    "TMPDIR",
    "TZ",
    "USER",
    "USERPROFILE",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_CONFIG_HOME",
    "XDG_CURRENT_DESKTOP",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// A program with its arguments. No shell reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    program: String,
    arguments: Vec<String>,
}

/// Words that are no command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCommandLine {
    /// There is no word.
    #[error("it names no program")]
    Empty,
    /// The program is a path that depends on where Latchkey was started.
    #[error("the program's path is neither absolute nor a bare name")]
    Relative,
    /// A word holds a NUL, which no program can be given.
    #[error("a word holds a NUL character")]
    Nul,
}

/// What is odd about a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramFlaw {
    /// It is not there, or not in `PATH`.
    NotFound,
    /// It is there, and not for this user to run.
    NotExecutable(PathBuf),
    /// Another user may change what it does: the file or its folder is writable by others, or is theirs.
    OthersMayChange(PathBuf),
}

impl CommandLine {
    /// Takes the words of a command line, the program first.
    ///
    /// # Errors
    /// [`NoCommandLine`].
    pub fn new(words: &[String]) -> Result<Self, NoCommandLine> {
        let (program, arguments) = words.split_first().ok_or(NoCommandLine::Empty)?;
        if program.is_empty() {
            return Err(NoCommandLine::Empty);
        }
        if words.iter().any(|word| word.contains('\0')) {
            return Err(NoCommandLine::Nul);
        }
        if !Path::new(program).is_absolute() && !is_bare(program) {
            return Err(NoCommandLine::Relative);
        }
        Ok(Self { program: program.clone(), arguments: arguments.to_vec() })
    }

    /// All its words.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.program).chain(&self.arguments).map(String::as_str)
    }

    /// The program, to be started with an environment in which there is nothing but what it needs.
    pub fn command(&self) -> Command {
        // Found here, since the search would go by the new environment on some platforms and by ours on others.
        let program = self.found().unwrap_or_else(|| PathBuf::from(&self.program));
        let mut command = Command::new(program);
        command.args(&self.arguments).env_clear();
        command.envs(PASSED_ON.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        command
    }

    /// What is odd about it as it is on this machine now, if anything.
    pub fn flaw(&self) -> Option<ProgramFlaw> {
        let Some(path) = self.found() else { return Some(ProgramFlaw::NotFound) };
        let Ok(found) = fs::metadata(&path) else { return Some(ProgramFlaw::NotFound) };
        if !is_executable(&found) {
            return Some(ProgramFlaw::NotExecutable(path));
        }
        let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        let folder = real.parent().and_then(|folder| fs::metadata(folder).ok());
        let odd = is_of_others(&found) || folder.is_some_and(|folder| is_of_others(&folder));
        odd.then_some(ProgramFlaw::OthersMayChange(path))
    }

    /// Where it is. A bare name is looked for in `PATH`.
    fn found(&self) -> Option<PathBuf> {
        let named = Path::new(&self.program);
        if named.is_absolute() {
            return named.is_file().then(|| named.to_path_buf());
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let mut there = env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(with_ending(&self.program)))
            .filter(|candidate| candidate.is_file());
        let first = there.next()?;
        let runs = |file: &PathBuf| fs::metadata(file).is_ok_and(|found| is_executable(&found));
        if runs(&first) { Some(first) } else { there.find(runs).or(Some(first)) }
    }
}

impl fmt::Display for CommandLine {
    /// Its program, fit for a line of text. Arguments may hold what is not for the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&harmless(&self.program))
    }
}

impl fmt::Display for ProgramFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &Path| harmless(&path.display().to_string());
        match self {
            Self::NotFound => f.write_str("there is no such program on this machine"),
            Self::NotExecutable(path) => {
                write!(f, "{} is not executable: `chmod u+x` makes it so", shown(path))
            }
            Self::OthersMayChange(path) => write!(
                f,
                "others may change {} or its folder, and with it what runs in your name: `chmod go-w` keeps them out",
                shown(path)
            ),
        }
    }
}

fn is_bare(program: &str) -> bool {
    !program.contains(['/', '\\'])
}

fn with_ending(program: &str) -> String {
    if cfg!(windows) && Path::new(program).extension().is_none() {
        format!("{program}.exe")
    } else {
        program.to_owned()
    }
}

#[cfg(unix)]
fn is_executable(found: &Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    true
}

/// Whether somebody else than this user and the system may write to it. A folder in which everybody may only take away
/// their own (`/tmp`) still lets others put a file of that name there first.
fn is_of_others(found: &Metadata) -> bool {
    #[cfg(unix)]
    let theirs = {
        use std::os::unix::fs::MetadataExt as _;
        found.uid() != 0 && found.uid() != rustix::process::getuid().as_raw()
    };
    #[cfg(not(unix))]
    let theirs = false;
    theirs || paths::shared(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Result<CommandLine, NoCommandLine> {
        CommandLine::new(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_program_is_a_whole_path_or_a_bare_name() {
        assert_eq!(line(&[]), Err(NoCommandLine::Empty));
        assert_eq!(line(&["", "x"]), Err(NoCommandLine::Empty));
        assert_eq!(line(&["./hook"]), Err(NoCommandLine::Relative));
        assert_eq!(line(&["bin/hook"]), Err(NoCommandLine::Relative));
        assert_eq!(line(&["hook", "a\0b"]), Err(NoCommandLine::Nul));
        assert!(line(&["hook", "./x"]).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_odd_about_a_program_is_told() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hook");
        let hook = line(&[file.to_str().unwrap()]).unwrap();
        assert_eq!(hook.flaw(), Some(ProgramFlaw::NotFound));
        fs::write(&file, "#!/bin/sh\n").unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(&file, 0o600);
        assert_eq!(hook.flaw(), Some(ProgramFlaw::NotExecutable(file.clone())));
        mode(&file, 0o700);
        assert_eq!(hook.flaw(), None);
        mode(&file, 0o702);
        assert_eq!(hook.flaw(), Some(ProgramFlaw::OthersMayChange(file.clone())));
        mode(&file, 0o700);
        mode(dir.path(), 0o777);
        assert_eq!(hook.flaw(), Some(ProgramFlaw::OthersMayChange(file)));
        assert_eq!(line(&["no-program-of-this-name"]).unwrap().flaw(), Some(ProgramFlaw::NotFound));
        assert_eq!(line(&["sh"]).unwrap().flaw(), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_program_sees_nothing_of_our_environment_but_what_it_needs() {
        let mut command = line(&["env"]).unwrap().command();
        let out = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let names: Vec<_> = out.lines().filter_map(|one| one.split_once('=')).map(|(name, _)| name).collect();
        assert!(names.contains(&"PATH"));
        // The test's own environment has many of cargo's.
        assert!(env::var_os("CARGO_MANIFEST_DIR").is_some());
        assert!(names.iter().all(|name| PASSED_ON.contains(name)), "{names:?}");
    }
}
