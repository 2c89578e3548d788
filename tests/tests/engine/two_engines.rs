//! Two engines on the same vault and the same lock, as two processes have them.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_core::reason::VaultProblem;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_tests::engine_world::World;

#[tokio::test]
async fn a_second_engine_adopts_what_the_first_renewed_and_asks_nobody() {
    let world = World::new().await;
    let first = world.signed_in().await;
    let second = world.engine();
    second.until_generation(1).await;

    first.renews().await.unwrap();
    assert_eq!(world.refreshes(), 1);
    let status = second.renews().await.unwrap();
    assert_eq!(status.generation, 2);
    assert_eq!(world.refreshes(), 1, "the second took over what the first had stored");
    assert!(world.logged().contains(&"adopted".to_owned()));
    assert!(second.token().await.unwrap().access.expose() == first.token().await.unwrap().access.expose());
}

#[tokio::test]
async fn each_engine_spends_the_token_that_the_other_stored_and_never_an_older_one() {
    let world = World::new().await;
    let (first, second) = (world.signed_in().await, world.engine());
    second.until_generation(1).await;
    for round in 1..=4 {
        first.renews().await.unwrap();
        second.renews().await.unwrap();
        // This one is an exchange of its own, with the token that the first engine has stored.
        assert_eq!(second.renews().await.unwrap().generation, round * 2 + 1);
        assert_eq!(first.renews().await.unwrap().generation, round * 2 + 1);
        assert_eq!(world.refreshes(), round as usize * 2);
    }
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn two_engines_renewing_at_the_same_instant_make_one_request_each_round() {
    let world = World::new().await;
    let (first, second) = (world.signed_in().await, world.engine());
    second.until_generation(1).await;
    for round in 1..=8 {
        let (one, other) = tokio::join!(first.renews(), second.renews());
        assert_eq!((one.unwrap().generation, other.unwrap().generation), (round + 1, round + 1));
        assert_eq!(world.refreshes(), round as usize);
    }
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn two_engines_whose_plans_come_due_together_make_one_request_each_round() {
    let world = World::new().await;
    let (first, second) = (world.signed_in().await, world.engine());
    second.until_generation(1).await;
    for round in 1..=5 {
        world.clock.advance(jiff::SignedDuration::from_secs(50));
        first.until_generation(round + 1).await;
        second.until_generation(round + 1).await;
        assert_eq!(world.refreshes(), round as usize);
    }
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn a_sign_out_in_one_engine_is_found_by_the_other_which_sends_nothing() {
    let world = World::new().await;
    let (first, second) = (world.signed_in().await, world.engine());
    second.until_generation(1).await;
    first.signs_out().await.unwrap();
    assert_eq!(second.renews().await.unwrap_err().code(), "sign_in_needed");
    let status = second.now().await;
    assert_eq!((status.state.as_str(), status.reason.unwrap().code.as_str()), ("signed_out", "vault_empty"));
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn a_sign_in_in_one_engine_is_taken_over_by_the_other_when_it_looks() {
    let world = World::new().await;
    let (first, second) = (world.engine(), world.engine());
    assert_eq!(second.now().await.state, "signed_out");
    first.signs_in().await.unwrap();
    second.reload(&world.account).unwrap();
    second.until_generation(1).await;
    assert_eq!(second.token().await.unwrap().generation, 1);
}

#[tokio::test]
async fn a_sign_out_that_waits_for_the_vault_leaves_alone_who_has_signed_in_since() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.clock.advance(SignedDuration::from_secs(5));
    world.vault.fail_erases(Some(VaultProblem::Locked));
    world.vault.fail_next_writes(u64::MAX, VaultProblem::Locked);
    assert_eq!(engine.signs_out().await.unwrap_err().code(), "keychain_locked");

    world.vault.fail_erases(None);
    world.vault.fail_next_writes(0, VaultProblem::Locked);
    world.clock.advance(SignedDuration::from_millis(50));
    let command = world.command();
    assert_eq!(command.signs_in().await.unwrap().state, "signed_in");
    let token = world.stored_refresh_token().await;
    command.close().await;
    engine.time_passes(SignedDuration::from_secs(30)).await;
    assert!(world.stored().await.is_some_and(|stored| stored.tokens.refresh.unwrap().expose() == token));
    assert_eq!(engine.until_state("signed_in").await.next.unwrap().action.as_str(), "renew");
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out", "and that can be signed out of");
    assert!(world.stored().await.is_none());
}

#[tokio::test]
async fn what_another_engine_renewed_while_a_sign_out_waited_for_the_vault_is_erased() {
    let world = World::new().await;
    let (engine, other) = (world.signed_in().await, world.engine());
    other.until_generation(1).await;
    world.clock.advance(SignedDuration::from_secs(5));
    world.vault.fail_erases(Some(VaultProblem::Locked));
    world.vault.fail_next_writes(u64::MAX, VaultProblem::Locked);
    engine.signs_out().await.unwrap_err();

    world.vault.fail_erases(None);
    world.vault.fail_next_writes(0, VaultProblem::Locked);
    world.clock.advance(SignedDuration::from_millis(50));
    assert_eq!(other.renews().await.unwrap().generation, 2);
    engine.time_passes(SignedDuration::from_secs(30)).await;
    assert!(world.stored().await.is_none());
    assert_eq!(engine.now().await.state, "signed_out");
}

#[tokio::test]
async fn a_sign_in_elsewhere_is_taken_over_once_the_one_under_way_here_has_come_to_nothing() {
    let world = World::new().await;
    let engine = world.engine();
    world.goes_wrong(Fault::new("/auth/login", FaultMode::Delay).after(Duration::from_millis(300)));
    let trying = tokio::spawn({
        let engine = engine.clone();
        async move { engine.signs_in_with("wrong").await }
    });
    engine.until_state("signing_in").await;
    let command = world.command();
    command.signs_in().await.unwrap();
    command.close().await;
    engine.reload(&world.account).unwrap();
    trying.await.unwrap().unwrap_err();
    engine.until_generation(1).await;
}
