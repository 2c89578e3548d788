//! Accounts that are changed while something is under way for them: nothing is let go of that is nowhere else.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_core::reason::VaultProblem;
use latchkey_engine::EngineError;
use latchkey_engine::config::{AccountConfig, Consent};
use latchkey_tests::engine_world::{Engine, World, guarded};
use tokio::task::JoinHandle;

/// An engine in the middle of a renewal, and its account as it is to be.
async fn renewing() -> (World, Engine, AccountConfig) {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.next_renewal_takes(Duration::from_millis(200));
    drop(engine.begins_to_renew());
    engine.until_state("renewing").await;
    let asking =
        AccountConfig { consent: Consent::Ask, ..AccountConfig::demo(world.server().address().port()) };
    (world, engine, asking)
}

/// Its account is being changed, which waits for the renewal.
async fn being_changed(engine: &Engine, to: AccountConfig) -> JoinHandle<Result<(), EngineError>> {
    let changing = tokio::spawn({
        let engine = engine.clone();
        async move { engine.change_account(&to).await }
    });
    while !engine.accounts().is_empty() {
        tokio::task::yield_now().await;
    }
    changing
}

#[tokio::test]
async fn new_tokens_that_cannot_be_stored_are_not_let_go_of_by_a_change_of_their_account() {
    let (world, engine, asking) = renewing().await;
    world.vault.fail_next_writes(u64::MAX, VaultProblem::Locked);
    let changed = engine.change_account(&asking).await;
    assert!(matches!(changed, Err(EngineError::Busy)), "{changed:?}");
    assert_eq!(engine.now().await.state, "saving");
    world.vault.fail_next_writes(0, VaultProblem::Locked);
    assert!(engine.renews().await.is_ok());
    assert!(world.stored().await.unwrap().generation > 1);
    assert!(engine.change_account(&asking).await.is_ok());
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn new_tokens_that_cannot_be_stored_are_not_let_go_of_with_an_account_that_is_gone() {
    let (world, engine, _) = renewing().await;
    world.vault.fail_next_writes(u64::MAX, VaultProblem::Locked);
    let changes = engine.accounts_are(&[]).await;
    assert!(changes.is_empty(), "{changes:?}");
    assert_eq!(engine.now().await.state, "saving");
}

#[tokio::test]
async fn two_who_change_an_account_at_once_do_it_one_after_the_other() {
    let (world, engine, asking) = renewing().await;
    let history = engine.now().await.history;
    let (changed, followed) = tokio::join!(
        engine.change_account(&asking),
        // Begins while the other waits for the exchange.
        async {
            while engine.accounts().contains(&asking.name) {
                tokio::task::yield_now().await;
            }
            engine.accounts_are(std::slice::from_ref(&asking)).await
        }
    );
    changed.unwrap();
    assert!(followed.is_empty(), "it was changed already: {followed:?}");
    let now = engine.until_state("signed_in").await;
    assert_eq!((now.generation, &now.history[..1]), (2, &history[..]));
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn an_end_in_the_middle_of_a_change_waits_for_the_exchange_as_well() {
    let (world, engine, asking) = renewing().await;
    let changing = being_changed(&engine, asking).await;
    guarded("the end", engine.close()).await;
    assert_eq!(world.stored().await.unwrap().generation, 2, "an answer under way is lost with the process");
    assert!(matches!(changing.await.unwrap(), Err(EngineError::Closing)));
}

#[tokio::test]
async fn whoever_wants_something_of_an_account_that_is_being_changed_gets_it_afterwards() {
    let (world, engine, asking) = renewing().await;
    let changing = being_changed(&engine, asking).await;
    assert_eq!(engine.sessions().await.len(), 1, "it is there all the time");
    let (token, status, renewed) = tokio::join!(engine.token(), engine.now(), engine.renews());
    assert!(token.is_ok(), "{:?}", token.err());
    assert_eq!(status.account, world.account.as_str());
    assert!(renewed.is_ok(), "{renewed:?}");
    changing.await.unwrap().unwrap();
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn a_program_waits_no_longer_for_an_account_that_is_being_changed_than_it_wanted_to() {
    let (_world, engine, asking) = renewing().await;
    let changing = being_changed(&engine, asking).await;
    let busy = engine.token_at_once().await;
    assert!(matches!(busy, Err(EngineError::Busy)), "{:?}", busy.err());
    changing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_sign_out_that_could_not_erase_yet_is_not_forgotten_with_a_change_of_its_account() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let asking =
        AccountConfig { consent: Consent::Ask, ..AccountConfig::demo(world.server().address().port()) };
    let locked = |locked: bool| {
        world.vault.fail_erases(locked.then_some(VaultProblem::Locked));
        world.vault.fail_next_writes(if locked { u64::MAX } else { 0 }, VaultProblem::Locked);
    };
    locked(true);
    assert!(engine.signs_out().await.is_err());
    let changed = engine.change_account(&asking).await;
    assert!(matches!(changed, Err(EngineError::Busy)), "{changed:?}");
    assert!(engine.accounts_are(&[]).await.is_empty());
    assert_eq!(engine.now().await.state, "signed_out");
    locked(false);
    engine.time_passes(SignedDuration::from_secs(30)).await;
    engine.until("nothing to be owed", |status| status.next.is_none()).await;
    engine.change_account(&asking).await.unwrap();
    assert_eq!(engine.settles().await.state, "signed_out");
}
