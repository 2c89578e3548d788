//! Who the user is (OpenID Connect Core §5.3), for a bearer token (RFC 6750) or a bound one (RFC 9449 §7).

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    dpop,
    issue::{AccessClaims, Person},
};
use crate::{
    backend::Backend,
    endpoint,
    keys::{ACCESS_TOKEN_JWT, AUDIENCE, Roles},
    reply::Answer,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Bearer,
    Dpop,
}

#[derive(Serialize)]
struct UserInfo<'a> {
    sub: &'a str,
    #[serde(flatten)]
    person: Person<'a>,
    roles: &'a [String],
    realm_access: &'a Roles,
}

/// `GET /oauth/userinfo` and `POST /oauth/userinfo`
pub(super) async fn user_info(
    State(backend): State<Arc<Backend>>,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let answer = tell(&backend, &method, &headers).unwrap_or_else(|refusal| refusal).no_store();
    dpop::with_nonce(&backend, answer)
}

fn tell(backend: &Backend, method: &Method, headers: &HeaderMap) -> Result<Answer, Answer> {
    let Some((scheme, token)) = credentials(headers) else {
        // RFC 6750 §3.1: whoever sent nothing is told no error code.
        let answer = Answer::refused(StatusCode::UNAUTHORIZED, "invalid_token", "no access token was sent");
        return Err(dpop::challenge(answer.fixed_header(header::WWW_AUTHENTICATE, "Bearer"), None));
    };
    let now = backend.clock.now();
    let claims = valid_claims(backend, scheme, token, now)?;
    match (scheme, &claims.cnf) {
        (Scheme::Bearer, None) => {}
        (Scheme::Bearer, Some(_)) => {
            return Err(invalid_token(
                Scheme::Dpop,
                "the token is bound to a key: send it with the scheme DPoP",
            ));
        }
        (Scheme::Dpop, None) => {
            return Err(invalid_token(
                Scheme::Bearer,
                "the token is bound to no key: send it with the scheme Bearer",
            ));
        }
        (Scheme::Dpop, Some(bound_to)) => {
            let place =
                dpop::Place { method: method.as_str(), path: endpoint::USERINFO, access_token: Some(token) };
            let key = dpop::key(backend, headers, &place, now)
                .and_then(|key| key.ok_or(dpop::Refusal::Invalid("a DPoP proof is missing")))
                .map_err(|refusal| {
                    let code = refusal.code();
                    dpop::challenge(refusal.into_answer().status(StatusCode::UNAUTHORIZED), Some(code))
                })?;
            if key != bound_to.jkt {
                return Err(invalid_token(scheme, "the token is bound to another DPoP key"));
            }
        }
    }
    if !claims.scope.has("openid") {
        let answer =
            Answer::refused(StatusCode::FORBIDDEN, "insufficient_scope", "the scope openid is needed");
        let challenge = match scheme {
            Scheme::Bearer => "Bearer error=\"insufficient_scope\", scope=\"openid\"",
            Scheme::Dpop => "DPoP error=\"insufficient_scope\", scope=\"openid\"",
        };
        return Err(answer.fixed_header(header::WWW_AUTHENTICATE, challenge).family(claims.family));
    }
    let user = backend
        .options
        .user(&claims.sub)
        .ok_or_else(|| invalid_token(scheme, "the user no longer exists").family(&claims.family))?;
    let info = UserInfo {
        sub: &claims.sub,
        person: Person::of(user, &claims.scope),
        roles: &claims.roles,
        realm_access: &claims.realm_access,
    };
    Ok(Answer::ok(&info, "told who the user is").family(&claims.family))
}

/// The claims of an access token that is still good; whether it is bound to a key is another question.
fn valid_claims(
    backend: &Backend,
    scheme: Scheme,
    token: &str,
    now: Timestamp,
) -> Result<AccessClaims, Answer> {
    let claims: AccessClaims = backend
        .keys()
        .verify(ACCESS_TOKEN_JWT, token, &backend.issuer, AUDIENCE, now)
        .map_err(|_| invalid_token(scheme, "not an access token of this issuer, or its key is gone"))?;
    if now.as_second() >= claims.exp {
        return Err(invalid_token(scheme, "access token expired").family(claims.family));
    }
    let sessions = backend.sessions(now);
    let why = match sessions.families.going(&claims.family, now) {
        None => "the session has ended",
        Some(family) if family.has_revoked(&claims.jti) => "the access token was revoked",
        Some(family) if family.has_expired(claims.refreshes) => "access token expired",
        Some(family) if backend.options.rules.old_access_dies && family.has_replaced(claims.refreshes) => {
            "the access token was replaced by a refresh"
        }
        Some(_) => return Ok(claims),
    };
    Err(invalid_token(scheme, why).family(claims.family))
}

fn credentials(headers: &HeaderMap) -> Option<(Scheme, &str)> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let scheme = if scheme.eq_ignore_ascii_case("bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case("dpop") {
        Scheme::Dpop
    } else {
        return None;
    };
    Some((scheme, token.trim()))
}

fn invalid_token(scheme: Scheme, description: &str) -> Answer {
    let answer = Answer::refused(StatusCode::UNAUTHORIZED, "invalid_token", description);
    match scheme {
        Scheme::Bearer => answer.fixed_header(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""),
        Scheme::Dpop => dpop::challenge(answer, Some("invalid_token")),
    }
}
