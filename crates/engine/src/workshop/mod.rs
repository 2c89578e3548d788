//! What is done with one account's tokens: read, signed in for, renewed, erased.
//!
//! Each function here runs in a task of its own which no caller can cancel. They take turns for an account, so
//! that a sign-out waits for the exchange before it and finds what that stored.
//!
//! A test can let the process die at each step of a renewal: [`crate::failpoint`] has the list.

mod intent;
mod limits;
mod refusal;
mod renewal;
mod reply_envelope;
mod revalidation;
mod sign_in;
mod sign_out;
mod site_secret;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::disposition::{Answer, Body, Disposition, Failure, disposition};
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::policy::Policy;
use latchkey_core::reason::{Reason, VaultProblem};
use latchkey_core::secret::AccessToken;
use latchkey_core::session::{Loaded, Look};
use latchkey_core::time::Stamp;
use latchkey_core::token_set::TokenFacts;
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use crate::config::Consent;
use crate::consumers::Consumers;
use crate::hooks::Hooks;
use crate::http::Http;
use crate::inspection::Inspection;
use crate::jose::dpop::ProofKey;
use crate::jose::look;
use crate::ports::{Browser, Clock, Journal, LockError, LockGuard, Network, RenewalLock, Vault, VaultError};
use crate::prompts::Prompts;
use crate::provider::Provider;
use crate::provider::nextauth::Jar;
use crate::vault::{Envelope, Identity};

pub(crate) use renewal::Wish;
pub use site_secret::SiteSecret;

/// How long to wait for another process that renews this account.
const LOCK_WAIT: Duration = Duration::from_mins(1);

/// What it takes to work on one account's tokens.
pub(crate) struct Workshop {
    pub(crate) account: AccountName,
    pub(crate) policy: Policy,
    /// Whether the person is asked before a program gets a token.
    pub(crate) consent: Consent,
    /// The programs that take tokens, of all accounts.
    pub(crate) consumers: Arc<Consumers>,
    pub(crate) provider: Provider,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) lock: Arc<dyn RenewalLock>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) browser: Arc<dyn Browser>,
    /// When people may be disturbed.
    pub(crate) prompts: Arc<Prompts>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) network: Arc<dyn Network>,
    /// The account's own, which knows how the provider's clock differs.
    pub(crate) http: Http,
    /// At most so many exchanges at once, over all accounts.
    pub(crate) exchanges: Arc<Semaphore>,
    pub(crate) fingerprints: FingerprintKey,
    /// Held while anything is done with the account's tokens.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Whether it was told that the journal cannot be written: once is enough.
    pub(crate) journal_told: AtomicBool,
    /// The programs that are told what happens.
    pub(crate) hooks: Hooks,
    /// Whether the session that was last erased was still there, so that it ended here and nowhere else.
    pub(crate) ended_here: AtomicBool,
    /// What was renewed and not stored when the session ended: the provider is told of these in place of the spent ones
    /// that are stored.
    pub(crate) unclaimed: Mutex<Option<Box<Envelope>>>,
}

/// Tokens that have arrived from the provider or the vault and may be published once the session says so.
pub(crate) struct Arrived {
    pub(crate) generation: u64,
    pub(crate) access: AccessToken,
    pub(crate) token_type: Option<String>,
    pub(crate) expires_at: Timestamp,
    pub(crate) identity: Identity,
    pub(crate) claims: Vec<(String, String)>,
    /// Whether the provider replaced the refresh token, where that can be told.
    pub(crate) rotated: Option<bool>,
    /// The key that the access token is bound to, if it is bound to one that can be read.
    pub(crate) proof_key: Option<Arc<ProofKey>>,
    /// The cookies of a site's session.
    pub(crate) cookies: Option<Arc<Jar>>,
    /// What still has to be stored, and the lock under which it must be.
    pub(crate) unsaved: Option<Box<Unsaved>>,
}

impl Arrived {
    /// The part of an envelope that may be published once the session says so.
    fn of(envelope: &Envelope, rotated: Option<bool>) -> Self {
        Self {
            generation: envelope.generation,
            access: envelope.tokens.access.clone(),
            token_type: envelope.token_type.clone(),
            expires_at: envelope.access.expires_at,
            identity: envelope.identity.clone(),
            claims: (envelope.session_data.clone())
                .unwrap_or_else(|| look::shown_claims(envelope.tokens.access.expose())),
            rotated,
            proof_key: proof_key(envelope),
            cookies: Jar::of_envelope(envelope).map(Arc::new),
            unsaved: None,
        }
    }
}

/// Tokens that could not be stored yet.
pub(crate) struct Unsaved {
    envelope: Envelope,
    /// The lock, unless it could not be had; it is then taken for storing.
    lock: Option<LockGuard>,
}

impl Workshop {
    /// Reads the vault.
    pub(crate) async fn load(&self) -> (Loaded, Option<Arrived>) {
        let _turn = self.turn.lock().await;
        // Before the vault: whoever has the lock may be about to store, and is not asked.
        let open = self.intent_left_open().await;
        let envelope = match self.vault.catch_up(&self.account).await {
            Ok(Some(envelope)) => envelope,
            Ok(None) if self.vault.erased_here(&self.account) => return (Loaded::Erased, None),
            Ok(None) => return (Loaded::Absent, None),
            Err(error) => return (Loaded::Unknown(self.vault_failed("read", &error)), None),
        };
        let now = self.clock.now();
        if let Some(at) = envelope.signed_out_at {
            return (Loaded::Unrevoked { since: Stamp::from_wall(at, now) }, None);
        }
        let facts = self.facts(&envelope);
        let arrived = Arrived::of(&envelope, None);
        if let Some((open, lock)) = open {
            if facts.renewable() && open.is_about(&facts) {
                return (Loaded::Unanswered(facts), Some(arrived));
            }
            self.close_intent().await;
            drop(lock);
        }
        (Loaded::Found(facts), Some(arrived))
    }

