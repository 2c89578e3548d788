//! An account as it is to be written into the file.

use std::collections::BTreeMap;

use latchkey_core::account::AccountName;
use toml_edit::{Array, Item, Table, value};

use super::account::{AccountConfig, Carrier, Consent, CredentialsConfig, Mapping, ProviderConfig, Url};
use super::hooks::Hook;
use super::limits::LimitsToml;
use super::nextauth::{NextauthConfig, NextauthToml};
use super::oauth::OauthToml;
use super::problem::ConfigError;
use super::{edit, hooks, values};

/// The keys of an account, unchecked: what a command line or a form gives. Unset keys are not written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountToml {
    /// `credentials`, `oauth` or `nextauth`.
    pub provider: Option<String>,
    /// Where to sign in.
    pub login_url: Option<String>,
    /// Where to renew.
    pub refresh_url: Option<String>,
    /// Where to sign out.
    pub logout_url: Option<String>,
    /// Who is signed in.
    pub user_info_url: Option<String>,
    /// Is it served by the embedded dev server?
    pub devserver: bool,
    /// Are its records kept from `debug` on?
    pub debug: bool,
    /// The programs that are run when its session changes, checked already.
    pub on_event: Vec<Hook>,
    /// Which hosts are its tokens for?
    pub hosts: Vec<String>,
    /// Which user name do they want beside the token?
    pub host_user: Option<String>,
    /// Is the person asked before a program gets a token (`ask`)?
    pub consent: Option<String>,
    /// How long before its expiry a token is renewed (`5m`).
    pub renew_before: Option<String>,
    /// How long a token lives of which nobody says it.
    pub assumed_lifetime: Option<String>,
    /// How long the provider takes a refresh token that it has replaced (`0s` for not at all).
    pub grace_window: Option<String>,
    /// Which statuses mean "refused"?
    pub refused_status: Option<Vec<u16>>,
    /// What does the login request call the user name?
    pub username_field: Option<String>,
    /// How does the refresh token travel?
    pub refresh_token: Option<CarrierToml>,
    /// Where do the answers hold what? By the keys of [`Mapping::KEYS`].
    pub map: BTreeMap<String, String>,
    /// How long a session may last.
    pub limits: LimitsToml,
    /// The keys of an authorization server.
    pub oauth: OauthToml,
    /// The keys of a site with NextAuth.
    pub nextauth: NextauthToml,
}

/// How the refresh token travels, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarrierToml {
    /// `body`, `header` or `cookie`.
    pub in_: Option<String>,
    /// The name of the member, header or cookie.
    pub name: Option<String>,
}

impl AccountToml {
    /// What a file with nothing but this account says, or what is wrong with it. Complaints give keys, no lines.
    pub fn check(&self, name: &AccountName) -> Result<AccountConfig, ConfigError> {
        edit::check_table(name, self.table())
    }

    /// As a table of the file, keys in the order of the documentation.
    pub(super) fn table(&self) -> Table {
        let mut table = Table::new();
        if let Some(provider) = &self.provider {
            table.insert("provider", value(provider));
        }
        self.oauth.write(&mut table);
        self.nextauth.write(&mut table);
        let texts = [
            ("login_url", &self.login_url),
            ("refresh_url", &self.refresh_url),
            ("logout_url", &self.logout_url),
            ("user_info_url", &self.user_info_url),
            ("consent", &self.consent),
            ("renew_before", &self.renew_before),
            ("assumed_lifetime", &self.assumed_lifetime),
            ("grace_window", &self.grace_window),
            ("username_field", &self.username_field),
            ("host_user", &self.host_user),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                table.insert(key, value(text));
            }
        }
        self.limits.write(&mut table);
        if let Some(statuses) = &self.refused_status {
            table.insert(
                "refused_status",
                value(statuses.iter().map(|one| i64::from(*one)).collect::<Array>()),
            );
        }
        if !self.hosts.is_empty() {
            table.insert("hosts", value(self.hosts.iter().collect::<Array>()));
        }
        if self.devserver {
            table.insert("devserver", value(true));
        }
        if self.debug {
            table.insert("debug", value(true));
        }
        if let Some(carrier) = &self.refresh_token {
            let mut inner = Table::new();
            for (key, text) in [("in", &carrier.in_), ("name", &carrier.name)] {
                if let Some(text) = text {
                    inner.insert(key, value(text));
                }
            }
            table.insert("refresh_token", Item::Table(inner));
        }
        if !self.map.is_empty() {
            let map: Table = self.map.iter().map(|(key, place)| (key, value(place))).collect();
            table.insert("map", Item::Table(map));
        }
        self.oauth.write_tables(&mut table);
        hooks::write(&self.on_event, &mut table);
        table
    }
}

impl From<&AccountConfig> for AccountToml {
    /// Writes down what differs from what holds without it.
    fn from(account: &AccountConfig) -> Self {
        let own = match &account.provider {
            ProviderConfig::Credentials(config) => Self::from(&**config),
            ProviderConfig::Oauth(config) => Self { oauth: OauthToml::from(&**config), ..Self::default() },
            ProviderConfig::Nextauth(config) => Self::from(&**config),
        };
        Self {
            provider: Some(account.provider.name().to_owned()),
            devserver: account.devserver,
            debug: account.debug,
            on_event: account.on_event.clone(),
            hosts: account.hosts.places.iter().map(ToString::to_string).collect(),
            host_user: account.hosts.user.clone(),
            consent: Some(account.consent)
                .filter(|consent| *consent != Consent::default())
                .map(|consent| consent.name().to_owned()),
            renew_before: account.policy.renew_before.map(values::duration_text),
            assumed_lifetime: account.policy.assumed_lifetime.map(values::duration_text),
            limits: LimitsToml::from(&account.policy.limits),
            grace_window: account.policy.grace_window.map(values::duration_text),
            ..own
        }
    }
}

impl From<&CredentialsConfig> for AccountToml {
    fn from(credentials: &CredentialsConfig) -> Self {
        let CredentialsConfig {
            login_url,
            refresh_url,
            logout_url,
            user_info_url,
            refused_status,
            username_field,
            refresh_token,
            map,
        } = credentials;
        let text = |url: &Url| Some(url.to_string());
        let carrier = |way: &str, name: &str| CarrierToml { in_: Some(way.into()), name: Some(name.into()) };
        let usual = Mapping::default();
        let moved = map.places().into_iter().zip(usual.places()).filter(|(here, usual)| here != usual);
        Self {
            login_url: text(login_url),
            refresh_url: text(refresh_url),
            logout_url: logout_url.as_ref().and_then(text),
            user_info_url: user_info_url.as_ref().and_then(text),
            refused_status: Some(refused_status.iter().copied().collect())
                .filter(|statuses: &Vec<u16>| *statuses != [401]),
            username_field: Some(username_field.clone()).filter(|field| field != "username"),
            refresh_token: match refresh_token {
                usual if *usual == Carrier::default() => None,
                Carrier::Body(name) => Some(carrier("body", name)),
                Carrier::Header(name) => Some(carrier("header", name)),
                Carrier::Cookie(name) => Some(carrier("cookie", name)),
            },
            map: moved.map(|((key, place), _)| (key.to_owned(), place.to_string())).collect(),
            ..Self::default()
        }
    }
}

impl From<&NextauthConfig> for AccountToml {
    fn from(config: &NextauthConfig) -> Self {
        Self {
            username_field: Some(config.username_field.clone()).filter(|field| field != "username"),
            nextauth: NextauthToml::from(config),
            ..Self::default()
        }
    }
}
