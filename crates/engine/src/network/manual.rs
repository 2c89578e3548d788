//! A network that changes when a test says so.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use tokio::sync::watch;

use super::SystemNetwork;
use crate::clock::SystemClock;
use crate::ports::Network;

/// A network moved by hand. Its clones are the same network.
#[derive(Clone)]
pub struct ManualNetwork {
    changes: watch::Sender<u64>,
    down: watch::Sender<bool>,
    asked: watch::Sender<usize>,
    routed: watch::Sender<bool>,
    real: Arc<SystemNetwork>,
}

impl Default for ManualNetwork {
    fn default() -> Self {
        let real = Arc::new(SystemNetwork::new(Arc::new(SystemClock)));
        let (changes, down, asked) =
            (watch::Sender::new(0), watch::Sender::new(false), watch::Sender::new(0));
        Self { changes, down, asked, routed: watch::Sender::new(false), real }
    }
}

impl ManualNetwork {
    /// A link, an address or a route comes or goes.
    pub fn changes_now(&self) {
        self.changes.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    /// No host answers from now on, or those that are there do.
    pub fn is_down(&self, down: bool) {
        self.down.send_replace(down);
    }

    /// There is a route out of the machine from now on, whether or not any host answers behind it.
    pub fn leads_somewhere(&self, routed: bool) {
        self.routed.send_replace(routed);
    }

    /// How often it was asked whether a host answers.
    pub fn asked(&self) -> usize {
        *self.asked.borrow()
    }
}

#[async_trait]
impl Network for ManualNetwork {
    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn leads_out(&self, _: &Url) -> bool {
        *self.routed.borrow()
    }

    async fn answers(&self, url: &Url) -> bool {
        self.asked.send_modify(|asked| *asked = asked.saturating_add(1));
        let down = *self.down.borrow();
        !down && self.real.answers(url).await
    }
}
