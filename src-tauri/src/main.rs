//! The program `latchkey-desktop`; everything is in the library.

#![cfg_attr(all(not(debug_assertions), windows), windows_subsystem = "windows")]

use std::alloc::System;

use zeroizing_alloc::ZeroAlloc;

/// Wipes whatever is given back: a password passes through buffers that are not ours (docs/decisions/0042).
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> std::process::ExitCode {
    latchkey_desktop::run()
}
