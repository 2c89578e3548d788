//! The device grant: a code on one screen, a decision on another.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::super::client::{Reply, World};
use super::parties::{ALLOW, Browser, OFFLINE, claims, refresh};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(world: &World) -> Value {
    let form = [("client_id", "latchkey"), ("scope", OFFLINE)];
    let reply =
        Reply::of(world.client.request(Method::POST, "/oauth/device_authorization").form(&form)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    reply.json()
}

async fn poll(world: &World, device: &Value) -> Reply {
    let code = device["device_code"].as_str().unwrap();
    let form = [("client_id", "latchkey"), ("grant_type", GRANT), ("device_code", code)];
    Reply::of(world.client.request(Method::POST, "/oauth/token").form(&form)).await
}

fn user_code(device: &Value) -> String {
    device["user_code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_enters_the_code_and_the_device_gets_its_tokens() {
    let world = World::new().await;
    let device = begin(&world).await;
    let code = user_code(&device);
    let is_letter = |letter: char| "BCDFGHJKLMNPQRSTVWXZ".contains(letter);
    assert!(
        code.len() == 9
            && code.chars().enumerate().all(|(place, c)| if place == 4 { c == '-' } else { is_letter(c) })
    );
    assert_eq!(device["verification_uri"], format!("{}/device", world.server.url()));
    assert_eq!(
        device["verification_uri_complete"],
        format!("{}/device?user_code={code}", world.server.url())
    );
    assert_eq!((device["expires_in"].as_u64(), device["interval"].as_u64()), (Some(600), Some(5)));
    poll(&world, &device).await.refusal(400, "authorization_pending");

    let mut browser = Browser::new(&world);
    let empty = browser.get("/device").await;
    assert!(empty.text.contains("name=\"user_code\""));
    // As people type.
    let typed = code.to_lowercase().replace('-', "+");
    let page = browser.get(&format!("/device?user_code={typed}")).await;
    assert!(page.text.contains(&code), "shown again, to be compared");
    assert_eq!(browser.fill_in(&page, ALLOW).await.status, 200);
    assert_eq!(world.outcome(), "signed in: demo; the device is allowed");

    world.wait(5);
    let reply = poll(&world, &device).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let tokens = reply.json();
    assert_eq!(claims(&tokens["id_token"])["sub"], "demo");
    assert_eq!(refresh(&world, &tokens["refresh_token"], &[]).await.status, 200);
    poll(&world, &device).await.refusal(400, "invalid_grant");
}

#[tokio::test]
async fn polling_too_fast_makes_the_wait_longer_each_time() {
    let world = World::with(|options| options.device_interval = Duration::from_secs(2)).await;
    let device = begin(&world).await;
    assert_eq!(device["interval"], 2);
    // The seconds waited before each poll, and the answer; the interval is 2 s, then 7 s, then 12 s.
    for (wait, error) in [
        (0, "authorization_pending"),
        (2, "authorization_pending"),
        (1, "slow_down"),
        (6, "slow_down"),
        (11, "slow_down"),
        (17, "authorization_pending"),
    ] {
        world.wait(wait);
        poll(&world, &device).await.refusal(400, error);
    }
}

#[tokio::test]
async fn a_denied_device_is_told() {
    let world = World::new().await;
    let device = begin(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&format!("/device?user_code={}", user_code(&device))).await;
    assert_eq!(browser.fill_in(&page, &[("action", "deny")]).await.status, 200);
    poll(&world, &device).await.refusal(400, "access_denied");
    assert_eq!(browser.fill_in(&page, ALLOW).await.status, 400, "a decision is made once");
}

#[tokio::test]
async fn an_expired_code_is_told_to_both() {
    let world = World::new().await;
    let device = begin(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&format!("/device?user_code={}", user_code(&device))).await;
    world.wait(600);
    poll(&world, &device).await.refusal(400, "expired_token");
    let reply = browser.fill_in(&page, ALLOW).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("unknown, used or expired"));
}

#[tokio::test]
async fn one_post_is_enough_and_a_wrong_password_is_not() {
    let world = World::new().await;
    let (first, second) = (begin(&world).await, begin(&world).await);
    let mut browser = Browser::new(&world);
    let code = user_code(&first);
    let decision = |password| {
        [("user_code", code.as_str()), ("username", "demo"), ("password", password), ("action", "allow")]
    };
    assert_eq!(browser.post("/device", &decision("wrong")).await.status, 403);
    assert_eq!(browser.post("/device", &[("user_code", &code), ("action", "allow")]).await.status, 200);
    poll(&world, &first).await.refusal(400, "authorization_pending");
    assert_eq!(browser.post("/device", &decision("demo")).await.status, 200);
    assert_eq!(poll(&world, &first).await.status, 200);

    let page = browser.get(&format!("/device?user_code={}", user_code(&second))).await;
    assert!(page.text.contains("Signed in as <strong>demo</strong>"), "the browser knows the person by now");
    browser.fill_in(&page, &[("action", "allow")]).await;
    assert_eq!(poll(&world, &second).await.status, 200);
}

#[tokio::test]
async fn what_a_device_asks_wrongly_is_told() {
    let world = World::new().await;
    let ask = |form: [(&'static str, &'static str); 2]| {
        Reply::of(world.client.request(Method::POST, "/oauth/device_authorization").form(&form))
    };
    ask([("client_id", "other"), ("scope", "openid")]).await.refusal(401, "invalid_client");
    ask([("client_id", "latchkey"), ("scope", "rubbish")]).await.refusal(400, "invalid_scope");
    let unknown = serde_json::json!({ "device_code": "rubbish" });
    poll(&world, &unknown).await.refusal(400, "invalid_grant");
    assert_eq!(Browser::new(&world).get("/device?user_code=BBBB-BBBB").await.status, 400);
}
