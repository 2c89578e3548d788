//! A world for accounts of an authorization server: a provider that does wrong what it is asked to, a vault in memory, a
//! clock that is moved by hand, and a browser that does what the test says.

mod journey;

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_engine::clock::{ManualClock, SystemClock};
use latchkey_engine::config::{AccountConfig, Config};
use latchkey_engine::event_log::{EventLog, Filter, Level, LogRecord};
use latchkey_engine::http::Http;
use latchkey_engine::inspection::Inspection;
use latchkey_engine::journal::MemoryJournal;
use latchkey_engine::network::ManualNetwork;
use latchkey_engine::ports::{Browser, BrowserError, Clock, Vault};
use latchkey_engine::renewal_lock::FileLock;
use latchkey_engine::sign_in::SignIn;
use latchkey_engine::snapshot::{SessionStatus, SignInPrompt};
use latchkey_engine::vault::Envelope;
use latchkey_engine::vault::memory::MemoryVault;
use latchkey_engine::{EngineError, EngineHandle, IssuedToken, Setup, TokenRequest};
use reqwest::Url;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::bad_provider::{BadProvider, CLIENT_ID, Settings};
use crate::engine_world::{EverythingTraced, Notices, guarded};

pub use journey::Ending;

/// Everything around the engine.
pub struct OauthWorld<P = BadProvider> {
    /// The provider.
    pub provider: P,
    /// The vault; every engine of this world uses it.
    pub vault: MemoryVault,
    /// The clock of everybody, the provider included.
    pub clock: ManualClock,
    /// The journal; every engine of this world uses it.
    pub journal: MemoryJournal,
    /// What people were told.
    pub notices: Notices,
    /// What opens pages.
    pub browser: Visitor,
    /// Everything that anybody wrote through `tracing`.
    pub traced: EverythingTraced,
    log: EventLog,
    account: AccountName,
    config: Config,
    _subscriber: tracing::subscriber::DefaultGuard,
    /// The last to go: the log writes there as long as anybody has it.
    dir: TempDir,
}

impl OauthWorld {
    /// A world with a provider that behaves, until it is told otherwise.
    pub async fn new() -> Self {
        Self::with(Settings::default(), "").await
    }

    /// A world with a provider like this and these further keys of the account.
    pub async fn with(settings: Settings, keys: &str) -> Self {
        Self::whose_account_says(settings, |issuer| {
            format!("issuer = \"{issuer}\"\nclient_id = \"{CLIENT_ID}\"\n{keys}")
        })
        .await
    }

    /// A world with a provider like this and an account with these keys, for the issuer that it is told.
    #[allow(clippy::disallowed_methods, reason = "the manual clock starts at the present")]
    pub async fn whose_account_says(settings: Settings, keys: impl FnOnce(&str) -> String) -> Self {
        let clock = ManualClock::new(Timestamp::now());
        let shown = {
            let clock = clock.clone();
            Arc::new(move || clock.now().wall)
        };
        let provider = BadProvider::start(Settings { clock: shown, ..settings }).await;
        let keys = keys(provider.issuer());
        let world = Self::around(provider, clock, &keys);
        world.browser.does(Does::Visit);
        world
    }
}

impl<P> OauthWorld<P> {
    /// A world around a provider that runs already, has this issuer and knows the client; `keys` are further keys of the
    /// account. Its clock stands still while that of the provider goes on; the browser leaves pages to the test.
    #[allow(clippy::disallowed_methods, reason = "the manual clock starts at the present")]
    pub fn at(provider: P, issuer: &str, keys: &str) -> Self {
        let keys = format!("issuer = \"{issuer}\"\nclient_id = \"{CLIENT_ID}\"\n{keys}");
        Self::around(provider, ManualClock::new(Timestamp::now()), &keys)
    }

    fn around(provider: P, clock: ManualClock, keys: &str) -> Self {
        let shown = {
            let clock = clock.clone();
            Arc::new(move || clock.now().wall)
        };
        let text = format!("[accounts.work]\nprovider = \"oauth\"\n{keys}\n");
        let dir = tempfile::tempdir().unwrap();
        let (log, layer) = EventLog::open(&dir.path().join("log"), Filter::new(Level::Trace), shown);
        let traced = EverythingTraced::default();
        let subscriber = traced.subscriber(layer);
        Self {
            provider,
            vault: MemoryVault::new(),
            clock,
            journal: MemoryJournal::default(),
            notices: Notices::default(),
            browser: Visitor::new(),
            traced,
            log,
            account: AccountName::new("work").unwrap(),
            config: Config::parse(&text, None).unwrap(),
            dir,
            _subscriber: tracing::subscriber::set_default(subscriber),
        }
    }

