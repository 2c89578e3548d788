//! Pushed authorization requests (RFC 9126): the request goes ahead, the browser carries a reference to it.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
};
use jiff::Timestamp;
use serde_json::json;

use super::{
    Pending, client, dpop,
    params::{Form, Params},
    request::AuthorizationRequest,
};
use crate::{
    backend::Backend,
    clock::later,
    endpoint,
    reply::Answer,
    token::{TokenHash, random_secret},
};

const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// §2.2: a short time, for the browser follows at once.
const LIFETIME: Duration = Duration::from_mins(1);

/// `POST /oauth/par`
pub(super) async fn push(
    State(backend): State<Arc<Backend>>,
    headers: HeaderMap,
    Form(params): Form,
) -> Answer {
    let answer = keep(&backend, &headers, &params).unwrap_or_else(|refusal| refusal).no_store();
    dpop::with_nonce(&backend, answer)
}

/// The request behind a reference, which is good for one use.
pub(super) fn take(
    pending: &mut Pending,
    request_uri: &str,
    client_id: &str,
    now: Timestamp,
) -> Option<AuthorizationRequest> {
    let secret = request_uri.strip_prefix(PREFIX)?;
    pending.pushed.take(TokenHash::of(secret), now).filter(|request| request.client_id == client_id)
}

fn keep(backend: &Backend, headers: &HeaderMap, params: &Params) -> Result<Answer, Answer> {
    client::authenticate(params, headers)?;
    if params.get("request_uri").is_some() {
        return Err(Answer::invalid_request("request_uri cannot be pushed"));
    }
    let now = backend.clock.now();
    let place = dpop::Place { method: "POST", path: endpoint::PAR, access_token: None };
    let proof_key = dpop::key(backend, headers, &place, now).map_err(dpop::Refusal::into_answer)?;
    let request =
        AuthorizationRequest::parse(params, proof_key).map_err(super::request::Refusal::into_json)?;
    let secret = random_secret()?;
    backend.sessions(now).oidc.pushed.insert(TokenHash::of(&secret), request, later(now, LIFETIME), now);
    let reply = json!({ "request_uri": format!("{PREFIX}{secret}"), "expires_in": LIFETIME.as_secs() });
    Ok(Answer::ok(&reply, "kept the pushed request").status(StatusCode::CREATED))
}
