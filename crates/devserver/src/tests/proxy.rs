//! The proxy before a backend: here another server of this kind, which knows nothing of it.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{REFRESH, Reply, World};
use super::oidc::parties::{Browser, claims, header, redeem, refresh, user_info};
use crate::{Fault, FaultMode, LabProxy, ProxyOptions};

/// A backend, and the same backend as it is seen through a proxy.
struct Both {
    behind: World,
    proxy: LabProxy,
    seen: World,
}

async fn both(tls: bool) -> Both {
    let behind = World::new().await;
    let options = ProxyOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls,
        endpoints: vec![("refresh".into(), REFRESH.into())],
        ..ProxyOptions::before(behind.server.url().parse().unwrap())
    };
    let proxy = LabProxy::start(options).await.unwrap();
    let seen = behind.through(proxy.url(), proxy.authority()).await;
    Both { behind, proxy, seen }
}

#[tokio::test]
async fn a_client_signs_in_refreshes_and_is_struck_through_the_proxy() {
    let Both { behind, proxy, seen } = both(false).await;
    let login = seen.client.login().await;
    proxy.faults().add(Fault::new("refresh", FaultMode::DropAfter)).unwrap();
    assert!(seen.client.try_refresh(login["refreshToken"].as_str().unwrap()).await.is_err());
    assert_eq!(behind.outcome(), "rotated", "the backend has committed");
    let record = proxy.requests().pop().unwrap();
    assert_eq!((record.status, record.fault.as_deref()), (None, Some("drop_after")));
    seen.client.refresh(&login["refreshToken"]).await.refusal(401, "invalid_grant");
}

#[tokio::test]
async fn an_issuer_is_itself_under_the_proxys_name() {
    let Both { behind: _behind, proxy, seen } = both(false).await;
    let document = seen.client.get("/.well-known/openid-configuration").await.json();
    assert_eq!(document["issuer"], proxy.url(), "{document}");
    assert_eq!(document["token_endpoint"], format!("{}/oauth/token", proxy.url()));
    let back = Browser::new(&seen).sign_in(&[]).await;
    assert_eq!(back["iss"], proxy.url());
    let tokens = redeem(&seen, &back["code"], &[]).await.json();
    assert_eq!(claims(&tokens["id_token"])["iss"], proxy.url());
    let keys = seen.client.get("/.well-known/jwks.json").await.json();
    let kid = header(&tokens["id_token"])["kid"].clone();
    assert!(keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid));
    assert_eq!(user_info(&seen, &tokens["access_token"]).await.status, 200);

    // Known since the discovery document passed: a refresh is told from the exchange of a code.
    proxy.faults().add(Fault::new("refresh", FaultMode::RotateKeys)).unwrap();
    let renewed = refresh(&seen, &tokens["refresh_token"], &[]).await.json();
    assert_ne!(header(&renewed["id_token"])["kid"], kid);
    proxy.faults().add(Fault::new("token", FaultMode::ClockSkew).ahead(3600)).unwrap();
    let skewed = refresh(&seen, &renewed["refresh_token"], &[]).await.json();
    assert_eq!(claims(&skewed["id_token"])["exp"], json!(1_900_000_060_i64 + 3600));
    proxy.faults().add(Fault::new("refresh", FaultMode::RevokedFamily)).unwrap();
    refresh(&seen, &skewed["refresh_token"], &[]).await.refusal(400, "invalid_grant");
}

#[tokio::test]
async fn with_tls_only_who_names_its_authority_gets_through() {
    let Both { behind, proxy, seen } = both(true).await;
    assert!(proxy.url().starts_with("https://127.0.0.1:"));
    assert_eq!(seen.client.get("/").await.status, 200);
    let stranger = behind.through(proxy.url(), None).await;
    assert!(stranger.client.request(Method::GET, "/").send().await.is_err());
}

#[tokio::test]
async fn a_backend_that_is_away_is_said_and_the_control_answers_all_the_same() {
    let Both { behind, proxy, seen } = both(false).await;
    behind.server.shutdown().await;
    seen.client.get("/").await.refusal(502, "temporarily_unavailable");
    let fault = json!({ "path": "*", "mode": "html" });
    let from =
        |origin: &str| seen.client.request(Method::POST, "/__fault").header("origin", origin).json(&fault);
    Reply::of(from("https://evil.example")).await.refusal(403, "invalid_request");
    assert_eq!(seen.client.post("/__fault", fault.clone()).await.status, 200);
    assert_eq!(proxy.faults().planned().len(), 1);
    let list: Vec<Value> = serde_json::from_str(&seen.client.get("/__requests").await.text).unwrap();
    assert!(list.iter().all(|record| record["path"] != "/__requests"));
    assert_eq!(Reply::of(seen.client.request(Method::DELETE, "/__fault")).await.json()["cleared"], 1);
}

#[tokio::test]
async fn a_proxy_for_others_or_before_nothing_is_refused() {
    let upstream = "https://login.example".parse().unwrap();
    let open = ProxyOptions { listen: "0.0.0.0:0".parse().unwrap(), ..ProxyOptions::before(upstream) };
    assert!(LabProxy::start(open).await.err().unwrap().to_string().contains("loopback"));
    for odd in ["ftp://a.example", "https://a.example/realm", "https://user@a.example"] {
        let options = ProxyOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            ..ProxyOptions::before(odd.parse().unwrap())
        };
        assert!(LabProxy::start(options).await.is_err(), "{odd}");
    }
}
