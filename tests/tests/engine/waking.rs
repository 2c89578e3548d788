//! Sleep, wake and a network that comes and goes: renewals wait until the host answers, and that is no failure.

use jiff::SignedDuration;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::snapshot::SessionStatus;
use latchkey_tests::engine_world::{Engine, REFRESH, World, reason};

/// What is due while it sleeps is due when it wakes.
const NIGHT: SignedDuration = SignedDuration::from_hours(8);

/// Lets the network be looked at until something else is planned.
async fn looks(engine: &Engine, times: usize) {
    for _ in 0..times {
        assert_eq!(reason(&engine.next_thing_happens().await), "network");
    }
}

/// Lets time go on until that generation is in hand.
async fn renewed(engine: &Engine, generation: u32) -> SessionStatus {
    loop {
        let status = engine.next_thing_happens().await;
        if status.generation == generation {
            return status;
        }
    }
}

#[tokio::test]
async fn after_a_wake_a_renewal_waits_until_the_host_answers_and_that_is_no_failure() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.network.is_down(true);
    world.clock.sleep(NIGHT);
    let status = engine.until_state("waiting").await;
    assert_eq!(reason(&status), "network");
    assert!(status.next.unwrap().at.is_some(), "the next look is told");
    looks(&engine, 6).await;
    assert_eq!((world.refreshes(), engine.now().await.renewals.failed), (0, 0));
    world.network.is_down(false);
    let status = engine.next_thing_happens().await;
    assert_eq!((status.state.as_str(), status.generation, status.renewals.failed), ("signed_in", 2, 0));
    assert_eq!(world.refreshes(), 1, "no burst");
}

#[tokio::test]
async fn where_there_is_a_route_the_renewal_itself_is_the_look_and_what_was_not_sent_is_no_failure() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    world.network.leads_somewhere(true);
    world.clock.sleep(NIGHT);
    engine.until("a renewal that did not leave", |status| reason(status) == "network").await;
    looks(&engine, 5).await;
    assert!(world.network.asked() >= 3, "from then on the host is asked first");
    assert_eq!(engine.now().await.renewals.failed, 0);
    world.backend_comes_back().await;
    assert_eq!(renewed(&engine, 2).await.renewals.failed, 0);
    let asked = world.network.asked();
    world.clock.sleep(NIGHT);
    renewed(&engine, 3).await;
    assert_eq!(world.network.asked(), asked, "where the way is free nobody is asked before");
}

#[tokio::test]
async fn a_network_that_only_looks_dead_does_not_hold_a_renewal_up_for_ever() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.network.is_down(true);
    world.clock.sleep(NIGHT);
    engine.until_state("waiting").await;
    let since = world.wall();
    while engine.now().await.generation == 1 {
        engine.next_thing_happens().await;
    }
    let waited = world.wall().duration_since(since);
    assert!(waited <= SignedDuration::from_secs(190), "{waited:?}");
}

#[tokio::test]
async fn who_asks_after_a_wake_is_not_made_to_wait_for_a_look_at_the_network() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.network.is_down(true);
    world.clock.sleep(NIGHT);
    assert_eq!(engine.token().await.unwrap().generation, 2);
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_wake_without_anything_due_asks_nobody() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.clock.sleep(SignedDuration::from_secs(20));
    assert_eq!(engine.settles().await.state, "signed_in");
    assert_eq!((world.network.asked(), world.refreshes()), (0, 0));
    engine.next_thing_happens().await;
    assert_eq!(engine.next_thing_happens().await.generation, 2, "the first look is at the network");
    assert_eq!(world.network.asked(), 1);
}

#[tokio::test]
async fn a_change_of_the_network_ends_the_wait_for_a_host_that_was_out_of_reach() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    engine.renews().await.unwrap_err();
    engine.time_passes(SignedDuration::from_hours(2)).await;
    let before = engine.now().await.renewals.failed;
    world.backend_comes_back().await;
    world.network.changes_now();
    engine.until("a look at the network", |status| reason(status) == "network").await;
    world.clock.advance(SignedDuration::from_secs(5));
    let status = engine.until_generation(2).await;
    assert_eq!(status.renewals.failed, before);
}

#[tokio::test]
async fn a_change_of_the_network_does_not_shorten_a_wait_that_the_provider_asked_for() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let busy = Fault::new(REFRESH, FaultMode::Status).status(429).header("Retry-After", "600");
    world.goes_wrong(busy);
    engine.renews().await.unwrap_err();
    world.network.changes_now();
    engine.time_passes(SignedDuration::from_secs(60)).await;
    let status = engine.now().await;
    assert_eq!((reason(&status), world.refreshes()), ("provider_busy", 1));
}

#[tokio::test]
async fn between_deadlines_nobody_wakes_up() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let due = engine.settles().await.next.unwrap().at.unwrap();
    world.clock.until_sleepers(1).await;
    assert_eq!(world.clock.sleepers(), 1, "one timer, for {due}");
}

#[tokio::test]
async fn a_program_may_cut_a_long_wait_short_within_manners() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    engine.renews().await.unwrap_err();
    engine.time_passes(SignedDuration::from_hours(1)).await;
    let failed = || async { engine.now().await.renewals.failed };
    let before = failed().await;
    // A thousand programs are one: each try begins a wait of its own.
    let mut tries = 0;
    for _ in 0..60 {
        world.clock.advance(SignedDuration::from_secs(10));
        assert!(engine.token_at_once().await.is_err());
        engine.settles().await;
        let now = failed().await;
        tries = now - before;
    }
    assert!((1..=5).contains(&tries), "{tries} tries in ten minutes");
    world.backend_comes_back().await;
    world.clock.advance(SignedDuration::from_mins(6));
    assert_eq!(engine.token().await.unwrap().generation, 2, "it is not made to wait a quarter of an hour");
}
