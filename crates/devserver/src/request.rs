//! One request from its first byte to its record in the log: host check, fault, route, record.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Request, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use hyper::body::Incoming;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use serde_json::Value;
use tokio::sync::watch;
use tower_service::Service as _;
use url::form_urlencoded;

use crate::{
    Fault, FaultMode,
    backend::Backend,
    clock::with_skew,
    endpoint::Asked,
    family::Ended,
    fault::{
        strike::{Behind, Closed, split, strike},
        tokens,
    },
    reply::{Answer, Note},
    request_log::Arrived,
    token::{TokenHash, random_id},
};

/// No login or refresh comes near it.
const LONGEST_BODY: usize = 64 * 1024;

/// Answers one request, or says that the connection is to be closed, and records which.
pub(crate) async fn answer(
    backend: Arc<Backend>,
    router: Router,
    stop: watch::Receiver<()>,
    request: Request<Incoming>,
) -> Result<Response, Closed> {
    let (parts, body) = request.into_parts();
    let arrived = Arrived::new(backend.clock.now(), &parts);
    // Read in full first: a client that lost its connection has surely sent the request.
    let body = to_bytes(Body::new(body), LONGEST_BODY).await;

    let refresh = body
        .as_ref()
        .is_ok_and(|body| backend.endpoints.is_at("refresh", &Asked::new(parts.uri.path(), body)));
    let ((mut result, note), fault) = decide(&backend, router, stop, parts, body).await;
    if let Ok(response) = &mut result {
        set_date(response, backend.clock.now());
    }
    backend.log.add(arrived.answered(&result, note, fault, refresh));
    result
}

async fn decide(
    backend: &Arc<Backend>,
    router: Router,
    stop: watch::Receiver<()>,
    parts: Parts,
    body: Result<Bytes, axum::Error>,
) -> ((Result<Response, Closed>, Note), Option<FaultMode>) {
    let unstruck = |answer: Response| (noted(answer), None);
    if !is_loopback_host(&parts.headers) {
        let why = "this server answers to localhost and loopback addresses only";
        return unstruck(
            Answer::refused(StatusCode::MISDIRECTED_REQUEST, "invalid_request", why).into_response(),
        );
    }
    let body = match body {
        Ok(body) => body,
        Err(error) => return unstruck(unreadable(&error).into_response()),
    };
    let asked = Asked::new(parts.uri.path(), &body);
    if asked.is_control() && comes_from_elsewhere(&parts.headers, &backend.issuer) {
        let why = "the test control takes no requests from pages of other sites";
        return unstruck(Answer::refused(StatusCode::FORBIDDEN, "invalid_request", why).into_response());
    }
    let Some(fault) = backend.faults.take(&asked, &backend.endpoints) else {
        return unstruck(route(router, parts, body).await);
    };
    let own = Own { backend, router };
    (strike(&fault, &own, &backend.clock, stop, parts, body).await, Some(fault.mode))
}

/// This server's own routes, behind a fault.
struct Own<'a> {
    backend: &'a Arc<Backend>,
    router: Router,
}

impl Behind for Own<'_> {
    async fn answer(&self, parts: Parts, body: Bytes, ahead: SignedDuration) -> Response {
        with_skew(ahead, async {
            let mut response = route(self.router.clone(), parts, body).await;
            set_date(&mut response, self.backend.clock.now());
            response
        })
        .await
    }

    async fn before(&self, fault: &Fault, body: &Bytes) -> Option<Response> {
        if fault.mode == FaultMode::RotateKeys {
            return match self.backend.rotate_keys(true).await {
                Ok(_) => None,
                Err(error) => Some(Answer::broken(&error.to_string()).into_response()),
            };
        }
        let token = presented(body)?;
        let mut sessions = self.backend.sessions(self.backend.clock.now());
        let family = sessions.families.of_token(TokenHash::of(&token)).map(|(id, _)| id.clone())?;
        sessions.families.end(&family, Ended::Revoked);
        None
    }

    fn forged(&self, id_token: &str) -> Option<String> {
        let (header, claims) = tokens::parts(id_token)?;
        let kind = header.get("typ").and_then(Value::as_str).unwrap_or("JWT").to_owned();
        self.backend.keys().current().sign_as(&random_id().ok()?, &kind, &claims).ok()
    }
}

/// The refresh token that a request presents, as JSON or as a form.
fn presented(body: &[u8]) -> Option<String> {
    if let Ok(Value::Object(object)) = serde_json::from_slice(body) {
        return object.get("token")?.as_str().map(str::to_owned);
    }
    let mut fields = form_urlencoded::parse(body);
    fields.find(|(name, _)| name == "refresh_token").map(|(_, value)| value.into_owned())
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

/// The time of the reply (RFC 9110 §6.6.1), by this server's own clock; hyper would take the machine's.
fn set_date(response: &mut Response, now: Timestamp) {
    let Ok(date) = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now) else { return };
    if let Ok(date) = date.parse() {
        response.headers_mut().entry(header::DATE).or_insert(date);
    }
}

/// Whether a browser sends this for a page of another origin (RFC 6454 §7).
pub(crate) fn comes_from_elsewhere(headers: &HeaderMap, own: &str) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes() != own.as_bytes())
}

/// A page in a browser can point its own host name at 127.0.0.1 (DNS rebinding) and would then be allowed to
/// read the answers; the host name it sends gives it away.
pub(crate) fn is_loopback_host(headers: &HeaderMap) -> bool {
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
