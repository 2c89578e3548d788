//! The authorization endpoint: a person signs in and allows it, and the browser goes back with a code
//! (RFC 6749 §4.1, OpenID Connect Core §3.1.2).

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
};
use jiff::Timestamp;

use super::{
    browser::{self, BrowserSession},
    code,
    page::{self, FormPage, SignInFields},
    par,
    params::{Form, Params},
    request::{AuthorizationRequest, Prompt, Refusal},
};
use crate::{
    backend::Backend,
    clock::later,
    endpoint,
    reply::Answer,
    token::{TokenHash, random_secret},
};

/// How long a sign-in page may stay open.
const PATIENCE: Duration = Duration::from_mins(10);

/// `GET /oauth/authorize`
pub(super) async fn ask(State(backend): State<Arc<Backend>>, headers: HeaderMap, uri: Uri) -> Answer {
    match Params::of_query(&uri) {
        Ok(params) => begin(&backend, &headers, &params).unwrap_or_else(|refusal| refusal),
        Err(_) => dead_end("A parameter was sent twice."),
    }
}

/// `POST /oauth/authorize`: the form of our page; without the mark of that form a request like any other.
pub(super) async fn decide(
    State(backend): State<Arc<Backend>>,
    headers: HeaderMap,
    Form(params): Form,
) -> Answer {
    let answer = match params.get("interaction") {
        Some(interaction) => finish(&backend, &headers, &params, interaction),
        None => begin(&backend, &headers, &params),
    };
    answer.unwrap_or_else(|refusal| refusal)
}

fn begin(backend: &Backend, headers: &HeaderMap, params: &Params) -> Result<Answer, Answer> {
    let now = backend.clock.now();
    let mut sessions = backend.sessions(now);
    let pending = &mut sessions.oidc;
    let request = match params.get("request_uri") {
        Some(request_uri) => {
            let client_id = params.get("client_id").unwrap_or_default();
            par::take(pending, request_uri, client_id, now)
                .ok_or_else(|| dead_end("The request_uri is unknown, used or expired."))?
        }
        None => AuthorizationRequest::parse(params, None).map_err(|refusal| refused(backend, refusal))?,
    };
    let session = browser::current(backend, pending, headers, now)
        .filter(|session| is_fresh_enough(session, request.max_age, now));
    match (request.prompt, session) {
        (Prompt::Nothing | Prompt::AsNeeded, Some(session)) => {
            Ok(code::send_back(backend, pending, request, session, now)?)
        }
        (Prompt::Nothing, None) => Ok(refused(
            backend,
            Refusal {
                error: "login_required",
                description: "nobody is signed in in this browser".into(),
                back: Some(Box::new(request.back)),
            },
        )),
        (Prompt::SignIn | Prompt::AsNeeded | Prompt::Consent, session) => {
            let known = session.filter(|_| request.prompt == Prompt::Consent);
            let interaction = random_secret()?;
            let shown = sign_in_page(backend, &request, &interaction, known.as_ref(), None);
            pending.interactions.insert(TokenHash::of(&interaction), request, later(now, PATIENCE), now);
            Ok(shown)
        }
    }
}

fn finish(
    backend: &Backend,
    headers: &HeaderMap,
    params: &Params,
    interaction: &str,
) -> Result<Answer, Answer> {
    browser::check_origin(headers)?;
    let now = backend.clock.now();
    let mut sessions = backend.sessions(now);
    let pending = &mut sessions.oidc;
    let key = TokenHash::of(interaction);
    let Some(request) = pending.interactions.get(key, now).cloned() else {
        return Err(dead_end(
            "This page is too old, or was used already. Start the sign-in again from the app.",
        ));
    };
    if params.get("action") == Some("deny") {
        pending.interactions.take(key, now);
        let description = "the person did not allow it".into();
        let refusal = Refusal { error: "access_denied", description, back: Some(Box::new(request.back)) };
        return Ok(refused(backend, refusal));
    }
    if params.get("action") != Some("allow") {
        return Err(dead_end("The form was sent without a decision."));
    }
    let session_is_enough = request.prompt == Prompt::Consent
        && browser::current(backend, pending, headers, now)
            .is_some_and(|session| is_fresh_enough(&session, request.max_age, now));
    let signed_in = browser::sign_in(backend, pending, params, headers, session_is_enough, now)?;
    let Some(signed_in) = signed_in else {
        return Ok(sign_in_page(backend, &request, interaction, None, params.get("username")));
    };
    pending.interactions.take(key, now);
    let back = code::send_back(backend, pending, request, signed_in.session.clone(), now)?;
    Ok(signed_in.answer(back))
}

/// `wrong`: the name that was tried with a password that is not its own.
fn sign_in_page(
    backend: &Backend,
    request: &AuthorizationRequest,
    interaction: &str,
    session: Option<&BrowserSession>,
    wrong: Option<&str>,
) -> Answer {
    let (status, outcome) = match wrong {
        None => (StatusCode::OK, "showed the sign-in page"),
        Some(_) => (StatusCode::FORBIDDEN, "refused: wrong user name or password"),
    };
    FormPage {
        title: if session.is_some() { "Continue?" } else { "Sign in" },
        question: format!("The app “{}” wants to:", request.client_id),
        code: None,
        scope: Some(&request.scope),
        problem: wrong.map(|_| "That user name and password do not belong together."),
        action: endpoint::AUTHORIZE,
        hidden: vec![("interaction", interaction)],
        sign_in: SignInFields::of(backend, session, wrong.or(request.login_hint.as_deref())),
        allow: if session.is_some() { "Allow" } else { "Sign in" },
        deny: "Deny",
        leads_to: Some(&request.back.uri),
    }
    .answer(status, outcome)
}

fn is_fresh_enough(session: &BrowserSession, max_age: Option<u64>, now: Timestamp) -> bool {
    max_age.is_none_or(|seconds| now < later(session.auth_time, Duration::from_secs(seconds)))
}

/// Tells the client where that is known to be safe, and else the person.
fn refused(backend: &Backend, refusal: Refusal) -> Answer {
    let Some(back) = refusal.back else { return dead_end(&refusal.description) };
    let answer = [("error", refusal.error), ("error_description", &refusal.description)];
    Answer::redirect(
        &back.with(&backend.issuer, &answer),
        format!("refused: {}; sent back with {}", refusal.description, refusal.error),
    )
}

fn dead_end(what: &str) -> Answer {
    let outcome = format!("refused: {what}");
    page::message(StatusCode::BAD_REQUEST, "This sign-in cannot go on", what, &outcome)
}
