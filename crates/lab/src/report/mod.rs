//! What came of a lab run, for people, programs and CI.

mod html;
mod junit;
mod lifeline;

use serde::Serialize;

use crate::runner::Outcome;
pub use html::html;
pub use junit::junit;
pub use lifeline::lifeline;

/// A whole lab run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this form.
    pub version: u32,
    /// The program that made it, and its version.
    pub made_by: String,
    /// When it was made (RFC 3339, UTC).
    pub made_at: String,
    /// Against what the scenarios were played, in words.
    pub against: String,
    /// What came of each.
    pub outcomes: Vec<Outcome>,
}

/// The version of the form a report has.
pub const VERSION: u32 = 1;

impl Report {
    /// A report of these outcomes.
    pub fn new(made_at: jiff::Timestamp, against: String, outcomes: Vec<Outcome>) -> Self {
        let made_by = format!("Latchkey {}", env!("CARGO_PKG_VERSION"));
        Self { version: VERSION, made_by, made_at: format!("{made_at:.0}"), against, outcomes }
    }

    /// How many passed, failed and were not played.
    pub fn counts(&self) -> (usize, usize, usize) {
        let skipped = self.outcomes.iter().filter(|outcome| outcome.skipped.is_some()).count();
        let failed = self.outcomes.iter().filter(|outcome| !outcome.passed()).count();
        (self.outcomes.len().saturating_sub(skipped + failed), failed, skipped)
    }

    /// Whether nobody did anything wrong.
    pub fn passed(&self) -> bool {
        self.outcomes.iter().all(Outcome::passed)
    }
}

/// A text as it stands in HTML and XML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML 1.0 §2.2 has no place for other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// A stretch of time in the scenario's own time.
fn in_words(ms: i32) -> String {
    if ms < 1000 {
        return "at once".to_owned();
    }
    latchkey_core::policy::in_words(jiff::SignedDuration::from_millis(ms.into()))
}

#[cfg(test)]
mod tests;
