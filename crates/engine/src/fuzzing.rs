//! Bytes from outside, and what must hold whatever they are.
//!
//! Each parser of such bytes has a `fuzzing` module beside it: a function that takes any bytes and panics where a
//! promise is broken. The targets in `fuzz/` call them, and so do the ordinary tests, with the corpora committed there.
//! Compiled into tests and fuzz targets only.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::http::Reply;

#[cfg(test)]
#[path = "../../../fuzz/ordinary.rs"]
mod ordinary;

/// From how many characters on letters mixed with digits are a secret and no word, wherever they turn up.
const SECRET_LIKE: usize = 24;

/// A reply written down: its status and its headers on a line each, an empty line, its body. What does not begin with a
/// status is a body.
pub(crate) fn reply(input: &[u8]) -> Reply {
    written(input).unwrap_or_else(|| Reply {
        status: 200,
        headers: HeaderMap::new(),
        body: Zeroizing::new(input.to_vec()),
    })
}

fn written(input: &[u8]) -> Option<Reply> {
    let at = input.windows(2).position(|two| two == b"\n\n")?;
    let mut lines = std::str::from_utf8(input.get(..at)?).ok()?.lines();
    let status = lines.next()?.parse().ok().filter(|status| (100..1000).contains(status))?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        headers.append(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?);
    }
    Some(Reply { status, headers, body: Zeroizing::new(input.get(at + 2..)?.to_vec()) })
}

/// The texts in a document that look like secrets, at whatever depth.
pub(crate) fn secrets(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) if is_secret_like(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(secrets).collect(),
        Value::Object(members) => members.values().flat_map(secrets).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn is_secret_like(text: &str) -> bool {
    text.len() >= SECRET_LIKE
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Panics where a text could draw on a terminal or turn a line round.
pub(crate) fn assert_harmless(text: &str) {
    let draws = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!text.contains(draws), "it can draw on a terminal: {}", text.escape_debug());
}

#[cfg(test)]
mod tests {
    use super::ordinary::hold;

    #[test]
    fn token_reply_holds() {
        hold("token_reply", 2_000, crate::provider::oauth::fuzzing::token_reply);
    }

    #[test]
    fn callback_holds() {
        hold("callback", 1_000, crate::provider::oauth::fuzzing::callback);
    }

    #[test]
    fn jwks_holds() {
        hold("jwks", 2_000, crate::jose::fuzzing::jwks);
    }

    #[test]
    fn jwt_holds() {
        hold("jwt", 2_000, crate::jose::fuzzing::jwt);
    }

    #[test]
    fn set_cookie_holds() {
        hold("set_cookie", 2_000, crate::provider::nextauth::fuzzing::set_cookie);
    }

    #[test]
    fn config_holds() {
        hold("config", 300, crate::config::fuzzing::config);
    }

    #[test]
    fn log_holds() {
        hold("log", 300, crate::event_log::fuzzing::log);
    }
}
