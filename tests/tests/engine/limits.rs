//! The account's own limits: a session ends when they say it, to the second, whatever clocks, crashes and other processes
//! do; and no sooner.

use jiff::SignedDuration;
use latchkey_core::limits::{Limit, Limits};
use latchkey_core::reason::VaultProblem;
use latchkey_core::session::Notice;
use latchkey_engine::EngineError;
use latchkey_tests::engine_world::{Engine, Like, World, reason};

fn secs(secs: i64) -> SignedDuration {
    SignedDuration::from_secs(secs)
}

async fn world(limits: Limits) -> World {
    World::like(Like { limits, ..Like::default() }).await
}

fn a_static_session() -> Limits {
    Limits { max_age: Some(secs(600)), ..Limits::default() }
}

fn a_rolling_session() -> Limits {
    Limits { rolling: true, update_age: Some(secs(60)), ..a_static_session() }
}

/// Time goes on to the end that the session has now, and it is over.
async fn ends(engine: &Engine) -> String {
    let end = engine.settles().await.clocks.session.unwrap();
    assert_eq!(end.source, "policy");
    engine.clock_reaches(&end.expires_at);
    let over = engine.until("the end", |status| status.state == "signed_out").await;
    reason(&over).to_owned()
}

#[tokio::test]
async fn a_static_session_ends_to_the_second_and_its_tokens_are_revoked_and_erased() {
    let world = world(a_static_session()).await;
    let engine = world.signed_in().await;
    let refresh = world.stored_refresh_token().await;
    engine.time_passes(secs(599)).await;
    assert!(engine.token().await.is_ok(), "it was kept renewed until then");
    world.clock.advance(secs(1));
    engine.until("the end", |status| status.state == "signed_out").await;
    let Err(EngineError::SignInNeeded { reason }) = engine.token().await else {
        panic!("a token after the end")
    };
    assert_eq!(reason.code(), "max_age_reached");
    assert!(reason.message().contains("10 min"), "{}", reason.message());
    let told: Vec<_> = world.notices.all();
    let ahead =
        told.iter().position(|notice| matches!(notice, Notice::EndsSoon(end) if end.limit == Limit::MaxAge));
    let over = told.iter().position(|notice| matches!(notice, Notice::SignInNeeded(_)));
    assert!(ahead.is_some() && ahead < over, "{told:?}");
    engine.close().await;
    assert!(world.kept().await.is_none(), "erased once the provider was told");
    assert_ne!(world.presents(&refresh).await.0, 200);
    let again = world.signed_in().await;
    assert!(again.token().await.is_ok(), "a new sign-in is a new session");
}

