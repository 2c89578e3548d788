//! Reads the event log of the app as it grows: JSON lines `{"at","level","account","kind","message",…}`.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// What a person wants to see of a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) at: String,
    pub(crate) level: String,
    pub(crate) account: Option<String>,
    pub(crate) kind: String,
    pub(crate) message: String,
}

impl Event {
    /// Reads one line; `None` for one that is no record.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            at: text("at").unwrap_or_default(),
            level: text("level").unwrap_or_default(),
            account: text("account"),
            kind: text("kind")?,
            message: text("message").unwrap_or_default(),
        })
    }

    /// Whether it tells of a change of a session, or of something gone wrong.
    pub(crate) fn is_news(&self) -> bool {
        const KINDS: [&str; 5] = ["state", "signed_in", "renewed", "signed_out", "needs_sign_in"];
        KINDS.contains(&self.kind.as_str()) || self.is_trouble()
    }

    pub(crate) fn is_trouble(&self) -> bool {
        matches!(self.level.to_lowercase().as_str(), "warn" | "warning" | "error")
    }

    /// As one line: `12:00:03  demo  renewed  generation 2 …`.
    pub(crate) fn shown(&self) -> String {
        // The time of day out of RFC 3339, without the fraction.
        let time = self.at.split_once('T').map_or(self.at.as_str(), |(_, time)| time);
        let time = time.get(..8).unwrap_or(time);
        let account = self.account.as_deref().unwrap_or("-");
        let mark = if self.is_trouble() { "! " } else { "" };
        format!("  {time}  {account}  {mark}{:<10}  {}", self.kind, self.message)
    }
}

/// Follows a file of lines which may not be there yet.
pub(crate) struct Follower {
    path: PathBuf,
    read_to: u64,
    partial: Vec<u8>,
}

impl Follower {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, read_to: 0, partial: Vec::new() }
    }

    /// The records that were completed since the last look.
    pub(crate) fn news(&mut self) -> Result<Vec<Event>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", self.path.display())),
        };
        if file.metadata()?.len() < self.read_to {
            // The app began a new file.
            self.read_to = 0;
            self.partial.clear();
        }
        file.seek(SeekFrom::Start(self.read_to))?;
        let mut bytes = Vec::new();
        self.read_to += u64::try_from(file.read_to_end(&mut bytes)?)?;
        Ok(complete_lines(&mut self.partial, &bytes).iter().filter_map(|line| Event::read(line)).collect())
    }
}

/// Adds `bytes` to what is left of the last look and takes out the lines that are whole.
fn complete_lines(partial: &mut Vec<u8>, bytes: &[u8]) -> Vec<String> {
    partial.extend(bytes);
    let Some(end) = partial.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
    let rest = partial.split_off(end + 1);
    let whole = std::mem::replace(partial, rest);
    String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const RENEWED: &str = r#"{"at":"2030-01-02T12:00:03.25Z","level":"info","account":"demo","kind":"renewed","message":"generation 2","generation":2}"#;

    #[test]
    fn a_record_is_read_and_shown() {
        let event = Event::read(RENEWED).unwrap();
        assert!(event.is_news() && !event.is_trouble());
        assert_eq!(event.shown(), "  12:00:03  demo  renewed     generation 2");
    }

    #[test]
    fn what_is_no_record_is_passed_over() {
        for line in ["", "{", "[]", "null", r#"{"message":"no kind"}"#, r#"{"kind":7}"#] {
            assert_eq!(Event::read(line), None, "{line}");
        }
    }

    #[test]
    fn trouble_is_news_whatever_its_kind() {
        let event = Event::read(r#"{"level":"warn","kind":"http"}"#).unwrap();
        assert!(event.is_news());
        assert_eq!(event.shown(), "    -  ! http        ");
        assert!(!Event::read(r#"{"level":"debug","kind":"http"}"#).unwrap().is_news());
    }

    #[test]
    fn a_torn_line_is_kept_until_it_is_whole() {
        let mut partial = Vec::new();
        assert!(complete_lines(&mut partial, b"one").is_empty());
        assert_eq!(complete_lines(&mut partial, b" line\ntwo\nthr"), ["one line", "two"]);
        assert_eq!(complete_lines(&mut partial, b"ee\n"), ["three"]);
        assert!(partial.is_empty());
    }

    #[test]
    fn a_file_is_followed_from_before_it_is_there_and_through_a_new_start() {
        let path = std::env::temp_dir().join(format!("latchkey-xtask-events-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut follower = Follower::new(path.clone());
        assert!(follower.news().unwrap().is_empty());
        let mut file = File::create(&path).unwrap();
        writeln!(file, "{RENEWED}\n{RENEWED}").unwrap();
        assert_eq!(follower.news().unwrap().len(), 2);
        assert!(follower.news().unwrap().is_empty());
        std::fs::write(&path, format!("{RENEWED}\n")).unwrap();
        assert_eq!(follower.news().unwrap().len(), 1);
        std::fs::remove_file(path).unwrap();
    }
}
