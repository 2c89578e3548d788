//! Whether what was issued is believed: the ID token, and where the account asks for it the access token.
//!
//! At a sign-in nothing is used before it is believed, and what is not believed is revoked. After a refresh the new
//! refresh token is durable already; then only the rest is withheld.

use std::sync::Arc;

use jiff::SignedDuration;
use latchkey_core::reason::Reason;
use latchkey_core::secret::{AccessToken, IdToken, Secret};
use serde_json::{Map, Value};
use tracing::warn;

use super::metadata::Metadata;
use super::request::refused;
use super::token::is_bound;
use super::{BoundKey, Oauth, identity, locked, token_reply};
use crate::config::When;
use crate::http::Reply;
use crate::inspection::{self, SignatureStatus};
use crate::jose::id_token::{self, Original};
use crate::jose::pkce::Nonce;
use crate::jose::verify::Type;
use crate::jose::{IssuerKeys, KeySet, Refusal, access_token, look, verify};
use crate::provider::{Believed, Issued, SignInFailure};
use crate::vault::Envelope;

/// How a sign-in was marked, for what it brings to be recognised.
pub(super) struct SignedInBy<'a> {
    pub(super) nonce: Option<&'a Nonce>,
    pub(super) code: Option<&'a Secret>,
    pub(super) key: Option<&'a BoundKey>,
}

impl Oauth {
    /// Whether an ID token is asked for, and there is an issuer that can be held to it.
    pub(super) fn wants_id_token(&self) -> bool {
        let config = &self.inner.config;
        config.issuer.is_some() && config.scope.split(' ').any(|name| name == "openid")
    }

    /// Reads and judges the reply that completes a sign-in.
    pub(super) async fn signed_in(
        &self,
        metadata: &Metadata,
        answer: &Reply,
        by: &SignedInBy<'_>,
    ) -> Result<Issued, SignInFailure> {
        let received = self.inner.clock.now().wall;
        let mut issued = token_reply::read(answer, metadata, received).map_err(|_| refused(answer))?;
        match self.believed(metadata, &issued, by).await {
            Ok(claims) => {
                let config = &self.inner.config;
                let subject =
                    claims.as_ref().and_then(|claims| claims.get("sub")?.as_str().map(str::to_owned));
                let known = claims.map(|claims| identity::of(&claims, &config.claims)).unwrap_or_default();
                let bound = by.key.filter(|_| is_bound(issued.oauth.token_type.as_deref()));
                if let Some(access) = &issued.access {
                    issued.identity = self.complete(known, subject.as_deref(), metadata, access, bound).await;
                }
                // What cannot be checked against an issuer is not kept.
                issued.id = issued.id.filter(|_| metadata.issuer.is_some());
                issued.oauth.dpop_key = bound.map(|key| key.stored.clone());
                let asked = Some(config.scope.clone()).filter(|scope| !scope.is_empty());
                issued.oauth.scope = issued.oauth.scope.or_else(|| asked.clone());
                issued.oauth.asked_scope = asked;
                Ok(issued)
            }
            Err(why) => {
                // OpenID Connect Core §3.1.3.5: none of it is used. Whoever holds it should not be able to either.
                let key = by.key.map(|key| &key.proofs);
                let _ = self.revoke(metadata, issued.refresh.as_ref(), issued.access.as_ref(), key).await;
                Err(SignInFailure::Refused(Reason::NotBelieved { why }))
            }
        }
    }

    /// The claims of the ID token, if there is one to believe.
    async fn believed(
        &self,
        metadata: &Metadata,
        issued: &Issued,
        by: &SignedInBy<'_>,
    ) -> Result<Option<Map<String, Value>>, String> {
        let Some(access) = &issued.access else {
            return Err("there is no access token in its reply that can be used".to_owned());
        };
        let bound = is_bound(issued.oauth.token_type.as_deref());
        if !bound && self.inner.config.dpop == When::Always {
            return Err("its tokens are not bound to a key, and the account wants that (`dpop`)".to_owned());
        }
        if bound && by.key.is_none() {
            return Err("its tokens are bound to a key that was never shown to it".to_owned());
        }
        if self.inner.config.verify_access_token {
            let genuine = self.access_token_is_genuine(metadata, access).await;
            genuine.map_err(|refusal| no_genuine_access_token(&refusal))?;
        }
        let Some(token) = issued.id.as_ref().filter(|_| metadata.issuer.is_some()) else {
            let granted = issued.oauth.scope.as_deref();
            let promised = granted.is_none_or(|granted| granted.split(' ').any(|name| name == "openid"));
            if self.wants_id_token() && promised {
                return Err("it gave no ID token; if it has none, take `openid` out of the scope".to_owned());
            }
            return Ok(None);
        };
        if metadata.endpoints.jwks.is_none() {
            return Err("it names no keys (`jwks_uri`) with which its ID token could be checked".to_owned());
        }
        let max_age = self.inner.config.parameters.get("max_age").and_then(|secs| secs.parse().ok());
        let occasion =
            id_token::Occasion::SignIn { nonce: by.nonce, max_age: max_age.map(SignedDuration::from_secs) };
        let verified = self.verify(metadata, token, Some(access), by.code, occasion).await;
        let claims = verified.map_err(|refusal| not_believed(&refusal))?;
        Ok(Some(claims))
    }

