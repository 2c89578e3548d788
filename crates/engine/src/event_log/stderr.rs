//! The log as a person reads it in a terminal: a line for each record.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Mutex;

use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::layer::record;
use super::{Filter, LogRecord, WallClock, lock};

/// Writes records to stderr as they come, repeats included.
pub struct StderrLayer {
    filter: Filter,
    clock: WallClock,
    to: Mutex<Box<dyn Write + Send>>,
}

impl StderrLayer {
    /// Writes what the filter keeps.
    pub fn new(filter: Filter, clock: WallClock) -> Self {
        Self::writing_to(filter, clock, Box::new(io::stderr()))
    }

    /// The same, to somewhere else.
    pub fn writing_to(filter: Filter, clock: WallClock, to: Box<dyn Write + Send>) -> Self {
        Self { filter, clock, to: Mutex::new(to) }
    }
}

impl<S: Subscriber> Layer<S> for StderrLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Some(record) = record(event, &self.filter, &self.clock) {
            let line = human(&record) + "\n";
            // A terminal that is gone is no reason to stop working.
            let _ = lock(&self.to).write_all(line.as_bytes());
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter.most())
    }
}

/// A record as one line: time (UTC), level, account, kind, sentence, facts.
pub fn human(record: &LogRecord) -> String {
    let mut line = format!("{:.3} {:<5} ", record.at, record.level);
    if let Some(account) = &record.account {
        let _ = write!(line, "{account} ");
    }
    let _ = write!(line, "{}: {}", record.kind, record.message);
    for (key, fact) in &record.facts {
        let _ = match fact {
            Value::String(text) if !text.contains([' ', '"', '=']) => write!(line, " {key}={text}"),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {
                write!(line, " {key}={fact}")
            }
            Value::Array(_) | Value::Object(_) => Ok(()),
        };
    }
    line
}
