//! The engine and its handle: the only way in.

mod accounts;
mod asking;
mod programs;
mod resources;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::{Fingerprint, FingerprintKey};
use latchkey_core::secret::AccessToken;
use latchkey_core::session::Asker;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::actor::{Actor, Message, Outbox};
use crate::config::AccountConfig;
use crate::consumers::Consumers;
use crate::error::EngineError;
use crate::hooks::Hooks;
use crate::http::Http;
use crate::inspection::{self, Inspection, SignatureStatus};
use crate::jose::dpop::ProofKey;
use crate::ports::{Browser, Clock, Journal, Network, Notifier, RenewalLock, Screen, Vault};
use crate::prompts::{Prompts, Told};
use crate::provider::Provider;
use crate::provider::nextauth::Jar;
use crate::provider::nextauth::site_secret::OpenedCookie;
use crate::sign_in::SignIn;
use crate::snapshot::{Beside, History, HistoryMark, SessionStatus};
use crate::surroundings::{self, Surroundings};
use crate::workshop::{SiteSecret, Workshop};

/// All sessions, by account. Each is shared with everybody who watches.
pub type Sessions = BTreeMap<AccountName, Arc<SessionStatus>>;

/// How many exchanges there are at once, over all accounts.
const EXCHANGES: usize = 5;

/// What an engine is made of.
pub struct Setup {
    /// Where tokens are kept.
    pub vault: Arc<dyn Vault>,
    /// What keeps two processes apart.
    pub lock: Arc<dyn RenewalLock>,
    /// Where it is written down what was sent and not yet answered.
    pub journal: Arc<dyn Journal>,
    /// Whether the network changed, and whether a host answers.
    pub network: Arc<dyn Network>,
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
    /// How people are told.
    pub notifier: Arc<dyn Notifier>,
    /// The screen that people would be told on; none where whoever runs this looks at it anyway.
    pub screen: Option<Arc<dyn Screen>>,
    /// What opens pages for people.
    pub browser: Arc<dyn Browser>,
    /// What sends requests.
    pub http: Http,
    /// The key of this machine's fingerprints.
    pub fingerprints: FingerprintKey,
    /// The file with what was decided about programs for good; without one, decisions hold until the engine ends.
    pub consents: Option<PathBuf>,
    /// Whether renewals happen by themselves (a window, an agent), or only while someone waits for something
    /// (a single command).
    pub background: bool,
}

/// What someone needs of an access token.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest {
    /// How long it must stay valid; counts for at most half of the token's lifetime.
    pub min_valid: SignedDuration,
    /// How long to wait for one.
    pub wait: SignedDuration,
}

/// An access token on its way to a local program.
pub struct IssuedToken {
    /// The token.
    pub access: AccessToken,
    /// How it is to be used (RFC 6749 §7.1), if the provider said.
    pub token_type: Option<String>,
    /// The key that it is bound to (RFC 9449), which stays here.
    pub(crate) proof_key: Option<Arc<ProofKey>>,
    /// The cookies of a site's session, which go to that site alone.
    pub(crate) cookies: Option<Arc<Jar>>,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Its generation.
    pub generation: u64,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Whether more was asked than half of its lifetime.
    pub min_valid_capped: bool,
    /// Whether it lives shorter than what was asked, and no better one could be had.
    pub falls_short: bool,
}

/// The way to the sessions. Cheap to clone.
#[derive(Clone)]
pub struct EngineHandle {
    inner: Arc<Inner>,
}

struct Inner {
    setup: Setup,
    /// Boxed: a map of a thousand names that come in order keeps room for nearly as many more.
    accounts: Mutex<BTreeMap<AccountName, Box<Known>>>,
    consumers: Arc<Consumers>,
    prompts: Arc<Prompts>,
    sessions: watch::Sender<Sessions>,
    exchanges: Arc<Semaphore>,
    /// Clock and network as they change, where anything is done by itself.
    around: Option<watch::Receiver<Surroundings>>,
    /// The turn of whoever changes accounts.
    changing: Arc<tokio::sync::Mutex<()>>,
    /// Set when it is closed: from then on an account is not unknown, it is let go of.
    closed: AtomicBool,
}

/// An account that was taken in.
pub(crate) struct Known {
    /// The way to its task.
    outbox: Outbox,
    /// How it is configured.
    pub(crate) config: AccountConfig,
    /// What its task works with; how requests are authorized needs no turn of the task.
    workshop: Arc<Workshop>,
}

