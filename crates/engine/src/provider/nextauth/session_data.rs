//! What a site says of a session: `{"user": …, "expires": …}` and whatever it adds.

use latchkey_core::text;
use serde_json::{Map, Value};

use crate::http::Reply;
use crate::vault::{Identity, MAX_ROLES};

/// How many members of a session are shown.
const MOST: usize = 40;
/// How deep members are looked for.
const DEEPEST: usize = 4;
/// What stands in the place of a member that may be a secret.
const HIDDEN: &str = "(hidden)";

/// What an answer of the session endpoint says.
pub(super) enum Word {
    /// This is the session.
    Session(Box<SessionData>),
    /// There is none.
    SignedOut,
    /// It is none of the two: something else answered, or the answer was torn.
    Unreadable,
}

/// A session, as far as it may be seen.
pub(super) struct SessionData {
    /// When it ends, as the site wrote it.
    pub(super) expires: Option<Value>,
    pub(super) identity: Identity,
    /// Its members, without those that may be secrets.
    pub(super) shown: Vec<(String, String)>,
    /// What the site says is wrong with it.
    pub(super) error: Option<String>,
}

/// Reads an answer of the session endpoint. Only status 200 with JSON is a word of the site, so a proxy's empty page
/// signs nobody out.
pub(super) fn read(reply: &Reply, whole: bool) -> Word {
    let content_type = reply.headers.get("content-type").and_then(|value| value.to_str().ok());
    let json_type = content_type.is_some_and(|kind| {
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    });
    if reply.status != 200 || !whole {
        return Word::Unreadable;
    }
    match serde_json::from_slice::<Value>(&reply.body) {
        Ok(Value::Null) if json_type => Word::SignedOut,
        Ok(Value::Object(members)) if members.is_empty() && json_type => Word::SignedOut,
        Ok(Value::Object(members)) if members.contains_key("user") || members.contains_key("expires") => {
            Word::Session(Box::new(session(&members)))
        }
        Ok(_) | Err(_) => Word::Unreadable,
    }
}

fn session(members: &Map<String, Value>) -> SessionData {
    let user = members.get("user").and_then(Value::as_object);
    let text = |names: &[&str]| {
        let found = names.iter().find_map(|name| user?.get(*name).filter(|value| !value.is_null()))?;
        let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        Some(text::foreign(&text)).filter(|text| !text.is_empty())
    };
    let roles = ["roles", "role"].iter().find_map(|name| user?.get(*name).or_else(|| members.get(*name)));
    let roles = match roles {
        Some(Value::Array(roles)) => roles.iter().filter_map(Value::as_str).map(text::foreign).collect(),
        Some(Value::String(role)) => vec![text::foreign(role)],
        _ => Vec::new(),
    };
    let error = members.get("error").or_else(|| user?.get("error"));
    let mut shown = Vec::new();
    for (name, value) in members.iter().filter(|(name, _)| *name != "expires") {
        flatten(name, value, DEEPEST, &mut shown);
    }
    shown.truncate(MOST);
    SessionData {
        expires: members.get("expires").cloned(),
        identity: Identity {
            name: text(&["name"]),
            email: text(&["email"]),
            subject: text(&["id", "sub"]),
            roles: roles.into_iter().take(MAX_ROLES).collect(),
            picture: text(&["image"]).filter(|url| url.starts_with("https://")),
        },
        shown,
        error: error.and_then(Value::as_str).map(text::foreign).filter(|error| !error.is_empty()),
    }
}

