//! What happens to the machine around all accounts: its clock is set, it wakes, its network changes, another process
//! changes what the vault holds.
//!
//! One task watches for all of them, so that nobody polls, and ends when the last account has.

use std::sync::Arc;

use tokio::sync::watch;

use crate::ports::{Clock, Network, Vault};

/// How often each has happened. Whoever watches compares with what was seen before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// The wall clock was set, or the machine woke.
    pub(crate) clock_set: u64,
    /// The network changed.
    pub(crate) network: u64,
    /// Another process changed what the vault holds.
    pub(crate) vault: u64,
}

/// Begins to watch.
pub(crate) fn watch(
    clock: Arc<dyn Clock>,
    network: &dyn Network,
    vault: Arc<dyn Vault>,
) -> watch::Receiver<Surroundings> {
    let (tell, told) = watch::channel(Surroundings::default());
    let mut changes = network.changes();
    tokio::spawn(async move {
        // Kept when something else happens first: a wake sets the clock and changes the network at once.
        let (mut set, mut stored) = (clock.wall_set(), vault.changed());
        loop {
            tokio::select! {
                () = tell.closed() => return,
                () = &mut set => {
                    set = clock.wall_set();
                    tell.send_modify(|seen| seen.clock_set = seen.clock_set.wrapping_add(1));
                }
                () = &mut stored => {
                    stored = vault.changed();
                    tell.send_modify(|seen| seen.vault = seen.vault.wrapping_add(1));
                }
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::clock::ManualClock;
    use crate::network::ManualNetwork;
    use crate::vault::memory::MemoryVault;

    #[tokio::test]
    async fn a_clock_that_is_set_while_the_network_changes_is_noticed_as_well() {
        for _ in 0..40 {
            let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
            let network = ManualNetwork::default();
            let vault = Arc::new(MemoryVault::new());
            let mut seen = watch(Arc::new(clock.clone()), &network, vault);
            tokio::task::yield_now().await;
            network.changes_now();
            clock.advance_wall(SignedDuration::from_hours(1));
            let both = |seen: &Surroundings| seen.clock_set == 1 && seen.network == 1;
            let within = std::time::Duration::from_secs(5);
            tokio::time::timeout(within, seen.wait_for(both)).await.unwrap().unwrap();
        }
    }
}
