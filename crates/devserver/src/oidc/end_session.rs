//! Signing out of the browser (OpenID Connect RP-Initiated Logout): asked for by the app, confirmed by the person.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
};
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::{
    browser,
    client::{self, CLIENT_ID},
    page::{self, FormPage, SignInFields},
    params::{Form, Params},
};
use crate::{backend::Backend, endpoint, keys::JWT, reply::Answer};

/// A request that was checked.
struct EndRequest {
    /// The browser session that the ID token names.
    hinted: Option<String>,
    back: Option<Url>,
}

#[derive(Deserialize)]
struct Hint {
    sid: String,
}

/// What the form repeats of the request.
const REPEATED: [&str; 4] = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"];

/// `GET /oauth/end_session`
pub(super) async fn ask(State(backend): State<Arc<Backend>>, headers: HeaderMap, uri: Uri) -> Answer {
    let asked = match Params::of_query(&uri) {
        Ok(params) => confirm(&backend, &headers, &params),
        Err(_) => Err(dead_end("A parameter was sent twice.")),
    };
    asked.unwrap_or_else(|refusal| refusal)
}

/// `POST /oauth/end_session`: the form of our page; without a decision a request like any other (§2).
pub(super) async fn decide(
    State(backend): State<Arc<Backend>>,
    headers: HeaderMap,
    Form(params): Form,
) -> Answer {
    let answer = match params.get("action") {
        None => confirm(&backend, &headers, &params),
        Some("allow") => match end(&backend, &headers, &params) {
            Ok(answer) => Ok(answer.remark(backend.save().await)),
            Err(refusal) => Err(refusal),
        },
        Some(_) => {
            let text = "You are still signed in. You can close this page.";
            Ok(page::message(StatusCode::OK, "Not signed out", text, "the person stays signed in"))
        }
    };
    answer.unwrap_or_else(|refusal| refusal)
}

fn confirm(backend: &Backend, headers: &HeaderMap, params: &Params) -> Result<Answer, Answer> {
    let now = backend.clock.now();
    let request = EndRequest::parse(backend, params, now)?;
    let session = browser::current(backend, &backend.sessions(now).oidc, headers, now);
    let hidden = REPEATED.into_iter().filter_map(|name| Some((name, params.get(name)?))).collect();
    let page = FormPage {
        title: "Sign out?",
        question: "The app asks to sign you out in this browser as well. Apps that may stay signed in do so."
            .into(),
        code: None,
        scope: None,
        problem: None,
        action: endpoint::END_SESSION,
        hidden,
        sign_in: session
            .as_ref()
            .map_or(SignInFields::Nobody, |session| SignInFields::SignedInAs(&session.username)),
        allow: "Sign out",
        deny: "Stay signed in",
        leads_to: request.back.as_ref(),
    };
    Ok(page.answer(StatusCode::OK, "asked whether to sign out"))
}

fn end(backend: &Backend, headers: &HeaderMap, params: &Params) -> Result<Answer, Answer> {
    browser::check_origin(headers)?;
    let now = backend.clock.now();
    let request = EndRequest::parse(backend, params, now)?;
    let mut sessions = backend.sessions(now);
    let in_browser = browser::current(backend, &sessions.oidc, headers, now).map(|session| session.id);
    let mut ended = 0;
    for id in in_browser.into_iter().chain(request.hinted) {
        sessions.oidc.browsers.retain(|session| session.id != id);
        ended += sessions.families.end_browser_session(&id, now);
    }
    let outcome = format!("signed out of the browser; sessions ended with it: {ended}");
    let answer = match &request.back {
        Some(back) => Answer::redirect(back.as_str(), outcome),
        None => page::message(
            StatusCode::OK,
            "Signed out",
            "You are signed out. You can close this page.",
            &outcome,
        ),
    };
    Ok(match browser::removed_cookie(backend) {
        Some(cookie) => answer.header(header::SET_COOKIE, cookie),
        None => answer,
    })
}

impl EndRequest {
    fn parse(backend: &Backend, params: &Params, now: Timestamp) -> Result<Self, Answer> {
        let hinted = match params.get("id_token_hint") {
            None => None,
            Some(token) => {
                // An expired one will do (§2): its `exp` is not looked at.
                let hint: Hint =
                    backend.keys().verify(JWT, token, &backend.issuer, CLIENT_ID, now).map_err(|_| {
                        dead_end("The id_token_hint is no ID token of this issuer, or its key is gone.")
                    })?;
                Some(hint.sid)
            }
        };
        let client_id = params.get("client_id");
        if client_id.is_some_and(|client_id| !client::is_known(client_id)) {
            return Err(dead_end("No client is called that; the one client is `latchkey`."));
        }
        let Some(uri) = params.get("post_logout_redirect_uri") else {
            return Ok(Self { hinted, back: None });
        };
        // §2: an address belongs to a client, so it must be known which one asks.
        if hinted.is_none() && client_id.is_none() {
            return Err(dead_end("post_logout_redirect_uri needs a client_id or an id_token_hint."));
        }
        let mut back = client::loopback_uri(uri)
            .map_err(|why| dead_end(&format!("post_logout_redirect_uri: {why}.")))?;
        if let Some(state) = params.get("state") {
            back.query_pairs_mut().append_pair("state", state);
        }
        Ok(Self { hinted, back: Some(back) })
    }
}

fn dead_end(what: &str) -> Answer {
    let outcome = format!("refused: {what}");
    page::message(StatusCode::BAD_REQUEST, "This sign-out cannot go on", what, &outcome)
}
