//! The accounts of an engine, as they change while it runs.

use std::sync::{Arc, PoisonError};

use latchkey_core::account::AccountName;
use tokio::sync::OwnedMutexGuard;

use super::{EngineHandle, close};
use crate::config::AccountConfig;
use crate::config_changes::AccountChanges;
use crate::error::EngineError;
use crate::snapshot::StateName;

/// The turn of somebody who changes accounts. A window that writes an account down and whoever follows the configuration
/// would otherwise both open it.
pub struct Changing {
    engine: EngineHandle,
    _turn: OwnedMutexGuard<()>,
}

impl EngineHandle {
    /// Waits until nobody else changes accounts.
    pub async fn changing(&self) -> Changing {
        let turn = Arc::clone(&self.inner.changing).lock_owned().await;
        Changing { engine: self.clone(), _turn: turn }
    }

    /// As [`Changing::account_is`].
    ///
    /// # Errors
    /// As there.
    pub async fn change_account(&self, config: &AccountConfig) -> Result<(), EngineError> {
        self.changing().await.account_is(config).await.map(drop)
    }

    /// As [`Changing::remove_account`].
    ///
    /// # Errors
    /// As there.
    pub async fn remove_account(&self, account: &AccountName) -> Result<(), EngineError> {
        self.changing().await.remove_account(account).await
    }

    /// Takes in what the accounts are now: new ones are opened, those that are gone are let go of, and those that were
    /// changed are opened anew. Exchanges under way are finished first, and nobody is signed out; an account whose new
    /// tokens wait to be stored, or those of a sign-out to be erased, is left as it is.
    pub async fn accounts_are(&self, accounts: &[AccountConfig]) -> AccountChanges {
        let turn = self.changing().await;
        let mut changes = AccountChanges::default();
        for name in self.accounts() {
            if accounts.iter().any(|account| account.name == name) {
                continue;
            }
            match self.let_go(&name).await {
                Ok(()) => changes.removed.push(name),
                Err(error) => changes.not_taken_in(name, &error),
            }
        }
        for account in accounts {
            let name = account.name.clone();
            match turn.account_is(account).await {
                Ok(Taken::New) => changes.added.push(name),
                Ok(Taken::Changed) => changes.changed.push(name),
                Ok(Taken::AsItWas) => {}
                Err(error) => changes.not_taken_in(name, &error),
            }
        }
        changes
    }

    /// Lets go of an account once nothing is under way for it; its tokens stay in the vault.
    async fn let_go(&self, account: &AccountName) -> Result<(), EngineError> {
        self.close_account(account).await?;
        self.inner.sessions.send_modify(|sessions| {
            sessions.remove(account);
        });
        Ok(())
    }

    /// Ends the task of an account; one with tokens that are nowhere else, or that nobody else would erase, goes on.
    async fn close_account(&self, account: &AccountName) -> Result<(), EngineError> {
        let accounts = || self.inner.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = accounts().remove(account) else { return Ok(()) };
        let goes_on = match close(&known.outbox, false) {
            Some(closed) => closed.await == Ok(false),
            None => false,
        };
        if goes_on {
            accounts().insert(account.clone(), known);
            return Err(EngineError::Busy);
        }
        Ok(())
    }
}

impl AccountChanges {
    /// An engine that is closed takes nothing in any more, which is no reason to try again.
    fn not_taken_in(&mut self, account: AccountName, error: &EngineError) {
        if matches!(error, EngineError::Busy) {
            self.left.push(account);
        }
    }
}

/// What taking an account in came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was not there before.
    New,
    /// It signs in, renews or asks otherwise than before.
    Changed,
    /// It was like that.
    AsItWas,
}

impl Changing {
    /// Takes an account in as it is configured now. What is under way is finished, then its session goes on as the vault
    /// has it.
    ///
    /// # Errors
    /// [`EngineError::Busy`] while new tokens wait to be stored, or those of a sign-out to be erased: the session that does
    /// it is not let go of.
    /// [`EngineError::Closing`] once the engine was closed.
    pub async fn account_is(&self, config: &AccountConfig) -> Result<Taken, EngineError> {
        match self.engine.known(&config.name, |known| known.config == *config) {
            Ok(true) => return Ok(Taken::AsItWas),
            Ok(false) => {}
            Err(_) => return self.engine.add_account(config, Vec::new()).map(|()| Taken::New),
        }
        let status = self.engine.status(&config.name).await?;
        if status.state == StateName::Saving {
            return Err(EngineError::Busy);
        }
        self.engine.close_account(&config.name).await?;
        self.engine.add_account(config, Arc::unwrap_or_clone(status.history))?;
        Ok(Taken::Changed)
    }

    /// Signs out of an account and lets go of it.
    ///
    /// # Errors
    /// What keeps it from being signed out, or its tokens from being erased; it stays then.
    pub async fn remove_account(&self, account: &AccountName) -> Result<(), EngineError> {
        // Nobody waits for the turn that they have.
        self.engine.known(account, |_| ())?;
        self.engine.sign_out(account).await?;
        self.engine.let_go(account).await?;
        self.engine.inner.consumers.forget(account);
        // Nobody would ever tell the provider of an account that is gone.
        let erased = self.engine.inner.setup.vault.erase(account).await;
        erased.map_err(|error| EngineError::Vault { problem: error.problem })
    }
}
