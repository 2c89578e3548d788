//! Replies that hold a token and are odd otherwise. The refresh token is taken first, whatever the rest is.

use jiff::{SignedDuration, Timestamp};
use latchkey_core::limits::Limits;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_tests::engine_world::{Like, REFRESH, World};
use serde_json::{Value, json};

const ACCESS: &str = "a-new-access-token";

async fn refresh_token_after(body: Value) -> (String, String) {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let before = world.stored_refresh_token().await;
    world.next_renewal_says(&body);
    let status = engine.renews().await.unwrap();
    assert_eq!((status.state.as_str(), status.generation), ("signed_in", 2), "{body}");
    (before, world.stored_refresh_token().await)
}

#[tokio::test]
async fn a_reply_without_a_refresh_token_leaves_the_old_one_in_force() {
    for odd in [json!({}), json!({ "refreshToken": "" }), json!({ "refreshToken": null })] {
        let mut body = json!({ "accessToken": ACCESS, "accessTokenExpiry": 60 });
        body.as_object_mut().unwrap().extend(odd.as_object().unwrap().clone());
        let (before, after) = refresh_token_after(body).await;
        assert!(before == after, "{odd}");
    }
}

#[tokio::test]
async fn a_new_refresh_token_is_kept_whatever_the_rest_of_the_reply_is() {
    for odd in [
        json!({ "accessTokenExpiry": "60" }),
        json!({ "accessTokenExpiry": 60.0 }),
        json!({ "accessTokenExpiry": "soon" }),
        json!({ "accessTokenExpiry": -1 }),
        json!({ "accessTokenExpiry": 1e30 }),
        json!({ "accessTokenExpiry": null, "scope": ["a", "b"], "tokenType": "mac", "unknown": { "deep": [1] } }),
    ] {
        let mut body = json!({ "accessToken": ACCESS, "refreshToken": "the-new-refresh-token" });
        body.as_object_mut().unwrap().extend(odd.as_object().unwrap().clone());
        let (_, after) = refresh_token_after(body).await;
        assert_eq!(after, "the-new-refresh-token", "{odd}");
    }
}

#[tokio::test]
async fn a_reply_with_nothing_but_a_refresh_token_loses_it_not() {
    for odd in [json!({}), json!({ "accessToken": "two\nlines" })] {
        let world = World::new().await;
        let engine = world.signed_in().await;
        let mut body = json!({ "refreshToken": "the-new-refresh-token" });
        body.as_object_mut().unwrap().extend(odd.as_object().unwrap().clone());
        world.next_renewal_says(&body);
        let _ = engine.renews().await;
        assert_eq!(world.stored_refresh_token().await, "the-new-refresh-token");
        assert!(engine.token_at_once().await.is_err(), "{odd}: no program can send it");
    }
}

#[tokio::test]
async fn another_status_or_content_type_does_not_hide_a_token() {
    for (status, kind) in [(200, "text/plain"), (201, "application/json"), (200, "text/html"), (203, "x")] {
        let world = World::new().await;
        let engine = world.signed_in().await;
        let body = json!({ "accessToken": ACCESS, "refreshToken": "the-new-refresh-token", "accessTokenExpiry": 60 });
        let fault = Fault::new(REFRESH, FaultMode::Status).status(status).header("Content-Type", kind);
        world.goes_wrong(fault.body(body.to_string()));
        assert_eq!(engine.renews().await.unwrap().generation, 2, "{status} {kind}");
        assert_eq!(world.stored_refresh_token().await, "the-new-refresh-token");
    }
}

#[tokio::test]
async fn the_same_refresh_token_again_is_a_new_generation() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let same = world.stored_refresh_token().await;
    world.next_renewal_says(&json!({ "accessToken": ACCESS, "refreshToken": same, "accessTokenExpiry": 60 }));
    let status = engine.renews().await.unwrap();
    assert_eq!((status.generation, status.refresh.unwrap().rotates), (2, Some(false)));
}

#[tokio::test]
async fn a_token_of_unknown_lifetime_is_no_token_for_ever() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.next_renewal_says(&json!({ "accessToken": ACCESS, "accessTokenExpiry": "NaN" }));
    let status = engine.renews().await.unwrap();
    let access = status.clocks.access.unwrap();
    assert_eq!(access.source, "assumed");
    let left = access.expires_at.parse::<Timestamp>().unwrap().duration_since(world.wall());
    assert_eq!(left, SignedDuration::from_secs(300));
    assert!(status.next.unwrap().why.contains("assumed"));
}

#[tokio::test]
async fn a_session_without_an_end_and_without_a_refresh_token_is_ended_by_no_guess() {
    let world = World::new().await;
    let engine = world.engine();
    // As servers answer whose tokens live until somebody revokes them.
    let body = json!({ "accessToken": ACCESS }).to_string();
    world.goes_wrong(Fault::new("/auth/login", FaultMode::Status).status(200).body(body));
    engine.signs_in().await.unwrap();
    for _ in 0..2 {
        world.clock.sleep(SignedDuration::from_hours(400 * 24));
        let status = engine.settles().await;
        assert_eq!((status.state.as_str(), status.headline.kind.as_str()), ("signed_in", "signed_in"));
        assert!(status.clocks.access.is_none() && status.next.is_none(), "{status:#?}");
        assert!(!engine.token().await.unwrap().falls_short);
    }
    assert_eq!(world.notices.all(), []);
    let later = world.engine();
    later.until_state("signed_in").await;
    assert!(later.token_at_once().await.is_ok());
}

#[tokio::test]
async fn nobody_is_advised_about_the_renewals_of_a_session_that_has_none() {
    let limits = Limits { max_age: Some(SignedDuration::from_mins(40)), ..Limits::default() };
    for (refresh, told) in [(json!("a-refresh-token"), true), (json!(null), false)] {
        let world = World::like(Like { limits, ..Like::default() }).await;
        let engine = world.engine();
        let body = json!({ "accessToken": ACCESS, "accessTokenExpiry": 3600, "refreshToken": refresh });
        world.goes_wrong(Fault::new("/auth/login", FaultMode::Status).status(200).body(body.to_string()));
        engine.signs_in().await.unwrap();
        let advice = engine.policy_advice(&world.account).await.unwrap();
        let of_renewals = advice.iter().any(|one| one.code == "static_shorter_than_refresh_window");
        assert_eq!(of_renewals, told, "{advice:?}");
    }
}

#[tokio::test]
async fn a_token_that_arrives_expired_is_not_renewed_in_a_loop() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let expired = json!({ "accessToken": ACCESS, "accessTokenExpiry": 0 }).to_string();
    world.goes_wrong(Fault::new(REFRESH, FaultMode::Status).status(200).body(expired).times(-1));
    engine.renews().await.unwrap();
    let first = world.refreshes();
    engine.time_passes(SignedDuration::from_secs(55)).await;
    assert_eq!(world.refreshes(), first, "at most once in a minute");
    engine.time_passes(SignedDuration::from_hours(1)).await;
    assert!(world.refreshes() <= first + 12, "{} requests in an hour", world.refreshes());
    assert_eq!(latchkey_tests::engine_world::reason(&engine.now().await), "storm_breaker");

    // A program that needs a token now is not made to wait for the breaker.
    world.all_is_well_again();
    let asking = tokio::spawn({
        let engine = engine.clone();
        async move { engine.token().await }
    });
    assert!(!asking.await.unwrap().unwrap().falls_short);
    assert_eq!(engine.now().await.state, "signed_in");
}
