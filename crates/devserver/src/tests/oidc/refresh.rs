//! Refresh over OAuth: the same rotation, reuse detection, grace window and ceiling as the REST login's.

use std::{path::Path, sync::Arc, time::Duration};

use reqwest::Method;
use serde_json::json;

use super::super::client::{Reply, World};
use super::parties::{Browser, claims, redeem, refresh, refresh_grant, signed_in, token_request, user_info};
use crate::{Fault, FaultMode, clock::manual::ManualClock};

#[tokio::test]
async fn each_refresh_answers_new_tokens_and_consumes_the_old_one() {
    let world = World::new().await;
    let mut tokens = signed_in(&world, &[]).await;
    let first = claims(&tokens["id_token"]);
    for _ in 0..3 {
        world.wait(45);
        let reply = refresh(&world, &tokens["refresh_token"], &[]).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(world.outcome(), "rotated");
        let next = reply.json();
        assert_ne!(next["refresh_token"], tokens["refresh_token"]);
        let id = claims(&next["id_token"]);
        assert_eq!((&id["sub"], &id["aud"], &id["sid"]), (&first["sub"], &first["aud"], &first["sid"]));
        assert_eq!(id["auth_time"], first["auth_time"]);
        assert!(id.get("nonce").is_none(), "it belongs to the authorization request");
        tokens = next;
    }
}

#[tokio::test]
async fn a_reused_token_revokes_the_family_and_its_access_tokens() {
    let world = World::new().await;
    let first = signed_in(&world, &[]).await;
    let second = refresh(&world, &first["refresh_token"], &[]).await.json();
    let reuse = refresh(&world, &first["refresh_token"], &[]).await;
    assert_eq!(reuse.refusal(400, "invalid_grant"), "refresh token already used; family revoked");
    refresh(&world, &second["refresh_token"], &[]).await.refusal(400, "invalid_grant");
    let info = user_info(&world, &second["access_token"]).await;
    assert_eq!(info.refusal(401, "invalid_token"), "the session has ended");
    assert_eq!(info.header("www-authenticate"), "Bearer error=\"invalid_token\"");
}

#[tokio::test]
async fn inside_the_grace_window_a_repeated_request_gets_the_same_answer() {
    let world = World::with(|options| options.grace = Duration::from_secs(10)).await;
    let first = signed_in(&world, &[]).await;
    let second = refresh(&world, &first["refresh_token"], &[]).await;
    world.wait(9);
    assert_eq!(refresh(&world, &first["refresh_token"], &[]).await.text, second.text);
    world.wait(1);
    refresh(&world, &first["refresh_token"], &[]).await.refusal(400, "invalid_grant");
}

#[tokio::test]
async fn a_reply_lost_after_the_rotation_costs_the_session_unless_there_is_a_window() {
    for (grace, status) in [(0, 400), (10, 200)] {
        let world = World::with(|options| options.grace = Duration::from_secs(grace)).await;
        let tokens = signed_in(&world, &[]).await;
        world.server.faults().add(Fault::new("token", FaultMode::DropAfter)).unwrap();
        let grant = refresh_grant(&tokens["refresh_token"], &[]);
        assert!(token_request(&world, &grant).send().await.is_err());
        assert_eq!(world.outcome(), "rotated; fault: closed without a reply");
        assert_eq!(refresh(&world, &tokens["refresh_token"], &[]).await.status, status);
    }
}

#[tokio::test]
async fn a_refresh_can_ask_for_less_and_never_for_more() {
    let world = World::new().await;
    let tokens = signed_in(&world, &[("scope", "openid email offline_access")]).await;
    for scope in ["openid profile", "rubbish"] {
        refresh(&world, &tokens["refresh_token"], &[("scope", scope)]).await.refusal(400, "invalid_scope");
    }
    let less = refresh(&world, &tokens["refresh_token"], &[("scope", "email")]).await.json();
    assert_eq!((&less["scope"], &claims(&less["access_token"])["scope"]), (&json!("email"), &json!("email")));
    assert!(less.get("id_token").is_none() && less["refresh_token"].is_string());
    let all = refresh(&world, &less["refresh_token"], &[]).await.json();
    assert_eq!(all["scope"], "email offline_access openid", "less once is not less for good");
}

#[tokio::test]
async fn no_expiry_passes_the_ceiling_of_the_session() {
    let world = World::with(|options| options.session_lifetime = Duration::from_secs(100)).await;
    let tokens = signed_in(&world, &[]).await;
    assert_eq!(tokens["refresh_expires_in"], 100);
    world.wait(90);
    let last = refresh(&world, &tokens["refresh_token"], &[]).await.json();
    assert_eq!((&last["expires_in"], &last["refresh_expires_in"]), (&json!(10), &json!(10)));
    world.wait(10);
    let words = refresh(&world, &last["refresh_token"], &[]).await.refusal(400, "invalid_grant");
    assert_eq!(words, "session lifetime reached; sign in again");
}

