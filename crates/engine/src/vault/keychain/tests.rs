//! The keychain over a store made here, which fails and hangs when told to. The real one is driven by the
//! black-box tests.

mod world;

use std::sync::atomic::Ordering::SeqCst;

use keyring_core::Error;

use super::super::envelope::tests::{example, same};
use super::slot::NotReady;
use super::*;
use world::World;

#[tokio::test]
async fn it_keeps_one_envelope_for_each_account() {
    let world = World::default();
    let keychain = world.keychain();
    assert!(keychain.read(&work()).await.unwrap().is_none());
    keychain.write(&work(), &example("work")).await.unwrap();
    let mut next = example("work");
    next.generation += 1;
    keychain.write(&work(), &next).await.unwrap();
    assert!(same(&keychain.read(&work()).await.ok().flatten().unwrap(), &next));
    assert_eq!(world.items(), [("work".to_owned(), 1)]);
    keychain.erase(&work()).await.unwrap();
    keychain.erase(&work()).await.unwrap();
    assert_eq!(world.items(), []);
}

#[tokio::test]
async fn one_connection_serves_every_call() {
    let world = World::default();
    let keychain = world.keychain();
    for _ in 0..3 {
        keychain.write(&work(), &example("work")).await.unwrap();
        keychain.check_writable().await.unwrap();
    }
    assert_eq!(world.connections(), 1);
}

#[tokio::test]
async fn a_broken_connection_is_made_anew_and_the_call_goes_on() {
    let world = World::default();
    let keychain = world.keychain();
    keychain.write(&work(), &example("work")).await.unwrap();
    world.fail_next([Error::NoDefaultStore]);
    assert!(keychain.read(&work()).await.unwrap().is_some());
    assert_eq!(world.connections(), 2);
}

#[tokio::test]
async fn a_new_connection_is_tried_once_in_a_call() {
    let world = World::default();
    let keychain = world.keychain();
    keychain.write(&work(), &example("work")).await.unwrap();
    world.fail_next([Error::NoDefaultStore, Error::NoDefaultStore]);
    assert_eq!(problem(keychain.read(&work()).await), VaultProblem::Unavailable);
    assert_eq!(world.connections(), 2);
    assert!(keychain.read(&work()).await.unwrap().is_some());
}

#[tokio::test]
async fn an_error_of_a_sound_connection_does_not_cost_it() {
    let world = World::default();
    let keychain = world.keychain();
    let locked = || Error::NoStorageAccess("locked".into());
    world.fail_next([
        locked(),
        Error::TooLong("secret".to_owned(), 2560),
        Error::BadEncoding(b"canary".to_vec()),
    ]);
    assert_eq!(problem(keychain.read(&work()).await), VaultProblem::Locked);
    assert_eq!(problem(keychain.write(&work(), &example("work")).await), VaultProblem::TooLarge);
    let damaged = keychain.read(&work()).await.err().unwrap();
    assert_eq!(damaged.problem, VaultProblem::Damaged);
    assert!(
        !format!("{damaged:?}").contains("canary") && !format!("{damaged:?}").contains("99"),
        "{damaged:?}"
    );
    assert_eq!(world.connections(), 1);
}

#[tokio::test]
async fn a_keychain_that_is_not_ready_does_not_say_that_there_is_nothing() {
    let world = World::default();
    let keychain = world.keychain();
    let close = |why| *world.0.closed.lock().unwrap() = Some(why);
    close(NotReady::Failed(Error::NoStorageAccess("locked".into())));
    assert_eq!(problem(keychain.read(&work()).await), VaultProblem::Locked);
    close(NotReady::Asked);
    assert_eq!(problem(keychain.erase(&work()).await), VaultProblem::Slow);
    close(NotReady::Failed(Error::NoDefaultStore));
    assert!(keychain.read(&work()).await.unwrap().is_none(), "a look over a broken connection is repeated");
    assert_eq!(world.connections(), 2);
}

#[tokio::test]
async fn a_call_that_hangs_is_slow_and_so_are_those_behind_it_until_it_ends() {
    let world = World::default();
    let keychain = world.keychain_with(Duration::from_millis(30));
    let patient = Keychain { jobs: keychain.jobs.clone(), patience: PATIENCE, limits: keychain.limits };
    patient.write(&work(), &example("work")).await.unwrap();
    let (answer, question) = mpsc::channel();
    *world.0.hang.lock().unwrap() = Some(question);

    let mut late = example("work");
    late.generation = 8;
    assert_eq!(problem(keychain.write(&work(), &late).await), VaultProblem::Slow);
    assert_eq!(problem(keychain.read(&work()).await), VaultProblem::Slow);

    answer.send(()).unwrap();
    let read = patient.read(&work()).await.ok().flatten().unwrap();
    assert_eq!(read.generation, 8, "the late write was carried out before the read");
}

