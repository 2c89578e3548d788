//! The commands of the settings, and those of the page that says why the app did not open.

use latchkey_engine::config::{AppConfig, Changes, Keys, Language, PresetFacts};
use latchkey_engine::health::Report;
use latchkey_engine::provider::trial::Trial;
use tauri::{AppHandle, Runtime, State};

use crate::account_settings::AccountCheck;
use crate::command_error::CommandError;
use crate::guide;
use crate::input::{self, PasswordInput};
use crate::settings::{self, Settings};
use crate::shell::Shell;
use crate::trouble::{self, Trouble};
use crate::words::Tongue;
use crate::{quit, window};

/// What is set now.
#[tauri::command(async)]
#[cfg_attr(test, specta::specta)]
pub(crate) fn settings<R: Runtime>(app: AppHandle<R>, shell: State<'_, Shell>) -> Settings {
    shell.settings(&app)
}

/// Writes settings of the app down and follows them from now on. Says what is set then, with what was changed by hand.
#[tauri::command(async)]
#[cfg_attr(test, specta::specta)]
pub(crate) fn set_settings(shell: State<'_, Shell>, wanted: AppConfig) -> Result<AppConfig, CommandError> {
    shell.set_settings(&wanted)
}

/// Ends the app, with what is under way.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn quit<R: Runtime>(app: AppHandle<R>) {
    quit::quit(&app);
}

/// The window that was to be closed stays, or goes to the task bar.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn stay<R: Runtime>(app: AppHandle<R>, minimised: bool) {
    window::stay(&app, minimised);
}

/// Has the desktop start the app at login, or no longer.
#[tauri::command(async)]
#[cfg_attr(test, specta::specta)]
pub(crate) fn start_at_login<R: Runtime>(app: AppHandle<R>, on: bool) -> Result<(), CommandError> {
    settings::start_at_login(&app, on)
}

/// Looks at everything that `latchkey doctor` looks at. Takes some seconds at most. The window speaks this language.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn health(shell: State<'_, Shell>, language: Language) -> Result<Report, CommandError> {
    Ok(shell.health(Tongue::of(language)).await)
}

/// The keys of an account as they stand in the configuration; of a secret only that it is set.
#[tauri::command(async)]
#[cfg_attr(test, specta::specta)]
pub(crate) fn account_keys(shell: State<'_, Shell>, account: String) -> Result<Keys, CommandError> {
    shell.account_keys(&input::account(&account)?)
}

/// What would be wrong with an account if these changes were saved, and what saving them would do. Without an account
/// it is about a new one that has these keys.
#[tauri::command(async)]
#[cfg_attr(test, specta::specta)]
pub(crate) fn check_account(
    shell: State<'_, Shell>,
    account: Option<String>,
    changes: Changes,
    language: Language,
) -> Result<AccountCheck, CommandError> {
    let account = account.as_deref().map(input::account).transpose()?;
    shell.check_account(account.as_ref(), &changes, Tongue::of(language))
}

/// Adds an account. Nobody is signed in by that.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn add_account(
    shell: State<'_, Shell>,
    account: String,
    changes: Changes,
) -> Result<(), CommandError> {
    shell.add_account(&input::account(&account)?, &changes).await
}

/// Signs in at a REST backend that is being filled in, to see where its answer holds what; and out again.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn try_login(
    shell: State<'_, Shell>,
    changes: Changes,
    username: String,
    password: PasswordInput,
) -> Result<Trial, CommandError> {
    let login = input::login(username, password)?;
    shell.try_login(&changes, login).await
}

/// The widespread servers that need two or three words to sign in to.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn presets() -> Vec<PresetFacts> {
    latchkey_engine::config::presets()
}

/// Changes an account.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn change_account(
    shell: State<'_, Shell>,
    account: String,
    changes: Changes,
) -> Result<(), CommandError> {
    shell.change_account(&input::account(&account)?, &changes).await
}

/// Signs out of an account and forgets it.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn remove_account(shell: State<'_, Shell>, account: String) -> Result<(), CommandError> {
    shell.remove_account(&input::account(&account)?).await
}

/// Shows the configuration in the desktop's file manager.
#[tauri::command(async)]
#[cfg_attr(test, specta::specta)]
pub(crate) fn show_config_file() -> Result<(), CommandError> {
    trouble::show_config_file()
}

/// Opens the guide in the browser, if it is on this machine.
#[tauri::command(async)]
#[cfg_attr(test, specta::specta)]
pub(crate) fn show_guide() -> Result<(), CommandError> {
    guide::show()
}

/// Why the app did not open; nothing where it did.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn trouble<R: Runtime>(app: AppHandle<R>, language: Language) -> Option<Trouble> {
    trouble::now(&app, Tongue::of(language))
}

/// Tries again to open the app. Says what still keeps it from opening.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn try_again<R: Runtime>(app: AppHandle<R>, language: Language) -> Option<Trouble> {
    trouble::try_again(&app, Tongue::of(language)).await
}
