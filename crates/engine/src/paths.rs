//! Where Latchkey keeps what on this machine.
//!
//! Configuration, state and run-time files follow the XDG base directories and their macOS and Windows
//! counterparts; three variables override them, so that a test or a second installation shares nothing.
//! **Invariant:** the folders are the user's alone (0700): state holds locks, runtime holds the socket.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// Overrides the folder of the configuration.
pub const CONFIG_DIR: &str = "LATCHKEY_CONFIG_DIR";
/// Overrides the folder of the state.
pub const STATE_DIR: &str = "LATCHKEY_STATE_DIR";
/// Overrides the folder of sockets and the like.
pub const RUNTIME_DIR: &str = "LATCHKEY_RUNTIME_DIR";

/// The three folders, and the files in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// What the person writes: `config.toml`.
    pub config_dir: PathBuf,
    /// What outlives a restart: locks, the log, the fingerprint key.
    pub state_dir: PathBuf,
    /// What does not outlive the login session: sockets.
    pub runtime_dir: PathBuf,
}

/// The folders the platform would choose. Without a runtime folder, `run` in the state folder is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// For configuration.
    pub config: PathBuf,
    /// For state.
    pub state: PathBuf,
    /// For sockets, where the platform has such a folder.
    pub runtime: Option<PathBuf>,
}

/// Why there is no folder to work in.
#[derive(Debug, thiserror::Error)]
pub enum PathsError {
    /// The platform does not say where the user's files go.
    #[error(
        "there is no home folder to keep files in: set HOME, or {CONFIG_DIR}, {STATE_DIR} and {RUNTIME_DIR} together"
    )]
    NoHome,
    /// An override that would mean another folder in every working directory.
    #[error("{variable} is not an absolute path: start it at the root, or unset it")]
    Relative {
        /// The variable.
        variable: &'static str,
    },
    /// A folder cannot be made.
    #[error(
        "the folder {} cannot be created: {source}; make it yourself so that you can write to it, or choose \
         another with {variable}", path.display()
    )]
    Create {
        /// The folder.
        path: PathBuf,
        /// What would move it.
        variable: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Something else stands in its place.
    #[error("{} is no folder: move it out of the way, or choose another with {variable}", path.display())]
    NoFolder {
        /// What stands there.
        path: PathBuf,
        /// What would move it.
        variable: &'static str,
    },
    /// Others may write to it, and with that replace what is in it.
    #[error("others may write to the folder {}: run `chmod go-w` on it, or choose another with {variable}", path.display())]
    Shared {
        /// The folder.
        path: PathBuf,
        /// What would move it.
        variable: &'static str,
    },
}

impl Paths {
    /// The folders of this process.
    pub fn from_env() -> Result<Self, PathsError> {
        Self::resolve(|variable| std::env::var_os(variable), Platform::of_this_machine())
    }

