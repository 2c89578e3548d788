//! The proxy where something says no: the upstream, the provider, or the proxy itself to whoever may not pass.
#![allow(clippy::disallowed_methods, reason = "the program behind the proxy sends what it likes")]

use std::sync::Arc;

use latchkey_agent::proxy::{Proxy, ProxyError, ProxyOptions};
use latchkey_devserver::{DevServer, Fault, FaultMode, Options};
use latchkey_engine::config::Url;
use latchkey_tests::engine_world::{REFRESH, World, guarded};
use latchkey_tests::oauth_world::OauthWorld;
use latchkey_tests::proxied::{Proxied, start};
use latchkey_tests::scripted_browser::{Person, ScriptedBrowser};
use latchkey_tests::upstream::Pieces;
use serde_json::Value;

async fn code(answer: reqwest::Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    (status, body["error"]["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_refused_request_is_sent_again_with_another_token_body_and_all() {
    let proxied = Proxied::new().await;
    proxied.upstream.refuses("/items", 1);
    let answer = proxied.posts("items", "a small body").await;
    assert_eq!(answer.status(), 200);
    let arrived = proxied.upstream.arrived();
    assert_eq!((arrived.len(), &arrived[1].body[..]), (2, &b"a small body"[..]));
    assert_ne!(arrived[0].header("authorization"), arrived[1].header("authorization"));
    assert_eq!(proxied.world.refreshes(), 1);
}

#[tokio::test]
async fn many_refused_at_once_lead_to_one_renewal() {
    let proxied = Arc::new(Proxied::new().await);
    proxied.upstream.refuses("/items", 20);
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let proxied = proxied.clone();
            tokio::spawn(async move { proxied.gets("items").await.status().as_u16() })
        })
        .collect();
    for answer in asked {
        assert_eq!(answer.await.unwrap(), 200);
    }
    assert_eq!(proxied.world.refreshes(), 1);
}

#[tokio::test]
async fn what_is_refused_for_ever_is_passed_on_and_does_not_renew_each_time() {
    let proxied = Proxied::new().await;
    proxied.upstream.refuses("/items", usize::MAX);
    for _ in 0..10 {
        let answer = proxied.gets("items").await;
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.text().await.unwrap(), "refused", "the upstream's own words");
    }
    assert_eq!((proxied.world.refreshes(), proxied.upstream.arrived().len()), (1, 11));
    assert_eq!(proxied.gets("others").await.status(), 200);
}

#[tokio::test]
async fn a_large_request_is_sent_once_and_the_next_finds_another_token() {
    let proxied = Proxied::new().await;
    proxied.upstream.refuses("/items", 1);
    let answer = proxied.posts("items", reqwest::Body::wrap(Pieces { left: 1024 * 1024 })).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(proxied.upstream.arrived().len(), 1);
    proxied.engine.until_generation(2).await;
    let answer = proxied.posts("items", reqwest::Body::wrap(Pieces { left: 1024 * 1024 })).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_session_that_ends_in_the_middle_is_told_in_so_many_words() {
    let proxied = Proxied::new().await;
    assert_eq!(proxied.gets("items").await.status(), 200);
    proxied.world.goes_wrong(Fault::new(REFRESH, FaultMode::Status).status(401));
    proxied.upstream.refuses("/items", usize::MAX);
    assert_eq!(code(proxied.gets("items").await).await, (401, "sign_in_needed".to_owned()));
    proxied.engine.access_token_expires().await;
    assert_eq!(code(proxied.gets("others").await).await, (401, "sign_in_needed".to_owned()));
    proxied.world.all_is_well_again();
    proxied.engine.signs_in().await.unwrap();
    assert_eq!(proxied.gets("others").await.status(), 200);
}

#[tokio::test]
async fn a_backend_that_cannot_be_reached_is_told_from_one_that_went_away() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let nobody = "http://127.0.0.1:1";
    let proxy = start((*engine).clone(), &world, nobody, true).await;
    let answer = reqwest::get(proxy.base_url()).await.unwrap();
    assert_eq!(code(answer).await, (502, "upstream_unreachable".to_owned()));

    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let hangs_up = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        tokio::io::AsyncReadExt::read(&mut stream, &mut request).await.unwrap()
    });
    let proxy = start((*engine).clone(), &world, &url, true).await;
    let answer = reqwest::get(proxy.base_url()).await.unwrap();
    assert_eq!(code(answer).await, (502, "upstream_unreachable".to_owned()));
    assert!(hangs_up.await.unwrap() > 0);
}

