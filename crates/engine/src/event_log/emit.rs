//! How the session machine's records get into the log.

use latchkey_core::account::AccountName;
use latchkey_core::record::{Level, Record};

/// Writes a record of the session machine through `tracing`, its facts as fields.
pub fn emit(account: &AccountName, record: &Record) {
    // The level of a `tracing` event is part of its place in the code.
    macro_rules! at {
        ($level:ident) => {
            tracing::event!(
                target: "latchkey::session",
                tracing::Level::$level,
                account = account.as_str(),
                kind = record.kind,
                generation = record.generation,
                fingerprint = record.fingerprint.map(tracing::field::display),
                took_ms = record.took_ms,
                left_ms = record.left_ms,
                expires_at = record.expires_at.map(tracing::field::display),
                since = record.since.map(tracing::field::display),
                next_at = record.next_at.map(tracing::field::display),
                reason = record.reason,
                "{}",
                record.message
            )
        };
    }
    match record.level {
        Level::Error => at!(ERROR),
        Level::Warn => at!(WARN),
        Level::Info => at!(INFO),
        Level::Debug => at!(DEBUG),
        Level::Trace => at!(TRACE),
    }
}
