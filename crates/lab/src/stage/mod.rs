//! What is around a client: time, network, a backend, and whatever breaks them.

mod own;
mod proxied;
mod time;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::secret::Password;
use latchkey_devserver::{Faults, RequestRecord, Rule};
use latchkey_engine::clock::{ManualClock, SystemClock};
use latchkey_engine::config::AccountConfig;
use latchkey_engine::http::{Http, HttpUnusable};
use latchkey_engine::http_observer::Exchange;
use latchkey_engine::journal::MemoryJournal;
use latchkey_engine::lab::{FormBrowser, Held, Probe, Spent};
use latchkey_engine::ports::{Browser, Clock, Notifier, Vault as _};
use latchkey_engine::renewal_lock::FileLock;
use latchkey_engine::vault::memory::MemoryVault;
use latchkey_engine::{Setup, ports::Network};

use crate::client::{Latchkey, Setups};
use crate::scenario::BackendSetup;
pub use own::OwnBackend;
pub use proxied::{Proxied, endpoints, refresh_url};
pub use time::{LabNetwork, ServerClock};

/// Why a stage could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The backend or the proxy did not start.
    #[error("{0}")]
    NotStarted(#[from] latchkey_devserver::StartError),
    /// HTTP cannot be used on this machine.
    #[error("{0}")]
    Http(#[from] HttpUnusable),
    /// The program ends.
    #[error("the program ends")]
    GivenUp,
    /// There is no folder for locks.
    #[error("no temporary folder can be made: {0}")]
    Folder(#[from] std::io::Error),
    /// The account's backend cannot be put behind a proxy.
    #[error("{0}")]
    Unfit(String),
}

/// The fingerprints of a lab run mean nothing outside of it.
pub const FINGERPRINTS: [u8; 32] = [0x1a; 32];

/// The backend of a stage.
pub enum Backend {
    /// One of ours, in virtual time.
    Own(Box<OwnBackend>),
    /// Somebody's own, behind a proxy of ours, in real time.
    Proxied(Box<Proxied>),
}

/// All that is around the client.
pub struct Stage {
    /// The account, as the client is to have it.
    pub account: AccountConfig,
    /// The client's vault.
    pub vault: MemoryVault,
    /// The network of the client.
    pub network: LabNetwork,
    /// What the client's exchanges looked like from its side.
    pub exchanges: Arc<Mutex<Vec<Exchange>>>,
    pub(crate) backend: Backend,
    clock: Time,
    journal: MemoryJournal,
    http: Http,
    folder: tempfile::TempDir,
    browser: Arc<dyn Browser>,
    /// Whoever presents the client's tokens besides the client.
    somebody_else: Arc<Probe>,
}

/// The clock of the client.
#[derive(Clone)]
pub(crate) enum Time {
    Virtual(ManualClock),
    Real(SystemClock),
}

impl Time {
    /// As the client takes it.
    pub(crate) fn of_client(&self) -> Arc<dyn Clock> {
        match self {
            Self::Virtual(clock) => Arc::new(clock.clone()),
            Self::Real(clock) => Arc::new(*clock),
        }
    }
}

impl Stage {
    /// A backend of ours, set up like this, with these rules on top; everything in virtual time. `start` is what the
    /// clocks show first. `keys` is a folder in which the backend's signing key is kept between stages.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn own(
        setup: &BackendSetup,
        rules: &[Rule],
        start: Timestamp,
        keys: &Path,
    ) -> Result<Self, StageError> {
        let clock = ManualClock::new(start);
        let folder = tempfile::tempdir()?;
        let state = folder.path().join("backend.json");
        own::bring_key(keys, &state);
        let backend = OwnBackend::start(setup, rules, clock.clone(), state).await?;
        own::keep_key(keys, backend.state());
        let account = backend.account(setup.provider);
        let browser = FormBrowser::who_types("demo", Password::new("demo"), Http::new()?);
        let backend = Backend::Own(Box::new(backend));
        Self::around(account, backend, Time::Virtual(clock), folder, Arc::new(browser))
    }

    /// The backend of this account behind a proxy; everything in real time.
    ///
    /// # Errors
    /// [`StageError`].
    pub async fn proxied(account: &AccountConfig, browser: Arc<dyn Browser>) -> Result<Self, StageError> {
        let folder = tempfile::tempdir()?;
        let proxied = Proxied::start(account).await?;
        let account = proxied.account().clone();
        Self::around(account, Backend::Proxied(Box::new(proxied)), Time::Real(SystemClock), folder, browser)
    }

    fn around(
        account: AccountConfig,
        backend: Backend,
        clock: Time,
        folder: tempfile::TempDir,
        browser: Arc<dyn Browser>,
    ) -> Result<Self, StageError> {
        let exchanges: Arc<Mutex<Vec<Exchange>>> = Arc::default();
        let http = Http::new()?.observed({
            let exchanges = exchanges.clone();
            Arc::new(move |exchange| exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange))
        });
        let quiet = http.observed(Arc::new(|_| ()));
        let somebody_else = Arc::new(Probe::new(&account, &quiet, clock.of_client(), browser.clone()));
        Ok(Self {
            account,
            somebody_else,
            vault: MemoryVault::new(),
            network: LabNetwork::default(),
            exchanges,
            backend,
            clock,
            journal: MemoryJournal::default(),
            http,
            folder,
            browser,
        })
    }

    /// Latchkey as the client.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn latchkey(&self) -> std::io::Result<Latchkey> {
        let key = FingerprintKey::new(FINGERPRINTS);
        Latchkey::start(self.account.clone(), self.vault.clone(), key, self.setups())
    }

    /// What each process of the client is made of: they share vault, journal and lock.
    pub fn setups(&self) -> Setups {
        let (vault, journal, network) = (self.vault.clone(), self.journal.clone(), self.network.clone());
        let (clock, http) = (self.clock(), self.http.clone());
        let browser = self.browser.clone();
        let locks: PathBuf = self.folder.path().join("locks");
        Box::new(move |background| Setup {
            vault: Arc::new(vault.clone()),
            // Two processes wait for each other in real time: which of them is first is not the clock's business.
            lock: Arc::new(FileLock::new(locks.clone(), Arc::new(SystemClock))),
            journal: Arc::new(journal.clone()),
            network: Arc::new(network.clone()) as Arc<dyn Network>,
            clock: clock.clone(),
            notifier: Arc::new(Nobody),
            browser: browser.clone(),
            http: http.clone(),
            fingerprints: FingerprintKey::new(FINGERPRINTS),
            consents: None,
            screen: None,
            background,
        })
    }

    /// The clock of the client.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.of_client()
    }

    /// The clock that is moved by hand, where time is virtual.
    pub fn manual(&self) -> Option<&ManualClock> {
        match &self.clock {
            Time::Virtual(clock) => Some(clock),
            Time::Real(_) => None,
        }
    }

    /// What the wall clock of the client shows.
    pub fn now(&self) -> Timestamp {
        self.clock().now().wall
    }

    /// The time as nobody sets it: what a report counts by.
    pub fn elapsed(&self) -> SignedDuration {
        self.clock().now().boot
    }

    /// What the client sends requests with.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// The handle with which faults are planned.
    pub fn faults(&self) -> Faults {
        match &self.backend {
            Backend::Own(own) => own.faults(),
            Backend::Proxied(proxied) => proxied.faults(),
        }
    }

    /// What the backend saw, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        match &self.backend {
            Backend::Own(own) => own.requests(),
            Backend::Proxied(proxied) => proxied.requests(),
        }
    }

    /// The tokens in the client's vault, to be spent by somebody else.
    pub async fn held(&self) -> Option<Held> {
        let envelope = self.vault.read(&self.account.name).await.ok().flatten()?;
        Some(Held::of(envelope))
    }

    /// Presents a refresh token as somebody else does.
    pub async fn presented(&self, held: &Held) -> Spent {
        self.somebody_else.spend(held).await
    }

    /// Takes note of tokens that the client has got, in the place of those before.
    pub(crate) fn saw(&self, before: Option<&Held>, now: &Held) {
        self.somebody_else.saw(before, Some(now));
    }

    /// Signs out of what was signed in to, where it is somebody's own backend. The client must be gone, or it would renew
    /// what is ended.
    pub(crate) async fn leaves_nothing(&self) {
        if let Backend::Proxied(proxied) = &self.backend {
            // Or the fault of a scenario would strike the farewell.
            proxied.faults().clear();
            self.somebody_else.saw(None, self.held().await.as_ref());
            self.somebody_else.leaves_nothing().await;
        }
    }
}

/// A lab run notifies nobody.
struct Nobody;

impl Notifier for Nobody {
    fn notify(&self, _: &latchkey_core::account::AccountName, _: &latchkey_core::session::Notice) {}
}
