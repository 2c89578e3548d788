//! What `latchkey log` can be asked.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use latchkey_core::account::AccountName;
use latchkey_engine::event_log::Level;

/// `log`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey log --lines 20
  latchkey log --follow --account work --level warn
  latchkey log --export report.txt

What is taken down follows LATCHKEY_LOG when a command or the window runs, then `log_level` in the configuration: \
info unless set.")]
pub(crate) struct Log {
    /// Keep printing what is added
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only this account
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<AccountName>,
    /// Only what matters at least this much
    #[arg(long, value_enum)]
    pub(crate) level: Option<LogLevel>,
    /// As a JSON list; with --follow one object on each line
    #[arg(long)]
    pub(crate) json: bool,
    /// How many of the latest lines
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    pub(crate) lines: usize,
    /// Write a report for whoever helps into a new file: the log, what `doctor` finds and the configuration, without
    /// secrets and without names of people
    #[arg(long, value_name = "FILE", conflicts_with_all = ["follow", "account", "level", "json", "lines"])]
    pub(crate) export: Option<PathBuf>,
}

/// How much a record must matter to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// A person must do something
    Error,
    /// Something went wrong and is being dealt with
    Warn,
    /// A session changed
    Info,
    /// How it was done
    Debug,
    /// Everything
    Trace,
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
            LogLevel::Trace => Self::Trace,
        }
    }
}
