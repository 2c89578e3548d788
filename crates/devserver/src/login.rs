//! The REST login: sign in, refresh with rotation, sign out, user info.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    User,
    backend::Backend,
    family::{Beginning, Family, Grant},
    keys::{AUDIENCE, JWT, Roles},
    reply::{Answer, JsonObject},
    rotation,
    token::{RefreshToken, TokenHash, random_id},
};

/// What a login or a refresh answers. No `Debug`: it holds both tokens.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenReply {
    access_token: String,
    /// Epoch seconds, as are the others.
    access_token_expiry: i64,
    refresh_token: String,
    refresh_token_expiry: i64,
    session_expiry: i64,
    user: UserInfo,
}

#[derive(Clone, Serialize)]
struct UserInfo {
    name: String,
    email: String,
}

/// What an access token of the REST login says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
    jti: String,
    /// The family id: a token of a revoked family is told by it.
    sid: String,
    /// How often the family was refreshed before it. Absent in tokens of an earlier version.
    #[serde(default)]
    refreshes: u64,
    name: String,
    email: String,
    realm_access: Roles,
}

/// `POST /auth/login`
pub(crate) async fn login(State(backend): State<Arc<Backend>>, body: JsonObject) -> Answer {
    let answer = backend.no_store(begin(&backend, &body).unwrap_or_else(|refusal| refusal));
    answer.remark(backend.save().await)
}

/// `POST /auth/refreshToken`: rotation with reuse detection (RFC 9700 §4.14.2).
pub(crate) async fn refresh(State(backend): State<Arc<Backend>>, body: JsonObject) -> Answer {
    let answer = backend.no_store(rotate(&backend, &body).unwrap_or_else(|refusal| refusal));
    answer.remark(backend.save().await)
}

/// `POST /auth/logout`. An unknown token is answered like a known one (RFC 7009 §2.2).
pub(crate) async fn logout(State(backend): State<Arc<Backend>>, body: JsonObject) -> Answer {
    let token = match body.text("token") {
        Ok(token) => TokenHash::of(token),
        Err(refusal) => return refusal,
    };
    let done = json!({ "signedOut": true });
    if !backend.options.rules.revokes {
        return Answer::ok(&done, "signed out: nothing was done, as the rules have it");
    }
    let family = backend.sessions(backend.clock.now()).families.sign_out(token);
    match family {
        Some(family) => Answer::ok(&done, "signed out").family(family).remark(backend.save().await),
        None => Answer::ok(&done, "signed out: the token was unknown"),
    }
}

/// `GET /auth/me`
pub(crate) async fn me(State(backend): State<Arc<Backend>>, headers: HeaderMap) -> Answer {
    user_info(&backend, &headers).unwrap_or_else(|refusal| refusal).no_store()
}

fn begin(backend: &Backend, body: &JsonObject) -> Result<Answer, Answer> {
    let name = body
        .text("email")
        .or_else(|_| body.text("username"))
        .map_err(|_| Answer::invalid_request("the field email or username is missing or no text"))?;
    let password = body.text("password")?;
    // One answer for both, so that names cannot be tried out.
    let user = backend
        .options
        .user_with_password(name, password)
        .ok_or_else(|| Answer::invalid_credentials("wrong user name or password"))?;

    let now = backend.clock.now();
    let (family, refresh) = (random_id()?, RefreshToken::random()?);
    let first = Some(refresh.hash());
    let beginning = Beginning { username: user.username.clone(), first, authorization: None };
    let grant = backend.sessions(now).families.begin(family.clone(), beginning, backend.lifetimes(), now);
    let reply = token_reply(backend, &grant, refresh, now)?;
    Ok(Answer::ok(&reply, format!("signed in: {}", user.username)).family(family))
}

fn rotate(backend: &Backend, body: &JsonObject) -> Result<Answer, Answer> {
    let presented = RefreshToken::presented(body.text("token")?);
    let now = backend.clock.now();
    let accept = |family: &Family| match family.authorization {
        None => Ok(()),
        Some(_) => Err(invalid_grant("this refresh token belongs to the token endpoint /oauth/token")),
    };
    let issue = |grant: &Grant, (), successor| token_reply(backend, grant, successor, now);
    rotation::rotate(backend, presented, StatusCode::UNAUTHORIZED, accept, issue, now)
}

fn user_info(backend: &Backend, headers: &HeaderMap) -> Result<Answer, Answer> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| unauthorized("no bearer token was sent", "Bearer"))?;
    let now = backend.clock.now();
    let claims: Claims = backend
        .keys()
        .verify(JWT, token, &backend.issuer, AUDIENCE, now)
        .map_err(|_| invalid_token("not an access token of the REST login"))?;
    if now.as_second() >= claims.exp {
        return Err(invalid_token("access token expired").family(claims.sid));
    }
    let sessions = backend.sessions(now);
    let Some(family) = sessions.families.going(&claims.sid, now) else {
        return Err(invalid_token("the session has ended").family(claims.sid));
    };
    if family.has_expired(claims.refreshes) {
        return Err(invalid_token("access token expired").family(claims.sid));
    }
    if backend.options.rules.old_access_dies && family.has_replaced(claims.refreshes) {
        return Err(invalid_token("the access token was replaced by a refresh").family(claims.sid));
    }
    let info = json!({
        "sub": claims.sub,
        "username": family.username,
        "name": claims.name,
        "email": claims.email,
        "roles": claims.realm_access.roles,
        "accessTokenExpiry": claims.exp,
        "sessionExpiry": family.ceiling.as_second(),
    });
    Ok(Answer::ok(&info, "told who the user is").family(claims.sid))
}

fn token_reply(
    backend: &Backend,
    grant: &Grant,
    refresh: RefreshToken,
    now: Timestamp,
) -> Result<TokenReply, Answer> {
    // A kept session may belong to someone who is no longer among the users.
    let user = backend
        .options
        .user(&grant.username)
        .ok_or_else(|| invalid_grant("the user no longer exists").family(&grant.family))?;
    let access_token_expiry = grant.access_expires_at.as_second();
    let claims = claims(backend, grant, user, now, access_token_expiry)?;
    let access_token = backend.sign(JWT, &claims)?;
    Ok(TokenReply {
        access_token,
        access_token_expiry,
        refresh_token: refresh.into_text(),
        refresh_token_expiry: grant.refresh_expires_at.as_second(),
        session_expiry: grant.ceiling.as_second(),
        user: UserInfo { name: user.name.clone(), email: user.email.clone() },
    })
}

fn claims(backend: &Backend, grant: &Grant, user: &User, now: Timestamp, exp: i64) -> Result<Claims, Answer> {
    Ok(Claims {
        iss: backend.issuer.clone(),
        sub: user.username.clone(),
        aud: AUDIENCE.into(),
        iat: now.as_second(),
        exp,
        jti: random_id()?,
        sid: grant.family.clone(),
        refreshes: grant.refreshes,
        name: user.name.clone(),
        email: user.email.clone(),
        realm_access: Roles::of_a_user(),
    })
}

fn invalid_grant(description: &str) -> Answer {
    Answer::refused(StatusCode::UNAUTHORIZED, "invalid_grant", description)
}

/// RFC 6750 §3.1.
fn invalid_token(description: &str) -> Answer {
    unauthorized(description, "Bearer error=\"invalid_token\"")
}

fn unauthorized(description: &str, challenge: &'static str) -> Answer {
    Answer::refused(StatusCode::UNAUTHORIZED, "invalid_token", description)
        .fixed_header(header::WWW_AUTHENTICATE, challenge)
}
