//! Asking the token endpoint (RFC 6749 §3.2), and the others that take the same proof of who asks.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use latchkey_core::disposition::{Answer, Body, ErrorCode, Failure};
use latchkey_core::secret::RefreshToken;
use reqwest::Url;
use zeroize::Zeroizing;

use super::metadata::Metadata;
use super::{BoundKey, Oauth, locked, token_reply};
use crate::http::{Reply, Request, retry_after};
use crate::jose::dpop::{self, ProofKey, Server, asks_for_nonce};
use crate::provider::{Issued, pin, reply};
use crate::vault::Envelope;

/// Names and values of a form.
pub(super) type Form<'a> = Vec<(&'a str, &'a str)>;

impl Oauth {
    /// Exchanges the refresh token (RFC 6749 §6).
    pub(in crate::provider) async fn renew(
        &self,
        refresh: &RefreshToken,
        held: &Envelope,
    ) -> Result<Issued, Failure> {
        let metadata = self.metadata().await?;
        pin::pinned(held, metadata.token_host().as_deref(), "token endpoint")?;
        let key = bound_to(held)?;
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
        form.extend(self.resource());
        let mut answer = self.ask_for_tokens(&metadata, form.clone(), key.as_ref()).await?;
        if token_reply::error(&answer).as_deref() == Some("invalid_scope") {
            // Without a scope the one from before counts (RFC 6749 §6); there are servers that want to hear it.
            if let Some(scope) = held.scope.as_deref().filter(|scope| !scope.is_empty()) {
                form.push(("scope", scope));
                answer = self.ask_for_tokens(&metadata, form, key.as_ref()).await?;
            }
        }
        let received = self.inner.clock.now().wall;
        let mut issued = token_reply::read(&answer, &metadata, received)?;
        let must_be_bound = key.is_some() && is_bound(held.token_type.as_deref());
        token_reply::keep_to_the_binding(&mut issued, key.is_some(), must_be_bound);
        Ok(issued)
    }

    /// Sends a form to the token endpoint and reads the answer, whatever it is.
    pub(super) async fn ask_for_tokens(
        &self,
        metadata: &Metadata,
        form: Form<'_>,
        key: Option<&BoundKey>,
    ) -> Result<Reply, Failure> {
        let missing = || Failure::Misfit { why: "it has no token endpoint".to_owned() };
        let url = metadata.endpoints.token.as_ref().ok_or_else(missing)?;
        self.ask(metadata, url, form, key.map(|key| &key.proofs)).await
    }

    /// Sends a form with what tells the server who asks. A server that wants a nonce in the proof gets it once
    /// (RFC 9449 §8); one that asks again is given up for now.
    pub(super) async fn ask(
        &self,
        metadata: &Metadata,
        url: &Url,
        form: Form<'_>,
        key: Option<&ProofKey>,
    ) -> Result<Reply, Failure> {
        let answer = self.ask_once(metadata, url, &form, key).await?;
        if key.is_none() || !asks_for_nonce(Server::Authorization, &answer) {
            return Ok(answer);
        }
        let answer = self.ask_once(metadata, url, &form, key).await?;
        if !asks_for_nonce(Server::Authorization, &answer) {
            return Ok(answer);
        }
        let said = Some("it asks for a nonce again and again".to_owned());
        let body = Body::Verdict { code: ErrorCode::TemporarilyUnavailable, said };
        Err(Failure::Answered(Answer {
            status: answer.status,
            body,
            retry_after: retry_after(&answer.headers),
        }))
    }

