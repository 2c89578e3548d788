//! A client by hand: it does one exchange at a time, whatever becomes of it, and never decides anything by itself.

use std::sync::{Arc, Mutex, PoisonError};

use latchkey_core::disposition::{Answer, Body, ErrorCode, Failure};
use latchkey_core::fingerprint::{Fingerprint, FingerprintKey};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::TaskTracker;

use crate::config::AccountConfig;
use crate::consumers::Consumers;
use crate::error::EngineError;
use crate::hooks::Hooks;
use crate::http::Http;
use crate::http_observer::Exchange;
use crate::journal::MemoryJournal;
use crate::network::ManualNetwork;
use crate::ports::{Browser, Clock, RenewalLock};
use crate::prompts::Prompts;
use crate::provider::Provider;
use crate::renewal_lock::FileLock;
use crate::sign_in::{Attempt, SignIn};
use crate::snapshot::SignInPrompt;
use crate::vault::Envelope;
use crate::vault::memory::MemoryVault;
use crate::workshop::Workshop;

/// Tokens of a throw-away sign-in. They cannot be seen, only spent.
#[derive(Clone)]
pub struct Held(pub(super) Envelope);

impl Held {
    /// The tokens of a vault that is thrown away as well.
    pub fn of(envelope: Envelope) -> Self {
        Self(envelope)
    }

    /// What logs and the window show in the place of the access token, with this key.
    pub fn access_fingerprint(&self, key: &FingerprintKey) -> Fingerprint {
        key.of(self.0.tokens.access.expose())
    }

    /// The generation of these tokens.
    pub fn generation(&self) -> u64 {
        self.0.generation
    }

    /// Whether both hold the same refresh token.
    pub fn same_refresh_token(&self, other: &Self) -> bool {
        let token = |held: &Self| held.0.tokens.refresh.as_ref().map(|token| token.expose().to_owned());
        token(self) == token(other)
    }
}

/// What became of a refresh token that was presented.
pub enum Spent {
    /// It bought the next tokens.
    Renewed(Box<Held>),
    /// The backend says no: a verdict on the token.
    Refused {
        /// With this status.
        status: u16,
    },
    /// Anything else: no verdict.
    Failed(Failure),
}

impl Spent {
    /// Whether it bought tokens.
    pub fn is_renewed(&self) -> bool {
        matches!(self, Self::Renewed(_))
    }
}

/// A client for one account, with a memory of what was exchanged.
pub struct Probe {
    workshop: Workshop,
    seen: Arc<Mutex<Vec<Exchange>>>,
    /// What may still be good at the backend: of each sign-in the newest tokens.
    left: Mutex<Vec<Held>>,
}

impl Probe {
    /// A client for this account. Nothing is asked before it is told to.
    pub fn new(
        account: &AccountConfig,
        http: &Http,
        clock: Arc<dyn Clock>,
        browser: Arc<dyn Browser>,
    ) -> Self {
        let seen: Arc<Mutex<Vec<Exchange>>> = Arc::default();
        let http = http.listening(clock.clone()).observed({
            let seen = seen.clone();
            Arc::new(move |exchange| seen.lock().unwrap_or_else(PoisonError::into_inner).push(exchange))
        });
        // Nobody else knows of these tokens, so it is never taken.
        let lock: Arc<dyn RenewalLock> =
            Arc::new(FileLock::new(std::env::temp_dir().join("latchkey-lab"), clock.clone()));
        let workshop = Workshop {
            // What is measured is for nobody's programs to hear.
            hooks: Hooks::start(&account.name, &[], &clock, &lock),
            ended_here: std::sync::atomic::AtomicBool::new(false),
            account: account.name.clone(),
            policy: account.policy.clone(),
            consent: account.consent,
            consumers: Consumers::new(None),
            prompts: Prompts::of_nobody(clock.clone()),
            provider: Provider::new(&account.provider, http.clone(), clock.clone()),
            vault: Arc::new(MemoryVault::new()),
            lock,
            clock,
            browser,
            journal: Arc::new(MemoryJournal::default()),
            network: Arc::new(ManualNetwork::default()),
            http,
            exchanges: Arc::new(Semaphore::new(2)),
            fingerprints: FingerprintKey::new([0; 32]),
            turn: tokio::sync::Mutex::new(()),
            journal_told: std::sync::atomic::AtomicBool::new(false),
            unclaimed: std::sync::Mutex::default(),
        };
        Self { workshop, seen, left: Mutex::default() }
    }

