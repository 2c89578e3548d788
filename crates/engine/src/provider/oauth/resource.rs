//! What authorizes a request to a resource server (RFC 6750 §2.1, RFC 9449 §7.1).

use latchkey_core::reason::Reason;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};

use super::token::is_bound;
use super::{Oauth, locked};
use crate::authorization;
use crate::engine::IssuedToken;
use crate::error::EngineError;
use crate::jose::dpop::{self, Server};

impl Oauth {
    /// The header with the token, and the proof that goes with a bound one: a new one at each call.
    pub(in crate::provider) fn request_headers(
        &self,
        token: &IssuedToken,
        method: &Method,
        url: &Url,
    ) -> Result<HeaderMap, EngineError> {
        if !is_bound(token.token_type.as_deref()) {
            return Ok(authorization::bearer(&token.access));
        }
        let lost = || EngineError::SignInNeeded { reason: Reason::KeyLost };
        let key = token.proof_key.as_ref().ok_or_else(lost)?;
        let nonces = locked(&self.inner.nonces);
        let request = dpop::Request {
            method,
            url,
            access_token: Some(&token.access),
            nonce: nonces.newest(Server::Resource, url),
        };
        let proof = key.proof(request, self.server_time());
        let proof = proof.map_err(|error| EngineError::Unreachable { what: error.to_string() })?;
        Ok(authorization::bound(&token.access, &proof))
    }

    /// A nonce holds for the server that gave it, whatever the status of the answer it came with (RFC 9449 §8.2, §9).
    pub(in crate::provider) fn heard_from_resource(&self, url: &Url, answer: &HeaderMap) {
        locked(&self.inner.nonces).learn(Server::Resource, url, answer);
    }
}
