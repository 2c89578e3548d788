//! The desktop shell: a window, a tray icon and notifications around the engine.
//!
//! It decides nothing about sessions. Commands (`commands`) ask the engine for one thing each; `events` pushes what
//! changed to the window and the tray; `notifications` is how the engine reaches a person whose window is closed.
//! `startup` puts the parts together, `quit` takes them apart without losing a token.
//!
//! Invariants: the window is given no secret (it could hold none: the types have no field for one); a page may call
//! what `capabilities/main.json` names and nothing else; no page but the app's own is ever opened.

mod account_settings;
mod accounts;
mod arguments;
#[cfg(test)]
mod bindings;
#[cfg(test)]
mod bundle_settings;
mod clipboard;
mod command_error;
#[cfg(test)]
mod command_names;
mod commands;
mod copied_token;
mod demo;
#[cfg_attr(not(feature = "devserver"), path = "dev_server_absent.rs")]
mod dev_server;
mod environment;
mod events;
mod foresee;
mod guide;
mod input;
mod lab;
mod lasting;
mod log_export;
mod notifications;
mod opening;
mod page;
#[cfg(target_os = "linux")]
mod page_process;
mod qr_picture;
mod quit;
mod relaunch;
mod serving;
mod settings;
mod shell;
mod sign_in;
mod startup;
#[cfg(test)]
mod test_world;
mod tray;
mod trouble;
#[cfg(target_os = "linux")]
mod unanswered;
mod view;
mod window;
mod words;

use std::process::ExitCode;
use std::sync::Arc;

use crate::arguments::{Arguments, Asked};
use crate::opening::Opening;
use crate::startup::{NotPrepared, Preparing};

/// Opens the app and returns when it has ended: 0 done, 1 failed, 2 wrong use or settings.
pub fn run() -> ExitCode {
    latchkey_engine::memory_image::keep_out_of_core_files();
    latchkey_engine::crash_message::end_without_secrets();
    if let Some(ended) = environment::cleaned() {
        return ended;
    }
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(Asked::Open(arguments)) => arguments,
        Ok(Asked::Print(text)) => return startup::print(&text),
        Err(error) => return startup::refuse(&error, Some(arguments::HINT)),
    };
    // What the person configured is read while the window system is opened.
    let preparing = Preparing::begin();
    // What else is wrong is told in a window, where there can be one.
    if !window::can_be_shown() {
        let wrong = preparing.end().err().unwrap_or(NotPrepared::NoDisplay);
        return startup::refuse(&wrong, wrong.hint());
    }
    let last_try = arguments.last_try;
    #[cfg(target_os = "linux")]
    let starting = unanswered::watch();
    let app = match builder(arguments, preparing).build(tauri::generate_context!()) {
        Ok(app) => app,
        Err(error) => return relaunch::after(&error, last_try),
    };
    #[cfg(target_os = "linux")]
    drop(starting);
    let code = app.run_return(quit::on_run_event);
    if let Err(error) = relaunch::if_wanted() {
        return startup::fail(&error, None);
    }
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn builder(arguments: Arguments, preparing: Preparing) -> tauri::Builder<tauri::Wry> {
    let opening = Opening::before(commands::handler());
    let calls = Arc::clone(&opening);
    tauri::Builder::default()
        .manage(opening)
        .manage(window::Loaded::default())
        // First, so that a second start ends before it does anything. What it was called with is anyone's word
        // (any program on the session bus can send it) and is not looked at. Without a bus two instances run; the
        // renewal lock keeps them from spending the same token.
        .plugin(tauri_plugin_single_instance::init(|app, _arguments, _folder| {
            relaunch::on_another_start(app);
        }))
        .invoke_handler(move |invoke| calls.take(invoke))
        .on_window_event(window::on_event)
        .plugin(settings::autostart())
        .setup(move |app| Ok(startup::begin(app.handle(), arguments, preparing.end())?))
}
