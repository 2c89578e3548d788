//! Signing out is final, and does not depend on anybody else.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_core::reason::VaultProblem;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_tests::engine_world::{Engine, World, guarded};

#[tokio::test]
async fn signing_out_erases_the_tokens_and_ends_the_family_at_the_backend() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    engine.renews().await.unwrap();
    let token = world.stored_refresh_token().await;
    let status = engine.signs_out().await.unwrap();
    assert_eq!((status.state.as_str(), status.generation), ("signed_out", 0));
    assert!(status.access.is_none() && status.refresh.is_none() && status.identity.is_none());
    assert!(world.stored().await.is_none());
    let (code, body) = world.presents(&token).await;
    assert!(code == 401 && body.contains("signed out"), "{body}");
    assert_eq!(engine.token().await.err().unwrap().code(), "sign_in_needed");
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out", "signing out twice is signing out");
}

#[tokio::test]
async fn signing_out_in_the_middle_of_a_renewal_brings_nothing_back() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.next_renewal_takes(Duration::from_millis(200));
    let asking = engine.begins_to_renew();
    engine.until_state("renewing").await;
    engine.signs_out().await.unwrap();
    assert_eq!(asking.await.unwrap().unwrap_err().code(), "sign_in_needed");
    assert!(world.stored().await.is_none(), "what the exchange stored was erased after it");
    engine.time_passes(SignedDuration::from_mins(5)).await;
    assert_eq!(engine.now().await.state, "signed_out");
    assert!(world.stored().await.is_none());

    let ended: Vec<_> =
        world.server().requests().into_iter().filter(|request| request.path == "/auth/logout").collect();
    assert_eq!(ended.len(), 1);
    assert!(ended[0].family.is_some(), "the backend knew the family: {}", ended[0].outcome);
    assert!(!world.saw_reuse());
    assert_eq!(engine.signs_in().await.unwrap().state, "signed_in");
}

#[tokio::test]
async fn signing_out_while_tokens_wait_to_be_stored_forgets_them() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.vault.fail_next_writes(u64::MAX, VaultProblem::Locked);
    engine.renews().await.unwrap_err();
    engine.signs_out().await.unwrap();
    world.vault.fail_next_writes(0, VaultProblem::Locked);
    engine.time_passes(SignedDuration::from_mins(2)).await;
    assert_eq!(engine.now().await.state, "signed_out");
    assert!(world.stored().await.is_none());
}

#[tokio::test]
async fn who_signs_out_before_new_tokens_are_stored_ends_those_and_not_the_spent_ones() {
    for in_the_middle in [false, true] {
        let world = World::new().await;
        let engine = world.signed_in().await;
        world.vault.fail_next_writes(1, VaultProblem::Locked);
        if in_the_middle {
            world.next_renewal_takes(Duration::from_millis(200));
            drop(engine.begins_to_renew());
            engine.until_state("renewing").await;
        } else {
            engine.renews().await.unwrap_err();
        }
        // So that what it is told with is still there afterwards.
        world.goes_wrong(Fault::new("/auth/logout", FaultMode::Status).status(503));
        engine.signs_out().await.unwrap();
        let kept = world.kept().await.unwrap();
        assert_eq!((kept.generation, kept.signed_out_at.is_some()), (2, true), "{in_the_middle}");
        assert_eq!(world.presents(kept.tokens.refresh.unwrap().expose()).await.0, 200, "the live one");
    }
}

#[tokio::test]
async fn who_signed_out_is_answered_also_where_somebody_signs_in_before_the_backend_has_answered() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.goes_wrong(Fault::new("/auth/logout", FaultMode::Delay).after(Duration::from_millis(300)));
    let signing_out = tokio::spawn({
        let engine = engine.clone();
        async move { engine.signs_out().await }
    });
    engine.until_state("signed_out").await;
    engine.signs_in().await.unwrap();
    signing_out.await.unwrap().unwrap();
    assert_eq!(engine.settles().await.state, "signed_in");
}

#[tokio::test]
async fn a_backend_that_cannot_be_told_since_the_vault_stands_in_the_way_is_not_passed_over_in_silence() {
    for unreadable in [false, true] {
        let world = World::new().await;
        let engine = world.signed_in().await;
        if unreadable {
            world.vault.fail_reads(Some(VaultProblem::Damaged));
        } else {
            world.vault.fail_next_writes(1, VaultProblem::Refused);
        }
        assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
        world.vault.fail_reads(None);
        assert!(world.kept().await.is_none(), "gone from here is worth more than told there");
        let told = world.records().into_iter().find(|record| record.kind == "revocation_failed");
        let told = told.expect("it is told").message;
        assert!(told.starts_with("Signed out here, but the provider was not told"), "{told}");
    }
}

#[tokio::test]
async fn signing_out_erases_although_the_backend_is_down() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
    assert!(world.stored().await.is_none());
    assert!(world.logged().contains(&"revocation_failed".to_owned()), "and it is told");
    assert_eq!(engine.now().await.next.unwrap().action.as_str(), "tell_provider");
    assert_eq!(engine.token_at_once().await.err().unwrap().code(), "sign_in_needed");
}

