//! The commands of the Lab view.

use latchkey_engine::config::Language;
use latchkey_engine::lab::ProfileFinding;
use latchkey_lab::runner::Outcome;
use latchkey_lab::sandbox::SandboxState;
use tauri::State;

use crate::command_error::CommandError;
use crate::foresee::{Foreseen, PolicyTrial};
use crate::input::PasswordInput;
use crate::lab::{LabBackend, LabFault, LabScenario, LabSwitch, TourMove};
use crate::shell::Shell;
use crate::words::Tongue;

/// The scenarios that come with the app. The window speaks this language.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn lab_scenarios(language: Language) -> Result<Vec<LabScenario>, CommandError> {
    Shell::lab_scenarios(Tongue::of(language))
}

/// Plays a scenario in virtual time; a rule of the backend's may be broken.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn lab_run(
    shell: State<'_, Shell>,
    name: String,
    rule: Option<String>,
) -> Result<Outcome, CommandError> {
    shell.lab_run(&name, rule.as_deref()).await
}

/// The development backend as it is now; nothing where no account uses it.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn lab_backend(shell: State<'_, Shell>) -> Result<Option<LabBackend>, CommandError> {
    shell.lab_backend().await
}

/// Plans a fault at the development backend.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn lab_fault(shell: State<'_, Shell>, fault: LabFault) -> Result<(), CommandError> {
    shell.lab_fault(fault).await
}

/// Takes back all faults that are planned.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn lab_clear(shell: State<'_, Shell>) -> Result<(), CommandError> {
    shell.lab_clear().await
}

/// Does something at the development backend; what came of it, in its own words.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn lab_switch(shell: State<'_, Shell>, what: LabSwitch) -> Result<String, CommandError> {
    shell.lab_switch(what).await
}

/// Measures the backend of an account on throw-away sign-ins.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn lab_profile(
    shell: State<'_, Shell>,
    account: String,
    username: Option<String>,
    password: Option<PasswordInput>,
) -> Result<Vec<ProfileFinding>, CommandError> {
    shell.lab_profile(&account, username, password).await
}

/// What a month would be like under an account's policy. Nothing is sent.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn lab_foresee(
    shell: State<'_, Shell>,
    account: String,
    life: String,
    trial: PolicyTrial,
) -> Result<Foreseen, CommandError> {
    shell.lab_foresee(&account, &life, trial).await
}

/// Does the next thing in the tour.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn lab_tour(shell: State<'_, Shell>, step: TourMove) -> Result<SandboxState, CommandError> {
    shell.lab_tour(step).await
}
