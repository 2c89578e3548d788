//! What can be asked, and which one thing of the engine answers it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use hyper::body::Incoming;
use hyper::service::service_fn;
use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_engine::TokenRequest;
use latchkey_engine::config::Url;
use latchkey_engine::consumers::Decision;
use latchkey_engine::snapshot::{ConsumerStatus, SessionStatus};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

use super::answers::{self, Refusal};
use super::program::Caller;
use super::{Served, events};
use crate::protocol::{
    About, ConsumerDecision, DecisionName, HeadersQuestion, LONGEST_WAIT, NONCE, RenewQuestion,
    TokenQuestion, VERSION, Versions,
};

/// What the protocol says of itself.
pub(super) const OPENAPI: &str = include_str!("../../openapi.json");

/// The longest body of a request: what is asked fits into a line.
const MAX_BODY: usize = 16 * 1024;
/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// How long a token must stay valid if nobody says.
const MIN_VALID: SignedDuration = SignedDuration::from_secs(30);
/// How long to wait for a token if nobody says.
const WAIT: SignedDuration = SignedDuration::from_secs(10);
/// The most log records in one answer.
const LONGEST_PAGE: usize = 10_000;

/// What a connection's requests are answered with.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) served: Served,
    pub(super) stop: CancellationToken,
}

/// Answers the requests of one connection; `speaks` is told of each.
pub(super) fn service(
    router: Router,
    caller: Caller,
    speaks: impl Fn() + Send + Sync,
) -> impl hyper::service::Service<
    hyper::Request<Incoming>,
    Response = Response,
    Error = std::convert::Infallible,
    Future: Send,
> {
    let caller = Arc::new(caller);
    service_fn(move |mut request: hyper::Request<Incoming>| {
        speaks();
        request.extensions_mut().insert(caller.clone());
        router.clone().call(request)
    })
}

/// Made once: each connection is answered by the same.
pub(super) fn router(asked: Asked) -> Router {
    Router::new()
        .route("/", get(versions))
        .route("/v1/openapi.json", get(openapi))
        .route("/v1/about", get(about))
        .route("/v1/sessions", get(sessions))
        .route("/v1/sessions/{account}", get(session))
        .route("/v1/sessions/{account}/token", post(token))
        .route("/v1/sessions/{account}/request-headers", post(request_headers))
        .route("/v1/sessions/{account}/renew", post(renew))
        .route("/v1/sessions/{account}/revalidate", post(revalidate))
        .route("/v1/sessions/{account}/session-data", post(update))
        .route("/v1/sessions/{account}/reload", post(reload))
        .route("/v1/sessions/{account}/consumers", get(consumers).post(decide))
        .route("/v1/sessions/{account}/sign-in", get(sign_in).delete(cancel_sign_in))
        .route("/v1/events", get(events::stream))
        .route("/v1/log", get(log))
        .fallback(nothing_there)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(asked)
}

/// Nothing, or what another version has.
async fn nothing_there(uri: Uri) -> Refusal {
    let first = uri.path().split('/').nth(1).unwrap_or_default();
    let version = first.strip_prefix('v').is_some_and(|number| number.parse::<u32>().is_ok());
    if version && first != "v1" { Refusal::other_version() } else { Refusal::not_found() }
}

async fn versions(State(asked): State<Asked>) -> Json<Versions> {
    Json(Versions { protocols: vec![VERSION], version: asked.served.about.version })
}

async fn wrong_method(_: Method, _: Uri) -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        "this path is asked in another way; see /v1/openapi.json",
    )
}

async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

async fn about(State(asked): State<Asked>) -> Json<About> {
    Json(asked.served.about)
}

async fn sessions(State(asked): State<Asked>) -> Json<Vec<SessionStatus>> {
    Json(asked.served.engine.sessions().await)
}

async fn session(
    State(asked): State<Asked>,
    Path(account): Path<String>,
) -> Result<Json<SessionStatus>, Refusal> {
    Ok(Json(asked.served.engine.status(&named(&account)?).await?))
}

async fn token(
    State(asked): State<Asked>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(account): Path<String>,
    body: Body,
) -> Result<Response, Refusal> {
    let account = named(&account)?;
    let question: TokenQuestion = read(body).await?.unwrap_or_default();
    let request = wanted(question);
    let issued = asked.served.engine.token_for(&account, request, caller.consumer()).await?;
    Ok(answers::token(&account, &issued))
}