#[tokio::test]
async fn using_a_rolling_session_moves_its_end_once_in_its_update_age() {
    let world = world(a_rolling_session()).await;
    let engine = world.signed_in().await;
    let end = |status: latchkey_engine::snapshot::SessionStatus| status.clocks.session.unwrap().expires_at;
    let first = end(engine.now().await);
    engine.time_passes(secs(55)).await;
    engine.is_used();
    assert_eq!(end(engine.settles().await), first);
    engine.time_passes(secs(10)).await;
    engine.is_used();
    let moved = end(engine.settles().await);
    assert!(moved > first);
    let stored = || async { world.stored().await.unwrap().used.rolled_at };
    let written = stored().await;
    for _ in 0..20 {
        assert!(engine.token_at_once().await.is_ok(), "handing out is use, too");
    }
    assert_eq!(
        (end(engine.settles().await), stored().await),
        (moved, written),
        "and is not written down each time"
    );
    for _ in 0..12 {
        engine.time_passes(secs(100)).await;
        assert!(engine.token().await.is_ok(), "who uses it stays signed in");
    }
    assert_eq!(ends(&engine).await, "unused_too_long");
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends_and_a_used_one_does_not() {
    let world = world(Limits { idle_timeout: Some(secs(300)), ..Limits::default() }).await;
    let engine = world.signed_in().await;
    for _ in 0..10 {
        engine.time_passes(secs(200)).await;
        engine.is_used();
    }
    assert_eq!(engine.settles().await.state, "signed_in");
    assert_eq!(ends(&engine).await, "unused_too_long");
}

#[tokio::test]
async fn an_end_survives_a_restart_and_comes_while_nothing_runs() {
    let world = world(a_static_session()).await;
    let engine = world.signed_in().await;
    engine.time_passes(secs(300)).await;
    engine.close().await;
    let again = world.engine();
    let end = again.settles().await.clocks.session.unwrap().expires_at;
    assert_eq!(end.parse::<jiff::Timestamp>().unwrap().duration_since(world.wall()).as_secs(), 300, "{end}");
    again.close().await;
    world.clock.sleep(SignedDuration::from_hours(8));
    let looks = world.command();
    assert_eq!(reason(&looks.now().await), "max_age_reached");
    assert!(world.kept().await.is_some(), "a command that only looks erases nothing");
    assert!(looks.token().await.is_err(), "and hands out nothing");
    looks.close().await;
    assert!(world.kept().await.is_none(), "but one that was asked for a token cleans up behind the session");
}

#[tokio::test]
async fn no_clock_that_is_set_ends_a_session_or_prolongs_it() {
    let world = world(a_static_session()).await;
    let engine = world.signed_in().await;
    engine.time_passes(secs(100)).await;
    world.clock.advance_wall(SignedDuration::from_hours(24));
    engine.time_passes(secs(10)).await;
    assert_ne!(engine.settles().await.state, "signed_out", "a clock that runs ahead ends nothing");
    world.clock.advance_wall(-SignedDuration::from_hours(48));
    engine.time_passes(secs(480)).await;
    assert_ne!(engine.settles().await.state, "signed_out");
    world.clock.advance(secs(15));
    let over = engine.until("the end", |status| status.state == "signed_out").await;
    assert_eq!(reason(&over), "max_age_reached", "and one that runs behind prolongs nothing");
}

#[tokio::test]
async fn what_another_process_knows_of_its_use_counts() {
    let world = world(a_rolling_session()).await;
    let window = world.signed_in().await;
    window.time_passes(secs(300)).await;
    let command = world.command();
    assert!(command.token().await.is_ok());
    command.close().await;
    window.time_passes(secs(310)).await;
    assert_eq!(window.settles().await.state, "signed_in", "the window had not heard of it, and looked");
    assert!(window.token().await.is_ok());
    assert_eq!(ends(&window).await, "unused_too_long");
    let left = world.notices.all().iter().filter(|notice| matches!(notice, Notice::SignInNeeded(_))).count();
    assert_eq!(left, 1, "nobody was told of an end that was none");
}

#[tokio::test]
async fn an_end_whose_tokens_cannot_be_erased_hands_out_nothing_and_erases_later() {
    let world = world(a_static_session()).await;
    let engine = world.signed_in().await;
    engine.time_passes(secs(590)).await;
    world.vault.fail_reads(Some(VaultProblem::Locked));
    world.clock.advance(secs(10));
    engine.until("the end", |status| status.state == "signed_out").await;
    assert!(engine.token().await.is_err());
    world.vault.fail_reads(None);
    engine.time_passes(secs(60)).await;
    engine.close().await;
    assert!(world.kept().await.is_none(), "erased once the provider was told");
}

#[tokio::test]
async fn a_use_that_waits_to_be_noted_does_not_hold_up_tokens_that_wait_to_be_stored() {
    let limits = Limits { idle_timeout: Some(secs(3000)), ..Limits::default() };
    let access_lifetime = std::time::Duration::from_mins(30);
    let world = World::like(Like { limits, access_lifetime, ..Like::default() }).await;
    let engine = world.signed_in().await;
    engine.time_passes(secs(400)).await;
    world.vault.fail_next_writes(u64::MAX, VaultProblem::Locked);
    engine.renews().await.unwrap_err();
    engine.is_used();
    assert_eq!(engine.settles().await.state, "saving");
    world.vault.fail_next_writes(0, VaultProblem::Locked);
    assert_eq!(engine.next_thing_happens().await.state, "signed_in");
    assert_eq!(world.stored().await.unwrap().generation, 2);
}

#[tokio::test]
async fn the_end_of_a_session_takes_nothing_from_the_next_one_that_waits_to_be_stored() {
    let world = world(a_static_session()).await;
    let engine = world.signed_in().await;
    engine.time_passes(secs(590)).await;
    world.vault.fail_next_writes(u64::MAX, VaultProblem::Locked);
    assert!(engine.signs_in().await.is_err(), "signed in, and not stored yet");
    world.clock.advance(secs(20));
    assert_eq!(engine.settles().await.state, "saving", "its tokens are nowhere else");
    assert!(engine.token_at_once().await.is_err(), "the session before it is over");
    world.vault.fail_next_writes(0, VaultProblem::Locked);
    engine.time_passes(secs(30)).await;
    let stored = world.stored().await.unwrap().generation;
    assert_eq!(u64::from(engine.until_state("signed_in").await.generation), stored);
    assert!(engine.token().await.is_ok());
    engine.time_passes(secs(530)).await;
    assert_eq!(engine.settles().await.state, "signed_in", "it has ten minutes of its own");
    assert_eq!(ends(&engine).await, "max_age_reached");
}
