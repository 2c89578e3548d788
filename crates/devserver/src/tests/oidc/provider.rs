//! What the provider publishes, its keys, and its faults.

use serde_json::{Value, json};

use super::super::client::World;
use super::parties::{Browser, header, redeem, refresh, signed_in, user_info};
use crate::{Fault, FaultMode};

async fn published(world: &World) -> Vec<Value> {
    let keys = world.client.get("/.well-known/jwks.json").await.json();
    let keys = keys["keys"].as_array().unwrap();
    assert!(keys.iter().all(|key| key.get("d").is_none() && key["use"] == "sig"));
    keys.iter().map(|key| key["kid"].clone()).collect()
}

#[tokio::test]
async fn the_discovery_document_names_endpoints_that_are_there() {
    let world = World::new().await;
    let reply = world.client.get("/.well-known/openid-configuration").await;
    assert_eq!(reply.text, world.client.get("/.well-known/oauth-authorization-server").await.text);
    let document = reply.json();
    assert_eq!(document["issuer"], world.server.issuer());
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    assert_eq!(document["require_pushed_authorization_requests"], false);
    assert_eq!(document["id_token_signing_alg_values_supported"], json!(["RS256"]));
    assert_eq!(document["dpop_signing_alg_values_supported"][0], "ES256");
    let addresses = document
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| name.ends_with("_endpoint") || name.ends_with("_uri"));
    let mut there = 0;
    for (name, address) in addresses {
        let path = address.as_str().unwrap().strip_prefix(world.server.url()).unwrap();
        assert_ne!(world.client.get(path).await.status, 404, "{name}");
        there += 1;
    }
    assert_eq!(there, 8, "{document}");
}

#[tokio::test]
async fn a_replaced_key_stays_published_until_all_it_signed_has_expired() {
    let world = World::new().await;
    let before = signed_in(&world, &[]).await;
    let old = published(&world).await;
    world.wait(1);
    let reply = world.client.post("/__rotate_keys", json!({})).await;
    let new = reply.json()["kid"].clone();
    assert_eq!(published(&world).await, [new.clone(), old[0].clone()]);
    let after = refresh(&world, &before["refresh_token"], &[]).await.json();
    assert_eq!((&header(&before["id_token"])["kid"], &header(&after["id_token"])["kid"]), (&old[0], &new));
    for tokens in [&before, &after] {
        assert_eq!(user_info(&world, &tokens["access_token"]).await.status, 200);
    }
    world.wait(59);
    assert_eq!(published(&world).await.len(), 2);
    world.wait(1);
    assert_eq!(published(&world).await, [new]);
}

#[tokio::test]
async fn an_old_key_can_be_removed_at_once() {
    let world = World::new().await;
    let tokens = signed_in(&world, &[]).await;
    world.server.rotate_keys(false).await.unwrap();
    let new = world.client.post("/__rotate_keys", json!({ "remove_old": true })).await.json()["kid"].clone();
    assert_eq!(published(&world).await, [new]);
    user_info(&world, &tokens["access_token"]).await.refusal(401, "invalid_token");
    assert_eq!(refresh(&world, &tokens["refresh_token"], &[]).await.status, 200, "the session goes on");
    world.client.post("/__rotate_keys", json!({ "remove_old": "yes" })).await.refusal(400, "invalid_request");
}

#[tokio::test]
async fn a_fault_hits_an_endpoint_by_its_name() {
    let world = World::new().await;
    for (name, path) in [
        ("discovery", "/.well-known/oauth-authorization-server"),
        ("jwks", "/.well-known/jwks.json"),
        ("authorize", "/oauth/authorize"),
        ("device_page", "/device"),
        ("userinfo", "/oauth/userinfo"),
        ("end_session", "/oauth/end_session"),
        ("token", "/oauth/token"),
        ("par", "/oauth/par"),
        ("device", "/oauth/device_authorization"),
        ("revoke", "/oauth/revoke"),
    ] {
        let fault = json!({ "path": name, "mode": "status", "status": 503 });
        assert_eq!(world.client.post("/__fault", fault).await.status, 200, "{name}");
        world.client.get("/").await;
        world.client.get(path).await.refusal(503, "injected_fault");
        assert_ne!(world.client.get(path).await.status, 503, "once unless told");
    }
    let nonsense = json!({ "path": "tokens", "mode": "status" });
    assert!(world.client.post("/__fault", nonsense).await.refusal(400, "invalid_request").contains("token"));
}

#[tokio::test]
async fn a_code_whose_reply_was_lost_is_used_up() {
    let world = World::new().await;
    let code = Browser::new(&world).sign_in(&[]).await["code"].clone();
    world.server.faults().add(Fault::new("token", FaultMode::DropAfter)).unwrap();
    let grant = super::parties::code_grant(&code, &[]);
    assert!(super::parties::token_request(&world, &grant).send().await.is_err());
    assert_eq!(world.outcome(), "exchanged a code: demo; fault: closed without a reply");
    redeem(&world, &code, &[]).await.refusal(400, "invalid_grant");
}
