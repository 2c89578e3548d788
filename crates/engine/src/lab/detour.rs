//! An account's way to its backend, over a proxy on this machine.

use std::sync::Arc;

use reqwest::Url;

use crate::config::{IssuerUrl, OauthConfig, ProviderConfig, When};

/// The same provider, asked through a proxy at `proxy` that stands before `backend` (scheme, host and port of both).
/// Addresses of other hosts stay.
pub fn through(provider: &ProviderConfig, backend: &Url, proxy: &Url) -> ProviderConfig {
    let detoured = |url: &Url| {
        let mut way = url.clone();
        if url.origin() == backend.origin() {
            // A scheme of the web, a host that was parsed, a port: each can be set.
            let _ = way.set_scheme(proxy.scheme());
            let _ = way.set_host(proxy.host_str());
            let _ = way.set_port(proxy.port());
        }
        way
    };
    match provider {
        ProviderConfig::Credentials(config) => {
            let mut config = (**config).clone();
            config.login_url = detoured(&config.login_url);
            config.refresh_url = detoured(&config.refresh_url);
            config.logout_url = config.logout_url.as_ref().map(detoured);
            config.user_info_url = config.user_info_url.as_ref().map(detoured);
            ProviderConfig::Credentials(Arc::new(config))
        }
        ProviderConfig::Oauth(config) => {
            let mut config: OauthConfig = (**config).clone();
            for (_, place) in config.endpoints.by_key_mut() {
                *place = place.as_ref().map(detoured);
            }
            config.issuer = config.issuer.map(|issuer| {
                let prefix = backend.origin().ascii_serialization();
                let rest = issuer.as_str().strip_prefix(&prefix);
                let proxied = rest.map(|rest| format!("{}{rest}", proxy.origin().ascii_serialization()));
                proxied.map_or(issuer, IssuerUrl::detoured)
            });
            // A proof names the address it is sent to, and the backend knows another one.
            config.dpop = When::Never;
            ProviderConfig::Oauth(Arc::new(config))
        }
        ProviderConfig::Nextauth(config) => {
            let mut config = (**config).clone();
            config.site = detoured(&config.site);
            ProviderConfig::Nextauth(Arc::new(config))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AccountConfig;

    #[test]
    fn the_addresses_of_the_backend_lead_through_the_proxy_and_others_stay() {
        let ProviderConfig::Credentials(mut config) = AccountConfig::demo(4180).provider else { panic!() };
        Arc::make_mut(&mut config).logout_url = Some("https://elsewhere.example/logout".parse().unwrap());
        let backend = "http://127.0.0.1:4180".parse().unwrap();
        let proxy = "http://127.0.0.1:4999".parse().unwrap();
        let provider = ProviderConfig::Credentials(config);
        let ProviderConfig::Credentials(way) = through(&provider, &backend, &proxy) else { panic!() };
        assert_eq!(way.refresh_url.as_str(), "http://127.0.0.1:4999/auth/refreshToken");
        assert_eq!(way.logout_url.as_ref().unwrap().as_str(), "https://elsewhere.example/logout");
    }
}
