//! The OpenID provider: it signs people in on a page of its own and issues tokens to a client that never sees a
//! password (OAuth 2.0 as RFC 9700 has it, OpenID Connect Core).
//!
//! Where to look: `request` reads an authorization request, `authorize` and `device` take a person through it, `token`
//! exchanges what came of it, `issue` makes the tokens. Families, rotation and lifetimes are the same as those of
//! the REST login.
//!
//! Everything kept here is short-lived and in memory only; what outlives the process is a family.

mod authorize;
mod browser;
mod client;
mod code;
mod device;
mod device_page;
mod discovery;
mod dpop;
mod end_session;
mod expiring;
mod issue;
mod page;
mod par;
mod params;
mod pkce;
mod request;
mod revocation;
mod scope;
mod token;
mod user_info;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use crate::{backend::Backend, endpoint};
use browser::BrowserSession;
pub(crate) use client::CLIENT_ID;
use code::Code;
use device::DeviceRequest;
use dpop::Nonces;
use expiring::Expiring;
use request::AuthorizationRequest;

/// What is under way, each under the hash of the secret that stands for it.
#[derive(Default)]
pub(crate) struct Pending {
    /// Pushed requests (RFC 9126), by `request_uri`.
    pushed: Expiring<AuthorizationRequest>,
    /// Requests whose sign-in page is open, by the hidden field `interaction`.
    interactions: Expiring<AuthorizationRequest>,
    /// Authorization codes, those already used among them.
    codes: Expiring<Code>,
    /// Device codes (RFC 8628).
    devices: Expiring<DeviceRequest>,
    /// Who is signed in in which browser, by cookie.
    browsers: Expiring<BrowserSession>,
    /// The DPoP proofs seen lately, by key and `jti`.
    proofs: Expiring<()>,
    /// The nonces that DPoP proofs are to hold.
    nonces: Nonces,
}

impl Pending {
    /// Ends what this user is signed in to in any browser.
    pub(crate) fn sign_out_of_browsers(&mut self, username: &str) {
        self.browsers.retain(|session| session.username != username);
    }
}

/// Everything below `/oauth`, the discovery documents and the page for device codes.
pub(crate) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route(endpoint::OPENID_CONFIGURATION, get(discovery::document))
        .route(endpoint::OAUTH_SERVER, get(discovery::document))
        .route(endpoint::AUTHORIZE, get(authorize::ask).post(authorize::decide))
        .route(endpoint::PAR, post(par::push))
        .route(endpoint::DEVICE_AUTHORIZATION, post(device::begin))
        .route(endpoint::DEVICE_PAGE, get(device_page::ask).post(device_page::decide))
        .route(endpoint::TOKEN, post(token::token))
        .route(endpoint::REVOKE, post(revocation::revoke))
        .route(endpoint::USERINFO, get(user_info::user_info).post(user_info::user_info))
        .route(endpoint::END_SESSION, get(end_session::ask).post(end_session::decide))
}
