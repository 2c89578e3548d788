//! What is done with a session's tokens, in the order that loses nothing.
//!
//! Each function here runs in a task of its own which no caller can cancel. They take turns for an account, so
//! that a sign-out waits for the exchange before it and finds what that stored.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::disposition::{Answer, Body, Disposition, Failure, disposition};
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::policy::Policy;
use latchkey_core::reason::{Reason, VaultProblem};
use latchkey_core::secret::{AccessToken, RefreshToken};
use latchkey_core::session::{Authenticated, Loaded, Renewal};
use latchkey_core::time::Stamp;
use latchkey_core::token_set::{Source, TokenFacts, TokenSet};
use tracing::{debug, warn};

use crate::error::EngineError;
use crate::jwt;
use crate::ports::{Clock, LockError, LockGuard, RenewalLock, Vault, VaultError};
use crate::provider::{Issued, Login, Provider, SignInFailure};
use crate::vault::{Envelope, Expiry, Identity};

/// How long to wait for another process that renews this account.
const LOCK_WAIT: Duration = Duration::from_mins(1);
/// Within this after an exchange began, a lost reply is asked for once more: servers with a grace window answer
/// it as before (10 s is the shortest that is common where it is unknown).
const REPEAT_WITHIN: SignedDuration = SignedDuration::from_secs(10);

/// What it takes to work on one account's tokens.
pub(crate) struct Workshop {
    pub(crate) account: AccountName,
    pub(crate) policy: Policy,
    pub(crate) provider: Provider,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) lock: Arc<dyn RenewalLock>,
    pub(crate) clock: Arc<dyn Clock>,
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
            claims: jwt::shown_claims(envelope.tokens.access.expose()),
            rotated,
            unsaved: None,
        }
    }
}

/// Tokens that could not be stored yet.
pub(crate) struct Unsaved {
    envelope: Envelope,
    _lock: LockGuard,
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

    /// Signs in and stores what comes back.
    pub(crate) async fn sign_in(
        &self,
        login: Login,
    ) -> (Authenticated, Option<Arrived>, Option<EngineError>) {
        let _turn = self.turn.lock().await;
        // A password is not spent on tokens that cannot be kept.
        if let Err(error) = self.vault.check_writable().await {
            let problem = self.vault_failed("write", &error);
            return refused_sign_in(EngineError::Vault { problem });
        }
        let Ok(lock) = self.take_lock().await else { return refused_sign_in(EngineError::Busy) };
        let issued = match self.provider.sign_in(login, &*self.clock).await {
            Ok(issued) => issued,
            Err(failure) => return refused_sign_in(sign_in_error(failure)),
        };
        let before = self.vault.read(&self.account).await.ok().flatten();
        let generation = before.map_or(0, |envelope| envelope.generation) + 1;
        let Some(envelope) = self.envelope(issued, None, generation) else {
            return refused_sign_in(sign_in_error(SignInFailure::Failed(no_tokens())));
        };
        let facts = self.facts(&envelope);
        let mut arrived = Arrived::of(&envelope, None);
        match self.vault.write(&self.account, &envelope).await {
            Ok(()) => (Authenticated::Done(facts), Some(arrived), None),
            Err(error) => {
                let problem = self.vault_failed("write", &error);
                arrived.unsaved = Some(Unsaved { envelope, _lock: lock });
                let told = EngineError::Vault { problem };
                (Authenticated::Unsaved(facts, problem), Some(arrived), Some(told))
            }
        }
    }

