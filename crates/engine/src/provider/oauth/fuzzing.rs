//! Token replies of any bytes: no readable token is lost, and no failure holds one.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use jiff::{SignedDuration, Timestamp};
use latchkey_core::disposition::Failure;
use latchkey_core::secret::{AccessToken, RefreshToken};
use latchkey_core::token_set::Source;
use serde_json::Value;

use super::answer;
use super::metadata::Metadata;
use super::token_reply;
use crate::config::{Config, Mapping, OauthConfig, ProviderConfig};
use crate::fuzzing::{assert_harmless, reply, secrets};
use crate::http::Reply;
use crate::provider::Issued;
use crate::provider::reply as credentials;

pub use super::listener::fuzzing::callback;

const ACCOUNT: &str =
    "[accounts.work]\nprovider = \"oauth\"\nclient_id = \"desktop\"\nissuer = \"https://login.example.com\"";

static CONFIG: LazyLock<OauthConfig> =
    LazyLock::new(|| match Config::parse(ACCOUNT, None).unwrap().accounts.remove(0).provider {
        ProviderConfig::Oauth(config) => Arc::unwrap_or_clone(config),
        ProviderConfig::Credentials(_) | ProviderConfig::Nextauth(_) => {
            unreachable!("an authorization server")
        }
    });

/// A reply as `crate::fuzzing::reply` reads one, for an authorization server and for a REST login.
pub fn token_reply(input: &[u8]) {
    let reply = reply(input);
    let received = Timestamp::from_second(1_790_000_000).unwrap();
    let body = serde_json::from_slice::<Value>(&reply.body).ok().filter(Value::is_object);
    of_an_authorization_server(&reply, body.as_ref(), received);
    of_a_rest_login(&reply, body.as_ref(), received);
    if let Some(error) = token_reply::error(&reply) {
        let said = body.as_ref().and_then(|body| body.get("error_description")).and_then(Value::as_str);
        let reason = answer::ended(&error, said);
        assert_harmless(&reason.message());
        holds_nothing_of(body.as_ref(), &reason.message());
    }
}

fn of_an_authorization_server(reply: &Reply, body: Option<&Value>, received: Timestamp) {
    let token = |name: &str| body?.get(name)?.as_str().filter(|token| !token.is_empty());
    match token_reply::read(reply, &Metadata::of_account(&CONFIG), received) {
        Ok(issued) => {
            let refresh = issued.refresh.as_ref().map(RefreshToken::expose);
            assert!(refresh == token("refresh_token"), "a refresh token was lost or made up");
            let access = issued.access.as_ref().map(AccessToken::expose);
            let sent = token("access_token").map(str::trim_ascii);
            assert!(access.is_none() || access == sent, "an access token was made up");
            assert!(access.is_none_or(|access| !access.contains(char::is_control)), "it would be two lines");
            ends_are_believable(&issued, received);
        }
        Err(failure) => {
            let lost = token("refresh_token").or(token("access_token").filter(|text| usable(text))).is_some();
            assert!(!lost || failure == Failure::NoReply && stands_twice(&reply.body), "a token was lost");
            holds_nothing_of(body, &format!("{failure:?}"));
        }
    }
}

fn of_a_rest_login(reply: &Reply, body: Option<&Value>, received: Timestamp) {
    let token = |name: &str| body?.get(name)?.as_str().filter(|token| !token.is_empty());
    match credentials::read(reply, &Mapping::default(), &BTreeSet::from([401]), received) {
        Ok(issued) => {
            let refresh = issued.refresh.as_ref().map(RefreshToken::expose);
            assert!(
                token("refreshToken").is_none_or(|token| refresh == Some(token)),
                "a refresh token was lost"
            );
            assert!(issued.refresh.is_some() || issued.access.is_some());
            ends_are_believable(&issued, received);
            for (_, shown) in issued.identity.members() {
                assert_harmless(&shown);
            }
        }
        Err(failure) => {
            let lost = token("refreshToken").or(token("accessToken").filter(|text| usable(text)));
            assert!(lost.is_none(), "a token was lost");
            holds_nothing_of(body, &format!("{failure:?}"));
        }
    }
}

fn usable(access: &str) -> bool {
    credentials::access_token(access).is_some()
}

/// What a server writes must not keep a token from being renewed: no end lies beyond ten years.
fn ends_are_believable(issued: &Issued, received: Timestamp) {
    let ends = [issued.access_expires, issued.refresh_expires, issued.session_expires];
    for (at, _) in ends.into_iter().flatten().filter(|(_, source)| *source != Source::JwtExp) {
        let away = at.duration_since(received);
        assert!(away >= SignedDuration::from_hours(-24) && away <= SignedDuration::from_hours(10 * 366 * 24));
    }
}

fn holds_nothing_of(body: Option<&Value>, said: &str) {
    for secret in body.map(secrets).unwrap_or_default() {
        assert!(!said.contains(secret), "it is told: {said}");
    }
}

/// Whether a token's name may stand there twice: an escape can hide one.
fn stands_twice(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.contains('\\')
        || ["refresh_token", "access_token", "id_token"].iter().any(|name| text.matches(name).count() > 1)
}