    /// The folders that follow from variables and the platform's own choice. An empty variable counts as unset.
    pub fn resolve(
        lookup: impl Fn(&str) -> Option<OsString>,
        platform: Option<Platform>,
    ) -> Result<Self, PathsError> {
        let chosen = |variable: &'static str| match lookup(variable).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) if Path::new(&value).is_absolute() => Ok(Some(PathBuf::from(value))),
            Some(_) => Err(PathsError::Relative { variable }),
        };
        let (config, state, runtime) = match platform {
            Some(platform) => (Some(platform.config), Some(platform.state), platform.runtime),
            None => (None, None, None),
        };
        let state_dir = chosen(STATE_DIR)?.or(state).ok_or(PathsError::NoHome)?;
        Ok(Self {
            config_dir: chosen(CONFIG_DIR)?.or(config).ok_or(PathsError::NoHome)?,
            runtime_dir: chosen(RUNTIME_DIR)?.or(runtime).unwrap_or_else(|| state_dir.join("run")),
            state_dir,
        })
    }

    /// Makes the folders that are missing, for this user alone.
    pub fn ensure(&self) -> Result<(), PathsError> {
        let folders = [
            (&self.config_dir, CONFIG_DIR),
            (&self.state_dir, STATE_DIR),
            (&self.locks_dir(), STATE_DIR),
            (&self.log_dir(), STATE_DIR),
            (&self.runtime_dir, RUNTIME_DIR),
        ];
        for (path, variable) in folders {
            let path = path.clone();
            match create_private_dir(&path) {
                Ok(()) => {}
                Err(_) if path.exists() && !path.is_dir() => {
                    return Err(PathsError::NoFolder { path, variable });
                }
                Err(source) => return Err(PathsError::Create { path, variable, source }),
            }
            if fs::metadata(&path).is_ok_and(|found| shared(&found)) {
                return Err(PathsError::Shared { path, variable });
            }
        }
        Ok(())
    }

    /// The accounts, as the person wrote them.
    pub fn config_file(&self) -> PathBuf {
        self.config_dir.join("config.toml")
    }

    /// The lock files. In the state folder: all processes that share a vault must meet at the same files,
    /// and a login over SSH may have another runtime folder than the desktop.
    pub fn locks_dir(&self) -> PathBuf {
        self.state_dir.join("locks")
    }

    /// Where lock files stand as well, so that processes meet although the state folder cannot be used.
    pub fn second_locks_dir(&self) -> PathBuf {
        self.runtime_dir.join("locks")
    }

    /// What was sent to a provider and not yet answered.
    pub fn journal_dir(&self) -> PathBuf {
        self.state_dir.join("journal")
    }

    /// The folder of the event log.
    pub fn log_dir(&self) -> PathBuf {
        self.state_dir.join("log")
    }

    /// The event log's current file.
    pub fn events_file(&self) -> PathBuf {
        self.log_dir().join("events.jsonl")
    }

    /// The key under which tokens are fingerprinted.
    pub fn fingerprint_key_file(&self) -> PathBuf {
        self.state_dir.join("fingerprint.key")
    }

    /// What was decided for good about programs that take tokens.
    pub fn consents_file(&self) -> PathBuf {
        self.state_dir.join("consents.json")
    }

    /// The folder of the sealed files.
    pub fn vault_dir(&self) -> PathBuf {
        self.state_dir.join("vault")
    }

    /// Where processes leave marks when they change what the vault holds.
    pub fn vault_changes_dir(&self) -> PathBuf {
        self.state_dir.join("changes")
    }

    /// What the embedded dev server remembers between runs.
    pub fn devserver_state_file(&self) -> PathBuf {
        self.state_dir.join("devserver.json")
    }
}

impl Platform {
    /// What the platform would choose; `None` where the user has no home folder.
    pub fn of_this_machine() -> Option<Self> {
        let dirs = ProjectDirs::from("", "", "latchkey")?;
        Some(Self {
            config: dirs.config_dir().to_path_buf(),
            state: dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_path_buf(),
            runtime: dirs.runtime_dir().map(Path::to_path_buf),
        })
    }
}

/// Makes a folder and those above it, for this user alone. One that is there is left as it is.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    private_dir().recursive(true).create(path)
}

