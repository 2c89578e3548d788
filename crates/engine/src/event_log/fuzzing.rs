//! Log files of any bytes: what is read of them is harmless, bounded, and the same however they arrive.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

use super::LogRecord;
use super::file::files;
use super::tail::read_tail;
use crate::fuzzing::assert_harmless;

/// The longest text of a record, in characters: what `record` keeps, and the sign that some is gone.
const LONGEST: usize = 2_001;

/// What stands in `events.jsonl`: read at once, and followed while it is written.
pub fn log(input: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let [newest, ..] = files(folder.path());
    fs::write(&newest, input).unwrap();
    let whole = read_tail(folder.path(), usize::MAX).unwrap();
    for record in &whole.records {
        is_harmless(record);
        assert!(
            LogRecord::from_line(&record.to_line(), record.seq).as_ref() == Some(record),
            "{}",
            record.to_line()
        );
    }
    let last = read_tail(folder.path(), 2).unwrap().records;
    assert!(
        last.len() <= 2
            && last.iter().rev().zip(whole.records.iter().rev()).all(|(one, other)| same(one, other))
    );
    is_the_same_in_pieces(folder.path(), input, &whole.records, whole.skipped);
}

fn is_harmless(record: &LogRecord) {
    let facts = record.facts.iter().map(|(key, value)| (key.as_str(), value));
    let texts = facts.flat_map(|(key, value)| [Some(key), value.as_str()]).flatten();
    let own = [Some(record.kind.as_str()), Some(record.message.as_str()), record.account.as_deref()];
    for text in texts.chain(own.into_iter().flatten()) {
        assert_harmless(text);
        assert!(text.chars().count() <= LONGEST, "{} characters", text.chars().count());
        let jwt = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .find(|run| run.starts_with("eyJ") && run.len() > 24);
        assert!(jwt.is_none(), "a token is in the log: {text}");
    }
    assert!(record.facts.len() <= 32);
    assert!(
        record.facts.values().all(|value| !matches!(value, Value::Null | Value::Array(_) | Value::Object(_)))
    );
}

/// Whoever follows the file sees what whoever reads all of it sees, wherever it was cut.
fn is_the_same_in_pieces(folder: &Path, input: &[u8], records: &[LogRecord], skipped: u64) {
    let [newest, ..] = files(folder);
    let cut = input.len() / 2;
    fs::write(&newest, &input[..cut]).unwrap();
    let mut tail = read_tail(folder, usize::MAX).unwrap();
    let mut seen = tail.records;
    OpenOptions::new().append(true).open(&newest).unwrap().write_all(&input[cut..]).unwrap();
    seen.extend(tail.follower.poll().unwrap());
    assert!(seen.len() == records.len() && seen.iter().zip(records).all(|(one, other)| same(one, other)));
    assert_eq!(tail.skipped + tail.follower.skipped, skipped);
}

/// Leaving the number aside, which counts from wherever reading began.
fn same(one: &LogRecord, other: &LogRecord) -> bool {
    LogRecord { seq: 0, ..one.clone() } == LogRecord { seq: 0, ..other.clone() }
}
