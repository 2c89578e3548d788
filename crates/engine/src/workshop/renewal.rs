//! A renewal, in the order that loses nothing.

use latchkey_core::disposition::{Disposition, Failure, disposition, may_be_spent};
use latchkey_core::reason::Reason;
use latchkey_core::secret::RefreshToken;
use latchkey_core::session::{Failed, Renewal};
use latchkey_core::text;
use latchkey_core::token_set::TokenSet;
use serde_json::Value;
use tokio::sync::SemaphorePermit;
use tracing::{debug, warn};

use super::{Arrived, Unsaved, Workshop, no_tokens};
use crate::failpoint::{self, failpoint};
use crate::ports::{LockError, VaultError};
use crate::provider::{Believed, Issued};
use crate::vault::Envelope;

/// What a renewal is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wish {
    /// Newer tokens, whoever brings them.
    Renewal,
    /// To see what the provider says now.
    Reading,
    /// To change what the session holds.
    Update(Value),
}

impl Wish {
    fn update(&self) -> Option<&Value> {
        match self {
            Self::Update(data) => Some(data),
            Self::Renewal | Self::Reading => None,
        }
    }
}

impl Workshop {
    /// Renews `generation`, in the eight steps that lose nothing.
    pub(crate) async fn renew(&self, generation: u64, wish: Wish) -> (Renewal, Option<Arrived>) {
        // 1. What the exchange needs besides the tokens, before the lock.
        let place = self.place().await;
        let prepared = self.provider.prepare().await;
        drop(place);
        if let Err(failure) = prepared {
            let failed = Failed { failure, after_lost_reply: false, skew: self.http.skew() };
            return (Renewal::Failed(failed), None);
        }
        // 2. One renewal per account in the process.
        let _turn = self.turn.lock().await;
        let started = self.clock.now();
        // 3. One renewal per account on the machine.
        let lock = match self.take_lock().await {
            Ok(lock) => lock,
            Err(LockError::Busy) => return (Renewal::LockBusy, None),
            Err(LockError::Unusable(error)) => {
                return (Renewal::LockUnusable { what: text::foreign(&error.to_string()) }, None);
            }
        };
        self.step("lock_taken", generation, started);
        // 4. Read only now, under the lock, so that a token is never spent that another process has replaced.
        let envelope = match self.stored().await {
            Ok(Some(envelope)) => envelope,
            Ok(None) => return (Renewal::Absent, None),
            Err(error) => return (Renewal::NoVault(self.vault_failed("read", &error)), None),
        };
        let facts = self.facts(&envelope);
        // Whoever wants to see what there is now, or to change it, is not served by what another process saw before.
        let ours = (envelope.generation == generation || wish != Wish::Renewal) && facts.renewable();
        let Some(refresh) = envelope.tokens.refresh.clone().filter(|_| ours) else {
            return (Renewal::Adopted(facts), Some(Arrived::of(&envelope, None)));
        };
        // What cannot be saved is not spent.
        if let Err(error) = self.vault.check_writable().await {
            return (Renewal::NoVault(self.vault_failed("write", &error)), None);
        }
        let place = self.place().await;
        // 5. Written down before it is sent, so that a crash is known to have been one.
        let sent_before = self.was_sent(&facts).await;
        self.open_intent(&facts).await;
        failpoint!("before_send");
        // 6. The exchange.
        let sent = self.clock.now();
        debug!(
            account = %self.account, kind = "sent", generation,
            fingerprint = facts.refresh_fingerprint.map(tracing::field::display),
            "The refresh token is on its way to the provider"
        );
        let (outcome, lost) = self.exchange(&refresh, &envelope, wish.update(), sent_before).await;
        drop(place);
        self.step(if outcome.is_ok() { "reply" } else { "no_reply" }, generation, sent);
        failpoint!("received");
        let after_lost_reply = sent_before || lost;
        let issued = match outcome {
            Ok(issued) => issued,
            Err(failure) => {
                let refused = matches!(disposition(&failure), Disposition::Quarantine(_));
                // Until a refusal after a lost reply is sealed, whoever meets the token next has to know of that reply.
                if !after_lost_reply && (refused || !may_be_spent(&failure)) {
                    self.close_intent().await;
                }
                let failed = Failed { failure, after_lost_reply, skew: self.http.skew() };
                return self.refused(&envelope, failed).await;
            }
        };
        // 7. The refresh token first, durable, under the lock; only then is the rest looked at.
        let rotated = issued.refresh.as_ref().map(|new| new.expose() != refresh.expose());
        let lacks_access = issued.access.is_none();
        let Some(renewed) = self.envelope(issued, Some(&envelope), envelope.generation + 1) else {
            let failed = Failed { failure: no_tokens(), after_lost_reply, skew: self.http.skew() };
            return (Renewal::Failed(failed), None);
        };
        if lacks_access {
            warn!(account = %self.account, kind = "odd_reply", "The reply had a refresh token but no access token");
        }
        failpoint!("parsed");
        let storing = self.clock.now();
        let (renewed, stored, distrust) = self.store(renewed, &envelope).await;
        let facts = self.facts(&renewed);
        let mut arrived = Arrived::of(&renewed, Some(rotated.unwrap_or(false)));
        if let Err(error) = stored {
            let problem = self.vault_failed("write", &error);
            arrived.unsaved = Some(Box::new(Unsaved { envelope: renewed, lock: Some(lock) }));
            return (Renewal::Unsaved { facts, problem }, Some(arrived));
        }
        self.step("stored", generation + 1, storing);
        failpoint!("stored");
        self.close_intent().await;
        failpoint!("journal_closed");
        if let Some(reason) = distrust {
            return (Renewal::Distrusted { facts, reason }, Some(arrived));
        }
        // 8. Whoever asked gets it from here on.
        (Renewal::Done { facts, took_ms: self.millis_since(started) }, Some(arrived))
    }

