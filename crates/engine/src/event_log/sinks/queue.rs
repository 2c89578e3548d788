//! What waits for a place, the thread that brings it there, and what is told when it does not get there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use super::super::{Level, LogRecord, Teller};
use super::{Sink, shown};

/// How many records may wait for a place.
pub(super) const WAITING: usize = 2_000;

/// How many are brought there together.
const TOGETHER: usize = 64;

/// How long nothing must come before what was gathered is sent.
const GATHER: Duration = Duration::from_millis(500);

/// How long the end of a process waits for a place that hangs.
pub(super) const FLUSH: Duration = Duration::from_secs(2);

/// The way to a place.
pub(super) struct Queue {
    orders: Sender<Order>,
    state: Arc<State>,
    teller: Teller,
}

/// What is known of a place.
struct State {
    name: String,
    waiting: AtomicUsize,
    lost: AtomicU64,
    /// Whether it was told that it does not keep up or does not work.
    told: AtomicBool,
}

enum Order {
    Record(Arc<LogRecord>),
    Flush(SyncSender<()>),
}

impl Queue {
    /// Starts the place's thread, which ends with the queue. `gathers` is whether records are gathered for a moment, so
    /// that they go there together.
    pub(super) fn start(name: &str, sink: Box<dyn Sink>, teller: Teller, gathers: bool) -> Self {
        let (orders, inbox) = channel();
        let state = Arc::new(State {
            name: shown(name),
            waiting: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            told: AtomicBool::new(false),
        });
        let mut work = Work { sink, state: state.clone(), teller: teller.clone(), gathers };
        let thread = std::thread::Builder::new().name("log-sink".to_owned());
        if let Err(error) = thread.spawn(move || work.run(&inbox)) {
            state.fails(&teller, &error.to_string());
        }
        Self { orders, state, teller }
    }

    /// Hands a record over. Never waits.
    pub(super) fn push(&self, record: Arc<LogRecord>) {
        if self.state.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING
            || self.orders.send(Order::Record(record)).is_err()
        {
            self.state.waiting.fetch_sub(1, Ordering::Relaxed);
            self.state.lost.fetch_add(1, Ordering::Relaxed);
            self.state.fails(&self.teller, "it does not keep up");
        }
    }

    /// Asks for all that was handed over to be brought there. The receiver hears when that is done.
    pub(super) fn flush(&self) -> Receiver<()> {
        let (done, wait) = sync_channel(1);
        let _ = self.orders.send(Order::Flush(done));
        wait
    }
}

impl State {
    /// Tells that records are lost, once until it works again.
    fn fails(&self, teller: &Teller, why: &str) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let message = format!("The log does not get to `{}`: {why}. What does not is counted", self.name);
            teller.tell(Level::Warn, "log_sink_fails", &message);
        }
    }

    fn works(&self, teller: &Teller) {
        if self.told.swap(false, Ordering::Relaxed) {
            let lost = self.lost.swap(0, Ordering::Relaxed);
            let message = format!("The log gets to `{}` again; {lost} records did not", self.name);
            teller.tell(Level::Info, "log_sink_works", &message);
        }
    }
}

struct Work {
    sink: Box<dyn Sink>,
    state: Arc<State>,
    teller: Teller,
    gathers: bool,
}

impl Work {
    fn run(&mut self, inbox: &Receiver<Order>) {
        while let Ok(first) = inbox.recv() {
            let (mut records, mut flushes) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(order) = next.take() {
                match order {
                    Order::Record(record) => records.push(record),
                    Order::Flush(done) => flushes.push(done),
                }
                if records.len() >= TOGETHER {
                    break;
                }
                next = if self.gathers && flushes.is_empty() {
                    inbox.recv_timeout(GATHER).ok()
                } else {
                    inbox.try_recv().ok()
                };
            }
            self.bring(&records);
            for done in flushes {
                let _ = done.send(());
            }
        }
    }

    fn bring(&mut self, records: &[Arc<LogRecord>]) {
        if records.is_empty() {
            return;
        }
        let taken = self.sink.take(records);
        self.state.waiting.fetch_sub(records.len(), Ordering::Relaxed);
        match taken {
            Ok(()) => self.state.works(&self.teller),
            Err(why) => {
                self.state.lost.fetch_add(records.len() as u64, Ordering::Relaxed);
                self.state.fails(&self.teller, &why);
            }
        }
    }
}
