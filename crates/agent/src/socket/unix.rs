//! Unix sockets: a folder of the user's own (0700), a socket in it (0600), and the peer's user id from the kernel.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit};

pub use self::peer::{Peer, Pid, stat_of};
use super::{FILE, LOCK, LONGEST_PATH, SocketError};

mod peer;

/// What serves: the socket, and the lock of whoever made it, as long as this lives.
#[derive(Debug)]
pub struct Held {
    /// Where callers connect.
    pub listener: UnixListener,
    /// Its path.
    pub path: PathBuf,
    /// What was made here; nothing where somebody else made the socket and keeps it: systemd, which connects callers while
    /// nobody serves.
    made: Option<Place>,
    _lock: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Whatever else stands there now is somebody's who does not ask for the lock: systemd puts the socket of a unit that
        // is started in the place of the one it finds.
        if self.made.is_some() && Place::of(&self.path).ok() == self.made {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What tells a file from another that takes its name: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place(u64, u64);

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        fs::symlink_metadata(path).map(|found| Self(found.dev(), found.ino()))
    }
}

/// Takes the socket in this folder: one process at a time, and what a dead one left behind is replaced. A socket that
/// systemd passes on is taken as it is (sd_listen_fds(3)), if it is the one in this folder; one that it keeps for another
/// process stays.
///
/// # Errors
/// [`SocketError`]; nothing is changed when another agent serves.
pub fn hold(folder: &Path) -> Result<Held, SocketError> {
    hold_with(folder, |lock, path| match lock.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(SocketError::Taken { pid: holder(lock) }),
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
    take: impl FnOnce(&mut File, &Path) -> Result<(), SocketError>,
) -> Result<Held, SocketError> {
    let path = socket_in(folder)?;
    let io = |source| SocketError::Io { path: path.clone(), source };
    make_room();
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(folder.join(LOCK))
        .map_err(io)?;
    if let Some(listener) = passed_on().map_err(io)? {
        if listener.local_addr().map_err(io)?.as_pathname() != Some(&path) {
            return Err(SocketError::Elsewhere(path));
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(io)?;
        // Whoever has the lock served a socket that this one took the place of: callers come here now.
        if lock.try_lock().is_ok() {
            write_holder(&mut lock).map_err(io)?;
        }
        return Ok(Held { listener, path: path.clone(), made: None, _lock: lock });
    }
    take(&mut lock, &path)?;
    match fs::symlink_metadata(&path) {
        Ok(found) if found.file_type().is_socket() && found.uid() == geteuid().as_raw() => {
            if is_kept(&path) {
                return Err(SocketError::Kept(path));
            }
            // Left by a process that is gone.
            fs::remove_file(&path).map_err(io)?;
        }
        Ok(_) => return Err(SocketError::InTheWay(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(io(source)),
    }
    let listener = UnixListener::bind(&path).map_err(io)?;
    // The folder keeps others out from the first moment on; this is the second door.
    fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(io)?;
    write_holder(&mut lock).map_err(io)?;
    let made = Some(Place::of(&path).map_err(io)?);
    Ok(Held { listener, path: path.clone(), made, _lock: lock })
}

/// How often it is looked whether a socket is kept, and how long between: what died gives its lock back a moment before
/// its socket.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Whether a process without the lock has the socket open, as systemd has that of a unit nobody asked for yet.
#[expect(clippy::disallowed_methods, reason = "another process is waited for, 80 ms at most")]
fn is_kept(path: &Path) -> bool {
    (0..LOOKS).all(|look| {
        if look > 0 {
            std::thread::sleep(BETWEEN_LOOKS);
        }
        is_open(path)
    })
}

/// Whether any process has it open. Looked at with a socket of another type: it is refused for that where one is open
/// (unix(7), `EPROTOTYPE`), which wakes nobody up, and for want of one where none is.
fn is_open(path: &Path) -> bool {
    let gone = [io::ErrorKind::ConnectionRefused, io::ErrorKind::NotFound];
    let looked = UnixDatagram::unbound().and_then(|probe| probe.connect(path));
    looked.map_or_else(|error| !gone.contains(&error.kind()), |()| true)
}

/// Takes as many open files as the system gives: an account has a timer and a connection two descriptors, and the
/// usual limit of 1024 is for programs that know no better way to wait than select(2).
fn make_room() {
    let limit = getrlimit(Resource::Nofile);
    // What is not given is done without: a timer then becomes a look at the clock now and then.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// The socket that was passed on to this process, if one was.
#[cfg(feature = "server")]
fn passed_on() -> io::Result<Option<UnixListener>> {
    // It looks whether the variables are meant for this process; that there are none is no error.
    listenfd::ListenFd::from_env().take_unix_listener(0)
}

/// Who does not serve is passed nothing.
#[cfg(not(feature = "server"))]
fn passed_on() -> io::Result<Option<UnixListener>> {
    Ok(None)
}

/// Connects to the agent of this user.
///
/// # Errors
/// [`SocketError::Nobody`] when none listens, [`SocketError::Foreign`] when another user's process does,
/// [`SocketError::Stopped`] when the one that does cannot answer.
pub fn connect(folder: &Path) -> Result<UnixStream, SocketError> {
    let path = socket_in(folder)?;
    let stream = UnixStream::connect(&path).map_err(|source| {
        let nobody = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused].contains(&source.kind());
        let path = path.clone();
        if nobody { SocketError::Nobody(path) } else { SocketError::Io { path, source } }
    })?;
    let peer = Peer::of(&stream).map_err(|source| SocketError::Io { path: path.clone(), source })?;
    if !peer.is_us() {
        return Err(SocketError::Foreign(path));
    }
    match peer.pid.filter(|_| peer.is_stopped()) {
        Some(pid) => Err(SocketError::Stopped { pid }),
        None => Ok(stream),
    }
}

/// The socket's path, once its folder is known to be this user's alone: whoever can write to the folder could
/// put another socket in its place.
fn socket_in(folder: &Path) -> Result<PathBuf, SocketError> {
    let path = folder.join(FILE);
    if path.as_os_str().len() > LONGEST_PATH {
        return Err(SocketError::TooLong(path));
    }
    match fs::symlink_metadata(folder) {
        Ok(found) => {
            let ours =
                found.is_dir() && found.uid() == geteuid().as_raw() && found.mode().trailing_zeros() >= 6;
            if ours { Ok(path) } else { Err(SocketError::Folder(folder.to_owned())) }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SocketError::Nobody(path)),
        Err(source) => Err(SocketError::Io { path: folder.to_owned(), source }),
    }
}

fn holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_holder(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        folder
    }

    #[test]
    fn the_socket_is_the_users_alone() {
        let folder = folder();
        let held = hold(folder.path()).unwrap();
        assert_eq!(fs::metadata(&held.path).unwrap().mode() & 0o777, 0o600);
        assert!(connect(folder.path()).is_ok());
    }

    #[test]
    fn a_second_agent_is_told_who_serves() {
        let folder = folder();
        let _held = hold(folder.path()).unwrap();
        let second = hold(folder.path()).unwrap_err();
        let ours = std::process::id();
        assert!(matches!(second, SocketError::Taken { pid: Some(pid) } if pid == ours), "{second}");
        assert!(connect(folder.path()).is_ok(), "the first one still serves");
    }

    #[test]
    fn what_a_dead_agent_left_is_replaced() {
        let folder = folder();
        let left = UnixListener::bind(folder.path().join(FILE)).unwrap();
        drop(left);
        assert!(matches!(connect(folder.path()), Err(SocketError::Nobody(_))));
        let held = hold(folder.path()).unwrap();
        assert!(connect(folder.path()).is_ok());
        drop(held);
        assert!(!folder.path().join(FILE).exists());
        assert!(hold(folder.path()).is_ok());
    }

    #[test]
    fn a_socket_that_another_process_keeps_is_left_to_it_and_nobody_is_woken() {
        let folder = folder();
        let path = folder.path().join(FILE);
        let kept = UnixListener::bind(&path).unwrap();
        kept.set_nonblocking(true).unwrap();
        assert!(matches!(hold(folder.path()), Err(SocketError::Kept(at)) if at == path));
        assert_eq!(kept.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "somebody connected");
        assert!(connect(folder.path()).is_ok());
        drop(kept);
        assert!(hold(folder.path()).is_ok());
    }

    /// As systemd does when latchkey.socket is started while somebody serves.
    #[test]
    fn a_socket_that_took_the_place_of_ours_is_left_there() {
        let folder = folder();
        let held = hold(folder.path()).unwrap();
        fs::remove_file(&held.path).unwrap();
        let others = UnixListener::bind(&held.path).unwrap();
        drop(held);
        assert!(connect(folder.path()).is_ok());
        drop(others);
    }

    #[test]
    fn whoever_waits_serves_as_soon_as_the_one_before_has_ended() {
        let folder = folder();
        let first = hold(folder.path()).unwrap();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| hold_next(folder.path()));
            drop(first);
            let next = next.join().unwrap().unwrap();
            assert!(matches!(hold(folder.path()), Err(SocketError::Taken { .. })));
            assert!(connect(folder.path()).is_ok());
            drop(next);
        });
    }

    #[test]
    fn a_folder_that_others_can_enter_a_link_and_a_file_in_the_way_are_refused() {
        let open = folder();
        fs::set_permissions(open.path(), Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(hold(open.path()), Err(SocketError::Folder(_))));
        assert!(matches!(connect(open.path()), Err(SocketError::Folder(_))));
        let (real, around) = (folder(), folder());
        let link = around.path().join("link");
        std::os::unix::fs::symlink(real.path(), &link).unwrap();
        assert!(matches!(hold(&link), Err(SocketError::Folder(_))));
        let file = around.path().join("file");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o700)).unwrap();
        assert!(matches!(connect(&file), Err(SocketError::Folder(_))));
        let missing = around.path().join("missing");
        assert!(matches!(connect(&missing), Err(SocketError::Nobody(_))));
        assert!(matches!(connect(&file.join("inside")), Err(SocketError::Io { .. })));
        let taken = folder();
        fs::write(taken.path().join(FILE), "mine").unwrap();
        assert!(matches!(hold(taken.path()), Err(SocketError::InTheWay(_))));
        assert_eq!(fs::read(taken.path().join(FILE)).unwrap(), b"mine", "it is left alone");
    }

    /// As root can make one. Elsewhere the folder's mode is all there is to try.
    #[test]
    fn a_folder_of_another_user_is_refused() {
        let folder = folder();
        if geteuid().is_root() {
            std::os::unix::fs::chown(folder.path(), Some(65_534), None).unwrap();
            assert!(matches!(connect(folder.path()), Err(SocketError::Folder(_))));
        }
    }

    #[test]
    fn who_serves_takes_as_many_open_files_as_the_system_gives() {
        let given = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current: Some(256), maximum: given }).unwrap();
        let folder = folder();
        let _held = hold(folder.path()).unwrap();
        assert_eq!(getrlimit(Resource::Nofile).current, given);
    }

    #[test]
    fn a_path_no_socket_can_have_is_told() {
        let long = Path::new("/").join("a".repeat(LONGEST_PATH));
        assert!(matches!(hold(&long), Err(SocketError::TooLong(_))));
        let longest = Path::new("/").join("a".repeat(LONGEST_PATH - FILE.len() - 2));
        assert!(matches!(connect(&longest), Err(SocketError::Nobody(_))));
    }
}
