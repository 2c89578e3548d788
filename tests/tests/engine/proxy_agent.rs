//! The proxy beside an agent: that one's engine renews, and its ledger tells of the proxy.
#![allow(clippy::disallowed_methods, reason = "the program behind the proxy sends what it likes")]

use std::sync::Arc;

use latchkey_agent::proxy::{Authority, Proxy, ProxyOptions};
use latchkey_devserver::{DevServer, Options};
use latchkey_engine::config::Url;
use latchkey_tests::engine_world::{World, guarded};
use latchkey_tests::oauth_world::OauthWorld;
use latchkey_tests::proxied::start;
use latchkey_tests::scripted_browser::{Person, ScriptedBrowser};
use latchkey_tests::upstream::Upstream;
use serde_json::Value;

use crate::agent::{Agent, serve};

async fn gets(proxy: &Proxy, path: &str) -> reqwest::Response {
    let request = reqwest::Client::new().get(format!("{}{path}", proxy.base_url()));
    guarded("an answer through the proxy", request.send()).await.unwrap()
}

#[tokio::test]
async fn the_agent_authorizes_renews_once_and_remembers_the_proxy() {
    let (agent, upstream) = (Agent::signed_in().await, Upstream::start().await);
    let authority = || Authority::agent(agent.folder.path().to_owned());
    let proxy = start(authority(), &agent.world, &upstream.url, false).await;
    let other = start(authority(), &agent.world, &upstream.url, false).await;
    assert_eq!(gets(&proxy, "a").await.status(), 200);
    let token = agent.engine.token().await.unwrap();
    assert_eq!(upstream.arrived()[0].header("authorization"), format!("Bearer {}", token.access.expose()));
    let us = std::env::current_exe().unwrap();
    let remembered = agent.engine.now().await.consumers;
    assert_eq!((remembered.len(), remembered[0].program.as_deref()), (1, us.to_str()));
    assert_eq!(remembered[0].fingerprint, Some(token.fingerprint.to_string()));

    // Two proxies are refused the same token, and one renewal serves both.
    upstream.refuses("/items", 2);
    let both = tokio::join!(gets(&proxy, "items"), gets(&other, "items"));
    assert_eq!((both.0.status(), both.1.status()), (200.try_into().unwrap(), 200.try_into().unwrap()));
    assert_eq!(agent.world.refreshes(), 1);
    upstream.refuses("/items", usize::MAX);
    for _ in 0..5 {
        assert_eq!(gets(&proxy, "items").await.text().await.unwrap(), "refused", "the upstream's own words");
    }
    assert_eq!(agent.world.refreshes(), 2);
}

#[tokio::test]
async fn an_agent_that_says_no_or_has_ended_is_told_in_so_many_words() {
    let (agent, upstream) = (Agent::signed_in().await, Upstream::start().await);
    let authority = Authority::agent(agent.folder.path().to_owned());
    let proxy = start(authority, &agent.world, &upstream.url, false).await;
    let code = async |path: &str| {
        let answer = gets(&proxy, path).await;
        let status = answer.status().as_u16();
        let said: Value = answer.json().await.unwrap();
        (status, said["error"]["code"].as_str().unwrap().to_owned())
    };
    agent.engine.sign_out(&agent.world.account).await.unwrap();
    assert_eq!(code("a").await, (401, "sign_in_needed".to_owned()));
    agent.engine.signs_in().await.unwrap();
    assert_eq!(gets(&proxy, "a").await.status(), 200);
    let (_world, _engine) = agent.ends().await;
    assert_eq!(code("a").await, (503, "no_agent".to_owned()));
    assert_eq!(upstream.arrived().len(), 1, "nothing leaves without what authorizes it");
}

#[tokio::test]
async fn the_agent_signs_a_proof_for_each_request_and_keeps_the_key() {
    let listen = "127.0.0.1:0".parse().unwrap();
    let options = Options { listen, require_dpop_nonce: true, ..Options::default() };
    let backend = DevServer::start(options).await.unwrap();
    let issuer = backend.issuer().to_owned();
    let world = OauthWorld::at(backend, &issuer, "scope = \"openid offline_access\"");
    let mut browser = ScriptedBrowser::of(Person::who_allows("demo", "demo"));
    world.engine().signs_in_at(&mut browser).await.0.unwrap();
    let engine = world.engine();
    let (folder, server) = serve(engine.handle.clone(), World::new().await.log.clone());
    let options = ProxyOptions { listen, upstream: Url::parse(&issuer).unwrap(), open: false };
    let (account, clock) = (world.account().name.clone(), Arc::new(world.clock.clone()));
    let authority = Authority::agent(folder.path().to_owned());
    let proxy = Proxy::start(options, authority, account, clock).await.unwrap();
    for _ in 0..3 {
        assert_eq!(gets(&proxy, "oauth/userinfo?x=1").await.status(), 200);
    }
    assert_eq!(proxy.follow().borrow().repeated, 1, "the nonce is asked for once");
    proxy.stop().await;
    server.stop().await;
}
