//! What the window may ask for. Each command checks its words, asks the engine for one thing and maps one error.
//!
//! Those of the log stand in `log`, those of the settings in `settings`. A new command also goes into `command_names.rs` and into `capabilities/main.json`; a test holds the three together.

#![expect(clippy::needless_pass_by_value, reason = "Tauri hands a command its arguments by value")]

pub(crate) mod lab;
pub(crate) mod log;
pub(crate) mod settings;

use latchkey_engine::config::Language;
use latchkey_engine::event_log::Level;
use latchkey_engine::inspection::Inspection;
use latchkey_engine::sign_in::SignIn;
use latchkey_engine::snapshot::SessionStatus;
use serde::Serialize;
use tauri::{AppHandle, Runtime, State, ipc::Invoke};

use crate::accounts::ServerFacts;
use crate::command_error::CommandError;
use crate::copied_token::CopiedToken;
use crate::input::{self, DecisionInput, PasswordInput, TokenInput};
use crate::qr_picture::QrPicture;
use crate::serving::ServedBy;
use crate::shell::Shell;
use crate::words::Tongue;
use crate::{startup, window};

/// What the window shows of the app itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct AppInfo {
    /// The version.
    version: String,
    /// Where tokens are kept, in words.
    vault: String,
    /// From which level on records are kept.
    log_level: Level,
    /// Who gives other programs their tokens.
    served_by: ServedBy,
}

/// Sends each command to its function.
pub(crate) fn handler<R: Runtime>() -> impl Fn(Invoke<R>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        sessions,
        sign_in,
        sign_in_with_browser,
        sign_in_with_device,
        cancel_sign_in,
        open_sign_in_page,
        copy_sign_in_address,
        copy_user_code,
        sign_in_picture,
        discover,
        sign_out,
        renew,
        inspect,
        inspect_token,
        copy_access_token,
        decide,
        log::log,
        log::set_log_level,
        log::copy_record,
        log::export_report,
        log::show_report,
        app_info,
        add_demo,
        first_paint,
        settings::settings,
        settings::set_settings,
        settings::quit,
        settings::stay,
        settings::start_at_login,
        settings::health,
        settings::account_keys,
        settings::check_account,
        settings::add_account,
        settings::try_login,
        settings::presets,
        settings::change_account,
        settings::remove_account,
        settings::show_config_file,
        settings::show_guide,
        settings::trouble,
        settings::try_again,
        lab::lab_scenarios,
        lab::lab_run,
        lab::lab_backend,
        lab::lab_fault,
        lab::lab_clear,
        lab::lab_switch,
        lab::lab_profile,
        lab::lab_foresee,
        lab::lab_tour,
    ]
}

/// All sessions, in the order of their names. Never waits: a session whose vault is still being read says so. The window
/// speaks this language: what is told of sessions and errors is in it from now on.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn sessions(shell: State<'_, Shell>, language: Language) -> Vec<SessionStatus> {
    shell.speak(Tongue::of(language));
    shell.sessions()
}

/// Signs in with user name and password.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn sign_in(
    shell: State<'_, Shell>,
    account: String,
    username: String,
    password: PasswordInput,
) -> Result<(), CommandError> {
    let (account, login) = (input::account(&account)?, input::login(username, password)?);
    shell.engine.sign_in(&account, SignIn::Password(login)).await.map_err(|error| shell.told(error))?;
    Ok(())
}

/// Signs in on a page of the provider's, in the system's browser. Ends when the person is done there.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn sign_in_with_browser<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    account: String,
) -> Result<(), CommandError> {
    let signed_in = shell.engine.sign_in(&input::account(&account)?, SignIn::Browser).await;
    signed_in.map_err(|error| shell.told(error))?;
    // The person looks at a page that sends them back here.
    window::show(&app);
    Ok(())
}

/// Signs in with a code that the person enters on any device. Ends when they are done there.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn sign_in_with_device<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    account: String,
) -> Result<(), CommandError> {
    let signed_in = shell.engine.sign_in(&input::account(&account)?, SignIn::Device).await;
    signed_in.map_err(|error| shell.told(error))?;
    window::hint(&app);
    Ok(())
}

