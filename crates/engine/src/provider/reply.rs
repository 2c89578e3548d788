//! Reading a provider's reply: lenient in what is read, strict in what it means.
//!
//! A readable refresh token counts whatever the status and content type are; what is wrong with the rest of the
//! reply is judged afterwards.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::disposition::{Answer, Body, ErrorCode, Failure};
use latchkey_core::secret::{AccessToken, IdToken, RefreshToken};
use latchkey_core::text;
use latchkey_core::token_set::Source;
use reqwest::header::CONTENT_ENCODING;
use serde_json::Value;

use crate::config::{Mapping, Place};
use crate::http::{Reply, retry_after, wipe};
use crate::jose::look;
use crate::provider::{Issued, OauthFacts, expiry};
use crate::vault::Identity;

/// Reads a token reply with the account's mapping.
///
/// `refused` are the statuses that the account declares to mean "refused".
///
/// # Errors
/// The [`Failure`] when the reply holds neither an access nor a refresh token.
pub(super) fn read(
    reply: &Reply,
    map: &Mapping,
    refused: &BTreeSet<u16>,
    received: Timestamp,
) -> Result<Issued, Failure> {
    let Some(mut json) = object(reply) else { return Err(unreadable(reply)) };
    let text = |place: &Place| find_text(place, &json, reply);
    let refresh = text(&map.refresh_token).filter(|token| !token.is_empty()).map(RefreshToken::new);
    let access = text(&map.access_token).and_then(|token| access_token(&token));
    if access.is_none() && refresh.is_none() {
        let verdict = verdict(reply, &json, refused);
        wipe(&mut json);
        return Err(answered(reply, verdict));
    }
    let skew = reply.skew(received).unwrap_or(SignedDuration::ZERO);
    let expires = |place: &Place, named| expiry::read(&find(place, &json, reply)?, received, skew, named);
    let from_claim = || {
        let claimed = access.as_ref().and_then(|access| look::expires_at(access.expose()))?;
        Some((expiry::by_our_clock(claimed, skew)?, Source::JwtExp))
    };
    let mut identity = identity(map, &json, reply);
    if identity.subject.is_none() {
        let claims = access.as_ref().and_then(|access| look::claims(access.expose()));
        identity.subject = claims.and_then(|claims| Some(text::foreign(claims.get("sub")?.as_str()?)));
    }
    let issued = Issued {
        session_data: None,
        access_expires: expires(&map.access_token_expiry, Source::AccessTokenExpiry).or_else(from_claim),
        refresh_expires: expires(&map.refresh_token_expiry, Source::RefreshExpiresIn),
        session_expires: expires(&map.session_expiry, Source::SessionExpiry),
        identity,
        id: text(&map.id_token).filter(|token| !token.is_empty()).map(IdToken::new),
        access,
        refresh,
        received,
        oauth: OauthFacts::default(),
    };
    wipe(&mut json);
    Ok(issued)
}

/// Who signed in, as far as a reply tells.
pub(super) fn identity(map: &Mapping, json: &Value, reply: &Reply) -> Identity {
    let shown = |place: &Place| {
        find_text(place, json, reply).map(|found| text::foreign(&found)).filter(|text| !text.is_empty())
    };
    Identity {
        name: shown(&map.name),
        email: shown(&map.email),
        subject: shown(&map.subject),
        ..Identity::default()
    }
}

/// The reply's body, if it is a JSON object, whatever its content type says.
pub(super) fn object(reply: &Reply) -> Option<Value> {
    serde_json::from_slice::<Value>(&reply.body).ok().filter(Value::is_object)
}

/// The failure that a reply without a token means.
pub(super) fn failure(reply: &Reply, refused: &BTreeSet<u16>) -> Failure {
    match object(reply) {
        Some(json) => answered(reply, verdict(reply, &json, refused)),
        None => unreadable(reply),
    }
}

/// A reply that is no JSON object, taken as an answer. For a login it is just that: nothing was spent which a
/// repeat could save.
pub(super) fn odd(reply: &Reply) -> Failure {
    answered(reply, if reply.body.trim_ascii().is_empty() { Body::Empty } else { Body::NotJson })
}

fn answered(reply: &Reply, body: Body) -> Failure {
    Failure::Answered(Answer { status: reply.status, body, retry_after: retry_after(&reply.headers) })
}

