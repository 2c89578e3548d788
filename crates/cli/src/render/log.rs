//! A log record as a line for a person.

use std::fmt::Write as _;

use latchkey_engine::event_log::LogRecord;
use serde_json::Value;

use super::when::When;

/// Facts that the sentence tells, or that mean more to a program.
const LEFT_OUT: [&str; 5] = ["expires_at", "next_at", "reason", "took_ms", "generation"];

/// Time, level, account, sentence, and the facts that tell tokens and causes apart.
pub(crate) fn line(record: &LogRecord, when: &When) -> String {
    let account = record.account.as_deref().unwrap_or("-");
    let mut line = format!("{} {:<5} {account} {}", when.clock(record.at), record.level, record.message);
    for (key, fact) in &record.facts {
        if LEFT_OUT.contains(&key.as_str()) {
            continue;
        }
        let text = match fact {
            Value::String(text) => text.clone(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                fact.to_string()
            }
        };
        // Writing to a text cannot fail.
        let _ = match key.as_str() {
            "fingerprint" => write!(line, "  [{text}]"),
            key => write!(line, "  {key}={text}"),
        };
    }
    line
}

#[cfg(test)]
mod tests {
    use latchkey_engine::event_log::Level;
    use serde_json::json;

    use super::super::when::tests::{at, noon};
    use super::*;

    #[test]
    fn a_record_is_one_line_with_its_fingerprint() {
        let facts =
            [("fingerprint", json!("3f2a·91bc·04d7")), ("took_ms", json!(41)), ("status", json!(200))];
        let mut record = LogRecord {
            seq: 1,
            at: at("2026-11-20T11:59:58Z"),
            level: Level::Info,
            account: Some("demo".into()),
            kind: "renewed".into(),
            message: "Renewed in 41 ms".into(),
            facts: facts.into_iter().map(|(key, fact)| (key.to_owned(), fact)).collect(),
        };
        insta::assert_snapshot!(line(&record, &noon()), @"13:59:58 info  demo Renewed in 41 ms  [3f2a·91bc·04d7]  status=200");
        record.account = None;
        record.at = at("2026-11-19T11:59:58Z");
        insta::assert_snapshot!(line(&record, &noon()), @"2026-11-19 13:59:58 info  - Renewed in 41 ms  [3f2a·91bc·04d7]  status=200");
    }
}
