//! The tokens: access token (RFC 9068), ID token (OpenID Connect Core §2) and the reply that holds them
//! (RFC 6749 §5.1).

use aws_lc_rs::digest;
use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::browser::BrowserSession;
use crate::{
    User,
    backend::{Backend, Sessions},
    family::{Authorization, Beginning, Grant, Scope},
    keys::{ACCESS_TOKEN_JWT, AUDIENCE, JWT, Roles},
    reply::Answer,
    token::{RefreshToken, random_id},
};

/// What the token endpoint answers. No `Debug`: it holds the tokens.
#[derive(Serialize)]
pub(super) struct TokenReply {
    access_token: String,
    token_type: &'static str,
    /// Seconds, as is the other.
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Not in the standard; Keycloak calls it that.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_expires_in: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    scope: String,
}

/// What an access token says.
#[derive(Serialize, Deserialize)]
pub(super) struct AccessClaims {
    iss: String,
    pub(super) sub: String,
    aud: String,
    pub(super) client_id: String,
    pub(super) scope: Scope,
    pub(super) jti: String,
    iat: i64,
    pub(super) exp: i64,
    sid: String,
    /// The family it belongs to: a token of a revoked family is told by it.
    pub(super) family: String,
    /// How often the family was refreshed before it. Absent in tokens of an earlier version.
    #[serde(default)]
    pub(super) refreshes: u64,
    pub(super) realm_access: Roles,
    pub(super) roles: Vec<String>,
    /// The key it is bound to (RFC 9449 §6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cnf: Option<Confirmation>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Confirmation {
    pub(super) jkt: String,
}

#[derive(Serialize)]
struct IdClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    iat: i64,
    auth_time: i64,
    /// As it came with the authorization request; not at a refresh (§12.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    at_hash: String,
    /// The browser session it was granted in (OpenID Connect Front-Channel Logout §3).
    sid: &'a str,
    #[serde(flatten)]
    person: Person<'a>,
}

/// What the scope values `profile` and `email` open (§5.4).
#[derive(Serialize)]
pub(super) struct Person<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

impl<'a> Person<'a> {
    pub(super) fn of(user: &'a User, scope: &Scope) -> Self {
        let (profile, email) = (scope.has("profile"), scope.has("email"));
        Self {
            name: profile.then_some(&user.name),
            preferred_username: profile.then_some(&user.username),
            email: email.then_some(&user.email),
            email_verified: email.then_some(true),
        }
    }
}

/// What is issued: the whole of an authorization, or a part of it.
pub(super) struct Issue<'a> {
    pub(super) authorization: &'a Authorization,
    pub(super) scope: &'a Scope,
    pub(super) nonce: Option<&'a str>,
    /// The key the access token is bound to.
    pub(super) key: Option<&'a str>,
}

/// What a person allowed, and to whom.
pub(super) struct Allowed<'a> {
    pub(super) who: &'a BrowserSession,
    pub(super) client_id: &'a str,
    pub(super) scope: &'a Scope,
    pub(super) nonce: Option<&'a str>,
}

/// A new family and its first tokens. There is a refresh token only for `offline_access` (§11), and a key that was
/// proven binds it (RFC 9449 §5: the client is public).
pub(super) fn begin(
    backend: &Backend,
    sessions: &mut Sessions,
    allowed: &Allowed<'_>,
    key: Option<String>,
    now: Timestamp,
) -> Result<(TokenReply, String), Answer> {
    let authorization = Authorization {
        client_id: allowed.client_id.to_owned(),
        scope: allowed.scope.clone(),
        auth_time: allowed.who.auth_time.as_second(),
        dpop_key: key,
        browser_session: allowed.who.id.clone(),
    };
    let family = random_id()?;
    let refresh = if authorization.is_offline() { Some(RefreshToken::random()?) } else { None };
    let beginning = Beginning {
        username: allowed.who.username.clone(),
        first: refresh.as_ref().map(RefreshToken::hash),
        authorization: Some(authorization.clone()),
    };
    let grant = sessions.families.begin(family.clone(), beginning, backend.lifetimes(), now);
    let issue = Issue {
        scope: &authorization.scope,
        nonce: allowed.nonce,
        key: authorization.dpop_key.as_deref(),
        authorization: &authorization,
    };
    Ok((reply(backend, &grant, &issue, refresh, now)?, family))
}

/// The tokens this grant entitles to.
pub(super) fn reply(
    backend: &Backend,
    grant: &Grant,
    issue: &Issue<'_>,
    refresh: Option<RefreshToken>,
    now: Timestamp,
) -> Result<TokenReply, Answer> {
    // A kept family may belong to someone who is no longer among the users.
    let user = backend.options.user(&grant.username).ok_or_else(|| {
        Answer::refused(StatusCode::BAD_REQUEST, "invalid_grant", "the user no longer exists")
            .family(&grant.family)
    })?;
    let in_seconds = |at: Timestamp| at.as_second() - now.as_second();
    let access_token = access_token(backend, grant, issue, user, now)?;
    let id_token = if issue.scope.has("openid") {
        Some(id_token(backend, grant, issue, user, &access_token, now)?)
    } else {
        None
    };
    Ok(TokenReply {
        access_token,
        token_type: if issue.key.is_some() { "DPoP" } else { "Bearer" },
        expires_in: in_seconds(grant.access_expires_at),
        refresh_expires_in: refresh.as_ref().map(|_| in_seconds(grant.refresh_expires_at)),
        refresh_token: refresh.map(RefreshToken::into_text),
        id_token,
        scope: issue.scope.to_string(),
    })
}

fn access_token(
    backend: &Backend,
    grant: &Grant,
    issue: &Issue<'_>,
    user: &User,
    now: Timestamp,
) -> Result<String, Answer> {
    let roles = Roles::of_a_user();
    let claims = AccessClaims {
        iss: backend.issuer.clone(),
        sub: user.username.clone(),
        aud: AUDIENCE.into(),
        client_id: issue.authorization.client_id.clone(),
        scope: issue.scope.clone(),
        jti: random_id()?,
        iat: now.as_second(),
        exp: grant.access_expires_at.as_second(),
        sid: issue.authorization.browser_session.clone(),
        family: grant.family.clone(),
        refreshes: grant.refreshes,
        roles: roles.roles.clone(),
        realm_access: roles,
        cnf: issue.key.map(|key| Confirmation { jkt: key.to_owned() }),
    };
    backend.sign(ACCESS_TOKEN_JWT, &claims)
}

fn id_token(
    backend: &Backend,
    grant: &Grant,
    issue: &Issue<'_>,
    user: &User,
    access_token: &str,
    now: Timestamp,
) -> Result<String, Answer> {
    let claims = IdClaims {
        iss: &backend.issuer,
        sub: &user.username,
        aud: &issue.authorization.client_id,
        exp: grant.access_expires_at.as_second(),
        iat: now.as_second(),
        auth_time: issue.authorization.auth_time,
        nonce: issue.nonce,
        at_hash: half_hash(access_token),
        sid: &issue.authorization.browser_session,
        person: Person::of(user, issue.scope),
    };
    backend.sign(JWT, &claims)
}

/// The left half of the SHA-256, for RS256 (§3.1.3.6).
fn half_hash(token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, token.as_bytes());
    let half: Vec<u8> = hash.as_ref().iter().copied().take(16).collect();
    URL_SAFE_NO_PAD.encode(half)
}
