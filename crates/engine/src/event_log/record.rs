//! One record, and the line it is in the file.

use std::collections::BTreeMap;

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::text::masked;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Level;

/// The longest text of a record, in characters.
const MAX_TEXT: usize = 2_000;

/// How many facts a record may have.
const MAX_FACTS: usize = 32;

/// The members of a line that are no facts.
const OWN: [&str; 6] = ["seq", "at", "level", "account", "kind", "message"];

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LogRecord {
    /// Its number: one more than the record before it in this log.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub seq: u64,
    /// When it happened.
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// The account it is about.
    pub account: Option<String>,
    /// What happened, as a stable name (`renewed`).
    pub kind: String,
    /// The same in a sentence.
    pub message: String,
    /// What else is known of it: texts, numbers, yes or no.
    #[cfg_attr(feature = "bindings", specta(type = BTreeMap<String, Fact>))]
    pub facts: BTreeMap<String, Value>,
}

/// What a fact may be, spelled out for the bindings.
#[cfg(feature = "bindings")]
#[derive(Serialize, specta::Type)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its type is exported")]
enum Fact {
    Text(String),
    Number(u32),
    Flag(bool),
}

impl LogRecord {
    /// The record as a line of the file, without the line's end: facts stand beside the other members.
    pub(super) fn to_line(&self) -> String {
        let mut line = serde_json::Map::new();
        line.insert("at".to_owned(), self.at.to_string().into());
        line.insert("level".to_owned(), self.level.as_str().into());
        if let Some(account) = &self.account {
            line.insert("account".to_owned(), account.as_str().into());
        }
        line.insert("kind".to_owned(), self.kind.as_str().into());
        line.insert("message".to_owned(), self.message.as_str().into());
        for (key, fact) in &self.facts {
            line.entry(key.as_str()).or_insert_with(|| fact.clone());
        }
        Value::Object(line).to_string()
    }

    /// The record a line holds; nothing if it holds none. Its texts are made harmless again: anyone may have
    /// written the file.
    pub(super) fn from_line(line: &str, seq: u64) -> Option<Self> {
        let Value::Object(mut line) = serde_json::from_str(line).ok()? else { return None };
        let mut text = |key: &str| match line.remove(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let at = text("at")?.parse().ok()?;
        let level = text("level")?.parse().ok()?;
        let account = text("account").map(|name| plain(&name));
        let (kind, message) = (plain(&text("kind")?), plain(&text("message")?));
        let mut facts = BTreeMap::new();
        for (key, value) in line {
            add_fact(&mut facts, &key, value);
        }
        Some(Self { seq, at, level, account, kind, message, facts })
    }
}

/// How records call an account: by its name, masked like every text. A short token could pass for a name, so
/// none is let through unmasked; whoever filters by account compares with this.
pub fn account_label(account: &AccountName) -> String {
    plain(account.as_str())
}

/// Adds a fact, made harmless. Lists, tables and nothing are no facts.
pub(super) fn add_fact(facts: &mut BTreeMap<String, Value>, key: &str, value: Value) {
    if facts.len() >= MAX_FACTS {
        return;
    }
    let value = match value {
        Value::String(text) => Value::String(plain(&text)),
        Value::Number(_) | Value::Bool(_) => value,
        Value::Null | Value::Array(_) | Value::Object(_) => return,
    };
    let mut key = plain(key);
    if OWN.contains(&key.as_str()) {
        key.push('_');
    }
    facts.insert(key, value);
}

/// A text without what draws on a terminal, breaks a line or looks like a token, and of bounded length.
pub(crate) fn plain(text: &str) -> String {
    masked(text.chars().map(|c| if draws(c) { ' ' } else { c }), MAX_TEXT)
}

/// Control characters, line separators, and what changes the direction of writing (Unicode Annex 9).
fn draws(c: char) -> bool {
    let turns =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_line_holds_facts_beside_the_rest_and_reads_back_the_same() {
        let facts =
            [("generation", json!(3)), ("online", json!(true)), ("fingerprint", json!("3f2a·91bc·04d7"))];
        let record = LogRecord {
            seq: 7,
            at: "2026-11-20T14:42:10Z".parse().unwrap(),
            level: Level::Info,
            account: Some("demo".to_owned()),
            kind: "renewed".to_owned(),
            message: "renewed in 12 ms".to_owned(),
            facts: facts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        };
        insta::assert_snapshot!(record.to_line(), @r#"{"at":"2026-11-20T14:42:10Z","level":"info","account":"demo","kind":"renewed","message":"renewed in 12 ms","fingerprint":"3f2a·91bc·04d7","generation":3,"online":true}"#);
        assert_eq!(LogRecord::from_line(&record.to_line(), 7), Some(record));
    }

    #[test]
    fn a_fact_cannot_take_the_place_of_what_every_record_has() {
        let mut facts = BTreeMap::new();
        for key in OWN {
            add_fact(&mut facts, key, json!("x"));
        }
        assert!(facts.keys().all(|key| key.ends_with('_')), "{facts:?}");
    }

    #[test]
    fn a_text_that_could_break_the_line_or_hold_a_token_is_made_harmless() {
        assert_eq!(plain("a\r\nb\u{1b}[31m\u{9b}2J\u{202e}\u{2028}c"), "a  b [31m 2J  c");
        assert!(!plain("got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln").contains("eyJ"));
        assert_eq!(plain(&"word ".repeat(1000)).chars().count(), MAX_TEXT + 1);
    }

    #[test]
    fn an_account_is_called_by_its_name_unless_that_could_be_a_token() {
        let label = |name: &str| account_label(&AccountName::new(name).unwrap());
        assert_eq!(label("work-2.eu"), "work-2.eu");
        assert_eq!(label("customer-portal-production"), "customer-portal-production");
        assert_eq!(label("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.x"), "[37 characters masked]");
    }

    #[test]
    fn lines_of_another_kind_are_no_records() {
        for line in ["", "{", "[]", "null", "{}", r#"{"at":"now","level":"info","kind":"k","message":"m"}"#] {
            assert_eq!(LogRecord::from_line(line, 1), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_one_line_that_reads_back(message in "\\PC*|.{0,50}", key in ".{0,10}", value in ".{0,50}") {
            let mut record = LogRecord::note(Level::Warn, Timestamp::UNIX_EPOCH, "k", plain(&message));
            add_fact(&mut record.facts, &key, json!(value));
            let line = record.to_line();
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(LogRecord::from_line(&line, 0), Some(record));
        }
    }
}
