//! What a network, a proxy or a struggling backend can produce. None of it ends a session.

use jiff::{SignedDuration, Timestamp};
use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::snapshot::SessionStatus;
use latchkey_tests::engine_world::{REFRESH, World, reason};

/// What the backend does, and what the session says is wrong.
fn bad_weather() -> Vec<(&'static str, Fault, &'static str)> {
    let of = |mode| Fault::new(REFRESH, mode);
    let status = |status| of(FaultMode::Status).status(status);
    let refusal = r#"{"error":"invalid_grant"}"#;
    vec![
        ("503", status(503), "provider_busy"),
        ("503 that says invalid_grant", status(503).body(refusal), "provider_busy"),
        ("500 with HTML", of(FaultMode::Html).status(500), "provider_busy"),
        ("429 with Retry-After", status(429).header("Retry-After", "7"), "provider_busy"),
        ("408", status(408), "provider_busy"),
        ("425", status(425), "provider_busy"),
        ("511 of a captive portal", of(FaultMode::Html).status(511), "provider_busy"),
        (
            "400 temporarily_unavailable",
            status(400).body(r#"{"error":"temporarily_unavailable"}"#),
            "provider_busy",
        ),
        ("200 with HTML", of(FaultMode::Html), "not_the_provider"),
        ("403 with HTML", of(FaultMode::Html).status(403), "not_the_provider"),
        ("401 with HTML", of(FaultMode::Html).status(401), "not_the_provider"),
        ("a redirect", of(FaultMode::Redirect), "not_the_provider"),
        ("307", of(FaultMode::Redirect).status(307), "not_the_provider"),
        ("30 MB", of(FaultMode::Big), "not_the_provider"),
        ("204", of(FaultMode::Empty).status(204), "not_the_provider"),
        ("200 with JSON without tokens", status(200).body(r#"{"ok":true}"#), "not_the_provider"),
        ("200 with a list", status(200).body("[]"), "not_the_provider"),
        ("nothing", of(FaultMode::Empty), "reply_lost"),
        ("torn JSON", status(200).body(r#"{"accessToken":"abc","refreshTo"#), "reply_lost"),
        ("no reply", of(FaultMode::DropBefore), "reply_lost"),
        ("401 without a body", of(FaultMode::Empty).status(401), "unclear_refusal"),
        ("400 with an unknown code", status(400), "unclear_refusal"),
    ]
}

fn wait_of(status: &SessionStatus, since: Timestamp) -> SignedDuration {
    let at: Timestamp = status.next.as_ref().unwrap().at.as_ref().unwrap().parse().unwrap();
    at.duration_since(since)
}

#[tokio::test]
async fn every_transient_fault_keeps_the_session_and_is_over_when_it_is_over() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    for (what, fault, code) in bad_weather() {
        let before = engine.now().await.generation;
        let token = world.stored_refresh_token().await;
        world.goes_wrong(fault.times(-1));
        assert!(engine.renews().await.is_err(), "{what}");
        let status = engine.next_thing_happens().await;
        assert_eq!((status.state.as_str(), reason(&status)), ("waiting", code), "{what}");
        assert_eq!(status.next.unwrap().action, "retry_renewal", "{what}");
        assert!(world.stored_refresh_token().await == token, "{what}: the refresh token is kept");
        assert_eq!(
            engine.token_at_once().await.unwrap().generation,
            u64::from(before),
            "{what}: still served"
        );

        world.all_is_well_again();
        let status = engine.next_thing_happens().await;
        assert_eq!((status.state.as_str(), status.generation), ("signed_in", before + 1), "{what}");
    }
    assert!(world.notices.all().is_empty(), "nobody had to be told");
    assert!(!world.saw_reuse());
    let elsewhere = world.server().requests().iter().filter(|request| request.path == "/").count();
    assert_eq!(elsewhere, 0, "no redirect was followed");
}

#[tokio::test]
async fn a_backend_that_is_not_there_is_waited_for() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    let error = engine.renews().await.unwrap_err();
    assert_eq!(error.code(), "backend_unreachable");
    for _ in 0..3 {
        let status = engine.next_thing_happens().await;
        assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "unreachable"));
    }
    world.backend_comes_back().await;
    assert_eq!(engine.next_thing_happens().await.generation, 2);
}

#[tokio::test]
async fn everyone_who_waits_is_told_this_failure_and_not_the_one_before() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let of = |mode| Fault::new(REFRESH, mode);
    for (fault, code) in [
        (of(FaultMode::Status).status(503), "provider_busy"),
        (of(FaultMode::Html), "not_the_provider"),
        (of(FaultMode::Html).status(404), "misconfigured"),
    ] {
        world.goes_wrong(fault);
        let asked: Vec<_> = (0..5).map(|_| engine.begins_to_renew()).collect();
        for answer in asked {
            let error = answer.await.unwrap().unwrap_err();
            let latchkey_engine::EngineError::NotNow { reason, .. } = error else { panic!("{error:?}") };
            assert_eq!(reason.code(), code);
        }
    }
    assert_eq!(engine.renews().await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_retry_after_is_respected_up_to_an_hour_and_nonsense_is_not() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let later = "Thu, 01 Jan 2099 00:02:00 GMT";
    for (header, at_least, at_most) in [
        ("120", 120, 120),
        ("0", 0, 60),
        ("-5", 0, 60),
        ("1000000000", 3600, 3600),
        ("99999999999999999999", 0, 60),
        ("soon", 0, 60),
        (later, 120, 120),
    ] {
        let fault = Fault::new(REFRESH, FaultMode::Status).status(429).header("Retry-After", header);
        world.goes_wrong(fault.header("Date", "Thu, 01 Jan 2099 00:00:00 GMT"));
        assert!(engine.renews().await.is_err());
        let wait = wait_of(&engine.now().await, world.wall()).as_secs();
        assert!((at_least..=at_most).contains(&wait), "{header}: {wait} s");
        engine.renews().await.unwrap();
    }
}

#[tokio::test]
async fn a_program_does_not_undo_the_wait_that_the_backend_asked_for() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.goes_wrong(
        Fault::new(REFRESH, FaultMode::Status).status(429).header("Retry-After", "600").times(-1),
    );
    assert!(engine.renews().await.is_err());
    engine.access_token_expires().await;
    for _ in 0..20 {
        assert_eq!(engine.token_at_once().await.err().unwrap().code(), "not_now");
    }
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_day_of_outage_is_at_most_200_requests_and_no_sign_out() {
    for fault in
        [Fault::new(REFRESH, FaultMode::Status).status(503), Fault::new(REFRESH, FaultMode::DropBefore)]
    {
        let world = World::new().await;
        let engine = world.signed_in().await;
        world.goes_wrong(fault.times(-1));
        let end = world.wall() + SignedDuration::from_hours(24);
        while world.wall() < end {
            engine.next_thing_happens().await;
        }
        assert!((100..=200).contains(&world.refreshes()), "{} requests", world.refreshes());
        assert_eq!(engine.now().await.state, "waiting");
        assert!(world.notices.all().is_empty());
        world.all_is_well_again();
        assert_eq!(engine.next_thing_happens().await.state, "signed_in");
    }
}
