//! The program `latchkey-desktop`; everything is in the library.

#![cfg_attr(all(not(debug_assertions), windows), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    latchkey_desktop::run()
}
