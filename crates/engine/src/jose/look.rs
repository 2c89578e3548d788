//! Looking into a JWT without believing it.
//!
//! What is read here is shown to people and, for want of anything better, used as a hint when the token
//! expires. Nothing is decided on it: access tokens are opaque to clients (RFC 9068 §6).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use latchkey_core::text;
use serde_json::{Map, Value};

use super::compact::MAX_TOKEN;

/// How many claims are shown.
const MAX_CLAIMS: usize = 40;

/// How much of a claim is shown to somebody who wants to read it: a list of some hundred groups.
const MAX_VALUE: usize = 4_000;

/// A JWT's claims, unverified; `None` for anything that is no JWT (RFC 7519 §7.2).
pub(crate) fn claims(token: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&payload(token)?).ok()
}

/// The octets of its payload, unverified.
pub(super) fn payload(token: &str) -> Option<Vec<u8>> {
    header_and_payload(token).map(|(_, payload)| payload)
}

fn header_and_payload(token: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    Some((BASE64_URL_SAFE_NO_PAD.decode(header).ok()?, BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?))
}

/// When it says that it expires.
pub(crate) fn expires_at(token: &str) -> Option<Timestamp> {
    let seconds = claims(token)?.get("exp")?.as_f64()?;
    crate::provider::expiry::epoch(seconds)
}

/// The claims as name and text, in the token's order, fit to be shown at a glance.
pub(crate) fn shown_claims(token: &str) -> Vec<(String, String)> {
    shown(&claims(token).unwrap_or_default(), text::foreign)
}

/// The claims for somebody who wants to read all of them.
pub(crate) fn whole_claims(token: &str) -> Vec<(String, String)> {
    shown(&claims(token).unwrap_or_default(), whole)
}

/// The header in the same form; empty for anything that is no JWT.
pub(crate) fn whole_header(token: &str) -> Vec<(String, String)> {
    let header = header_and_payload(token).and_then(|(header, _)| serde_json::from_slice(&header).ok());
    shown(&header.filter(|_| claims(token).is_some()).unwrap_or_default(), whole)
}

fn whole(value: &str) -> String {
    text::legible(value, MAX_VALUE)
}

fn shown(members: &Map<String, Value>, fit: fn(&str) -> String) -> Vec<(String, String)> {
    let shown = |value: &Value| value.as_str().map_or_else(|| fit(&value.to_string()), fit);
    members.iter().take(MAX_CLAIMS).map(|(name, value)| (text::foreign(name), shown(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn what_is_no_jwt_has_no_claims() {
        for opaque in ["", "opaque", "a.b", "a.b.c", "a.b.c.d", "...", &token("[]"), &token("\u{feff}{}")] {
            assert!(claims(opaque).is_none(), "{opaque:?}");
        }
        assert!(claims(&"a".repeat(MAX_TOKEN + 1)).is_none());
    }

    #[test]
    fn a_token_is_looked_into_up_to_its_largest_size() {
        let whole = token("{}");
        let as_long_as = |length: usize| format!("{}{}", whole, "A".repeat(length - whole.len()));
        assert!(claims(&as_long_as(MAX_TOKEN)).is_some());
        assert!(claims(&as_long_as(MAX_TOKEN + 1)).is_none());
    }

    #[test]
    fn an_expiry_is_read_from_whole_and_broken_numbers() {
        assert_eq!(expires_at(&token(r#"{"exp":1790000000}"#)).unwrap().as_second(), 1_790_000_000);
        assert_eq!(expires_at(&token(r#"{"exp":1790000000.5}"#)).unwrap().as_second(), 1_790_000_000);
        assert!(expires_at(&token(r#"{"exp":"soon"}"#)).is_none());
        assert!(expires_at(&token(r#"{"exp":1e300}"#)).is_none());
    }

    #[test]
    fn whoever_wants_to_read_a_token_sees_its_header_and_long_claims() {
        let long = "a group, ".repeat(100);
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
        let token = token(&format!(r#"{{"groups":"{long}"}}"#)).replacen("e30", &header, 1);
        assert_eq!(whole_claims(&token), [("groups".to_owned(), long)]);
        assert_eq!(whole_header(&token), [("alg".to_owned(), "RS256".to_owned())]);
        assert!(whole_header("opaque").is_empty());
    }

    #[test]
    fn forty_claims_are_shown_and_four_thousand_characters_of_each() {
        let claims: Map<_, _> = (0..41).map(|number| (number.to_string(), number.into())).collect();
        let all = token(&Value::from(claims).to_string());
        assert_eq!((shown_claims(&all).len(), whole_claims(&all).len()), (40, 40));
        let long = |length: usize| {
            whole_claims(&token(&format!(r#"{{"text":"{}"}}"#, ", ".repeat(length / 2)))).remove(0).1
        };
        assert_eq!(long(4_000), ", ".repeat(2_000));
        assert_eq!(long(4_002), format!("{}…", ", ".repeat(2_000)));
    }

    #[test]
    fn hostile_claims_are_shown_as_harmless_text() {
        let shown = shown_claims(&token(r#"{"name":"\u001b[2J<img src=x>\u202e"}"#));
        assert_eq!(shown, [("name".to_owned(), "[2J<img src=x>".to_owned())]);
    }
}
