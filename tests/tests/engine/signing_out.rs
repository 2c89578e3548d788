//! Signing out is final, and does not depend on anybody else.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_core::reason::VaultProblem;
use latchkey_tests::engine_world::World;

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
    let asking = tokio::spawn({
        let engine = engine.clone();
        async move { engine.renews().await }
    });
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
async fn signing_out_erases_although_the_backend_is_down() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
    assert!(world.stored().await.is_none());
    assert!(world.logged().contains(&"revocation_failed".to_owned()), "and it is told");
    assert_eq!(engine.now().await.next.unwrap().action.as_str(), "retry_revoke");
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
    assert!(world.kept().await.is_none());
    assert_eq!(engine.now().await.next, None);
}
