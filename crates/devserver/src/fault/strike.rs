//! One request and its fault, in front of whatever answers it: this server's own routes, or a backend behind a proxy.

use std::{future::Future, sync::Arc};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderValue, header, request::Parts},
    response::Response,
};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::watch;

use super::{Fault, FaultMode, replies, tokens};
use crate::{clock::Clock, reply::Note};

/// No reply with tokens comes near it.
const LONGEST_REPLY: usize = 1024 * 1024;

/// How far apart the bytes of a dripping reply are unless told.
const DEFAULT_DRIP: std::time::Duration = std::time::Duration::from_millis(50);

/// The connection is to be closed without a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Closed {
    /// As a program closes it that has nothing more to say.
    #[error("closed without a reply")]
    Quietly,
    /// As a machine does that was restarted.
    #[error("reset without a reply")]
    Reset,
}

/// What answers requests where no fault does.
pub(crate) trait Behind: Sync {
    /// The true reply, with its note as an extension; given by a clock that is so far ahead.
    fn answer(
        &self,
        parts: Parts,
        body: Bytes,
        ahead: SignedDuration,
    ) -> impl Future<Output = Response> + Send;

    /// Does what comes before the true reply: revokes the family of the request, or makes a new key. A reply takes
    /// the place of the true one.
    fn before(&self, fault: &Fault, body: &Bytes) -> impl Future<Output = Option<Response>> + Send;

    /// The claims of this ID token, signed with a key that is published nowhere.
    fn forged(&self, id_token: &str) -> Option<String>;
}

/// Answers a request that this fault strikes.
pub(crate) async fn strike(
    fault: &Fault,
    behind: &impl Behind,
    clock: &Arc<dyn Clock>,
    mut stop: watch::Receiver<()>,
    parts: Parts,
    body: Bytes,
) -> (Result<Response, Closed>, Note) {
    if !fault.wait().is_zero() {
        tokio::select! {
            () = clock.sleep(fault.wait()) => {}
            // A planned wait must not hold up the end. What has begun is finished, so only the wait is cut short.
            _ = stop.changed() => {
                let outcome = "fault: the server was stopped while it waited".to_owned();
                return (Err(Closed::Quietly), Note { outcome, family: None });
            }
        }
    }
    let (result, mut note) = disturbed(fault, behind, clock, parts, body).await;
    note.outcome = match note.outcome.as_str() {
        "" => format!("fault: {}", fault.mode.happened()),
        outcome => format!("{outcome}; fault: {}", fault.mode.happened()),
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
    behind: &impl Behind,
    clock: &Arc<dyn Clock>,
    parts: Parts,
    body: Bytes,
) -> (Result<Response, Closed>, Note) {
    let truly = |ahead| behind.answer(parts.clone(), body.clone(), ahead);
    let answered = async || split(truly(SignedDuration::ZERO).await);
    let instead = |response| (Ok(response), Note::default());
    match fault.mode {
        FaultMode::Delay => noted(answered().await),
        FaultMode::DropBefore => (Err(Closed::Quietly), Note::default()),
        FaultMode::Reset => (Err(Closed::Reset), Note::default()),
        FaultMode::DropAfter => (Err(Closed::Quietly), answered().await.1),
        FaultMode::Torn => {
            let (response, note) = answered().await;
            (Ok(replies::torn(response).await), note)
        }
        FaultMode::Drip => {
            let (response, note) = answered().await;
            let apart = fault.ms.map_or(DEFAULT_DRIP, std::time::Duration::from_millis);
            (Ok(replies::drip(response, Arc::clone(clock), apart).await), note)
        }
        FaultMode::Status => instead(replies::status(fault)),
        FaultMode::Html => instead(replies::html(fault)),
        FaultMode::Empty => instead(replies::empty(fault)),
        FaultMode::Big => instead(replies::big(fault)),
        FaultMode::Redirect => instead(replies::redirect(fault)),
        FaultMode::EarlyUnauthorized => instead(replies::unauthorized(fault)),
        FaultMode::ClockSkew => noted(split(truly(fault.skew()).await)),
        FaultMode::RevokedFamily | FaultMode::RotateKeys => match behind.before(fault, &body).await {
            Some(response) => noted(split(response)),
            None => noted(answered().await),
        },
        FaultMode::NoRefreshToken
        | FaultMode::ExpiryMissing
        | FaultMode::ExpiryText
        | FaultMode::ExpiryZero
        | FaultMode::ExpiryNegative
        | FaultMode::WrongType => {
            let (response, note) = answered().await;
            (Ok(changed(response, |json| tokens::change(json, fault.mode)).await), note)
        }
        FaultMode::UnknownKey => {
            let (response, note) = answered().await;
            let forge = |json: &mut Value| tokens::replace_id_token(json, |token| behind.forged(token));
            (Ok(changed(response, forge).await), note)
        }
        FaultMode::ContentType => {
            let (mut response, note) = answered().await;
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, text);
            (Ok(response), note)
        }
    }
}

/// The same reply with other JSON in it; one that holds no JSON stays as it is.
pub(crate) async fn changed(response: Response, change: impl FnOnce(&mut Value)) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, LONGEST_REPLY).await.unwrap_or_default();
    let Ok(mut json) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    change(&mut json);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(json.to_string()))
}

fn noted((response, note): (Response, Note)) -> (Result<Response, Closed>, Note) {
    (Ok(response), note)
}

/// Takes the note for the log off the response.
pub(crate) fn split(mut response: Response) -> (Response, Note) {
    let note = response.extensions_mut().remove::<Note>().unwrap_or_default();
    (response, note)
}