    /// Whether a refresh brought something that can be judged.
    pub(in crate::provider) fn judges(&self, renewed: &Envelope, before: &Envelope) -> bool {
        let config = &self.inner.config;
        config.verify_access_token || config.issuer.is_some() && new_id_token(renewed, before).is_some()
    }

    /// Judges what a refresh brought, once its refresh token is durable (OpenID Connect Core §12.2).
    pub(in crate::provider) async fn judge(
        &self,
        renewed: &Envelope,
        before: &Envelope,
    ) -> Result<Believed, Reason> {
        let judged = self.same_person_and_genuine(renewed, before).await;
        judged.map_err(|why| Reason::Distrusted { why })
    }

    async fn same_person_and_genuine(
        &self,
        renewed: &Envelope,
        before: &Envelope,
    ) -> Result<Believed, String> {
        let original = before.tokens.id.as_ref().and_then(Original::of_stored);
        let new = new_id_token(renewed, before);
        // It came from the token endpoint itself, over TLS (OpenID Connect Core §3.1.3.7, rule 6): while metadata or
        // keys are out of reach it is enough that it speaks of the same person.
        let speaks_of_another =
            new.zip(original.as_ref()).is_some_and(|(token, original)| !same_person(token, original));
        let Ok(metadata) = self.metadata().await else {
            let why = "its ID token is of somebody else, and cannot be checked now".to_owned();
            return if speaks_of_another { Err(why) } else { Ok(Believed::ButTheIdToken) };
        };
        let mut believed = Believed::All;
        if let Some(token) = new.filter(|_| metadata.issuer.is_some()) {
            let occasion = match &original {
                Some(original) => id_token::Occasion::Refresh { original },
                None => id_token::Occasion::SignIn { nonce: None, max_age: None },
            };
            match self.verify(&metadata, token, Some(&renewed.tokens.access), None, occasion).await {
                Ok(_) => {}
                // Over TLS the token endpoint has shown who it is (OpenID Connect Core §3.1.3.7, rule 6), and a clock
                // that is wrong or a key that is published late is no reason to end a session. What ends it is that
                // the tokens are somebody else's.
                Err(refusal) if !speaks_of_another && !of_another(&refusal) => {
                    warn!(kind = "id_token_not_verified", "A renewed ID token is not used: {refusal}");
                    believed = Believed::ButTheIdToken;
                }
                Err(refusal) => return Err(not_believed(&refusal)),
            }
        }
        if self.inner.config.verify_access_token {
            match self.access_token_is_genuine(&metadata, &renewed.tokens.access).await {
                Ok(_) => {}
                Err(refusal) if refusal.is_of_the_moment() => {
                    warn!(
                        kind = "access_token_not_verified",
                        "A renewed access token is used unverified: {refusal}"
                    );
                }
                Err(refusal) => return Err(no_genuine_access_token(&refusal)),
            }
        }
        Ok(believed)
    }

    async fn verify(
        &self,
        metadata: &Metadata,
        token: &IdToken,
        access: Option<&AccessToken>,
        code: Option<&Secret>,
        occasion: id_token::Occasion<'_>,
    ) -> Result<Map<String, Value>, Refusal> {
        let config = &self.inner.config;
        let (issuer, keys) = self.issuer(metadata)?;
        let others = if config.other_audiences { audiences(token) } else { Vec::new() };
        let expected = id_token::Expected {
            issuer: &issuer,
            client_id: &config.client_id,
            trusted_audiences: &others,
            access_token: access,
            code: code.map(Secret::expose),
            occasion,
        };
        let now = self.server_time();
        let verified = keys.judge(|keys| id_token::verify(token, keys, &expected, now)).await?;
        Ok(verified.claims.all)
    }

    async fn access_token_is_genuine(
        &self,
        metadata: &Metadata,
        token: &AccessToken,
    ) -> Result<verify::Verified, Refusal> {
        let config = &self.inner.config;
        let (issuer, keys) = self.issuer(metadata)?;
        let now = self.server_time();
        let by = |profile| access_token::Expected {
            issuer: &issuer,
            audience: config.resource.as_deref().or(config.audience.as_deref()),
            client_id: &config.client_id,
            profile,
        };
        let standard = by(access_token::Profile::Rfc9068);
        let own = by(access_token::Profile::IssuersOwn);
        let judged = keys.judge(|keys| match access_token::verify(token, keys, &standard, now) {
            Err(Refusal::OtherType(_)) => access_token::verify(token, keys, &own, now),
            judged => judged,
        });
        judged.await
    }

