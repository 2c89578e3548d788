//! A newcomer's way to a session by the forms of the first page: a REST backend, and a site with a cookie session.

use std::time::Duration;

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::site_server::{PASSWORD, SiteServer, SiteSettings, Version};
use latchkey_tests::wait::{PATIENCE, until};
use latchkey_tests::window::Window;

use crate::backend::{LOGIN, REFRESH, asked, living, random_text};

/// What a password manager looks for in the form that is open.
async fn fields(window: &Window, username: &str, password: &str) -> [Option<String>; 3] {
    let user = window.find(username).await;
    let pass = window.find(password).await;
    [
        user.attr("autocomplete").await.unwrap(),
        pass.attr("autocomplete").await.unwrap(),
        pass.attr("type").await.unwrap(),
    ]
}

fn as_managers_expect() -> [Option<String>; 3] {
    ["username", "current-password", "password"].map(|value| Some(value.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn window_newcomer_adds_a_rest_backend_tries_it_and_signs_in() {
    let backend = living(Duration::from_mins(10)).await;
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let window = Window::open(&desktop, &[]).await;
    window.press("way-rest").await;
    window.fill("field-login_url", "not an address").await;
    window.find("problem-login_url").await;
    window.fill("field-login_url", &format!("{}{LOGIN}", backend.url())).await;
    window.fill("field-refresh_url", &format!("{}{REFRESH}", backend.url())).await;
    window.gone("problem-login_url").await;

    assert_eq!(fields(&window, "try-username", "try-password").await, as_managers_expect());
    window.fill("try-username", "demo").await;
    window.fill("try-password", &random_text("wrong")).await;
    window.press("try-login").await;
    window.find_css("[data-testid=error-message][data-code=wrong_credentials]").await;
    window.fill("try-password", "demo").await;
    window.press("try-login").await;
    let trial = window.find("trial").await;
    assert_eq!(trial.attr("data-access").await.unwrap().as_deref(), Some("true"));
    assert_eq!(trial.attr("data-refresh").await.unwrap().as_deref(), Some("true"));
    window.picture("light-newcomer-rest-tried").await;
    window.fill("field-rest_name", "staging").await;
    window.press("add-rest").await;

    window.find("session-item-staging").await;
    assert_eq!(fields(&window, "sign-in-username", "sign-in-password").await, as_managers_expect());
    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;
    window.says("headline", "Signed in").await;
    window.picture("light-newcomer-rest").await;
    window.press("renew-now").await;
    window.find("history-renewed").await;
    assert_eq!(asked(&backend, REFRESH), 1);
    let status = desktop.status("staging");
    assert_eq!((&status["provider"], &status["state"]), (&"credentials".into(), &"signed_in".into()));
    assert!(desktop.secret_of("staging").is_some(), "it is not in the keychain");
}

#[tokio::test(flavor = "multi_thread")]
async fn window_newcomer_signs_in_to_a_site_by_its_address_and_its_page_keeps_no_password() {
    let site = SiteServer::start(Version::V5, SiteSettings::default()).await;
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let window = Window::open(&desktop, &[]).await;
    window.press("way-nextauth").await;
    window.fill("field-site", site.url()).await;
    window.fill("field-site_name", "shop").await;
    window.press("add-site").await;

    window.find("session-item-shop").await;
    assert_eq!(fields(&window, "sign-in-username", "sign-in-password").await, as_managers_expect());
    window.sign_in("alice", &random_text("wrong")).await;
    window.find_css("[data-testid=error-message][data-code=wrong_credentials]").await;
    window.picture("light-newcomer-site-refused").await;
    window.sign_in("alice", PASSWORD).await;
    window.comes_to("signed_in").await;
    window.picture("light-newcomer-site").await;
    let page = window.everything().await;
    assert!(!page.contains(PASSWORD), "the page keeps the password");
    assert!(!page.contains("session-token="), "the page holds the cookie");
    let status = desktop.status("shop");
    assert_eq!((&status["provider"], &status["state"]), (&"nextauth".into(), &"signed_in".into()));
    window.press("sign-out").await;
    window.press("sign-out-confirm").await;
    window.comes_to("signed_out").await;
    // The site is told first, and then nothing of it is kept.
    until("the keychain to be empty", PATIENCE, || desktop.secret_of("shop").is_none().then_some(()));
}
