//! Signing out: erased here first, then told to the provider.

use latchkey_core::reason::VaultProblem;
use tracing::{debug, warn};

use super::{Workshop, reason_of};
use crate::vault::Envelope;

impl Workshop {
    /// Erases the tokens, then tells the provider: signing out here never waits for the network.
    pub(crate) async fn wipe(&self) -> Result<(), VaultProblem> {
        let _turn = self.turn.lock().await;
        let Ok(lock) = self.take_lock().await else { return Err(VaultProblem::Slow) };
        let envelope = self.vault.read(&self.account).await.ok().flatten();
        self.vault.erase(&self.account).await.map_err(|error| self.vault_failed("erase", &error))?;
        drop(lock);
        if let Some(envelope) = envelope {
            self.tell_provider(&envelope).await;
        }
        Ok(())
    }

    /// Tells the provider that these tokens are not used any more, and lets the person end their session there.
    pub(super) async fn tell_provider(&self, envelope: &Envelope) {
        match self.provider.sign_out(envelope, &*self.clock).await {
            Ok(page) => {
                debug!(account = %self.account, kind = "revoked", "The provider knows that the session is over");
                if let Some(page) = page
                    && self.browser.open(&page).is_err()
                {
                    warn!(account = %self.account, kind = "page_not_opened", "The provider's sign-out page could not be opened");
                }
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
}