/// The same where what it lies in is there.
pub(crate) fn create_private_dir_in(path: &Path) -> io::Result<()> {
    match private_dir().create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn private_dir() -> DirBuilder {
    #[cfg_attr(not(unix), allow(unused_mut, reason = "elsewhere a folder has no mode"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Options to make a file that nobody else may read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Whether the group or others may write to it.
#[cfg(unix)]
pub(crate) fn shared(found: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o022 != 0
}

/// Elsewhere the profile folder's access list keeps others out.
#[cfg(not(unix))]
pub(crate) fn shared(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_overrides_the_platforms_folders_are_taken() {
        let paths = Paths::resolve(|_| None, Some(platform())).unwrap();
        assert_eq!(paths.config_file(), Path::new("/home/u/.config/latchkey/config.toml"));
        assert_eq!(paths.events_file(), Path::new("/home/u/.local/state/latchkey/log/events.jsonl"));
        assert_eq!(paths.runtime_dir, Path::new("/run/user/1000/latchkey"));
    }

    #[test]
    fn without_a_runtime_folder_the_state_folder_has_one_wherever_it_is() {
        let bare = Platform { runtime: None, ..platform() };
        let paths = Paths::resolve(|_| None, Some(bare.clone())).unwrap();
        assert_eq!(paths.runtime_dir, Path::new("/home/u/.local/state/latchkey/run"));
        let moved = Paths::resolve(set(&[(STATE_DIR, "/srv/state")]), Some(bare)).unwrap();
        assert_eq!(moved.runtime_dir, Path::new("/srv/state/run"));
        assert_eq!(moved.locks_dir(), Path::new("/srv/state/locks"));
    }

    #[test]
    fn overrides_win_and_make_do_without_a_home() {
        let all = [(CONFIG_DIR, "/c"), (STATE_DIR, "/s"), (RUNTIME_DIR, "/r")];
        let paths = Paths::resolve(set(&all), None).unwrap();
        assert_eq!(
            paths,
            Paths { config_dir: "/c".into(), state_dir: "/s".into(), runtime_dir: "/r".into() }
        );
        assert!(matches!(Paths::resolve(set(&all[..1]), None), Err(PathsError::NoHome)));
    }

    #[test]
    fn an_empty_override_counts_as_unset_and_a_relative_one_is_refused() {
        let paths = Paths::resolve(set(&[(CONFIG_DIR, "")]), Some(platform())).unwrap();
        assert_eq!(paths.config_dir, Path::new("/home/u/.config/latchkey"));
        let error = Paths::resolve(set(&[(STATE_DIR, "state")]), Some(platform())).unwrap_err();
        insta::assert_snapshot!(error, @"LATCHKEY_STATE_DIR is not an absolute path: start it at the root, or unset it");
    }

    #[cfg(unix)]
    #[test]
    fn folders_are_made_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let paths = under(root.path());
        paths.ensure().unwrap();
        paths.ensure().unwrap();
        for made in
            [&paths.config_dir, &paths.state_dir, &paths.log_dir(), &paths.locks_dir(), &paths.runtime_dir]
        {
            assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700, "{}", made.display());
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_a_folder_of_ours_is_named_with_a_way_out() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let paths = under(root.path());
        fs::write(&paths.state_dir, "").unwrap();
        let said = |error: PathsError| error.to_string().replace(root.path().to_str().unwrap(), "<root>");
        insta::assert_snapshot!(said(paths.ensure().unwrap_err()),
            @"<root>/state is no folder: move it out of the way, or choose another with LATCHKEY_STATE_DIR");
        fs::remove_file(&paths.state_dir).unwrap();
        fs::create_dir(&paths.state_dir).unwrap();
        fs::set_permissions(&paths.state_dir, fs::Permissions::from_mode(0o777)).unwrap();
        insta::assert_snapshot!(said(paths.ensure().unwrap_err()),
            @"others may write to the folder <root>/state: run `chmod go-w` on it, or choose another with LATCHKEY_STATE_DIR");
        let under_a_file = Paths { config_dir: root.path().join("file/config"), ..under(root.path()) };
        fs::write(root.path().join("file"), "").unwrap();
        insta::assert_snapshot!(said(under_a_file.ensure().unwrap_err()),
            @"the folder <root>/file/config cannot be created: Not a directory (os error 20); make it yourself so that you can write to it, or choose another with LATCHKEY_CONFIG_DIR");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_folders_named_after_the_application() {
        if let Some(platform) = Platform::of_this_machine() {
            assert!(platform.config.ends_with("latchkey") && platform.state.ends_with("latchkey"));
        }
    }

    fn platform() -> Platform {
        Platform {
            config: "/home/u/.config/latchkey".into(),
            state: "/home/u/.local/state/latchkey".into(),
            runtime: Some("/run/user/1000/latchkey".into()),
        }
    }

    fn set(variables: &[(&'static str, &'static str)]) -> impl Fn(&str) -> Option<OsString> {
        move |asked| variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| OsString::from(value))
    }

    #[cfg(unix)]
    fn under(root: &Path) -> Paths {
        let dir = |name| root.join(name);
        Paths { config_dir: dir("config"), state_dir: dir("state"), runtime_dir: dir("run") }
    }
}
