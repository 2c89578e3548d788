//! The life of a session, as a client meets it.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{REFRESH, Reply, World};
use crate::{Fault, FaultMode};

#[tokio::test]
async fn each_refresh_answers_a_new_token_and_consumes_the_old_one() {
    let world = World::new().await;
    let mut tokens = world.client.login().await;
    for _ in 0..3 {
        world.wait(45);
        let reply = world.client.refresh(&tokens["refreshToken"]).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("cache-control"), "no-store");
        let next = reply.json();
        assert_ne!(next["refreshToken"], tokens["refreshToken"]);
        assert_eq!(next["sessionExpiry"], tokens["sessionExpiry"]);
        tokens = next;
    }
}

#[tokio::test]
async fn a_reused_token_revokes_the_family_and_its_access_tokens() {
    let world = World::new().await;
    let first = world.client.login().await;
    let second = world.client.refresh(&first["refreshToken"]).await.json();
    let reuse = world.client.refresh(&first["refreshToken"]).await;
    assert_eq!(reuse.refusal(401, "invalid_grant"), "refresh token already used; family revoked");
    assert_eq!(reuse.header("cache-control"), "no-store");
    let live = world.client.refresh(&second["refreshToken"]).await;
    assert!(live.refusal(401, "invalid_grant").contains("revoked earlier"));
    assert_eq!(world.client.me(&second["accessToken"]).await.status, 401);
    assert_eq!(world.server.requests()[2].outcome, "refused: refresh token already used; family revoked");
}

#[tokio::test]
async fn inside_the_grace_window_a_repeated_request_gets_the_same_answer() {
    let world = World::with(|options| options.grace = std::time::Duration::from_secs(10)).await;
    let first = world.client.login().await;
    let second = world.client.refresh(&first["refreshToken"]).await;
    world.wait(9);
    let repeated = world.client.refresh(&first["refreshToken"]).await;
    assert_eq!(second.text, repeated.text);
    world.wait(1);
    world.client.refresh(&first["refreshToken"]).await.refusal(401, "invalid_grant");
}

#[tokio::test]
async fn of_two_requests_at_once_only_one_rotates() {
    let world = World::with(|options| options.grace = std::time::Duration::from_secs(10)).await;
    let first = world.client.login().await;
    let (a, b) = tokio::join!(
        world.client.refresh(&first["refreshToken"]),
        world.client.refresh(&first["refreshToken"])
    );
    assert_eq!(a.text, b.text);

    let strict = World::new().await;
    let first = strict.client.login().await;
    let (a, b) = tokio::join!(
        strict.client.refresh(&first["refreshToken"]),
        strict.client.refresh(&first["refreshToken"])
    );
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn each_end_of_a_session_is_told_in_its_own_words() {
    let world = World::new().await;
    let refusal = async |token: &Value| world.client.refresh(token).await.refusal(401, "invalid_grant");
    assert_eq!(refusal(&json!("never issued")).await, "refresh token unknown");

    let left_alone = world.client.login().await;
    world.wait(1800);
    assert_eq!(refusal(&left_alone["refreshToken"]).await, "refresh token expired");

    let signed_out = world.client.login().await;
    world.client.post("/auth/logout", json!({ "token": signed_out["refreshToken"] })).await;
    assert!(refusal(&signed_out["refreshToken"]).await.contains("signed out"));

    let revoked = world.client.login().await;
    let reply = world.client.post("/__revoke", json!({ "username": "demo@example.com" })).await;
    assert!(reply.json()["revoked"].as_u64().unwrap() >= 1);
    assert!(refusal(&revoked["refreshToken"]).await.contains("session was revoked"));

    let old = world.client.login().await;
    world.wait(8 * 3600);
    assert_eq!(refusal(&old["refreshToken"]).await, "session lifetime reached; sign in again");
}

#[tokio::test]
async fn no_expiry_passes_the_ceiling_of_the_session() {
    let world = World::with(|options| options.session_lifetime = std::time::Duration::from_secs(100)).await;
    let first = world.client.login().await;
    assert_eq!(first["refreshTokenExpiry"], first["sessionExpiry"]);
    world.wait(90);
    let last = world.client.refresh(&first["refreshToken"]).await.json();
    assert_eq!(last["sessionExpiry"], 1_900_000_100);
    assert_eq!(last["accessTokenExpiry"], last["sessionExpiry"]);
    assert_eq!(last["refreshTokenExpiry"], last["sessionExpiry"]);
}

#[tokio::test]
async fn signing_out_works_with_any_token_of_the_family_and_with_unknown_ones() {
    let world = World::new().await;
    let first = world.client.login().await;
    world.client.refresh(&first["refreshToken"]).await;
    for token in [&first["refreshToken"], &first["refreshToken"], &json!("never issued")] {
        assert_eq!(world.client.post("/auth/logout", json!({ "token": token })).await.status, 200);
    }
    assert_eq!(
        world.client.me(&first["accessToken"]).await.refusal(401, "invalid_token"),
        "the session has ended"
    );
}

#[tokio::test]
async fn revoking_counts_what_it_ended_and_knows_its_users() {
    let world = World::new().await;
    world.client.login().await;
    world.client.login().await;
    assert_eq!(world.server.revoke("demo").await, Some(2));
    assert_eq!(world.server.revoke("demo").await, Some(0));
    assert_eq!(world.server.revoke("nobody").await, None);
    world.client.post("/__revoke", json!({ "username": "nobody" })).await.refusal(404, "not_found");
}

#[tokio::test]
async fn a_client_that_hangs_up_has_asked_all_the_same() {
    let world = World::new().await;
    let login = world.client.login().await;
    let wait = std::time::Duration::from_secs(5);
    world.server.faults().add(Fault::new(REFRESH, FaultMode::Delay).after(wait)).unwrap();
    let request =
        world.client.request(Method::POST, REFRESH).json(&json!({ "token": login["refreshToken"] }));
    let asking = tokio::spawn(Reply::of(request));
    world.clock.slept_on().await;
    asking.abort();
    assert!(asking.await.is_err_and(|error| error.is_cancelled()));

    let mut follower = world.server.follow_requests();
    world.clock.advance(wait);
    assert!(follower.recv().await.unwrap().outcome.starts_with("rotated"));
}
