//! Declares the app's own commands, so that the capability of the window decides which of them it may call. Without
//! this, Tauri lets every page of the app call every command.

use tauri_build::{AppManifest, Attributes};

#[path = "src/command_names.rs"]
mod command_names;

fn main() {
    println!("cargo:rerun-if-changed=src/command_names.rs");
    let attributes = Attributes::new().app_manifest(AppManifest::new().commands(&command_names::COMMANDS));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
