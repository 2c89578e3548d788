//! A server that does otherwise than RFC 9700 asks, where it was told to.

use super::client::World;
use super::oidc::parties::{refresh, revoke, signed_in, user_info};
use crate::{Rule, Rules};

async fn with(rule: Rule) -> World {
    World::with(|options| options.rules = Rules::default().with([rule])).await
}

#[tokio::test]
async fn without_rotation_the_refresh_token_stays() {
    let world = with(Rule::NoRotation).await;
    let login = world.client.login().await;
    for _ in 0..3 {
        let reply = world.client.refresh(&login["refreshToken"]).await.json();
        assert_eq!(reply["refreshToken"], login["refreshToken"]);
        assert_ne!(reply["accessToken"], login["accessToken"]);
    }
    assert_eq!(world.outcome(), "refreshed: the refresh token stays");
}

#[tokio::test]
async fn a_used_refresh_token_is_refused_and_its_session_goes_on() {
    let world = with(Rule::ReuseRefused).await;
    let login = world.client.login().await;
    let next = world.client.refresh(&login["refreshToken"]).await.json();
    world.client.refresh(&login["refreshToken"]).await.refusal(401, "invalid_grant");
    assert_eq!(world.client.refresh(&next["refreshToken"]).await.status, 200);
}

#[tokio::test]
async fn a_used_refresh_token_is_exchanged_again() {
    let world = with(Rule::ReuseAccepted).await;
    let login = world.client.login().await;
    let next = world.client.refresh(&login["refreshToken"]).await.json();
    assert_eq!(world.client.refresh(&login["refreshToken"]).await.status, 200);
    assert_eq!(world.client.refresh(&next["refreshToken"]).await.status, 200);
}

#[tokio::test]
async fn a_refresh_lifetime_that_does_not_slide_ends_when_it_was_said_to() {
    let world = with(Rule::FixedRefreshLifetime).await;
    let login = world.client.login().await;
    world.wait(1799);
    let next = world.client.refresh(&login["refreshToken"]).await.json();
    assert_eq!(next["refreshTokenExpiry"], login["refreshTokenExpiry"]);
    world.wait(1);
    assert!(
        world.client.refresh(&next["refreshToken"]).await.refusal(401, "invalid_grant").contains("expired")
    );
}

#[tokio::test]
async fn a_refresh_ends_the_access_token_from_before() {
    let world = with(Rule::OldAccessDies).await;
    let login = world.client.login().await;
    let next = world.client.refresh(&login["refreshToken"]).await.json();
    world.client.me(&login["accessToken"]).await.refusal(401, "invalid_token");
    assert_eq!(world.client.me(&next["accessToken"]).await.status, 200);
    let tokens = signed_in(&world, &[]).await;
    let next = refresh(&world, &tokens["refresh_token"], &[]).await.json();
    user_info(&world, &tokens["access_token"]).await.refusal(401, "invalid_token");
    assert_eq!(user_info(&world, &next["access_token"]).await.status, 200);
}

#[tokio::test]
async fn replies_may_be_stored_and_revocation_changes_nothing() {
    let world = with(Rule::Cacheable).await;
    let login = world.client.login().await;
    assert_eq!(world.client.refresh(&login["refreshToken"]).await.header("cache-control"), "");

    let world = with(Rule::NoRevocation).await;
    let tokens = signed_in(&world, &[]).await;
    assert_eq!(revoke(&world, &tokens["refresh_token"]).await.status, 200);
    assert_eq!(refresh(&world, &tokens["refresh_token"], &[]).await.status, 200);
}

#[tokio::test]
async fn access_tokens_can_be_made_to_expire_and_used_refresh_tokens_to_come_again() {
    let world = World::new().await;
    let demo = || serde_json::json!({ "username": "demo" });
    world.client.post("/__replay", demo()).await.refusal(409, "not_found");
    let login = world.client.login().await;
    assert_eq!(world.client.post("/__expire", demo()).await.json()["expired"], 1);
    world.client.me(&login["accessToken"]).await.refusal(401, "invalid_token");
    let next = world.client.refresh(&login["refreshToken"]).await.json();
    assert_eq!(world.client.me(&next["accessToken"]).await.status, 200, "the session goes on");
    assert_eq!(world.client.post("/__replay", demo()).await.json()["verdict"], "revoked");
    world.client.refresh(&next["refreshToken"]).await.refusal(401, "invalid_grant");
    world.client.post("/__replay", serde_json::json!({ "username": "eve" })).await.refusal(404, "not_found");
}

#[tokio::test]
async fn a_server_tells_which_rules_it_was_told_to_break() {
    let world = with(Rule::ReuseAccepted).await;
    assert_eq!(world.client.get("/__rules").await.json()["broken"], serde_json::json!(["reuse-accepted"]));
    let right = World::new().await;
    assert_eq!(right.client.get("/__rules").await.json()["broken"], serde_json::json!([]));
}
