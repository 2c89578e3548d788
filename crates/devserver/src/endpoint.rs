//! Where everything is: one table for the routes, the discovery document and the names of faults.

use std::collections::{BTreeMap, BTreeSet};

pub(crate) const LOGIN: &str = "/auth/login";
pub(crate) const REFRESH: &str = "/auth/refreshToken";
pub(crate) const LOGOUT: &str = "/auth/logout";
pub(crate) const ME: &str = "/auth/me";

/// A site with cookie sessions, where Next has them.
pub(crate) const SITE_CSRF: &str = "/api/auth/csrf";
pub(crate) const SITE_PROVIDERS: &str = "/api/auth/providers";
pub(crate) const SITE_CALLBACK: &str = "/api/auth/callback/credentials";
pub(crate) const SITE_SESSION: &str = "/api/auth/session";
pub(crate) const SITE_SIGNOUT: &str = "/api/auth/signout";
pub(crate) const SITE_ME: &str = "/api/me";

pub(crate) const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
pub(crate) const OAUTH_SERVER: &str = "/.well-known/oauth-authorization-server";
pub(crate) const JWKS: &str = "/.well-known/jwks.json";
pub(crate) const AUTHORIZE: &str = "/oauth/authorize";
pub(crate) const PAR: &str = "/oauth/par";
pub(crate) const DEVICE_AUTHORIZATION: &str = "/oauth/device_authorization";
/// Where a person enters the code that the device shows. Short, because it may have to be typed.
pub(crate) const DEVICE_PAGE: &str = "/device";
pub(crate) const TOKEN: &str = "/oauth/token";
pub(crate) const REVOKE: &str = "/oauth/revoke";
pub(crate) const USERINFO: &str = "/oauth/userinfo";
pub(crate) const END_SESSION: &str = "/oauth/end_session";

/// Paths of the test control itself; faults never hit them, or there would be no way back.
pub(crate) const CONTROL_PREFIX: &str = "/__";

/// The short names by which a fault may be planned, and the paths each stands for.
pub(crate) const NAMES: [(&str, &[&str]); 19] = [
    ("login", &[LOGIN]),
    ("refresh", &[REFRESH]),
    ("logout", &[LOGOUT]),
    ("me", &[ME]),
    ("discovery", &[OPENID_CONFIGURATION, OAUTH_SERVER]),
    ("jwks", &[JWKS]),
    ("authorize", &[AUTHORIZE]),
    ("par", &[PAR]),
    ("device", &[DEVICE_AUTHORIZATION]),
    ("device_page", &[DEVICE_PAGE]),
    ("token", &[TOKEN]),
    ("revoke", &[REVOKE]),
    ("userinfo", &[USERINFO]),
    ("end_session", &[END_SESSION]),
    ("site_csrf", &[SITE_CSRF]),
    ("site_callback", &[SITE_CALLBACK]),
    ("site_session", &[SITE_SESSION]),
    ("site_signout", &[SITE_SIGNOUT]),
    ("site_me", &[SITE_ME]),
];

/// Whether an endpoint is called that.
pub(crate) fn is_name(name: &str) -> bool {
    NAMES.iter().any(|(known, _)| *known == name)
}

/// A request, as far as it matters where it goes.
pub(crate) struct Asked<'a> {
    path: &'a str,
    body: &'a [u8],
}

impl<'a> Asked<'a> {
    pub(crate) fn new(path: &'a str, body: &'a [u8]) -> Self {
        Self { path, body }
    }

    /// Whether it is for the test control.
    pub(crate) fn is_control(&self) -> bool {
        self.path.starts_with(CONTROL_PREFIX)
    }

    /// Whether it is a form that exchanges a refresh token (RFC 6749 §6).
    pub(crate) fn is_refresh_grant(&self) -> bool {
        url::form_urlencoded::parse(self.body)
            .any(|(name, value)| name == "grant_type" && value == "refresh_token")
    }
}

/// Where a server has its endpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endpoints(BTreeMap<String, BTreeSet<String>>);

impl Endpoints {
    /// Those of this server.
    pub(crate) fn own() -> Self {
        let mut own = Self::default();
        for (name, paths) in NAMES {
            for path in paths {
                own.learn(name, path);
            }
        }
        own
    }

    /// This endpoint is there (too).
    pub(crate) fn learn(&mut self, name: &str, path: &str) {
        self.0.entry(name.to_owned()).or_default().insert(path.to_owned());
    }

    /// Whether a request goes to this place: a path, the name of an endpoint, or `*`.
    pub(crate) fn is_at(&self, place: &str, asked: &Asked<'_>) -> bool {
        let at = |name: &str| self.0.get(name).is_some_and(|paths| paths.contains(asked.path));
        let is_refresh = || place == "refresh" && at("token") && asked.is_refresh_grant();
        place == "*" || place == asked.path || at(place) || is_refresh()
    }
}
