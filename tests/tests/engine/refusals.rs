//! What ends a session: a verdict, told once, and never asked for again.

use jiff::SignedDuration;
use latchkey_core::session::Notice;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::ports::Vault as _;
use latchkey_tests::engine_world::{REFRESH, World, reason};

#[tokio::test]
async fn a_revoked_session_needs_a_sign_in_and_its_access_token_is_served_until_it_expires() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.server().revoke("demo").await;
    let error = engine.renews().await.unwrap_err();
    assert_eq!(error.code(), "sign_in_needed");
    let status = engine.now().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("needs_sign_in", "refused"));
    assert_eq!(status.headline.kind, "sign_in_again_by");
    assert_eq!(status.headline.at, status.access.clone().map(|access| access.expires_at));
    assert!(status.reason.unwrap().message.contains("revoked"), "the backend's words are told");

    engine.time_passes(SignedDuration::from_secs(50)).await;
    let token = engine.token().await.unwrap();
    assert_eq!((token.generation, token.falls_short), (1, true));
    engine.access_token_expires().await;
    assert_eq!(engine.token().await.err().unwrap().code(), "sign_in_needed");
    assert_eq!(engine.now().await.headline.kind, "needs_sign_in");

    engine.time_passes(SignedDuration::from_mins(30)).await;
    assert_eq!(engine.renews().await.unwrap_err().code(), "sign_in_needed");
    assert_eq!(world.refreshes(), 1, "a refused token is not sent again");
    let notices = world.notices.all();
    assert!(matches!(notices.as_slice(), [Notice::SignInNeeded(_)]), "{notices:?}");
}

#[tokio::test]
async fn a_quarantine_survives_a_restart_without_another_request_and_a_sign_in_ends_it() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.server().revoke("demo").await;
    engine.renews().await.unwrap_err();
    engine.close().await;

    let engine = world.engine();
    let status = engine.until_state("needs_sign_in").await;
    assert_eq!((reason(&status), status.generation), ("refused", 1));
    assert_eq!(engine.token().await.unwrap().generation, 1, "it still lives");
    engine.time_passes(SignedDuration::from_mins(10)).await;
    assert_eq!(world.refreshes(), 1);

    let status = engine.signs_in().await.unwrap();
    assert_eq!((status.state.as_str(), status.generation), ("signed_in", 2));
    assert_eq!(engine.next_thing_happens().await.generation, 3);
}

#[tokio::test]
async fn a_family_that_the_backend_revoked_for_reuse_is_one_sign_in_and_no_storm() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let stolen = world.stored_refresh_token().await;
    engine.renews().await.unwrap();
    world.presents(&stolen).await;
    engine.next_thing_happens().await;
    engine.until_state("needs_sign_in").await;
    let asked = world.refreshes();
    engine.time_passes(SignedDuration::from_mins(20)).await;
    assert_eq!(world.refreshes(), asked);
    assert_eq!(world.notices.all().len(), 1);
}

#[tokio::test]
async fn a_refusal_says_nothing_of_a_token_that_was_stored_meanwhile() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let late = Fault::new(REFRESH, FaultMode::Status).status(400).body(r#"{"error":"invalid_grant"}"#);
    world.goes_wrong(late.after(std::time::Duration::from_millis(300)));
    let asking = engine.begins_to_renew();
    engine.until_state("renewing").await;
    let mut newer = world.stored().await.unwrap();
    newer.generation += 1;
    world.vault.write(&world.account, &newer).await.unwrap();
    assert_eq!(asking.await.unwrap().unwrap().generation, 2);
    assert_eq!(engine.now().await.state, "signed_in");
    assert!(world.notices.all().is_empty());
}