    /// The account.
    pub fn account(&self) -> &AccountConfig {
        &self.config.accounts[0]
    }

    /// An engine, as a window or an agent has one.
    pub fn engine(&self) -> OauthEngine {
        let setup = Setup {
            vault: Arc::new(self.vault.clone()),
            lock: Arc::new(FileLock::new(self.dir.path().join("locks"), Arc::new(SystemClock))),
            clock: Arc::new(self.clock.clone()),
            notifier: Arc::new(self.notices.clone()),
            browser: Arc::new(self.browser.clone()),
            journal: Arc::new(self.journal.clone()),
            network: Arc::new(ManualNetwork::default()),
            http: HTTP.clone(),
            fingerprints: FingerprintKey::new([7; 32]),
            consents: None,
            screen: None,
            background: true,
        };
        let handle = EngineHandle::start(setup, self.config.accounts.clone());
        OauthEngine { handle, account: self.account.clone() }
    }

    /// An engine in which somebody is signed in.
    pub async fn signed_in(&self) -> OauthEngine {
        let engine = self.engine();
        engine.signs_in().await.unwrap();
        engine
    }

    /// What the vault holds, if anything.
    pub async fn stored(&self) -> Option<Envelope> {
        self.vault.read(&self.account).await.ok().flatten()
    }

    /// The refresh token in the vault.
    pub async fn stored_refresh_token(&self) -> String {
        self.stored().await.unwrap().tokens.refresh.unwrap().expose().to_owned()
    }

    /// The kinds of what the log holds, oldest first.
    pub fn logged(&self) -> Vec<String> {
        self.records().into_iter().map(|record| record.kind).collect()
    }

    /// What the log holds, oldest first.
    pub fn records(&self) -> Vec<LogRecord> {
        self.log.since(0, usize::MAX)
    }
}

/// An engine with one account, spoken to in sentences.
#[derive(Clone)]
pub struct OauthEngine {
    /// The engine.
    pub handle: EngineHandle,
    account: AccountName,
}

impl OauthEngine {
    /// A developer looks into the access token in hand.
    pub async fn inspects(&self) -> Result<Inspection, EngineError> {
        guarded("inspecting", self.handle.inspect(&self.account)).await
    }

    /// The person signs in in the browser.
    pub async fn signs_in(&self) -> Result<SessionStatus, EngineError> {
        guarded("signing in", self.handle.sign_in(&self.account, SignIn::Browser)).await
    }

    /// The person signs in with a device code.
    pub async fn signs_in_by_device(&self) -> Result<SessionStatus, EngineError> {
        guarded("signing in", self.handle.sign_in(&self.account, SignIn::Device)).await
    }

    /// The person begins to sign in; how it ends is told later.
    pub fn begins(&self, how: SignIn) -> tokio::task::JoinHandle<Result<SessionStatus, EngineError>> {
        let (handle, account) = (self.handle.clone(), self.account.clone());
        tokio::spawn(async move { handle.sign_in(&account, how).await })
    }

    /// The person gives up.
    pub fn gives_up(&self) {
        self.handle.cancel_sign_in(&self.account).unwrap();
    }

    /// What the person is asked to do, once they are.
    pub async fn prompt(&self) -> SignInPrompt {
        let mut watch = self.handle.watch();
        let seen =
            watch.wait_for(|all| all.get(&self.account).is_some_and(|status| status.sign_in.is_some()));
        guarded("a prompt", seen).await.unwrap()[&self.account].sign_in.clone().unwrap()
    }

    /// The person renews now.
    pub async fn renews(&self) -> Result<SessionStatus, EngineError> {
        guarded("renewing", self.handle.renew(&self.account)).await
    }

    /// Begins to renew beside the test.
    pub fn begins_to_renew(&self) -> tokio::task::JoinHandle<Result<SessionStatus, EngineError>> {
        let engine = self.clone();
        tokio::spawn(async move { engine.renews().await })
    }

    /// The person signs out.
    pub async fn signs_out(&self) -> Result<SessionStatus, EngineError> {
        guarded("signing out", self.handle.sign_out(&self.account)).await
    }

