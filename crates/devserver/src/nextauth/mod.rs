//! A site whose sessions are cookies, as Auth.js v5 answers (`@auth/core` 0.41). What stands behind each session is a
//! family of the REST login: its refresh token rotates inside the cookie when the session is read, as the guides of
//! NextAuth do it, and a family that has ended shows as `RefreshTokenError`.
//!
//! The site's secret is [`SITE_SECRET`], so that developers can look into its cookies. It protects made-up users.

mod cookies;
mod jwe;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
    routing::{get, post},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    backend::Backend,
    endpoint::{SITE_CALLBACK, SITE_CSRF, SITE_ME, SITE_PROVIDERS, SITE_SESSION, SITE_SIGNOUT},
    family::{Beginning, Rotation},
    reply::{Answer, JsonObject},
    token::{NoRandomness, RefreshToken, TokenHash, random_id, random_secret},
};
use cookies::{Cookies, SESSION};

/// The secret of the site, which real sites keep to themselves.
pub const SITE_SECRET: &str = "latchkey-devserver";

/// Sent by the scripts of Auth.js: answer with an address instead of a redirect.
const RETURN_REDIRECT: &str = "x-auth-return-redirect";
/// Tells clients to read the session again.
const REVALIDATE: HeaderName = HeaderName::from_static("x-revalidate-session");

pub(crate) fn routes() -> Router<Arc<Backend>> {
    Router::new()
        .route(SITE_CSRF, get(csrf))
        .route(SITE_PROVIDERS, get(providers))
        .route(SITE_CALLBACK, post(callback))
        .route(SITE_SESSION, get(session).post(update))
        .route(SITE_SIGNOUT, post(sign_out))
        .route(SITE_ME, get(me))
}

/// What the cookie holds besides who it is.
struct Held {
    claims: Map<String, Value>,
}

impl Held {
    fn of(cookies: &Cookies<'_>, now: Timestamp) -> Option<Self> {
        let claims = jwe::open(&cookies.session()?, SITE_SECRET, SESSION)?;
        let held = Self { claims };
        (held.number("exp")? > now.as_second()).then_some(held)
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.claims.get(name)?.as_i64()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// The answer of the session endpoint, with the cookie for the next one.
    fn answer(
        mut self,
        backend: &Backend,
        before: &[String],
        outcome: &str,
        now: Timestamp,
    ) -> Result<Answer, Answer> {
        let max_age = backend.options.refresh_lifetime.as_secs();
        let ends = now.as_second().saturating_add(i64::try_from(max_age).unwrap_or(i64::MAX));
        for (name, value) in
            [("iat", json!(now.as_second())), ("exp", json!(ends)), ("jti", json!(random_id()?))]
        {
            self.claims.insert(name.to_owned(), value);
        }
        let username = self.text("sub").unwrap_or_default().to_owned();
        self.claims.insert("seen".to_owned(), json!(backend.site_changes(&username)));
        let mut user = json!({ "id": username, "name": self.text("name"), "email": self.text("email") });
        if let (Some(user), Some(added)) = (user.as_object_mut(), backend.site_data(&username).as_object()) {
            user.extend(added.clone());
        }
        let expires = Timestamp::from_second(ends).unwrap_or(now);
        let mut body = json!({ "user": user, "expires": expires.to_string() });
        if let Some(body) = body.as_object_mut() {
            for name in ["data", "error"] {
                if let Some(value) = self.claims.get(name) {
                    body.insert(name.to_owned(), value.clone());
                }
            }
        }
        let sealed = jwe::seal(&self.claims, SITE_SECRET, SESSION)?;
        Ok(cookies::set_session(Answer::ok(&body, outcome), &sealed, before, max_age))
    }

    /// Renews the tokens behind the session, as NextAuth's guide to refresh token rotation does in the `jwt` callback;
    /// at each reading, so that a lost cookie is noticed at the next.
    fn rotate(&mut self, backend: &Backend, now: Timestamp) -> Result<&'static str, NoRandomness> {
        let Some(presented) = self.text("refreshToken").map(TokenHash::of) else {
            return Ok("read the session");
        };
        let successor = RefreshToken::random()?;
        let lifetimes = backend.lifetimes();
        let mut sessions = backend.sessions(now);
        let mut rotation = sessions.families.rotate(presented, successor.hash(), lifetimes, now);
        if matches!(rotation, Rotation::Replay { .. }) {
            rotation = sessions.families.reissue(presented, successor.hash(), lifetimes, now);
        }
        Ok(if matches!(rotation, Rotation::Rotated(_)) {
            let expiry = now.as_second().saturating_add(seconds(lifetimes.access));
            self.claims.insert("refreshToken".to_owned(), json!(successor.into_text()));
            self.claims.insert("accessTokenExpiry".to_owned(), json!(expiry));
            "read the session; its tokens were rotated"
        } else {
            self.claims.insert("error".to_owned(), json!("RefreshTokenError"));
            "read the session; its tokens are refused"
        })
    }
}