impl EngineHandle {
    /// Starts an engine with these accounts. Must be called within a tokio runtime.
    pub fn start(setup: Setup, accounts: impl IntoIterator<Item = AccountConfig>) -> Self {
        let (sessions, _) = watch::channel(Sessions::new());
        let around = setup
            .background
            .then(|| surroundings::watch(setup.clock.clone(), &*setup.network, setup.vault.clone()));
        let consumers = Consumers::new(setup.consents.clone());
        let prompts = {
            let (consumers, sessions, clock) = (consumers.clone(), sessions.clone(), setup.clock.clone());
            let holds = move |account: &AccountName, told: &Told| match told {
                Told::Notice(notice) => {
                    let now = clock.now();
                    sessions.borrow().get(account).is_some_and(|session| session.bears_out(notice, now))
                }
                Told::Consent(_) => consumers.asks(account),
            };
            Prompts::new(setup.clock.clone(), setup.screen.clone(), setup.notifier.clone(), Box::new(holds))
        };
        let handle = Self {
            inner: Arc::new(Inner {
                consumers,
                prompts,
                setup,
                accounts: Mutex::default(),
                sessions,
                exchanges: Arc::new(Semaphore::new(EXCHANGES)),
                around,
                changing: Arc::default(),
                closed: AtomicBool::new(false),
            }),
        };
        for account in accounts {
            // Names in a configuration are unique, so none is refused here.
            let _ = handle.add_account(&account, Vec::new());
        }
        handle
    }

    /// Takes another account in and opens its session; `history` are marks known from the event log.
    ///
    /// # Errors
    /// [`EngineError::AccountExists`]; [`EngineError::Closing`] once it was closed.
    pub fn add_account(&self, config: &AccountConfig, history: Vec<HistoryMark>) -> Result<(), EngineError> {
        let setup = &self.inner.setup;
        let mut accounts = self.inner.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_closed() {
            return Err(EngineError::Closing);
        }
        if accounts.contains_key(&config.name) {
            return Err(EngineError::AccountExists(config.name.clone()));
        }
        let http = setup.http.listening(setup.clock.clone());
        let provider = Provider::new(&config.provider, http.clone(), setup.clock.clone());
        let workshop = Workshop {
            account: config.name.clone(),
            policy: config.policy.clone(),
            consent: config.consent,
            consumers: self.inner.consumers.clone(),
            provider,
            vault: setup.vault.clone(),
            lock: setup.lock.clone(),
            clock: setup.clock.clone(),
            browser: setup.browser.clone(),
            prompts: self.inner.prompts.clone(),
            journal: setup.journal.clone(),
            network: setup.network.clone(),
            http,
            exchanges: self.inner.exchanges.clone(),
            fingerprints: setup.fingerprints.clone(),
            turn: tokio::sync::Mutex::new(()),
            hooks: Hooks::start(&config.name, &config.on_event, &setup.clock, &setup.lock),
            ended_here: AtomicBool::new(false),
            journal_told: AtomicBool::new(false),
            unclaimed: Mutex::default(),
        };
        let workshop = Arc::new(workshop);
        let beside = Beside { history: History::of(history), ..Beside::default() };
        let (actor, outbox) = Actor::open(
            workshop.clone(),
            self.inner.prompts.clone(),
            self.inner.sessions.clone(),
            setup.background,
            self.inner.around.clone(),
            beside,
        );
        tokio::spawn(Box::new(actor).run());
        let known = Known { outbox, config: config.clone(), workshop };
        accounts.insert(config.name.clone(), Box::new(known));
        Ok(())
    }

