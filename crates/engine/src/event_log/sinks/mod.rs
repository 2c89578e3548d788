//! The places that records go to beside Latchkey's own file, as the configuration has them.
//!
//! **Invariants:** a place gets records of the log and nothing else, so that no secret reaches it; each has a thread and a
//! queue of its own, and one that blocks, fails or is gone holds up neither a renewal nor another place. What is lost to a
//! place is counted, and told once in Latchkey's own log.

mod datagram;
mod file;
mod otlp;
mod program;
mod queue;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use latchkey_core::text::harmless;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::layer::record_if;
use super::level::is_own;
use super::{EventLog, Filter, Level, LogRecord, WallClock, human};
use crate::config::{LogSink, SinkTo};
use queue::Queue;

/// Takes records in for one place. Works in a thread of its own and may take its time.
trait Sink: Send {
    /// Takes records, oldest first. What is not taken is lost to the place.
    ///
    /// # Errors
    /// What is wrong with the place, in words and without anything that it said.
    fn take(&mut self, records: &[Arc<LogRecord>]) -> Result<(), String>;
}

/// The places, and the filter of each.
pub(super) struct Sinks {
    places: Vec<Place>,
    filter: Filter,
    clock: WallClock,
}

/// One place.
struct Place {
    level: Level,
    accounts: BTreeMap<String, Level>,
    queue: Queue,
}

impl Sinks {
    /// Opens these places. Their troubles are told in `log`.
    pub(super) fn open(configured: &[LogSink], filter: Filter, clock: WallClock, log: &EventLog) -> Self {
        let place = |sink: &LogSink| {
            let collector = matches!(sink.to, SinkTo::Otlp(..));
            // Renewals are measured from `info` on, whatever a collector is to get of the records themselves.
            let at_least = if collector { Level::Info } else { Level::Error };
            let accounts = sink.accounts.iter().map(|(name, level)| (name.clone(), (*level).max(at_least)));
            Place {
                level: sink.level.max(at_least),
                accounts: accounts.collect(),
                queue: Queue::start(&sink.name, opened(sink, &clock), log.teller(), collector),
            }
        };
        Self { places: configured.iter().map(place).collect(), filter, clock }
    }

    /// Waits until each place has got what it was to get, or is given up on.
    pub(super) fn flush(&self) {
        // All of them are asked before one is waited for.
        let waits: Vec<_> = self.places.iter().map(|place| place.queue.flush()).collect();
        for wait in waits {
            let _ = wait.recv_timeout(queue::FLUSH);
        }
    }

    /// The most detailed level that anybody wants.
    fn most(&self) -> Level {
        let wanted = self.places.iter().flat_map(|place| place.accounts.values().chain([&place.level]));
        wanted.copied().chain(self.filter.debugs().then_some(Level::Debug)).max().unwrap_or(Level::Error)
    }
}

impl Place {
    fn wants(&self, record: &LogRecord, own: bool, debugged: bool) -> bool {
        if !own {
            return record.level <= self.level.min(Level::Warn);
        }
        let account = record.account.as_ref();
        let level = account.and_then(|account| self.accounts.get(account)).copied().unwrap_or(self.level);
        record.level <= if debugged { level.max(Level::Debug) } else { level }
    }
}

/// Puts events into the places. Repeats come as they are: what counts and measures wants each of them.
pub struct SinksLayer(pub(super) Arc<Sinks>);

impl<S: Subscriber> Layer<S> for SinksLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let sinks = &*self.0;
        let own = is_own(event.metadata().target());
        let level = Level::from(*event.metadata().level());
        let most = if own { sinks.most() } else { Level::Warn };
        if level > most {
            return;
        }
        let Some(record) = record_if(event, &sinks.clock, |_| true) else { return };
        let debugged = record.account.as_deref().is_some_and(|account| sinks.filter.is_debugged(account));
        let record = Arc::new(record);
        for place in sinks.places.iter().filter(|place| place.wants(&record, own, debugged)) {
            place.queue.push(Arc::clone(&record));
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(tracing::Level::from(self.0.most().max(Level::Warn)).into())
    }
}

fn opened(sink: &LogSink, clock: &WallClock) -> Box<dyn Sink> {
    match &sink.to {
        SinkTo::File(path) => Box::new(file::JsonLines::new(path)),
        SinkTo::Stderr => Box::new(Terminal),
        SinkTo::Journald(socket) => Box::new(datagram::journald(socket)),
        SinkTo::Syslog(socket) => Box::new(datagram::syslog(socket)),
        SinkTo::Otlp(endpoint, signals) => {
            Box::new(otlp::Collector::new(endpoint, signals, (sink.level, sink.accounts.clone()), clock))
        }
        SinkTo::Program(run) => Box::new(program::Reader::new(run.clone(), clock.clone())),
    }
}

/// The terminal.
struct Terminal;

impl Sink for Terminal {
    fn take(&mut self, records: &[Arc<LogRecord>]) -> Result<(), String> {
        let mut lines = String::new();
        for record in records {
            lines.push_str(&human(record));
            lines.push('\n');
        }
        std::io::stderr().write_all(lines.as_bytes()).map_err(|error| error.to_string())
    }
}

/// A name from the configuration, fit for a record.
fn shown(name: &str) -> String {
    harmless(name)
}
