//! A file of the person's choice, which only they can read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::LogRecord;
use super::super::file::append_to;
use super::Sink;

/// A file of JSON lines. Turned over like Latchkey's own.
pub(super) struct JsonLines {
    path: PathBuf,
}

impl JsonLines {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf() }
    }
}

impl Sink for JsonLines {
    fn take(&mut self, records: &[Arc<LogRecord>]) -> Result<(), String> {
        let lines: Vec<Arc<str>> = records.iter().map(|record| record.to_line().into()).collect();
        append_to(&self.path, &lines).1.map_err(|error| error.to_string())
    }
}