    /// Renews `generation`, in the eight steps that lose nothing.
    pub(crate) async fn renew(&self, generation: u64) -> (Renewal, Option<Arrived>) {
        // 1. Provider metadata would be fetched here, before the lock: this provider has none.
        // 2. One renewal per account in the process.
        let _turn = self.turn.lock().await;
        let started = self.clock.now();
        // 3. One renewal per account on the machine.
        let Ok(lock) = self.take_lock().await else { return (Renewal::LockBusy, None) };
        self.step("lock_taken", started);
        // 4. Read only now, under the lock, so that a token is never spent that another process has replaced.
        let envelope = match self.vault.read(&self.account).await {
            Ok(Some(envelope)) => envelope,
            Ok(None) => return (Renewal::Absent, None),
            Err(error) => return (Renewal::NoVault(self.vault_failed("read", &error)), None),
        };
        let facts = self.facts(&envelope);
        let ours = envelope.generation == generation && facts.renewable();
        let Some(refresh) = envelope.tokens.refresh.clone().filter(|_| ours) else {
            return (Renewal::Adopted(facts), Some(Arrived::of(&envelope, None)));
        };
        // What cannot be saved is not spent.
        if let Err(error) = self.vault.check_writable().await {
            return (Renewal::NoVault(self.vault_failed("write", &error)), None);
        }
        // 5. The journal would learn of the attempt here.
        // 6. The exchange.
        let sent = self.clock.now();
        let (outcome, after_lost_reply) = self.exchange(&refresh).await;
        self.step(if outcome.is_ok() { "reply" } else { "no_reply" }, sent);
        let issued = match outcome {
            Ok(issued) => issued,
            Err(failure) => return self.refused(envelope, failure, after_lost_reply).await,
        };
        // 7. The refresh token first, durable, under the lock; only then is the rest looked at.
        let rotated = issued.refresh.as_ref().map(|new| new.expose() != refresh.expose());
        let lacks_access = issued.access.is_none();
        let Some(renewed) = self.envelope(issued, Some(&envelope), generation + 1) else {
            return (Renewal::Failed { failure: no_tokens(), after_lost_reply }, None);
        };
        let facts = self.facts(&renewed);
        let mut arrived = Arrived::of(&renewed, Some(rotated.unwrap_or(false)));
        if lacks_access {
            warn!(account = %self.account, kind = "odd_reply", "The reply had a refresh token but no access token");
        }
        let storing = self.clock.now();
        if let Err(error) = self.vault.write(&self.account, &renewed).await {
            let problem = self.vault_failed("write", &error);
            arrived.unsaved = Some(Unsaved { envelope: renewed, _lock: lock });
            return (Renewal::Unsaved { facts, problem }, Some(arrived));
        }
        self.step("stored", storing);
        // 8. Whoever asked gets it from here on.
        (Renewal::Done { facts, took_ms: self.millis_since(started) }, Some(arrived))
    }

    /// Tries again to store tokens that have arrived.
    pub(crate) async fn save(&self, unsaved: &Unsaved) -> Result<(), VaultProblem> {
        let _turn = self.turn.lock().await;
        let stored = self.vault.write(&self.account, &unsaved.envelope).await;
        stored.map_err(|error| self.vault_failed("write", &error))
    }

    /// Erases the tokens, then tells the provider: signing out here never waits for the network.
    pub(crate) async fn wipe(&self) -> Result<(), VaultProblem> {
        let _turn = self.turn.lock().await;
        let Ok(lock) = self.take_lock().await else { return Err(VaultProblem::Slow) };
        let envelope = self.vault.read(&self.account).await.ok().flatten();
        self.vault.erase(&self.account).await.map_err(|error| self.vault_failed("erase", &error))?;
        drop(lock);
        if let Some(envelope) = envelope {
            let told =
                self.provider.sign_out(envelope.tokens.refresh.as_ref(), &envelope.tokens.access).await;
            match told {
                Ok(()) => {
                    debug!(account = %self.account, kind = "revoked", "The provider knows that the session is over");
                }
                Err(failure) => {
                    let reason = reason_of(&failure);
                    warn!(
                        account = %self.account, kind = "revocation_failed", reason = reason.code(),
                        "Signed out here, but the provider was not told: {}", reason.message()
                    );
                }
            }
        }
        Ok(())
    }

    /// One exchange, repeated once at once if its reply was lost: never a blind series, which reuse detection
    /// would punish. Tells whether a reply was lost on the way.
    async fn exchange(&self, refresh: &RefreshToken) -> (Result<Issued, Failure>, bool) {
        let sent = self.clock.now();
        let first = self.provider.renew(refresh, &*self.clock).await;
        let lost = matches!(&first, Err(Failure::NoReply));
        if !lost || self.clock.now().boot.saturating_sub(sent.boot) > REPEAT_WITHIN {
            return (first, lost);
        }
        debug!(account = %self.account, kind = "reply_lost", "The reply was lost; the same token is sent once more");
        (self.provider.renew(refresh, &*self.clock).await, true)
    }

