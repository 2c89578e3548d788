//! Revocation (RFC 7009): a refresh token ends its family, an access token itself only.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap};

use super::{
    client,
    issue::AccessClaims,
    params::{Form, Params},
};
use crate::{
    backend::Backend,
    family::Ended,
    keys::{ACCESS_TOKEN_JWT, AUDIENCE},
    reply::Answer,
    token::TokenHash,
};

/// `POST /oauth/revoke`. An unknown token is answered like a known one (§2.2).
pub(super) async fn revoke(
    State(backend): State<Arc<Backend>>,
    headers: HeaderMap,
    Form(params): Form,
) -> Answer {
    match end(&backend, &headers, &params) {
        Ok(answer) => answer.no_store().remark(backend.save().await),
        Err(refusal) => refusal.no_store(),
    }
}

/// `token_type_hint` is not needed: the two kinds look different.
fn end(backend: &Backend, headers: &HeaderMap, params: &Params) -> Result<Answer, Answer> {
    let client_id = client::authenticate(params, headers)?;
    let token = params.need("token")?;
    if !backend.options.rules.revokes {
        return Ok(Answer::done("nothing revoked, as the rules have it"));
    }
    let now = backend.clock.now();
    let mut sessions = backend.sessions(now);
    let of_client = sessions.families.of_token(TokenHash::of(token)).filter(|(_, family)| {
        family.authorization.as_ref().is_some_and(|authorization| authorization.client_id == client_id)
    });
    if let Some(family) = of_client.map(|(id, _)| id.clone()) {
        sessions.families.end(&family, Ended::SignedOut);
        return Ok(Answer::done("revoked a refresh token, and its family").family(family));
    }
    let claims: Result<AccessClaims, _> =
        backend.keys().verify(ACCESS_TOKEN_JWT, token, &backend.issuer, AUDIENCE, now);
    match claims {
        Ok(claims) if claims.client_id == client_id => {
            sessions.families.revoke_access_token(&claims.family, claims.jti, claims.exp, now);
            Ok(Answer::done("revoked an access token").family(claims.family))
        }
        Ok(_) | Err(_) => Ok(Answer::done("nothing revoked: the token was unknown")),
    }
}
