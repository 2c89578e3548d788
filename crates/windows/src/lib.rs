//! What only Windows' own functions give: pipes that one user may open, and which user and program is at the other end.
//!
//! Nowhere else in Latchkey is there unsafe code (docs/decisions/0039). Each function here is safe to call, calls one
//! function of the system or a few, and decides nothing. On other systems this crate is empty.

#![cfg(windows)]
#![allow(unsafe_code, reason = "Windows' functions are declared in C; docs/decisions/0039")]
#![deny(clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]

pub mod pipe;
pub mod process;
pub mod user;

use std::io;

use windows_sys::core::BOOL;

/// The error of the call that was made last, where it says that it failed.
fn checked(succeeded: BOOL) -> io::Result<()> {
    if succeeded == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// UTF-16 with a zero at its end.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}
