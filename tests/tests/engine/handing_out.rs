//! How programs get access tokens.

use jiff::SignedDuration;
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_engine::EngineError;
use latchkey_tests::engine_world::World;

#[tokio::test]
async fn the_token_in_hand_is_handed_out_while_it_lasts() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    for _ in 0..10 {
        let token = engine.token_valid_for(20).await.unwrap();
        assert_eq!((token.generation, token.min_valid_capped, token.falls_short), (1, false, false));
    }
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn a_token_is_renewed_when_more_is_asked_than_it_has_left() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    engine.time_passes(SignedDuration::from_secs(40)).await;
    assert_eq!(engine.token_valid_for(5).await.unwrap().generation, 1);
    assert_eq!(engine.token_valid_for(28).await.unwrap().generation, 2);
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn asking_for_more_than_half_of_the_lifetime_does_not_renew_at_every_call() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    for _ in 0..10 {
        let token = engine.token_valid_for(3600).await.unwrap();
        assert!(token.min_valid_capped && !token.falls_short);
        assert_eq!(token.generation, 1);
    }
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn a_hundred_programs_at_once_make_one_refresh_request() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    engine.access_token_expires().await;
    let asked: Vec<_> = (0..100)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.token().await.map(|token| token.access.expose().to_owned()) })
        })
        .collect();
    let mut tokens = Vec::new();
    for answer in asked {
        tokens.push(answer.await.unwrap().unwrap());
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "all get the same token");
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn an_expired_token_is_handed_to_nobody() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    engine.access_token_expires().await;
    engine.until_state("waiting").await;
    let error = engine.token_at_once().await.err().unwrap();
    assert!(matches!(error, EngineError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_token_that_falls_short_is_handed_out_and_said_to_when_no_better_can_be_had() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    engine.time_passes(SignedDuration::from_secs(40)).await;
    let asking = tokio::spawn({
        let engine = engine.clone();
        async move { engine.token().await }
    });
    engine.until_state("waiting").await;
    // The program waits for ten seconds at most.
    engine.time_passes(SignedDuration::from_secs(11)).await;
    let token = asking.await.unwrap().unwrap();
    assert!(token.falls_short);
    assert_eq!(token.generation, 1);
}

#[tokio::test]
async fn a_late_refusal_of_an_old_token_does_nothing_and_one_of_the_current_token_renews() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let first = engine.token().await.unwrap().fingerprint;
    engine.renews().await.unwrap();

    engine.token_rejected(&world.account, first).unwrap();
    engine.token_rejected(&world.account, FingerprintKey::new([9; 32]).of("never seen")).unwrap();
    assert_eq!(engine.settles().await.generation, 2);
    assert_eq!(world.refreshes(), 1);
    assert!(world.logged().contains(&"old_token_rejected".to_owned()));

    let current = engine.token().await.unwrap().fingerprint;
    engine.token_rejected(&world.account, current).unwrap();
    engine.until_generation(3).await;
    // A second program was refused with the same token while it was being renewed.
    engine.token_rejected(&world.account, current).unwrap();
    assert_eq!(engine.settles().await.generation, 3);
    assert_eq!(world.refreshes(), 2);
}

#[tokio::test]
async fn without_a_session_a_program_is_told_that_sign_in_is_needed() {
    let world = World::new().await;
    let engine = world.engine();
    let error = engine.token().await.err().unwrap();
    assert_eq!(error.code(), "sign_in_needed");
    let unknown = latchkey_core::account::AccountName::new("nobody").unwrap();
    assert_eq!(engine.status(&unknown).await.unwrap_err().code(), "unknown_account");
}
