//! Log records: facts without values that anyone could use.

use jiff::Timestamp;

use crate::fingerprint::Fingerprint;

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// One thing that happened in a session. It cannot hold a token: there is no field for one.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// How much it matters.
    pub level: Level,
    /// What happened, as a stable name (`renewed`, `late_answer`).
    pub kind: &'static str,
    /// The same in a sentence.
    pub message: String,
    /// The generation it is about.
    pub generation: Option<u64>,
    /// The access token it is about.
    pub fingerprint: Option<Fingerprint>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u64>,
    /// How long the access token before it had still to live, in milliseconds; 0 if it had expired.
    pub left_ms: Option<u64>,
    /// When the access token it is about expires.
    pub expires_at: Option<Timestamp>,
    /// When what it tells of began, if that went on for a while.
    pub since: Option<Timestamp>,
    /// When the next step is planned.
    pub next_at: Option<Timestamp>,
    /// The code of the reason, if one was given.
    pub reason: Option<&'static str>,
}

impl Record {
    /// A record with nothing but its level, kind and sentence.
    pub fn new(level: Level, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            level,
            kind,
            message: message.into(),
            generation: None,
            fingerprint: None,
            took_ms: None,
            left_ms: None,
            expires_at: None,
            since: None,
            next_at: None,
            reason: None,
        }
    }
}