/// What authorizes one request to a resource server. It is for this process alone, whoever started it.
async fn request_headers(
    State(asked): State<Asked>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(account): Path<String>,
    body: Body,
) -> Result<Response, Refusal> {
    let account = named(&account)?;
    let question: HeadersQuestion = read(body).await?.ok_or_else(Refusal::bad_request)?;
    let method = Method::try_from(question.method.as_str()).map_err(|_| Refusal::bad_request())?;
    let url = Url::parse(&question.url).map_err(|_| Refusal::bad_request())?;
    let engine = &asked.served.engine;
    if let Some(nonce) = question.nonce {
        let nonce = HeaderValue::try_from(nonce).map_err(|_| Refusal::bad_request())?;
        let answer = HeaderMap::from_iter([(HeaderName::from_static(NONCE), nonce)]);
        engine.heard_from_resource(&account, &url, &answer)?;
    }
    let request = wanted(TokenQuestion { min_valid: question.min_valid, wait: question.wait });
    let headers = engine.request_headers_for(&account, request, caller.itself(), &method, &url).await?;
    answers::request_headers(&account, &headers)
}

/// What a question leaves open is the usual.
fn wanted(question: TokenQuestion) -> TokenRequest {
    let seconds = |seconds: u64| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    TokenRequest {
        min_valid: question.min_valid.map_or(MIN_VALID, seconds),
        wait: question.wait.map_or(WAIT, |wait| seconds(wait.min(LONGEST_WAIT))),
    }
}

async fn renew(
    State(asked): State<Asked>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(account): Path<String>,
    body: Body,
) -> Result<Json<SessionStatus>, Refusal> {
    let account = named(&account)?;
    let question: RenewQuestion = read(body).await?.unwrap_or_default();
    let engine = &asked.served.engine;
    let renewed = match question.rejected {
        None if caller.may_be_the_person() => engine.renew(&account).await?,
        None => engine.renew_for_program(&account).await?,
        Some(fingerprint) => {
            let rejected = fingerprint.parse().map_err(|_| Refusal::bad_request())?;
            engine.replace_rejected(&account, rejected).await?
        }
    };
    Ok(Json(renewed))
}

/// Something at the provider has changed: an answer said `X-Revalidate-Session: true`.
async fn revalidate(
    State(asked): State<Asked>,
    Path(account): Path<String>,
) -> Result<Json<SessionStatus>, Refusal> {
    Ok(Json(asked.served.engine.revalidate(&named(&account)?).await?))
}

/// Sends new data for the session to its site.
async fn update(
    State(asked): State<Asked>,
    Path(account): Path<String>,
    body: Body,
) -> Result<Json<SessionStatus>, Refusal> {
    let account = named(&account)?;
    let data = serde_json::from_slice(&whole(body).await?).map_err(|_| Refusal::bad_request())?;
    Ok(Json(asked.served.engine.update_session(&account, data).await?))
}

/// Another process has changed what the vault holds.
async fn reload(
    State(asked): State<Asked>,
    Path(account): Path<String>,
) -> Result<Json<SessionStatus>, Refusal> {
    let account = named(&account)?;
    asked.served.engine.reload(&account)?;
    Ok(Json(asked.served.engine.status(&account).await?))
}

/// The programs that took tokens or ask for one.
async fn consumers(
    State(asked): State<Asked>,
    Path(account): Path<String>,
) -> Result<Json<Vec<ConsumerStatus>>, Refusal> {
    Ok(Json(asked.served.engine.status(&named(&account)?).await?.consumers))
}

/// Decides about one of them. Only Latchkey's own program is let: others would let themselves.
async fn decide(
    State(asked): State<Asked>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(account): Path<String>,
    body: Body,
) -> Result<Json<Vec<ConsumerStatus>>, Refusal> {
    let account = named(&account)?;
    if !caller.is_ours() {
        return Err(Refusal::not_yours());
    }
    let question: ConsumerDecision = read(body).await?.ok_or_else(Refusal::bad_request)?;
    let decision = match question.decision {
        DecisionName::Allow => Decision::AllowForNow,
        DecisionName::AllowForGood => Decision::AllowForGood,
        DecisionName::Pause => Decision::Pause,
        DecisionName::Deny => Decision::Deny,
    };
    Ok(Json(asked.served.engine.decide(&account, &question.program, decision).await?.consumers))
}

/// What the person has to do for the sign-in under way; null without one.
async fn sign_in(State(asked): State<Asked>, Path(account): Path<String>) -> Result<Response, Refusal> {
    let session = asked.served.engine.status(&named(&account)?).await?;
    Ok(Json(session.sign_in).into_response())
}

