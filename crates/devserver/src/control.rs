//! The test control: plan faults, revoke, change keys, read the request log. For the person at this machine only, as is
//! everything here: the server listens on loopback and answers to no other host name. A page of another site gets
//! nothing done: its requests name its origin, and JSON it could not send without being asked first.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde_json::{Value, json};

use crate::{
    Fault, Rule,
    backend::Backend,
    reply::{Answer, JsonObject},
    rotation,
};

/// `POST /__fault`
pub(crate) async fn plan_fault(State(backend): State<Arc<Backend>>, body: JsonObject) -> Answer {
    // A fault holds no secret, so the parser's own words may tell what is wrong with it.
    let planned = serde_json::from_value::<Fault>(Value::Object(body.0))
        .map_err(|error| error.to_string())
        .and_then(|fault| backend.faults.add(fault).map_err(|error| error.to_string()));
    match planned {
        Ok(_) => Answer::ok(&json!({ "planned": backend.faults.planned() }), "planned a fault"),
        Err(why) => Answer::invalid_request(&why),
    }
}

/// `GET /__fault`
pub(crate) async fn planned_faults(State(backend): State<Arc<Backend>>) -> Answer {
    Answer::ok(&json!({ "planned": backend.faults.planned() }), "listed the planned faults")
}

/// `DELETE /__fault`
pub(crate) async fn clear_faults(State(backend): State<Arc<Backend>>) -> Answer {
    Answer::ok(&json!({ "cleared": backend.faults.clear() }), "cleared the planned faults")
}

/// `GET /__rules`: which rules this server was told to break.
pub(crate) async fn rules(State(backend): State<Arc<Backend>>) -> Answer {
    let broken: Vec<_> = backend.options.rules.broken().into_iter().map(Rule::name).collect();
    Answer::ok(&json!({ "broken": broken }), "listed the broken rules")
}

/// `POST /__revoke`
pub(crate) async fn revoke(State(backend): State<Arc<Backend>>, body: JsonObject) -> Answer {
    let username = match body.text("username") {
        Ok(username) => username,
        Err(refusal) => return refusal,
    };
    match backend.revoke(username) {
        Some(revoked) => Answer::ok(&json!({ "revoked": revoked }), format!("sessions revoked: {revoked}"))
            .remark(backend.save().await),
        None => Answer::refused(StatusCode::NOT_FOUND, "not_found", "nobody is called that"),
    }
}

/// `POST /__session`: from now on sessions of the site say this of the user, and answers that a session came with ask
/// for it to be read again.
pub(crate) async fn change_session(State(backend): State<Arc<Backend>>, body: JsonObject) -> Answer {
    let username = match body.text("username") {
        Ok(username) => username,
        Err(refusal) => return refusal,
    };
    let Some(Value::Object(user)) = body.0.get("user") else {
        return Answer::invalid_request("the field user is missing or no object");
    };
    match backend.change_site_data(username, user) {
        Some(data) => Answer::ok(&json!({ "user": data }), "changed what sessions say"),
        None => Answer::refused(StatusCode::NOT_FOUND, "not_found", "nobody is called that"),
    }
}

/// `POST /__expire`: the access tokens of a user end now.
pub(crate) async fn expire(State(backend): State<Arc<Backend>>, body: JsonObject) -> Answer {
    let user = match body.text("username").map(|name| backend.options.user(name)) {
        Ok(Some(user)) => user.username.clone(),
        Ok(None) => return Answer::refused(StatusCode::NOT_FOUND, "not_found", "nobody is called that"),
        Err(refusal) => return refusal,
    };
    let now = backend.clock.now();
    let expired = backend.sessions(now).families.expire_access(&user, now);
    Answer::ok(&json!({ "expired": expired }), format!("access tokens expired, of sessions: {expired}"))
        .remark(backend.save().await)
}

/// `POST /__replay`: what happens if somebody presents the refresh token that this user used last. The token itself is
/// known to nobody here; the rules need only its hash.
pub(crate) async fn replay(State(backend): State<Arc<Backend>>, body: JsonObject) -> Answer {
    let user = match body.text("username").map(|name| backend.options.user(name)) {
        Ok(Some(user)) => user.username.clone(),
        Ok(None) => return Answer::refused(StatusCode::NOT_FOUND, "not_found", "nobody is called that"),
        Err(refusal) => return refusal,
    };
    match rotation::replayed(&backend, &user) {
        Ok((verdict, outcome)) => Answer::ok(&json!({ "verdict": verdict, "outcome": outcome }), outcome)
            .remark(backend.save().await),
        Err(refusal) => refusal,
    }
}

/// `POST /__rotate_keys`
pub(crate) async fn rotate_keys(State(backend): State<Arc<Backend>>, body: JsonObject) -> Answer {
    let remove_old = match body.0.get("remove_old") {
        None => false,
        Some(Value::Bool(remove_old)) => *remove_old,
        Some(_) => return Answer::invalid_request("the field remove_old is neither true nor false"),
    };
    match backend.rotate_keys(remove_old).await {
        Ok(key_id) => {
            Answer::ok(&json!({ "kid": key_id }), "made a new signing key").remark(backend.save().await)
        }
        Err(error) => Answer::broken(&error.to_string()),
    }
}

/// `GET /__requests`: every request whose answer was ready before this one's.
pub(crate) async fn requests(State(backend): State<Arc<Backend>>) -> Answer {
    Answer::ok(&backend.log.all(), "listed the requests")
}
