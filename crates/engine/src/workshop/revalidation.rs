//! Asking again who is signed in, where tokens do not say it.

use latchkey_core::secret::AccessToken;

use super::Workshop;
use crate::error::EngineError;
use crate::vault::{Envelope, Identity};

impl Workshop {
    /// Asks who is signed in with this access token and stores it with the tokens of this generation; none where there
    /// is nowhere to ask. What cannot be stored is shown all the same, until the program ends.
    pub(crate) async fn revalidate(
        &self,
        generation: u64,
        access: &AccessToken,
    ) -> Result<Option<Identity>, EngineError> {
        let Ok(Some(held)) = self.stored().await else { return Ok(None) };
        let found = self.provider.identity(access, &held).await;
        // The answer to this question is none that asks for it once more.
        self.http.asked_to_revalidate();
        let Some(found) = found? else { return Ok(None) };
        let _turn = self.turn.lock().await;
        let Ok(lock) = self.lock_to_store().await else { return Ok(Some(found)) };
        let stored = self.stored().await.ok().flatten();
        // Generations begin anew with each person.
        let asked = |stored: &Envelope| {
            stored.generation == generation && stored.tokens.access.expose() == access.expose()
        };
        let Some(stored) = stored.filter(asked) else { return Ok(Some(found)) };
        let identity = found.or(stored.identity.clone());
        if identity != stored.identity {
            let renamed = Envelope { identity: identity.clone(), ..stored };
            if let Err(error) = self.vault.write(&self.account, &renamed).await {
                self.vault_failed("write", &error);
            }
        }
        drop(lock);
        Ok(Some(identity))
    }
}
