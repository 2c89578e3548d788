//! The accounts of an engine, as they change while it runs.

use std::sync::{Arc, PoisonError};

use latchkey_core::account::AccountName;

use super::{EngineHandle, close};
use crate::config::AccountConfig;
use crate::config_changes::AccountChanges;
use crate::error::EngineError;
use crate::snapshot::StateName;

impl EngineHandle {
    /// Takes another configuration of an account that signs in where it did before. What is under way is finished,
    /// then its session goes on as the vault has it.
    ///
    /// # Errors
    /// [`EngineError::Busy`] while new tokens wait to be stored: the session that holds them is not let go of.
    pub async fn change_account(&self, config: &AccountConfig) -> Result<(), EngineError> {
        let status = self.status(&config.name).await?;
        if status.state == StateName::Saving {
            return Err(EngineError::Busy);
        }
        self.close_account(&config.name).await;
        self.add_account(config, Arc::unwrap_or_clone(status.history))
    }

    /// Lets go of an account once nothing is under way for it; its tokens stay in the vault.
    pub(super) async fn let_go(&self, account: &AccountName) {
        self.close_account(account).await;
        self.inner.sessions.send_modify(|sessions| {
            sessions.remove(account);
        });
    }

    async fn close_account(&self, account: &AccountName) {
        let known = self.inner.accounts.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
        if let Some(closed) = known.and_then(|known| close(&known.outbox)) {
            let _ = closed.await;
        }
    }

    /// Takes in what the accounts are now: new ones are opened, those that are gone are let go of, and those that were
    /// changed are opened anew. Exchanges under way are finished first, and nobody is signed out; an account whose new
    /// tokens wait to be stored is left as it is.
    pub async fn accounts_are(&self, accounts: &[AccountConfig]) -> AccountChanges {
        let mut changes = AccountChanges::default();
        for name in self.accounts() {
            let gone = !accounts.iter().any(|account| account.name == name);
            let saving = async || self.status(&name).await.is_ok_and(|now| now.state == StateName::Saving);
            if gone && !saving().await {
                self.let_go(&name).await;
                changes.removed.push(name);
            }
        }
        for account in accounts {
            let name = account.name.clone();
            match self.known(&name, |known| known.config == *account) {
                Ok(false) if self.change_account(account).await.is_ok() => changes.changed.push(name),
                // Whoever was quicker has opened it as it is written down.
                Err(_) if self.add_account(account, Vec::new()).is_ok() => changes.added.push(name),
                Ok(_) | Err(_) => {}
            }
        }
        changes
    }
}