    /// Signs in. What the person has to do meanwhile goes to `prompts`.
    ///
    /// # Errors
    /// The [`EngineError`] that a sign-in would end with.
    pub async fn sign_in(
        &self,
        how: SignIn,
        prompts: mpsc::UnboundedSender<SignInPrompt>,
    ) -> Result<Held, EngineError> {
        let Workshop { browser, prompts: pages, .. } = &self.workshop;
        let attempt = Attempt::new(browser.clone(), pages.clone(), prompts, TaskTracker::new());
        let clock = &*self.workshop.clock;
        let issued = self.workshop.provider.sign_in(how, &attempt, clock).await?;
        let odd = || {
            EngineError::from(Failure::Answered(Answer {
                status: 200,
                body: Body::NoVerdict,
                retry_after: None,
            }))
        };
        let held = self.workshop.envelope(issued, None, 1).map(Held).ok_or_else(odd)?;
        self.saw(None, Some(&held));
        Ok(held)
    }

    /// Presents the refresh token, whatever was done with it before.
    pub async fn spend(&self, held: &Held) -> Spent {
        let Some(refresh) = &held.0.tokens.refresh else {
            return Spent::Failed(Failure::Misfit { why: "there is no refresh token".to_owned() });
        };
        match self.workshop.provider.renew(refresh, &held.0, None, &*self.workshop.clock).await {
            Ok(issued) => {
                let next = self.workshop.envelope(issued, Some(&held.0), held.0.generation + 1).map(Held);
                self.saw(Some(held), next.as_ref());
                next.map_or_else(|| Spent::Failed(Failure::NoReply), |next| Spent::Renewed(Box::new(next)))
            }
            Err(Failure::Answered(Answer {
                status,
                body: Body::Verdict { code: ErrorCode::InvalidGrant, .. },
                ..
            })) => {
                self.saw(Some(held), None);
                Spent::Refused { status }
            }
            Err(failure) => Spent::Failed(failure),
        }
    }

    /// Takes note of tokens that somebody got, and of those that are good for nothing since.
    pub fn saw(&self, over: Option<&Held>, next: Option<&Held>) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|held| ![over, next].into_iter().flatten().any(|other| held.same_refresh_token(other)));
        left.extend(next.cloned());
    }

    /// Tells the backend that nothing of what is left of its sign-ins is used any more, as far as it can be told.
    pub async fn leaves_nothing(&self) {
        let left = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        for held in left {
            // Nobody is there who could do more about it.
            let _ = self.revoke(&held).await;
        }
    }

    /// Whether the access token is taken where the account can ask who is signed in. None where it cannot.
    pub async fn is_accepted(&self, held: &Held) -> Option<bool> {
        self.workshop.provider.accepts(&held.0).await
    }

    /// Tells the backend that these tokens are not used any more. None where it cannot be told.
    ///
    /// # Errors
    /// The [`Failure`] with which it was answered.
    pub async fn revoke(&self, held: &Held) -> Result<Option<()>, Failure> {
        let told = self.workshop.provider.sign_out(&held.0, &*self.workshop.clock).await?;
        self.saw(Some(held), None);
        Ok(told.revoked.then_some(()))
    }

    /// The latest exchange.
    pub fn latest(&self) -> Option<Exchange> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    /// How much the backend's clock was ahead of ours at its last answer.
    pub fn skew(&self) -> Option<jiff::SignedDuration> {
        self.workshop.http.skew()
    }

    /// The time, on the wall clock.
    pub fn now(&self) -> jiff::Timestamp {
        self.workshop.clock.now().wall
    }
}
