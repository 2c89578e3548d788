//! Accounts as the window shows and changes them: key by key, as they stand in the configuration.

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::advice::{Advice, Known, Severity, advice};
use latchkey_core::wording::Values;
use latchkey_engine::EngineError;
use latchkey_engine::config::{self, AccountConfig, Changes, ConfigError, Keys, Problem};
use serde::Serialize;
use tracing::info;

use crate::command_error::CommandError;
use crate::input;
use crate::shell::Shell;
use crate::words::Tongue;

/// What an account is called that has no name yet.
const NEW: &str = "new";

/// What is thought of an account before it is saved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct AccountCheck {
    /// What keeps it from being saved.
    problems: Vec<KeyProblem>,
    /// What contradicts itself, or what is known of its tokens.
    advice: Vec<AdviceStatus>,
    /// Whether saving it ends its session: the tokens in hand are another server's.
    ends_session: bool,
}

/// One thing to think about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct AdviceStatus {
    /// Stable name.
    code: String,
    /// Whether it does not do what it seems to; otherwise it is only worth knowing.
    warns: bool,
    /// What it is, why that matters, and what to do.
    message: String,
    /// The values in that by name.
    #[cfg_attr(test, specta(type = std::collections::BTreeMap<String, String>))]
    values: Values,
}

/// What is wrong with one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct KeyProblem {
    /// Which (`login_url`, `map.access_token`); empty where it is about all of it.
    key: String,
    /// What is wrong with it.
    what: String,
    /// What to do.
    remedy: String,
}

impl Shell {
    /// The keys of an account.
    pub(crate) fn account_keys(&self, account: &AccountName) -> Result<Keys, CommandError> {
        Ok(config::account_keys(&self.paths, account)?)
    }

    /// What would be wrong with an account if these changes were saved, or with a new one that had these keys. Nothing
    /// is saved.
    pub(crate) fn check_account(
        &self,
        account: Option<&AccountName>,
        changes: &Changes,
        tongue: Tongue,
    ) -> Result<AccountCheck, CommandError> {
        input::changes(changes)?;
        let new = input::account(NEW)?;
        let checked = match account {
            Some(account) => config::with_changes(&self.paths, account, changes),
            None => config::from_keys(&new, changes),
        };
        match checked {
            Ok(wanted) => {
                let known = account.map(|account| self.known(account)).transpose()?.flatten();
                let ends_session = known.is_some_and(|known| moves(&known, &wanted));
                let advice = advice(&wanted.policy, self.known_of_tokens(account, &wanted));
                Ok(AccountCheck {
                    problems: Vec::new(),
                    advice: advice.into_iter().map(AdviceStatus::from).collect(),
                    ends_session,
                })
            }
            Err(ConfigError::Invalid { file: None, problems }) => {
                let of_key = |problem| of_key(account.unwrap_or(&new), problem, tongue);
                Ok(AccountCheck {
                    problems: problems.into_iter().map(of_key).collect(),
                    advice: Vec::new(),
                    ends_session: false,
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes an account down, opens its session and waits until that is shown.
    pub(crate) async fn add_account(
        &self,
        account: &AccountName,
        changes: &Changes,
    ) -> Result<(), CommandError> {
        input::changes(changes)?;
        let told = |error| self.told(error);
        let turn = self.engine.changing().await;
        let added = config::add_by_keys(&self.paths, account, changes)?;
        self.dev_server.start_for(std::slice::from_ref(&added)).await;
        turn.account_is(&added).await.map_err(told)?;
        self.engine.status(account).await.map_err(told)?;
        info!(account = %account, kind = "account_added", "The account was added");
        Ok(())
    }

    /// Changes an account. Its session goes on where it signs in to the same server as the same client; elsewhere it
    /// is signed out there first, since nobody could do that later.
    pub(crate) async fn change_account(
        &self,
        account: &AccountName,
        changes: &Changes,
    ) -> Result<(), CommandError> {
        input::changes(changes)?;
        let told = |error: EngineError| self.told(error);
        let turn = self.engine.changing().await;
        let known = self.known(account)?;
        // Nobody is signed out for what could not be written down afterwards.
        let change = config::prepare_change(&self.paths, account, changes)?;
        if known.is_some_and(|known| moves(&known, change.account())) {
            self.engine.sign_out(account).await.map_err(told)?;
        }
        let wanted = change.write()?;
        self.dev_server.start_for(std::slice::from_ref(&wanted)).await;
        match turn.account_is(&wanted).await {
            // It is written down, and followed once what waits to be stored is.
            Ok(_) | Err(EngineError::Busy) => {}
            Err(error) => return Err(told(error)),
        }
        self.engine.status(account).await.map_err(told)?;
        info!(account = %account, kind = "account_changed", "The account was changed");
        Ok(())
    }

    /// Signs out of an account and takes it out of the configuration.
    pub(crate) async fn remove_account(&self, account: &AccountName) -> Result<(), CommandError> {
        let turn = self.engine.changing().await;
        let known = self.known(account)?;
        // The configuration goes last: without it nobody would know whose tokens are left in the keychain.
        turn.remove_account(account).await.map_err(|error| self.told(error))?;
        if let Err(error) = config::remove_account(&self.paths, account) {
            // It is there after the next start, so it is there now.
            if let Some(known) = known {
                let _ = turn.account_is(&known).await;
            }
            return Err(error.into());
        }
        info!(account = %account, kind = "account_removed", "The account was removed");
        Ok(())
    }

    /// What its session tells of an account's tokens.
    fn known_of_tokens(&self, account: Option<&AccountName>, config: &AccountConfig) -> Known {
        let sessions = self.engine.watch();
        let sessions = sessions.borrow();
        let session = account.and_then(|account| sessions.get(account));
        let lifetime = session.and_then(|session| {
            // Without a refresh token there are no renewals that could be advised about.
            let access = session.access.as_ref().filter(|_| session.refresh.is_some())?;
            let at = |text: &str| text.parse::<Timestamp>().ok();
            Some(at(&access.expires_at)?.duration_since(at(&access.received_at)?))
        });
        let plain_http = config.provider.address().is_some_and(|address| address.scheme() == "http");
        Known { access: lifetime, plain_http, ..Known::default() }
    }

    /// The account as it is configured, if it is.
    fn known(&self, account: &AccountName) -> Result<Option<AccountConfig>, CommandError> {
        match config::with_changes(&self.paths, account, &Changes::new()) {
            Ok(known) => Ok(Some(known)),
            // One that is not there, or not right, has no session to lose.
            Err(ConfigError::Invalid { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl From<Advice> for AdviceStatus {
    fn from(Advice { code, severity, message, values }: Advice) -> Self {
        Self { code: code.to_owned(), warns: severity == Severity::Warning, message, values }
    }
}

/// Whether the tokens of an account are of no use once it is changed.
fn moves(known: &AccountConfig, changed: &AccountConfig) -> bool {
    !known.provider.is_same_place(&changed.provider)
}

fn of_key(account: &AccountName, Problem { key, what, remedy, .. }: Problem, tongue: Tongue) -> KeyProblem {
    let prefix = format!("accounts.{account}");
    let own = key.strip_prefix(&prefix).map(|rest| rest.trim_start_matches('.').to_owned());
    KeyProblem { key: own.unwrap_or(key), what: tongue.say(&what), remedy: tongue.say(&remedy) }
}
