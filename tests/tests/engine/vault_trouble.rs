//! A vault that is locked, slow or full. What cannot be saved is not spent, and what was received is not given out
//! before it is durable.

use jiff::SignedDuration;
use latchkey_core::reason::VaultProblem;
use latchkey_core::session::Notice;
use latchkey_tests::engine_world::{World, reason};

#[tokio::test]
async fn while_the_vault_cannot_be_written_nothing_is_sent() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.vault.fail_checks(Some(VaultProblem::Locked));
    assert_eq!(engine.renews().await.unwrap_err().code(), "keychain_locked");
    engine.time_passes(SignedDuration::from_secs(50)).await;
    let status = engine.now().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "keychain_locked"));
    assert_eq!(engine.token_at_once().await.unwrap().generation, 1, "the access token is served");
    assert_eq!(world.refreshes(), 0);

    world.vault.fail_checks(None);
    engine.next_thing_happens().await;
    engine.until_generation(2).await;
}

#[tokio::test]
async fn while_the_vault_cannot_be_read_nothing_is_sent_and_nobody_is_signed_out() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.vault.fail_reads(Some(VaultProblem::Unavailable));
    assert_eq!(engine.renews().await.unwrap_err().code(), "keychain_unavailable");
    engine.reload(&world.account).unwrap();
    let status = engine.settles().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "keychain_unavailable"));
    assert_eq!(engine.token_at_once().await.unwrap().generation, 1);
    assert_eq!(world.refreshes(), 0);
    world.vault.fail_reads(None);
    assert_eq!(engine.next_thing_happens().await.generation, 2);
}

#[tokio::test]
async fn a_vault_that_is_locked_at_the_start_is_not_taken_for_an_empty_one() {
    let world = World::new().await;
    world.signed_in().await.close().await;
    world.vault.fail_reads(Some(VaultProblem::Locked));
    let engine = world.engine();
    let status = engine.settles().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "keychain_locked"));
    assert_eq!(engine.token_at_once().await.err().unwrap().code(), "keychain_locked");
    world.vault.fail_reads(None);
    assert_eq!(engine.next_thing_happens().await.generation, 1);
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn tokens_that_cannot_be_stored_are_given_to_nobody_until_they_are() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.vault.fail_next_writes(3, VaultProblem::Refused);
    assert_eq!(engine.renews().await.unwrap_err().code(), "keychain_refused");
    let status = engine.now().await;
    assert_eq!(
        (status.state.as_str(), reason(&status), status.generation),
        ("saving", "keychain_refused", 1)
    );
    assert_eq!(status.next.unwrap().action, "retry_save");

    for wait in [200, 400] {
        assert_eq!(engine.token().await.unwrap().generation, 1, "the old token is served, and only that");
        world.clock.advance(SignedDuration::from_millis(wait));
        assert_eq!(engine.settles().await.state, "saving");
    }
    world.clock.advance(SignedDuration::from_millis(800));
    engine.until_generation(2).await;
    assert_eq!(engine.token().await.unwrap().generation, 2);
    assert_eq!(world.stored().await.unwrap().generation, 2);
    assert_eq!(world.refreshes(), 1, "saving is retried, the exchange is not");
    let notices = world.notices.all();
    assert!(matches!(notices.as_slice(), [Notice::CannotSave(VaultProblem::Refused)]), "{notices:?}");
    assert_eq!(engine.renews().await.unwrap().generation, 3, "the lock was given back");
}

#[tokio::test]
async fn saving_is_tried_for_a_day_and_the_tokens_are_not_forgotten() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.vault.fail_next_writes(u64::MAX, VaultProblem::Locked);
    engine.renews().await.unwrap_err();
    for _ in 0..24 {
        world.clock.advance(SignedDuration::from_hours(1));
        assert_eq!(engine.settles().await.state, "saving");
    }
    assert_eq!(
        engine.token_at_once().await.err().unwrap().code(),
        "keychain_locked",
        "expired, and no new one"
    );
    world.vault.fail_next_writes(0, VaultProblem::Locked);
    engine.next_thing_happens().await;
    let status = engine.until("the tokens to be stored", |status| status.generation >= 2).await;
    assert_eq!(status.state, "signed_in");
    assert!(!world.saw_reuse());
    assert_eq!(world.notices.all().len(), 1);
}

/// One worker takes up first what was begun last: the look into the vault comes after the renewal that was asked for
/// behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_late_look_into_the_vault_does_not_take_the_place_of_tokens_that_wait_to_be_stored() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.vault.fail_next_writes(1, VaultProblem::Refused);
    let (both, account) = (engine.clone(), world.account.clone());
    let renewed = tokio::spawn(async move {
        both.reload(&account).unwrap();
        both.renews().await
    });
    assert_eq!(renewed.await.unwrap().unwrap_err().code(), "keychain_refused");
    assert_eq!(engine.settles().await.state, "saving");
    world.clock.advance(SignedDuration::from_millis(200));
    engine.until_generation(2).await;
    assert_eq!(world.stored().await.unwrap().generation, 2, "what is published is durable");
}

#[tokio::test]
async fn a_person_who_renews_while_tokens_wait_to_be_stored_is_told_whether_they_are_now() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.vault.fail_next_writes(1, VaultProblem::Locked);
    engine.renews().await.unwrap_err();
    assert_eq!(engine.renews().await.unwrap().generation, 2);
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn signing_in_with_a_vault_that_cannot_be_written_spends_no_password() {
    let world = World::new().await;
    let engine = world.engine();
    world.vault.fail_checks(Some(VaultProblem::Unavailable));
    let error = engine.signs_in().await.unwrap_err();
    assert_eq!(error.code(), "keychain_unavailable");
    assert!(error.hint().unwrap().contains("LATCHKEY_VAULT"));
    assert_eq!(world.server().requests().len(), 0);
    assert_eq!(engine.now().await.state, "signed_out");
}

#[tokio::test]
async fn a_sign_in_whose_tokens_cannot_be_stored_is_saved_later() {
    let world = World::new().await;
    let engine = world.engine();
    world.vault.fail_next_writes(1, VaultProblem::Slow);
    assert_eq!(engine.signs_in().await.unwrap_err().code(), "keychain_slow");
    assert_eq!(engine.now().await.state, "saving");
    world.clock.advance(SignedDuration::from_millis(200));
    engine.until_generation(1).await;
}

#[tokio::test]
async fn a_damaged_item_is_told_and_replaced_by_a_sign_in() {
    let world = World::new().await;
    world.vault.plant(&world.account, *b"{\"schema\":1,\"account\":\"demo\",");
    let engine = world.engine();
    let status = engine.settles().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "keychain_item_damaged"));
    assert_eq!(engine.signs_in().await.unwrap().state, "signed_in");
    assert!(world.stored().await.is_some());
}
