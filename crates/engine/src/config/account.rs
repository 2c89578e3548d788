//! What an account is, once it has been checked.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use latchkey_core::account::AccountName;
use latchkey_core::policy::Policy;

use super::hooks::Hook;
use super::hosts::Hosts;
use super::nextauth::NextauthConfig;
use super::oauth::OauthConfig;

pub use reqwest::Url;

/// One configured way to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountConfig {
    /// What people and programs call it.
    pub name: AccountName,
    /// How it signs in.
    pub provider: ProviderConfig,
    /// When it renews.
    pub policy: Policy,
    /// Is it served by the embedded dev server?
    pub devserver: bool,
    /// Which hosts its tokens are for, as far as credential helpers are asked for them.
    pub hosts: Hosts,
    /// Is the person asked before a program gets a token?
    pub consent: Consent,
    /// Are its records kept from `debug` on, whatever the level of the log is?
    pub debug: bool,
    /// The programs that are run when its session changes.
    pub on_event: Vec<Hook>,
}

/// Whether the person is asked before a program gets a token of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// Every program of the user may have one. Who did is shown.
    #[default]
    Open,
    /// The person is asked about each program.
    Ask,
}

impl Consent {
    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ask => "ask",
        }
    }
}

/// How an account signs in. Shared: an engine has it in several places for each account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderConfig {
    /// A REST login.
    Credentials(Arc<CredentialsConfig>),
    /// An authorization server.
    Oauth(Arc<OauthConfig>),
    /// A site with NextAuth or Auth.js.
    Nextauth(Arc<NextauthConfig>),
}

impl ProviderConfig {
    /// Its name in the file and in the status.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Credentials(_) => "credentials",
            Self::Oauth(_) => "oauth",
            Self::Nextauth(_) => "nextauth",
        }
    }

    /// Whether tokens that one of them got are good for the other: the same server gave them to the same client.
    pub fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Credentials(one), Self::Credentials(other)) => {
                one.login_url == other.login_url && one.refresh_url == other.refresh_url
            }
            (Self::Oauth(one), Self::Oauth(other)) => {
                one.issuer == other.issuer
                    && one.client_id == other.client_id
                    && one.endpoints.token == other.endpoints.token
            }
            (Self::Nextauth(one), Self::Nextauth(other)) => one.site == other.site,
            (Self::Credentials(_) | Self::Oauth(_) | Self::Nextauth(_), _) => false,
        }
    }

    /// The address that tells people where this account signs in: its login, its site, its issuer, or where
    /// it has none its authorization or token endpoint.
    pub fn address(&self) -> Option<Url> {
        match self {
            Self::Credentials(config) => Some(config.login_url.clone()),
            Self::Oauth(config) => {
                let issuer = config.issuer.as_ref().and_then(|issuer| Url::parse(issuer.as_str()).ok());
                issuer.or_else(|| config.endpoints.authorization.clone().or(config.endpoints.token.clone()))
            }
            Self::Nextauth(config) => Some(config.site.clone()),
        }
    }
}

/// A backend with a REST login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialsConfig {
    /// Where user name and password go.
    pub login_url: Url,
    /// Where the refresh token goes.
    pub refresh_url: Url,
    /// Where to sign out, if the backend has that.
    pub logout_url: Option<Url>,
    /// Who is signed in, if the backend tells.
    pub user_info_url: Option<Url>,
    /// Which statuses of the refresh endpoint mean that the refresh token was refused? Never one that only
    /// says "later" (408, 425, 429) or that the backend is ill (5xx).
    pub refused_status: BTreeSet<u16>,
    /// What does the login request call the user name?
    pub username_field: String,
    /// How does the refresh token travel?
    pub refresh_token: Carrier,
    /// Where do the answers hold what?
    pub map: Mapping,
}

/// How a refresh token travels to the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// As this member of the JSON body.
    Body(String),
    /// As this header.
    Header(String),
    /// As this cookie.
    Cookie(String),
}

impl Default for Carrier {
    fn default() -> Self {
        Self::Body("token".to_owned())
    }
}

/// Where a backend's answers hold what. What is not found there is taken as not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The access token.
    pub access_token: Place,
    /// When it expires.
    pub access_token_expiry: Place,
    /// The refresh token.
    pub refresh_token: Place,
    /// When it expires.
    pub refresh_token_expiry: Place,
    /// When the session ends, whatever is renewed.
    pub session_expiry: Place,
    /// An ID token.
    pub id_token: Place,
    /// The person's name.
    pub name: Place,
    /// The person's address.
    pub email: Place,
    /// The person's identifier.
    pub subject: Place,
}