async fn cancel_sign_in(
    State(asked): State<Asked>,
    Path(account): Path<String>,
) -> Result<StatusCode, Refusal> {
    asked.served.engine.cancel_sign_in(&named(&account)?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which part of the log is wanted.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LogQuestion {
    /// The number of the last record that is known.
    after: u64,
    /// How many at most.
    limit: usize,
    /// Whether to go on with those that come, as server-sent events.
    follow: bool,
}

impl Default for LogQuestion {
    fn default() -> Self {
        Self { after: 0, limit: 1000, follow: false }
    }
}

impl LogQuestion {
    /// How many records one answer holds at most.
    fn most(&self) -> usize {
        self.limit.min(LONGEST_PAGE)
    }
}

async fn log(
    State(asked): State<Asked>,
    question: Result<Query<LogQuestion>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(question) = question.map_err(|_| Refusal::bad_request())?;
    if question.follow {
        return Ok(events::records(asked.served.log, question.after, asked.stop).into_response());
    }
    Ok(Json(asked.served.log.since(question.after, question.most())).into_response())
}

fn named(account: &str) -> Result<AccountName, Refusal> {
    AccountName::new(account).map_err(|_| Refusal::unknown_account())
}

async fn whole(body: Body) -> Result<Bytes, Refusal> {
    let whole = tokio::time::timeout(BODY_WITHIN, axum::body::to_bytes(body, MAX_BODY));
    whole
        .await
        .map_err(|_| Refusal::bad_request())?
        .map_err(|_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the request is too large"))
}

/// Reads what is asked; nothing where the body is empty.
async fn read<T: DeserializeOwned>(body: Body) -> Result<Option<T>, Refusal> {
    let bytes = whole(body).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|_| Refusal::bad_request())
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::time::{Instant, sleep_until};

    use super::*;

    /// Both times stand in one timer, so that it is the order that counts and not how fast the machine is.
    #[tokio::test]
    async fn a_body_has_ten_seconds_to_arrive() {
        let begun = Instant::now();
        let after = |millis| sleep_until(begun + Duration::from_millis(millis));
        let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let mut read = std::pin::pin!(whole(body));
        tokio::select! {
            biased;
            () = after(9_900) => {}
            _ = &mut read => panic!("it was not waited for"),
        }
        let refused = tokio::select! {
            biased;
            read = read => read.err().map(IntoResponse::into_response),
            () = after(10_500) => panic!("it is still waited for"),
        };
        assert_eq!(refused.map(|refused| refused.status()), Some(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn an_answer_holds_a_thousand_records_unless_more_are_asked_for_and_ten_thousand_at_most() {
        let most = |limit| LogQuestion { limit, ..LogQuestion::default() }.most();
        assert_eq!(LogQuestion::default().most(), 1_000);
        assert_eq!([0, 9_999, 10_000, 10_001, usize::MAX].map(most), [0, 9_999, 10_000, 10_000, 10_000]);
    }

    #[test]
    fn a_token_is_good_for_half_a_minute_and_waited_for_ten_seconds_unless_asked_otherwise() {
        let of = |min_valid, wait| wanted(TokenQuestion { min_valid, wait });
        let secs = SignedDuration::from_secs;
        assert_eq!((of(None, None).min_valid, of(None, None).wait), (secs(30), secs(10)));
        assert_eq!((of(Some(0), Some(0)).min_valid, of(Some(0), Some(0)).wait), (secs(0), secs(0)));
        let longest = i64::try_from(LONGEST_WAIT).unwrap();
        assert_eq!(of(None, Some(u64::MAX)).wait, secs(longest), "nobody waits for ever");
        assert_eq!(of(Some(u64::MAX), None).min_valid, secs(i64::MAX));
    }

    #[tokio::test]
    async fn a_body_of_16_kib_is_read_and_no_longer_one() {
        let of = async |length| whole(Body::from(vec![b' '; length])).await;
        assert_eq!(of(16_384).await.ok().map(|body| body.len()), Some(16_384));
        let refused = of(16_385).await.err().map(IntoResponse::into_response);
        assert_eq!(refused.map(|refused| refused.status()), Some(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test]
    async fn only_a_number_that_is_not_ours_is_another_version() {
        let code = async |path: &'static str| {
            let answer = nothing_there(Uri::from_static(path)).await.into_response();
            let body = axum::body::to_bytes(answer.into_body(), MAX_BODY).await.unwrap();
            serde_json::from_slice::<serde_json::Value>(&body).unwrap()["error"]["code"].clone()
        };
        for path in ["/v1/nothing", "/sessions", "/vx/sessions", "/"] {
            assert_eq!(code(path).await, "not_found", "{path}");
        }
        assert_eq!(code("/v2/sessions").await, "other_version");
    }
}
