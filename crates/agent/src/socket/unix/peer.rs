//! The process at the other end, as the kernel knows it.

use std::io;
use std::os::fd::AsFd;

use rustix::process::geteuid;

/// The number of a process.
pub type Pid = i32;

/// Who connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The user, as the kernel says.
    pub uid: u32,
    /// The process; `None` where it lives in another pid namespace.
    pub pid: Option<Pid>,
}

impl Peer {
    /// The process at the other end of a socket.
    pub fn of(stream: impl AsFd) -> io::Result<Self> {
        let (uid, pid) = credentials(stream)?;
        Ok(Self { uid, pid: (pid > 0).then_some(pid) })
    }

    /// Whether it belongs to the user of this process.
    pub fn is_us(self) -> bool {
        self.uid == geteuid().as_raw()
    }

    /// Whether it was stopped (Ctrl-Z in its terminal, or a signal): it takes connections and answers none. Where there is no
    /// `/proc` nothing says so.
    pub fn is_stopped(self) -> bool {
        self.pid.and_then(stat_of).is_some_and(|stat| stat.starts_with('T'))
    }

    /// The user, for the log.
    pub fn user(self) -> u32 {
        self.uid
    }
}

/// What `/proc` says of a process after its name: its state, its parent, and more (proc_pid_stat(5)).
pub fn stat_of(pid: Pid) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything; what is asked for follows the last bracket.
    Some(stat.rsplit_once(')')?.1.trim_start().to_owned())
}

/// The process is 0 where it has no number here (pid_namespaces(7)).
#[cfg(not(target_os = "macos"))]
fn credentials(stream: impl AsFd) -> io::Result<(u32, Pid)> {
    let credentials = nix::sys::socket::getsockopt(&stream, nix::sys::socket::sockopt::PeerCredentials)?;
    Ok((credentials.uid(), credentials.pid()))
}

/// As unix(4) describes it there. Untried.
#[cfg(target_os = "macos")]
fn credentials(stream: impl AsFd) -> io::Result<(u32, Pid)> {
    use nix::sys::socket::{getsockopt, sockopt::LocalPeerCred, sockopt::LocalPeerPid};
    Ok((getsockopt(&stream, LocalPeerCred)?.uid(), getsockopt(&stream, LocalPeerPid)?))
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, WaitOptions, kill_process, waitpid};

    use super::*;

    #[test]
    fn a_process_of_another_user_is_not_ours_and_is_named_by_its_user() {
        let us = geteuid().as_raw();
        assert!(Peer { uid: us, pid: None }.is_us());
        let other = Peer { uid: us + 7, pid: None };
        assert_eq!((other.is_us(), other.user()), (false, us + 7));
    }

    #[test]
    fn a_process_is_stopped_until_it_goes_on() {
        let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&other);
        let peer = Peer { uid: 0, pid: Some(pid.as_raw_nonzero().get()) };
        assert!(!peer.is_stopped());
        kill_process(pid, Signal::STOP).unwrap();
        waitpid(Some(pid), WaitOptions::UNTRACED).unwrap();
        assert!(peer.is_stopped());
        kill_process(pid, Signal::CONT).unwrap();
        waitpid(Some(pid), WaitOptions::CONTINUED).unwrap();
        assert!(!peer.is_stopped() && !Peer { uid: 0, pid: None }.is_stopped());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
