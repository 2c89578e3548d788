//! What is done with one account's tokens: read, signed in for, renewed, erased.
//!
//! Each function here runs in a task of its own which no caller can cancel. They take turns for an account, so
//! that a sign-out waits for the exchange before it and finds what that stored.

mod renewal;
mod reply_envelope;
mod sign_in;
mod sign_out;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::disposition::{Answer, Body, Disposition, Failure, disposition};
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::policy::Policy;
use latchkey_core::reason::{Reason, VaultProblem};
use latchkey_core::secret::AccessToken;
use latchkey_core::session::Loaded;
use latchkey_core::time::Stamp;
use latchkey_core::token_set::TokenFacts;
use tracing::{debug, warn};

use crate::jose::look;
use crate::ports::{Browser, Clock, LockError, LockGuard, RenewalLock, Vault, VaultError};
use crate::provider::Provider;
use crate::vault::{Envelope, Identity};

/// How long to wait for another process that renews this account.
const LOCK_WAIT: Duration = Duration::from_mins(1);
/// What it takes to work on one account's tokens.
pub(crate) struct Workshop {
    pub(crate) account: AccountName,
    pub(crate) policy: Policy,
    pub(crate) provider: Provider,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) lock: Arc<dyn RenewalLock>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) browser: Arc<dyn Browser>,
    pub(crate) fingerprints: FingerprintKey,
    /// Held while anything is done with the account's tokens.
    pub(crate) turn: tokio::sync::Mutex<()>,
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
    /// What still has to be stored, and the lock under which it must be.
    pub(crate) unsaved: Option<Unsaved>,
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
            claims: look::shown_claims(envelope.tokens.access.expose()),
            rotated,
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
        match self.vault.read(&self.account).await {
            Ok(Some(envelope)) => (Loaded::Found(self.facts(&envelope)), Some(Arrived::of(&envelope, None))),
            Ok(None) => (Loaded::Absent, None),
            Err(error) => (Loaded::Unknown(self.vault_failed("read", &error)), None),
        }
    }

    /// Tries again to store tokens that have arrived.
    pub(crate) async fn save(&self, unsaved: &Unsaved) -> Result<(), VaultProblem> {
        let _turn = self.turn.lock().await;
        let lock = if unsaved.lock.is_some() {
            None
        } else {
            Some(self.take_lock().await.map_err(|_| VaultProblem::Slow)?)
        };
        let stored = self.vault.write(&self.account, &unsaved.envelope).await;
        drop(lock);
        stored.map_err(|error| self.vault_failed("write", &error))
    }

    async fn take_lock(&self) -> Result<LockGuard, LockError> {
        self.lock.acquire(&self.account, LOCK_WAIT).await.inspect_err(|error| {
            warn!(account = %self.account, kind = "lock_not_taken", "The renewal lock was not taken: {error}");
        })
    }

    /// What the machine may know of an envelope, now.
    fn facts(&self, envelope: &Envelope) -> TokenFacts {
        envelope.facts(&self.fingerprints, self.clock.now())
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

    fn step(&self, kind: &'static str, since: Stamp) {
        debug!(account = %self.account, kind, took_ms = self.millis_since(since), "{}", match kind {
            "lock_taken" => "The renewal lock is held",
            "reply" => "The provider answered with tokens",
            "no_reply" => "The exchange brought no tokens",
            _ => "The new tokens are durable",
        });
    }
}

/// A reply that turned out to hold no tokens.
fn no_tokens() -> Failure {
    Failure::Answered(Answer { status: 200, body: Body::NoVerdict, retry_after: None })
}

/// What a failure outside of a session's machine is called.
pub(crate) fn reason_of(failure: &Failure) -> Reason {
    match disposition(failure) {
        Disposition::Retry { reason, .. }
        | Disposition::Quarantine(reason)
        | Disposition::Misconfigured(reason) => reason,
        Disposition::RetryFew { status, .. } => Reason::Unclear { status },
    }
}
