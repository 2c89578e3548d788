//! Replies that take the place of the true one, and how the true one is torn or dripped.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use futures_util::stream;

use super::Fault;
use crate::clock::Clock;

/// The size of the `big` reply.
pub(crate) const BIG: usize = 30_000_000;

const CHUNK: &[u8] = &[b'x'; 16 * 1024];

const PORTAL: &str = "<!doctype html>\n<html><head><title>Welcome to the network</title></head>\n\
    <body><h1>Please sign in to the network</h1><form method=\"post\"><button>Accept</button></form></body></html>\n";

pub(crate) fn status(fault: &Fault) -> Response {
    let body = fault.body.clone().unwrap_or_else(|| {
        r#"{"error":"injected_fault","error_description":"the dev server was told to answer this"}"#.into()
    });
    reply(fault.status_or(StatusCode::INTERNAL_SERVER_ERROR), "application/json", body.into())
}

pub(crate) fn html(fault: &Fault) -> Response {
    let body = fault.body.clone().unwrap_or_else(|| PORTAL.into());
    reply(fault.status_or(StatusCode::OK), "text/html; charset=utf-8", body.into())
}

/// RFC 6750 §3.1: what a resource server says of a token it does not take.
pub(crate) fn unauthorized(fault: &Fault) -> Response {
    let body = r#"{"error":"invalid_token","error_description":"the access token is not taken any more"}"#;
    let body = fault.body.clone().unwrap_or_else(|| body.into());
    let mut response = reply(fault.status_or(StatusCode::UNAUTHORIZED), "application/json", body.into());
    let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// What a token endpoint says of a family that was revoked, where only the provider behind a proxy could revoke it.
pub(crate) fn revoked(fault: &Fault) -> Response {
    let body = r#"{"error":"invalid_grant","error_description":"the session was revoked"}"#;
    reply(fault.status_or(StatusCode::BAD_REQUEST), "application/json", body.into())
}

/// The same reply, byte by byte, so far apart.
pub(crate) async fn drip(response: Response, clock: Arc<dyn Clock>, apart: Duration) -> Response {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, BIG).await.unwrap_or_default();
    let drops = stream::unfold((bytes, clock), move |(mut left, clock)| async move {
        if left.is_empty() {
            return None;
        }
        clock.sleep(apart).await;
        let drop = left.split_to(1);
        Some((Ok::<_, std::convert::Infallible>(drop), (left, clock)))
    });
    Response::from_parts(parts, Body::from_stream(drops))
}

pub(crate) fn empty(fault: &Fault) -> Response {
    reply(fault.status_or(StatusCode::OK), "application/json", Body::empty())
}

pub(crate) fn redirect(fault: &Fault) -> Response {
    let mut response = reply(fault.status_or(StatusCode::FOUND), "text/plain", Body::empty());
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/"));
    response
}

/// A JSON object of 30 MB, streamed without a length, so that a client can protect itself only by counting.
pub(crate) fn big(fault: &Fault) -> Response {
    const OPEN: &[u8] = b"{\"padding\":\"";
    const CLOSE: &[u8] = b"\"}";
    let padding = stream::unfold(BIG - OPEN.len() - CLOSE.len(), |left| async move {
        let chunk = CHUNK.get(..left.min(CHUNK.len()))?;
        (!chunk.is_empty()).then(|| (Ok(Bytes::from_static(chunk)), left - chunk.len()))
    });
    let edge = |bytes| stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from_static(bytes))]);
    let whole =
        futures_util::StreamExt::chain(edge(OPEN), futures_util::StreamExt::chain(padding, edge(CLOSE)));
    reply(fault.status_or(StatusCode::OK), "application/json", Body::from_stream(whole))
}

/// The first half of this reply under the length of the whole; then the connection breaks.
pub(crate) async fn torn(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    // Our own replies are small and in memory: reading them cannot fail.
    let bytes = to_bytes(body, BIG).await.unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let half = bytes.slice(..bytes.len() / 2);
    let torn = stream::unfold(Some(half), |half| async move {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        // hyper writes out what it has when the body has nothing ready; an error at once would take the half
        // along with it.
        tokio::task::yield_now().await;
        Some((Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)), None))
    });
    Response::from_parts(parts, Body::from_stream(torn))
}

fn reply(status: StatusCode, kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
