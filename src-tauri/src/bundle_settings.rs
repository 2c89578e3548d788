//! What the bundles for macOS and Windows are made with is laid over `tauri.conf.json` (RFC 7396); nobody has made one yet,
//! so at least the settings are read as Tauri's bundler reads them.

use serde_json::Value;

fn laid_over(base: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *base = patch;
        return;
    };
    for (name, value) in patch {
        laid_over(&mut base[&name], value);
    }
}

#[test]
fn the_settings_of_other_platforms_are_ones_that_tauri_knows() {
    let base: Value = serde_json::from_str(include_str!("../tauri.conf.json")).unwrap();
    for patch in [
        include_str!("../../packaging/macos/bundle.json"),
        include_str!("../../packaging/windows/bundle.json"),
    ] {
        let mut whole = base.clone();
        laid_over(&mut whole, serde_json::from_str(patch).unwrap());
        let config: tauri::Config = serde_json::from_value(whole).unwrap();
        assert!(config.bundle.active && config.identifier == "dev.latchkey.desktop");
        let icons = &config.bundle.icon;
        assert!(icons.len() > 3 && icons.iter().all(|icon| icon.starts_with("../icons/")));
    }
}