    /// The session as it is now.
    pub async fn now(&self) -> SessionStatus {
        guarded("the status", self.handle.status(&self.account)).await.unwrap()
    }

    /// A program asks for a token and does not wait for it.
    pub async fn token_at_once(&self) -> Result<IssuedToken, EngineError> {
        let request = TokenRequest { min_valid: SignedDuration::ZERO, wait: SignedDuration::ZERO };
        guarded("a token at once", self.handle.token(&self.account, request)).await
    }
}

/// A browser: opened pages are remembered, and visited at once if it is to.
#[derive(Clone)]
pub struct Visitor {
    does: Arc<Mutex<Does>>,
    opened: Arc<watch::Sender<Vec<Url>>>,
    arrived: Arc<watch::Sender<Vec<Visit>>>,
}

/// What a browser does with a page it is to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// Goes there, and wherever it is sent.
    Visit,
    /// Opens it; the person does nothing.
    Idle,
    /// It cannot be opened.
    Fail,
}

/// What a browser got at one address.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The address.
    pub url: Url,
    /// The status.
    pub status: u16,
    /// Where it is sent.
    pub location: Option<Url>,
    /// The headers, in small letters.
    pub headers: Vec<(String, String)>,
    /// The page.
    pub text: String,
}

impl Visitor {
    fn new() -> Self {
        let does = Arc::new(Mutex::new(Does::Idle));
        Self {
            does,
            opened: Arc::new(watch::Sender::new(Vec::new())),
            arrived: Arc::new(watch::Sender::new(Vec::new())),
        }
    }

    /// From now on it does this.
    pub fn does(&self, does: Does) {
        *self.does.lock().unwrap_or_else(PoisonError::into_inner) = does;
    }

    /// The page that was opened last, once there is one.
    pub async fn opened(&self) -> Url {
        self.opened_after(0).await
    }

    /// The page that was opened last, once there are more than so many.
    pub async fn opened_after(&self, count: usize) -> Url {
        let mut opened = self.opened.subscribe();
        let seen = guarded("a page to be opened", opened.wait_for(|all| all.len() > count)).await;
        seen.unwrap().last().unwrap().clone()
    }

    /// How many pages were opened.
    pub fn count(&self) -> usize {
        self.opened.borrow().len()
    }

    /// The last page of the first walk, once it is there.
    pub async fn last_page(&self) -> Visit {
        let mut arrived = self.arrived.subscribe();
        let seen = guarded("the last page", arrived.wait_for(|all| !all.is_empty())).await;
        seen.unwrap().last().unwrap().clone()
    }

    /// Where the provider sends the browser after this page.
    pub async fn answer_to(&self, page: &Url) -> Url {
        visit(page).await.unwrap().location.unwrap()
    }
}

impl Browser for Visitor {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        let does = *self.does.lock().unwrap_or_else(PoisonError::into_inner);
        if does == Does::Fail {
            return Err(BrowserError);
        }
        self.opened.send_modify(|all| all.push(page.clone()));
        if does == Does::Visit {
            let (page, arrived) = (page.clone(), self.arrived.clone());
            tokio::spawn(async move {
                let mut next = Some(page);
                while let Some(url) = next.take() {
                    let Ok(seen) = visit(&url).await else { return };
                    next.clone_from(&seen.location);
                    if next.is_none() {
                        arrived.send_modify(|all| all.push(seen));
                    }
                }
            });
        }
        Ok(())
    }
}

/// Making a client takes longer than most tests; it keeps no connections, so every runtime may use it.
static BROWSING: LazyLock<reqwest::Client> = LazyLock::new(|| {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
    client.redirect(reqwest::redirect::Policy::none()).build().unwrap()
});

/// The same for the engine's.
static HTTP: LazyLock<Http> = LazyLock::new(|| Http::new().unwrap());

/// Goes to one address and no further.
pub async fn visit(url: &Url) -> reqwest::Result<Visit> {
    let response = BROWSING.get(url.clone()).send().await?;
    let location = response.headers().get("location").and_then(|place| url.join(place.to_str().ok()?).ok());
    let headers = response.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
    Ok(Visit {
        url: url.clone(),
        status: response.status().as_u16(),
        location,
        headers: headers.collect(),
        text: response.text().await?,
    })
}
