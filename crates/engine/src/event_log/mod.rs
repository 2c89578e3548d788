//! What happened, for a person who asks later: in memory for the window, in a file for the terminal.
//!
//! Everything is written through `tracing`; a layer makes records of it. **Invariants:** a record holds texts,
//! numbers and yes or no, each text masked, so that no token gets in; writing a record never waits for the
//! disk and never fails; neither memory nor file grows without bound, however long an outage lasts.

mod emit;
mod file;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod layer;
mod level;
mod memory;
mod record;
mod repeats;
mod sinks;
mod stderr;
mod tail;
mod writer;

#[cfg(test)]
mod tests;

pub use emit::emit;
pub use layer::EventLogLayer;
pub use level::{BadLevel, Filter, LOG_VARIABLE, Level};
pub(crate) use record::plain as harmless;
pub use record::{LogRecord, account_label};
pub use sinks::SinksLayer;
pub use stderr::{StderrLayer, human};
pub use tail::{Follower, Tail, read_tail};

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::config::{AccountConfig, LogSink, SinkTo};
use memory::Memory;
use repeats::{Repeats, Verdict};
use sinks::Sinks;
use writer::Writer;

/// Tells the wall clock's time: the log reads none itself.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The log of this process. A clone is another handle to the same log.
#[derive(Clone)]
pub struct EventLog(Arc<Inner>);

struct Inner {
    filter: Filter,
    clock: WallClock,
    memory: Arc<Mutex<Memory>>,
    repeats: Mutex<Repeats>,
    writer: Writer,
    sinks: OnceLock<Arc<Sinks>>,
}

impl EventLog {
    /// Opens the log whose files lie in a folder.
    ///
    /// It always opens: where the folder cannot be written, that is said once in memory, and tried again later.
    pub fn open(dir: &Path, filter: Filter, clock: WallClock) -> (Self, EventLogLayer) {
        let memory = Arc::new(Mutex::new(Memory::new()));
        let writer = Writer::start(dir, &clock, &memory);
        let (repeats, sinks) = (Mutex::default(), OnceLock::new());
        let log = Self(Arc::new(Inner { filter, clock, memory, repeats, writer, sinks }));
        (log.clone(), EventLogLayer::new(log))
    }

    /// Opens more places for records. `shown` is whether the terminal shows them already. Done once, at the start.
    pub fn to_sinks(&self, configured: &[LogSink], shown: bool) -> Option<SinksLayer> {
        let wanted = configured.iter().filter(|sink| !shown || sink.to != SinkTo::Stderr);
        let wanted: Vec<_> = wanted.cloned().collect();
        if wanted.is_empty() {
            return None;
        }
        let open = || Arc::new(Sinks::open(&wanted, self.0.filter.clone(), self.0.clock.clone(), self));
        Some(SinksLayer(self.0.sinks.get_or_init(open).clone()))
    }

    /// What tells here what is wrong with a place.
    fn teller(&self) -> Teller {
        Teller(Arc::downgrade(&self.0))
    }

    /// Up to `limit` records that came after the one with this number, oldest first.
    ///
    /// Where the numbers do not go on from `seq`, the records between have been forgotten.
    pub fn since(&self, seq: u64, limit: usize) -> Vec<LogRecord> {
        let found = lock(&self.0.memory).since(seq, limit);
        found.iter().filter_map(|(seq, line)| LogRecord::from_line(line, *seq)).collect()
    }

    /// The last `count` records, oldest first.
    pub fn last(&self, count: usize) -> Vec<LogRecord> {
        let newest = lock(&self.0.memory).last_seq();
        self.since(newest.saturating_sub(count as u64), count)
    }

    /// The number of the last record, now and whenever one is added. Zero before the first.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        lock(&self.0.memory).subscribe()
    }

    /// From which level on Latchkey's own records are kept.
    pub fn level(&self) -> Level {
        self.0.filter.level()
    }

    /// Changes that for the whole process.
    pub fn set_level(&self, level: Level) {
        self.0.filter.set_level(level);
    }

    /// Keeps the records of accounts with `debug = true` from `debug` on, and of no others.
    pub fn debug(&self, accounts: &[AccountConfig]) {
        let debugged = accounts.iter().filter(|account| account.debug);
        self.0.filter.set_debugged(debugged.map(|account| account.name.to_string()));
    }

    /// Writes what waits to the file. Returns whether it is written; a hanging disk is given up on.
    pub fn flush(&self) -> bool {
        let counted = lock(&self.0.repeats).drain((self.0.clock)());
        for record in counted {
            self.store(&record);
        }
        if let Some(sinks) = self.0.sinks.get() {
            sinks.flush();
        }
        self.0.writer.flush()
    }

    /// Takes a record in, unless it repeats what has been said often enough.
    fn add(&self, record: &LogRecord) {
        let (counted, verdict) = lock(&self.0.repeats).judge(record);
        for summary in &counted {
            self.store(summary);
        }
        if verdict == Verdict::Say {
            self.store(record);
        }
    }

    fn store(&self, record: &LogRecord) {
        let line: Arc<str> = record.to_line().into();
        // Memory and file get their records in the same order.
        let mut memory = lock(&self.0.memory);
        memory.push(Arc::clone(&line));
        self.0.writer.write(line);
    }
}

/// Tells something in the log and nowhere else.
#[derive(Clone)]
struct Teller(Weak<Inner>);

impl Teller {
    fn tell(&self, level: Level, kind: &str, message: &str) {
        if let Some(log) = self.0.upgrade().map(EventLog) {
            log.add(&LogRecord::note(level, (log.0.clock)(), kind, harmless(message)));
        }
    }
}

impl LogRecord {
    fn note(level: Level, at: Timestamp, kind: &str, message: String) -> Self {
        Self { seq: 0, at, level, account: None, kind: kind.to_owned(), message, facts: BTreeMap::new() }
    }
}

/// A record is either in or not: a panic elsewhere leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
