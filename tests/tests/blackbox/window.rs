//! The window as a person uses it, from the first start to signed out.

use std::fs;
use std::time::Duration;

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::wait::{PATIENCE, until_async};
use latchkey_tests::window::{Window, css};

use crate::backend::{REFRESH, asked, living};

/// Long enough to look at, short enough to see it renewed.
const LIFETIME: Duration = Duration::from_secs(8);

/// The desktop with a screen and the account `demo` for a backend on this port.
pub(crate) fn desktop_with_demo(port: u16) -> Desktop {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    desktop.add_demo(port);
    desktop
}

#[tokio::test(flavor = "multi_thread")]
async fn window_from_sign_in_over_a_renewal_to_sign_out() {
    let backend = living(LIFETIME).await;
    let desktop = desktop_with_demo(backend.address().port());
    let window = Window::open(&desktop, &[]).await;
    window.find("session-item-demo").await;
    window.comes_to("signed_out").await;
    window.picture("light-signed-out").await;

    // A wrong password is told in words, and no password stays in its field.
    window.sign_in("demo", "not this one").await;
    let told = window.find("error-message").await;
    assert_eq!(told.attr("data-code").await.unwrap().as_deref(), Some("wrong_credentials"));
    assert!(told.text().await.unwrap().len() > 20, "a code is no explanation");
    let left = window.find("sign-in-password").await.prop("value").await.unwrap().unwrap_or_default();
    assert_eq!(left, "", "the password is still in its field");
    window.picture("light-wrong-password").await;

    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;
    window.says("headline", "Signed in until").await;
    window.gone("error-message").await;
    let countdown = window.text("countdown").await;
    until_async("the countdown to count", PATIENCE, async || {
        (window.text("countdown").await != countdown).then_some(())
    })
    .await;
    window.picture("light-signed-in").await;

    // By itself, ahead of the expiry.
    window.find("history-renewed").await;
    assert!(asked(&backend, REFRESH) >= 1);
    window.picture("light-renewed").await;
    let before = window.all_css(&css("history-renewed")).await.len();
    window.press("renew-now").await;
    until_async("another renewal in the history", PATIENCE, async || {
        (window.all_css(&css("history-renewed")).await.len() > before).then_some(())
    })
    .await;

    read_the_log(&window).await;
    window.press("session-item-demo").await;

    window.press("sign-out").await;
    window.picture("light-sign-out-asks").await;
    window.press("sign-out-confirm").await;
    window.comes_to("signed_out").await;
    window.find("sign-in-username").await;
    // What the backend is told with is erased once it has been told.
    until_async("the keychain to be empty", PATIENCE, async || {
        desktop.secret_of("demo").is_none().then_some(())
    })
    .await;
    assert_eq!(desktop.status("demo")["state"], "signed_out");
}

/// The log shows what happened, and a level hides what matters less.
async fn read_the_log(window: &Window) {
    window.press("nav-log").await;
    let renewed = window.find_css("[data-testid=log-row][data-kind=renewed]").await;
    assert_eq!(renewed.attr("data-level").await.unwrap().as_deref(), Some("info"));
    window.picture("light-log").await;
    window.press("log-level-warn").await;
    until_async("rows of level info to be hidden", PATIENCE, async || {
        window.all_css("[data-testid=log-row][data-level=info]").await.is_empty().then_some(())
    })
    .await;
    assert!(
        !window.all_css("[data-testid=log-row][data-level=warn]").await.is_empty(),
        "the wrong password is a warning"
    );
    window.press("log-level-info").await;
    window.find_css("[data-testid=log-row][data-kind=renewed]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_says_why_somebody_must_sign_in_again() {
    let backend = living(LIFETIME).await;
    let desktop = desktop_with_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let window = Window::open(&desktop, &[]).await;
    window.comes_to("signed_in").await;

    assert_eq!(backend.revoke("demo").await, Some(1));
    window.comes_to("needs_sign_in").await;
    window.says("headline", "Sign in again").await;
    let page = window.words().await;
    assert!(page.contains("refused"), "the reason is not told:\n{page}");
    window.find("history-failed").await;
    window.picture("light-needs-sign-in").await;

    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_of_a_newcomer_offers_the_demo() {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let window = Window::open(&desktop, &[]).await;
    window.find("try-demo").await;
    window.picture("light-empty").await;
    // One press, and somebody is signed in to the backend inside the app.
    window.press("try-demo").await;
    window.find("session-item-demo").await;
    window.comes_to("signed_in").await;
    window.says("headline", "Signed in until").await;
    let text = fs::read_to_string(desktop.config_file()).unwrap();
    assert!(text.contains("[accounts.demo]"), "{text}");
    assert_eq!(desktop.status("demo")["state"], "signed_in");
    window.picture("light-demo").await;
    window.resize(420, 800).await;
    window.picture("light-narrow-demo").await;
    no_sideways_scrolling(&window).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_is_whole_when_it_is_narrow_and_when_it_is_dark() {
    let backend = living(Duration::from_mins(10)).await;
    let desktop = desktop_with_demo(backend.address().port()).with("GTK_THEME", "Adwaita:dark");
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    let window = Window::open(&desktop, &[]).await;
    window.says("headline", "Signed in until").await;
    let dark = window.run("return matchMedia('(prefers-color-scheme: dark)').matches").await;
    assert_eq!(dark.json().as_bool(), Some(true), "the theme of the desktop is not followed");
    window.press("renew-now").await;
    window.find("history-renewed").await;
    window.picture("dark-signed-in").await;
    window.press("nav-log").await;
    window.find("log-row").await;
    window.picture("dark-log").await;

    window.resize(420, 800).await;
    window.picture("dark-narrow-log").await;
    no_sideways_scrolling(&window).await;
    window.press("session-item-demo").await;
    window.find("headline").await;
    window.picture("dark-narrow-signed-in").await;
    no_sideways_scrolling(&window).await;
    window.press("sign-out").await;
    window.find("sign-out-confirm").await;
    window.picture("dark-narrow-sign-out-asks").await;
    window.press("sign-out-confirm").await;
    window.comes_to("signed_out").await;
    window.picture("dark-narrow-signed-out").await;
    no_sideways_scrolling(&window).await;
}

async fn no_sideways_scrolling(window: &Window) {
    let wide = window
        .run(
            "return [document.documentElement, document.querySelector('main')]\
             .map(e => e.scrollWidth - e.clientWidth).join(' ')",
        )
        .await;
    assert_eq!(wide.json().as_str(), Some("0 0"), "something is wider than the window");
}
