//! What the proxy says by itself: never anything of a request, never anything of a token.

use http_body_util::{BodyExt as _, Full};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use latchkey_core::disposition::Failure;
use latchkey_engine::EngineError;

use super::Answer;
use crate::client::ClientError;
use crate::protocol::{Problem, ProblemDetail};

/// Why a request was not passed on, or brought no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    detail: ProblemDetail,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, detail: ProblemDetail::new(code, message) }
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    #[cfg(test)]
    pub(super) fn code(&self) -> &str {
        &self.detail.code
    }

    /// The upstream cannot be reached, or went away.
    pub(super) fn upstream(failure: &Failure) -> Self {
        let message = match failure {
            Failure::NotSent { what } => format!("the upstream cannot be reached: {what}"),
            Failure::NoReply
            | Failure::Answered(_)
            | Failure::Misfit { .. }
            | Failure::KeyLost
            | Failure::SessionError { .. } => "the upstream went away without an answer".to_owned(),
        };
        Self::new(StatusCode::BAD_GATEWAY, "upstream_unreachable", &message)
    }

    pub(super) fn into_response(self) -> Response<Answer> {
        let text = serde_json::to_vec(&Problem { error: self.detail }).unwrap_or_default();
        let mut response = Response::new(Full::from(text).map_err(|never| match never {}).boxed_unsync());
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl From<ClientError> for Refusal {
    /// What the agent says, or that there is none any more.
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(why) => why.into(),
            ClientError::Socket(_) | ClientError::Lost(_) | ClientError::Unreadable => {
                let mut refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_agent", &error.to_string());
                refusal.detail.hint = Some("start the agent or the window again".to_owned());
                refusal
            }
        }
    }
}

impl From<ProblemDetail> for Refusal {
    /// No token: it is the person's turn, or it is tried again later.
    fn from(detail: ProblemDetail) -> Self {
        let status = match detail.code.as_str() {
            "sign_in_needed" => StatusCode::UNAUTHORIZED,
            "backend_unreachable" | "backend_answered_oddly" => StatusCode::BAD_GATEWAY,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self { status, detail }
    }
}

impl From<EngineError> for Refusal {
    /// What an engine here says, as an agent says it.
    fn from(error: EngineError) -> Self {
        let (code, message) = (error.code().to_owned(), error.to_string());
        ProblemDetail { code, message, hint: error.hint(), reason: None }.into()
    }
}