#[tokio::test]
async fn whoever_may_not_pass_reaches_nothing() {
    let proxied = Proxied::new().await;
    let (host, target) = (proxied.proxy.address(), proxied.target("x"));
    let own = format!("Host: {host}\r\n");
    for (request, status) in [
        (format!("GET {target} HTTP/1.1\r\nHost: rebound.example.com:{}\r\n\r\n", host.port()), "421"),
        (format!("GET {target} HTTP/1.1\r\n\r\n"), "400"),
        (format!("GET {target} HTTP/1.1\r\n{own}Origin: https://evil.example.com\r\n\r\n"), "403"),
        (format!("GET {target} HTTP/1.1\r\n{own}Sec-Fetch-Site: cross-site\r\n\r\n"), "403"),
        (format!("GET /wrong/x HTTP/1.1\r\n{own}\r\n"), "403"),
        (format!("GET /x HTTP/1.1\r\n{own}\r\n"), "403"),
        (format!("GET http://evil.example.com/ HTTP/1.1\r\n{own}\r\n"), "400"),
        (format!("CONNECT evil.example.com:443 HTTP/1.1\r\n{own}\r\n"), "400"),
        // The answer would be the request with the token in it.
        (format!("TRACE {target} HTTP/1.1\r\n{own}\r\n"), "501"),
        (format!("track {target} HTTP/1.1\r\n{own}\r\n"), "501"),
        // Two framings of one message are how requests are smuggled: one of them goes, and what follows is a request of
        // its own (RFC 9112 §6.3).
        (
            format!(
                "POST {target} HTTP/1.1\r\n{own}Content-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n{own}\r\n"
            ),
            "200",
        ),
        (format!("GET {target}/../../../x HTTP/1.1\r\n{own}\r\n"), "200"),
        ("garbage\r\n\r\n".to_owned(), "400"),
    ] {
        let before = proxied.upstream.arrived().len();
        let (answer, _) = proxied.says(&request, "\r\n\r\n").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}\n{answer}");
        let reached = proxied.upstream.arrived().len() - before;
        assert_eq!(reached, usize::from(status == "200"), "{request}");
    }
    assert!(proxied.upstream.arrived().iter().all(|arrived| arrived.length == 0), "nothing was smuggled");
    let by_header = reqwest::Client::new().get(format!("http://{host}/x"));
    let secret = target.split('/').nth(1).unwrap().to_owned();
    assert_eq!(by_header.header("x-latchkey-proxy", secret).send().await.unwrap().status(), 200);
    assert_eq!(proxied.upstream.arrived().last().unwrap().header("x-latchkey-proxy"), "");
}

#[tokio::test]
async fn an_open_proxy_needs_no_secret_and_keeps_web_pages_out_all_the_same() {
    let proxied = Proxied::at("/v1/", true).await;
    assert_eq!(proxied.proxy.base_url(), format!("http://{}/", proxied.proxy.address()));
    assert_eq!(proxied.gets("x").await.status(), 200);
    let page = proxied.request("x").header("origin", "https://evil.example.com");
    assert_eq!(code(proxied.sends(page).await).await, (403, "cross_site".to_owned()));
    let (answer, _) = proxied
        .says(&format!("GET /../v2/x HTTP/1.1\r\nHost: {}\r\n\r\n", proxied.proxy.address()), "\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(proxied.upstream.arrived().len(), 1);
}

#[tokio::test]
async fn a_proxy_listens_here_and_leads_where_a_token_may_go() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    for (listen, upstream) in [
        ("0.0.0.0:0", "https://api.example.com"),
        ("127.0.0.1:0", "http://api.example.com"),
        ("127.0.0.1:0", "https://me:secret@api.example.com"),
        ("127.0.0.1:0", "https://api.example.com/?a"),
        ("127.0.0.1:0", "file:///etc"),
    ] {
        let options = ProxyOptions {
            listen: listen.parse().unwrap(),
            upstream: Url::parse(upstream).unwrap(),
            open: false,
        };
        let started =
            Proxy::start(options, (*engine).clone(), world.account.clone(), Arc::new(world.clock.clone()))
                .await;
        let refused = matches!(started.err(), Some(ProxyError::NotLoopback | ProxyError::Upstream));
        assert!(refused, "{listen} {upstream}");
    }
}

#[tokio::test]
async fn bound_tokens_are_sent_with_a_proof_for_each_request() {
    for require_dpop_nonce in [false, true] {
        let listen = "127.0.0.1:0".parse().unwrap();
        let backend =
            DevServer::start(Options { listen, require_dpop_nonce, ..Options::default() }).await.unwrap();
        let issuer = backend.issuer().to_owned();
        let world = OauthWorld::at(backend, &issuer, "scope = \"openid offline_access\"");
        let mut browser = ScriptedBrowser::of(Person::who_allows("demo", "demo"));
        world.engine().signs_in_at(&mut browser).await.0.unwrap();
        let engine = world.engine();
        let options = ProxyOptions { listen, upstream: Url::parse(&issuer).unwrap(), open: false };
        let (account, clock) = (world.account().name.clone(), Arc::new(world.clock.clone()));
        let proxy = Proxy::start(options, engine.handle.clone(), account, clock).await.unwrap();
        for _ in 0..3 {
            let url = format!("{}oauth/userinfo?x=1", proxy.base_url());
            let answer = guarded("user info", reqwest::Client::new().get(url).send()).await.unwrap();
            assert_eq!(answer.status(), 200);
            assert!(answer.headers().get("dpop-nonce").is_none());
            let body: Value = answer.json().await.unwrap();
            assert!(body["sub"].is_string(), "{body}");
        }
        let repeated = proxy.follow().borrow().repeated;
        assert_eq!(repeated, u64::from(require_dpop_nonce), "the nonce is asked for once");
        proxy.stop().await;
    }
}

#[tokio::test]
async fn ending_waits_for_what_is_under_way() {
    let proxied = Proxied::new().await;
    let mut events = proxied.gets("events").await;
    guarded("the first event", events.chunk()).await.unwrap();
    let ending = tokio::spawn(proxied.proxy.stop());
    proxied.upstream.goes_on();
    let second = guarded("the second event", events.chunk()).await.unwrap().unwrap();
    assert_eq!(&second[..], b"data: two\n\n");
    guarded("the end", ending).await.unwrap();
    assert_eq!(proxied.engine.now().await.state, "signed_in");
}
