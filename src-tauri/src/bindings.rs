//! The TypeScript side of the commands, generated from their signatures. A test fails when the file is stale.

use std::path::Path;

use latchkey_engine::event_log::LogRecord;
use specta_typescript::Typescript;
use tauri::test::MockRuntime;
use tauri_specta::{Builder, ErrorHandlingMode, collect_commands};

use crate::commands;
use crate::events::SessionNews;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/src/ipc/bindings.ts");

const HEADER: &str = "\
// Generated from the commands of the app; do not edit.
// After a change of a command: UPDATE_BINDINGS=1 cargo test -p latchkey-desktop bindings
";

#[test]
fn bindings_are_current() {
    let generated = generated();
    if std::env::var_os("UPDATE_BINDINGS").is_some_and(|value| value == "1") {
        std::fs::write(FILE, generated).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(FILE).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        committed == generated,
        "ui/src/ipc/bindings.ts is stale: run `UPDATE_BINDINGS=1 cargo test -p latchkey-desktop bindings`"
    );
}

fn generated() -> String {
    let builder = Builder::<MockRuntime>::new()
        .error_handling(ErrorHandlingMode::Throw)
        // What is read and what is written have the same shape here.
        .disable_serde_phases()
        .commands(collect_commands![
            commands::sessions,
            commands::sign_in,
            commands::sign_in_with_browser::<MockRuntime>,
            commands::sign_in_with_device::<MockRuntime>,
            commands::cancel_sign_in,
            commands::open_sign_in_page,
            commands::copy_sign_in_address,
            commands::copy_user_code,
            commands::sign_in_picture,
            commands::discover,
            commands::sign_out,
            commands::renew,
            commands::inspect,
            commands::inspect_token,
            commands::copy_access_token::<MockRuntime>,
            commands::decide,
            commands::log::log,
            commands::log::set_log_level,
            commands::log::copy_record,
            commands::log::export_report,
            commands::log::show_report,
            commands::app_info,
            commands::add_demo,
            commands::first_paint,
            commands::settings::settings::<MockRuntime>,
            commands::settings::set_settings,
            commands::settings::quit::<MockRuntime>,
            commands::settings::stay::<MockRuntime>,
            commands::settings::start_at_login::<MockRuntime>,
            commands::settings::health,
            commands::settings::account_keys,
            commands::settings::check_account,
            commands::settings::add_account,
            commands::settings::try_login,
            commands::settings::presets,
            commands::settings::change_account,
            commands::settings::remove_account,
            commands::settings::show_config_file,
            commands::settings::show_guide,
            commands::settings::trouble::<MockRuntime>,
            commands::settings::try_again::<MockRuntime>,
            commands::lab::lab_scenarios,
            commands::lab::lab_run,
            commands::lab::lab_backend,
            commands::lab::lab_fault,
            commands::lab::lab_clear,
            commands::lab::lab_switch,
            commands::lab::lab_profile,
            commands::lab::lab_foresee,
            commands::lab::lab_tour,
        ])
        .typ::<LogRecord>()
        .typ::<SessionNews>()
        .constant("codes", latchkey_core::wording::CODES.as_slice())
        .constant("adviceCodes", latchkey_core::advice::ADVICE_CODES.as_slice())
        .constant("findingCodes", latchkey_engine::lab::FINDING_CODES.as_slice());
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("bindings.ts");
    builder.export(Typescript::default().header(HEADER), path).unwrap();
    std::fs::read_to_string(path).unwrap()
}
