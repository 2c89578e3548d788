//! One request: authorized, passed on, repeated where that can help, and its answer passed back.

use std::sync::{Mutex, PoisonError};

use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_engine::TokenRequest;
use latchkey_engine::authorization::RequestHeaders;
use latchkey_engine::config::Url;
use latchkey_engine::http::forward::{Body, Forwarder, Passed, Passing};
use latchkey_engine::jose::dpop::resource_asks_for_nonce;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::answers::Refusal;
use super::authority::Authority;
use super::gate::{Admitted, Gate};
use super::headers;
use super::patience::Patience;
use super::tally::{Open, Tally};
use super::{Answer, Time};

/// The largest body that is held so that it can be sent again. Larger ones, and those that do not say how large they
/// are, are passed on as they come and sent once.
const REPEATABLE: u64 = 64 * 1024;
/// What a token must be good for at least when a request leaves, and how long a request waits for one.
const TOKEN: TokenRequest =
    TokenRequest { min_valid: SignedDuration::from_secs(30), wait: SignedDuration::from_secs(20) };

/// What all requests share.
pub(super) struct Relay {
    pub(super) gate: Gate,
    pub(super) authority: Authority,
    pub(super) account: AccountName,
    /// Its path ends with a slash.
    pub(super) upstream: Url,
    pub(super) forwarder: Forwarder,
    pub(super) patience: Mutex<Patience>,
    pub(super) time: Time,
    pub(super) tally: Tally,
    pub(super) stop: CancellationToken,
}

/// A body, as often as it can be sent.
enum Sendable {
    Nothing,
    Whole(Bytes),
    Once(Option<Body>),
}

/// What has been tried for one request already: each at most once.
#[derive(Default)]
struct Tried {
    nonce: bool,
    token: bool,
}

