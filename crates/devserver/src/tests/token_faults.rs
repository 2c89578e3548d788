//! The faults that change a reply with tokens, or what it is worth.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{REFRESH, Reply, World};
use super::oidc::parties::{header, refresh, signed_in, user_info};
use crate::{Fault, FaultMode};

/// What the next refresh of a signed-in user answers, and the server it was.
async fn next_refresh(fault: Fault) -> (World, Reply) {
    let world = World::new().await;
    let login = world.client.login().await;
    world.server.faults().add(fault).unwrap();
    let reply = world.client.refresh(&login["refreshToken"]).await;
    (world, reply)
}

#[tokio::test]
async fn a_reply_lacks_or_bends_only_what_the_fault_is_about() {
    for (mode, member, expected) in [
        (FaultMode::NoRefreshToken, "refreshToken", Value::Null),
        (FaultMode::ExpiryMissing, "accessTokenExpiry", Value::Null),
        (FaultMode::ExpiryText, "accessTokenExpiry", json!("1900000060")),
        (FaultMode::ExpiryZero, "accessTokenExpiry", json!(0)),
        (FaultMode::ExpiryNegative, "accessTokenExpiry", json!(-60)),
        (FaultMode::WrongType, "accessTokenExpiry", json!({ "value": 1_900_000_060 })),
    ] {
        let (world, reply) = next_refresh(Fault::new("refresh", mode)).await;
        let json = reply.json();
        assert_eq!((reply.status.as_u16(), &json[member]), (200, &expected), "{mode:?}");
        assert_eq!(world.client.me(&json["accessToken"]).await.status, 200, "the token itself is good");
        let record = world.server.requests().into_iter().find(|record| record.fault.is_some()).unwrap();
        assert_eq!(record.fault.as_deref(), Some(mode.name()));
        assert!(record.outcome.starts_with("rotated; fault: "), "{}", record.outcome);
    }
}

#[tokio::test]
async fn the_same_faults_bend_the_reply_of_the_token_endpoint() {
    let world = World::new().await;
    let tokens = signed_in(&world, &[]).await;
    world.server.faults().add(Fault::new("refresh", FaultMode::ExpiryText)).unwrap();
    let reply = refresh(&world, &tokens["refresh_token"], &[]).await.json();
    assert_eq!(reply["expires_in"], "60");
    world.server.faults().add(Fault::new("refresh", FaultMode::UnknownKey)).unwrap();
    let reply = refresh(&world, &reply["refresh_token"], &[]).await.json();
    let kid = header(&reply["id_token"])["kid"].clone();
    let published = world.client.get("/.well-known/jwks.json").await.json();
    assert!(published["keys"].as_array().unwrap().iter().all(|key| key["kid"] != kid));
}

#[tokio::test]
async fn a_wrong_clock_shows_in_the_date_and_in_what_is_issued() {
    let (world, reply) = next_refresh(Fault::new("refresh", FaultMode::ClockSkew).ahead(-7200)).await;
    assert_eq!(reply.json()["accessTokenExpiry"], 1_900_000_060 - 7200);
    assert_eq!(reply.header("date"), "Sun, 17 Mar 2030 15:46:40 GMT");
    let right = world.client.get("/").await;
    assert_eq!(right.header("date"), "Sun, 17 Mar 2030 17:46:40 GMT");
}

#[tokio::test]
async fn a_family_is_revoked_or_a_key_replaced_before_the_request_is_done() {
    let (world, reply) = next_refresh(Fault::new("refresh", FaultMode::RevokedFamily)).await;
    assert!(reply.refusal(401, "invalid_grant").contains("revoked"));
    let tokens = signed_in(&world, &[]).await;
    world.server.faults().add(Fault::new("refresh", FaultMode::RotateKeys)).unwrap();
    let renewed = refresh(&world, &tokens["refresh_token"], &[]).await.json();
    assert_ne!(header(&tokens["id_token"])["kid"], header(&renewed["id_token"])["kid"]);
    user_info(&world, &tokens["access_token"]).await.refusal(401, "invalid_token");
}

#[tokio::test]
async fn a_good_access_token_can_be_refused_before_its_time() {
    let world = World::new().await;
    let login = world.client.login().await;
    world.server.faults().add(Fault::new("me", FaultMode::EarlyUnauthorized)).unwrap();
    let reply = world.client.me(&login["accessToken"]).await;
    assert_eq!(reply.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    reply.refusal(401, "invalid_token");
    assert_eq!(world.client.me(&login["accessToken"]).await.status, 200);
}

#[tokio::test]
async fn json_can_say_that_it_is_text_and_a_connection_can_be_reset() {
    let (_, reply) = next_refresh(Fault::new("refresh", FaultMode::ContentType)).await;
    assert!(reply.header("content-type").starts_with("text/plain"));
    assert!(reply.json()["accessToken"].is_string());

    let world = World::new().await;
    let login = world.client.login().await;
    world.server.faults().add(Fault::new(REFRESH, FaultMode::Reset)).unwrap();
    let error = world.client.try_refresh(login["refreshToken"].as_str().unwrap()).await.unwrap_err();
    let mut causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let reset = causes.any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionReset)
    });
    assert!(reset, "{error:?}");
    assert_eq!(world.client.refresh(&login["refreshToken"]).await.status, 200, "nothing was done");
}

#[tokio::test]
async fn a_reply_drips_as_fast_as_the_clock_lets_it() {
    let world = World::new().await;
    let login = world.client.login().await;
    world.server.faults().add(Fault::new(REFRESH, FaultMode::Drip).after(Duration::from_secs(1))).unwrap();
    let drip = world.client.refresh(&login["refreshToken"]);
    let time = async {
        loop {
            world.clock.slept_on().await;
            world.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        reply = drip => assert!(reply.json()["accessToken"].is_string()),
        () = time => {}
    }
}

#[tokio::test]
async fn a_page_of_another_site_plans_nothing() {
    let world = World::new().await;
    let fault = json!({ "path": "/", "mode": "status" });
    let from =
        |origin: &str| world.client.request(Method::POST, "/__fault").header("origin", origin).json(&fault);
    Reply::of(from("https://evil.example")).await.refusal(403, "invalid_request");
    Reply::of(from("null")).await.refusal(403, "invalid_request");
    let plain = world.client.request(Method::POST, "/__fault").body(fault.to_string());
    Reply::of(plain).await.refusal(400, "invalid_request");
    assert!(world.server.faults().planned().is_empty());
    assert_eq!(Reply::of(from(world.server.url())).await.status, 200);
}
