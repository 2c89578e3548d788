//! The second look before a refusal counts, and its seal.

use latchkey_core::disposition::{Disposition, disposition};
use latchkey_core::fingerprint::Fingerprint;
use latchkey_core::reason::Reason;
use latchkey_core::session::{Failed, Renewal, Sealed};

use super::{Arrived, Workshop};
use crate::vault::Envelope;

impl Workshop {
    /// A failed exchange. Before a refusal counts the vault is read again: a token other than the one sent is
    /// adopted. What the refusal means is decided by the machine, which knows of the clock as well.
    pub(super) async fn refused(&self, sent: &Envelope, failed: Failed) -> (Renewal, Option<Arrived>) {
        if matches!(disposition(&failed.failure), Disposition::Quarantine(_)) {
            match self.stored().await {
                Ok(Some(stored)) if stored.generation != sent.generation => {
                    return (Renewal::Adopted(self.facts(&stored)), Some(Arrived::of(&stored, None)));
                }
                Ok(None) => return (Renewal::Absent, None),
                Ok(Some(_)) | Err(_) => {}
            }
        }
        (Renewal::Failed(failed), None)
    }

    /// Stores that, and why, the refresh token of this generation must not be sent again. Generations begin anew after a
    /// sign-out: what another process signed in with meanwhile is told apart by its token.
    pub(crate) async fn seal(
        &self,
        generation: u64,
        token: Option<Fingerprint>,
        reason: Reason,
    ) -> (Sealed, Option<Arrived>) {
        let _turn = self.turn.lock().await;
        let _lock = match self.lock_to_store().await {
            Ok(lock) => lock,
            Err(problem) => return (Sealed::NotNow(problem), None),
        };
        let stored = match self.stored().await {
            Ok(Some(stored)) => stored,
            Ok(None) => return (Sealed::Absent, None),
            Err(error) => return (Sealed::NotNow(self.vault_failed("read", &error)), None),
        };
        let facts = self.facts(&stored);
        if (facts.generation, facts.refresh_fingerprint) != (generation, token) {
            return (Sealed::Adopted(facts), Some(Arrived::of(&stored, None)));
        }
        let sealed = Envelope { quarantined: Some(reason), ..stored };
        match self.vault.write(&self.account, &sealed).await {
            Ok(()) => {
                self.close_intent().await;
                (Sealed::Done, None)
            }
            Err(error) => (Sealed::NotNow(self.vault_failed("write", &error)), None),
        }
    }
}
