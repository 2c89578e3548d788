//! Key sets and signed tokens of any bytes: no bad key spoils a set, nothing is believed that was not signed, and no
//! refusal holds anything of a token.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use latchkey_core::secret::{AccessToken, IdToken};
use latchkey_core::text::MAX_FOREIGN;
use serde_json::{Value, json};

use super::algorithm::{Algorithm, Algorithms};
use super::claims::Claims;
use super::jwks::KeySet;
use super::verify::{Issuer, Type, signature};
use super::{access_token, id_token, look};
use crate::fuzzing::assert_harmless;
use crate::inspection::Inspection;

/// What the key of RFC 8037 appendix A.4 signed there; nobody signs anything else with it here.
const SIGNED: &[u8] = b"Example of Ed25519 signing";

static KEYS: LazyLock<KeySet> =
    LazyLock::new(|| KeySet::parse(json!({ "keys": [good_key()] }).to_string().as_bytes()).unwrap());

/// RFC 8037 appendix A.2.
fn good_key() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": "good", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
}

/// A document that is said to be an issuer's set of keys.
pub fn jwks(input: &[u8]) {
    let Ok(set) = KeySet::parse(input) else { return };
    let mut document: Value = serde_json::from_slice(input).unwrap();
    let keys = document["keys"].as_array_mut().unwrap();
    assert_eq!(set.keys().len() + set.passed_over().len(), keys.len().min(100));
    for key in set.keys() {
        let facts = key.facts();
        assert_eq!(facts.thumbprint.len(), 43, "{facts}");
        assert!(facts.kid.as_ref().is_none_or(|kid| kid.chars().count() <= MAX_FOREIGN + 1));
        assert_harmless(&facts.to_string());
    }
    let private = |key: &Value| key.get("d").is_some() || key.get("k").is_some();
    let public = keys.iter().take(100).filter(|key| !private(key)).count();
    assert!(set.keys().len() <= public, "a private key is used");
    if keys.len() < 100 {
        keys.push(good_key());
        let more = KeySet::parse(document.to_string().as_bytes()).unwrap();
        assert_eq!(more.keys().len(), set.keys().len() + 1, "a bad key spoils the set");
    }
}

/// A text that is said to be a signed token; a JSON object is put into the place of a token's header.
pub fn jwt(input: &[u8]) {
    let header = input.first() == Some(&b'{');
    let token = if header {
        format!("{}.eyJzdWIiOiIxIn0.c2ln", BASE64_URL_SAFE_NO_PAD.encode(input))
    } else {
        String::from_utf8_lossy(input).into_owned()
    };
    is_believed_only_if_signed(&token);
    is_shown_harmlessly(&token);
    // What is signed is judged by its claims; these are never asked for their signature.
    if let Ok(claims) = Claims::of(input) {
        let _ = claims.in_time(now());
        let _ = id_token::Original::of(&claims);
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn is_believed_only_if_signed(token: &str) {
    let algorithms = Algorithms::announced([Algorithm::EdDsa.name()]);
    match signature(token, &KEYS, &algorithms, Type::Jwt) {
        Ok(signed) => assert_eq!(signed.payload, SIGNED, "somebody else's word is believed"),
        Err(refusal) => holds_nothing_of(token, &refusal.to_string()),
    }
    let issuer = Issuer { identifier: "https://login.example.com".to_owned(), algorithms };
    let expected = id_token::Expected {
        issuer: &issuer,
        client_id: "desktop",
        trusted_audiences: &[],
        access_token: None,
        code: None,
        occasion: id_token::Occasion::SignIn { nonce: None, max_age: Some(SignedDuration::from_mins(5)) },
    };
    let refusal = id_token::verify(&IdToken::new(token), &KEYS, &expected, now()).err().unwrap();
    holds_nothing_of(token, &refusal.to_string());
    let profile = access_token::Profile::IssuersOwn;
    let expected = access_token::Expected { issuer: &issuer, audience: None, client_id: "desktop", profile };
    let refusal = access_token::verify(&AccessToken::new(token), &KEYS, &expected, now()).err().unwrap();
    holds_nothing_of(token, &refusal.to_string());
}

fn is_shown_harmlessly(token: &str) {
    let inspection = Inspection::of_stranger(&AccessToken::new(token));
    assert!(inspection.header.len() <= 40 && inspection.claims.len() <= 40);
    for shown in inspection.header.iter().chain(&inspection.claims) {
        assert_harmless(&shown.name);
        assert_harmless(&shown.value);
        assert!(shown.value.chars().count() <= 4_100, "{} characters", shown.value.chars().count());
    }
    if !inspection.jwt {
        assert!(inspection.claims.is_empty() && look::expires_at(token).is_none());
    }
}

/// No part of a token of any length stands in a refusal.
fn holds_nothing_of(token: &str, said: &str) {
    assert_harmless(said);
    for part in token.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| part.len() >= 16) {
        assert!(!said.contains(part), "it is told: {said}");
    }
}
