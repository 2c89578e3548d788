//! The commands of the log.

use latchkey_engine::event_log::{Level, LogRecord};
use tauri::State;

use crate::command_error::CommandError;
use crate::shell::Shell;

/// The most records in one answer: some two megabytes.
const LONGEST_PAGE: u32 = 10_000;

/// The records after the number `after` (from the first without one), oldest first, at most `limit`.
#[tauri::command(async)]
#[cfg_attr(test, specta::specta)]
pub(crate) fn log(shell: State<'_, Shell>, after: Option<u32>, limit: u32) -> Vec<LogRecord> {
    shell.log.since(after.unwrap_or(0).into(), limit.min(LONGEST_PAGE) as usize)
}

/// Keeps records from this level on, until the app ends.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn set_log_level(shell: State<'_, Shell>, level: Level) {
    shell.log.set_level(level);
}

/// Puts the record with this number into the clipboard.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) fn copy_record(shell: State<'_, Shell>, seq: u32) -> Result<(), CommandError> {
    shell.copy_record(seq)
}

/// Writes a report without secrets for whoever helps, into the downloads folder. Says where it is.
#[tauri::command]
#[cfg_attr(test, specta::specta)]
pub(crate) async fn export_report(shell: State<'_, Shell>) -> Result<String, CommandError> {
    shell.export_report().await
}

/// Shows the last report in the desktop's file manager.
#[tauri::command(async)]
#[cfg_attr(test, specta::specta)]
pub(crate) fn show_report(shell: State<'_, Shell>) -> Result<(), CommandError> {
    shell.show_report()
}
