//! Token replies as servers send them: what is read of them, and what is lost by none.

use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::json;
use zeroize::Zeroizing;

use super::super::samples;
use super::*;

fn reply(status: u16, body: &str) -> Reply {
    Reply { status, headers: HeaderMap::new(), body: Zeroizing::new(body.as_bytes().to_vec()) }
}

fn received() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn read_body(status: u16, body: &str) -> Result<Issued, Failure> {
    let config = samples::config();
    let metadata = Metadata::read(&samples::metadata(), config.issuer.as_ref().unwrap()).unwrap();
    read(&reply(status, body), &metadata, received())
}

fn read_json(changes: &Value) -> Issued {
    let mut body =
        json!({ "access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 60 });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    read_body(200, &body.to_string()).ok().unwrap()
}

fn seconds(expiry: Option<(Timestamp, Source)>) -> Option<i64> {
    expiry.map(|(at, _)| at.duration_since(received()).as_secs())
}

fn refresh(issued: &Issued) -> Option<&str> {
    issued.refresh.as_ref().map(RefreshToken::expose)
}

#[test]
fn an_ordinary_reply_is_read_and_says_which_host_it_is_from() {
    let issued = read_json(&json!({ "scope": "openid  profile", "id_token": "i" }));
    assert_eq!((refresh(&issued), seconds(issued.access_expires)), (Some("r"), Some(60)));
    assert_eq!(issued.oauth.scope.as_deref(), Some("openid profile"));
    assert_eq!(issued.oauth.token_host.as_deref(), Some("login.example.com:443"));
    assert!(issued.id.is_some() && issued.access.is_some());
}

#[test]
fn whatever_is_odd_about_the_rest_the_refresh_token_is_taken() {
    for odd in [
        json!({ "expires_in": "60" }),
        json!({ "expires_in": 60.5 }),
        json!({ "expires_in": -1 }),
        json!({ "expires_in": u64::MAX }),
        json!({ "expires_in": {} }),
        json!({ "token_type": null }),
        json!({ "token_type": 7 }),
        json!({ "token_type": "mac" }),
        json!({ "scope": ["a", "b"] }),
        json!({ "scope": null }),
        json!({ "access_token": null }),
        json!({ "access_token": 7 }),
        json!({ "access_token": "two\nlines" }),
        json!({ "id_token": 7 }),
        json!({ "error": "server_error" }),
    ] {
        assert_eq!(refresh(&read_json(&odd)), Some("r"), "{odd}");
    }
    for status in [200, 201, 203, 400, 500] {
        let issued = read_body(status, r#"{"refresh_token":"r"}"#).ok().unwrap();
        assert!(refresh(&issued) == Some("r") && issued.access.is_none(), "{status}");
    }
}

#[test]
fn no_refresh_token_and_an_empty_one_are_the_same() {
    for none in [json!(null), json!(""), json!(7), json!([])] {
        assert_eq!(refresh(&read_json(&json!({ "refresh_token": none }))), None);
    }
}

#[test]
fn a_token_of_a_type_nobody_understands_is_not_used() {
    for (kind, used) in
        [("bearer", true), ("BEARER", true), ("DPoP", true), ("dpop", true), ("mac", false), ("N_A", false)]
    {
        assert_eq!(read_json(&json!({ "token_type": kind })).access.is_some(), used, "{kind}");
    }
    assert!(read_json(&json!({ "token_type": null })).access.is_some(), "as everybody takes it");
}

#[test]
fn a_token_that_stands_twice_is_nobodys_to_choose() {
    for twice in [
        r#"{"access_token":"a","refresh_token":"r","refresh_token":"s"}"#,
        r#"{"access_token":"a","refresh_token":"r","refresh_token":"r"}"#,
        r#"{"access_token":"a","access_token":"b","refresh_token":"r"}"#,
        r#"{"refresh_token":"","refresh_token":"r"}"#,
    ] {
        assert_eq!(read_body(200, twice).err(), Some(Failure::NoReply), "{twice}");
    }
    let elsewhere =
        r#"{"access_token":"a","refresh_token":"r","x":{"refresh_token":"s"},"scope":"a","scope":"b"}"#;
    assert_eq!(refresh(&read_body(200, elsewhere).ok().unwrap()), Some("r"));
}

#[test]
fn the_end_of_a_refresh_token_is_read_where_servers_write_it() {
    let ends = |changes: &Value| seconds(read_json(changes).refresh_expires);
    assert_eq!(ends(&json!({ "refresh_expires_in": 1800 })), Some(1800));
    assert_eq!(ends(&json!({ "refresh_token_expires_in": "15811200" })), Some(15_811_200));
    assert_eq!(ends(&json!({ "refresh_expires_in": 0 })), None, "Keycloak's offline tokens do not end");
    assert_eq!(ends(&json!({ "refresh_expires_in": 0, "refresh_token_expires_in": 60 })), Some(60));
}

#[test]
fn a_bound_session_takes_no_unbound_token() {
    let mut unbound = read_json(&json!({}));
    keep_to_the_binding(&mut unbound, true, true);
    assert!(unbound.access.is_none() && refresh(&unbound) == Some("r"));
    let mut bound = read_json(&json!({ "token_type": "dpop" }));
    keep_to_the_binding(&mut bound, true, true);
    assert!(bound.access.is_some());
    let mut free = read_json(&json!({}));
    keep_to_the_binding(&mut free, false, false);
    assert!(free.access.is_some());
}

#[test]
fn a_token_that_is_bound_to_a_key_which_nobody_showed_is_not_taken() {
    let mut bound = read_json(&json!({ "token_type": "DPoP" }));
    keep_to_the_binding(&mut bound, false, false);
    assert!(bound.access.is_none() && bound.oauth.token_type.is_none() && refresh(&bound) == Some("r"));
}

proptest! {
    #[test]
    fn no_body_brings_it_down_and_no_failure_repeats_it(body in "\\PC{0,200}", status in 100_u16..600) {
        if let Err(failure) = read_body(status, &body) {
            let said = format!("{failure:?}");
            prop_assert!(body.len() < 24 || !said.contains(&body));
        }
    }

    #[test]
    fn any_refresh_token_comes_through_as_it_was(token in "[!-~]{1,300}", lifetime in any::<i64>()) {
        let body = json!({ "refresh_token": token, "access_token": "a", "expires_in": lifetime }).to_string();
        let issued = read_body(200, &body).ok().unwrap();
        prop_assert_eq!(refresh(&issued), Some(token.as_str()));
    }
}

#[test]
fn a_reply_in_a_coding_that_was_not_asked_for_may_hold_tokens_and_counts_as_lost() {
    let config = samples::config();
    let metadata = Metadata::read(&samples::metadata(), config.issuer.as_ref().unwrap()).unwrap();
    let coded = |status, coding| {
        let headers = [(reqwest::header::CONTENT_ENCODING, coding)].into_iter();
        let headers = headers.map(|(name, coding)| (name, HeaderValue::from_static(coding))).collect();
        let reply = Reply { status, headers, body: Zeroizing::new(vec![0x1f, 0x8b, 8, 0]) };
        read(&reply, &metadata, received()).err()
    };
    assert_eq!(coded(200, "gzip"), Some(Failure::NoReply));
    assert_ne!(coded(200, "identity"), Some(Failure::NoReply));
    assert_ne!(coded(403, "gzip"), Some(Failure::NoReply), "nothing was issued with that");
}
