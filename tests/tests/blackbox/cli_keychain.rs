//! Keychains that cannot be used: nothing weaker is taken in their place, and no password is sent for nothing.

use std::time::Duration;

use latchkey_tests::canary::Canary;
use latchkey_tests::desktop::{Desktop, Keychain};

use crate::backend::{LOGIN, asked, random_text, with_users};
use latchkey_devserver::User;

async fn refuses_to_sign_in(keychain: Keychain, words: &[&str]) {
    let password = random_text("pw-");
    let user = User { password: password.clone(), ..User::demo() };
    let backend = with_users(Duration::from_mins(1), vec![user]).await;
    let desktop = Desktop::start(keychain);
    desktop.add_demo(backend.address().port());

    let refused = desktop.sign_in("demo", &password).ends(1);
    for words in words {
        assert!(refused.stderr.contains(words), "the message does not say “{words}”: {refused:#?}");
    }
    assert_eq!(refused.stdout, "");
    assert_eq!(asked(&backend, LOGIN), 0, "a password was sent for tokens that cannot be kept");

    let mut canary = Canary::default();
    canary.watch("the password", &password);
    let (_, found) = canary.look_into(desktop.root());
    assert!(found.is_empty(), "{found:#?}");
    for command in [&["token", "demo", "--wait", "1s"][..], &["renew", "demo"]] {
        let done = desktop.latchkey(command);
        assert!(!matches!(done.code, Some(0 | 2)), "without a keychain: {done:#?}");
        assert_eq!(done.stdout, "");
    }
    assert_eq!(asked(&backend, "/auth/refreshToken"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_keychain_is_not_gone_around() {
    refuses_to_sign_in(Keychain::Locked, &["locked", "LATCHKEY_VAULT"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keychain_without_a_keyring_is_not_gone_around() {
    refuses_to_sign_in(Keychain::Bare, &["keychain", "keyring", "LATCHKEY_VAULT"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_without_a_keychain_is_not_gone_around() {
    refuses_to_sign_in(Keychain::Absent, &["keychain", "LATCHKEY_VAULT"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_a_bus_is_not_gone_around() {
    refuses_to_sign_in(Keychain::NoBus, &["keychain", "LATCHKEY_VAULT"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_vault_is_taken_when_it_is_chosen_and_says_what_it_is() {
    let backend = with_users(Duration::from_mins(1), vec![User::demo()]).await;
    let desktop = Desktop::start(Keychain::NoBus).with("LATCHKEY_VAULT", "memory");
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0).says("memory");
    assert_eq!(desktop.status("demo")["state"], "signed_out", "it forgets when the command ends");
}
