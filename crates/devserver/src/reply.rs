//! How requests are read and answered: JSON, forms and pages, and a note for the request log with each answer.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::token::NoRandomness;

/// What the request log says about an answer. Travels with the response as an extension; it is never sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Note {
    pub(crate) outcome: String,
    pub(crate) family: Option<String>,
}

/// An answer: JSON unless said otherwise. No `Debug`: the body may hold tokens.
pub(crate) struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
    headers: Vec<(HeaderName, HeaderValue)>,
    note: Note,
}

impl Answer {
    /// 200 with this body.
    pub(crate) fn ok(body: &impl Serialize, outcome: impl Into<String>) -> Self {
        serde_json::to_vec(body).map_or_else(
            |_| Self::broken("the answer could not be written as JSON"),
            |body| Self::new(StatusCode::OK, body, outcome),
        )
    }

    /// 200 with this body, which was written as JSON before.
    pub(crate) fn json(body: Vec<u8>, outcome: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, body, outcome)
    }

    /// A page for a person.
    pub(crate) fn html(status: StatusCode, page: String, outcome: impl Into<String>) -> Self {
        let answer = Self::new(status, page.into_bytes(), outcome);
        Self { content_type: "text/html; charset=utf-8", ..answer }
    }

    /// The status, body and outcome of another answer, with the headers of both.
    pub(crate) fn with_body_of(self, other: Self) -> Self {
        let mut headers = self.headers;
        headers.extend(other.headers);
        Self { headers, ..other }
    }

    /// 200 and nothing else to say.
    pub(crate) fn done(outcome: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, Vec::new(), outcome)
    }

    /// Sends a browser on. The address is one of ours or was checked; what a header cannot hold is an error of ours.
    pub(crate) fn redirect(to: &str, outcome: impl Into<String>) -> Self {
        let Ok(location) = HeaderValue::from_str(to) else {
            return Self::broken("an address no header can hold");
        };
        let mut answer = Self::done(outcome).header(header::LOCATION, location);
        answer.status = StatusCode::FOUND;
        // The address may hold a code.
        answer.no_store()
    }

    /// With this status.
    pub(crate) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// A refusal in the form of RFC 6749 §5.2.
    pub(crate) fn refused(status: StatusCode, error: &str, description: impl Into<String>) -> Self {
        let description = description.into();
        let body = json!({ "error": error, "error_description": description });
        Self::new(status, body.to_string().into_bytes(), format!("refused: {description}"))
    }

    /// 401 at a login, in the form REST backends use.
    pub(crate) fn invalid_credentials(message: &str) -> Self {
        let body = json!({ "error": "invalid_credentials", "message": message });
        Self::new(StatusCode::UNAUTHORIZED, body.to_string().into_bytes(), format!("refused: {message}"))
    }

    pub(crate) fn invalid_request(description: &str) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// The dev server itself failed.
    pub(crate) fn broken(what: &str) -> Self {
        Self::refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error", what)
    }

    /// About this family.
    pub(crate) fn family(mut self, family: impl Into<String>) -> Self {
        self.note.family = Some(family.into());
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With a header whose value is known beforehand.
    pub(crate) fn fixed_header(self, name: HeaderName, value: &'static str) -> Self {
        self.header(name, HeaderValue::from_static(value))
    }

    /// RFC 6749 §5.1: a reply with tokens is stored by nobody on its way.
    pub(crate) fn no_store(self) -> Self {
        self.fixed_header(header::CACHE_CONTROL, "no-store").fixed_header(header::PRAGMA, "no-cache")
    }

    /// One more fact for the log.
    pub(crate) fn remark(mut self, remark: Option<String>) -> Self {
        if let Some(remark) = remark {
            self.note.outcome = format!("{}; {remark}", self.note.outcome);
        }
        self
    }

    fn new(status: StatusCode, body: Vec<u8>, outcome: impl Into<String>) -> Self {
        let note = Note { outcome: outcome.into(), family: None };
        Self { status, content_type: "application/json", body, headers: Vec::new(), note }
    }
}

impl From<NoRandomness> for Answer {
    fn from(error: NoRandomness) -> Self {
        Self::broken(&error.to_string())
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        response.headers_mut().extend(self.headers);
        response.extensions_mut().insert(self.note);
        response
    }
}

/// A request body that is a JSON object and says so.
///
/// The content type is demanded because a page in a browser can send any other one to a loopback port without
/// asking first. Errors never quote the body, which may hold a password.
pub(crate) struct JsonObject(pub(crate) Map<String, Value>);

impl JsonObject {
    /// A field that must be a string and must not be empty.
    pub(crate) fn text(&self, field: &str) -> Result<&str, Answer> {
        match self.0.get(field).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(Answer::invalid_request(&format!("the field {field} is missing or no text"))),
        }
    }
}

/// Whether a body is said to be of this kind, whatever parameters follow (RFC 9110 §8.3.1).
pub(crate) fn is_sent_as(headers: &HeaderMap, kind: &str) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    said.and_then(|value| value.split(';').next()).is_some_and(|said| said.trim().eq_ignore_ascii_case(kind))
}

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = Answer;

    async fn from_request(request: Request, state: &S) -> Result<Self, Answer> {
        if !is_sent_as(request.headers(), "application/json") {
            return Err(Answer::invalid_request("the body must be sent as application/json"));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| Answer::invalid_request("the body could not be read"))?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            Ok(_) | Err(_) => Err(Answer::invalid_request("the body is no JSON object")),
        }
    }
}