#[tokio::test]
async fn an_administrator_ends_sessions_of_both_kinds_and_the_browser_with_them() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let answer = browser.sign_in(&[]).await;
    let tokens = redeem(&world, &answer["code"], &[]).await.json();
    world.client.login().await;
    assert_eq!(world.server.revoke("demo").await, Some(2));
    refresh(&world, &tokens["refresh_token"], &[]).await.refusal(400, "invalid_grant");
    assert_eq!(browser.authorize(&[]).await.status, 200, "the person is asked again");
}

#[tokio::test]
async fn a_session_outlives_a_restart_with_all_that_was_decided_about_it() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let path = folder.path().join("devserver.json");
    let world = start(&clock, &path).await;
    let listen = world.server.address();
    let first = signed_in(&world, &[("scope", "openid offline_access")]).await;
    let revoked = signed_in(&world, &[]).await;
    let access = revoked["access_token"].as_str().unwrap();
    let form = [("client_id", "latchkey"), ("token", access)];
    Reply::of(world.client.request(Method::POST, "/oauth/revoke").form(&form)).await;
    world.server.rotate_keys(false).await.unwrap();
    let second = refresh(&world, &first["refresh_token"], &[]).await.json();
    world.server.shutdown().await;

    let written = std::fs::read_to_string(&path).unwrap();
    for tokens in [&first, &second, &revoked] {
        for name in ["access_token", "refresh_token", "id_token"] {
            assert!(!written.contains(tokens[name].as_str().unwrap()), "the {name} is in the file");
        }
    }
    let world = World::at(clock.clone(), |options| {
        options.listen = listen;
        options.state = Some(path.clone());
    })
    .await
    .unwrap();
    assert!(world.server.notices().is_empty());
    assert_eq!(user_info(&world, &first["access_token"]).await.status, 200, "its key is still published");
    let words = user_info(&world, &revoked["access_token"]).await.refusal(401, "invalid_token");
    assert_eq!(words, "the access token was revoked");
    let third = refresh(&world, &second["refresh_token"], &[]).await;
    assert_eq!(third.json()["scope"], "offline_access openid");
    let reuse = refresh(&world, &first["refresh_token"], &[]).await;
    assert_eq!(reuse.refusal(400, "invalid_grant"), "refresh token already used; family revoked");
}

#[tokio::test]
async fn what_was_decided_is_in_the_file_before_the_answer_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("devserver.json");
    let world = start(&ManualClock::new(), &path).await;
    let mut before = std::fs::read(&path).unwrap();
    let mut written = |what: &str| {
        let now = std::fs::read(&path).unwrap();
        assert_ne!(now, before, "{what}");
        before = now;
    };
    let mut browser = Browser::new(&world);
    let code = browser.sign_in(&[("scope", "openid")]).await["code"].clone();
    redeem(&world, &code, &[]).await;
    written("a code was exchanged");
    let tokens = signed_in(&world, &[]).await;
    written("another was exchanged");
    refresh(&world, &tokens["refresh_token"], &[]).await;
    written("rotated");
    let form = [("client_id", "latchkey"), ("token", tokens["access_token"].as_str().unwrap())];
    Reply::of(world.client.request(Method::POST, "/oauth/revoke").form(&form)).await;
    written("an access token was revoked");
    refresh(&world, &tokens["refresh_token"], &[]).await.refusal(400, "invalid_grant");
    written("a reuse was seen");
    let page = browser.get("/oauth/end_session").await;
    browser.fill_in(&page, &[("action", "allow")]).await;
    written("signed out");
    world.client.post("/__rotate_keys", json!({})).await;
    written("the key was replaced");
}

#[tokio::test]
async fn a_state_file_from_before_oauth_is_read() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let path = folder.path().join("devserver.json");
    let world = start(&clock, &path).await;
    let login = world.client.login().await;
    world.server.shutdown().await;
    let mut written: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    written.as_object_mut().unwrap().remove("old_keys").unwrap();
    for family in written["families"]["families"].as_object_mut().unwrap().values_mut() {
        for new in ["authorization", "revoked_access"] {
            family.as_object_mut().unwrap().remove(new).unwrap();
        }
    }
    std::fs::write(&path, written.to_string()).unwrap();

    let world = start(&clock, &path).await;
    assert!(world.server.notices().is_empty());
    assert_eq!(world.client.refresh(&login["refreshToken"]).await.status, 200);
}

async fn start(clock: &Arc<ManualClock>, path: &Path) -> World {
    World::at(clock.clone(), |options| options.state = Some(path.to_owned())).await.unwrap()
}
