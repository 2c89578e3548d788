//! What is set for the app, and how the machine it runs on fares.

use std::sync::Arc;

use latchkey_engine::config::{self, AppConfig};
use latchkey_engine::event_log::Level;
use latchkey_engine::health::{self, Report, Subject};
use serde::Serialize;
use tauri::{AppHandle, Manager as _, Runtime};
use tauri_plugin_autostart::ManagerExt as _;
use tracing::{debug, warn};

use crate::command_error::CommandError;
use crate::shell::Shell;
use crate::words::Tongue;

/// What the window shows under Settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct Settings {
    /// What stands in the configuration.
    pub(crate) app: AppConfig,
    /// Whether the app starts with the desktop session; nothing where that cannot be told.
    pub(crate) start_at_login: Option<bool>,
    /// Where the configuration is.
    pub(crate) config_file: String,
    /// Whether LATCHKEY_LOG says from which level on records are kept, whatever stands in the configuration.
    pub(crate) log_level_is_given: bool,
}

impl Shell {
    /// What is set now.
    pub(crate) fn settings<R: Runtime>(&self, app: &AppHandle<R>) -> Settings {
        Settings {
            app: self.app.borrow().clone(),
            start_at_login: starts_at_login(app),
            config_file: self.paths.config_file().display().to_string(),
            log_level_is_given: self.log_level_is_given,
        }
    }

    /// Writes settings down and follows them from now on. Gives what is set then: the file may have been changed by hand.
    pub(crate) fn set_settings(&self, wanted: &AppConfig) -> Result<AppConfig, CommandError> {
        let before = self.app.borrow().clone();
        let set = config::set_app(&self.paths, &before, wanted)?;
        self.follow(set.clone());
        Ok(set)
    }

    /// Follows settings that stand in the configuration.
    fn follow(&self, wanted: AppConfig) {
        let level = wanted.log_level;
        let before = self.app.send_replace(wanted);
        if before.log_level != level && !self.log_level_is_given {
            self.log.set_level(level);
        }
    }

    /// In which language the app speaks.
    pub(crate) fn tongue(&self) -> Tongue {
        Tongue::of(self.app.borrow().language)
    }

    /// Looks at everything that `latchkey doctor` looks at.
    pub(crate) async fn health(&self, tongue: Tongue) -> Report {
        let mut report = health::examine(Subject {
            paths: self.paths.clone(),
            vault: Ok(Arc::clone(&self.vault)),
            forgetful: self.forgetful,
            clock: Arc::clone(&self.clock),
            patience: health::PATIENCE,
        })
        .await;
        for (name, value) in report.findings.iter_mut().flat_map(|finding| &mut finding.values) {
            if matches!(*name, "what" | "remedy") {
                *value = tongue.say(value);
            }
        }
        report
    }
}

/// The level from which on records are kept at the start: what the environment says wins.
pub(crate) fn first_level(given: Option<Level>, app: &AppConfig) -> Level {
    given.unwrap_or(app.log_level)
}

/// What starts the app with the desktop session: its window stays closed then.
pub(crate) fn autostart<R: Runtime>() -> tauri::plugin::TauriPlugin<R> {
    tauri_plugin_autostart::Builder::new().arg("--hidden").app_name("Latchkey").build()
}

fn starts_at_login<R: Runtime>(app: &AppHandle<R>) -> Option<bool> {
    let asked = app.try_state::<tauri_plugin_autostart::AutoLaunchManager>()?.is_enabled();
    asked.inspect_err(|error| debug!(kind = "autostart_unknown", "whether it starts at login: {error}")).ok()
}

/// Has the desktop start the app, or no longer.
pub(crate) fn start_at_login<R: Runtime>(app: &AppHandle<R>, on: bool) -> Result<(), CommandError> {
    let manager = app.autolaunch();
    let done = if on { manager.enable() } else { manager.disable() };
    done.map_err(|error| {
        warn!(kind = "autostart_failed", "start at login could not be changed: {error}");
        let hint = "look into the folder in which your desktop keeps what it starts (~/.config/autostart)";
        CommandError::new("autostart", "start at login could not be changed", Some(hint))
    })
}