    /// Whether there is a network to the provider's token host.
    pub(crate) async fn probe(&self, look: Look) -> bool {
        match self.provider.exchange_url() {
            Some(url) => {
                look == Look::Route && self.network.leads_out(&url) || self.network.answers(&url).await
            }
            // Where it is not known yet there is nothing to wait for.
            None => true,
        }
    }

    /// The envelope, if somebody is signed in: what is kept after a sign-out is nobody's.
    async fn stored(&self) -> Result<Option<Envelope>, VaultError> {
        let stored = self.vault.read(&self.account).await?;
        Ok(stored.filter(|envelope| envelope.signed_out_at.is_none()))
    }

    /// Tries again to store tokens that have arrived. With the lock in hand nobody's turn is waited for: whoever has it
    /// may be waiting for that lock.
    pub(crate) async fn save(&self, unsaved: &Unsaved) -> Result<(), VaultProblem> {
        let held = unsaved.lock.is_some();
        let _turn = if held { self.turn.try_lock().ok() } else { Some(self.turn.lock().await) };
        let lock = if held { None } else { self.lock_to_store().await? };
        let stored = self.vault.write(&self.account, &unsaved.envelope).await;
        if stored.is_ok() {
            self.close_intent().await;
        }
        drop(lock);
        stored.map_err(|error| self.vault_failed("write", &error))
    }

    /// Looks into an access token.
    pub(crate) async fn inspect(&self, token: &AccessToken) -> Inspection {
        Inspection::of(token, self.provider.verify_access_token(token).await)
    }

    /// Looks into a token that somebody has, if it is of this account's issuer.
    pub(crate) async fn inspect_other(&self, token: &AccessToken) -> Option<Inspection> {
        Some(Inspection::of(token, self.provider.verify_signature(token).await?))
    }

    /// Tokens that could not be stored yet, of a session that has ended. Their lock is free afterwards.
    pub(crate) fn leave(&self, unsaved: Unsaved) {
        *self.unclaimed() = Some(Box::new(unsaved.envelope));
    }

    fn unclaimed(&self) -> MutexGuard<'_, Option<Box<Envelope>>> {
        self.unclaimed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take_lock(&self) -> Result<LockGuard, LockError> {
        self.lock.acquire(&self.account, LOCK_WAIT).await.inspect_err(|error| {
            warn!(account = %self.account, kind = "lock_not_taken", "The renewal lock was not taken: {error}");
        })
    }

    /// The lock under which something is stored or erased. Where there is none to be had nobody can renew, and what
    /// is in hand is stored without.
    async fn lock_to_store(&self) -> Result<Option<LockGuard>, VaultProblem> {
        match self.take_lock().await {
            Ok(lock) => Ok(Some(lock)),
            Err(LockError::Busy) => Err(VaultProblem::Slow),
            Err(LockError::Unusable(_)) => Ok(None),
        }
    }

    /// What the machine may know of an envelope, now.
    fn facts(&self, envelope: &Envelope) -> TokenFacts {
        envelope.facts(&self.fingerprints, self.clock.now(), self.clock.boot_id())
    }

    /// Records what the vault could not do; gives back what is wrong with it.
    fn vault_failed(&self, doing: &str, error: &VaultError) -> VaultProblem {
        warn!(
            account = %self.account, kind = "vault_failed", reason = error.problem.code(), doing,
            "The {} could not be used: {}", self.vault.name(), error.detail
        );
        error.problem
    }

    fn millis_since(&self, start: Stamp) -> u64 {
        let took = self.clock.now().boot.saturating_sub(start.boot).as_millis();
        u64::try_from(took).unwrap_or_default()
    }

    /// One step of a renewal of `generation`; the window puts the steps of each together.
    fn step(&self, kind: &'static str, generation: u64, since: Stamp) {
        debug!(account = %self.account, kind, generation, took_ms = self.millis_since(since), "{}", match kind {
            "lock_taken" => "The renewal lock is held",
            "reply" => "The provider answered with tokens",
            "no_reply" => "The exchange brought no tokens",
            _ => "The new tokens are durable",
        });
    }
}

/// The key of the proofs that go with an envelope's access token (RFC 9449 §7).
fn proof_key(envelope: &Envelope) -> Option<Arc<ProofKey>> {
    ProofKey::of_stored(envelope.dpop_key.as_ref()?).ok().map(Arc::new)
}

/// A reply that turned out to hold no tokens.
fn no_tokens() -> Failure {
    Failure::Answered(Answer { status: 200, body: Body::NoVerdict, retry_after: None })
}

/// What a failure outside of a session's machine is called.
pub(crate) fn reason_of(failure: &Failure) -> Reason {
    match disposition(failure) {
        Disposition::Retry { reason, .. }
        | Disposition::RetryFew { reason, .. }
        | Disposition::Quarantine(reason)
        | Disposition::Misconfigured(reason) => reason,
    }
}
