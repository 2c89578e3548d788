//! The REST login: sign in, refresh with rotation, sign out, user info.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::{
    User,
    backend::Backend,
    clock::later,
    family::{Ended, Grant, Rotation},
    keys::{AUDIENCE, Claims, Roles},
    reply::{Answer, JsonObject},
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

/// `POST /auth/login`
pub(crate) async fn login(State(backend): State<Arc<Backend>>, body: JsonObject) -> Answer {
    let answer = begin(&backend, &body).unwrap_or_else(|refusal| refusal).no_store();
    answer.remark(backend.save().await)
}

/// `POST /auth/refreshToken`: rotation with reuse detection (RFC 9700 §4.14.2).
pub(crate) async fn refresh(State(backend): State<Arc<Backend>>, body: JsonObject) -> Answer {
    let answer = rotate(&backend, &body).unwrap_or_else(|refusal| refusal).no_store();
    answer.remark(backend.save().await)
}

/// `POST /auth/logout`. An unknown token is answered like a known one (RFC 7009 §2.2).
pub(crate) async fn logout(State(backend): State<Arc<Backend>>, body: JsonObject) -> Answer {
    let token = match body.text("token") {
        Ok(token) => TokenHash::of(token),
        Err(refusal) => return refusal,
    };
    let family = backend.sessions(backend.clock.now()).families.sign_out(token);
    let done = json!({ "signedOut": true });
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
        .user(name)
        .filter(|user| verify_slices_are_equal(user.password.as_bytes(), password.as_bytes()).is_ok())
        .ok_or_else(|| Answer::invalid_credentials("wrong user name or password"))?;

    let now = backend.clock.now();
    let family = random_id().map_err(|error| Answer::broken(&error.to_string()))?;
    let refresh = RefreshToken::random().map_err(|error| Answer::broken(&error.to_string()))?;
    let grant = backend.sessions(now).families.begin(
        family.clone(),
        user.username.clone(),
        refresh.hash(),
        backend.lifetimes(),
        now,
    );
    let reply = token_reply(backend, &grant, refresh, now)?;
    Ok(Answer::ok(&reply, format!("signed in: {}", user.username)).family(family))
}

fn rotate(backend: &Backend, body: &JsonObject) -> Result<Answer, Answer> {
    let presented = TokenHash::of(body.text("token")?);
    let successor = RefreshToken::random().map_err(|error| Answer::broken(&error.to_string()))?;
    let now = backend.clock.now();
    let lifetimes = backend.lifetimes();
    // Held until the answer is kept: a second request with the same token must find either the token or the answer.
    let mut sessions = backend.sessions(now);
    let mut outcome = "rotated";
    let mut rotation = sessions.families.rotate(presented, successor.hash(), lifetimes, now);
    if let Rotation::Replay { family } = &rotation {
        if let Some(reply) = sessions.replay(presented) {
            return Ok(
                Answer::ok(&reply, "repeated the earlier answer: inside the grace window").family(family)
            );
        }
        outcome = "rotated again: the earlier answer was lost in a restart, inside the grace window";
        rotation = sessions.families.reissue(presented, successor.hash(), lifetimes, now);
    }
    match rotation {
        Rotation::Rotated(grant) => {
            let reply = token_reply(backend, &grant, successor, now)?;
            let answer = Answer::ok(&reply, outcome).family(grant.family);
            if !lifetimes.grace.is_zero() {
                sessions.keep_replay(presented, later(now, lifetimes.grace), reply);
            }
            Ok(answer)
        }
        Rotation::Reused { family } => {
            Err(invalid_grant("refresh token already used; family revoked").family(family))
        }
        Rotation::Ended { family, why } => Err(invalid_grant(match why {
            Ended::Reused => "family revoked earlier: one of its refresh tokens was used twice",
            Ended::SignedOut => "family revoked earlier: the user signed out",
            Ended::Revoked => "family revoked earlier: the session was revoked",
        })
        .family(family)),
        Rotation::Expired { family } => Err(invalid_grant("refresh token expired").family(family)),
        Rotation::CeilingReached { family } => {
            Err(invalid_grant("session lifetime reached; sign in again").family(family))
        }
        Rotation::Replay { family } => Err(Answer::broken("a replay was not resolved").family(family)),
        Rotation::Unknown => Err(invalid_grant("refresh token unknown")),
    }
}

fn user_info(backend: &Backend, headers: &HeaderMap) -> Result<Answer, Answer> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| unauthorized("no bearer token was sent", "Bearer"))?;
    let claims = backend
        .key
        .verify(token, &backend.issuer)
        .map_err(|_| invalid_token("not an access token of this server"))?;
    let now = backend.clock.now();
    if now.as_second() >= claims.exp {
        return Err(invalid_token("access token expired").family(claims.sid));
    }
    let sessions = backend.sessions(now);
    let Some(family) = sessions.families.going(&claims.sid, now) else {
        return Err(invalid_token("the session has ended").family(claims.sid));
    };
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
    let access_token =
        backend.key.sign(&claims).map_err(|_| Answer::broken("the access token could not be signed"))?;
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
        jti: random_id().map_err(|error| Answer::broken(&error.to_string()))?,
        sid: grant.family.clone(),
        name: user.name.clone(),
        email: user.email.clone(),
        realm_access: Roles { roles: vec!["user".into()] },
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
        .header(header::WWW_AUTHENTICATE, challenge)
}
