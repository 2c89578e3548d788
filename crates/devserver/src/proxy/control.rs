//! The proxy's own paths: planning faults, and what passed. The same as those of the dev server.

use axum::http::{Method, StatusCode, request::Parts};
use serde_json::json;

use super::Inner;
use crate::{
    Fault,
    reply::{Answer, is_sent_as},
};

/// What the person at this machine is answered.
pub(super) fn answer(inner: &Inner, parts: &Parts, body: &[u8]) -> Answer {
    let planned = |outcome: &str| Answer::ok(&json!({ "planned": inner.faults.planned() }), outcome);
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/__fault") => planned("listed the planned faults"),
        (&Method::POST, "/__fault") => {
            if !is_sent_as(&parts.headers, "application/json") {
                return Answer::invalid_request("the body must be sent as application/json");
            }
            // A fault holds no secret, so the parser's own words may tell what is wrong with it.
            let fault = serde_json::from_slice::<Fault>(body).map_err(|error| error.to_string());
            match fault.and_then(|fault| inner.faults.add(fault).map_err(|error| error.to_string())) {
                Ok(_) => planned("planned a fault"),
                Err(why) => Answer::invalid_request(&why),
            }
        }
        (&Method::DELETE, "/__fault") => {
            Answer::ok(&json!({ "cleared": inner.faults.clear() }), "cleared the planned faults")
        }
        (&Method::GET, "/__requests") => Answer::ok(&inner.log.all(), "listed the requests"),
        _ => Answer::refused(StatusCode::NOT_FOUND, "not_found", "there is no such path here"),
    }
}
