//! A login at a REST backend to see where its answer holds what, before an account is written down.
//!
//! **Invariant:** nothing of the answer's values is told, only where there is one and of what kind. Tokens that it
//! brought are given back at the backend's logout, where it has one, and forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;

use latchkey_core::secret::AccessToken;
use latchkey_core::text;
use serde::Serialize;
use serde_json::Value;

use super::credentials::{Credentials, refused_login};
use super::reply;
use crate::config::CredentialsConfig;
use crate::error::EngineError;
use crate::http::{Http, Reply, wipe};
use crate::jose::look;
use crate::ports::Clock;
use crate::sign_in::Login;

/// The most places that are told of one answer.
const MOST: usize = 200;

/// How deep it is looked into an answer.
const DEEPEST: usize = 8;

/// Headers that every server sends, or that hold no token.
const USUAL_HEADERS: [&str; 16] = [
    "access-control-allow-origin",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "pragma",
    "server",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
];

/// What a login brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Trial {
    /// Where the answer holds something, as the keys of `map` name places.
    pub places: Vec<PlaceFound>,
    /// Was there an access token where the account says?
    pub access_token: bool,
    /// Was there a refresh token?
    pub refresh_token: bool,
    /// How long the access token lives, in whole seconds, where that can be told.
    pub lifetime: Option<u32>,
    /// Was the session ended again? Not where the backend has no logout, or does not answer there.
    pub signed_out: bool,
}

/// One place of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PlaceFound {
    /// Where (`/data/accessToken`, `header:X-Token`).
    pub place: String,
    /// What kind of value stands there.
    pub kind: FoundKind,
}

/// What kind of value stands in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum FoundKind {
    /// A JSON Web Token.
    Jwt,
    /// Another text.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
}

/// Signs in, looks at the answer, and signs out again.
///
/// # Errors
/// Those of a sign-in. An answer that holds no token where the account says is none, as long as it says that the
/// login succeeded.
pub async fn try_login(
    config: &CredentialsConfig,
    http: &Http,
    login: Login,
    clock: &dyn Clock,
) -> Result<Trial, EngineError> {
    let provider = Credentials::new(Arc::new(config.clone()), http.clone());
    let answer = http.send(provider.login_request(&login)).await?;
    let received = clock.now().wall;
    let issued = reply::read(&answer, &config.map, &BTreeSet::new(), received);
    let Some(mut json) = reply::object(&answer).filter(|_| answer.is_success() || issued.is_ok()) else {
        let failure = reply::failure(&answer, &BTreeSet::new());
        return Err(refused_login(failure, &answer).into());
    };
    let places = places(&json, &answer);
    wipe(&mut json);
    let Ok(issued) = issued else {
        return Ok(Trial {
            places,
            access_token: false,
            refresh_token: false,
            lifetime: None,
            signed_out: false,
        });
    };
    let lifetime =
        issued.access_expires.and_then(|(at, _)| u32::try_from(at.duration_since(received).as_secs()).ok());
    let nothing = AccessToken::new(String::new());
    let access = issued.access.as_ref().unwrap_or(&nothing);
    let signed_out = provider.revokes() && provider.sign_out(issued.refresh.as_ref(), access).await.is_ok();
    Ok(Trial {
        places,
        access_token: issued.access.is_some(),
        refresh_token: issued.refresh.is_some(),
        lifetime,
        signed_out,
    })
}

fn places(json: &Value, answer: &Reply) -> Vec<PlaceFound> {
    let mut found = Vec::new();
    collect(json, "", 0, &mut found);
    for (name, value) in &answer.headers {
        let Ok(text) = value.to_str() else { continue };
        if found.len() < MOST && !USUAL_HEADERS.contains(&name.as_str()) && !text.is_empty() {
            found.push(PlaceFound { place: format!("header:{name}"), kind: kind_of_text(text) });
        }
    }
    found
}

fn collect(value: &Value, pointer: &str, depth: usize, found: &mut Vec<PlaceFound>) {
    let kind = match value {
        Value::Object(members) if depth < DEEPEST => {
            for (name, value) in members.iter().filter(|(name, _)| is_plain(name)) {
                collect(value, &format!("{pointer}/{name}"), depth + 1, found);
            }
            return;
        }
        Value::String(text) => kind_of_text(text),
        Value::Number(_) => FoundKind::Number,
        Value::Bool(_) => FoundKind::Flag,
        Value::Null | Value::Array(_) | Value::Object(_) => return,
    };
    if found.len() < MOST {
        found.push(PlaceFound { place: pointer.to_owned(), kind });
    }
}

/// A name that somebody gave a member. What stands under a name that could be a value itself is not told.
fn is_plain(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@'))
        && text::mask(name) == name
}

fn kind_of_text(text: &str) -> FoundKind {
    if look::claims(text).is_some() { FoundKind::Jwt } else { FoundKind::Text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_told_by_its_places_and_kinds_and_never_by_its_values() {
        let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln";
        let answer = json!({
            "data": { "token": jwt, "refresh": "s3cr3t", "exp": 1_760_000_000, "admin": false },
            "list": ["x"], "none": null, "odd name with s3cr3t": "x", jwt: "x",
        });
        let mut found = Vec::new();
        collect(&answer, "", 0, &mut found);
        let told: Vec<_> = found.iter().map(|one| (one.place.as_str(), one.kind)).collect();
        assert_eq!(
            told,
            [
                ("/data/token", FoundKind::Jwt),
                ("/data/refresh", FoundKind::Text),
                ("/data/exp", FoundKind::Number),
                ("/data/admin", FoundKind::Flag),
            ]
        );
        assert!(!format!("{found:?}").contains("s3cr3t"));
    }

    #[test]
    fn an_answer_without_end_is_told_in_part() {
        let wide: Value = (0..1000)
            .map(|number| (format!("m{number}"), json!(1)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let deep = (0..100).fold(json!("x"), |inner, _| json!({ "in": inner }));
        let mut found = Vec::new();
        collect(&wide, "", 0, &mut found);
        assert_eq!(found.len(), MOST);
        found.clear();
        collect(&deep, "", 0, &mut found);
        assert_eq!(found, []);
    }
}
