//! The engine's ports on a simulated machine. At each of them a process can die, and a dead process does nothing more.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::reason::VaultProblem;
use latchkey_core::session::Notice;
use latchkey_core::time::Stamp;
use latchkey_engine::config::Url;
use latchkey_engine::journal::{Intent, Noted};
use latchkey_engine::ports::{
    Clock, Journal, LockError, LockGuard, Network, Notifier, RenewalLock, Vault, VaultError,
};
use latchkey_engine::vault::Envelope;
use tokio::sync::watch;

use super::DAY;
use super::host::{Host, Sabotage};
use super::model_backend::number;

/// What one process has of the machine.
#[derive(Clone)]
pub struct Ports {
    /// The machine.
    pub host: Arc<Host>,
    /// The process.
    pub process: u32,
    /// What it knows of the changes of the vault.
    known: Arc<Mutex<Known>>,
}

/// Which changes of the vault a process knows.
#[derive(Default)]
struct Known {
    /// Those before this one are in what it read.
    caught_up: u64,
    /// Those before this one it was told of.
    told: u64,
}

impl Ports {
    /// What this process has of the machine.
    pub fn new(host: Arc<Host>, process: u32) -> Self {
        Self { host, process, known: Arc::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a mark that the vault was changed.
    fn changes_the_vault(&self) {
        let (before, after) = {
            let mut state = self.host.state();
            let before = state.vault_changes;
            state.vault_changes += 1;
            (before, state.vault_changes)
        };
        let mut known = self.known();
        if known.caught_up == before {
            *known = Known { caught_up: after, told: after };
        }
        self.host.vault_changed.notify_waiters();
    }
}

static SLEEPS: AtomicU64 = AtomicU64::new(0);

/// Forgets a sleeper or a waiter however its wait ends.
struct Leaving<F: FnMut()>(F);

impl<F: FnMut()> Drop for Leaving<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[async_trait]
impl Clock for Ports {
    fn now(&self) -> Stamp {
        self.host.clock.now()
    }

    async fn sleep_until(&self, boot: SignedDuration) {
        if !self.host.lives(self.process) {
            std::future::pending::<()>().await;
        }
        let sleep = SLEEPS.fetch_add(1, Ordering::Relaxed);
        self.host.state().sleepers.insert(sleep, (self.process, Host::since_begin(boot)));
        let _leaving = Leaving(|| {
            self.host.state().sleepers.remove(&sleep);
        });
        self.host.clock.sleep_until(boot).await;
        if !self.host.lives(self.process) {
            std::future::pending::<()>().await;
        }
    }

    fn asleep(&self) -> SignedDuration {
        self.host.clock.asleep()
    }

    /// It is never restarted.
    fn boot_id(&self) -> Option<&str> {
        self.host.clock.boot_id()
    }

    /// A wake sets the clock as well: the system puts it right.
    async fn wall_set(&self) {
        tokio::select! {
            () = self.host.clock.wall_set() => {}
            () = self.host.woken.notified() => {}
        }
        if !self.host.lives(self.process) {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Network for Ports {
    fn changes(&self) -> watch::Receiver<u64> {
        self.host.links.subscribe()
    }

    fn leads_out(&self, _: &Url) -> bool {
        self.host.world.routed(self.host.time())
    }

    async fn answers(&self, _: &Url) -> bool {
        self.host.step(self.process, "before looking at the network").await;
        self.host.world.answers(self.host.time()).0
    }
}

#[async_trait]
impl Journal for Ports {
    async fn read(&self, account: &AccountName) -> Noted {
        self.host.step(self.process, "before reading the journal").await;
        self.host.journal.read(account).await
    }

    async fn write(&self, account: &AccountName, intent: &Intent) -> io::Result<()> {
        self.host.step(self.process, "before writing the journal").await;
        self.host.journal.write(account, intent).await?;
        self.host.step(self.process, "after writing the journal").await;
        Ok(())
    }

    async fn close(&self, account: &AccountName) -> io::Result<()> {
        self.host.step(self.process, "before closing the journal").await;
        self.host.journal.close(account).await?;
        self.host.step(self.process, "after closing the journal").await;
        Ok(())
    }
}

impl Ports {
    /// A locked keychain refuses everything.
    fn unlocked(&self) -> Result<(), VaultError> {
        let shut = self.host.sabotage == Some(Sabotage::ShutVault) && self.host.time() > 2 * DAY;
        if shut || self.host.world.locked.at(self.host.time()) {
            return Err(VaultError { problem: VaultProblem::Locked, detail: "simulated".to_owned() });
        }
        Ok(())
    }
}

#[async_trait]
impl Vault for Ports {
    fn name(&self) -> &'static str {
        "simulated keychain"
    }

    async fn read(&self, account: &AccountName) -> Result<Option<Envelope>, VaultError> {
        self.host.step(self.process, "before reading the vault").await;
        self.unlocked()?;
        if self.host.sabotage == Some(Sabotage::BlindVault) && self.host.time() % 7 == 0 {
            return Ok(None);
        }
        self.host.vault.read(account).await
    }

    async fn write(&self, account: &AccountName, envelope: &Envelope) -> Result<(), VaultError> {
        self.host.step(self.process, "before writing the vault").await;
        self.unlocked()?;
        let forgets =
            self.host.sabotage == Some(Sabotage::ForgetfulVault) && envelope.generation.is_multiple_of(20);
        if !forgets {
            self.host.vault.write(account, envelope).await?;
        }
        self.host.step(self.process, "before leaving a mark").await;
        self.changes_the_vault();
        let refresh = envelope.tokens.refresh.as_ref().and_then(|token| number(token.expose()));
        self.host.tells(format!("process {} stores generation {}", self.process, envelope.generation));
        if let Some(refresh) = refresh.filter(|_| envelope.quarantined.is_none()) {
            self.host.stored(refresh, envelope.tokens.access.expose());
        }
        self.host.step(self.process, "after writing the vault").await;
        Ok(())
    }

    async fn erase(&self, account: &AccountName) -> Result<(), VaultError> {
        self.host.step(self.process, "before erasing").await;
        self.unlocked()?;
        self.host.vault.erase(account).await?;
        self.changes_the_vault();
        Ok(())
    }

    async fn check_writable(&self) -> Result<(), VaultError> {
        self.host.step(self.process, "before looking whether the vault can be written").await;
        self.unlocked()
    }

    async fn catch_up(&self, account: &AccountName) -> Result<Option<Envelope>, VaultError> {
        let now = self.host.state().vault_changes;
        let read = Vault::read(self, account).await;
        *self.known() = Known { caught_up: now, told: now };
        read
    }

    fn changed_elsewhere(&self, _: &AccountName) -> bool {
        self.known().caught_up != self.host.state().vault_changes
    }

    async fn changed(&self) {
        loop {
            // Told to look again before it looks, so that no change falls in between.
            let changed = self.host.vault_changed.notified();
            {
                let now = self.host.state().vault_changes;
                let mut known = self.known();
                if now != known.caught_up && now != known.told {
                    known.told = now;
                    return;
                }
            }
            changed.await;
        }
    }
}

#[async_trait]
impl RenewalLock for Ports {
    async fn acquire(&self, _: &AccountName, wait: Duration) -> Result<LockGuard, LockError> {
        self.host.step(self.process, "before taking the lock").await;
        let until = self.host.clock.now().boot + SignedDuration::try_from(wait).unwrap();
        loop {
            // Told to look again before it looks, so that a lock freed in between is not missed.
            let freed = self.host.lock_freed.notified();
            {
                let mut state = self.host.state();
                if state.lock.is_none() || self.host.sabotage == Some(Sabotage::OpenLock) {
                    state.locked += 1;
                    let ticket = state.locked;
                    state.lock = Some((self.process, ticket));
                    let host = self.host.clone();
                    return Ok(Box::new(Leaving(move || {
                        let mut state = host.state();
                        if state.lock.take_if(|(_, held)| *held == ticket).is_some() {
                            host.lock_freed.notify_waiters();
                        }
                    })));
                }
                state.parked.insert(self.process);
            }
            let _leaving = Leaving(|| {
                self.host.state().parked.remove(&self.process);
            });
            tokio::select! {
                () = freed => {}
                () = self.sleep_until(until) => return Err(LockError::Busy),
            }
        }
    }
}

impl Notifier for Ports {
    fn notify(&self, _: &AccountName, notice: &Notice) {
        self.host.tells(format!("process {} tells the person: {notice:?}", self.process));
    }
}
