//! How the engine's answers look over the socket. No answer repeats what was sent.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderName, HeaderValue, ToStrError};
use axum::response::{IntoResponse, Response};
use latchkey_core::account::AccountName;
use latchkey_engine::authorization::RequestHeaders;
use latchkey_engine::{EngineError, IssuedToken};

use crate::protocol::{HeadersAnswer, Problem, ProblemDetail, TokenAnswer, VERSION};

/// Nobody keeps an answer with a token in it.
const NO_STORE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

const NO_ACCOUNT: &str = "there is no such account";

/// Why something was not done.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    detail: ProblemDetail,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, detail: ProblemDetail::new(code, message) }
    }

    /// A request that cannot be understood. What was wrong with it is not quoted.
    pub(super) fn bad_request() -> Self {
        let message = format!(
            "Latchkey {} does not know such a request: it is garbled, or of another version; see /v1/openapi.json",
            env!("CARGO_PKG_VERSION")
        );
        Self::new(StatusCode::BAD_REQUEST, "bad_request", &message)
    }

    /// A path of a protocol that is not spoken here.
    pub(super) fn other_version() -> Self {
        let message = format!(
            "this is Latchkey {} and speaks version {VERSION} of the protocol only; bring both to the same version",
            env!("CARGO_PKG_VERSION")
        );
        Self::new(StatusCode::NOT_FOUND, "other_version", &message)
    }

    /// Who decides about programs is not one of them.
    pub(super) fn not_yours() -> Self {
        let message =
            "only Latchkey's own programs decide about others: use `latchkey consumers`, or the window";
        Self::new(StatusCode::FORBIDDEN, "not_yours", message)
    }

    pub(super) fn unknown_account() -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_account", NO_ACCOUNT)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path; see /v1/openapi.json")
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let reason = match &error {
            EngineError::SignInNeeded { reason }
            | EngineError::NotNow { reason, .. }
            | EngineError::SignInFailed { reason }
            | EngineError::OddAnswer { reason } => Some(reason.code().to_owned()),
            EngineError::UnknownAccount(_)
            | EngineError::AccountExists(_)
            | EngineError::WrongCredentials { .. }
            | EngineError::NotThisWay
            | EngineError::ElsewhereThanTheSite { .. }
            | EngineError::CookieNotOpened { .. }
            | EngineError::Unreachable { .. }
            | EngineError::Vault { .. }
            | EngineError::NotAllowed { .. }
            | EngineError::UnknownConsumer
            | EngineError::Busy
            | EngineError::Cancelled
            | EngineError::Closing => None,
        };
        // The name that was asked for stays out of the answer.
        let unknown = matches!(error, EngineError::UnknownAccount(_));
        let message = if unknown { NO_ACCOUNT.to_owned() } else { error.to_string() };
        let detail = ProblemDetail { code: error.code().to_owned(), message, hint: error.hint(), reason };
        Self { status: status(&error), detail }
    }
}

fn status(error: &EngineError) -> StatusCode {
    match error {
        EngineError::UnknownAccount(_) | EngineError::UnknownConsumer => StatusCode::NOT_FOUND,
        EngineError::AccountExists(_)
        | EngineError::SignInFailed { .. }
        | EngineError::SignInNeeded { .. }
        | EngineError::Busy
        | EngineError::NotThisWay
        | EngineError::ElsewhereThanTheSite { .. }
        | EngineError::CookieNotOpened { .. }
        | EngineError::Cancelled => StatusCode::CONFLICT,
        EngineError::WrongCredentials { .. } | EngineError::NotAllowed { .. } => StatusCode::FORBIDDEN,
        EngineError::Unreachable { .. } | EngineError::OddAnswer { .. } => StatusCode::BAD_GATEWAY,
        EngineError::Vault { .. } | EngineError::NotNow { .. } | EngineError::Closing => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, [NO_STORE], Json(Problem { error: self.detail })).into_response()
    }
}

/// What authorizes a request, on its way to whoever sends that.
pub(super) fn request_headers(account: &AccountName, headers: &RequestHeaders) -> Result<Response, Refusal> {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned);
    let shown = headers.headers.iter().map(|(name, value)| Ok((name.to_string(), text(value)?)));
    let unfit = |_: ToStrError| {
        Refusal::new(StatusCode::BAD_GATEWAY, "backend_answered_oddly", "the token cannot stand in a header")
    };
    let answer = HeadersAnswer {
        headers: shown.collect::<Result<_, _>>().map_err(unfit)?,
        account: account.to_string(),
        generation: headers.generation,
        fingerprint: headers.fingerprint.to_string(),
    };
    Ok(([NO_STORE], Json(answer)).into_response())
}

/// A token on its way to whoever asked.
pub(super) fn token(account: &AccountName, issued: &IssuedToken) -> Response {
    let answer = TokenAnswer {
        access_token: issued.access.expose().to_owned(),
        token_type: issued.token_type.clone().unwrap_or_else(|| "Bearer".to_owned()),
        expires_at: issued.expires_at.to_string(),
        account: account.to_string(),
        generation: issued.generation,
        fingerprint: issued.fingerprint.to_string(),
        falls_short: issued.falls_short,
        min_valid_capped: issued.min_valid_capped,
    };
    ([NO_STORE], Json(answer)).into_response()
}
