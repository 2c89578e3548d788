//! What may be known of an exchange without its secrets: for the lab, which judges how a backend answers.

use std::sync::Arc;

use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE, DATE, HeaderMap};
use serde_json::Value;

use crate::http::{Reply, http_date};

/// What is told of each exchange.
pub type Observer = Arc<dyn Fn(Exchange) + Send + Sync>;

/// One exchange: what was asked and how it was answered. Holds neither bodies nor queries.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// How it was answered; none where no answer could be read.
    pub answer: Option<Answered>,
}

/// An answer without what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// Whether it forbids that it is stored (RFC 9111 §5.2.2.5).
    pub no_store: bool,
    /// What it says its content is, without parameters.
    pub content_type: Option<String>,
    /// The server's time, if it says.
    pub date: Option<jiff::Timestamp>,
    /// Whether its body is a JSON object.
    pub is_object: bool,
    /// The error code of RFC 6749 §5.2, if it names one.
    pub error: Option<String>,
    /// `expires_in`, if it is a number.
    pub expires_in: Option<i64>,
    /// Which members it has.
    pub members: Vec<String>,
}

impl Answered {
    /// What is worth knowing of this reply.
    pub(crate) fn of(reply: &Reply) -> Self {
        let text = |headers: &HeaderMap, name| {
            let value: Option<&reqwest::header::HeaderValue> = headers.get(name);
            value.and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let object = match serde_json::from_slice(&reply.body) {
            Ok(Value::Object(object)) => Some(object),
            Ok(_) | Err(_) => None,
        };
        let member = |name: &str| object.as_ref().and_then(|object| object.get(name));
        let cache = text(&reply.headers, CACHE_CONTROL).unwrap_or_default().to_ascii_lowercase();
        let kind = text(&reply.headers, CONTENT_TYPE);
        Self {
            status: reply.status,
            no_store: cache.split(',').any(|directive| directive.trim() == "no-store"),
            content_type: kind.and_then(|kind| Some(kind.split(';').next()?.trim().to_ascii_lowercase())),
            date: text(&reply.headers, DATE).and_then(|date| http_date(&date)),
            is_object: object.is_some(),
            // A code is one of a few words (RFC 6749 §5.2); what is longer is none, and may be anything.
            error: member("error").and_then(Value::as_str).filter(|code| code.len() <= 40).map(str::to_owned),
            expires_in: member("expires_in").and_then(Value::as_i64),
            members: object.map(|object| object.keys().cloned().collect()).unwrap_or_default(),
        }
    }
}