    /// Whether an access token is what its issuer says it is, for people who want to know.
    pub(in crate::provider) async fn verify_access_token(&self, token: &AccessToken) -> SignatureStatus {
        if look::claims(token.expose()).is_none() {
            return SignatureStatus::not_checked("it is opaque: only its issuer can read it");
        }
        let Ok(metadata) = self.metadata().await else {
            return SignatureStatus::not_checked("the provider cannot be reached");
        };
        if metadata.issuer.is_none() {
            return SignatureStatus::not_checked("the account names no issuer whose keys could be asked for");
        }
        match self.access_token_is_genuine(&metadata, token).await {
            Ok(verified) => SignatureStatus::Verified {
                key: verified.key.to_string(),
                algorithm: verified.algorithm.name().to_owned(),
            },
            Err(refusal @ Refusal::KeysUnavailable(_)) => SignatureStatus::not_checked(refusal.to_string()),
            Err(refusal) => SignatureStatus::Refused { why: refusal.to_string() },
        }
    }

    /// Whether the account's issuer signed a token, whatever it is for and however old it is; nothing for a token that
    /// names another issuer. The token is sent nowhere: what is asked for are the issuer's keys.
    pub(in crate::provider) async fn verify_signature(&self, token: &AccessToken) -> Option<SignatureStatus> {
        let issuer = inspection::issuer(token)?;
        self.inner.config.issuer.as_ref().filter(|own| own.as_str() == issuer)?;
        let Ok(metadata) = self.metadata().await else {
            return Some(SignatureStatus::not_checked("the provider cannot be reached"));
        };
        let judged = match self.issuer(&metadata) {
            Ok((issuer, keys)) => {
                let signed =
                    |keys: &KeySet, typ| verify::signature(token.expose(), keys, &issuer.algorithms, typ);
                let of_either_type = |keys: &KeySet| match signed(keys, Type::Jwt) {
                    Err(Refusal::OtherType(_)) => signed(keys, Type::AccessToken),
                    judged => judged,
                };
                keys.judge(of_either_type).await
            }
            Err(refusal) => Err(refusal),
        };
        Some(match judged {
            Ok(signed) => SignatureStatus::Verified {
                key: signed.key.to_string(),
                algorithm: signed.algorithm.name().to_owned(),
            },
            Err(refusal @ Refusal::KeysUnavailable(_)) => SignatureStatus::not_checked(refusal.to_string()),
            Err(refusal) => SignatureStatus::Refused { why: refusal.to_string() },
        })
    }

    /// The issuer, and its keys.
    fn issuer(&self, metadata: &Metadata) -> Result<(verify::Issuer, Arc<IssuerKeys>), Refusal> {
        let identifier = metadata.issuer.as_ref().ok_or(Refusal::WrongIssuer)?.to_string();
        let Some(address) = metadata.endpoints.jwks.clone() else { return Err(Refusal::UnknownKey) };
        let mut held = locked(&self.inner.keys);
        let keys = match &*held {
            Some((from, keys)) if *from == address => keys.clone(),
            Some(_) | None => {
                let source = Arc::new(self.inner.http.clone());
                let keys = Arc::new(IssuerKeys::new(address.clone(), source, self.inner.clock.clone()));
                *held = Some((address, keys.clone()));
                keys
            }
        };
        Ok((verify::Issuer { identifier, algorithms: metadata.algorithms() }, keys))
    }
}

/// The ID token of a reply to a refresh, where it had one.
fn new_id_token<'a>(renewed: &'a Envelope, before: &Envelope) -> Option<&'a IdToken> {
    let old = before.tokens.id.as_ref();
    renewed.tokens.id.as_ref().filter(|token| old.is_none_or(|old| old.expose() != token.expose()))
}

fn no_genuine_access_token(refusal: &Refusal) -> String {
    format!("its access token is refused: {refusal}")
}

fn not_believed(refusal: &Refusal) -> String {
    format!("its ID token is refused: {refusal}")
}

/// Whom an ID token is for. Whether they may be trusted is the account's word.
fn audiences(token: &IdToken) -> Vec<String> {
    let claims = look::claims(token.expose()).unwrap_or_default();
    let audiences = claims.get("aud").and_then(Value::as_array);
    audiences
        .map(|all| all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect())
        .unwrap_or_default()
}

/// Whether a renewed ID token is refused because it is about another person or from another issuer.
fn of_another(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::WrongIssuer | Refusal::Changed("iss" | "sub"))
}

/// Whether an ID token that could not be verified at least speaks of the same person.
fn same_person(token: &IdToken, original: &Original) -> bool {
    Original::of_stored(token)
        .is_some_and(|new| new.issuer == original.issuer && new.subject == original.subject)
}