    /// The clock it goes by.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.setup.clock
    }

    /// Whether it was closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.inner.closed.load(Ordering::SeqCst)
    }

    /// All sessions as they are now, in the order of their names; one whose account is just being changed as it was shown
    /// last.
    pub async fn sessions(&self) -> Vec<SessionStatus> {
        let shown = self.inner.sessions.borrow().clone();
        let mut all: BTreeMap<_, _> =
            shown.into_iter().filter(|(name, _)| self.is_being_changed(name)).collect();
        for account in self.accounts() {
            if let Ok(status) = self.status(&account).await {
                all.insert(account, Arc::new(status));
            }
        }
        all.into_values().map(Arc::unwrap_or_clone).collect()
    }

    /// The accounts there are.
    pub fn accounts(&self) -> Vec<AccountName> {
        self.inner.accounts.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Sees each change of any session.
    pub fn watch(&self) -> watch::Receiver<Sessions> {
        self.inner.sessions.subscribe()
    }

    /// One session as it is now, once the vault has been read.
    pub async fn status(&self, account: &AccountName) -> Result<SessionStatus, EngineError> {
        self.ask(account, Message::Status).await
    }

    /// Signs in. What the person has to do meanwhile stands in the session's `sign_in`.
    pub async fn sign_in(&self, account: &AccountName, how: SignIn) -> Result<SessionStatus, EngineError> {
        self.ask(account, |reply| Message::SignIn(Box::new(how), reply)).await?
    }

    /// Gives up the sign-in under way, if there is one and its tokens are not being stored yet.
    pub fn cancel_sign_in(&self, account: &AccountName) -> Result<(), EngineError> {
        self.tell(account, Message::CancelSignIn)
    }

    /// Erases the tokens and tells the provider. Signing out when signed out is fine.
    pub async fn sign_out(&self, account: &AccountName) -> Result<SessionStatus, EngineError> {
        self.ask(account, Message::SignOut).await?
    }

    /// Renews now and waits for the outcome.
    pub async fn renew(&self, account: &AccountName) -> Result<SessionStatus, EngineError> {
        self.ask(account, |reply| Message::Renew(Asker::Person, reply)).await?
    }

    /// Looks into the access token in hand: what it says, and whether its issuer signed that.
    pub async fn inspect(&self, account: &AccountName) -> Result<Inspection, EngineError> {
        self.ask(account, Message::Inspect).await?
    }

    /// Looks into a token that somebody has. It is sent nowhere: where an account is of its issuer, the keys of that are
    /// asked for.
    pub async fn inspect_other(&self, token: &AccessToken) -> Inspection {
        let not_checked = |why: &str| Inspection::of(token, SignatureStatus::not_checked(why));
        if inspection::issuer(token).is_none() {
            return not_checked("it names no issuer");
        }
        for account in self.accounts() {
            let asked = self.ask(&account, |reply| Message::InspectOther(token.clone(), reply)).await;
            if let Ok(Some(inspection)) = asked {
                return inspection;
            }
        }
        not_checked("no account is of the issuer that it names, so there are no keys to hold it against")
    }

    /// Opens the session cookie in hand with its site's secret, for a developer who has that.
    pub async fn open_cookie(
        &self,
        account: &AccountName,
        secret: SiteSecret,
    ) -> Result<OpenedCookie, EngineError> {
        self.ask(account, |reply| Message::OpenCookie(secret, reply)).await?
    }

    /// Tells that somebody uses the session: a request went through the proxy, or a person looked at it. A token that is
    /// handed out is noted by itself. It moves the end of a session that rolls or ends when it is not used, and is written
    /// down only so often; where the account has no such limit it does nothing.
    ///
    /// # Errors
    /// [`EngineError::UnknownAccount`].
    pub fn note_activity(&self, account: &AccountName) -> Result<(), EngineError> {
        self.tell(account, Message::Used)
    }

    /// Reads the vault again: another process may have signed in, renewed or signed out.
    pub fn reload(&self, account: &AccountName) -> Result<(), EngineError> {
        self.tell(account, Message::Reload)
    }

    /// Ends the engine. Exchanges under way are finished and stored first.
    pub async fn close(&self) {
        self.inner.closed.store(true, Ordering::SeqCst);
        // All are told before one is waited for: none begins anything while another finishes.
        let closing = self.tell_all_to_close();
        // Whose account is being changed waits for what is under way for it, and may have to give it back.
        let _turn = self.inner.changing.lock().await;
        for closed in closing.into_iter().chain(self.tell_all_to_close()) {
            let _ = closed.await;
        }
    }

    fn tell_all_to_close(&self) -> Vec<oneshot::Receiver<bool>> {
        let accounts =
            std::mem::take(&mut *self.inner.accounts.lock().unwrap_or_else(PoisonError::into_inner));
        accounts.values().filter_map(|known| close(&known.outbox, true)).collect()
    }
}

/// Tells an account's task to end; it answers when it has, or that it goes on. For good, it ends in any case.
fn close(outbox: &Outbox, for_good: bool) -> Option<oneshot::Receiver<bool>> {
    let (closed, answer) = oneshot::channel();
    outbox.send(Message::Close { closed, for_good }).ok()?;
    Some(answer)
}
