//! Telling the provider that a session is over: its tokens are revoked (RFC 7009), and where the account asks for
//! it the person ends their session there too (OpenID Connect RP-Initiated Logout).

use latchkey_core::disposition::Failure;
use latchkey_core::secret::{AccessToken, RefreshToken};
use reqwest::Url;

use super::metadata::Metadata;
use super::token::{bound_to, failure};
use super::{Oauth, token_reply};
use crate::jose::dpop::ProofKey;
use crate::provider::{SignedOut, pin};
use crate::vault::Envelope;

impl Oauth {
    /// Revokes the tokens, where they can be; gives the page on which the person ends their session at the provider.
    pub(in crate::provider) async fn sign_out(&self, held: &Envelope) -> Result<SignedOut, Failure> {
        let metadata = self.metadata().await?;
        // What is bound to a lost key can be revoked all the same.
        let key = bound_to(held).ok().flatten();
        let tokens = (held.tokens.refresh.as_ref(), Some(&held.tokens.access));
        // Tokens are told to no other host than the one that issued them.
        let may_be_told = pin::is_of(held, metadata.token_host().as_deref());
        if may_be_told {
            self.revoke(&metadata, tokens.0, tokens.1, key.as_ref().map(|key| &key.proofs)).await?;
        }
        let revoked = may_be_told && metadata.endpoints.revocation.is_some();
        Ok(SignedOut { revoked, page: self.end_session_page(&metadata) })
    }

    /// Revokes a refresh token, and then the access token that may outlive it.
    ///
    /// # Errors
    /// The first [`Failure`]; the other token is revoked all the same.
    pub(super) async fn revoke(
        &self,
        metadata: &Metadata,
        refresh: Option<&RefreshToken>,
        access: Option<&AccessToken>,
        key: Option<&ProofKey>,
    ) -> Result<(), Failure> {
        let Some(url) = &metadata.endpoints.revocation else { return Ok(()) };
        let refresh = refresh.map(|token| (token.expose(), "refresh_token"));
        let access = access.map(|token| (token.expose(), "access_token"));
        let mut outcome = Ok(());
        for (token, kind) in refresh.into_iter().chain(access) {
            let form = vec![("token", token), ("token_type_hint", kind)];
            let revoked = match self.ask(metadata, url, form, key).await {
                Ok(answer) if answer.is_success() => Ok(()),
                // RFC 7009 §2.2.1: a server need not revoke every kind of token.
                Ok(answer) if token_reply::error(&answer).as_deref() == Some("unsupported_token_type") => {
                    Ok(())
                }
                Ok(answer) => Err(failure(&answer)),
                Err(failure) => Err(failure),
            };
            outcome = outcome.and(revoked);
        }
        outcome
    }

    /// Where the person ends their session. It says which client asks and no more: an ID token as a hint would stand
    /// in the arguments of the program that opens the page, and in the browser's history.
    fn end_session_page(&self, metadata: &Metadata) -> Option<Url> {
        let mut page = metadata.endpoints.end_session.clone().filter(|_| self.inner.config.end_session)?;
        page.query_pairs_mut().append_pair("client_id", &self.inner.config.client_id);
        Some(page)
    }
}
