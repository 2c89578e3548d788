//! What happened in a session, as marks on the lifeline: from its records while the process lives, and from the event
//! log what happened before it started.

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::record::Record;
use serde_json::Value;

use super::{Beside, History, HistoryMark, MarkKind, number};
use crate::consumers::{Consumer, Program, Taken};
use crate::event_log::{LogRecord, account_label};

/// The kind of record that says that a program took a token.
const TAKEN: &str = "token_taken";

/// The marks that the event log holds of an account, oldest first.
pub fn past(records: &[LogRecord], account: &AccountName) -> Vec<HistoryMark> {
    let label = account_label(account);
    let of_account = records.iter().filter(|record| record.account.as_deref() == Some(&label));
    let marks: Vec<_> = of_account.filter_map(logged).collect();
    History::of(marks).into_marks()
}

/// What a record of this kind leaves on the lifeline, if anything.
fn mark_kind(record_kind: &str) -> Option<MarkKind> {
    match record_kind {
        "signed_in" => Some(MarkKind::SignedIn),
        "renewed" => Some(MarkKind::Renewed),
        "adopted" | "opened" => Some(MarkKind::Adopted),
        "renewal_failed" | "renewals_paused" | "needs_sign_in" | "save_failed" => Some(MarkKind::Failed),
        "signed_out" | "vault_empty" | "session_ended" => Some(MarkKind::SignedOut),
        "ceiling_moved" => Some(MarkKind::CeilingMoved),
        "woke" => Some(MarkKind::Slept),
        "reached" => Some(MarkKind::OutOfReach),
        TAKEN => Some(MarkKind::Taken),
        _ => None,
    }
}

/// Whether what went wrong is worth its words.
fn noted(kind: MarkKind) -> bool {
    matches!(kind, MarkKind::Failed | MarkKind::SignedOut)
}

fn logged(record: &LogRecord) -> Option<HistoryMark> {
    let kind = mark_kind(&record.kind)?;
    let text = |name: &str| record.facts.get(name).and_then(Value::as_str).map(str::to_owned);
    let count = |name: &str| record.facts.get(name).and_then(Value::as_u64).map(number);
    let time = |name: &str| record.facts.get(name).and_then(Value::as_str)?.parse::<Timestamp>().ok();
    let since = time("since");
    Some(HistoryMark {
        kind,
        at: since.unwrap_or(record.at),
        until: since.map(|_| record.at),
        count: 1,
        generation: count("generation").unwrap_or_default(),
        fingerprint: text("fingerprint"),
        expires_at: time("expires_at"),
        took_ms: count("took_ms"),
        reason: text("reason"),
        note: if kind == MarkKind::Taken {
            text("program")
        } else {
            noted(kind).then(|| record.message.clone())
        },
    })
}

impl Beside {
    /// Remembers what a record says of the session; other records leave no mark.
    pub(crate) fn remember(&mut self, at: Timestamp, record: &Record) {
        let Some(kind) = mark_kind(record.kind) else { return };
        let fingerprint = record.fingerprint.map(|fingerprint| fingerprint.to_string());
        // Tokens that are found again are no news.
        let known = self.history.newest().find(|mark| of_tokens(mark.kind));
        if kind == MarkKind::Adopted && known.is_some_and(|mark| mark.fingerprint == fingerprint) {
            return;
        }
        self.history.push(HistoryMark {
            kind,
            at: record.since.unwrap_or(at),
            until: record.since.map(|_| at),
            count: 1,
            generation: number(record.generation.unwrap_or_default()),
            fingerprint,
            expires_at: record.expires_at,
            took_ms: record.took_ms.map(number),
            reason: record.reason.map(str::to_owned),
            note: noted(kind).then(|| record.message.clone()),
        });
    }

