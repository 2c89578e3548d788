//! What happens to the machine around all accounts: its clock is set, it wakes, its network changes.
//!
//! One task watches for all of them, so that nobody polls, and ends when the last account has.

use std::sync::Arc;

use tokio::sync::watch;

use crate::ports::{Clock, Network};

/// How often each has happened. Whoever watches compares with what was seen before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// The wall clock was set, or the machine woke.
    pub(crate) clock_set: u64,
    /// The network changed.
    pub(crate) network: u64,
}

/// Begins to watch.
pub(crate) fn watch(clock: Arc<dyn Clock>, network: &dyn Network) -> watch::Receiver<Surroundings> {
    let (tell, told) = watch::channel(Surroundings::default());
    let mut changes = network.changes();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tell.closed() => return,
                () = clock.wall_set() => tell.send_modify(|seen| seen.clock_set = seen.clock_set.wrapping_add(1)),
                () = changed(&mut changes) => tell.send_modify(|seen| seen.network = seen.network.wrapping_add(1)),
            }
        }
    });
    told
}

/// Waits for a change; for ever where nobody tells of any.
pub(crate) async fn changed<T>(watched: &mut watch::Receiver<T>) {
    if watched.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
