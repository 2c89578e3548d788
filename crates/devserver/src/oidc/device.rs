//! The device authorization grant (RFC 8628): the app shows a code, a browser anywhere allows it, the app polls.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, http::HeaderMap};
use jiff::Timestamp;
use serde_json::json;

use super::{
    Pending,
    browser::BrowserSession,
    client,
    params::{Form, Params},
    scope,
};
use crate::{
    backend::Backend,
    clock::later,
    endpoint,
    family::Scope,
    reply::Answer,
    token::{NoRandomness, TokenHash, random_letters, random_secret},
};

const LIFETIME: Duration = Duration::from_mins(10);

/// How long an expired code is remembered, so that its client is told that it expired.
const REMEMBER: Duration = Duration::from_mins(10);

/// What each poll that comes too early adds to the interval (§3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// Consonants only: no word comes of them, and none is taken for a digit (§6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A device that waits.
pub(super) struct DeviceRequest {
    pub(super) client_id: String,
    pub(super) scope: Scope,
    /// Eight letters, without the dash.
    user_code: String,
    expires_at: Timestamp,
    interval: Duration,
    polled_at: Option<Timestamp>,
    decision: Decision,
}

enum Decision {
    Open,
    Denied,
    Allowed(BrowserSession),
}

/// What a poll is told.
pub(super) enum Poll {
    Pending,
    TooFast,
    Denied,
    Expired,
    Allowed(BrowserSession),
}

/// `POST /oauth/device_authorization`
pub(super) async fn begin(
    State(backend): State<Arc<Backend>>,
    headers: HeaderMap,
    Form(params): Form,
) -> Answer {
    keep(&backend, &headers, &params).unwrap_or_else(|refusal| refusal).no_store()
}

fn keep(backend: &Backend, headers: &HeaderMap, params: &Params) -> Result<Answer, Answer> {
    let client_id = client::authenticate(params, headers)?.to_owned();
    let scope = scope::granted(params.get("scope"))
        .map_err(|_| scope::invalid("none of the scope values is known"))?;
    let now = backend.clock.now();
    let (device_code, user_code) = (random_secret()?, random_user_code()?);
    let shown = shown(&user_code);
    let expires_at = later(now, LIFETIME);
    let interval = backend.options.device_interval;
    let request = DeviceRequest {
        client_id,
        scope,
        user_code,
        expires_at,
        interval,
        polled_at: None,
        decision: Decision::Open,
    };
    let until = later(expires_at, REMEMBER);
    backend.sessions(now).oidc.devices.insert(TokenHash::of(&device_code), request, until, now);
    let page = format!("{}{}", backend.issuer, endpoint::DEVICE_PAGE);
    let reply = json!({
        "device_code": device_code,
        "user_code": shown,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={shown}"),
        "expires_in": LIFETIME.as_secs(),
        "interval": interval.as_secs(),
    });
    Ok(Answer::ok(&reply, "waits for a person to allow the device"))
}

/// The request that waits with this user code, however it was typed: in lower case, without the dash, with spaces.
pub(super) fn waiting<'a>(
    pending: &'a mut Pending,
    typed: &str,
    now: Timestamp,
) -> Option<&'a mut DeviceRequest> {
    let code: String =
        typed.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_uppercase()).collect();
    let waits = |request: &DeviceRequest| {
        request.user_code == code && now < request.expires_at && matches!(request.decision, Decision::Open)
    };
    pending.devices.find_mut(waits, now)
}

impl DeviceRequest {
    /// The user code as it is shown to people.
    pub(super) fn shown_code(&self) -> String {
        shown(&self.user_code)
    }

    pub(super) fn allow(&mut self, who: BrowserSession) {
        self.decision = Decision::Allowed(who);
    }

    pub(super) fn deny(&mut self) {
        self.decision = Decision::Denied;
    }

    /// §3.5. A client that polls too early has to wait longer from then on.
    pub(super) fn poll(&mut self, now: Timestamp) -> Poll {
        let before = self.polled_at.replace(now);
        if now >= self.expires_at {
            return Poll::Expired;
        }
        match &self.decision {
            Decision::Denied => Poll::Denied,
            Decision::Allowed(who) => Poll::Allowed(who.clone()),
            Decision::Open if before.is_some_and(|before| now < later(before, self.interval)) => {
                self.interval = self.interval.saturating_add(SLOW_DOWN);
                Poll::TooFast
            }
            Decision::Open => Poll::Pending,
        }
    }
}

fn random_user_code() -> Result<String, NoRandomness> {
    random_letters::<8>(LETTERS)
}

/// Two groups of four, with a dash between.
fn shown(user_code: &str) -> String {
    let (first, second) = user_code.split_at_checked(4).unwrap_or((user_code, ""));
    format!("{first}-{second}")
}
