//! What happened to tokens, as marks on the lifeline: from the machine's records while the process lives, and
//! from the event log what happened before it started.

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::record::Record;
use serde_json::Value;

use super::{Beside, HistoryMark, MarkKind, number};
use crate::event_log::{LogRecord, account_label};

/// How many marks of the past a status carries.
const MAX_HISTORY: usize = 200;

/// The marks that the event log holds of an account, oldest first.
pub fn past(records: &[LogRecord], account: &AccountName) -> Vec<HistoryMark> {
    let label = account_label(account);
    let of_account = records.iter().filter(|record| record.account.as_deref() == Some(&label));
    let marks: Vec<_> = of_account.filter_map(logged).collect();
    marks.into_iter().rev().take(MAX_HISTORY).rev().collect()
}

/// What a record of this kind leaves on the lifeline, if anything.
fn mark_kind(record_kind: &str) -> Option<MarkKind> {
    match record_kind {
        "signed_in" => Some(MarkKind::SignedIn),
        "renewed" => Some(MarkKind::Renewed),
        "adopted" | "opened" => Some(MarkKind::Adopted),
        "renewal_failed" | "renewals_paused" | "needs_sign_in" | "save_failed" => Some(MarkKind::Failed),
        _ => None,
    }
}

fn logged(record: &LogRecord) -> Option<HistoryMark> {
    let kind = mark_kind(&record.kind)?;
    let text = |name: &str| record.facts.get(name).and_then(Value::as_str).map(str::to_owned);
    let count = |name: &str| record.facts.get(name).and_then(Value::as_u64).map(number);
    Some(HistoryMark {
        kind,
        at: record.at.to_string(),
        generation: count("generation").unwrap_or_default(),
        fingerprint: text("fingerprint"),
        expires_at: text("expires_at"),
        took_ms: count("took_ms"),
        note: (kind == MarkKind::Failed).then(|| record.message.clone()),
        reason: text("reason"),
    })
}

impl Beside {
    /// Remembers what a record says of tokens; other records leave no mark.
    pub(crate) fn remember(&mut self, at: Timestamp, record: &Record) {
        let Some(kind) = mark_kind(record.kind) else { return };
        let fingerprint = record.fingerprint.map(|fingerprint| fingerprint.to_string());
        // Tokens that are found again are no news.
        let known = self.history.iter().rev().find(|mark| mark.kind != MarkKind::Failed);
        if kind == MarkKind::Adopted && known.is_some_and(|mark| mark.fingerprint == fingerprint) {
            return;
        }
        if self.history.len() >= MAX_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(HistoryMark {
            kind,
            at: at.to_string(),
            generation: number(record.generation.unwrap_or_default()),
            fingerprint,
            expires_at: record.expires_at.map(|at| at.to_string()),
            took_ms: record.took_ms.map(number),
            note: (kind == MarkKind::Failed).then(|| record.message.clone()),
            reason: record.reason.map(str::to_owned),
        });
    }
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
        let many: Vec<_> = (0..500).map(|_| line("work", "renewed", "a")).collect();
        assert_eq!(past(&many, &work).len(), MAX_HISTORY);
    }

    #[test]
    fn tokens_found_again_after_a_start_leave_no_second_mark() {
        let fingerprint = FingerprintKey::new([1; 32]).of("token");
        let work = AccountName::new("work").unwrap();
        let log = [line("work", "renewed", &fingerprint.to_string()), line("work", "renewal_failed", "")];
        let mut beside = Beside { history: past(&log, &work).into(), ..Beside::default() };
        let opened = Record { fingerprint: Some(fingerprint), ..Record::new(Level::Debug, "opened", "m") };
        beside.remember(Timestamp::UNIX_EPOCH, &opened);
        assert_eq!(beside.history.len(), 2);
        let other = FingerprintKey::new([2; 32]).of("token");
        beside.remember(Timestamp::UNIX_EPOCH, &Record { fingerprint: Some(other), ..opened });
        assert_eq!(beside.history.len(), 3);
    }
}
