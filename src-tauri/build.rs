//! Declares the app's own commands, so that the capability of the window decides which of them it may call (without
//! this, Tauri lets every page of the app call every command), and tells them to the isolation hook.

use std::path::Path;
use std::{fs, io};

use tauri_build::{AppManifest, Attributes};

#[path = "src/command_names.rs"]
mod command_names;

/// Where the hook has its list.
const PLACE: &str = "/* commands */";

/// What the page calls besides our commands: Tauri's own, to hear of events, and to be larger or smaller by Ctrl and + or -.
const TAURIS: [&str; 3] = ["plugin:event|listen", "plugin:event|unlisten", "plugin:webview|set_webview_zoom"];

fn main() {
    println!("cargo:rerun-if-changed=src/command_names.rs");
    println!("cargo:rerun-if-changed=isolation");
    if let Err(error) = isolation(Path::new("isolation"), Path::new("gen/isolation")) {
        println!("cargo::error=the isolation hook: {error}");
    }
    let attributes = Attributes::new().app_manifest(AppManifest::new().commands(&command_names::COMMANDS));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}

/// Writes the isolation page with the names of the commands in its hook.
fn isolation(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let names = TAURIS.iter().chain(&command_names::COMMANDS).map(|name| format!("\"{name}\""));
    let hook = fs::read_to_string(from.join("hook.js"))?;
    if !hook.contains(PLACE) {
        return Err(io::Error::other(format!("no {PLACE} in isolation/hook.js")));
    }
    fs::write(to.join("hook.js"), hook.replace(PLACE, &names.collect::<Vec<_>>().join(", ")))?;
    fs::copy(from.join("index.html"), to.join("index.html"))?;
    Ok(())
}