fn seconds(lifetime: Duration) -> i64 {
    i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX)
}

async fn csrf(State(backend): State<Arc<Backend>>, headers: HeaderMap) -> Answer {
    let cookies = Cookies::of(&headers);
    let token = match checked_csrf(&cookies) {
        Some(token) => token.to_owned(),
        None => match random_secret() {
            Ok(token) => token,
            Err(error) => return error.into(),
        },
    };
    let answer = Answer::ok(&json!({ "csrfToken": token }), "gave a form token").no_store();
    cookies::set_csrf(answer, &format!("{token}%7C{}", csrf_hash(&token)), &backend.issuer)
}

/// The token whose other half the cookie has.
fn checked_csrf<'a>(cookies: &Cookies<'a>) -> Option<&'a str> {
    let (token, hash) = cookies.get(cookies::CSRF)?.split_once("%7C")?;
    (csrf_hash(token) == hash).then_some(token)
}

fn csrf_hash(token: &str) -> String {
    serde_json::to_value(TokenHash::of(&format!("{token}{SITE_SECRET}")))
        .ok()
        .and_then(|hash| hash.as_str().map(str::to_owned))
        .unwrap_or_default()
}

async fn providers(State(backend): State<Arc<Backend>>) -> Answer {
    let site = &backend.issuer;
    let listed = json!({ "credentials": {
        "id": "credentials", "name": "Password", "type": "credentials",
        "signinUrl": format!("{site}/api/auth/signin/credentials"),
        "callbackUrl": format!("{site}{SITE_CALLBACK}"),
    }});
    Answer::ok(&listed, "listed the ways to sign in")
}

async fn callback(State(backend): State<Arc<Backend>>, headers: HeaderMap, body: Bytes) -> Answer {
    let fields = fields(&body);
    let now = backend.clock.now();
    let answer = match begin(&backend, &headers, &fields, now) {
        Ok((held, cookies, callback)) => {
            held.answer(&backend, &cookies, "", now).map(|answer| (answer, callback)).map(
                |(answer, callback)| {
                    // The cookie of that answer with the body of this one.
                    answer.with_body_of(sent_on(&headers, &callback, "signed in"))
                },
            )
        }
        Err(refused) => Ok(refused),
    };
    let answer = answer.unwrap_or_else(|broken| broken).no_store();
    answer.remark(backend.save().await)
}

fn begin(
    backend: &Backend,
    headers: &HeaderMap,
    fields: &[(String, String)],
    now: Timestamp,
) -> Result<(Held, Vec<String>, String), Answer> {
    let field =
        |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let refused = |query: &str| {
        let to = format!("{}/api/auth/signin?{query}", backend.issuer);
        sent_on(headers, &to, &format!("refused: {query}"))
    };
    let cookies = Cookies::of(headers);
    if checked_csrf(&cookies).is_none_or(|token| field("csrfToken") != Some(token)) {
        return Err(refused("error=MissingCSRF"));
    }
    let named = field("username").zip(field("password"));
    let user = named.and_then(|(name, password)| backend.options.user_with_password(name, password));
    let user = user.ok_or_else(|| refused("error=CredentialsSignin&code=credentials"))?;
    let (family, refresh) = (random_id()?, RefreshToken::random()?);
    let beginning =
        Beginning { username: user.username.clone(), first: Some(refresh.hash()), authorization: None };
    backend.sessions(now).families.begin(family, beginning, backend.lifetimes(), now);
    let expiry = now.as_second().saturating_add(seconds(backend.options.access_lifetime));
    let claims = json!({
        "sub": user.username, "name": user.name, "email": user.email,
        "refreshToken": refresh.into_text(), "accessTokenExpiry": expiry,
    });
    let claims = claims.as_object().cloned().unwrap_or_default();
    // A site of its own is sent to no other.
    let callback = field("callbackUrl").filter(|url| is_within(&backend.issuer, url));
    let callback = callback.unwrap_or(backend.issuer.as_str()).to_owned();
    Ok((Held { claims }, cookies.session_names(), callback))
}

