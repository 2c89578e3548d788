//! Which program is at the other end of a connection. The operating system says it; the program is never asked.
//!
//! A process id alone may be another process's by the time one looks, so the process is held fast first
//! (`pidfd` on Linux) and everything is read while it surely lives. A program of the same user can still have
//! itself run inside another one; this makes visible who asks, it does not keep such a user from themselves.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(super) use linux::Caller;
#[cfg(not(target_os = "linux"))]
pub(super) use other::Caller;
