//! What a person takes out of the log: a record for a chat, a report for whoever helps.

use std::path::PathBuf;
use std::sync::PoisonError;

use latchkey_engine::bug_report::{self, MOST_RECORDS, Subject};
use latchkey_engine::event_log::{self, human};
use tauri::async_runtime;
use tracing::info;

use crate::clipboard;
use crate::command_error::CommandError;
use crate::shell::Shell;
use crate::trouble::reveal;
use crate::words::Tongue;

impl Shell {
    /// Puts a record into the clipboard, as a line.
    pub(crate) fn copy_record(&self, seq: u32) -> Result<(), CommandError> {
        let before = u64::from(seq).saturating_sub(1);
        let found = self.log.since(before, 1).into_iter().find(|record| record.seq == u64::from(seq));
        let record = found.ok_or_else(|| {
            CommandError::new(
                "record_forgotten",
                "this record is not kept any more",
                Some("the log file may have it"),
            )
        })?;
        clipboard::put(&human(&record))
    }

    /// Writes a report for whoever helps, and says where it is.
    pub(crate) async fn export_report(&self) -> Result<String, CommandError> {
        let report = self.health(Tongue::En).await;
        let (log, paths, vault) = (self.log.clone(), self.paths.clone(), self.vault.name());
        let now = self.clock.now().wall;
        let written = async_runtime::spawn_blocking(move || -> std::io::Result<PathBuf> {
            // What waits is in it too.
            log.flush();
            let records = event_log::read_tail(&paths.log_dir(), MOST_RECORDS)?.records;
            let text = bug_report::text(&Subject {
                now,
                program: concat!("latchkey-desktop ", env!("CARGO_PKG_VERSION")),
                vault,
                paths: &paths,
                report: &report,
                records: &records,
            });
            let folder = bug_report::folder().unwrap_or(paths.state_dir);
            bug_report::save(&folder, now, &text)
        });
        let failed = |error: String| {
            let hint = "see that your downloads folder is there and has room";
            CommandError::new("not_exported", format!("the report was not written: {error}"), Some(hint))
        };
        let path = written.await.map_err(|error| failed(error.to_string()))?;
        let path = path.map_err(|error| failed(error.to_string()))?;
        info!(kind = "report_exported", "A report was written");
        let shown = path.display().to_string();
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
        Ok(shown)
    }

    /// Shows the last report in the file manager.
    pub(crate) fn show_report(&self) -> Result<(), CommandError> {
        let path = self.report.lock().unwrap_or_else(PoisonError::into_inner).clone();
        reveal(path.filter(|path| path.exists()))
    }
}
