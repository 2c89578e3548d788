//! Signing in, and storing what it brings.

use latchkey_core::reason::{Reason, VaultProblem};
use latchkey_core::session::Authenticated;

use super::{Arrived, Unsaved, Workshop, no_tokens};
use crate::error::EngineError;
use crate::ports::VaultError;
use crate::sign_in::{Attempt, SignIn};

impl Workshop {
    /// Signs in and stores what comes back. Nothing is held while the person is busy: only storing is done in
    /// turn and under the lock.
    pub(crate) async fn sign_in(
        &self,
        how: SignIn,
        attempt: &Attempt,
    ) -> (Authenticated, Option<Arrived>, Option<EngineError>) {
        // A password is not spent on tokens that cannot be kept.
        if let Err(error) = self.vault.check_writable().await {
            let problem = self.vault_failed("write", &error);
            return refused_sign_in(EngineError::Vault { problem });
        }
        let issued = match self.provider.sign_in(how, attempt, &*self.clock).await {
            Ok(issued) => issued,
            Err(failure) => return refused_sign_in(failure.into()),
        };
        let _turn = self.turn.lock().await;
        let lock = self.lock_to_store().await;
        let before = self.vault.read(&self.account).await.ok().flatten();
        let generation = before.as_ref().map_or(0, |envelope| envelope.generation) + 1;
        let Some(envelope) = self.envelope(issued, None, generation) else {
            return refused_sign_in(no_tokens().into());
        };
        if !attempt.commit() {
            self.tell_provider_once(&envelope).await;
            return refused_sign_in(EngineError::Cancelled);
        }
        *self.unclaimed() = None;
        let facts = self.facts(&envelope);
        let mut arrived = Arrived::of(&envelope, None);
        // Without the lock another process may be storing: the tokens wait, as they do for a locked keychain.
        let stored = if lock.is_ok() {
            self.vault.write(&self.account, &envelope).await
        } else {
            Err(VaultError { problem: VaultProblem::Slow, detail: "the renewal lock is held".to_owned() })
        };
        match stored {
            Ok(()) => {
                self.close_intent().await;
                drop(lock);
                // What an earlier sign-out could not tell the provider goes with this, told or not.
                if let Some(kept) = before.filter(|before| before.signed_out_at.is_some()) {
                    self.tell_provider_once(&kept).await;
                }
                (Authenticated::Done(facts), Some(arrived), None)
            }
            Err(error) => {
                let problem = self.vault_failed("write", &error);
                let lock = lock.ok().flatten();
                arrived.unsaved = Some(Box::new(Unsaved { envelope, lock }));
                let told = EngineError::Vault { problem };
                (Authenticated::Unsaved(facts, problem), Some(arrived), Some(told))
            }
        }
    }
}

fn refused_sign_in(error: EngineError) -> (Authenticated, Option<Arrived>, Option<EngineError>) {
    let reason = match &error {
        EngineError::Vault { problem } => Reason::Vault { problem: *problem },
        EngineError::WrongCredentials { said } => Reason::WrongCredentials { said: said.clone() },
        EngineError::Unreachable { what } => Reason::Unreachable { what: what.clone() },
        EngineError::OddAnswer { reason } | EngineError::SignInFailed { reason } => reason.clone(),
        EngineError::Busy => Reason::LockBusy,
        EngineError::UnknownAccount(_)
        | EngineError::AccountExists(_)
        | EngineError::SignInNeeded { .. }
        | EngineError::NotNow { .. }
        | EngineError::NotThisWay
        | EngineError::ElsewhereThanTheSite { .. }
        | EngineError::CookieNotOpened { .. }
        | EngineError::NotAllowed { .. }
        | EngineError::UnknownConsumer
        | EngineError::Cancelled
        | EngineError::Closing => Reason::NeverSignedIn,
    };
    (Authenticated::Failed(reason), None, Some(error))
}
