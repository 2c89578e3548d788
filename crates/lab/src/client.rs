//! Whoever is under test.

use std::io;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::{Fingerprint, FingerprintKey};
use latchkey_core::reason::VaultProblem;
use latchkey_engine::config::AccountConfig;
use latchkey_engine::lab::Held;
use latchkey_engine::ports::Vault as _;
use latchkey_engine::sign_in::SignIn;
use latchkey_engine::snapshot::{HistoryMark, SessionStatus};
use latchkey_engine::vault::memory::MemoryVault;
use latchkey_engine::{EngineHandle, Sessions, Setup, TokenRequest};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::scenario::Which;

/// What may be seen of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Its state, by the names of `status --json`.
    pub state: String,
    /// Why it is not simply signed in: code and sentence.
    pub reason: Option<(String, String)>,
    /// The generation of its tokens; 0 without any.
    pub generation: u32,
    /// When it next does something by itself.
    pub next: Option<Timestamp>,
    /// What happened to its tokens, oldest first.
    pub marks: Vec<HistoryMark>,
}

impl Seen {
    /// Whether something is under way that needs no time to pass.
    pub fn is_busy(&self) -> bool {
        matches!(self.state.as_str(), "renewing" | "signing_in")
    }
}

impl From<SessionStatus> for Seen {
    fn from(status: SessionStatus) -> Self {
        Self {
            state: status.state.as_str().to_owned(),
            reason: status.reason.map(|reason| (reason.code, reason.message)),
            generation: status.generation,
            next: status.next.and_then(|next| next.at?.parse().ok()),
            marks: status.history.to_vec(),
        }
    }
}

/// A client that keeps somebody signed in. Latchkey is one; a test may put another one in its place.
#[async_trait]
pub trait Client: Send {
    /// Signs in. The words of what went wrong, if anything did.
    async fn sign_in(&mut self, how: SignIn) -> Result<(), String>;
    /// What may be seen of it now.
    async fn seen(&mut self) -> Seen;
    /// Waits until what may be seen has changed.
    async fn changed(&mut self);
    /// Somebody asks it to renew now.
    async fn renew(&mut self);
    /// Whether a program that asks gets a valid access token.
    async fn gives_a_token(&mut self) -> bool;
    /// A resource server does not take one of its access tokens.
    async fn rejected(&mut self, which: Which);
    /// Its process is killed and another one starts.
    async fn restart(&mut self);
    /// A second process of it renews, and ends.
    async fn second_renews(&mut self);
    /// It can no longer store anything, or it can again.
    fn vault_is_away(&mut self, away: bool);
}

/// Makes what a client is made of, anew for each process of it.
pub type Setups = Box<dyn Fn(bool) -> Setup + Send>;

/// Latchkey itself.
pub struct Latchkey {
    process: Process,
    account: AccountConfig,
    vault: MemoryVault,
    setups: Setups,
    fingerprints: FingerprintKey,
    watch: watch::Receiver<Sessions>,
    /// The fingerprint of the access token before the one in force, and of that.
    replaced: Option<Fingerprint>,
    current: Option<Fingerprint>,
    /// Marks of processes that are over.
    past: Vec<HistoryMark>,
}

/// One process of it: an engine with a runtime of its own, so that it can be killed at any moment.
struct Process {
    engine: EngineHandle,
    runtime: Option<Runtime>,
}

impl Process {
    fn start(setup: Setup, account: &AccountConfig) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let engine = {
            let _inside = runtime.enter();
            // Nothing that is played here is for a person's programs to hear.
            EngineHandle::start(setup, [AccountConfig { on_event: Vec::new(), ..account.clone() }])
        };
        Ok(Self { engine, runtime: Some(runtime) })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Every task ends where it waits, as a process does that is killed.
            runtime.shutdown_background();
        }
    }
}

impl Latchkey {
    /// A process of it for this account. `setups(background)` gives what it is made of; its vault is `vault`.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(
        account: AccountConfig,
        vault: MemoryVault,
        fingerprints: FingerprintKey,
        setups: Setups,
    ) -> io::Result<Self> {
        let process = Process::start(setups(true), &account)?;
        let watch = process.engine.watch();
        let (replaced, current, past) = (None, None, Vec::new());
        Ok(Self { process, account, vault, setups, fingerprints, watch, replaced, current, past })
    }

    fn name(&self) -> &AccountName {
        &self.account.name
    }

    /// Remembers which access token was replaced by which.
    async fn remember(&mut self) {
        let Ok(Some(envelope)) = self.vault.read(self.name()).await else { return };
        let now = Held::of(envelope).access_fingerprint(&self.fingerprints);
        if self.current != Some(now) {
            self.replaced = self.current.replace(now);
        }
    }
}

#[async_trait]
impl Client for Latchkey {
    async fn sign_in(&mut self, how: SignIn) -> Result<(), String> {
        self.process.engine.sign_in(self.name(), how).await.map(drop).map_err(|error| error.to_string())
    }

    async fn seen(&mut self) -> Seen {
        self.watch.mark_unchanged();
        match self.process.engine.status(self.name()).await {
            Ok(status) => {
                self.remember().await;
                let mut seen = Seen::from(status);
                let now = std::mem::take(&mut seen.marks);
                seen.marks = self.past.iter().cloned().chain(now).collect();
                seen
            }
            Err(error) => Seen {
                state: "signed_out".to_owned(),
                reason: Some((error.code().to_owned(), error.to_string())),
                generation: 0,
                next: None,
                marks: self.past.clone(),
            },
        }
    }

    async fn changed(&mut self) {
        // The sender lives in the engine; once that is gone nothing changes any more.
        if self.watch.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    async fn renew(&mut self) {
        // What came of it is seen in the session.
        let _ = self.process.engine.renew(self.name()).await;
    }

    async fn gives_a_token(&mut self) -> bool {
        // Whatever was under way has ended by now, and no time passes while it is asked.
        let request = TokenRequest { min_valid: SignedDuration::ZERO, wait: SignedDuration::ZERO };
        self.process.engine.token(self.name(), request).await.is_ok()
    }

    async fn rejected(&mut self, which: Which) {
        self.remember().await;
        let fingerprint = match which {
            Which::Old => self.replaced,
            Which::Current => self.current,
        };
        if let Some(fingerprint) = fingerprint {
            // An account of an engine that runs is not unknown.
            let _ = self.process.engine.token_rejected(self.name(), fingerprint);
        }
    }

    async fn restart(&mut self) {
        self.past = self.seen().await.marks;
        // Without another thread there is no other process; the one that is there goes on.
        if let Ok(next) = Process::start((self.setups)(true), &self.account) {
            self.process = next;
            self.watch = self.process.engine.watch();
        }
    }

    async fn second_renews(&mut self) {
        if let Ok(second) = Process::start((self.setups)(false), &self.account) {
            // What came of it is seen in the first one.
            let _ = second.engine.renew(self.name()).await;
            second.engine.close().await;
        }
        let _ = self.process.engine.reload(self.name());
    }

    fn vault_is_away(&mut self, away: bool) {
        // It looks writable and fails when it is written: the moment at which a new token can get lost.
        self.vault.fail_next_writes(if away { u64::MAX } else { 0 }, VaultProblem::Unavailable);
    }
}
