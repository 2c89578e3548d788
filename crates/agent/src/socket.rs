//! Where the socket is, and who may stand at either end of it.

#[cfg(unix)]
mod unix;

#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

use std::path::PathBuf;

/// The socket's file name in the runtime folder.
pub const FILE: &str = "agent.sock";
/// Held by the process that serves the socket. The operating system gives it back when that process dies.
pub const LOCK: &str = "agent.lock";
/// The longest path a socket can have (`sun_path` less its closing zero; macOS has four fewer than Linux).
pub const LONGEST_PATH: usize = 103;

/// Why the socket is not to be used.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another process serves it.
    #[error(
        "another agent, or the window, serves this user already{}; it keeps every account signed in, and this one can start \
        when it has ended",
        .pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
    )]
    Taken {
        /// That process, where it says.
        pid: Option<u32>,
    },
    /// The folder is not this user's alone.
    #[error(
        "{} is not a folder of this user alone: make it yours with mode 0700, or choose another with LATCHKEY_RUNTIME_DIR",
        .0.display()
    )]
    Folder(PathBuf),
    /// A socket's path has a limit.
    #[error("the path {} is too long for a socket: choose a shorter folder with LATCHKEY_RUNTIME_DIR", .0.display())]
    TooLong(PathBuf),
    /// Something that is no socket of ours stands in its place.
    #[error("{} is in the way: move it, then try again", .0.display())]
    InTheWay(PathBuf),
    /// Another process has it open and does not serve it yet.
    #[error(
        "another process keeps {}, as systemd does for latchkey.socket: it starts the agent for the first program that asks; \
        to start one without it, `systemctl --user stop latchkey.socket`",
        .0.display()
    )]
    Kept(PathBuf),
    /// Whoever started this process passed another socket on.
    #[error("the socket that was passed on is not {}: let `ListenStream` name that one, or set LATCHKEY_RUNTIME_DIR", .0.display())]
    Elsewhere(PathBuf),
    /// The process at the other end is another user's.
    #[error("the process behind {} is another user's: nothing was asked of it", .0.display())]
    Foreign(PathBuf),
    /// The process at the other end answers nothing as long as it is stopped.
    #[error("the agent is stopped: `kill -CONT {pid}` lets it go on")]
    Stopped {
        /// That process.
        pid: i32,
    },
    /// Nobody listens.
    #[error("no agent listens at {}", .0.display())]
    Nobody(PathBuf),
    /// Anything else.
    #[error("the socket {} cannot be used: {source}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
