//! What the engine needs of the world: a handful of operations and nothing more.
//!
//! Each port has one adapter for life and one for tests.

use std::any::Any;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::reason::VaultProblem;
use latchkey_core::session::Notice;
use latchkey_core::time::Stamp;
use reqwest::Url;
use tokio::sync::watch;

use crate::journal::{Intent, Noted};
use crate::vault::Envelope;

/// Both clocks, and waiting.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time on both clocks.
    fn now(&self) -> Stamp;

    /// Which boot of the machine the boot-time clock counts from, where that can be told: times on it mean
    /// something to other processes until the machine is restarted.
    fn boot_id(&self) -> Option<&str> {
        None
    }

    /// Waits until the boot-time clock says so; time asleep counts. Returns at once when that has passed.
    async fn sleep_until(&self, boot: SignedDuration);

    /// How long the machine has slept since it was started, as far as the platform tells.
    fn asleep(&self) -> SignedDuration;

    /// Waits until somebody sets the wall clock. Returning once too often does no harm.
    async fn wall_set(&self);
}

/// The network, as far as it matters when a renewal is tried.
#[async_trait]
pub trait Network: Send + Sync {
    /// Goes up with each change of a link, an address or a route; never, where nobody tells of any.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Whether this machine has a route out of itself that a request to this address would take: looked up here, no
    /// packet leaves. A host beside us may answer without one, and one on this machine needs none: [`Network::answers`]
    /// tells of those.
    fn leads_out(&self, url: &Url) -> bool;

    /// Whether the host of this address takes connections, or the proxy through which it is asked. Nothing is
    /// sent to it.
    async fn answers(&self, url: &Url) -> bool;
}

/// The write-ahead journal of renewals: what was sent and not yet answered. At most one entry for each account.
#[async_trait]
pub trait Journal: Send + Sync {
    /// What it says of an account. Never an error: what cannot be read is an outcome that is not known.
    async fn read(&self, account: &AccountName) -> Noted;

    /// Writes an entry in the place of the one before it. Durable when it returns.
    async fn write(&self, account: &AccountName, intent: &Intent) -> io::Result<()>;

    /// The outcome is known: the entry goes. Closing nothing is no error.
    async fn close(&self, account: &AccountName) -> io::Result<()>;
}

/// Where token sets are kept. One envelope for each account.
#[async_trait]
pub trait Vault: Send + Sync {
    /// What to call it in `doctor`, errors and the window ("keychain (Secret Service)").
    fn name(&self) -> &'static str;

    /// The account's envelope; `None` only when there surely is none.
    async fn read(&self, account: &AccountName) -> Result<Option<Envelope>, VaultError>;

    /// Stores an envelope in the place of the one before it. Durable when it returns.
    async fn write(&self, account: &AccountName, envelope: &Envelope) -> Result<(), VaultError>;

    /// Erases the account's envelope; erasing nothing is no error.
    async fn erase(&self, account: &AccountName) -> Result<(), VaultError>;

    /// Whether it could be written now: what cannot be saved is not spent.
    async fn check_writable(&self) -> Result<(), VaultError>;

    /// Whether it works: writes an item under a reserved name, reads it back and erases it. For `doctor`; a renewal
    /// needs only [`Vault::check_writable`], which asks the person nothing where each reading is confirmed.
    async fn probe(&self) -> Result<(), VaultError> {
        self.check_writable().await
    }

    /// Reads as [`Vault::read`] does, for whoever goes by it from then on: what others change later is told by
    /// [`Vault::changed_elsewhere`] and [`Vault::changed`].
    async fn catch_up(&self, account: &AccountName) -> Result<Option<Envelope>, VaultError> {
        self.read(account).await
    }

    /// Whether another process has changed what is stored for the account since [`Vault::catch_up`]. Quick; never, where
    /// that cannot be told.
    fn changed_elsewhere(&self, _account: &AccountName) -> bool {
        false
    }

    /// Whether the last that a process of ours did to what is stored for the account was to erase it; not, where that
    /// cannot be told.
    fn erased_here(&self, _account: &AccountName) -> bool {
        false
    }

    /// Waits until another process changes what is stored for an account that was caught up with; for ever, where that
    /// cannot be told. A change is told once.
    async fn changed(&self) {
        std::future::pending::<()>().await;
    }
}

/// What went wrong in a vault: the kind decides, the detail explains. Neither holds what is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", problem.message())]
pub struct VaultError {
    /// The kind.
    pub problem: VaultProblem,
    /// What the store said, in its own words, for the log.
    pub detail: String,
}

/// The lock that keeps two processes from spending the same refresh token.
#[async_trait]
pub trait RenewalLock: Send + Sync {
    /// Takes the account's lock, waiting at most `wait`. It is given back when the guard is dropped, and by the
    /// operating system when the process dies.
    async fn acquire(&self, account: &AccountName, wait: Duration) -> Result<LockGuard, LockError>;

    /// Whether this is the first time that anybody on this machine claims this of the account: what two processes see
    /// for themselves is told by one. Only the last claim of an account is remembered. Whoever cannot be told apart
    /// is taken for the first.
    async fn first(&self, _account: &AccountName, _claim: &str) -> bool {
        true
    }
}

/// Holds a lock as long as it lives.
pub type LockGuard = Box<dyn Any + Send + Sync>;

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else held it all the time.
    #[error("another process is renewing this account")]
    Busy,
    /// The lock file cannot be made or locked.
    #[error("the lock file of the account cannot be used: {0}")]
    Unusable(#[source] std::io::Error),
}

/// What opens pages for the person.
pub trait Browser: Send + Sync {
    /// Opens a page. Must not block until the person is done with it.
    fn open(&self, page: &Url) -> Result<(), BrowserError>;
}

/// The page was not opened: there is no browser, or its address is none that a browser may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no browser could be opened")]
pub struct BrowserError;

/// Opens nothing: the person is shown the address and opens it where they like.
pub struct NoBrowser;

impl Browser for NoBrowser {
    fn open(&self, _: &Url) -> Result<(), BrowserError> {
        Err(BrowserError)
    }
}

/// The screen of this login session.
#[async_trait]
pub trait Screen: Send + Sync {
    /// Whether it is locked now; not, where nobody tells.
    async fn locked(&self) -> bool;
}

/// How a person is told something while the window is closed.
pub trait Notifier: Send + Sync {
    /// Tells it. Must not block; a notice that cannot be shown is lost.
    fn notify(&self, account: &AccountName, notice: &Notice);

    /// Asks whether a program of this name may have the account's tokens. Must not block; the question stands in
    /// the session's status as well.
    fn consent_asked(&self, _account: &AccountName, _program: &str) {}
}
