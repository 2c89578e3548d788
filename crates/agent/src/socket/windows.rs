//! A named pipe that only this user may open, from this machine alone. Each end looks at who is at the other.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::windows::io::{AsHandle, OwnedHandle};
use std::path::{Path, PathBuf};

use latchkey_windows::pipe::{self, Stream};
use latchkey_windows::process::Process;
use latchkey_windows::user::User;

use super::{LOCK, SocketError};

/// What the names of pipes begin with.
const PREFIX: &str = r"\\.\pipe\latchkey";
/// The longest name a pipe can have, with its prefix (`CreateNamedPipeW`).
const LONGEST_NAME: usize = 256;

/// What serves: the pipe, and the right to serve it as long as this lives.
#[derive(Debug)]
pub struct Held {
    /// The first instance, until it is waited on.
    pub first: Option<OwnedHandle>,
    /// What the pipe is called.
    pub name: String,
    /// The same as a path.
    pub path: PathBuf,
    _lock: File,
}

/// The number of a process.
pub type Pid = u32;

/// Who connected.
#[derive(Debug)]
pub struct Peer {
    /// The process; `None` where it may not be looked at.
    pub process: Option<Process>,
    /// Its number.
    pub pid: Option<Pid>,
    user: Option<User>,
}

impl Peer {
    /// The process at the asking end of an instance of the pipe.
    pub fn of(stream: &impl AsHandle) -> io::Result<Self> {
        let pid = pipe::client_pid(stream)?;
        let process = Process::open(pid).ok();
        let user = process.as_ref().and_then(|process| User::of(process).ok());
        Ok(Self { process, pid: Some(pid), user })
    }

    /// Whether it belongs to the user of this process. One that may not be looked at does not: it has more rights
    /// than this one, or is gone.
    pub fn is_us(&self) -> bool {
        self.user.is_some() && self.user == User::current().ok()
    }

    /// The user, for the log.
    pub fn user(&self) -> &str {
        self.user.as_ref().map_or("unknown", User::id)
    }
}

/// Takes the pipe that belongs to this folder: one process at a time. It is gone with the process.
///
/// # Errors
/// [`SocketError`]; nothing is changed when another agent serves.
pub fn hold(folder: &Path) -> Result<Held, SocketError> {
    hold_with(folder, |lock, path| match lock.try_lock() {
        Ok(()) => Ok(()),
        // What a file says cannot be read while it is locked; the pipe tells whose it is.
        Err(TryLockError::WouldBlock) => {
            Err(SocketError::Taken { pid: connect(folder).ok().and_then(|theirs| theirs.server_pid().ok()) })
        }
        Err(TryLockError::Error(source)) => Err(SocketError::Io { path: path.to_owned(), source }),
    })
}

/// The same, once nobody else serves. Blocks for as long as somebody does.
///
/// # Errors
/// As [`hold`].
pub fn hold_next(folder: &Path) -> Result<Held, SocketError> {
    hold_with(folder, |lock, path| {
        lock.lock().map_err(|source| SocketError::Io { path: path.to_owned(), source })
    })
}

fn hold_with(
    folder: &Path,
    take: impl FnOnce(&File, &Path) -> Result<(), SocketError>,
) -> Result<Held, SocketError> {
    let name = name_for(folder)?;
    let path = PathBuf::from(&name);
    let io = |source| SocketError::Io { path: path.clone(), source };
    let lock =
        OpenOptions::new().write(true).create(true).truncate(false).open(folder.join(LOCK)).map_err(io)?;
    take(&lock, &path)?;
    // Whoever has made a pipe of this name all the same is no agent of this user.
    let first = pipe::create(&name, true).map_err(|source| {
        let taken = source.kind() == io::ErrorKind::PermissionDenied;
        if taken { SocketError::Foreign(path.clone()) } else { io(source) }
    })?;
    Ok(Held { first: Some(first), name, path, _lock: lock })
}

/// Connects to the agent of this user.
///
/// # Errors
/// [`SocketError::Nobody`] when none listens, [`SocketError::Foreign`] when another user's process does.
pub fn connect(folder: &Path) -> Result<Stream, SocketError> {
    let name = name_for(folder)?;
    let stream = Stream::connect(&name).map_err(|source| {
        let path = PathBuf::from(&name);
        if source.kind() == io::ErrorKind::NotFound {
            SocketError::Nobody(path)
        } else if source.kind() == io::ErrorKind::PermissionDenied {
            // Ours lets us in.
            SocketError::Foreign(path)
        } else {
            SocketError::Io { path, source }
        }
    })?;
    // Whoever made the pipe owns it; the serving process itself may have more rights than this one, and could not be
    // looked at then.
    let io = |source| SocketError::Io { path: PathBuf::from(&name), source };
    if User::owning(&stream).map_err(io)? == User::current().map_err(io)? {
        Ok(stream)
    } else {
        Err(SocketError::Foreign(name.into()))
    }
}

/// The pipe's name: the folder's full path, with a dash for whatever a name should not have in it. So each user, and each
/// world of folders, has another one.
fn name_for(folder: &Path) -> Result<String, SocketError> {
    let full = fs::canonicalize(folder).map_err(|source| {
        let path = folder.to_owned();
        let missing = source.kind() == io::ErrorKind::NotFound;
        if missing { SocketError::Nobody(path) } else { SocketError::Io { path, source } }
    })?;
    if !full.is_dir() {
        return Err(SocketError::Folder(folder.to_owned()));
    }
    let full = full.to_string_lossy();
    let plain =
        |letter: char| if letter.is_alphanumeric() || matches!(letter, '.' | '_') { letter } else { '-' };
    let name: String = full.strip_prefix(r"\\?\").unwrap_or(&full).chars().map(plain).collect();
    let name = format!("{PREFIX}-{name}");
    if name.encode_utf16().count() > LONGEST_NAME { Err(SocketError::TooLong(name.into())) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_agent_is_told_who_serves() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(connect(folder.path()), Err(SocketError::Nobody(_))));
        let held = hold(folder.path()).unwrap();
        let second = hold(folder.path()).unwrap_err();
        let ours = std::process::id();
        assert!(matches!(second, SocketError::Taken { pid: Some(pid) } if pid == ours), "{second}");
        drop(held);
        assert!(hold(folder.path()).is_ok());
    }

    #[test]
    fn the_kernel_says_who_connects() {
        let folder = tempfile::tempdir().unwrap();
        let held = hold(folder.path()).unwrap();
        let _client = connect(folder.path()).unwrap();
        let peer = Peer::of(held.first.as_ref().unwrap()).unwrap();
        assert!(peer.is_us(), "{peer:?}");
        assert_eq!(peer.pid, Some(std::process::id()));
    }
}
