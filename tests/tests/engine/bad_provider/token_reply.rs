//! Faults of the token reply: what it says, whether it comes, and whether a refresh token is spent then.

use latchkey_tests::bad_provider::{Endpoint, Fault, KeySet, OTHER_ISSUER, Refresh, Revocation, Tokens};
use latchkey_tests::wait::{PATIENCE, until_async};
use serde_json::{Value, json};

use super::{Pair, SCOPE};
use crate::plain_client::{Reply, claims};

#[tokio::test]
async fn members_of_the_token_reply() {
    let pair = Pair::new().await;
    let shows = |fault: Tokens, reply: &Value| {
        let (lifetime, kind) = (&reply["expires_in"], &reply["token_type"]);
        match fault {
            Tokens::ExpiresInMissing => lifetime.is_null(),
            Tokens::ExpiresInZero => *lifetime == 0,
            Tokens::ExpiresInString => *lifetime == "60",
            Tokens::ExpiresInFloat => *lifetime == 60.5,
            Tokens::ExpiresInNegative => *lifetime == -1,
            Tokens::ExpiresInHuge => lifetime.as_f64() > Some(1e29),
            Tokens::TokenTypeLower => *kind == "bearer",
            Tokens::TokenTypeUpper => *kind == "BEARER",
            Tokens::TokenTypeMac => *kind == "mac",
            Tokens::TokenTypeMissing => kind.is_null(),
            Tokens::ScopeNarrower => reply["scope"] == "openid",
            Tokens::ScopeArray => reply["scope"] == json!(SCOPE.split(' ').collect::<Vec<_>>()),
            Tokens::IdTokenMissing => reply["id_token"].is_null(),
        }
    };
    for fault in Tokens::ALL {
        pair.provider.behave();
        let right = pair.tokens().await;
        pair.provider.misbehave(*fault);
        let wrong = pair.client.refresh(&right.text_of("refresh_token")).await;
        assert!(!shows(*fault, &right.json()) && shows(*fault, &wrong.json()), "{}: {wrong:?}", fault.name());
    }
}

#[tokio::test]
async fn the_refresh() {
    let pair = Pair::new().await;
    for fault in Refresh::ALL.iter().filter(|fault| **fault != Refresh::Hang) {
        let first = pair.tokens().await;
        let token = first.text_of("refresh_token");
        pair.provider.misbehave_times(*fault, 1);
        let reply = pair.client.try_refresh(&token).await;
        let (shows, spent) = refreshed(*fault, &token, pair.provider.issuer(), reply.as_ref());
        assert!(shows, "{}: {reply:?}", fault.name());
        let again = pair.client.refresh(&token).await;
        assert_eq!(again.status, if spent { 400 } else { 200 }, "{}: is it spent?", fault.name());
    }
}

#[tokio::test]
async fn a_torn_reply_begins_and_a_dropped_one_does_not() {
    let pair = Pair::new().await;
    for (fault, begins) in [(Refresh::Torn, true), (Refresh::DropReply, false)] {
        let token = pair.tokens().await.text_of("refresh_token");
        pair.provider.misbehave_times(fault, 1);
        let form =
            [("grant_type", "refresh_token"), ("client_id", "latchkey"), ("refresh_token", token.as_str())];
        let sent = pair.client.http.post(pair.provider.url(Endpoint::Token)).form(&form).send().await;
        assert_eq!(sent.as_ref().is_ok_and(|reply| reply.status() == 200), begins, "{}", fault.name());
        if let Ok(reply) = sent {
            assert!(reply.text().await.is_err());
        }
    }
}

#[tokio::test]
async fn some_replies_never_come_while_others_do() {
    let pair = Pair::new().await;
    let token = pair.tokens().await.text_of("refresh_token");
    let refresh =
        [("grant_type", "refresh_token"), ("client_id", "latchkey"), ("refresh_token", token.as_str())];
    let post = |endpoint| pair.client.http.post(pair.provider.url(endpoint)).form(&refresh);
    let revoke = [("client_id", "latchkey"), ("token", token.as_str())];
    for (fault, endpoint, request) in [
        (Fault::from(KeySet::Hang), Endpoint::Jwks, pair.client.http.get(pair.provider.url(Endpoint::Jwks))),
        (Refresh::Hang.into(), Endpoint::Token, post(Endpoint::Token)),
        (Revocation::Hang.into(), Endpoint::Revocation, post(Endpoint::Revocation).form(&revoke)),
    ] {
        let before = pair.provider.count(endpoint);
        pair.provider.misbehave_times(fault, 1);
        let waiting = tokio::spawn(request.send());
        let arrived = async || (pair.provider.count(endpoint) > before).then_some(());
        until_async("the request to arrive", PATIENCE, arrived).await;
        let other = pair.client.get(&pair.provider.url(Endpoint::Discovery)).await.unwrap();
        assert!(other.status == 200 && !waiting.is_finished(), "{}", fault.name());
        waiting.abort();
    }
    assert_eq!(pair.client.refresh(&token).await.text_of("error"), "invalid_grant", "the refresh took place");
}

/// Whether the reply is what the fault promises, and whether the token is spent then.
fn refreshed(fault: Refresh, old: &str, issuer: &str, reply: Option<&Reply>) -> (bool, bool) {
    let Some(reply) = reply else {
        return (matches!(fault, Refresh::DropReply | Refresh::Torn), true);
    };
    let (body, status) = (reply.json(), reply.status);
    let new = body["refresh_token"].as_str().is_some_and(|new| !new.is_empty() && new != old);
    let id = body["id_token"].as_str().map(claims).unwrap_or_default();
    let json = reply.header("content-type") == "application/json";
    let later = |expected: u16| status == expected && reply.header("retry-after") == "2";
    match fault {
        Refresh::NoRefreshToken => {
            (body.get("refresh_token").is_none() && body["access_token"].is_string(), false)
        }
        Refresh::EmptyRefreshToken => (body["refresh_token"] == "", false),
        Refresh::NullRefreshToken => (body.get("refresh_token") == Some(&Value::Null), false),
        Refresh::SameRefreshToken => (body["refresh_token"] == old, false),
        Refresh::Duplicate => (reply.text.matches("\"refresh_token\"").count() == 2 && new, true),
        Refresh::NewIss => (id["iss"] == OTHER_ISSUER && id["sub"] == "alice" && new, true),
        Refresh::NewSub => (id["iss"] == issuer && id["sub"] == "mallory" && new, true),
        Refresh::DropReply | Refresh::Torn | Refresh::Hang => (false, true),
        Refresh::Truncated => {
            (body.is_null() && reply.text.contains("\"refresh_token\":\"LKCANARY-rt-"), true)
        }
        Refresh::EmptyBody => (status == 200 && reply.text.is_empty(), true),
        Refresh::Created => (status == 201 && new, true),
        Refresh::Text => (!json && new, true),
        Refresh::Html => (status == 200 && reply.text.contains("guest network"), false),
        Refresh::NoContent => (status == 204 && reply.text.is_empty(), false),
        Refresh::Redirect => (status == 302 && !reply.header("location").starts_with(issuer), false),
        Refresh::TooMany => (later(429), false),
        Refresh::Unavailable => (later(503), false),
        Refresh::ServerErrorWithVerdict => (status == 500 && body["error"] == "invalid_grant", false),
        Refresh::VerdictWithOk => (status == 200 && body["error"] == "invalid_grant", false),
    }
}
