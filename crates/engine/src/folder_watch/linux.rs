//! Changes of files as the kernel tells them (inotify(7)): folders are watched, since editors put a new file in the
//! place of the old one.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Folders that are watched as long as this lives.
pub(super) struct Watch(AsyncFd<OwnedFd>);

impl Watch {
    /// Begins to watch.
    // tokio's successor of `with_interest` is `unsafe`; see `clock/linux.rs`.
    #[allow(deprecated, reason = "sound for an `OwnedFd`, and the successor is `unsafe`")]
    pub(super) fn on(folders: &[PathBuf]) -> io::Result<Self> {
        let fd: OwnedFd = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let written = WatchFlags::CLOSE_WRITE | WatchFlags::CREATE | WatchFlags::DELETE;
        let moved = WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM;
        for folder in folders {
            add_watch(&fd, folder, written | moved | WatchFlags::ONLYDIR)?;
        }
        AsyncFd::with_interest(fd, Interest::READABLE).map(Self)
    }

    /// Waits until a file in one of them was written, put there or taken away. Which is not read: whoever waits looks
    /// for themselves.
    pub(super) async fn happens(&self) -> io::Result<()> {
        self.0.readable().await.map(drop)
    }
}