#[tokio::test]
async fn a_library_that_panics_costs_the_call_and_not_the_keychain() {
    let world = World::default();
    let keychain = world.keychain();
    keychain.write(&work(), &example("work")).await.unwrap();
    let (answer, question) = mpsc::channel::<()>();
    drop(answer);
    *world.0.hang.lock().unwrap() = Some(question);
    assert_eq!(problem(keychain.read(&work()).await), VaultProblem::Unavailable);
    assert!(keychain.read(&work()).await.unwrap().is_some());
    assert_eq!(world.connections(), 2);
}

#[tokio::test]
async fn of_two_items_the_newer_is_read_and_a_write_leaves_one() {
    let world = World::default();
    let keychain = world.keychain();
    let mut newer = example("work");
    newer.generation = 9;
    for envelope in [&example("work"), &newer, &example("work")] {
        world.plant("work", &envelope.to_bytes().unwrap());
    }
    world.plant("work", b"damaged");
    assert_eq!(keychain.read(&work()).await.ok().flatten().unwrap().generation, 9);
    newer.generation = 10;
    keychain.write(&work(), &newer).await.unwrap();
    assert_eq!(world.items(), [("work".to_owned(), 1)]);
    assert_eq!(keychain.read(&work()).await.ok().flatten().unwrap().generation, 10);
    world.plant("work", br#"{"schema":4000000000,"account":"work"}"#);
    assert_eq!(problem(keychain.read(&work()).await), VaultProblem::Newer);
    keychain.erase(&work()).await.unwrap();
    assert_eq!(world.items(), []);
}

#[tokio::test]
async fn checking_leaves_nothing_behind_and_fails_as_a_write_would() {
    let world = World::default();
    let keychain = world.keychain();
    keychain.check_writable().await.unwrap();
    assert_eq!(world.items(), []);
    world.fail_next([Error::NoStorageAccess("locked".into())]);
    assert_eq!(problem(keychain.check_writable().await), VaultProblem::Locked);
    assert!(AccountName::new(CHECK).is_err(), "no account can have the name of the check");
}

#[tokio::test]
async fn a_store_that_keeps_something_else_has_failed_to_store() {
    let world = World::default();
    let keychain = world.keychain();
    keychain.write(&work(), &example("work")).await.unwrap();
    assert_eq!(world.0.reads.load(SeqCst), 0, "before anything was read nobody knows whether it asks");
    keychain.read(&work()).await.unwrap();
    world.0.drops_a_byte.store(true, SeqCst);
    assert_eq!(problem(keychain.write(&work(), &example("work")).await), VaultProblem::NotKept);
    assert_eq!(problem(keychain.probe().await), VaultProblem::NotKept);
    world.0.drops_a_byte.store(false, SeqCst);
    keychain.write(&work(), &example("work")).await.unwrap();
    keychain.probe().await.unwrap();
    assert_eq!(world.items(), [("work".to_owned(), 1)]);
}

#[tokio::test]
async fn a_store_that_has_every_reading_confirmed_is_read_once_in_a_renewal() {
    let world = World::default();
    let keychain = world.keychain();
    keychain.write(&work(), &example("work")).await.unwrap();
    *world.0.confirming.lock().unwrap() = jiff::SignedDuration::from_millis(400);
    for renewals in 1..=3 {
        assert!(keychain.read(&work()).await.unwrap().is_some());
        keychain.check_writable().await.unwrap();
        keychain.write(&work(), &example("work")).await.unwrap();
        assert_eq!(world.0.reads.load(SeqCst), renewals);
    }
}

#[tokio::test]
async fn a_token_set_that_is_stored_and_cannot_be_read_back_just_now_is_stored() {
    let world = World::default();
    let keychain = world.keychain();
    keychain.write(&work(), &example("work")).await.unwrap();
    keychain.read(&work()).await.unwrap();
    let mut next = example("work");
    next.generation += 1;
    world.fail_after_the_next_operation(Error::NoStorageAccess("locked".into()));
    keychain.write(&work(), &next).await.unwrap();
    assert!(same(&keychain.read(&work()).await.ok().flatten().unwrap(), &next));
}

#[tokio::test]
async fn what_is_too_large_is_not_sent() {
    let world = World::default();
    let mut large = example("work");
    large.scope = Some("x".repeat(Limits::ROOMY.whole));
    assert_eq!(problem(world.keychain().write(&work(), &large).await), VaultProblem::TooLarge);
    assert_eq!(world.connections(), 0);
}

fn work() -> AccountName {
    AccountName::new("work").unwrap()
}

fn problem<T>(result: Result<T, VaultError>) -> VaultProblem {
    result.err().unwrap().problem
}
