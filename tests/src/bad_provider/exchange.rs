//! A request as it came, and a reply before it leaves.

use jiff::Timestamp;
use serde_json::{Value, json};

/// Where a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The metadata, in either place.
    Discovery,
    /// The key set.
    Jwks,
    /// The authorization endpoint.
    Authorize,
    /// Pushed authorization requests.
    PushedRequest,
    /// The token endpoint.
    Token,
    /// Where a device code is got.
    DeviceAuthorization,
    /// The page where a person enters the device's code.
    Verification,
    /// User info.
    UserInfo,
    /// Revocation.
    Revocation,
    /// The end of the session.
    EndSession,
    /// A path that leads nowhere.
    Elsewhere,
}

impl Endpoint {
    const PATHS: [(Self, &'static str); 11] = [
        (Self::Discovery, "/.well-known/openid-configuration"),
        (Self::Discovery, "/.well-known/oauth-authorization-server"),
        (Self::Jwks, "/jwks"),
        (Self::Authorize, "/authorize"),
        (Self::PushedRequest, "/par"),
        (Self::Token, "/token"),
        (Self::DeviceAuthorization, "/device_authorization"),
        (Self::Verification, "/device"),
        (Self::UserInfo, "/userinfo"),
        (Self::Revocation, "/revoke"),
        (Self::EndSession, "/end_session"),
    ];

    pub(super) fn at(path: &str) -> Self {
        let known = Self::PATHS.into_iter().find(|(_, known)| *known == path);
        known.map_or(Self::Elsewhere, |(endpoint, _)| endpoint)
    }

    /// Its path; that of the OpenID metadata, where there are two.
    pub fn path(self) -> &'static str {
        let known = Self::PATHS.into_iter().find(|(endpoint, _)| *endpoint == self);
        known.map_or("", |(_, path)| path)
    }
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where.
    pub endpoint: Endpoint,
    /// When, by the provider's clock.
    pub at: Timestamp,
    /// `GET` or `POST`.
    pub method: String,
    /// Those of the query, then those of the form.
    pub parameters: Vec<(String, String)>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `DPoP` header.
    pub proof: Option<String>,
}

impl Request {
    /// A parameter. One without a value counts as absent (RFC 6749 §3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter, or an error that names it.
    pub(super) fn need(&self, name: &str) -> Result<&str, Reply> {
        self.get(name).ok_or_else(|| Reply::error(400, "invalid_request", &format!("{name} is missing")))
    }
}

/// What goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    pub(super) delivery: Delivery,
}

/// How much of a reply leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    /// The connection ends within the body.
    Torn,
    /// The connection ends before the first byte.
    Nothing,
    /// The connection stays, and nothing comes.
    Never,
}

impl Reply {
    pub(super) fn text(status: u16, kind: &str, body: impl Into<String>) -> Self {
        let headers = vec![("content-type", kind.to_owned()), ("cache-control", "no-store".to_owned())];
        Self { status, headers, body: body.into(), delivery: Delivery::Whole }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    pub(super) fn error(status: u16, error: &str, description: &str) -> Self {
        Self::json(status, &json!({ "error": error, "error_description": description }))
    }

    pub(super) fn page(status: u16, text: &str) -> Self {
        Self::text(status, "text/html", format!("<!DOCTYPE html><html><body><p>{text}</p></body></html>"))
    }

    /// What a captive portal says.
    pub(super) fn portal() -> Self {
        Self::page(200, "Welcome to the guest network. Please sign in.")
    }

    pub(super) fn redirect(location: &str) -> Self {
        Self::text(302, "text/plain", "").with("location", location)
    }

    pub(super) fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(name, _)| *name != header);
        self.headers.push((header, value.into()));
        self
    }

    pub(super) fn delivered(self, delivery: Delivery) -> Self {
        Self { delivery, ..self }
    }
}
