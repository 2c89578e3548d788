//! The system's own logs, to which each record is one datagram.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
use other as system;
#[cfg(unix)]
use unix as system;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::super::{Level, LogRecord};
use super::Sink;

/// How the system's logs call us.
const IDENTIFIER: &str = "latchkey";

/// Messages of a user's process (RFC 3164 §4.1.1, facility 1).
const FACILITY_USER: u8 = 1;

/// A log that takes datagrams.
pub(super) struct Datagrams {
    to: system::Socket,
    form: fn(&LogRecord) -> Vec<u8>,
}

/// The journal of systemd (its native protocol).
pub(super) fn journald(socket: &Path) -> Datagrams {
    Datagrams { to: system::Socket::at(socket), form: for_journald }
}

/// A syslog daemon of this machine.
pub(super) fn syslog(socket: &Path) -> Datagrams {
    Datagrams { to: system::Socket::at(socket), form: for_syslog }
}

impl Sink for Datagrams {
    fn take(&mut self, records: &[Arc<LogRecord>]) -> Result<(), String> {
        records
            .iter()
            .try_for_each(|record| self.to.send(&(self.form)(record)))
            .map_err(|error| error.to_string())
    }
}

/// How severe a level is (RFC 5424 §6.2.1, Table 2).
fn severity(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// A field a line; texts of records have no line breaks.
fn for_journald(record: &LogRecord) -> Vec<u8> {
    let mut fields = format!(
        "MESSAGE={}\nPRIORITY={}\nSYSLOG_IDENTIFIER={IDENTIFIER}\nLATCHKEY_KIND={}\n",
        record.message,
        severity(record.level),
        record.kind
    );
    if let Some(account) = &record.account {
        let _ = writeln!(fields, "LATCHKEY_ACCOUNT={account}");
    }
    for (name, fact) in &record.facts {
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let fact = match fact {
            Value::String(text) => text.clone(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                fact.to_string()
            }
        };
        let _ = writeln!(fields, "LATCHKEY_{}={fact}", name.to_ascii_uppercase());
    }
    fields.into_bytes()
}

/// As the C library's `syslog` writes it: priority, local time, name and process.
fn for_syslog(record: &LogRecord) -> Vec<u8> {
    let priority = FACILITY_USER * 8 + severity(record.level);
    let at = record.at.to_zoned(TimeZone::system()).strftime("%b %e %H:%M:%S").to_string();
    let account = record.account.as_ref().map(|account| format!("{account} ")).unwrap_or_default();
    let (kind, message) = (&record.kind, &record.message);
    format!("<{priority}>{at} {IDENTIFIER}[{}]: {account}{kind}: {message}", std::process::id()).into_bytes()
}
