//! What a program is told: facts, as one JSON document.

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::record::Record;
use serde::Serialize;

use crate::config::HookEvent;
use crate::event_log;
use crate::snapshot::SessionChange;

/// The version of the document. It goes up when a member changes its meaning or goes away.
const VERSION: u32 = 1;

/// Something that happened to a session.
#[derive(Debug)]
pub(crate) struct Event {
    /// What.
    pub(crate) what: HookEvent,
    /// What exactly it is about, where several processes see it and one is to tell it.
    pub(crate) claim: Option<String>,
    /// For the programs.
    pub(crate) document: String,
}

/// The document. No member can hold a token: texts are masked like those of the log.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    event: &'static str,
    account: &'a str,
    provider: &'static str,
    at: Timestamp,
    message: String,
    reason: Option<&'static str>,
    generation: Option<u64>,
    expires_at: Option<Timestamp>,
    next_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<SessionChange>,
}

/// Which change of a session a record tells of, if it does.
pub(crate) fn of_kind(kind: &str) -> Option<HookEvent> {
    match kind {
        "signed_in" => Some(HookEvent::SignedIn),
        "renewed" => Some(HookEvent::Renewed),
        "needs_sign_in" => Some(HookEvent::NeedsSignIn),
        "signed_out" | "session_ended" => Some(HookEvent::SignedOut),
        _ => None,
    }
}

impl Event {
    /// What a record tells of, and what is different in the session, where that is told.
    pub(crate) fn of(
        what: HookEvent,
        account: &AccountName,
        provider: &'static str,
        record: &Record,
        at: Timestamp,
        changes: &[SessionChange],
    ) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(event_log::harmless);
        let changes = changes.iter().map(|SessionChange { name, before, after }| SessionChange {
            name: event_log::harmless(name),
            before: text(before),
            after: text(after),
        });
        let document = Document {
            version: VERSION,
            event: what.name(),
            account: account.as_str(),
            provider,
            at,
            message: event_log::harmless(&record.message),
            reason: record.reason,
            generation: record.generation,
            expires_at: record.expires_at,
            next_at: record.next_at,
            changes: changes.collect(),
        };
        // Texts, numbers and times always become JSON.
        let document = serde_json::to_string(&document).unwrap_or_default();
        Self { what, claim: None, document }
    }

    /// The same, to be told by the first process that claims this.
    pub(crate) fn claimed_by(self, claim: Option<String>) -> Self {
        Self { claim, ..self }
    }
}
