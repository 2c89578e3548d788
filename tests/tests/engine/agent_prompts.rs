//! How often, and when, a person is disturbed: programs that ask are no reason, a locked screen sees nothing.

use std::sync::Arc;

use jiff::SignedDuration;
use latchkey_agent::client::ClientError;
use latchkey_agent::protocol::TokenQuestion;
use latchkey_core::limits::Limits;
use latchkey_core::session::Notice;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::Setup;
use latchkey_engine::screen::ManualScreen;
use latchkey_tests::engine_world::{Engine, Like, REFRESH, World, guarded};

use crate::agent::Agent;

/// How often a locked screen is looked at.
const LOOK: SignedDuration = SignedDuration::from_secs(15);

/// The provider refuses, and the access token runs out.
async fn needs_sign_in(world: &World, engine: &Engine) {
    world.goes_wrong(Fault::new(REFRESH, FaultMode::Status).status(401));
    let _ = engine.renews().await;
    assert_eq!(engine.now().await.state, "needs_sign_in");
    engine.access_token_expires().await;
}

async fn locked(world: &World) -> (Engine, ManualScreen) {
    let screen = ManualScreen::default();
    let engine = world.engine_with(Setup { screen: Some(Arc::new(screen.clone())), ..world.setup() });
    engine.signs_in().await.unwrap();
    screen.lock(true);
    (engine, screen)
}

/// Time passes, and whoever waits for it does what they waited for.
async fn time_passes(world: &World, engine: &Engine) {
    for _ in 0..10 {
        world.clock.advance(LOOK);
        engine.settles().await;
    }
}

#[tokio::test]
async fn a_hundred_programs_lead_to_one_notice_and_each_is_told_at_once() {
    let agent = Agent::signed_in().await;
    needs_sign_in(&agent.world, &agent.engine).await;
    let ask = async || {
        for _ in 0..100 {
            let answer = agent.asks(|client| client.token("demo", TokenQuestion::default())).await;
            let Err(ClientError::Refused(why)) = answer else { panic!("a token") };
            assert_eq!(why.code, "sign_in_needed");
        }
    };
    ask().await;
    assert!(
        matches!(agent.world.notices.all()[..], [Notice::SignInNeeded(_)]),
        "they were told when it happened"
    );
    agent.world.clock.advance(SignedDuration::from_mins(61));
    ask().await;
    assert_eq!(agent.world.notices.all().len(), 2, "and are reminded once an hour while somebody asks");
}

#[tokio::test]
async fn a_locked_screen_is_shown_nothing_until_it_is_unlocked() {
    let world = World::new().await;
    let (engine, screen) = locked(&world).await;
    needs_sign_in(&world, &engine).await;
    time_passes(&world, &engine).await;
    assert_eq!(world.notices.all(), []);
    screen.lock(false);
    let told = async {
        while world.notices.all().is_empty() {
            time_passes(&world, &engine).await;
        }
    };
    guarded("the notice", told).await;
    assert_eq!(world.notices.all().len(), 1);
}

#[tokio::test]
async fn what_was_set_right_behind_a_locked_screen_is_not_told_afterwards() {
    let world = World::new().await;
    let (engine, screen) = locked(&world).await;
    needs_sign_in(&world, &engine).await;
    world.all_is_well_again();
    engine.signs_in().await.unwrap();
    screen.lock(false);
    time_passes(&world, &engine).await;
    assert_eq!(world.notices.all(), []);
}

#[tokio::test]
async fn an_end_that_moved_behind_a_locked_screen_is_not_told_afterwards() {
    let limits = Limits { idle_timeout: Some(SignedDuration::from_mins(15)), ..Limits::default() };
    let world = World::like(Like { limits, ..Like::default() }).await;
    let (engine, screen) = locked(&world).await;
    engine.time_passes(SignedDuration::from_mins(11)).await;
    assert!(world.logged().contains(&"ends_soon".to_owned()), "it is about to end");
    engine.is_used();
    screen.lock(false);
    time_passes(&world, &engine).await;
    assert_eq!(world.notices.all(), []);
}
