//! The end of an engine loses nothing.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::reason::VaultProblem;
use latchkey_core::secret::Password;
use latchkey_engine::EngineHandle;
use latchkey_engine::sign_in::{Login, SignIn};
use latchkey_tests::engine_world::{PASSWORD, World};

#[tokio::test]
async fn closing_in_the_middle_of_an_exchange_waits_for_it_and_stores() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.next_renewal_takes(Duration::from_millis(200));
    let asking = engine.begins_to_renew();
    engine.until_state("renewing").await;
    engine.close().await;
    assert_eq!(world.stored().await.unwrap().generation, 2);
    // Whoever waited is told something true: it is done, or the engine is ending.
    match asking.await.unwrap() {
        Ok(status) => assert_eq!(status.generation, 2),
        Err(error) => assert_eq!(error.code(), "closing"),
    }
    let next = world.engine();
    next.until_generation(2).await;
    assert_eq!(next.renews().await.unwrap().generation, 3);
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn closing_tries_once_more_to_store_what_is_unsaved() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.vault.fail_next_writes(1, VaultProblem::Locked);
    engine.renews().await.unwrap_err();
    engine.close().await;
    assert_eq!(world.stored().await.unwrap().generation, 2);
}

#[tokio::test]
async fn closing_ends_although_the_vault_does_not_take_what_is_unsaved() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.vault.fail_next_writes(u64::MAX, VaultProblem::Locked);
    engine.renews().await.unwrap_err();
    latchkey_tests::engine_world::guarded("the end", engine.close()).await;
    assert_eq!(world.stored().await.unwrap().generation, 1);
}

#[tokio::test]
async fn a_closed_engine_says_that_it_is_closing_and_closing_twice_is_closing() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    engine.close().await;
    engine.close().await;
    assert_eq!(engine.token().await.err().unwrap().code(), "closing");
    assert_eq!(engine.renews().await.unwrap_err().code(), "closing");
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn an_account_that_is_removed_is_signed_out_first() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    engine.remove_account(&world.account).await.unwrap();
    assert!(world.stored().await.is_none());
    assert!(engine.accounts().is_empty());
    assert_eq!(engine.token().await.err().unwrap().code(), "unknown_account");
}

#[tokio::test]
async fn no_account_begins_anything_while_another_still_finishes() {
    let world = World::new().await;
    let port = world.server().address().port();
    let names = ["first", "second"].map(|name| AccountName::new(name).unwrap());
    let accounts = names.clone().map(|name| world.account_named(name, port));
    let engine = EngineHandle::start(world.setup(), accounts);
    for name in &names {
        let login = Login { username: "demo".to_owned(), password: Password::new(PASSWORD) };
        engine.sign_in(name, SignIn::Password(login)).await.unwrap();
    }
    world.next_renewal_takes(Duration::from_millis(500));
    let (asking, first) = (engine.clone(), names[0].clone());
    let asking = tokio::spawn(async move { asking.renew(&first).await });
    let mut watch = engine.watch();
    watch.wait_for(|all| all[&names[0]].state == "renewing").await.unwrap();
    let due = async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        world.clock.advance(SignedDuration::from_secs(55));
    };
    tokio::join!(engine.close(), due);
    let _ = asking.await;
    assert_eq!(world.refreshes(), 1, "the second was due, and the engine was ending");
}