#[tokio::test]
async fn a_refusal_counts_whatever_its_status_but_not_from_a_struggling_backend() {
    for (status, ends) in
        [(200, true), (400, true), (401, true), (403, true), (500, false), (503, false), (429, false)]
    {
        let world = World::new().await;
        let engine = world.signed_in().await;
        let refusal =
            Fault::new(REFRESH, FaultMode::Status).status(status).body(r#"{"error":"invalid_grant"}"#);
        world.goes_wrong(refusal);
        engine.renews().await.unwrap_err();
        let expected = if ends { "needs_sign_in" } else { "waiting" };
        assert_eq!(engine.now().await.state, expected, "{status}");
    }
}

#[tokio::test]
async fn a_wrong_address_or_client_keeps_the_token_and_tells_the_developer() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let of = |status: u16, body: &str| Fault::new(REFRESH, FaultMode::Status).status(status).body(body);
    for fault in [
        of(404, r#"{"message":"no such path"}"#),
        Fault::new(REFRESH, FaultMode::Html).status(404),
        Fault::new(REFRESH, FaultMode::Empty).status(404),
        of(400, r#"{"error":"invalid_client"}"#),
        of(401, r#"{"error":"invalid_client"}"#),
        of(400, r#"{"error":"unauthorized_client"}"#),
    ] {
        world.goes_wrong(fault.times(-1));
        let error = engine.renews().await.unwrap_err();
        assert_eq!(error.code(), "not_now");
        let status = engine.now().await;
        assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "misconfigured"));
        assert!(status.reason.unwrap().message.contains("Your session is kept"));
        assert!(engine.token_at_once().await.is_ok());
        world.all_is_well_again();
        assert_eq!(engine.renews().await.unwrap().state, "signed_in");
    }
    assert!(world.notices.all().is_empty());
}

#[tokio::test]
async fn a_path_that_is_not_there_is_a_wrong_address_whatever_the_backend_calls_it() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let not_found = Fault::new(REFRESH, FaultMode::Status).status(404).body(r#"{"error":"not_found"}"#);
    world.goes_wrong(not_found.times(-1));
    for _ in 0..8 {
        engine.renews().await.unwrap_err();
        assert_eq!(reason(&engine.now().await), "misconfigured");
    }
    world.all_is_well_again();
    assert_eq!(engine.renews().await.unwrap().state, "signed_in");
}

#[tokio::test]
async fn refusals_without_a_verdict_are_waited_out_a_few_times_before_they_count() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.goes_wrong(Fault::new(REFRESH, FaultMode::Empty).status(401).times(-1));
    for tries in 1..=4 {
        let status = engine.next_thing_happens().await;
        assert_eq!((status.state.as_str(), world.refreshes()), ("waiting", tries));
    }
    let status = engine.next_thing_happens().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("needs_sign_in", "unclear_refusal"));
    engine.time_passes(SignedDuration::from_mins(10)).await;
    assert_eq!(world.refreshes(), 5);
}

#[tokio::test]
async fn what_a_backend_says_in_words_of_its_own_is_told_with_its_refusal() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    for (body, said) in [
        (
            r#"{ "error": "too_many_devices", "error_description": "sign out of one" }"#,
            "(“too_many_devices: sign out of one”)",
        ),
        (r#"{ "error": "tenant_suspended" }"#, "(“tenant_suspended”)"),
        (r#"{ "message": "Forbidden" }"#, "(“Forbidden”)"),
        (r#"{ "status": 403 }"#, "without saying why"),
    ] {
        world.goes_wrong(Fault::new(REFRESH, FaultMode::Status).status(403).body(body));
        engine.renews().await.unwrap_err();
        let reason = engine.now().await.reason.unwrap();
        assert_eq!(reason.code, "unclear_refusal");
        assert!(reason.message.contains(said), "{}", reason.message);
    }
}

#[tokio::test]
async fn hostile_words_of_a_backend_are_told_as_harmless_text() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let said = "bad\u{1b}[2J\r\n<script>alert(1)</script>\u{202e}";
    let body = serde_json::json!({ "error": "invalid_grant", "error_description": said }).to_string();
    world.goes_wrong(Fault::new(REFRESH, FaultMode::Status).status(400).body(body));
    engine.renews().await.unwrap_err();
    let message = engine.now().await.reason.unwrap().message;
    assert!(message.contains("bad"), "{message}");
    assert!(!message.chars().any(|c| c.is_control() || c == '\u{202e}'), "{message:?}");
}
