use super::*;
use crate::jose::algorithm::{Algorithm, Algorithms};
use crate::jose::jwk::PublicKey;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;
use static_assertions::assert_not_impl_any;

assert_not_impl_any!(ProofKey: std::fmt::Debug, std::fmt::Display, serde::Serialize);

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn part(proof: &str, number: usize) -> Value {
    let part = proof.split('.').nth(number).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The claims of a proof whose signature its own `jwk` verifies, as a server would read it.
fn claims_of(proof: &Secret) -> Value {
    let header = part(proof.expose(), 0);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
    // `of_jwk` refuses private members.
    let key = PublicKey::of_jwk(header["jwk"].as_object().unwrap()).unwrap();
    let (signed, signature) = proof.expose().rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(key.verifies(Algorithm::Es256, signed.as_bytes(), &signature));
    part(proof.expose(), 1)
}

#[test]
fn a_proof_is_for_one_method_one_address_one_token_and_one_nonce() {
    let (key, _) = ProofKey::generate().unwrap();
    let token = AccessToken::new("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
    let (method, url) = (Method::GET, url("https://user:pw@resource.example.org:8443/a?q=1#f"));
    let request = Request { method: &method, url: &url, access_token: Some(&token), nonce: Some("eyJ7S_zG") };
    let claims = claims_of(&key.proof(request, NOW).unwrap());
    assert_eq!(claims["htm"], "GET");
    assert_eq!(claims["htu"], "https://resource.example.org:8443/a");
    assert_eq!(claims["iat"], NOW.as_second());
    assert_eq!(claims["nonce"], "eyJ7S_zG");
    assert_eq!(claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo", "RFC 9449 §7.1");
    let bare = Request { access_token: None, nonce: None, ..request };
    let claims = claims_of(&key.proof(bare, NOW).unwrap());
    assert!(claims.get("ath").is_none() && claims.get("nonce").is_none());
}

#[test]
fn no_proof_is_like_another() {
    let (key, _) = ProofKey::generate().unwrap();
    let (method, url) = (Method::POST, url("https://server.example.com/token"));
    let request = Request { method: &method, url: &url, access_token: None, nonce: None };
    let proofs: Vec<_> =
        (0..20).map(|_| claims_of(&key.proof(request, NOW).unwrap())["jti"].to_string()).collect();
    let different: std::collections::BTreeSet<_> = proofs.iter().collect();
    assert_eq!(different.len(), proofs.len());
    assert!(proofs.iter().all(|jti| jti.len() == 24), "22 characters of 16 octets, in quotes: {proofs:?}");
}

#[test]
fn a_key_that_was_kept_is_the_same_key_and_two_keys_are_not() {
    let (key, stored) = ProofKey::generate().unwrap();
    let again = ProofKey::of_stored(&stored).unwrap();
    assert_eq!(key.thumbprint(), again.thumbprint());
    assert_eq!(key.jwk, again.jwk);
    assert_ne!(key.thumbprint(), ProofKey::generate().unwrap().0.thumbprint());
    let (method, url) = (Method::POST, url("https://server.example.com/token"));
    let proof =
        again.proof(Request { method: &method, url: &url, access_token: None, nonce: None }, NOW).unwrap();
    assert_eq!(part(proof.expose(), 0)["jwk"], key.jwk);
}

#[test]
fn what_was_not_kept_by_us_is_no_key() {
    for other in ["", "x", "AAAA", &"A".repeat(184), "MIG="] {
        assert!(ProofKey::of_stored(&DpopKey::new(other)).is_err(), "{other}");
    }
}

/// RFC 9449 §4.1, §6.1: the key of the example and its thumbprint.
#[test]
fn the_thumbprint_is_the_one_of_the_standards_example() {
    let jwk = json!({ "kty": "EC", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA", "crv": "P-256" });
    let key = PublicKey::of_jwk(jwk.as_object().unwrap()).unwrap();
    assert_eq!(key.facts().thumbprint, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

#[test]
fn a_proof_passes_for_no_token() {
    use crate::jose::jwks::KeySet;
    use crate::jose::verify::{Type, signature};
    let (key, _) = ProofKey::generate().unwrap();
    let (method, url) = (Method::POST, url("https://server.example.com/token"));
    let proof =
        key.proof(Request { method: &method, url: &url, access_token: None, nonce: None }, NOW).unwrap();
    let keys = KeySet::parse(json!({ "keys": [key.jwk] }).to_string().as_bytes()).unwrap();
    for typ in [Type::Jwt, Type::AccessToken] {
        assert!(signature(proof.expose(), &keys, &Algorithms::all(), typ).is_err());
    }
}

fn headers(name: &'static str, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
}

#[test]
fn each_server_gets_its_own_newest_nonce() {
    let mut nonces = Nonces::default();
    let (here, there) = (url("https://as.example/token"), url("https://as.example:8443/token"));
    assert_eq!(nonces.newest(Server::Authorization, &here), None);
    assert!(nonces.learn(Server::Authorization, &here, &headers("dpop-nonce", "one")));
    assert!(nonces.learn(Server::Authorization, &here, &headers("dpop-nonce", "two")));
    assert!(!nonces.learn(Server::Authorization, &here, &headers("dpop-nonce", "two")), "nothing new");
    assert!(!nonces.learn(Server::Authorization, &here, &HeaderMap::new()));
    assert_eq!(nonces.newest(Server::Authorization, &url("https://as.example/par?x=1")), Some("two"));
    assert_eq!(nonces.newest(Server::Resource, &here), None, "even at the same address");
    assert_eq!(nonces.newest(Server::Authorization, &there), None);
}

#[test]
fn what_is_no_nonce_is_not_sent_back() {
    let mut nonces = Nonces::default();
    let here = url("https://as.example/token");
    for nonce in ["", "a b", "a\"b", "a\\b", "\t", &"a".repeat(1025)] {
        assert!(!nonces.learn(Server::Authorization, &here, &headers("dpop-nonce", nonce)), "{nonce:?}");
    }
    assert_eq!(nonces.newest(Server::Authorization, &here), None);
    assert!(nonces.learn(Server::Authorization, &here, &headers("dpop-nonce", &"a".repeat(1024))));
}

#[test]
fn want_of_a_nonce_is_told_from_other_refusals() {
    let reply = |status, headers: HeaderMap, body: &str| Reply {
        status,
        headers,
        body: body.as_bytes().to_vec().into(),
    };
    let challenge = |text| headers("www-authenticate", text);
    for (server, reply, expected) in [
        (Server::Authorization, reply(400, HeaderMap::new(), r#"{"error":"use_dpop_nonce"}"#), true),
        (Server::Authorization, reply(400, HeaderMap::new(), r#"{"error":"invalid_dpop_proof"}"#), false),
        (Server::Authorization, reply(500, HeaderMap::new(), r#"{"error":"use_dpop_nonce"}"#), false),
        (Server::Authorization, reply(400, HeaderMap::new(), "<html>"), false),
        (Server::Resource, reply(401, challenge(r#"DPoP error="use_dpop_nonce", algs="ES256""#), ""), true),
        // Schemes have no case (RFC 9110 §11.1).
        (Server::Resource, reply(401, challenge(r#"dpop error="use_dpop_nonce""#), ""), true),
        (Server::Resource, reply(401, challenge(r#"DPoP error="invalid_token""#), ""), false),
        (Server::Resource, reply(401, challenge(r#"Bearer error="use_dpop_nonce""#), ""), false),
        (Server::Resource, reply(400, challenge(r#"DPoP error="use_dpop_nonce""#), ""), false),
    ] {
        assert_eq!(asks_for_nonce(server, &reply), expected, "{server:?} {}", reply.status);
    }
}
