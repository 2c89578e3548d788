//! Embeds the page and lists the one command.

fn main() {
    let commands = tauri_build::AppManifest::new().commands(&["first_paint"]);
    if let Err(error) = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands)) {
        println!("cargo::error={error:#}");
    }
}