    /// Remembers that a program took a token it had not taken before, and tells the log.
    pub(crate) fn took(&mut self, account: &AccountName, consumer: &Consumer, taken: Taken) {
        let program = consumer.program.as_ref().map(Program::shown);
        let name = consumer.program.as_ref().map_or_else(|| "A program".to_owned(), Program::name);
        tracing::info!(
            target: "latchkey::session",
            account = account.as_str(),
            kind = TAKEN,
            generation = taken.generation,
            fingerprint = %taken.fingerprint,
            expires_at = %taken.expires_at,
            pid = consumer.pid,
            program = program.as_deref(),
            "{name} took the access token"
        );
        self.history.push(HistoryMark {
            kind: MarkKind::Taken,
            at: taken.at,
            until: None,
            count: 1,
            generation: number(taken.generation),
            fingerprint: Some(taken.fingerprint.to_string()),
            expires_at: Some(taken.expires_at),
            took_ms: None,
            reason: None,
            note: program,
        });
    }
}

/// Whether such a mark says which tokens are in hand.
fn of_tokens(kind: MarkKind) -> bool {
    matches!(kind, MarkKind::SignedIn | MarkKind::Renewed | MarkKind::Adopted)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use latchkey_core::fingerprint::FingerprintKey;
    use latchkey_core::record::Level;
    use serde_json::json;

    use super::*;

    fn line(account: &str, kind: &str, fingerprint: &str) -> LogRecord {
        let facts = BTreeMap::from([
            ("generation".to_owned(), json!(3)),
            ("fingerprint".to_owned(), json!(fingerprint)),
            ("took_ms".to_owned(), json!(12)),
        ]);
        LogRecord {
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            level: crate::event_log::Level::Info,
            account: Some(account.to_owned()),
            kind: kind.to_owned(),
            message: "m".to_owned(),
            facts,
        }
    }

    #[test]
    fn a_lifeline_begins_with_what_the_log_knows_of_the_account() {
        let work = AccountName::new("work").unwrap();
        let log = [line("work", "renewed", "a"), line("home", "renewed", "b"), line("work", "state", "c")];
        let marks = past(&log, &work);
        assert_eq!(marks.len(), 1);
        assert_eq!((marks[0].kind, marks[0].generation, marks[0].took_ms), (MarkKind::Renewed, 3, Some(12)));
        let many: Vec<_> = (0..5_000).map(|_| line("work", "renewed", "a")).collect();
        assert!(past(&many, &work).len() < 600, "however much the log holds");
    }

    #[test]
    fn what_lasted_is_marked_from_its_beginning_to_its_end() {
        let work = AccountName::new("work").unwrap();
        let mut woke = line("work", "woke", "");
        woke.at = "2026-11-20T13:06:12Z".parse().unwrap();
        woke.facts = BTreeMap::from([("since".to_owned(), json!("2026-11-20T12:25:12Z"))]);
        let marks = past(&[woke], &work);
        assert_eq!(
            (marks[0].kind, marks[0].at.to_string()),
            (MarkKind::Slept, "2026-11-20T12:25:12Z".to_owned())
        );
        assert_eq!(marks[0].until.unwrap().to_string(), "2026-11-20T13:06:12Z");

        let mut beside = Beside::default();
        let since = "2026-11-20T12:25:12Z".parse().ok();
        let record = Record { since, ..Record::new(Level::Info, "woke", "m") };
        beside.remember("2026-11-20T13:06:12Z".parse().unwrap(), &record);
        assert_eq!(*beside.history.shown(), marks, "the log gives back what was remembered");
    }

    #[test]
    fn tokens_found_again_after_a_start_leave_no_second_mark() {
        let fingerprint = FingerprintKey::new([1; 32]).of("token");
        let work = AccountName::new("work").unwrap();
        let log = [line("work", "renewed", &fingerprint.to_string()), line("work", "renewal_failed", "")];
        let mut beside = Beside { history: History::of(past(&log, &work)), ..Beside::default() };
        let opened = Record { fingerprint: Some(fingerprint), ..Record::new(Level::Debug, "opened", "m") };
        beside.remember(Timestamp::UNIX_EPOCH, &opened);
        assert_eq!(beside.history.shown().len(), 2);
        let other = FingerprintKey::new([2; 32]).of("token");
        beside.remember(Timestamp::UNIX_EPOCH, &Record { fingerprint: Some(other), ..opened });
        assert_eq!(beside.history.shown().len(), 3);
    }
}
