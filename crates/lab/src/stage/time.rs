//! One clock for both sides, moved by hand.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use latchkey_engine::clock::ManualClock;
use latchkey_engine::config::Url;
use latchkey_engine::ports::{Clock as _, Network};
use tokio::sync::watch;

/// The backend's clock: the client's, except that nobody sets it.
pub struct ServerClock {
    clock: ManualClock,
    /// What the wall clock showed at the boot time that goes with it, before anybody set it.
    start: (Timestamp, SignedDuration),
    sleepers: watch::Sender<usize>,
}

impl ServerClock {
    /// The clock of a backend beside a client with this one.
    pub fn beside(clock: ManualClock) -> Self {
        let now = clock.now();
        Self { clock, start: (now.wall, now.boot), sleepers: watch::Sender::new(0) }
    }

    /// How many requests wait for time to pass.
    pub fn sleepers(&self) -> watch::Receiver<usize> {
        self.sleepers.subscribe()
    }

    fn wall(&self) -> Timestamp {
        let since = self.clock.now().boot.saturating_sub(self.start.1);
        self.start.0.checked_add(since).unwrap_or(self.start.0)
    }
}

impl latchkey_devserver::Clock for ServerClock {
    fn now(&self) -> Timestamp {
        self.wall()
    }

    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
            let until = self.clock.now().boot.saturating_add(wait);
            let _counted = Counted::new(&self.sleepers);
            self.clock.sleep_until(until).await;
        })
    }
}

/// Counts a sleeper as long as it sleeps, also when its future is dropped.
struct Counted<'a>(&'a watch::Sender<usize>);

impl<'a> Counted<'a> {
    fn new(sleepers: &'a watch::Sender<usize>) -> Self {
        sleepers.send_modify(|count| *count = count.saturating_add(1));
        Self(sleepers)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// A network that is there until a scenario takes it away. Nothing is asked of the real one.
#[derive(Clone)]
pub struct LabNetwork {
    changes: watch::Sender<u64>,
    away: watch::Sender<bool>,
}

impl Default for LabNetwork {
    fn default() -> Self {
        Self { changes: watch::Sender::new(0), away: watch::Sender::new(false) }
    }
}

impl LabNetwork {
    /// Goes away or comes back; either way something changes.
    pub fn is_away(&self, away: bool) {
        self.away.send_replace(away);
        self.changes.send_modify(|changes| *changes = changes.wrapping_add(1));
    }
}

#[async_trait]
impl Network for LabNetwork {
    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn leads_out(&self, _: &Url) -> bool {
        !*self.away.borrow()
    }

    async fn answers(&self, _: &Url) -> bool {
        !*self.away.borrow()
    }
}
