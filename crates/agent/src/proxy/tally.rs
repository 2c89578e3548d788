//! What the proxy has done so far, for whoever watches it.

use std::sync::Arc;

use hyper::Method;
use tokio::sync::watch;

/// Counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many requests came.
    pub requests: u64,
    /// How many were sent again after a refusal.
    pub repeated: u64,
    /// How many are under way, streams and WebSockets among them.
    pub open: u64,
    /// The last answer: method and status.
    pub last: Option<(String, u16)>,
}

#[derive(Clone)]
pub(super) struct Tally(Arc<watch::Sender<Counts>>);

/// A request under way, counted as long as it lives.
pub(super) struct Open(Tally);

impl Tally {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Counts::default())))
    }

    pub(super) fn follow(&self) -> watch::Receiver<Counts> {
        self.0.subscribe()
    }

    pub(super) fn begins(&self) -> Open {
        self.0.send_modify(|counts| {
            counts.requests += 1;
            counts.open += 1;
        });
        Open(self.clone())
    }

    pub(super) fn repeats(&self) {
        self.0.send_modify(|counts| counts.repeated += 1);
    }

    pub(super) fn answered(&self, method: &Method, status: u16) {
        // A method is the caller's to choose, and this is shown on a terminal: tokens of HTTP are printable.
        let method = method.as_str().chars().take(16).collect();
        self.0.send_modify(|counts| counts.last = Some((method, status)));
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.send_modify(|counts| counts.open = counts.open.saturating_sub(1));
    }
}
