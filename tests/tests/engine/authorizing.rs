//! What authorizes a request to a resource server: a header, a proof where the token is bound to a key, and what a refusal
//! leads to.
#![allow(clippy::disallowed_methods, reason = "whoever has the headers sends the request")]

use jiff::SignedDuration;
use latchkey_devserver::{DevServer, Options};
use latchkey_engine::TokenRequest;
use latchkey_engine::authorization::RequestHeaders;
use latchkey_engine::jose::dpop::resource_asks_for_nonce;
use latchkey_tests::engine_world::World;
use latchkey_tests::oauth_world::{OauthEngine, OauthWorld};
use latchkey_tests::scripted_browser::{Person, ScriptedBrowser};
use reqwest::{Method, Url};

const AT_ONCE: TokenRequest = TokenRequest { min_valid: SignedDuration::ZERO, wait: SignedDuration::ZERO };

#[tokio::test]
async fn a_plain_token_is_sent_as_a_bearer_token() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let url = Url::parse(&format!("{}/auth/me", world.server().url())).unwrap();
    let authorized = engine.request_headers(&world.account, AT_ONCE, &Method::GET, &url).await.unwrap();
    assert_eq!((authorized.generation, authorized.headers.len()), (1, 1));
    assert_eq!(
        format!("{:?}", authorized.headers),
        r#"{"authorization": Sensitive}"#,
        "it cannot be printed"
    );
    let answer = reqwest::Client::new().get(url).headers(authorized.headers).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_token_that_was_refused_is_replaced_once_however_many_say_so() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let refused = engine.token().await.unwrap().fingerprint;
    assert_eq!(engine.replace_rejected(&world.account, refused).await.unwrap().generation, 2);
    assert_eq!(
        engine.replace_rejected(&world.account, refused).await.unwrap().generation,
        2,
        "it is told late"
    );
    assert_eq!(world.refreshes(), 1);
    assert!(engine.token().await.unwrap().fingerprint != refused);
}

#[tokio::test]
async fn a_bound_token_comes_with_a_proof_for_that_request_alone() {
    for require_dpop_nonce in [false, true] {
        let listen = "127.0.0.1:0".parse().unwrap();
        let options = Options { listen, require_dpop_nonce, ..Options::default() };
        let backend = DevServer::start(options).await.unwrap();
        let issuer = backend.issuer().to_owned();
        let url = Url::parse(&format!("{issuer}/oauth/userinfo?page=2")).unwrap();
        let world = OauthWorld::at(backend, &issuer, "scope = \"openid offline_access\"");
        let mut browser = ScriptedBrowser::of(Person::who_allows("demo", "demo"));
        world.engine().signs_in_at(&mut browser).await.0.unwrap();

        // Another process, which has spoken to nobody yet.
        let engine = world.engine();
        let first = headers(&world, &engine, &Method::GET, &url).await;
        let (status, asks) = asked(&world, &engine, &url, first).await;
        assert_eq!((status, asks), if require_dpop_nonce { (401, true) } else { (200, false) });
        // With the nonce that the refusal brought, the next proof is good; none is good twice or for another method.
        let again = headers(&world, &engine, &Method::GET, &url).await;
        let copy = RequestHeaders { headers: again.headers.clone(), ..again };
        assert_eq!(asked(&world, &engine, &url, again).await.0, 200);
        assert_eq!(asked(&world, &engine, &url, copy).await.0, 401, "a proof is used once");
        let other = headers(&world, &engine, &Method::DELETE, &url).await;
        assert_eq!(asked(&world, &engine, &url, other).await.0, 401, "it was made for another method");
    }
}

async fn headers(
    world: &OauthWorld<DevServer>,
    engine: &OauthEngine,
    method: &Method,
    url: &Url,
) -> RequestHeaders {
    engine.handle.request_headers(&world.account().name, AT_ONCE, method, url).await.unwrap()
}

/// Asks the resource with these headers: its status, and whether it wants a nonce.
async fn asked(
    world: &OauthWorld<DevServer>,
    engine: &OauthEngine,
    url: &Url,
    with: RequestHeaders,
) -> (u16, bool) {
    let answer = reqwest::Client::new().get(url.clone()).headers(with.headers).send().await.unwrap();
    engine.handle.heard_from_resource(&world.account().name, url, answer.headers()).unwrap();
    let status = answer.status().as_u16();
    (status, resource_asks_for_nonce(status, answer.headers()))
}
