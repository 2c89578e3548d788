//! The thread that writes the file, so that nobody waits for the disk.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::file::append;
use super::memory::Memory;
use super::record::plain;
use super::{Level, LogRecord, WallClock, lock};

/// How much may wait for the disk, in bytes. More is lost to the file, not to memory.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// When a file that could not be written is tried again.
const TRY_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// How long a flush and the end wait for a disk that hangs.
const FLUSH: Duration = Duration::from_secs(5);

/// The writing thread's other end. Dropping it ends the thread and waits for that: nothing is written, and no folder made,
/// behind the back of whoever has let go of the log.
pub(super) struct Writer {
    orders: Sender<Order>,
    waiting: Arc<Waiting>,
}

#[derive(Default)]
struct Waiting {
    bytes: AtomicUsize,
    lost: AtomicUsize,
}

enum Order {
    Line(Arc<str>),
    Flush(SyncSender<bool>),
    End(SyncSender<bool>),
}

impl Writer {
    pub(super) fn start(dir: &Path, clock: &WallClock, memory: &Arc<Mutex<Memory>>) -> Self {
        let (orders, inbox) = channel();
        let waiting = Arc::new(Waiting::default());
        let mut work = Work {
            dir: dir.to_path_buf(),
            clock: Arc::clone(clock),
            memory: Arc::clone(memory),
            waiting: Arc::clone(&waiting),
            backlog: VecDeque::new(),
            broken_since: None,
        };
        let thread = std::thread::Builder::new().name("event-log".to_owned());
        if let Err(error) = thread.spawn(move || work.run(&inbox)) {
            let message = format!("the event log is not written to a file: {error}");
            let note = LogRecord::note(Level::Warn, clock(), "log_unwritable", message);
            lock(memory).push(note.to_line().into());
        }
        Self { orders, waiting }
    }

    /// Hands a line over. Never waits.
    pub(super) fn write(&self, line: Arc<str>) {
        let length = line.len();
        if self.waiting.bytes.fetch_add(length, Ordering::Relaxed) >= MAX_WAITING
            || self.orders.send(Order::Line(line)).is_err()
        {
            self.waiting.bytes.fetch_sub(length, Ordering::Relaxed);
            self.waiting.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all that was handed over is in the file; says whether it is.
    pub(super) fn flush(&self) -> bool {
        self.ask(Order::Flush)
    }

    fn ask(&self, order: impl FnOnce(SyncSender<bool>) -> Order) -> bool {
        let (done, wait) = sync_channel(1);
        self.orders.send(order(done)).is_ok() && wait.recv_timeout(FLUSH) == Ok(true)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.ask(Order::End);
    }
}

struct Work {
    dir: PathBuf,
    clock: WallClock,
    memory: Arc<Mutex<Memory>>,
    waiting: Arc<Waiting>,
    /// Not in the file yet; counted in `waiting` like what is still on its way here.
    backlog: VecDeque<Arc<str>>,
    broken_since: Option<Timestamp>,
}

impl Work {
    fn run(&mut self, inbox: &Receiver<Order>) {
        while let Ok(first) = inbox.recv() {
            let (mut flushes, mut ends) = (Vec::new(), false);
            for order in std::iter::once(first).chain(inbox.try_iter().take(1_000)) {
                match order {
                    Order::Line(line) => self.backlog.push_back(line),
                    Order::Flush(done) => flushes.push(done),
                    // The last of all orders: whoever gives it has let go of this.
                    Order::End(done) => {
                        flushes.push(done);
                        ends = true;
                    }
                }
            }
            let now = (self.clock)();
            // A clock that was set back counts as time gone by.
            let lately =
                |since: Timestamp| (SignedDuration::ZERO..TRY_AGAIN).contains(&now.duration_since(since));
            let due = !self.broken_since.is_some_and(lately);
            if due || !flushes.is_empty() {
                self.write(now);
            }
            for done in flushes {
                let _ = done.send(self.backlog.is_empty());
            }
            if ends {
                return;
            }
        }
    }

    fn write(&mut self, now: Timestamp) {
        self.count_the_lost(now);
        let lines = self.backlog.make_contiguous();
        let (written, result) = append(&self.dir, lines);
        let bytes = self.backlog.drain(..written).map(|line| line.len()).sum();
        self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
        match result {
            Err(error) => {
                if self.broken_since.is_none() {
                    let message = format!(
                        "the event log cannot be written to {}: {error}; it is kept in memory and tried again every {} s",
                        self.dir.display(),
                        TRY_AGAIN.as_secs()
                    );
                    self.say(&LogRecord::note(Level::Warn, now, "log_unwritable", plain(&message)));
                }
                self.broken_since = Some(now);
            }
            Ok(()) => {
                if self.broken_since.take().is_some() {
                    let message = "the event log can be written again".to_owned();
                    self.say(&LogRecord::note(Level::Info, now, "log_writable", message));
                }
            }
        }
    }

    /// Says in the file what is missing there, once there is room for it.
    fn count_the_lost(&mut self, now: Timestamp) {
        let room = self.waiting.bytes.load(Ordering::Relaxed) < MAX_WAITING;
        let lost = if room { self.waiting.lost.swap(0, Ordering::Relaxed) } else { 0 };
        if lost > 0 {
            let message =
                format!("{lost} records are missing here: they came faster than the disk took them");
            let note = LogRecord::note(Level::Warn, now, "log_records_lost", message);
            let line: Arc<str> = note.to_line().into();
            self.waiting.bytes.fetch_add(line.len(), Ordering::Relaxed);
            self.backlog.push_back(line);
        }
    }

    fn say(&self, note: &LogRecord) {
        lock(&self.memory).push(note.to_line().into());
    }
}
