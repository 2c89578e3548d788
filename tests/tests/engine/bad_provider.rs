//! The misbehaving provider behaves until it is told otherwise, and then each fault shows.
//!
//! The matches in the modules below name every fault, so that a new one comes with the proof that it does something. None
//! may show before it is asked for.

mod endpoints;
mod id_token;
mod token_reply;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use latchkey_tests::bad_provider::{BadProvider, Dpop, Endpoint, Fault, Refresh, Settings, Tokens};
use reqwest::Url;
use serde_json::{Value, json};

use crate::plain_client::{PlainClient, ProofKey, REDIRECT_URI, Reply, query, sent, sha256};

const SCOPE: &str = "openid profile offline_access";

/// A provider and a client that knows it.
struct Pair {
    provider: BadProvider,
    client: PlainClient,
}

impl Pair {
    async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let provider = BadProvider::start(settings).await;
        let client = PlainClient::discover(provider.issuer()).await;
        Self { provider, client }
    }

    /// Where an authorization request is sent back to, and the verifier of its code.
    async fn redirect(&self) -> (Url, String) {
        let (parameters, verifier) = PlainClient::request(SCOPE);
        let reply = self.client.get(&self.client.authorization_url(&parameters)).await.unwrap();
        assert_eq!(reply.status, 302, "{reply:?}");
        (Url::parse(&reply.header("location")).unwrap(), verifier)
    }

    /// The reply to a code exchange.
    async fn tokens(&self) -> Reply {
        let (redirect, verifier) = self.redirect().await;
        self.client.redeem(&query(&redirect, "code").unwrap(), &verifier).await
    }

    /// The claims of an ID token whose signature is right by the published keys.
    async fn verified(&self, id_token: &str) -> Option<Value> {
        let published = self.client.get(&self.provider.url(Endpoint::Jwks)).await.unwrap();
        let keys: JwkSet = serde_json::from_str(&published.text).ok()?;
        let id = decode_header(id_token).ok()?.kid?;
        let mut fitting = keys.keys.iter().filter(|key| key.common.key_id.as_ref() == Some(&id));
        // A key that cannot be used is none (RFC 7517 §5).
        let key = fitting.find_map(|key| DecodingKey::from_jwk(key).ok())?;
        let mut rules = Validation::new(Algorithm::RS256);
        rules.validate_exp = false;
        rules.validate_aud = false;
        rules.required_spec_claims.clear();
        decode(id_token, &key, &rules).ok().map(|token| token.claims)
    }
}

