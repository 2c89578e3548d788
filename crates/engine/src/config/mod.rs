//! The accounts and the settings of the app, as the person wrote them in `config.toml`.
//!
//! Reading is strict: an unknown key is an error with a suggestion, because a misspelt `renew_before` that is
//! silently ignored signs somebody out a week later. Every complaint says file, line, column, key and remedy,
//! and nothing of what else the file holds. Editing keeps comments and order.

mod account;
mod account_toml;
mod app;
mod edit;
mod file;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod hooks;
mod hosts;
mod keys;
mod limits;
mod nextauth;
mod oauth;
mod problem;
mod read;
mod section;
mod sinks;
mod values;

#[cfg(test)]
mod edit_tests;
#[cfg(test)]
mod keys_tests;
#[cfg(test)]
mod tests;

pub use account::{
    AccountConfig, Carrier, Consent, CredentialsConfig, Mapping, Place, ProviderConfig, Url, is_loopback,
};
pub use account_toml::{AccountToml, CarrierToml};
pub use app::{AppConfig, Dates, Language, NoTimeOfDay, NotificationConfig, TimeOfDay};
pub use edit::{add_account, remove_account, set_grace_window, set_hosts};
pub use hooks::{Hook, HookEvent};
pub use hosts::{HostPlace, Hosts, Owner, USUAL_USER, may_carry_tokens};
pub use keys::{
    Changes, KeyValue, Keys, PreparedChange, account_keys, add_by_keys, change_account, from_keys,
    prepare_change, set_app, with_changes,
};
pub use limits::LimitsToml;
pub use nextauth::{NextauthConfig, NextauthToml};
pub use oauth::{
    ClaimPlaces, ClientSecret, Endpoints, IssuerUrl, OauthConfig, OauthToml, PresetFacts, PresetUse,
    Redirect, RedirectHost, When, preset_titles, presets,
};
pub use problem::{ConfigError, Problem};
pub use sinks::{LogSink, Signal, SinkTo};

use std::path::Path;

use latchkey_core::account::AccountName;

use crate::paths::Paths;

/// All that is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// What is set for the app as a whole.
    pub app: AppConfig,
    /// The accounts, in the order of the file.
    pub accounts: Vec<AccountConfig>,
    /// Where the log goes beside its own file, in the order of the file.
    pub sinks: Vec<LogSink>,
}

impl Config {
    /// Reads and checks the configuration. A file that is not there is an empty one.
    pub fn load(paths: &Paths) -> Result<Self, ConfigError> {
        let path = paths.config_file();
        match file::read(&path)? {
            Some(text) => Self::parse(&text, Some(&path)),
            None => Ok(Self::default()),
        }
    }

    /// Checks a text. `file` is what complaints call it; without one they give no line.
    pub fn parse(text: &str, file: Option<&Path>) -> Result<Self, ConfigError> {
        read::config(text, file)
    }

    /// The account of this name.
    pub fn account(&self, name: &AccountName) -> Option<&AccountConfig> {
        self.accounts.iter().find(|account| account.name == *name)
    }
}

/// An address that requests may go to: `https`, or `http` on this machine, without user name and fragment.
pub(crate) fn endpoint(text: &str) -> Option<Url> {
    values::url(text).ok()
}

/// An example with a comment for every key: what `accounts add --template` writes.
pub fn template() -> &'static str {
    include_str!("template.toml")
}