/// A body that is no JSON object. A torn or missing one after a success is a reply that was lost on the way, and so is one
/// in a coding that nobody asked for: the server has done its part.
fn unreadable(reply: &Reply) -> Failure {
    let start = reply.body.trim_ascii_start();
    let torn = start.first() == Some(&b'{');
    let coded = reply.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if reply.is_success() && reply.status != 204 && (start.is_empty() || torn || coded) {
        return Failure::NoReply;
    }
    let body = match reply.status {
        300..=399 => Body::Redirect,
        _ if start.is_empty() => Body::Empty,
        _ => Body::NotJson,
    };
    answered(reply, body)
}

/// What a JSON object without tokens says.
fn verdict(reply: &Reply, json: &Value, refused: &BTreeSet<u16>) -> Body {
    let said = said(json);
    let named = json.get("error").and_then(Value::as_str);
    match named.map(ErrorCode::parse) {
        // What does not suit the server is for the person to correct, who has to know what it is.
        Some(code @ ErrorCode::Unsuitable) => Body::Verdict { code, said: in_its_words(named, said) },
        Some(code) if code != ErrorCode::Other => Body::Verdict { code, said },
        _ if refused.contains(&reply.status) => Body::Verdict { code: ErrorCode::InvalidGrant, said },
        // A code that means nothing here may mean something to the person, and so may words without one.
        None if said.is_none() => Body::NoVerdict,
        Some(_) | None => Body::Verdict { code: ErrorCode::Other, said: in_its_words(named, said) },
    }
}

/// A code that is told as it is, and the words beside it.
fn in_its_words(code: Option<&str>, said: Option<String>) -> Option<String> {
    let code = code.map(text::foreign).filter(|code| !code.is_empty());
    match (code, said) {
        (Some(code), Some(said)) => Some(format!("{code}: {said}")),
        (code, said) => code.or(said),
    }
}

/// An access token as it can be sent: white space around it is none of it, and one with a control character in it is none
/// at all (RFC 6749 appendix A.12). It fits in no header, and where programs read lines it would be two.
pub(super) fn access_token(text: &str) -> Option<AccessToken> {
    let token = text.trim_ascii();
    (!token.is_empty() && !token.contains(char::is_control)).then(|| AccessToken::new(token))
}

/// The provider's own words in a refusal, made harmless.
pub(super) fn said(json: &Value) -> Option<String> {
    let member = |name: &str| json.get(name).and_then(Value::as_str);
    let said = member("error_description").or_else(|| member("message")).map(text::foreign);
    said.filter(|said| !said.is_empty())
}

fn find(place: &Place, json: &Value, reply: &Reply) -> Option<Value> {
    match place {
        Place::Pointer(pointer) => json.pointer(pointer).filter(|value| !value.is_null()).cloned(),
        Place::Header(name) => {
            reply.headers.get(name.as_str())?.to_str().ok().map(|text| Value::String(text.to_owned()))
        }
    }
}

fn find_text(place: &Place, json: &Value, reply: &Reply) -> Option<String> {
    match find(place, json, reply)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Who a user-info answer is about: the mapped places, or else the claims' standard names (OpenID Connect Core §5.1).
pub(super) fn user_info(map: &Mapping, json: &Value, reply: &Reply) -> Identity {
    let mapped = identity(map, json, reply);
    let plain = |name: &str| json.get(name).and_then(Value::as_str).map(text::foreign);
    Identity {
        name: mapped.name.or_else(|| plain("name")),
        email: mapped.email.or_else(|| plain("email")),
        subject: mapped.subject.or_else(|| plain("sub")),
        ..Identity::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_token_that_would_be_two_lines_is_none() {
        let read = |text: &str| access_token(text).map(|token| token.expose().to_owned());
        for none in ["", " \r\n", "a\nb", "a\r\nhost=evil.test", "a\tb", "a\0b", "a\u{85}b", "\u{7f}"] {
            assert_eq!(read(none), None, "{none:?}");
        }
        for (text, token) in [("a", "a"), ("a.b-c_d~e+f/g==", "a.b-c_d~e+f/g=="), (" a\n", "a")] {
            assert_eq!(read(text).as_deref(), Some(token), "{text:?}");
        }
    }
}