/// The members below a value, each under its path with dots.
fn flatten(path: &str, value: &Value, deep: usize, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) if deep > 0 => {
            for (name, value) in members {
                flatten(&format!("{path}.{name}"), value, deep - 1, into);
            }
        }
        Value::Null => {}
        Value::Array(_) | Value::Object(_) if holds_secret(value) => {
            into.push((text::foreign(path), HIDDEN.to_owned()));
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let hidden = named_as_secret(path) || looks_secret(&text);
            into.push((text::foreign(path), if hidden { HIDDEN.to_owned() } else { text::foreign(&text) }));
        }
    }
}

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => looks_secret(text),
        Value::Array(items) => items.iter().any(holds_secret),
        Value::Object(members) => {
            members.iter().any(|(name, value)| named_as_secret(name) || holds_secret(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a member is called like something that others must not have. Sites put their backend's access token here.
fn named_as_secret(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let times = ["expires", "expiry", "exp", "expiresat", "expiresin"];
    let is_time = times.iter().any(|time| plain.ends_with(time));
    !is_time
        && ["token", "secret", "password", "jwt", "apikey", "credential", "cookie", "privatekey"]
            .iter()
            .any(|word| plain.contains(word))
}

/// Whether a text looks like a token: long, without a blank, with letters and digits, and no address or identifier.
fn looks_secret(text: &str) -> bool {
    let jwt = text.len() > 40 && text.starts_with("ey") && text.matches('.').count() >= 2;
    let uuid = text.len() == 36 && text.matches('-').count() == 4;
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte));
    let mixed =
        text.bytes().any(|byte| byte.is_ascii_digit()) && text.bytes().any(|b| b.is_ascii_alphabetic());
    jwt || text.len() >= 32 && plain && mixed && !uuid
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
    use zeroize::Zeroizing;

    fn reply(status: u16, kind: &'static str, body: &str) -> Reply {
        let headers: HeaderMap = [(CONTENT_TYPE, HeaderValue::from_static(kind))].into_iter().collect();
        Reply { status, headers, body: Zeroizing::new(body.as_bytes().to_vec()) }
    }

    fn word(status: u16, kind: &'static str, body: &str) -> &'static str {
        match read(&reply(status, kind, body), true) {
            Word::Session(_) => "session",
            Word::SignedOut => "signed out",
            Word::Unreadable => "unreadable",
        }
    }

    const JSON: &str = "application/json; charset=utf-8";

    /// P64 of tests/catalogue.md: only the site's own word signs anybody out.
    #[test]
    fn only_an_empty_answer_in_json_with_200_means_signed_out() {
        for (status, kind, body, expected) in [
            (200, JSON, "{}", "signed out"),
            (200, JSON, "null", "signed out"),
            (200, "application/json", " null\n", "signed out"),
            (200, "text/html", "{}", "unreadable"),
            (200, "text/plain", "null", "unreadable"),
            (200, JSON, "", "unreadable"),
            (200, JSON, "[]", "unreadable"),
            (200, JSON, "{\"error\":\"x\"}", "unreadable"),
            (200, JSON, "{\"user\":{}", "unreadable"),
            (200, "text/html", "<html>", "unreadable"),
            (500, JSON, "{}", "unreadable"),
            (503, JSON, "null", "unreadable"),
            (302, JSON, "{}", "unreadable"),
            (401, JSON, "null", "unreadable"),
            (404, JSON, "null", "unreadable"),
            (200, JSON, "{\"expires\":\"2026-11-20T12:00:00Z\"}", "session"),
            (200, "text/plain", "{\"user\":{\"name\":\"A\"}}", "session"),
        ] {
            assert_eq!(word(status, kind, body), expected, "{status} {kind} {body}");
        }
        assert!(matches!(read(&reply(200, JSON, "{}"), false), Word::Unreadable), "a torn one says nothing");
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let body = r#"{"user":{"name":"Ada","email":"ada@example.test","id":7,"role":"admin","image":"javascript:1"},
            "accessToken":"short","expires":"2026-11-20T12:00:00Z","accessTokenExpiry":1790000000,
            "data":{"note":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ","list":["a","b"],
            "ids":[{"api_key":"x"}],"page":"https://shop.example/a?b=1"},"bad":"\u001b[2J"}"#;
        let Word::Session(session) = read(&reply(200, JSON, body), true) else { panic!("a session") };
        let shown: Vec<_> = session.shown.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(
            shown,
            [
                "user.name=Ada",
                "user.email=ada@example.test",
                "user.id=7",
                "user.role=admin",
                "user.image=javascript:1",
                "accessToken=(hidden)",
                "accessTokenExpiry=1790000000",
                "data.note=(hidden)",
                "data.list=[\"a\",\"b\"]",
                "data.ids=(hidden)",
                "data.page=https://shop.example/a?b=1",
                "bad=[2J",
            ]
        );
        let identity = session.identity;
        assert_eq!((identity.name.as_deref(), identity.subject.as_deref()), (Some("Ada"), Some("7")));
        assert_eq!((identity.roles, identity.picture), (vec!["admin".to_owned()], None));
    }
}
