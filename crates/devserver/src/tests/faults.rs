//! Each fault, as a client meets it, and whether the request was done.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{REFRESH, Reply, World};
use crate::{Fault, FaultMode, fault::replies::BIG};

/// A signed-in user whose next refresh goes wrong.
async fn signed_in(fault: Fault) -> (World, Value) {
    let world = World::new().await;
    let login = world.client.login().await;
    world.server.faults().add(fault).unwrap();
    (world, login["refreshToken"].clone())
}

/// Whether the token is still live, which it is only if the request with the fault was not done.
async fn unspent(world: &World, token: &Value) -> bool {
    world.client.refresh(token).await.status == 200
}

#[tokio::test]
async fn status_answers_as_told_and_does_nothing() {
    let fault = Fault::new(REFRESH, FaultMode::Status).status(429).header("Retry-After", "7");
    let (world, token) = signed_in(fault).await;
    let reply = world.client.refresh(&token).await;
    reply.refusal(429, "injected_fault");
    assert_eq!(reply.header("retry-after"), "7");
    assert_eq!(world.outcome(), "fault: another status");
    assert!(unspent(&world, &token).await);
}

#[tokio::test]
async fn status_can_bring_a_body_of_its_own() {
    let fault = Fault::new(REFRESH, FaultMode::Status).status(401).body(r#"{"error":"invalid_client"}"#);
    let (world, token) = signed_in(fault).await;
    let reply = world.client.refresh(&token).await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json(), json!({ "error": "invalid_client" }));
}

#[tokio::test]
async fn delay_waits_and_then_does_what_was_asked() {
    let wait = Duration::from_secs(30);
    let (world, token) = signed_in(Fault::new(REFRESH, FaultMode::Delay).after(wait)).await;
    let (reply, ()) = tokio::join!(world.client.refresh(&token), async {
        world.clock.slept_on().await;
        world.clock.advance(wait);
    });
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["accessTokenExpiry"], 1_900_000_090, "issued after the wait");
}

#[tokio::test]
async fn a_delay_does_not_hold_up_the_shutdown() {
    let (world, token) =
        signed_in(Fault::new(REFRESH, FaultMode::Delay).after(Duration::from_mins(10))).await;
    let client = world.client.clone();
    let asking = tokio::spawn(async move { client.try_refresh(token.as_str().unwrap()).await });
    world.clock.slept_on().await;
    world.server.shutdown().await;
    assert!(asking.await.unwrap().is_err());
}

#[tokio::test]
async fn drop_before_closes_the_connection_and_does_nothing() {
    let (world, token) = signed_in(Fault::new(REFRESH, FaultMode::DropBefore)).await;
    assert!(world.client.try_refresh(token.as_str().unwrap()).await.is_err());
    let record = world.server.requests().pop().unwrap();
    assert_eq!((record.status, record.outcome.as_str()), (None, "fault: closed before anything was done"));
    assert!(unspent(&world, &token).await);
}

#[tokio::test]
async fn drop_after_closes_the_connection_once_the_token_is_spent() {
    let (world, token) = signed_in(Fault::new(REFRESH, FaultMode::DropAfter)).await;
    assert!(world.client.try_refresh(token.as_str().unwrap()).await.is_err());
    let record = world.server.requests().pop().unwrap();
    assert_eq!((record.status, record.outcome.as_str()), (None, "rotated; fault: closed without a reply"));
    assert!(record.family.is_some());
    assert!(!unspent(&world, &token).await);
}

#[tokio::test]
async fn html_answers_like_a_captive_portal() {
    let (world, token) = signed_in(Fault::new(REFRESH, FaultMode::Html)).await;
    let reply = world.client.refresh(&token).await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(reply.text.starts_with("<!doctype html>"));
    assert!(unspent(&world, &token).await);
}

#[tokio::test]
async fn empty_answers_with_nothing() {
    let (world, token) = signed_in(Fault::new(REFRESH, FaultMode::Empty)).await;
    let reply = world.client.refresh(&token).await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""));
    assert!(unspent(&world, &token).await);
}

#[tokio::test]
async fn torn_sends_half_of_the_reply_and_breaks_off() {
    let (world, token) = signed_in(Fault::new(REFRESH, FaultMode::Torn)).await;
    let mut response = world
        .client
        .request(Method::POST, REFRESH)
        .json(&json!({ "token": token }))
        .send()
        .await
        .expect("the head of the reply arrives");
    let announced = response.content_length().unwrap();
    let mut arrived = Vec::new();
    let broke_off = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => arrived.extend_from_slice(&chunk),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broke_off);
    assert_eq!(arrived.len() as u64, announced / 2);
    assert!(arrived.starts_with(b"{\"accessToken\""));
    assert!(!unspent(&world, &token).await);
}

#[tokio::test]
async fn big_streams_30_mb_of_json_without_a_length() {
    let (world, token) = signed_in(Fault::new(REFRESH, FaultMode::Big)).await;
    let reply = world.client.refresh(&token).await;
    assert_eq!(reply.header("content-length"), "");
    assert_eq!(reply.text.len(), BIG);
    assert!(reply.json()["padding"].is_string());
    assert!(unspent(&world, &token).await);
}

#[tokio::test]
async fn redirect_points_elsewhere() {
    let fault =
        Fault::new(REFRESH, FaultMode::Redirect).status(307).header("Location", "https://login.example/");
    let (world, token) = signed_in(fault).await;
    let reply = world.client.refresh(&token).await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (307, "https://login.example/"));
    assert!(unspent(&world, &token).await);
}

#[tokio::test]
async fn faults_are_planned_listed_and_cleared_over_http() {
    let world = World::new().await;
    let fault = json!({ "path": "/", "mode": "status", "status": 503, "count": -1 });
    assert_eq!(world.client.post("/__fault", fault.clone()).await.status, 200);
    for _ in 0..3 {
        assert_eq!(world.client.get("/").await.status, 503);
    }
    assert_eq!(world.client.get("/__fault").await.json()["planned"], json!([fault]));
    let cleared = Reply::of(world.client.request(Method::DELETE, "/__fault")).await;
    assert_eq!(cleared.json()["cleared"], 1);
    assert_eq!(world.client.get("/").await.status, 200);

    let once = json!({ "path": "*", "mode": "drop_before" });
    world.client.post("/__fault", once).await;
    assert!(world.client.request(Method::GET, "/").send().await.is_err());
    assert_eq!(world.client.get("/").await.status, 200, "once unless told");

    let nonsense = json!({ "path": "/", "mode": "status", "count": 0 });
    assert!(world.client.post("/__fault", nonsense).await.refusal(400, "invalid_request").contains("count"));
}
