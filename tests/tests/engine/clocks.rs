//! Clocks that jump, differ or run short.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_tests::engine_world::{Like, REFRESH, World};

const YEARS: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);

#[tokio::test]
async fn a_wall_clock_that_jumps_costs_one_renewal_at_most_and_serves_no_expired_token() {
    let hour = SignedDuration::from_hours(1);
    for jump in [hour, -hour, YEARS, -YEARS] {
        let world = World::new().await;
        let engine = world.signed_in().await;
        engine.time_passes(SignedDuration::from_secs(5)).await;
        world.clock.advance_wall(jump);
        for _ in 0..3 {
            let token = engine.token().await.unwrap();
            assert!(token.expires_at > world.wall(), "{jump:?}");
        }
        engine.time_passes(SignedDuration::from_secs(30)).await;
        assert!(world.refreshes() <= 1, "{jump:?}: {} requests", world.refreshes());
        // It goes on as if nothing had been.
        let before = world.refreshes();
        engine.time_passes(SignedDuration::from_secs(100)).await;
        assert!((2..=3).contains(&(world.refreshes() - before)), "{jump:?}: {}", world.refreshes() - before);
        assert_eq!(engine.now().await.state, "signed_in");
    }
}

#[tokio::test]
async fn a_wall_clock_that_was_set_back_does_not_make_an_expired_token_valid() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    world.clock.advance_wall(SignedDuration::from_hours(-1));
    engine.time_passes(SignedDuration::from_secs(70)).await;
    assert!(engine.token_at_once().await.is_err(), "a minute has passed on the clock that nobody can set");
}

#[tokio::test]
async fn a_wall_clock_that_was_set_is_noticed_without_anybody_asking() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.clock.advance_wall(SignedDuration::from_hours(1));
    engine.time_passes(SignedDuration::from_secs(60)).await;
    assert!(engine.now().await.generation >= 2);
}

#[tokio::test]
async fn after_a_long_sleep_there_is_one_renewal_and_no_expired_token() {
    for slept in
        [SignedDuration::from_mins(5), SignedDuration::from_hours(8), SignedDuration::from_hours(40 * 24)]
    {
        let world = World::new().await;
        let engine = world.signed_in().await;
        world.clock.advance(slept);
        let token = engine.token().await.unwrap();
        assert_eq!((token.generation, token.falls_short), (2, false));
        assert!(token.expires_at > world.wall());
        engine.settles().await;
        assert_eq!(world.refreshes(), 1, "no burst");
    }
}

#[tokio::test]
async fn a_token_expires_at_its_expiry_and_not_after_it() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.goes_wrong(Fault::new(REFRESH, FaultMode::Status).status(503).times(-1));
    engine.time_passes(SignedDuration::from_secs(45)).await;
    engine.access_token_expires().await;
    assert!(engine.token_at_once().await.is_err());
}

#[tokio::test]
async fn a_backend_whose_clock_differs_is_understood() {
    for ahead in
        [SignedDuration::from_hours(1), SignedDuration::from_hours(-20), SignedDuration::from_secs(90)]
    {
        let world = World::like(Like { clock_ahead: ahead, ..Like::default() }).await;
        let engine = world.signed_in().await;
        let left = engine.token().await.unwrap().expires_at.duration_since(world.wall()).as_secs();
        assert!((58..=62).contains(&left), "{ahead:?}: {left} s left of a minute");
        for round in 1..=3 {
            assert_eq!(engine.next_thing_happens().await.generation, round + 1);
        }
        assert_eq!(world.refreshes(), 3);
    }
}

#[tokio::test]
async fn a_token_that_lives_for_two_seconds_is_renewed_in_time_and_without_a_storm() {
    // The server's clock differs by far, so that its whole seconds are told apart from a small difference.
    let hour = SignedDuration::from_hours(1);
    let like = Like { access_lifetime: Duration::from_secs(2), clock_ahead: hour, ..Like::default() };
    let world = World::like(like).await;
    let engine = world.signed_in().await;
    for round in 1..=15 {
        let due = engine.now().await;
        let since = due.access.unwrap().received_at.parse::<jiff::Timestamp>().unwrap();
        let at = due.next.unwrap().at.unwrap().parse::<jiff::Timestamp>().unwrap();
        assert!(
            at.duration_since(since) >= SignedDuration::from_millis(500),
            "half of the lifetime at least"
        );
        let status = engine.next_thing_happens().await;
        assert_eq!((status.state.as_str(), status.generation), ("signed_in", round + 1));
        assert_eq!(world.refreshes(), round as usize);
        let token = engine.token().await.unwrap();
        assert!(token.expires_at > world.wall());
    }
}
