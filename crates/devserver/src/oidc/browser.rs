//! Who is signed in in which browser: a cookie, so that the second sign-in asks for no password.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;

use super::{Pending, page, params::Params};
use crate::{
    backend::Backend,
    clock::later,
    reply::Answer,
    token::{NoRandomness, TokenHash, random_id, random_secret},
};

/// A sign-in in a browser. In memory only: a restart ends it, and families go on.
#[derive(Clone)]
pub(super) struct BrowserSession {
    /// The `sid` of the tokens. No secret, unlike the cookie.
    pub(super) id: String,
    pub(super) username: String,
    /// When was the password entered?
    pub(super) auth_time: Timestamp,
}

/// Who allowed something, and the cookie to set if this was a new sign-in.
pub(super) struct SignedIn {
    pub(super) session: BrowserSession,
    cookie: Option<HeaderValue>,
}

impl SignedIn {
    /// The answer, with the cookie.
    pub(super) fn answer(&self, answer: Answer) -> Answer {
        match &self.cookie {
            Some(cookie) => answer.header(header::SET_COOKIE, cookie.clone()),
            None => answer,
        }
    }
}

/// Who is signed in in the browser that sends these headers.
pub(super) fn current(
    backend: &Backend,
    pending: &Pending,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<BrowserSession> {
    pending.browsers.get(cookie(backend, headers)?, now).cloned()
}

/// The person whose name and password the form holds; without them, where that is enough, whoever is signed in in this
/// browser. None for a wrong password.
pub(super) fn sign_in(
    backend: &Backend,
    pending: &mut Pending,
    params: &Params,
    headers: &HeaderMap,
    session_is_enough: bool,
    now: Timestamp,
) -> Result<Option<SignedIn>, NoRandomness> {
    let before = current(backend, pending, headers, now);
    let (Some(username), Some(password)) = (params.get("username"), params.get("password")) else {
        let nothing_sent = params.get("username").is_none() && params.get("password").is_none();
        let session = before.filter(|_| session_is_enough && nothing_sent);
        return Ok(session.map(|session| SignedIn { session, cookie: None }));
    };
    let Some(user) = backend.options.user_with_password(username, password) else { return Ok(None) };
    let id = match before {
        // The same person again: what was granted before still belongs to this browser session.
        Some(before) if before.username == user.username => before.id,
        Some(_) | None => random_id()?,
    };
    // A sign-in always brings a new cookie, or a cookie set by someone else would be signed in as well.
    if let Some(old) = cookie(backend, headers) {
        pending.browsers.take(old, now);
    }
    let secret = random_secret()?;
    let session = BrowserSession { id, username: user.username.clone(), auth_time: now };
    let until = later(now, backend.options.session_lifetime);
    pending.browsers.insert(TokenHash::of(&secret), session.clone(), until, now);
    let cookie = format!("{}={secret}; Path=/; HttpOnly; SameSite=Lax", cookie_name(backend));
    Ok(Some(SignedIn { session, cookie: HeaderValue::try_from(cookie).ok() }))
}

/// The cookie that takes the cookie away.
pub(super) fn removed_cookie(backend: &Backend) -> Option<HeaderValue> {
    let cookie = format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0", cookie_name(backend));
    HeaderValue::try_from(cookie).ok()
}

/// Refuses a form that a page of another origin sent: with the cookie, such a page could allow itself anything, and
/// every other port of this machine counts as the same site. Programs send no `Origin`.
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Answer> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    if origin.as_bytes().strip_prefix(b"http://").is_some_and(|origin| Some(origin) == host) {
        return Ok(());
    }
    let text = "This form was sent by another page. Start the sign-in again from the app.";
    Err(page::message(StatusCode::FORBIDDEN, "Not accepted", text, "refused: a form from another origin"))
}

fn cookie(backend: &Backend, headers: &HeaderMap) -> Option<TokenHash> {
    let name = cookie_name(backend);
    let headers = headers.get_all(header::COOKIE).iter().filter_map(|header| header.to_str().ok());
    headers
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(cookie, _)| *cookie == name)
        .map(|(_, value)| TokenHash::of(value))
}

/// A browser keeps cookies by host, whatever the port: with the port in the name two servers do not sign each other out.
fn cookie_name(backend: &Backend) -> String {
    let port = backend.issuer.rsplit(':').next().unwrap_or_default();
    format!("latchkey_devserver_{port}")
}