impl Default for Mapping {
    fn default() -> Self {
        let at = |pointer: &'static str| Place::Pointer(pointer.into());
        Self {
            access_token: at("/accessToken"),
            access_token_expiry: at("/accessTokenExpiry"),
            refresh_token: at("/refreshToken"),
            refresh_token_expiry: at("/refreshTokenExpiry"),
            session_expiry: at("/sessionExpiry"),
            id_token: at("/idToken"),
            name: at("/user/name"),
            email: at("/user/email"),
            subject: at("/user/id"),
        }
    }
}

impl Mapping {
    /// The keys of the table `map`.
    pub const KEYS: [&'static str; 9] = [
        "access_token",
        "access_token_expiry",
        "refresh_token",
        "refresh_token_expiry",
        "session_expiry",
        "id_token",
        "name",
        "email",
        "subject",
    ];

    /// The places by their keys, to read.
    pub(super) fn places(&self) -> [(&'static str, &Place); 9] {
        let [access, access_expiry, refresh, refresh_expiry, session, id, name, email, subject] = Self::KEYS;
        [
            (access, &self.access_token),
            (access_expiry, &self.access_token_expiry),
            (refresh, &self.refresh_token),
            (refresh_expiry, &self.refresh_token_expiry),
            (session, &self.session_expiry),
            (id, &self.id_token),
            (name, &self.name),
            (email, &self.email),
            (subject, &self.subject),
        ]
    }

    /// The places by their keys, to fill.
    pub(super) fn places_mut(&mut self) -> [(&'static str, &mut Place); 9] {
        let [access, access_expiry, refresh, refresh_expiry, session, id, name, email, subject] = Self::KEYS;
        [
            (access, &mut self.access_token),
            (access_expiry, &mut self.access_token_expiry),
            (refresh, &mut self.refresh_token),
            (refresh_expiry, &mut self.refresh_token_expiry),
            (session, &mut self.session_expiry),
            (id, &mut self.id_token),
            (name, &mut self.name),
            (email, &mut self.email),
            (subject, &mut self.subject),
        ]
    }
}

/// One place in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the JSON body, by a pointer (RFC 6901).
    Pointer(Cow<'static, str>),
    /// In the header of this name.
    Header(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pointer(pointer) => f.write_str(pointer),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

impl AccountConfig {
    /// The account `demo`, served by the embedded dev server on a port of this machine.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "constant texts, and a test reads them"
    )]
    pub fn demo(port: u16) -> Self {
        let at = |path: &str| {
            Url::parse(&format!("http://127.0.0.1:{port}/auth/{path}")).expect("a constant address is valid")
        };
        Self {
            name: AccountName::new("demo").expect("a constant name is valid"),
            provider: ProviderConfig::Credentials(Arc::new(CredentialsConfig {
                login_url: at("login"),
                refresh_url: at("refreshToken"),
                logout_url: Some(at("logout")),
                user_info_url: Some(at("me")),
                refused_status: BTreeSet::from([401]),
                username_field: "username".to_owned(),
                refresh_token: Carrier::default(),
                map: Mapping::default(),
            })),
            policy: Policy::default(),
            devserver: true,
            hosts: Hosts::default(),
            consent: Consent::default(),
            debug: false,
            on_event: Vec::new(),
        }
    }

    /// The same as a site with a cookie session.
    #[must_use]
    pub fn nextauth(self) -> Self {
        let mut site = self.provider.address();
        if let Some(site) = &mut site {
            site.set_path("");
        }
        match site {
            Some(site) => {
                Self { provider: ProviderConfig::Nextauth(Arc::new(NextauthConfig::of_site(site))), ..self }
            }
            None => self,
        }
    }
}

/// Whether an address stays on this machine (127.0.0.0/8, `::1`, `localhost`): only there is plain HTTP allowed.
pub fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_server_is_another_place_and_another_margin_is_not() {
        let demo = AccountConfig::demo(4180).provider;
        assert!(demo.is_same_place(&demo));
        assert!(!demo.is_same_place(&AccountConfig::demo(4181).provider));
        let ProviderConfig::Credentials(config) = demo.clone() else {
            unreachable!("the demo has a REST login")
        };
        let other = CredentialsConfig {
            logout_url: None,
            username_field: "email".to_owned(),
            ..Arc::unwrap_or_clone(config)
        };
        assert!(demo.is_same_place(&ProviderConfig::Credentials(Arc::new(other))));
    }
}
