//! Replies that never arrive: the same token is sent once more, at once, and never in a blind series.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_core::reason::VaultProblem;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_tests::engine_world::{Like, REFRESH, World, reason};

fn graceful() -> Like {
    Like { grace: Duration::from_secs(30), ..Like::default() }
}

#[tokio::test]
async fn a_request_that_was_lost_before_the_backend_acted_is_repeated_and_succeeds() {
    for like in [Like::default(), graceful()] {
        let world = World::like(like).await;
        let engine = world.signed_in().await;
        world.goes_wrong(Fault::new(REFRESH, FaultMode::DropBefore));
        assert_eq!(engine.renews().await.unwrap().generation, 2);
        assert_eq!(world.refreshes(), 2);
    }
}

#[tokio::test]
async fn a_reply_that_was_lost_is_recovered_where_the_backend_has_a_grace_window() {
    for mode in [FaultMode::DropAfter, FaultMode::Torn] {
        let world = World::like(graceful()).await;
        let engine = world.signed_in().await;
        world.goes_wrong(Fault::new(REFRESH, mode));
        assert_eq!(engine.renews().await.unwrap().generation, 2, "{mode:?}");
        assert_eq!(world.refreshes(), 2);
        assert_eq!(engine.renews().await.unwrap().generation, 3, "the stored token is the live one");
        assert!(!world.saw_reuse());
    }
}

#[tokio::test]
async fn a_reply_that_was_lost_ends_a_session_of_a_strict_backend_once_and_says_why() {
    for mode in [FaultMode::DropAfter, FaultMode::Torn] {
        let world = World::new().await;
        let engine = world.signed_in().await;
        world.goes_wrong(Fault::new(REFRESH, mode));
        assert_eq!(engine.renews().await.unwrap_err().code(), "sign_in_needed");
        let status = engine.now().await;
        assert_eq!((status.state.as_str(), reason(&status)), ("needs_sign_in", "refused_after_lost_reply"));
        assert_eq!(world.refreshes(), 2, "one repeat and no more");
        engine.time_passes(SignedDuration::from_mins(10)).await;
        assert_eq!(world.refreshes(), 2);
        assert_eq!(world.notices.all().len(), 1);
    }
}

#[tokio::test]
async fn the_reason_of_a_lost_reply_is_still_told_after_a_restart() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.goes_wrong(Fault::new(REFRESH, FaultMode::DropAfter));
    engine.renews().await.unwrap_err();
    engine.close().await;
    let status = world.engine().until_state("needs_sign_in").await;
    assert_eq!(reason(&status), "refused_after_lost_reply");
}

#[tokio::test]
async fn who_meets_the_refusal_before_it_is_sealed_tells_of_the_lost_reply_too() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.goes_wrong(Fault::new(REFRESH, FaultMode::DropAfter));
    world.vault.fail_next_writes(3, VaultProblem::Locked);
    engine.renews().await.unwrap_err();
    assert!(world.stored().await.unwrap().quarantined.is_none(), "it is not sealed yet");
    let other = world.engine();
    let status = other.until_state("needs_sign_in").await;
    assert_eq!(reason(&status), "refused_after_lost_reply");
}

#[tokio::test]
async fn replies_that_keep_being_lost_are_waited_out_with_growing_pauses() {
    let world = World::like(graceful()).await;
    let engine = world.signed_in().await;
    world.goes_wrong(Fault::new(REFRESH, FaultMode::DropAfter).times(-1));
    assert!(engine.renews().await.is_err());
    let status = engine.now().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "reply_lost"));
    assert_eq!(world.refreshes(), 2);
    for tries in 3..=6 {
        engine.next_thing_happens().await;
        assert_eq!(world.refreshes(), tries, "one quick repeat, and never a series of them");
    }
    assert_eq!(engine.token_at_once().await.unwrap().generation, 1);
    world.all_is_well_again();
    assert_eq!(engine.next_thing_happens().await.generation, 2);
    assert!(!world.saw_reuse());
}
