//! How a session renews by itself.

use std::time::Duration;

use jiff::Timestamp;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::EngineHandle;
use latchkey_tests::engine_world::{World, guarded, reason};

#[tokio::test]
async fn renewal_happens_by_itself_ahead_of_expiry_and_the_status_tells_how_often_what_next_and_why() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let first = engine.now().await;
    let next = first.next.unwrap();
    assert_eq!(next.action, "renew");
    assert!(next.why.contains("a fifth of the lifetime before expiry"), "{}", next.why);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (due, expires) = (at(&next.at.unwrap()), at(&first.access.unwrap().expires_at));
    assert!(due < expires, "due {due}, expires {expires}");

    for round in 1..=5 {
        let status = engine.next_thing_happens().await;
        assert_eq!((status.state.as_str(), status.generation), ("signed_in", round + 1));
        assert_eq!((status.renewals.count, status.renewals.failed), (round, 0));
        assert!(status.renewals.last_ms.is_some());
        assert!(at(&status.next.unwrap().at.unwrap()) > due);
        assert_eq!(world.refreshes(), round as usize);
    }
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn nothing_is_renewed_before_it_is_due() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    engine.time_passes(jiff::SignedDuration::from_secs(40)).await;
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn two_refresh_tokens_never_live_and_the_vault_holds_the_rotated_one() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let mut seen = vec![world.stored_refresh_token().await];
    for round in 2..=4 {
        engine.next_thing_happens().await;
        let stored = world.stored_refresh_token().await;
        assert_eq!(world.stored().await.unwrap().generation, round);
        assert!(!seen.contains(&stored), "the vault holds a token that was spent");
        seen.push(stored);
    }
    assert_eq!(engine.now().await.refresh.unwrap().rotates, Some(true));
    // The one before the last is spent: whoever shows it now is a thief, and the backend says so.
    let (status, _) = world.presents(&seen[2]).await;
    assert_eq!(status, 401);
    assert!(world.saw_reuse());
}

#[tokio::test]
async fn the_token_is_stored_although_the_caller_went_away_in_the_middle_of_the_exchange() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    for generation in 2..=4 {
        world.next_renewal_takes(Duration::from_millis(50));
        let caller = engine.begins_to_renew();
        engine.until_state("renewing").await;
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        engine.until_generation(generation).await;
        assert_eq!(world.stored().await.unwrap().generation, u64::from(generation));
    }
    assert_eq!(world.refreshes(), 3);
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn a_caller_who_goes_away_before_anything_was_sent_does_no_harm() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    for polls in 0..4 {
        engine.access_token_expires().await;
        let mut asking = Box::pin(engine.token());
        for _ in 0..polls {
            tokio::select! { biased; _ = &mut asking => panic!("answered at once"), () = tokio::task::yield_now() => {} }
        }
        drop(asking);
        engine.until_generation(polls + 2).await;
    }
    assert_eq!(engine.renews().await.unwrap().generation, 6);
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn a_reply_that_takes_its_time_is_waited_for_once() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.next_renewal_takes(Duration::from_millis(300));
    let status = engine.renews().await.unwrap();
    assert_eq!((status.generation, status.renewals.failed), (2, 0));
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn people_who_ask_at_the_same_time_share_one_renewal_and_its_outcome() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let asked = (0..20).map(|_| engine.begins_to_renew());
    for answer in asked.collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap().unwrap().generation, 2);
    }
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_renewal_that_fails_is_told_to_everyone_who_waits_for_it() {
    let mut told = Vec::new();
    for mode in [FaultMode::Status, FaultMode::Html, FaultMode::Redirect, FaultMode::RevokedFamily] {
        let world = World::new().await;
        let engine = world.signed_in().await;
        world.goes_wrong(Fault::new("refresh", mode).times(-1));
        let asked = (0..20).map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.renews().await.map(|status| status.generation) })
        });
        let mut answers = Vec::new();
        for answer in asked.collect::<Vec<_>>() {
            answers.push(answer.await.unwrap().unwrap_err().to_string());
        }
        answers.dedup();
        assert_eq!((answers.len(), world.refreshes()), (1, 1), "{mode:?}: {answers:#?}");
        told.append(&mut answers);
    }
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 4, "each is told what happened to it: {told:#?}");
}

#[tokio::test]
async fn a_refresh_token_goes_to_the_backend_that_issued_it_although_the_account_names_another() {
    let world = World::new().await;
    world.signed_in().await.close().await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move { listener.accept().await.map(drop) });
    let moved = world.account_named(world.account.clone(), port);
    let engine = EngineHandle::start(world.setup(), [moved]);
    let renewed = guarded("renewing", engine.renew(&world.account)).await;
    assert_eq!(renewed.unwrap_err().code(), "not_now");
    let status = engine.status(&world.account).await.unwrap();
    assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "misfit"));
    guarded("signing out", engine.sign_out(&world.account)).await.unwrap();
    engine.close().await;
    assert!(!asked.is_finished(), "the token went elsewhere");
    assert!(world.stored().await.is_none());
}
