//! Accounts and documents for the tests of this folder.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::ManualClock;
use crate::config::{Config, OauthConfig, ProviderConfig};
use crate::http::Http;
use crate::provider::oauth::Oauth;

/// An account of an issuer that nobody answers for.
pub(super) fn config() -> OauthConfig {
    of("issuer = \"https://login.example.com\"")
}

/// An account with these keys.
pub(super) fn of(keys: &str) -> OauthConfig {
    let text = format!("[accounts.work]\nprovider = \"oauth\"\nclient_id = \"desktop\"\n{keys}");
    match Config::parse(&text, None).unwrap().accounts.remove(0).provider {
        ProviderConfig::Oauth(config) => Arc::unwrap_or_clone(config),
        ProviderConfig::Credentials(_) | ProviderConfig::Nextauth(_) => panic!("an authorization server"),
    }
}

/// The provider of an account, on a clock that stands still.
pub(super) fn provider(config: OauthConfig) -> Oauth {
    Oauth::new(Arc::new(config), Http::new().unwrap(), Arc::new(clock()))
}

/// A clock that stands still.
pub(super) fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_second(1_790_000_000).unwrap())
}

/// What the issuer of [`config`] says of itself.
pub(super) fn metadata() -> Map<String, Value> {
    let document = json!({
        "issuer": "https://login.example.com",
        "authorization_endpoint": "https://login.example.com/authorize?tenant=1",
        "token_endpoint": "https://login.example.com/token",
        "jwks_uri": "https://login.example.com/keys",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["plain", "S256"],
    });
    document.as_object().unwrap().clone()
}
