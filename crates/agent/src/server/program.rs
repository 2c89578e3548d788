//! Which program is at the other end of a connection. The operating system says it; the program is never asked.
//!
//! A process id alone may be another process's by the time one looks, so the process is held fast first
//! (`pidfd` on Linux, a handle on Windows) and everything is read while it surely lives. A program of the same user can still have
//! itself run inside another one; this makes visible who asks, it does not keep such a user from themselves.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(any(target_os = "linux", windows)))]
mod other;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(super) use linux::Caller;
#[cfg(not(any(target_os = "linux", windows)))]
pub(super) use other::Caller;
#[cfg(windows)]
pub(super) use windows::Caller;
