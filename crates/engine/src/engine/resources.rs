//! The handle, for whoever sends requests to resource servers: what authorizes them, and what their answers mean.

use std::sync::Arc;

use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::Fingerprint;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};

use super::{EngineHandle, IssuedToken, TokenRequest};
use crate::actor::Message;
use crate::authorization::RequestHeaders;
use crate::consumers::Consumer;
use crate::error::EngineError;
use crate::http::asks_to_revalidate;
use crate::snapshot::SessionStatus;

impl EngineHandle {
    /// What authorizes one request to a resource server: a valid access token in its header, with a proof where it is
    /// bound to a key. Made for this method and this address alone, and for one sending: a repeat asks again.
    pub async fn request_headers(
        &self,
        account: &AccountName,
        request: TokenRequest,
        method: &Method,
        url: &Url,
    ) -> Result<RequestHeaders, EngineError> {
        let token = self.token(account, request).await?;
        self.headers_with(account, &token, method, url).await
    }

    /// The same for another program, which is remembered as one that took the token and has to be let where the account
    /// asks for that.
    pub async fn request_headers_for(
        &self,
        account: &AccountName,
        request: TokenRequest,
        consumer: Arc<Consumer>,
        method: &Method,
        url: &Url,
    ) -> Result<RequestHeaders, EngineError> {
        let token = self.token_for(account, request, consumer).await?;
        self.headers_with(account, &token, method, url).await
    }

    async fn headers_with(
        &self,
        account: &AccountName,
        token: &IssuedToken,
        method: &Method,
        url: &Url,
    ) -> Result<RequestHeaders, EngineError> {
        self.while_changed(account).await;
        let headers =
            self.known(account, |known| known.workshop.provider.request_headers(token, method, url))??;
        Ok(RequestHeaders { headers, generation: token.generation, fingerprint: token.fingerprint })
    }

    /// Takes down what a resource server's answer brings for the next request there: its nonce (RFC 9449 §9). Where it
    /// says `X-Revalidate-Session: true`, the session is read again, and nobody waits for that.
    pub fn heard_from_resource(
        &self,
        account: &AccountName,
        url: &Url,
        answer: &HeaderMap,
    ) -> Result<(), EngineError> {
        if asks_to_revalidate(answer) {
            self.tell(account, Message::Revalidate(None))?;
        }
        self.known(account, |known| known.workshop.provider.heard_from_resource(url, answer))
    }

    /// Tells that a resource server refused the access token with this fingerprint.
    pub fn token_rejected(&self, account: &AccountName, fingerprint: Fingerprint) -> Result<(), EngineError> {
        self.tell(account, Message::TokenRejected(fingerprint, None))
    }

    /// The same, and waits for the renewal that follows, if one does: the session's `generation` says whether there is
    /// another token now.
    pub async fn replace_rejected(
        &self,
        account: &AccountName,
        fingerprint: Fingerprint,
    ) -> Result<SessionStatus, EngineError> {
        self.ask(account, |reply| Message::TokenRejected(fingerprint, Some(reply))).await?
    }
}
