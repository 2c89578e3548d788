//! A refusal is stored with its reason: no later start sends the token again, and none tells another story.

use std::sync::Arc;

use jiff::SignedDuration;
use latchkey_core::reason::VaultProblem;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::Setup;
use latchkey_engine::clock::SystemClock;
use latchkey_engine::ports::Clock as _;
use latchkey_engine::renewal_lock::FileLock;
use latchkey_tests::engine_world::{Like, REFRESH, World, reason};

#[tokio::test]
async fn every_way_to_need_a_sign_in_is_the_same_after_a_restart() {
    for (code, fault) in [
        ("refused", Fault::new(REFRESH, FaultMode::Status).status(400).body(r#"{"error":"invalid_grant"}"#)),
        ("unclear_refusal", Fault::new(REFRESH, FaultMode::Empty).status(401)),
        ("refused_after_lost_reply", Fault::new(REFRESH, FaultMode::DropAfter).times(1)),
    ] {
        let world = World::new().await;
        let engine = world.signed_in().await;
        world.goes_wrong(if code == "refused_after_lost_reply" { fault } else { fault.times(-1) });
        engine.renews().await.unwrap_err();
        while engine.settles().await.state != "needs_sign_in" {
            engine.next_thing_happens().await;
        }
        assert_eq!(reason(&engine.now().await), code);
        engine.close().await;
        let sent = world.refreshes();

        let engine = world.engine();
        let status = engine.until_state("needs_sign_in").await;
        assert_eq!((reason(&status), status.generation), (code, 1));
        engine.time_passes(SignedDuration::from_mins(10)).await;
        assert_eq!(engine.renews().await.unwrap_err().code(), "sign_in_needed");
        assert_eq!(world.refreshes(), sent, "{code}: it is not sent again");
    }
}

#[tokio::test]
async fn a_seal_that_cannot_be_stored_is_tried_until_it_is() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.server().revoke("demo").await;
    world.vault.fail_next_writes(3, VaultProblem::Locked);
    engine.renews().await.unwrap_err();
    assert!(world.stored().await.unwrap().quarantined.is_none());
    engine.time_passes(SignedDuration::from_secs(20)).await;
    assert_eq!(world.stored().await.unwrap().quarantined.unwrap().code(), "refused");
    assert_eq!((engine.now().await.state.as_str(), world.refreshes()), ("needs_sign_in", 1));
    assert_eq!(world.notices.all().len(), 1);
}

#[tokio::test]
async fn a_seal_that_comes_late_does_not_fall_on_a_sign_in_of_another_process() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.server().revoke("demo").await;
    world.vault.fail_next_writes(1, VaultProblem::Locked);
    engine.renews().await.unwrap_err();
    let other = world.engine();
    other.signs_out().await.unwrap();
    other.signs_in().await.unwrap();
    assert_eq!(world.stored().await.unwrap().generation, 1, "generations have begun anew");
    // The seal is tried again, and nobody's renewal is due yet.
    engine.time_passes(SignedDuration::from_secs(5)).await;
    engine.until_state("signed_in").await;
    assert!(world.stored().await.unwrap().quarantined.is_none());
    assert_eq!(other.renews().await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_refusal_under_a_clock_that_is_off_is_given_a_second_look_and_then_counts() {
    for ahead in [SignedDuration::from_hours(1), SignedDuration::from_hours(-3)] {
        let begun = SystemClock.now().wall;
        let world = World::like(Like { clock_ahead: ahead, ..Like::default() }).await;
        let engine = world.signed_in().await;
        let skew = i128::from(engine.now().await.clock_skew_ms.unwrap());
        // Told in whole seconds by a server whose clock has gone on meanwhile.
        let (more, gone_by) =
            (skew + ahead.as_millis(), SystemClock.now().wall.duration_since(begun).as_millis());
        assert!((-1_500..=1_500 + gone_by).contains(&more), "{skew} ms for {ahead:?}");
        assert_eq!(world.logged().iter().filter(|kind| *kind == "clock_off").count(), 1);

        let refusal = Fault::new(REFRESH, FaultMode::Status).status(400).body(r#"{"error":"invalid_grant"}"#);
        world.goes_wrong(refusal.times(2));
        engine.renews().await.unwrap_err();
        let status = engine.now().await;
        assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "clock_off"));
        let message = status.reason.unwrap().message;
        assert!(message.contains(if ahead.is_negative() { "behind" } else { "ahead" }), "{message}");
        engine.next_thing_happens().await;
        assert_eq!(engine.next_thing_happens().await.generation, 2, "it was the clock after all");

        world.server().revoke("demo").await;
        engine.renews().await.unwrap_err();
        while engine.settles().await.state != "needs_sign_in" {
            engine.next_thing_happens().await;
        }
        assert_eq!((reason(&engine.now().await), world.notices.all().len()), ("refused", 1));
    }
}

#[tokio::test]
async fn a_lock_that_cannot_be_used_is_told_as_such_and_nothing_is_sent() {
    let world = World::new().await;
    world.signed_in().await.close().await;
    let broken = world.log_dir().join("a-file");
    std::fs::write(&broken, "in the place of a folder").unwrap();
    let lock = || FileLock::new(&broken, Arc::new(SystemClock));
    let engine = world.engine_with(Setup { lock: Arc::new(lock()), ..world.setup() });
    assert_eq!(engine.renews().await.unwrap_err().code(), "not_now");
    let status = engine.now().await;
    assert_eq!((reason(&status), world.refreshes()), ("lock_unusable", 0));
    assert!(status.reason.unwrap().message.contains("LATCHKEY_STATE_DIR"), "and what to do");
    assert!(engine.token_at_once().await.is_ok(), "what is in hand is served");
    assert_eq!(
        engine.signs_out().await.unwrap().state,
        "signed_out",
        "nobody can renew, so it may be erased"
    );
    assert!(world.stored().await.is_none());

    world.signed_in().await.close().await;
    let second = lock().and_in(world.log_dir().join("second"));
    let engine = world.engine_with(Setup { lock: Arc::new(second), ..world.setup() });
    assert_eq!(engine.renews().await.unwrap().state, "signed_in", "a second folder does");
}
