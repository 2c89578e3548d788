//! Proof of possession: what binds, what is checked, and the nonce.

use aws_lc_rs::{
    digest,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, ThumbprintHash},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::super::client::{Reply, World};
use super::parties::{
    ALLOW, Browser, Change, claims, code_grant, redeem, refresh_grant, request, sent_back, token_request,
};
use crate::token::random_id;

/// The key of an app, and the proofs it makes.
struct Key {
    algorithm: Algorithm,
    encoding: EncodingKey,
    jwk: Jwk,
}

impl Key {
    fn new() -> Self {
        Self::of("ES256")
    }

    fn of(algorithm: &str) -> Self {
        let elliptic = |kind| {
            let pair = EcdsaKeyPair::generate(kind).unwrap();
            EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref())
        };
        let encoding = match algorithm {
            "ES256" => elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING),
            "EdDSA" => {
                let pair = Ed25519KeyPair::generate().unwrap();
                EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref())
            }
            other => panic!("no app of these tests signs with {other}"),
        };
        let algorithm = algorithm.parse().unwrap();
        let jwk = Jwk::from_encoding_key(&encoding, algorithm).unwrap();
        Self { algorithm, encoding, jwk }
    }

    fn thumbprint(&self) -> String {
        self.jwk.thumbprint(ThumbprintHash::SHA256).unwrap()
    }

    /// The claims of a proof for this place, as they should be.
    fn claims(world: &World, method: &str, path: &str) -> Value {
        json!({
            "jti": random_id().unwrap(),
            "htm": method,
            "htu": format!("{}{path}", world.server.url()),
            "iat": 1_900_000_000,
        })
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as("dpop+jwt", claims)
    }

    fn sign_as(&self, typ: &str, claims: &Value) -> String {
        let header =
            Header { typ: Some(typ.into()), jwk: Some(self.jwk.clone()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap()
    }

    /// A request to the token endpoint with a proof, changed as told.
    fn prove(&self, world: &World, request: RequestBuilder, change: &Value) -> RequestBuilder {
        request.header("DPoP", self.sign(&merged(Self::claims(world, "POST", "/oauth/token"), change)))
    }
}

fn sha256_text(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// `null` takes a claim away.
fn merged(mut claims: Value, change: &Value) -> Value {
    let claims_object = claims.as_object_mut().unwrap();
    claims_object.extend(change.as_object().unwrap().clone());
    claims_object.retain(|_, value| !value.is_null());
    claims
}

async fn code(world: &World, change: Change<'_>) -> String {
    Browser::new(world).sign_in(change).await["code"].clone()
}

async fn bound(world: &World, key: &Key) -> Value {
    let grant = code_grant(&code(world, &[]).await, &[]);
    let reply = Reply::of(key.prove(world, token_request(world, &grant), &json!({}))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

fn ask_user_info(world: &World, scheme: &str, token: &Value, proof: Option<String>) -> RequestBuilder {
    let token = token.as_str().unwrap();
    let request = world
        .client
        .request(Method::GET, "/oauth/userinfo")
        .header("authorization", format!("{scheme} {token}"));
    match proof {
        Some(proof) => request.header("DPoP", proof),
        None => request,
    }
}

#[tokio::test]
async fn tokens_are_bound_to_the_key_that_was_proven() {
    let (world, key, other) = (World::new().await, Key::new(), Key::new());
    let tokens = bound(&world, &key).await;
    assert_eq!(tokens["token_type"], "DPoP");
    assert_eq!(claims(&tokens["access_token"])["cnf"]["jkt"], key.thumbprint());

    let grant = refresh_grant(&tokens["refresh_token"], &[]);
    let without = Reply::of(token_request(&world, &grant)).await;
    without.refusal(400, "invalid_dpop_proof");
    let with_other = Reply::of(other.prove(&world, token_request(&world, &grant), &json!({}))).await;
    assert!(with_other.refusal(400, "invalid_grant").contains("another DPoP key"));
    let next = Reply::of(key.prove(&world, token_request(&world, &grant), &json!({}))).await;
    assert_eq!((next.status.as_u16(), next.json()["token_type"].as_str()), (200, Some("DPoP")));
}

#[tokio::test]
async fn every_signature_that_is_published_is_taken() {
    let world = World::new().await;
    let document = world.client.get("/.well-known/openid-configuration").await.json();
    for name in document["dpop_signing_alg_values_supported"].as_array().unwrap() {
        let key = Key::of(name.as_str().unwrap());
        let tokens = bound(&world, &key).await;
        assert_eq!(claims(&tokens["access_token"])["cnf"]["jkt"], key.thumbprint(), "{name}");
    }
}

#[tokio::test]
async fn a_proof_for_something_else_is_no_proof_and_costs_nothing() {
    let (world, key) = (World::new().await, Key::new());
    let tokens = bound(&world, &key).await;
    let grant = refresh_grant(&tokens["refresh_token"], &[]);
    let elsewhere = format!("{}/oauth/userinfo", world.server.url());
    for (change, about) in [
        (json!({ "htm": "GET" }), "htm"),
        (json!({ "htu": elsewhere }), "htu"),
        (json!({ "htu": "http://example.com/oauth/token" }), "htu"),
        (json!({ "iat": 1_900_000_000 - 61 }), "iat"),
        (json!({ "iat": 1_900_000_000 + 61 }), "iat"),
        (json!({ "iat": null }), "claims are missing"),
        (json!({ "jti": null }), "claims are missing"),
    ] {
        let reply = Reply::of(key.prove(&world, token_request(&world, &grant), &change)).await;
        let words = reply.refusal(400, "invalid_dpop_proof");
        assert!(words.contains(about), "{change}: {words}");
    }

    let good = Key::claims(&world, "POST", "/oauth/token");
    let send = |proof: String| Reply::of(token_request(&world, &grant).header("DPoP", proof));
    for (proof, about) in [
        (key.sign_as("JWT", &good), "typ"),
        ("rubbish".into(), "cannot be read"),
        (tampered(&key.sign(&good)), "signature"),
        (reheaded(&key.sign(&good), |header| header["jwk"]["d"] = "canary".into()), "private key"),
        (reheaded(&key.sign(&good), |header| header["alg"] = "none".into()), "alg"),
        (reheaded(&key.sign(&good), |header| header["alg"] = "HS256".into()), "alg"),
        (reheaded(&key.sign(&good), |header| header["crit"] = json!(["x"])), "crit"),
        (reheaded(&key.sign(&good), |header| header["jwk"] = Value::Null), "cannot be read"),
    ] {
        let words = send(proof).await.refusal(400, "invalid_dpop_proof");
        assert!(words.contains(about), "{words}");
    }
    let twice = token_request(&world, &grant).header("DPoP", key.sign(&good)).header("DPoP", key.sign(&good));
    assert!(Reply::of(twice).await.refusal(400, "invalid_dpop_proof").contains("more than one"));

    let proof = key.sign(&good);
    assert_eq!(send(proof.clone()).await.status, 200, "after all that the token is still live");
    assert!(send(proof).await.refusal(400, "invalid_dpop_proof").contains("jti"));
}

#[tokio::test]
async fn user_info_takes_a_bound_token_only_with_its_own_proof() {
    let (world, key, other) = (World::new().await, Key::new(), Key::new());
    let token = bound(&world, &key).await["access_token"].clone();
    let good = || {
        let ath = sha256_text(token.as_str().unwrap());
        merged(Key::claims(&world, "GET", "/oauth/userinfo"), &json!({ "ath": ath }))
    };
    let info = Reply::of(ask_user_info(&world, "DPoP", &token, Some(key.sign(&good())))).await;
    assert_eq!((info.status.as_u16(), info.json()["sub"].as_str()), (200, Some("demo")));

    for (scheme, proof, error) in [
        ("Bearer", None, "invalid_token"),
        ("DPoP", None, "invalid_dpop_proof"),
        ("DPoP", Some(key.sign(&merged(good(), &json!({ "ath": null })))), "invalid_dpop_proof"),
        (
            "DPoP",
            Some(key.sign(&merged(good(), &json!({ "ath": sha256_text("other") })))),
            "invalid_dpop_proof",
        ),
        ("DPoP", Some(key.sign(&merged(good(), &json!({ "htm": "POST" })))), "invalid_dpop_proof"),
        ("DPoP", Some(other.sign(&good())), "invalid_token"),
    ] {
        let reply = Reply::of(ask_user_info(&world, scheme, &token, proof)).await;
        reply.refusal(401, error);
        let challenge = reply.header("www-authenticate");
        assert!(challenge.starts_with(&format!("DPoP error=\"{error}\", algs=\"ES256")), "{challenge}");
    }
    let nothing = world.client.get("/oauth/userinfo").await;
    let challenges: Vec<_> = nothing.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges, ["Bearer", "DPoP algs=\"ES256 ES384 EdDSA\""]);
    let unbound = super::parties::signed_in(&world, &[]).await["access_token"].clone();
    let reply = Reply::of(ask_user_info(&world, "DPoP", &unbound, Some(key.sign(&good())))).await;
    reply.refusal(401, "invalid_token");
}

#[tokio::test]
async fn where_a_nonce_is_demanded_it_is_handed_out_and_stands_in_for_the_clock() {
    let (world, key) = (World::with(|options| options.require_dpop_nonce = true).await, Key::new());
    let grant = code_grant(&code(&world, &[]).await, &[]);
    let first = Reply::of(key.prove(&world, token_request(&world, &grant), &json!({}))).await;
    first.refusal(400, "use_dpop_nonce");
    let nonce = first.header("dpop-nonce").to_owned();
    let wrong =
        Reply::of(key.prove(&world, token_request(&world, &grant), &json!({ "nonce": "other" }))).await;
    wrong.refusal(400, "use_dpop_nonce");

    // A client whose clock is an hour behind.
    let change = json!({ "nonce": nonce, "iat": 1_900_000_000 - 3600 });
    let reply = Reply::of(key.prove(&world, token_request(&world, &grant), &change)).await;
    assert_eq!((reply.status.as_u16(), reply.header("dpop-nonce")), (200, nonce.as_str()), "{}", reply.text);

    let token = reply.json()["access_token"].clone();
    let ath = sha256_text(token.as_str().unwrap());
    let proof = |nonce: &Value| {
        let change = json!({ "ath": ath, "nonce": nonce });
        key.sign(&merged(Key::claims(&world, "GET", "/oauth/userinfo"), &change))
    };
    world.wait(59);
    let info = Reply::of(ask_user_info(&world, "DPoP", &token, Some(proof(&Value::Null)))).await;
    info.refusal(401, "use_dpop_nonce");
    assert!(info.header("www-authenticate").starts_with("DPoP error=\"use_dpop_nonce\""));
    let info = Reply::of(ask_user_info(&world, "DPoP", &token, Some(proof(&json!(nonce))))).await;
    assert_eq!(info.status, 200, "{}", info.text);

    let grant = refresh_grant(&reply.json()["refresh_token"], &[]);
    world.wait(61);
    let old = Reply::of(key.prove(&world, token_request(&world, &grant), &json!({ "nonce": nonce }))).await;
    old.refusal(400, "use_dpop_nonce");
    let fresh = json!({ "nonce": old.header("dpop-nonce") });
    let reply = Reply::of(key.prove(&world, token_request(&world, &grant), &fresh)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn a_code_can_be_bound_to_a_key_before_it_is_issued() {
    let (world, key, other) = (World::new().await, Key::new(), Key::new());
    let thumbprint = key.thumbprint();
    let in_the_request = code(&world, &[("dpop_jkt", &thumbprint)]).await;

    let pushed = world.client.request(Method::POST, "/oauth/par").form(&request(&[]));
    let proof = key.sign(&Key::claims(&world, "POST", "/oauth/par"));
    let pushed = Reply::of(pushed.header("DPoP", proof)).await.json();
    let path = format!(
        "/oauth/authorize?client_id=latchkey&request_uri={}",
        pushed["request_uri"].as_str().unwrap()
    );
    let mut browser = Browser::new(&world);
    let page = browser.get(&path).await;
    let in_the_push = sent_back(&browser.fill_in(&page, ALLOW).await)["code"].clone();

    for code in [in_the_request, in_the_push] {
        redeem(&world, &code, &[]).await.refusal(400, "invalid_grant");
        let grant = code_grant(&code, &[]);
        let reply = Reply::of(other.prove(&world, token_request(&world, &grant), &json!({}))).await;
        reply.refusal(400, "invalid_grant");
        let reply = Reply::of(key.prove(&world, token_request(&world, &grant), &json!({}))).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }

    let form = request(&[("dpop_jkt", &thumbprint)]);
    let proof = other.sign(&Key::claims(&world, "POST", "/oauth/par"));
    let reply =
        Reply::of(world.client.request(Method::POST, "/oauth/par").form(&form).header("DPoP", proof)).await;
    reply.refusal(400, "invalid_request");
}

/// The proof with another header, under the old signature.
fn reheaded(proof: &str, change: impl FnOnce(&mut Value)) -> String {
    let (header, rest) = proof.split_once('.').unwrap();
    let mut header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    change(&mut header);
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

/// The proof with another first character of its signature.
fn tampered(proof: &str) -> String {
    let (signed, signature) = proof.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}
