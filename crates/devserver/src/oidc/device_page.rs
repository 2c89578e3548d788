//! The page on which a person connects a device: enter the code, compare it, sign in, allow or deny (RFC 8628 §3.3).

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
};

use super::{
    browser::{self, BrowserSession},
    device::{self, DeviceRequest},
    page::{self, FormPage, SignInFields},
    params::{Form, Params},
};
use crate::{backend::Backend, endpoint, reply::Answer};

/// `GET /device`, with or without a `user_code`
pub(super) async fn ask(State(backend): State<Arc<Backend>>, headers: HeaderMap, uri: Uri) -> Answer {
    let params = Params::of_query(&uri);
    let Some(typed) = params.as_ref().ok().and_then(|params| params.get("user_code")) else {
        return page::user_code(StatusCode::OK, None, "asked for the code of a device");
    };
    let now = backend.clock.now();
    let mut sessions = backend.sessions(now);
    let session = browser::current(&backend, &sessions.oidc, &headers, now);
    match device::waiting(&mut sessions.oidc, typed, now) {
        Some(request) => confirm(&backend, request, session.as_ref(), None),
        None => unknown_code(),
    }
}

/// `POST /device`: the decision.
pub(super) async fn decide(
    State(backend): State<Arc<Backend>>,
    headers: HeaderMap,
    Form(params): Form,
) -> Answer {
    decided(&backend, &headers, &params).unwrap_or_else(|refusal| refusal)
}

fn decided(backend: &Backend, headers: &HeaderMap, params: &Params) -> Result<Answer, Answer> {
    browser::check_origin(headers)?;
    let now = backend.clock.now();
    let mut sessions = backend.sessions(now);
    let pending = &mut sessions.oidc;
    let typed = params.get("user_code").unwrap_or_default();
    let Some(request) = device::waiting(pending, typed, now) else { return Err(unknown_code()) };
    if params.get("action") == Some("deny") {
        request.deny();
        let text = "The device was not connected. You can close this page.";
        return Ok(page::message(StatusCode::OK, "Denied", text, "the person denied the device"));
    }
    if params.get("action") != Some("allow") {
        return Err(confirm(backend, request, None, None));
    }
    let signed_in = browser::sign_in(backend, pending, params, headers, true, now)?;
    // Looked for again: the sign-in had the whole of it in hand.
    let Some(request) = device::waiting(pending, typed, now) else { return Err(unknown_code()) };
    let Some(signed_in) = signed_in else {
        return Ok(confirm(backend, request, None, params.get("username")));
    };
    request.allow(signed_in.session.clone());
    let outcome = format!("signed in: {}; the device is allowed", signed_in.session.username);
    let text = "The device is connected. You can close this page and go back to it.";
    Ok(signed_in.answer(page::message(StatusCode::OK, "Done", text, &outcome)))
}

/// The code is shown again, so that a person can compare it with the device (§3.3.1). `wrong`: the name that was tried
/// with a password that is not its own.
fn confirm(
    backend: &Backend,
    request: &DeviceRequest,
    session: Option<&BrowserSession>,
    wrong: Option<&str>,
) -> Answer {
    let (status, outcome) = match wrong {
        None => (StatusCode::OK, "asked whether to allow the device"),
        Some(_) => (StatusCode::FORBIDDEN, "refused: wrong user name or password"),
    };
    let code = request.shown_code();
    FormPage {
        title: "Connect a device",
        question: format!(
            "Does your device show this code? If it does not, or you did not start this, deny it. \
             The app “{}” wants to:",
            request.client_id
        ),
        code: Some(&code),
        scope: Some(&request.scope),
        problem: wrong.map(|_| "That user name and password do not belong together."),
        action: endpoint::DEVICE_PAGE,
        hidden: vec![("user_code", &code)],
        sign_in: SignInFields::of(backend, session, wrong),
        allow: "Allow",
        deny: "Deny",
        leads_to: None,
    }
    .answer(status, outcome)
}

fn unknown_code() -> Answer {
    let problem = "That code is unknown, used or expired. Compare it with your device.";
    page::user_code(StatusCode::BAD_REQUEST, Some(problem), "refused: no device waits with that code")
}
