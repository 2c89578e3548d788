//! How much a record matters, and from where on it is kept.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use latchkey_core::text::foreign;
use serde::{Deserialize, Serialize};

/// The variable that sets the level at start, and makes the terminal show the log on stderr.
pub const LOG_VARIABLE: &str = "LATCHKEY_LOG";

/// How much a record matters. The order is that of detail: errors first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A person must do something.
    Error,
    /// Something went wrong and is being dealt with.
    Warn,
    /// A session changed.
    Info,
    /// How it was done.
    Debug,
    /// Everything.
    Trace,
}

/// A level that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no log level: choose error, warn, info, debug or trace")]
pub struct BadLevel(String);

const ALL: [(Level, &str); 5] = [
    (Level::Error, "error"),
    (Level::Warn, "warn"),
    (Level::Info, "info"),
    (Level::Debug, "debug"),
    (Level::Trace, "trace"),
];

impl Level {
    /// What [`LOG_VARIABLE`] says; nothing if it is unset or empty.
    pub fn from_env() -> Result<Option<Self>, BadLevel> {
        Self::from_variable(std::env::var_os(LOG_VARIABLE).as_deref())
    }

    /// What the variable's value says.
    pub fn from_variable(value: Option<&OsStr>) -> Result<Option<Self>, BadLevel> {
        value.filter(|value| !value.is_empty()).map(|value| value.to_string_lossy().parse()).transpose()
    }

    /// Its name (`warn`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Level {
    type Err = BadLevel;
    fn from_str(text: &str) -> Result<Self, BadLevel> {
        let found = ALL.into_iter().find(|(_, name)| text.trim().eq_ignore_ascii_case(name));
        found.map(|(level, _)| level).ok_or_else(|| BadLevel(foreign(text)))
    }
}

impl From<tracing::Level> for Level {
    fn from(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }
}

impl From<Level> for tracing::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
            Level::Trace => Self::TRACE,
        }
    }
}

/// Which events become records. A clone follows the same level.
#[derive(Clone, Debug)]
pub struct Filter {
    level: Arc<AtomicU8>,
    /// The accounts whose records are kept from `debug` on.
    debugged: Arc<RwLock<BTreeSet<String>>>,
}

impl Default for Filter {
    fn default() -> Self {
        Self::new(Level::Info)
    }
}

impl Filter {
    /// Keeps Latchkey's own events from this level on, and those of other crates from `warn` on.
    pub fn new(level: Level) -> Self {
        Self { level: Arc::new(AtomicU8::new(level as u8)), debugged: Arc::default() }
    }

    /// The level now.
    pub fn level(&self) -> Level {
        let number = self.level.load(Ordering::Relaxed);
        ALL.into_iter().map(|(level, _)| level).find(|level| *level as u8 == number).unwrap_or(Level::Info)
    }

    /// Changes the level, also of all clones.
    pub fn set_level(&self, level: Level) {
        self.level.store(level as u8, Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
    }

    /// Keeps the records of these accounts from `debug` on, whatever the level is, and of no others; also for all clones.
    pub fn set_debugged(&self, accounts: impl IntoIterator<Item = String>) {
        *self.debugged.write().unwrap_or_else(PoisonError::into_inner) = accounts.into_iter().collect();
        tracing::callsite::rebuild_interest_cache();
    }

    /// Whether an event that the level leaves out may be of an account that is debugged.
    pub(super) fn may_be_debugged(&self, event: &tracing::Metadata<'_>) -> bool {
        is_own(event.target()) && Level::from(*event.level()) <= Level::Debug && self.debugs()
    }

    /// Whether any account is debugged.
    pub(super) fn debugs(&self) -> bool {
        !self.debugged.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Whether the records of this account are kept from `debug` on.
    pub(super) fn is_debugged(&self, account: &str) -> bool {
        self.debugged.read().unwrap_or_else(PoisonError::into_inner).contains(account)
    }

    pub(super) fn keeps(&self, event: &tracing::Metadata<'_>) -> bool {
        let level = Level::from(*event.level());
        level <= if is_own(event.target()) { self.level() } else { Level::Warn }
    }

    /// Beyond this, `tracing` need not even ask.
    pub(super) fn most(&self) -> tracing::level_filters::LevelFilter {
        let least = if self.debugs() { Level::Debug } else { Level::Warn };
        tracing::Level::from(self.level().max(least)).into()
    }
}

/// Whether an event is Latchkey's own: `latchkey`, `latchkey::…`, and the crates `latchkey_…`.
pub(super) fn is_own(target: &str) -> bool {
    target.strip_prefix("latchkey").is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '_']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_level_names_the_choices() {
        assert_eq!(Level::from_variable(None), Ok(None));
        assert_eq!(Level::from_variable(Some(OsStr::new(""))), Ok(None));
        assert_eq!(Level::from_variable(Some(OsStr::new(" Debug"))), Ok(Some(Level::Debug)));
        let error = Level::from_variable(Some(OsStr::new("verbose\u{1b}[2J"))).unwrap_err();
        insta::assert_snapshot!(error, @"`verbose [2J` is no log level: choose error, warn, info, debug or trace");
    }

    #[test]
    fn only_our_own_targets_are_ours() {
        for (target, own) in [
            ("latchkey::session", true),
            ("latchkey_engine::http", true),
            ("latchkey", true),
            ("latchkeys", false),
            ("hyper", false),
        ] {
            assert_eq!(is_own(target), own, "{target}");
        }
    }

    #[test]
    fn a_changed_level_holds_for_all_who_share_the_filter() {
        let (one, other) = {
            let one = Filter::default();
            (one.clone(), one)
        };
        assert_eq!(one.level(), Level::Info);
        other.set_level(Level::Trace);
        assert_eq!(one.level(), Level::Trace);
    }
}
