//! The long-running app and a keychain that goes away and comes back.

use std::time::Duration;

use latchkey_tests::desktop::Keychain;
use latchkey_tests::wait::{Deadline, PATIENCE, until, until_async};
use latchkey_tests::window::{Window, css};

use crate::backend::{REFRESH, asked, living};
use crate::window::desktop_with_demo;

#[tokio::test(flavor = "multi_thread")]
async fn window_app_recovers_from_a_keychain_that_was_restarted() {
    let backend = living(Duration::from_secs(6)).await;
    let mut desktop = desktop_with_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let window = Window::open(&desktop, &[]).await;
    window.find("history-renewed").await;
    let app = window.app();

    desktop.kill_keychain();
    // New tokens that were on their way wait to be saved.
    until_async("the keychain to be missed", PATIENCE, async || {
        ["waiting", "saving"].contains(&window.state().await.as_str()).then_some(())
    })
    .await;
    let page = window.words().await;
    assert!(page.contains("keychain"), "the keychain is not named:\n{page}");
    window.picture("light-keychain-gone").await;
    let spent = asked(&backend, REFRESH);
    // Longer than a token lives, so that renewals come due.
    let end = Deadline::after(Duration::from_secs(7));
    until("renewals to come due", PATIENCE, || end.passed().then_some(()));
    assert!(asked(&backend, REFRESH) <= spent, "a refresh token was spent that could not be saved");

    desktop.start_keychain();
    until_async("renewals to go on", PATIENCE, async || (asked(&backend, REFRESH) > spent).then_some(()))
        .await;
    window.comes_to("signed_in").await;
    assert_eq!(window.app(), app, "the app was restarted");
    assert!(
        backend.requests().iter().all(|request| request.status == Some(200)),
        "{:#?}",
        backend.requests()
    );
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn window_without_a_keychain_says_so_and_how_to_choose() {
    let backend = living(Duration::from_mins(1)).await;
    let desktop = latchkey_tests::desktop::Desktop::start(Keychain::Absent).with_screen();
    desktop.add_demo(backend.address().port());
    let window = Window::open(&desktop, &[]).await;
    until_async("the keychain to be named", PATIENCE, async || {
        window.words().await.contains("LATCHKEY_VAULT").then_some(())
    })
    .await;
    window.picture("light-no-keychain").await;
    assert!(window.all_css(&css("renew-now")).await.len() <= 1);
    assert_eq!(asked(&backend, "/auth/login"), 0);
}

/// At login an app may be up before the keychain is.
#[tokio::test(flavor = "multi_thread")]
async fn window_app_finds_a_keychain_that_comes_up_after_it() {
    let backend = living(Duration::from_mins(10)).await;
    let mut desktop = desktop_with_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    desktop.kill_keychain();
    let window = Window::open(&desktop, &[]).await;
    let app = window.app();
    window.comes_to("waiting").await;
    desktop.start_keychain();
    window.comes_to("signed_in").await;
    window.press("renew-now").await;
    until_async("a renewal", PATIENCE, async || (asked(&backend, REFRESH) == 1).then_some(())).await;
    assert_eq!(window.app(), app, "the app was restarted");
}

#[tokio::test(flavor = "multi_thread")]
async fn window_and_terminal_share_one_session() {
    let backend = living(Duration::from_mins(10)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let window = Window::open(&desktop, &[]).await;
    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0).says("generation 1 → 2");
    // The command had the window renew, which serves the terminal.
    until_async("the terminal's renewal in the window", PATIENCE, async || {
        window.words().await.replace('\u{a0}', " ").contains("generation 1 → 2").then_some(())
    })
    .await;
    assert_eq!(asked(&backend, REFRESH), 1);
    window.press("renew-now").await;
    until("the window's renewal in the keychain", PATIENCE, || {
        (desktop.status("demo")["generation"] == 3).then_some(())
    });
    assert!(
        backend.requests().iter().all(|request| request.status == Some(200)),
        "{:#?}",
        backend.requests()
    );
}
