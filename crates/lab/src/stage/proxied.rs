//! Somebody's own backend, behind a proxy of ours, in real time.

use latchkey_devserver::{Faults, LabProxy, ProxyOptions, RequestRecord};
use latchkey_engine::config::{AccountConfig, ProviderConfig, Url};
use latchkey_engine::lab;

use super::StageError;

/// The backend, as it is seen through a proxy.
pub struct Proxied {
    proxy: LabProxy,
    account: AccountConfig,
}

impl Proxied {
    pub(super) async fn start(account: &AccountConfig) -> Result<Self, StageError> {
        let backend = refresh_url(&account.provider).ok_or_else(|| {
            StageError::Unfit(format!(
                "account `{}` names no address that a proxy could stand before",
                account.name
            ))
        })?;
        let origin: Url = backend
            .origin()
            .ascii_serialization()
            .parse()
            .map_err(|_| StageError::Unfit("the backend's address is none".to_owned()))?;
        let options = ProxyOptions {
            listen: ([127, 0, 0, 1], 0).into(),
            endpoints: endpoints(&account.provider),
            ..ProxyOptions::before(origin.clone())
        };
        let proxy = LabProxy::start(options).await?;
        let url: Url =
            proxy.url().parse().map_err(|_| StageError::Unfit("the proxy has no address".to_owned()))?;
        let provider = lab::through(&account.provider, &origin, &url);
        let account = AccountConfig { provider, ..account.clone() };
        Ok(Self { proxy, account })
    }

    pub(super) fn account(&self) -> &AccountConfig {
        &self.account
    }

    pub(super) fn faults(&self) -> Faults {
        self.proxy.faults()
    }

    pub(super) fn requests(&self) -> Vec<RequestRecord> {
        self.proxy.requests()
    }
}

/// Where an account's refresh tokens go, or who says where that is.
pub fn refresh_url(provider: &ProviderConfig) -> Option<Url> {
    match provider {
        ProviderConfig::Credentials(config) => Some(config.refresh_url.clone()),
        ProviderConfig::Oauth(config) => config.exchange_url(),
        ProviderConfig::Nextauth(config) => Some(config.site.clone()),
    }
}

/// The paths that are known from the account, by the names of faults.
pub fn endpoints(provider: &ProviderConfig) -> Vec<(String, String)> {
    let named = |name: &str, url: Option<&Url>| url.map(|url| (name.to_owned(), url.path().to_owned()));
    match provider {
        ProviderConfig::Credentials(config) => [
            named("login", Some(&config.login_url)),
            named("refresh", Some(&config.refresh_url)),
            named("logout", config.logout_url.as_ref()),
            named("me", config.user_info_url.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect(),
        ProviderConfig::Oauth(config) => [
            named("token", config.endpoints.token.as_ref()),
            named("revoke", config.endpoints.revocation.as_ref()),
            named("userinfo", config.endpoints.user_info.as_ref()),
            named("jwks", config.endpoints.jwks.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect(),
        // Where its auth endpoints are depends on the version; both are known.
        ProviderConfig::Nextauth(_) => {
            ["/api/auth/session", "/auth/session"].map(|path| ("refresh".to_owned(), path.to_owned())).into()
        }
    }
}
