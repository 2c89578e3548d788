//! Authorization codes: one use, a minute, and good only for whoever asked (RFC 6749 §4.1.2, RFC 9700 §2.1.1).

use std::time::Duration;

use jiff::Timestamp;

use super::{Pending, browser::BrowserSession, pkce, request::AuthorizationRequest};
use crate::{
    backend::Backend,
    clock::later,
    reply::Answer,
    token::{NoRandomness, TokenHash, random_secret},
};

const LIFETIME: Duration = Duration::from_mins(1);

/// How long a used code is remembered, so that a copy of it is told from rubbish.
const REMEMBER: Duration = Duration::from_hours(1);

pub(super) struct Code {
    pub(super) request: AuthorizationRequest,
    pub(super) who: BrowserSession,
    expires_at: Timestamp,
    /// The family that came of it, once it was used.
    pub(super) family: Option<String>,
}

/// What a client presents along with a code.
pub(super) struct Presented<'a> {
    pub(super) client_id: &'a str,
    pub(super) redirect_uri: Option<&'a str>,
    pub(super) verifier: Option<&'a str>,
    /// The key of the DPoP proof.
    pub(super) key: Option<&'a str>,
}

/// Sends the browser back with a new code.
pub(super) fn send_back(
    backend: &Backend,
    pending: &mut Pending,
    request: AuthorizationRequest,
    who: BrowserSession,
    now: Timestamp,
) -> Result<Answer, NoRandomness> {
    let secret = random_secret()?;
    let to = request.back.with(&backend.issuer, &[("code", &secret)]);
    let outcome = format!("signed in: {}; sent back with a code", who.username);
    let code = Code { request, who, expires_at: later(now, LIFETIME), family: None };
    pending.codes.insert(TokenHash::of(&secret), code, later(now, REMEMBER), now);
    Ok(Answer::redirect(&to, outcome))
}

impl Code {
    /// Why this code gets nothing, in words. A code that was only presented wrongly is not used up.
    pub(super) fn check(&self, presented: &Presented<'_>, now: Timestamp) -> Result<(), &'static str> {
        let request = &self.request;
        if now >= self.expires_at {
            return Err("authorization code expired");
        }
        if presented.client_id != request.client_id {
            return Err("the authorization code belongs to another client");
        }
        if presented.redirect_uri != Some(request.back.redirect_uri.as_str()) {
            return Err("redirect_uri is not the one of the authorization request");
        }
        let Some(verifier) = presented.verifier else { return Err("the parameter code_verifier is missing") };
        if !pkce::verify(&request.code_challenge, verifier) {
            return Err("code_verifier does not match the code_challenge");
        }
        if request.dpop_key.is_some() && request.dpop_key.as_deref() != presented.key {
            return Err("the authorization code is bound to another DPoP key");
        }
        Ok(())
    }
}