/// Gives up the sign-in under way.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn cancel_sign_in(shell: State<'_, Shell>, account: String) -> Result<(), CommandError> {
    shell.engine.cancel_sign_in(&input::account(&account)?).map_err(|error| shell.told(error))
}

/// Opens the page of the sign-in under way in the system's browser.
#[tauri::command(async)]
#[cfg_attr(test, specta::specta)]
pub(crate) fn open_sign_in_page(shell: State<'_, Shell>, account: String) -> Result<(), CommandError> {
    shell.open_sign_in_page(&input::account(&account)?)
}

/// Puts the address of the sign-in under way into the clipboard.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn copy_sign_in_address(shell: State<'_, Shell>, account: String) -> Result<(), CommandError> {
    shell.copy_sign_in_address(&input::account(&account)?)
}

/// Puts the code of the sign-in under way into the clipboard.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn copy_user_code(shell: State<'_, Shell>, account: String) -> Result<(), CommandError> {
    shell.copy_user_code(&input::account(&account)?)
}

/// The page of the sign-in under way as a picture to scan; none where there is nothing to scan.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn sign_in_picture(
    shell: State<'_, Shell>,
    account: String,
) -> Result<Option<QrPicture>, CommandError> {
    Ok(shell.sign_in_picture(&input::account(&account)?))
}

/// Asks an authorization server what it can do. Nothing is sent to it but the question.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn discover(shell: State<'_, Shell>, issuer: String) -> Result<ServerFacts, CommandError> {
    shell.discover(issuer).await
}

/// Ends a session: tokens are erased, the provider is told.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn sign_out(shell: State<'_, Shell>, account: String) -> Result<(), CommandError> {
    shell.engine.sign_out(&input::account(&account)?).await.map_err(|error| shell.told(error))?;
    Ok(())
}

/// Renews now and waits for the outcome.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn renew(shell: State<'_, Shell>, account: String) -> Result<(), CommandError> {
    shell.engine.renew(&input::account(&account)?).await.map_err(|error| shell.told(error))?;
    Ok(())
}

/// Looks into the access token in hand. The window speaks this language.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn inspect(
    shell: State<'_, Shell>,
    account: String,
    language: Language,
) -> Result<Inspection, CommandError> {
    let inspected = shell.engine.inspect(&input::account(&account)?).await;
    let inspection = inspected.map_err(|error| shell.told(error))?;
    Ok(Tongue::of(language).say_inspection(inspection))
}

/// Looks into a token that a person has. It is sent nowhere. The window speaks this language.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn inspect_token(
    shell: State<'_, Shell>,
    token: TokenInput,
    language: Language,
) -> Result<Inspection, CommandError> {
    let inspection = shell.engine.inspect_other(&input::token(token)?).await;
    Ok(Tongue::of(language).say_inspection(inspection))
}

/// Puts the access token in hand into the clipboard, for a while. The page is not given it.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn copy_access_token<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    account: String,
) -> Result<CopiedToken, CommandError> {
    shell.copy_access_token(&app, &input::account(&account)?).await
}

/// Decides whether a program may have an account's tokens. It is named by its id as it stands in the session, so that
/// the answer is about the file the person was shown.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn decide(
    shell: State<'_, Shell>,
    account: String,
    program: String,
    decision: DecisionInput,
) -> Result<(), CommandError> {
    let (account, program) = (input::account(&account)?, input::program(&program)?);
    let decided = shell.engine.decide(&account, program, decision.into()).await;
    decided.map_err(|error| shell.told(error))?;
    Ok(())
}

/// What the window shows of the app itself.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn app_info(shell: State<'_, Shell>) -> AppInfo {
    AppInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        vault: shell.vault.name().to_owned(),
        log_level: shell.log.level(),
        served_by: *shell.agent.by().borrow(),
    }
}

/// Adds the account `demo` on the embedded development backend where it is missing, and signs in to it.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn add_demo(shell: State<'_, Shell>) -> Result<SessionStatus, CommandError> {
    shell.demo().await
}

/// Says when the page was painted, in ms since the epoch, where somebody measures that.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn first_paint(at: f64) {
    startup::say_first_paint(at);
}

#[cfg(test)]
mod tests;