impl Relay {
    /// Answers a request, whatever comes of it.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Answer> {
        let open = self.tally.begins();
        let method = request.method().clone();
        let response = self.relay(request, open).await.unwrap_or_else(Refusal::into_response);
        self.tally.answered(&method, response.status().as_u16());
        response
    }

    async fn relay(&self, mut request: Request<Incoming>, open: Open) -> Result<Response<Answer>, Refusal> {
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, body) = request.into_parts();
        let admitted = self.gate.admit(&parts)?;
        let url = self.address(admitted.path, parts.uri.query())?;
        let websocket = headers::wants_websocket(&parts.headers);
        let mut body = Sendable::of(body, websocket).await?;
        let (passed, with) = self.pass(&parts, &url, websocket, &mut body).await?;
        if websocket && passed.status() == StatusCode::SWITCHING_PROTOCOLS {
            let mut response = Response::new(nothing());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            *response.headers_mut() = headers::back(passed.headers(), &with.headers, true);
            let upstream = passed.upgraded().await.map_err(|failure| Refusal::upstream(&failure))?;
            tokio::spawn(tunnel(upgrade, upstream, self.stop.clone(), open));
            return Ok(response);
        }
        self.answered(passed, &with, &url, &admitted, open)
    }

    /// Where a path leads. Nothing leads out of what the upstream's address says.
    fn address(&self, path: &str, query: Option<&str>) -> Result<Url, Refusal> {
        let mut url = self.upstream.clone();
        url.set_path(&format!("{}{}", self.upstream.path(), path.strip_prefix('/').unwrap_or(path)));
        url.set_query(query);
        if !url.path().starts_with(self.upstream.path()) {
            return Err(Refusal::bad_request("this path leads out of the upstream's address"));
        }
        Ok(url)
    }

    /// Sends the request with what authorizes it; again with a nonce, and again with another token, where one of these
    /// was what it lacked. Gives back the answer and what had authorized the request.
    async fn pass(
        &self,
        parts: &Parts,
        url: &Url,
        websocket: bool,
        body: &mut Sendable,
    ) -> Result<(Passed, RequestHeaders), Refusal> {
        let mut onward = headers::onward(&parts.headers, &self.gate, &self.upstream);
        // Whoever sends it tells how long a body is, and says nothing where there is none; some servers want to hear even
        // that (RFC 9110 §8.6) and answer 411.
        if matches!(body, Sendable::Nothing) && parts.headers.contains_key(CONTENT_LENGTH) {
            onward.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut tried = Tried::default();
        loop {
            let with = self.authority.request_headers(&self.account, TOKEN, &parts.method, url).await?;
            let mut all = onward.clone();
            headers::authorize(&mut all, &with.headers);
            let request = Passing {
                method: parts.method.clone(),
                url: url.clone(),
                headers: all,
                body: body.take(),
                upgrade: websocket,
            };
            let passed = self.forwarder.pass(request).await.map_err(|failure| Refusal::upstream(&failure))?;
            self.authority.heard(&self.account, url, passed.headers());
            if passed.status() != StatusCode::UNAUTHORIZED {
                if tried.token {
                    self.patience().helped();
                }
                return Ok((passed, with));
            }
            if !self.can_be_mended(&passed, &with, &mut tried, body.is_repeatable()).await? {
                return Ok((passed, with));
            }
            debug!(account = %self.account, kind = "request_repeated", "A request was refused and is sent again");
            self.tally.repeats();
        }
    }

    /// Whether the same request may succeed now that it was refused.
    async fn can_be_mended(
        &self,
        passed: &Passed,
        with: &RequestHeaders,
        tried: &mut Tried,
        repeatable: bool,
    ) -> Result<bool, Refusal> {
        if resource_asks_for_nonce(passed.status(), passed.headers()) {
            return Ok(repeatable && !std::mem::replace(&mut tried.nonce, true));
        }
        if std::mem::replace(&mut tried.token, true) {
            self.patience().did_not_help((self.time)());
            return Ok(false);
        }
        // The upstream's own answer says more to the caller than why nobody can tell.
        let Some(in_hand) = self.authority.generation(&self.account).await else { return Ok(false) };
        if in_hand > with.generation {
            return Ok(repeatable);
        }
        if !self.patience().allows((self.time)()) {
            return Ok(false);
        }
        if !repeatable {
            // For whoever asks next.
            self.authority.token_rejected(&self.account, with.fingerprint);
            return Ok(false);
        }
        // The upstream's own answer says more to the caller than why there is no other token now.
        let replaced = self.authority.replace_rejected(&self.account, with.fingerprint).await?;
        Ok(replaced.is_some_and(|generation| generation > with.generation))
    }

    fn answered(
        &self,
        passed: Passed,
        with: &RequestHeaders,
        asked: &Url,
        admitted: &Admitted<'_>,
        open: Open,
    ) -> Result<Response<Answer>, Refusal> {
        let status = StatusCode::from_u16(passed.status());
        let status = status.map_err(|_| Refusal::bad_request("the upstream's status is none of HTTP's"))?;
        let mut back = headers::back(passed.headers(), &with.headers, false);
        let here = format!("{}{}/", self.gate.origin(), admitted.prefix);
        headers::relocate(&mut back, asked, &self.upstream, &here);
        let body = passed.into_body().map_frame(move |frame| {
            // Counted as open until its last piece has been passed on.
            let _ = &open;
            frame
        });
        let mut response = Response::new(body.map_err(Into::into).boxed_unsync());
        *response.status_mut() = status;
        *response.headers_mut() = back;
        Ok(response)
    }

    fn patience(&self) -> std::sync::MutexGuard<'_, Patience> {
        self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sendable {
    /// Takes a body: whole where it is small and says so, otherwise as it comes.
    async fn of(body: Incoming, websocket: bool) -> Result<Self, Refusal> {
        // What follows the head of an upgrade is the new protocol's.
        if websocket || body.is_end_stream() {
            return Ok(Self::Nothing);
        }
        if body.size_hint().exact().is_none_or(|length| length > REPEATABLE) {
            return Ok(Self::Once(Some(Body::wrap(body))));
        }
        let whole = Limited::new(body, usize::try_from(REPEATABLE).unwrap_or_default()).collect().await;
        let whole = whole.map_err(|_| Refusal::bad_request("the body of the request did not arrive"))?;
        Ok(Self::Whole(whole.to_bytes()))
    }

    fn take(&mut self) -> Body {
        match self {
            Self::Nothing => Body::default(),
            Self::Whole(bytes) => bytes.clone().into(),
            Self::Once(body) => body.take().unwrap_or_default(),
        }
    }

    fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Once(_))
    }
}

/// Carries both directions of a WebSocket until either end is through, or the proxy stops.
async fn tunnel(
    caller: hyper::upgrade::OnUpgrade,
    mut upstream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    stop: CancellationToken,
    open: Open,
) {
    let carry = async {
        let mut caller = TokioIo::new(caller.await.ok()?);
        tokio::io::copy_bidirectional(&mut caller, &mut upstream).await.ok()
    };
    tokio::select! {
        _ = carry => {}
        () = stop.cancelled() => {}
    }
    drop(open);
}

fn nothing() -> Answer {
    http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync()
}