/// Whether an address is one of this site, and does not only begin like one.
fn is_within(site: &str, address: &str) -> bool {
    address.strip_prefix(site).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// Leads on: as JSON for a script that asks for that, else as a redirect.
fn sent_on(headers: &HeaderMap, to: &str, outcome: &str) -> Answer {
    if headers.contains_key(RETURN_REDIRECT) {
        Answer::ok(&json!({ "url": to }), outcome)
    } else {
        Answer::redirect(to, outcome)
    }
}

fn fields(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

async fn session(State(backend): State<Arc<Backend>>, headers: HeaderMap) -> Answer {
    let answer = read(&backend, &headers, None).unwrap_or_else(|broken| broken).no_store();
    answer.remark(backend.save().await)
}

/// `POST` to the session endpoint: what NextAuth's `update()` sends.
async fn update(State(backend): State<Arc<Backend>>, headers: HeaderMap, body: JsonObject) -> Answer {
    let cookies = Cookies::of(&headers);
    let token = body.0.get("csrfToken").and_then(Value::as_str);
    if checked_csrf(&cookies).is_none_or(|checked| token != Some(checked)) {
        return Answer::refused(StatusCode::BAD_REQUEST, "MissingCSRF", "the form token is missing or wrong");
    }
    let data = body.0.get("data").cloned().unwrap_or(Value::Null);
    let answer = read(&backend, &headers, Some(data)).unwrap_or_else(|broken| broken).no_store();
    answer.remark(backend.save().await)
}

fn read(backend: &Backend, headers: &HeaderMap, update: Option<Value>) -> Result<Answer, Answer> {
    let now = backend.clock.now();
    let cookies = Cookies::of(headers);
    let before = cookies.session_names();
    let Some(mut held) = Held::of(&cookies, now) else {
        let nobody = Answer::ok(&Value::Null, "nobody is signed in");
        return Ok(cookies::clear_session(nobody, &before));
    };
    let mut outcome = held.rotate(backend, now)?;
    if let Some(Value::Object(data)) = update {
        let mut merged = held.claims.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
        merged.extend(data);
        merged.retain(|_, value| !value.is_null());
        held.claims.insert("data".to_owned(), Value::Object(merged));
        outcome = "updated the session";
    }
    held.answer(backend, &before, outcome, now)
}

async fn sign_out(State(backend): State<Arc<Backend>>, headers: HeaderMap, body: Bytes) -> Answer {
    let fields = fields(&body);
    let cookies = Cookies::of(&headers);
    let token = fields.iter().find(|(name, _)| name == "csrfToken").map(|(_, value)| value.as_str());
    if checked_csrf(&cookies).is_none_or(|checked| token != Some(checked)) {
        let to = format!("{}/api/auth/signout?csrf=true", backend.issuer);
        return sent_on(&headers, &to, "refused: the form token is missing or wrong");
    }
    let now = backend.clock.now();
    if let Some(held) = Held::of(&cookies, now)
        && let Some(token) = held.text("refreshToken")
    {
        backend.sessions(now).families.sign_out(TokenHash::of(token));
    }
    let answer = sent_on(&headers, &backend.issuer, "signed out");
    cookies::clear_session(answer, &cookies.session_names()).remark(backend.save().await)
}

/// A page of the site that wants a session. It says when what it knows of the person is newer than the session.
async fn me(State(backend): State<Arc<Backend>>, headers: HeaderMap) -> Answer {
    let Some(held) = Held::of(&Cookies::of(&headers), backend.clock.now()) else {
        return Answer::refused(StatusCode::UNAUTHORIZED, "unauthenticated", "nobody is signed in")
            .fixed_header(header::WWW_AUTHENTICATE, "Cookie");
    };
    let username = held.text("sub").unwrap_or_default();
    let seen = held.number("seen").unwrap_or_default();
    let changed = backend.site_changes(username) != u64::try_from(seen).unwrap_or_default();
    let answer = Answer::ok(&json!({ "sub": username, "name": held.text("name") }), "told who is signed in");
    if changed { answer.fixed_header(REVALIDATE, "true") } else { answer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_only_begins_like_the_sites_is_another_sites() {
        let site = "http://127.0.0.1:4180";
        for (rest, ours) in
            [("", true), ("/", true), ("/page?a#b", true), ("?a", true), ("@evil.example/", false)]
                .into_iter()
                .chain([(".evil.example/", false), ("0/", false)])
        {
            assert_eq!(is_within(site, &format!("{site}{rest}")), ours, "{rest}");
        }
        assert!(!is_within(site, "https://evil.example/"));
    }
}
