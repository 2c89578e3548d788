//! An authorization server.

use crate::config::OauthConfig;
use crate::http::Http;

/// The provider of accounts with `provider = "oauth"`.
#[derive(Clone)]
pub struct Oauth {
    #[expect(dead_code, reason = "the flows follow")]
    config: OauthConfig,
    #[expect(dead_code, reason = "the flows follow")]
    http: Http,
}

impl Oauth {
    pub(super) fn new(config: OauthConfig, http: Http) -> Self {
        Self { config, http }
    }
}