    async fn ask_once(
        &self,
        metadata: &Metadata,
        url: &Url,
        form: &Form<'_>,
        key: Option<&ProofKey>,
    ) -> Result<Reply, Failure> {
        let mut fields = form.clone();
        let config = &self.inner.config;
        let mut authorization = None;
        match &config.client_secret {
            Some(secret) if takes_basic(metadata) => {
                authorization = Some(basic(&config.client_id, secret.expose()));
            }
            secret => {
                // A request that is sent ahead names the client itself.
                if !fields.iter().any(|(name, _)| *name == "client_id") {
                    fields.push(("client_id", config.client_id.as_str()));
                }
                fields.extend(secret.as_ref().map(|secret| ("client_secret", secret.expose())));
            }
        }
        let mut request = Request::post_form(url, fields);
        if let Some(authorization) = authorization {
            request = request.secret_header("authorization", &authorization);
        }
        if let Some(key) = key {
            let proof = {
                let nonces = locked(&self.inner.nonces);
                let proof = dpop::Request {
                    method: request.method(),
                    url,
                    access_token: None,
                    nonce: nonces.newest(Server::Authorization, url),
                };
                key.proof(proof, self.server_time())
            };
            let proof = proof.map_err(|error| Failure::NotSent { what: error.to_string() })?;
            request = request.secret_header(dpop::HEADER, proof.expose());
        }
        let answer = self.inner.http.send(request).await?;
        if let Some(skew) = answer.skew(self.inner.clock.now().wall) {
            *locked(&self.inner.skew) = skew;
        }
        locked(&self.inner.nonces).learn(Server::Authorization, url, &answer.headers);
        Ok(answer)
    }

    /// Whom the tokens are for (RFC 8707 §2.2), where the account says.
    pub(super) fn resource(&self) -> Option<(&'static str, &str)> {
        self.inner.config.resource.as_deref().map(|resource| ("resource", resource))
    }
}

/// The key that the held tokens are bound to.
pub(super) fn bound_to(held: &Envelope) -> Result<Option<BoundKey>, Failure> {
    match &held.dpop_key {
        Some(stored) => match ProofKey::of_stored(stored) {
            Ok(proofs) => Ok(Some(BoundKey { proofs, stored: stored.clone() })),
            Err(_) => Err(Failure::KeyLost),
        },
        None if is_bound(held.token_type.as_deref()) => Err(Failure::KeyLost),
        None => Ok(None),
    }
}

/// Whether tokens of this type are bound to a key.
pub(super) fn is_bound(token_type: Option<&str>) -> bool {
    token_type.is_some_and(|kind| kind.eq_ignore_ascii_case(dpop::TOKEN_TYPE))
}

/// What a server that says nothing takes depends on which standard it follows: with metadata HTTP Basic
/// (RFC 8414 §2), without any the form, which is what servers of that kind document.
fn takes_basic(metadata: &Metadata) -> bool {
    let said = metadata.client_auth.as_ref();
    let described = metadata.endpoints.jwks.is_some() && metadata.issuer.is_some();
    said.map_or(described, |methods| methods.iter().any(|method| method == "client_secret_basic"))
}

/// Client authentication by HTTP Basic, each part encoded first (RFC 6749 §2.3.1).
fn basic(client_id: &str, secret: &str) -> Zeroizing<String> {
    let encoded = |text: &str| -> Zeroizing<String> {
        Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect())
    };
    let pair = Zeroizing::new(format!("{}:{}", *encoded(client_id), *encoded(secret)));
    Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes())))
}

/// The failure that a reply without tokens means; no status of an authorization server means "refused" by itself.
pub(super) fn failure(answer: &Reply) -> Failure {
    reply::failure(answer, &std::collections::BTreeSet::new())
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_client_proves_itself_with_encoded_parts() {
        // RFC 6749 §2.3.1 with the characters that would otherwise end a part.
        let header = basic("a:b", "c%d é");
        let pair = BASE64_STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(pair, b"a%3Ab:c%25d+%C3%A9");
    }

    #[test]
    fn a_secret_travels_as_the_server_announces_and_without_metadata_in_the_form() {
        let config = samples::config();
        let issuer = config.issuer.as_ref().unwrap();
        let mut document = samples::metadata();
        let read = |document: &serde_json::Map<_, _>| Metadata::read(document, issuer).unwrap();
        assert!(takes_basic(&read(&document)), "RFC 8414 §2: the default");
        document.insert(
            "token_endpoint_auth_methods_supported".into(),
            serde_json::json!(["client_secret_post"]),
        );
        assert!(!takes_basic(&read(&document)));
        let github = samples::of("preset = \"github\"");
        assert!(!takes_basic(&Metadata::of_account(&github)));
    }
}