#[tokio::test]
async fn a_code_becomes_tokens_that_verify() {
    let pair = Pair::new().await;
    let (redirect, verifier) = pair.redirect().await;
    assert!(redirect.as_str().starts_with(REDIRECT_URI));
    assert_eq!(query(&redirect, "state").as_deref(), Some("the-state"));
    assert_eq!(query(&redirect, "iss").as_deref(), Some(pair.provider.issuer()));
    let code = query(&redirect, "code").unwrap();
    // Who saw the request knows the challenge; that is not enough.
    for wrong in ["another-verifier", &sha256(&verifier)] {
        assert_eq!(pair.client.redeem(&code, wrong).await.text_of("error"), "invalid_grant");
    }
    let reply = pair.client.redeem(&code, &verifier).await;
    assert_eq!((reply.status, &reply.json()["expires_in"]), (200, &json!(60)));

    let claims = pair.verified(&reply.text_of("id_token")).await.unwrap();
    for (claim, value) in
        [("iss", pair.provider.issuer()), ("sub", "alice"), ("aud", "latchkey"), ("nonce", "the-nonce")]
    {
        assert_eq!(claims[claim], value);
    }
    let about = pair.client.user_info(&format!("Bearer {}", reply.text_of("access_token"))).await;
    assert_eq!(about.text_of("sub"), "alice");

    // Every secret is known, and nothing else has the mark.
    for token in [code.clone(), reply.text_of("access_token"), reply.text_of("refresh_token")] {
        assert!(token.starts_with("LKCANARY-") && pair.provider.secrets().contains(&token));
    }
    // A code that comes twice ends what it gave.
    assert_eq!(pair.client.redeem(&code, &verifier).await.text_of("error"), "invalid_grant");
    assert_eq!(pair.client.refresh(&reply.text_of("refresh_token")).await.text_of("error"), "invalid_grant");
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused() {
    let Pair { provider, client } = Pair::new().await;
    for (name, value, error) in [
        ("client_id", "nobody", None),
        ("redirect_uri", "http://example.test/callback", None),
        ("response_type", "token", Some("unsupported_response_type")),
        ("code_challenge_method", "plain", Some("invalid_request")),
        ("code_challenge", "", Some("invalid_request")),
    ] {
        let (mut parameters, _) = PlainClient::request(SCOPE);
        parameters.iter_mut().filter(|(key, _)| *key == name).for_each(|(_, old)| value.clone_into(old));
        let reply = client.get(&client.authorization_url(&parameters)).await.unwrap();
        match error {
            None => assert_eq!(reply.status, 400, "{name}: nobody is redirected"),
            Some(error) => assert!(reply.header("location").contains(&format!("error={error}")), "{reply:?}"),
        }
    }
    assert_eq!(client.get(&format!("{}/nowhere", provider.issuer())).await.unwrap().status, 404);
    assert_eq!(client.get(&provider.url(Endpoint::Token)).await.unwrap().status, 405);
    assert_eq!(client.user_info("Bearer nonsense").await.status, 401);
}

#[tokio::test]
async fn each_refresh_rotates_and_reuse_ends_the_family() {
    let pair = Pair::new().await;
    let first = pair.tokens().await.text_of("refresh_token");
    let second = pair.client.refresh(&first).await.text_of("refresh_token");
    assert!(!second.is_empty() && first != second);
    assert_eq!(pair.client.refresh(&first).await.text_of("error"), "invalid_grant");
    assert_eq!(pair.client.refresh(&second).await.text_of("error"), "invalid_grant");
    assert_eq!(pair.provider.refreshes(), 3);

    let kept = Pair::with(Settings { rotate: false, ..Settings::default() }).await;
    let token = kept.tokens().await.text_of("refresh_token");
    assert_eq!(kept.client.refresh(&token).await.text_of("refresh_token"), token);

    // Inside the grace window the same answer comes again, also after one that was lost.
    let kind = Pair::with(Settings { grace: Duration::from_secs(30), ..Settings::default() }).await;
    let token = kind.tokens().await.text_of("refresh_token");
    kind.provider.misbehave_times(Refresh::DropReply, 1);
    assert!(kind.client.try_refresh(&token).await.is_none());
    let again = kind.client.refresh(&token).await.text_of("refresh_token");
    assert_eq!(kind.client.refresh(&token).await.text_of("refresh_token"), again);
    assert_eq!(kind.client.refresh(&again).await.status, 200);

    kind.provider.revoke_everything();
    let last = kind.provider.secrets().into_iter().rfind(|secret| secret.contains("-rt-")).unwrap();
    assert_eq!(kind.client.refresh(&last).await.text_of("error"), "invalid_grant");
}

#[tokio::test]
async fn a_device_waits_and_is_allowed_once() {
    let pair = Pair::with(Settings { pending_polls: 2, ..Settings::default() }).await;
    let asked = [("client_id", "latchkey"), ("scope", SCOPE)];
    let device = pair.client.post("device_authorization_endpoint", &asked, None).await.unwrap();
    assert_eq!(device.json()["interval"], 5);
    let page = pair.client.get(&device.text_of("verification_uri_complete")).await.unwrap();
    assert_eq!(page.status, 200);
    let code = device.text_of("device_code");
    for _ in 0..2 {
        assert_eq!(pair.client.poll(&code).await.text_of("error"), "authorization_pending");
    }
    let reply = pair.client.poll(&code).await;
    assert_eq!(pair.verified(&reply.text_of("id_token")).await.unwrap()["sub"], "alice");
    assert_eq!(pair.client.poll(&code).await.text_of("error"), "invalid_grant");
}

#[tokio::test]
async fn tokens_are_bound_to_the_key_that_was_proven() {
    let pair = Pair::with(Settings { dpop_required: true, ..Settings::default() }).await;
    let (redirect, verifier) = pair.redirect().await;
    let code = query(&redirect, "code").unwrap();
    assert_eq!(pair.client.redeem(&code, &verifier).await.text_of("error"), "invalid_dpop_proof");
    let (key, url) = (ProofKey::new(), pair.provider.url(Endpoint::Token));
    let proof = key.proof("POST", &url, &json!({}));
    let reply = pair.client.redeem_with(&code, &verifier, Some(proof.clone())).await;
    assert_eq!((reply.status, reply.text_of("token_type").as_str()), (200, "DPoP"));

    let token = reply.text_of("refresh_token");
    for (bad, more) in [
        ("used before", None),
        ("another method", Some(json!({ "htm": "GET" }))),
        ("another url", Some(json!({ "htu": "http://127.0.0.1/token" }))),
        ("too old", Some(json!({ "iat": 1 }))),
        ("no id", Some(json!({ "jti": "" }))),
    ] {
        let proof = more.map_or_else(|| proof.clone(), |more| key.proof("POST", &url, &more));
        let refused = pair.client.refresh_with(&token, Some(proof)).await.unwrap();
        assert_eq!(refused.text_of("error"), "invalid_dpop_proof", "{bad}");
    }
    let other = ProofKey::new().proof("POST", &url, &json!({}));
    assert_eq!(
        pair.client.refresh_with(&token, Some(other)).await.unwrap().text_of("error"),
        "invalid_grant"
    );
    let good = key.proof("POST", &url, &json!({}));
    let renewed = pair.client.refresh_with(&token, Some(good)).await.unwrap();
    assert_eq!(renewed.status, 200);

    let access = renewed.text_of("access_token");
    assert_eq!(pair.client.user_info(&format!("Bearer {access}")).await.status, 401);
    let proof = key.proof("GET", &pair.provider.url(Endpoint::UserInfo), &json!({ "ath": sha256(&access) }));
    let request = pair.client.http.get(pair.provider.url(Endpoint::UserInfo));
    let request = request.header("authorization", format!("DPoP {access}")).header("dpop", proof);
    assert_eq!(sent(request).await.unwrap().status, 200);
}

type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A clock that a test moves.
fn clock_by_hand() -> (Arc<Mutex<Timestamp>>, Clock) {
    let time = Arc::new(Mutex::new("2031-02-03T04:05:06Z".parse().unwrap()));
    let clock = Arc::clone(&time);
    (time, Arc::new(move || *clock.lock().unwrap()))
}

#[tokio::test]
async fn a_pushed_request_works_once_and_soon() {
    let (time, clock) = clock_by_hand();
    let pair = Pair::with(Settings { par_required: true, clock, ..Settings::default() }).await;
    let (parameters, verifier) = PlainClient::request(SCOPE);
    let direct = pair.client.get(&pair.client.authorization_url(&parameters)).await.unwrap();
    assert_eq!(direct.status, 400);
    let pushed = pair.client.post("pushed_authorization_request_endpoint", &parameters, None).await.unwrap();
    assert_eq!(pushed.status, 201);
    let by_reference = [("client_id", "latchkey".to_owned()), ("request_uri", pushed.text_of("request_uri"))];
    let url = pair.client.authorization_url(&by_reference);
    let redirect = Url::parse(&pair.client.get(&url).await.unwrap().header("location")).unwrap();
    let reply = pair.client.redeem(&query(&redirect, "code").unwrap(), &verifier).await;
    assert_eq!(reply.status, 200);
    assert_eq!(pair.client.get(&url).await.unwrap().status, 400, "a second time");

    let late = pair.client.post("pushed_authorization_request_endpoint", &parameters, None).await.unwrap();
    *time.lock().unwrap() += SignedDuration::from_mins(1);
    let by_reference = [("client_id", "latchkey".to_owned()), ("request_uri", late.text_of("request_uri"))];
    assert_eq!(pair.client.get(&pair.client.authorization_url(&by_reference)).await.unwrap().status, 400);
}

#[tokio::test]
async fn it_keeps_what_it_was_sent_and_lives_by_the_clock_it_is_given() {
    let (time, clock) = clock_by_hand();
    let start = *time.lock().unwrap();
    let pair = Pair::with(Settings { clock, ..Settings::default() }).await;
    let reply = pair.tokens().await;
    assert_eq!(reply.header("date"), "Mon, 03 Feb 2031 04:05:06 GMT");
    let claims = pair.verified(&reply.text_of("id_token")).await.unwrap();
    assert_eq!(claims["iat"], start.as_second());
    let bearer = format!("Bearer {}", reply.text_of("access_token"));
    assert_eq!(pair.client.user_info(&bearer).await.status, 200);
    *time.lock().unwrap() = start + SignedDuration::from_mins(1);
    assert_eq!(pair.client.user_info(&bearer).await.status, 401, "expired");

    let asked = pair.provider.requests_at(Endpoint::Token);
    assert_eq!((asked[0].get("grant_type"), asked[0].at), (Some("authorization_code"), start));
    assert_eq!(pair.provider.count(Endpoint::UserInfo), 2);
    let authorized = &pair.provider.requests_at(Endpoint::UserInfo)[1];
    assert_eq!(authorized.authorization.as_deref(), Some(bearer.as_str()));
}

#[tokio::test]
async fn faults_end_when_they_are_used_up_or_taken_back() {
    let pair = Pair::new().await;
    pair.provider.misbehave_times(Tokens::TokenTypeMac, 2);
    for expected in ["mac", "mac", "Bearer"] {
        assert_eq!(pair.tokens().await.text_of("token_type"), expected);
    }
    pair.provider.misbehave(Tokens::TokenTypeMac);
    pair.provider.misbehave(Dpop::NonceForever);
    pair.provider.answer_next(Endpoint::UserInfo, 418, "text/plain", "no");
    pair.provider.behave();
    assert_eq!(pair.tokens().await.text_of("token_type"), "Bearer");
    assert_eq!(pair.client.user_info("Bearer x").await.status, 401);
    pair.provider.answer_next(Endpoint::Token, 401, "text/html", "<p>");
    assert_eq!((pair.tokens().await.text.as_str(), pair.tokens().await.status), ("<p>", 200));
}

#[test]
fn each_fault_has_a_name_of_its_own() {
    let mut names: Vec<_> = Fault::all().into_iter().map(Fault::name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}