    /// A failed exchange. Before a refusal counts the vault is read again: a token other than the one sent is
    /// adopted. A refusal that counts is noted in the envelope, so that no later start sends the token again.
    async fn refused(
        &self,
        sent: Envelope,
        failure: Failure,
        after_lost_reply: bool,
    ) -> (Renewal, Option<Arrived>) {
        let Disposition::Quarantine(reason) = disposition(&failure) else {
            return (Renewal::Failed { failure, after_lost_reply }, None);
        };
        match self.vault.read(&self.account).await {
            Ok(Some(stored)) if stored.generation != sent.generation => {
                return (Renewal::Adopted(self.facts(&stored)), Some(Arrived::of(&stored, None)));
            }
            Ok(None) => return (Renewal::Absent, None),
            Ok(Some(_)) | Err(_) => {}
        }
        let reason = if after_lost_reply { reason.after_lost_reply() } else { reason };
        let quarantined = Envelope { quarantined: Some(reason), ..sent };
        if let Err(error) = self.vault.write(&self.account, &quarantined).await {
            self.vault_failed("write", &error);
        }
        (Renewal::Failed { failure, after_lost_reply }, None)
    }

    async fn take_lock(&self) -> Result<LockGuard, LockError> {
        self.lock.acquire(&self.account, LOCK_WAIT).await.inspect_err(|error| {
            warn!(account = %self.account, kind = "lock_not_taken", "The renewal lock was not taken: {error}");
        })
    }

    /// The envelope of a reply, on top of the one it replaces; `None` if there is no access token to serve.
    fn envelope(&self, issued: Issued, before: Option<&Envelope>, generation: u64) -> Option<Envelope> {
        let now = self.clock.now().wall;
        // A reply with a new refresh token and no access token is kept, with an access token that has expired.
        let (access, expired) = match (issued.access, before) {
            (Some(access), _) => (access, false),
            (None, Some(before)) => (before.tokens.access.clone(), true),
            (None, None) => return None,
        };
        let assumed = issued.received.saturating_add(self.policy.assumed_lifetime).unwrap_or(issued.received);
        let (expires_at, source) = issued.access_expires.unwrap_or((assumed, Source::Assumed));
        let replaced = issued.refresh.is_some();
        let stored = |clock: Option<(Timestamp, Source)>| {
            clock.map(|(expires_at, source)| Expiry { expires_at, source })
        };
        let old = before.map(|before| &before.tokens);
        let kept = before.filter(|_| !replaced).and_then(|before| before.refresh);
        Some(Envelope {
            account: self.account.clone(),
            generation,
            stored_at: now,
            received_at: issued.received,
            tokens: TokenSet {
                access,
                // RFC 6749 §6: a reply without a refresh token leaves the old one in force.
                refresh: issued.refresh.or_else(|| old.and_then(|old| old.refresh.clone())),
                id: issued.id.or_else(|| old.and_then(|old| old.id.clone())),
            },
            access: Expiry { expires_at: if expired { issued.received } else { expires_at }, source },
            refresh: stored(issued.refresh_expires).or(kept),
            session: stored(issued.session_expires).or_else(|| before.and_then(|before| before.session)),
            identity: issued.identity.or(before.map(|before| before.identity.clone()).unwrap_or_default()),
            token_type: None,
            scope: None,
            quarantined: None,
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
fn reason_of(failure: &Failure) -> Reason {
    match disposition(failure) {
        Disposition::Retry { reason, .. }
        | Disposition::Quarantine(reason)
        | Disposition::Misconfigured(reason) => reason,
        Disposition::RetryFew { status, .. } => Reason::Unclear { status },
    }
}

fn refused_sign_in(error: EngineError) -> (Authenticated, Option<Arrived>, Option<EngineError>) {
    let reason = match &error {
        EngineError::Vault { problem } => Reason::Vault { problem: *problem },
        EngineError::WrongCredentials { said } => Reason::WrongCredentials { said: said.clone() },
        EngineError::Unreachable { what } => Reason::Unreachable { what: what.clone() },
        EngineError::OddAnswer { reason } => reason.clone(),
        EngineError::Busy => Reason::LockBusy,
        EngineError::UnknownAccount(_)
        | EngineError::AccountExists(_)
        | EngineError::SignInNeeded { .. }
        | EngineError::NotNow { .. }
        | EngineError::Cancelled
        | EngineError::Closing => Reason::NeverSignedIn,
    };
    (Authenticated::Failed(reason), None, Some(error))
}

fn sign_in_error(failure: SignInFailure) -> EngineError {
    match failure {
        SignInFailure::WrongCredentials { said } => EngineError::WrongCredentials { said },
        SignInFailure::Failed(Failure::NotSent { what }) => EngineError::Unreachable { what },
        SignInFailure::Failed(Failure::NoReply) => {
            EngineError::Unreachable { what: "its reply did not arrive".to_owned() }
        }
        SignInFailure::Failed(failure) => EngineError::OddAnswer { reason: reason_of(&failure) },
    }
}
