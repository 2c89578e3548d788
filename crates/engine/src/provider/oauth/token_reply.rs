//! Reading a token reply (RFC 6749 §5.1): lenient in what is read, strict in what it means.
//!
//! The refresh token is taken first and by itself. What is wrong with the rest never loses it.

use jiff::{SignedDuration, Timestamp};
use latchkey_core::disposition::Failure;
use latchkey_core::secret::{IdToken, RefreshToken};
use latchkey_core::token_set::Source;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::metadata::Metadata;
use super::token::{failure, is_bound};
use crate::http::{Reply, wipe};
use crate::jose::look;
use crate::provider::expiry::{self, by_our_clock};
use crate::provider::{Issued, OauthFacts, reply};
use crate::vault::Identity;

/// Where servers say when a refresh token ends: Keycloak and others, GitHub and others.
const REFRESH_EXPIRY: [&str; 2] = ["refresh_expires_in", "refresh_token_expires_in"];
/// Members that must not stand twice: readers would differ in which of them counts.
const ONCE: [&str; 3] = ["refresh_token", "access_token", "id_token"];
/// The longest token type that is kept.
const MAX_TYPE: usize = 64;

/// Reads a token reply, whatever its status and content type.
///
/// # Errors
/// The [`Failure`] when the reply holds neither an access nor a refresh token. One that holds a token twice is taken
/// for torn: it cannot be known which was meant.
pub(super) fn read(answer: &Reply, metadata: &Metadata, received: Timestamp) -> Result<Issued, Failure> {
    let Some(mut json) = reply::object(answer) else { return Err(failure(answer)) };
    let text = |name: &str| json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let refresh = text("refresh_token").map(RefreshToken::new);
    let access = text("access_token").and_then(reply::access_token);
    if access.is_none() && refresh.is_none() {
        wipe(&mut json);
        return Err(failure(answer));
    }
    if stands_twice(&answer.body) {
        wipe(&mut json);
        return Err(Failure::NoReply);
    }
    let skew = answer.skew(received).unwrap_or(SignedDuration::ZERO);
    let expires = |name: &str, named| expiry::read(json.get(name)?, received, skew, named);
    let claimed = || {
        let claimed = access.as_ref().and_then(|access| look::expires_at(access.expose()))?;
        Some((by_our_clock(claimed, skew)?, Source::JwtExp))
    };
    let access_expires = expires("expires_in", Source::ExpiresIn).or_else(claimed);
    // Keycloak says 0 of a refresh token that does not expire.
    let ends = |name: &&str| expires(name, Source::RefreshExpiresIn).filter(|(at, _)| *at > received);
    let token_type = text("token_type").filter(|kind| kind.len() <= MAX_TYPE).map(str::to_owned);
    let issued = Issued {
        session_data: None,
        access_expires,
        refresh_expires: REFRESH_EXPIRY.iter().find_map(ends),
        session_expires: None,
        identity: Identity::default(),
        id: text("id_token").map(IdToken::new),
        access: access.filter(|_| understood(token_type.as_deref())),
        refresh,
        received,
        oauth: OauthFacts {
            scope: json.get("scope").and_then(scope).filter(|scope| !scope.is_empty()),
            token_type,
            asked_scope: None,
            dpop_key: None,
            token_host: metadata.token_host(),
        },
    };
    wipe(&mut json);
    Ok(issued)
}

/// The error code of a reply (RFC 6749 §5.2), if it has one.
pub(super) fn error(answer: &Reply) -> Option<String> {
    reply::object(answer)?.get("error")?.as_str().map(str::to_owned)
}

/// Whether an access token of this type can be used (RFC 6749 §7.1: otherwise it must not be). One without a type is
/// taken for a bearer token, as everybody does.
fn understood(token_type: Option<&str>) -> bool {
    token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer") || is_bound(Some(kind)))
}

/// An access token that should be bound to a key and is not must not be used (RFC 9449 §5). One that says that it is
/// bound where no key was `shown` cannot be.
pub(super) fn keep_to_the_binding(issued: &mut Issued, shown: bool, must_be_bound: bool) {
    let bound = is_bound(issued.oauth.token_type.as_deref());
    if if bound { !shown } else { must_be_bound } {
        issued.access = None;
        issued.oauth.token_type = None;
    }
}

/// Names with spaces between them, or, from servers that do not read standards, a list of names.
fn scope(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")),
        Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// Whether a token stands twice at the top of the object.
fn stands_twice(body: &[u8]) -> bool {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = bool;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
            let mut seen = [false; ONCE.len()];
            let mut twice = false;
            while let Some((name, IgnoredAny)) = members.next_entry::<String, IgnoredAny>()? {
                for (known, seen) in ONCE.iter().zip(&mut seen) {
                    if *known == name {
                        twice |= std::mem::replace(seen, true);
                    }
                }
            }
            Ok(twice)
        }
    }

    serde_json::Deserializer::from_slice(body).deserialize_map(Names).unwrap_or_default()
}

#[cfg(test)]
mod tests;