    /// Stores what a renewal brought. Where it can be judged, the refresh token is stored by itself first, with the
    /// access token from before; what is then not believed never takes that one's place, and the refresh token is
    /// sealed. Gives what is stored, whether it is, and why it is not believed, if it is not.
    async fn store(
        &self,
        renewed: Envelope,
        before: &Envelope,
    ) -> (Envelope, Result<(), VaultError>, Option<Reason>) {
        if !self.provider.judges(&renewed, before) {
            let stored = self.vault.write(&self.account, &renewed).await;
            return (renewed, stored, None);
        }
        let safe = withholding(&renewed, before);
        // Should this fail, the second one is the next try.
        let _ = self.vault.write(&self.account, &safe).await;
        let (kept, distrust) = match self.provider.judge(&renewed, before).await {
            Ok(Believed::All) => (renewed, None),
            Ok(Believed::ButTheIdToken) => {
                let tokens = TokenSet { id: before.tokens.id.clone(), ..renewed.tokens };
                (Envelope { tokens, ..renewed }, None)
            }
            Err(reason) => (Envelope { quarantined: Some(reason.clone()), ..safe }, Some(reason)),
        };
        let stored = self.vault.write(&self.account, &kept).await;
        (kept, stored, distrust)
    }

    /// A place among the exchanges that are under way: fifty accounts that wake together are no reason to ask for
    /// everything in one second. Waited for without end, since every exchange has one.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.exchanges.acquire().await.ok()
    }

    /// One exchange, repeated once at once if its reply was lost: never a blind series, which reuse detection
    /// would punish. An exchange that is a repeat itself is not repeated. Tells whether a reply was lost on the way.
    async fn exchange(
        &self,
        refresh: &RefreshToken,
        held: &Envelope,
        update: Option<&Value>,
        sent_before: bool,
    ) -> (Result<Issued, Failure>, bool) {
        let one = || failpoint::renewing(self.provider.renew(refresh, held, update, &*self.clock));
        let sent = self.clock.now();
        let first = one().await;
        let lost = matches!(&first, Err(Failure::NoReply));
        let late = self.clock.now().boot.saturating_sub(sent.boot) > self.policy.repeat_within();
        if !lost || late || sent_before {
            return (first, lost);
        }
        debug!(account = %self.account, kind = "reply_lost", "The reply was lost; the same token is sent once more");
        (one().await, true)
    }
}

/// The new refresh token, and everything else as it was before.
fn withholding(renewed: &Envelope, before: &Envelope) -> Envelope {
    Envelope {
        generation: renewed.generation,
        stored_at: renewed.stored_at,
        tokens: TokenSet { refresh: renewed.tokens.refresh.clone(), ..before.tokens.clone() },
        refresh: renewed.refresh,
        session: renewed.session,
        ..before.clone()
    }
}
