//! From `tracing` events to records.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;

use latchkey_core::text::foreign;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::level::is_own;
use super::record::{add_fact, plain};
use super::{EventLog, Filter, Level, LogRecord, WallClock};

/// Puts events into the [`EventLog`] it was opened with.
pub struct EventLogLayer {
    log: EventLog,
}

impl EventLogLayer {
    pub(super) fn new(log: EventLog) -> Self {
        Self { log }
    }
}

impl<S: Subscriber> Layer<S> for EventLogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Some(record) = record(event, &self.log.0.filter, &self.log.0.clock) {
            self.log.add(&record);
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.log.0.filter.most())
    }
}

/// The record of an event, if the filter keeps it.
pub(super) fn record(event: &Event<'_>, filter: &Filter, clock: &WallClock) -> Option<LogRecord> {
    let kept = filter.keeps(event.metadata());
    if !kept && !filter.may_be_debugged(event.metadata()) {
        return None;
    }
    record_if(event, clock, |account| kept || account.is_some_and(|account| filter.is_debugged(account)))
}

/// The record of an event, if its account is one that is wanted.
pub(super) fn record_if(
    event: &Event<'_>,
    clock: &WallClock,
    wanted: impl FnOnce(Option<&str>) -> bool,
) -> Option<LogRecord> {
    let own = is_own(event.metadata().target());
    let mut fields =
        Fields { own, account: None, kind: None, message: String::new(), facts: BTreeMap::new() };
    event.record(&mut fields);
    if !wanted(fields.account.as_deref()) {
        return None;
    }
    if !own {
        fields.put("library", event.metadata().target().into());
    }
    Some(LogRecord {
        seq: 0,
        at: clock(),
        level: Level::from(*event.metadata().level()),
        account: fields.account,
        kind: fields.kind.unwrap_or_else(|| if own { "event" } else { "library" }.to_owned()),
        message: fields.message,
        facts: fields.facts,
    })
}

struct Fields {
    own: bool,
    account: Option<String>,
    kind: Option<String>,
    message: String,
    facts: BTreeMap<String, Value>,
}

impl Fields {
    fn put(&mut self, name: &str, value: Value) {
        // What another crate says may come from a server; a field it calls `account` is none of ours.
        let value = match value {
            Value::String(text) if !self.own => Value::String(foreign(&text)),
            Value::String(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => value,
        };
        match (name, value) {
            ("message", Value::String(text)) => self.message = plain(&text),
            ("account", Value::String(text)) if self.own => self.account = Some(plain(&text)),
            ("kind", Value::String(text)) if self.own => self.kind = Some(plain(&text)),
            (name, value) => add_fact(&mut self.facts, name, value),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        let number = serde_json::Number::from_f64(value);
        self.put(field.name(), number.map_or_else(|| value.to_string().into(), Value::Number));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field.name(), value.to_string().into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field.name(), format!("{value:?}").into());
    }
}