#[tokio::test]
async fn a_vault_that_does_not_erase_is_told_and_tried_again_and_nothing_comes_back() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.vault.fail_erases(Some(VaultProblem::Locked));
    world.vault.fail_next_writes(u64::MAX, VaultProblem::Locked);
    assert_eq!(engine.signs_out().await.unwrap_err().code(), "keychain_locked");
    engine.reload(&world.account).unwrap();
    let status = engine.settles().await;
    assert_eq!((status.state.as_str(), status.next.unwrap().action.as_str()), ("signed_out", "retry_erase"));
    assert!(engine.token_at_once().await.is_err());
    world.vault.fail_erases(None);
    world.vault.fail_next_writes(0, VaultProblem::Locked);
    engine.time_passes(SignedDuration::from_secs(30)).await;
    forgotten(&world, &engine).await;
    engine.until("nothing to be owed", |status| status.next.is_none()).await;
}

/// Waits until nothing is left in the vault.
async fn forgotten(world: &World, engine: &Engine) {
    let gone = async {
        while world.kept().await.is_some() {
            engine.settles().await;
        }
    };
    guarded("the vault to be empty", gone).await;
}

/// How often the backend was told of a sign-out.
fn told(world: &World) -> usize {
    world.server().requests().iter().filter(|request| request.path == "/auth/logout").count()
}

#[tokio::test]
async fn a_backend_that_was_down_is_told_when_it_is_back_also_after_a_restart() {
    for restarted in [false, true] {
        let mut world = World::new().await;
        let mut engine = world.signed_in().await;
        let token = world.stored_refresh_token().await;
        world.backend_goes_away().await;
        engine.signs_out().await.unwrap();
        let kept = world.kept().await.unwrap();
        assert!(kept.signed_out_at.is_some() && kept.identity.is_empty(), "only what telling takes is kept");
        if restarted {
            engine.close().await;
            engine = world.engine();
            let status = engine.settles().await;
            assert_eq!((status.state.as_str(), status.generation), ("signed_out", 0));
        }
        engine.time_passes(SignedDuration::from_hours(1)).await;
        assert!(world.kept().await.is_some());
        world.backend_comes_back().await;
        engine.time_passes(SignedDuration::from_mins(20)).await;
        forgotten(&world, &engine).await;
        assert_eq!(told(&world), 1);
        assert!(world.presents(&token).await.1.contains("signed out"));
        engine.until("nothing to be owed", |status| status.next.is_none()).await;
    }
}

#[tokio::test]
async fn after_a_day_nobody_is_told_any_more_and_nothing_is_left() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    engine.signs_out().await.unwrap();
    let mut tries = 0;
    let end = world.wall() + SignedDuration::from_hours(25);
    while world.kept().await.is_some() && world.wall() < end {
        // While the backend is being asked nothing is planned.
        if engine.settles().await.next.is_some() {
            engine.next_thing_happens().await;
            tries += 1;
        }
    }
    assert!(world.kept().await.is_none());
    assert!((50..=200).contains(&tries), "{tries} tries");
}

#[tokio::test]
async fn a_change_of_the_network_tells_the_backend_early() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    engine.signs_out().await.unwrap();
    engine.time_passes(SignedDuration::from_hours(1)).await;
    world.backend_comes_back().await;
    world.network.changes_now();
    forgotten(&world, &engine).await;
    assert_eq!(told(&world), 1);
}

#[tokio::test]
async fn a_sign_in_over_what_is_still_to_be_told_tells_it_once_and_goes_on() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    let token = world.stored_refresh_token().await;
    world.backend_goes_away().await;
    engine.signs_out().await.unwrap();
    world.backend_comes_back().await;
    let status = engine.signs_in().await.unwrap();
    assert_eq!((status.state.as_str(), status.generation), ("signed_in", 2));
    assert!(world.presents(&token).await.1.contains("signed out"));
    assert_eq!(engine.renews().await.unwrap().generation, 3, "the new session is another");
    engine.time_passes(SignedDuration::from_secs(30)).await;
    assert_eq!(told(&world), 1);
}

#[tokio::test]
async fn another_process_takes_what_was_signed_out_of_for_absent_and_goes_on_telling() {
    let mut world = World::new().await;
    let (engine, other) = (world.signed_in().await, world.engine());
    other.until_generation(1).await;
    world.backend_goes_away().await;
    engine.signs_out().await.unwrap();
    engine.close().await;
    let status = other.renews().await.unwrap_err();
    assert_eq!(status.code(), "sign_in_needed");
    assert_eq!(other.now().await.state, "signed_out");
    world.backend_comes_back().await;
    other.time_passes(SignedDuration::from_mins(20)).await;
    forgotten(&world, &other).await;
    assert_eq!(told(&world), 1);
}

#[tokio::test]
async fn a_command_that_only_looks_tells_nobody_and_one_that_signs_out_tries_again() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    engine.signs_out().await.unwrap();
    engine.close().await;
    world.backend_comes_back().await;
    let command = world.command();
    assert_eq!(command.settles().await.state, "signed_out");
    command.close().await;
    assert_eq!(told(&world), 0);
    let command = world.command();
    command.signs_out().await.unwrap();
    command.close().await;
    assert_eq!((told(&world), world.kept().await.is_none()), (1, true), "signing out again is another try");
}
