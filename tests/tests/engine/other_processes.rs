//! What one process does to the vault, and another that holds the same session.

use latchkey_core::reason::VaultProblem;
use latchkey_engine::ports::Vault as _;
use latchkey_tests::engine_world::{Engine, World};

/// Signs in, and lets another process take that in. It renews nothing by itself and waits for nobody to tell it anything.
async fn signed_in(world: &World) -> (Engine, Engine) {
    let (first, second) = (world.process(false), world.process(false));
    first.signs_in().await.unwrap();
    assert_eq!(second.now().await.generation, 1);
    (first, second)
}

#[tokio::test]
async fn nobody_is_given_a_token_of_a_session_that_was_signed_out_of_elsewhere() {
    let world = World::new().await;
    for _ in 0..20 {
        let (first, second) = signed_in(&world).await;
        assert_eq!(second.token().await.unwrap().generation, 1);
        first.signs_out().await.unwrap();
        assert_eq!(second.token().await.err().map(|error| error.code()), Some("sign_in_needed"));
        first.close().await;
        second.close().await;
    }
}

#[tokio::test]
async fn whoever_asks_is_given_the_token_that_another_process_brought() {
    let world = World::new().await;
    let (first, second) = signed_in(&world).await;
    for generation in 2..=10 {
        let (one, other) = if generation % 2 == 0 { (&first, &second) } else { (&second, &first) };
        one.renews().await.unwrap();
        let tokens = [one.token().await.unwrap(), other.token().await.unwrap()];
        assert_eq!([tokens[0].generation, tokens[1].generation], [generation; 2]);
        assert_eq!(tokens[0].access.expose(), tokens[1].access.expose());
    }
    assert_eq!(world.refreshes(), 9, "each was one renewal");
    first.signs_out().await.unwrap();
    second.signs_in().await.unwrap();
    assert_eq!(first.token().await.unwrap().generation, 1, "signed in anew");
    assert_eq!(
        first.inspect(&world.account).await.unwrap().claims,
        second.inspect(&world.account).await.unwrap().claims
    );
}

#[tokio::test]
async fn a_status_tells_what_another_process_did_before_it_was_asked_for() {
    let world = World::new().await;
    let (first, second) = signed_in(&world).await;
    first.signs_out().await.unwrap();
    assert_eq!(second.now().await.state, "signed_out");
    second.signs_in().await.unwrap();
    assert_eq!(first.now().await.state, "signed_in");
}

#[tokio::test]
async fn what_is_shown_follows_what_another_process_does() {
    let world = World::new().await;
    let (shown, command) = (world.process(true), world.process(false));
    command.signs_in().await.unwrap();
    shown.until_generation(1).await;
    command.renews().await.unwrap();
    shown.until_generation(2).await;
    command.signs_out().await.unwrap();
    shown.until_state("signed_out").await;
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_session_that_was_signed_out_of_elsewhere_on_purpose_alarms_nobody() {
    let mut world = World::new().await;
    for told in [true, false] {
        let (shown, command) = (world.process(true), world.process(false));
        command.signs_in().await.unwrap();
        shown.until_generation(1).await;
        if !told {
            world.backend_goes_away().await;
        }
        command.signs_out().await.unwrap();
        assert_eq!(world.kept().await.is_some(), !told, "what the provider has to be told");
        let status = shown.until_state("signed_out").await;
        assert_eq!(status.reason.unwrap().code.as_str(), "signed_out");
    }
    assert!(world.notices.all().is_empty(), "{:?}", world.notices.all());
}

#[tokio::test]
async fn a_keychain_that_somebody_else_emptied_is_told_of() {
    let world = World::new().await;
    let (shown, command) = (world.process(true), world.process(false));
    command.signs_in().await.unwrap();
    shown.until_generation(1).await;
    world.vault.erase(&world.account).await.unwrap();
    shown.reload(&world.account).unwrap();
    let status = shown.until_state("signed_out").await;
    assert_eq!(status.reason.unwrap().code.as_str(), "vault_empty");
    assert_eq!(world.notices.all().len(), 1);
}

#[tokio::test]
async fn a_vault_that_cannot_be_read_just_then_keeps_nobody_from_a_token_that_lives() {
    let world = World::new().await;
    let (first, second) = signed_in(&world).await;
    first.renews().await.unwrap();
    world.vault.fail_reads(Some(VaultProblem::Locked));
    assert_eq!(second.token().await.unwrap().generation, 1);
    world.vault.fail_reads(None);
    assert_eq!(second.renews().await.unwrap().generation, 2, "and the other's is found by the next renewal");
    assert_eq!(world.refreshes(), 1);
}
