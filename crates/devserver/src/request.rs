//! One request from its first byte to its record in the log: host check, fault, route, record.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Request, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use hyper::body::Incoming;
use tokio::sync::watch;
use tower_service::Service as _;

use crate::{
    backend::Backend,
    fault::{Fault, FaultMode},
    fault_reply,
    reply::{Answer, Note},
    request_log::RequestRecord,
};

/// No login or refresh comes near it.
const LONGEST_BODY: usize = 64 * 1024;

/// The connection is to be closed without a reply.
#[derive(Debug, thiserror::Error)]
#[error("closed without a reply")]
pub(crate) struct Closed;

/// Answers one request, or says that the connection is to be closed, and records which.
pub(crate) async fn answer(
    backend: Arc<Backend>,
    router: Router,
    stop: watch::Receiver<()>,
    request: Request<Incoming>,
) -> Result<Response, Closed> {
    let at = backend.clock.now();
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    // Read in full first: a client that lost its connection has surely sent the request.
    let body = to_bytes(Body::new(body), LONGEST_BODY).await;

    let (result, note) = decide(&backend, router, stop, parts, body).await;
    backend.log.add(RequestRecord {
        number: 0,
        at,
        method,
        path,
        status: result.as_ref().ok().map(|response| response.status().as_u16()),
        outcome: note.outcome,
        family: note.family,
    });
    result
}

async fn decide(
    backend: &Arc<Backend>,
    router: Router,
    mut stop: watch::Receiver<()>,
    parts: Parts,
    body: Result<Bytes, axum::Error>,
) -> (Result<Response, Closed>, Note) {
    if !is_loopback_host(&parts.headers) {
        let why = "this server answers to localhost and loopback addresses only";
        return noted(
            Answer::refused(StatusCode::MISDIRECTED_REQUEST, "invalid_request", why).into_response(),
        );
    }
    let body = match body {
        Ok(body) => body,
        Err(error) => return noted(unreadable(&error).into_response()),
    };
    let Some(fault) = backend.faults.take(parts.uri.path()) else {
        return noted(route(router, parts, body).await);
    };
    if !fault.wait().is_zero() {
        tokio::select! {
            () = backend.clock.sleep(fault.wait()) => {}
            // A planned wait must not hold up the end. What has begun is finished, so only the wait is cut short.
            _ = stop.changed() => {
                return (Err(Closed), Note { outcome: "fault: the server was stopped while it waited".into(), family: None });
            }
        }
    }
    let (result, mut note) = disturbed(&fault, router, parts, body).await;
    note.outcome = match note.outcome.as_str() {
        "" => format!("fault: {}", name(fault.mode)),
        outcome => format!("{outcome}; fault: {}", name(fault.mode)),
    };
    let result = result.map(|mut response| {
        for (name, value) in fault.valid_headers() {
            response.headers_mut().insert(name, value);
        }
        response
    });
    (result, note)
}

async fn disturbed(
    fault: &Fault,
    router: Router,
    parts: Parts,
    body: Bytes,
) -> (Result<Response, Closed>, Note) {
    match fault.mode {
        FaultMode::Delay => noted(route(router, parts, body).await),
        FaultMode::DropBefore => (Err(Closed), Note::default()),
        FaultMode::DropAfter => {
            let (_, note) = split(route(router, parts, body).await);
            (Err(Closed), note)
        }
        FaultMode::Torn => {
            let (response, note) = split(route(router, parts, body).await);
            (Ok(fault_reply::torn(response).await), note)
        }
        FaultMode::Status => noted(fault_reply::status(fault)),
        FaultMode::Html => noted(fault_reply::html(fault)),
        FaultMode::Empty => noted(fault_reply::empty(fault)),
        FaultMode::Big => noted(fault_reply::big(fault)),
        FaultMode::Redirect => noted(fault_reply::redirect(fault)),
    }
}

async fn route(mut router: Router, parts: Parts, body: Bytes) -> Response {
    let response: Result<Response, Infallible> =
        router.call(Request::from_parts(parts, Body::from(body))).await;
    response.unwrap_or_else(|never| match never {})
}

fn noted(response: Response) -> (Result<Response, Closed>, Note) {
    let (response, note) = split(response);
    (Ok(response), note)
}

/// Takes the note for the log off the response.
fn split(mut response: Response) -> (Response, Note) {
    let note = response.extensions_mut().remove::<Note>().unwrap_or_default();
    (response, note)
}

/// A page in a browser can point its own host name at 127.0.0.1 (DNS rebinding) and would then be allowed to
/// read the answers; the host name it sends gives it away.
fn is_loopback_host(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn unreadable(error: &axum::Error) -> Answer {
    // axum keeps the kind of this error to itself; its words are stable enough for a development server.
    if error.to_string().contains("length limit") {
        Answer::refused(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "the body is longer than 64 KiB")
    } else {
        Answer::invalid_request("the body ended early")
    }
}

const fn name(mode: FaultMode) -> &'static str {
    match mode {
        FaultMode::Status => "another status",
        FaultMode::Delay => "delayed",
        FaultMode::DropBefore => "closed before anything was done",
        FaultMode::DropAfter => "closed without a reply",
        FaultMode::Html => "a page in place of JSON",
        FaultMode::Empty => "an empty body",
        FaultMode::Torn => "the reply was torn",
        FaultMode::Big => "30 MB of JSON",
        FaultMode::Redirect => "a redirect",
    }
}
