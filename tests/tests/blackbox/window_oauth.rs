//! Signing in on a provider's page from the window: by an issuer alone, with a browser and with a code.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use latchkey_tests::bad_provider::{BadProvider, CLIENT_ID, Refresh, Settings, Signing};
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::scripted_browser::{Person, ScriptedBrowser};
use latchkey_tests::wait::{PATIENCE, until_async};
use latchkey_tests::window::Window;

use crate::backend::living;

/// A desktop whose browser takes down which page it was to open.
fn desktop_with_browser() -> (Desktop, PathBuf) {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let (browser, opened) = (desktop.path("browser"), desktop.path("opened"));
    fs::write(&browser, format!("#!/bin/sh\nprintf %s \"$1\" > '{}'\n", opened.display())).unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    (desktop.with("BROWSER", browser), opened)
}

/// The page that the browser was opened with, as soon as it is.
async fn opened_page(opened: &Path) -> String {
    until_async("the browser to be opened", PATIENCE, async || {
        fs::read_to_string(opened).ok().filter(|page| !page.is_empty())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn window_adds_an_issuer_and_signs_in_with_the_browser_and_with_a_code() {
    let backend = living(Duration::from_mins(10)).await;
    let (desktop, opened) = desktop_with_browser();
    let window = Window::open(&desktop, &[]).await;
    window.fill("field-issuer", backend.url()).await;
    window.press("discover").await;
    window.find("server-facts").await;
    window.picture("light-issuer-found").await;
    window.fill("field-client_id", "latchkey").await;
    window.press("add-account").await;

    window.says("headline", "Go on in your browser").await;
    window.picture("light-go-on-in-browser").await;
    let page = opened_page(&opened).await;
    let mut person = ScriptedBrowser::of(Person::who_allows("demo", "demo"));
    assert_eq!(person.sign_in(&page).await.status, 200);
    window.comes_to("signed_in").await;
    window.picture("light-signed-in-at-issuer").await;

    window.press("sign-out").await;
    window.press("sign-out-confirm").await;
    window.comes_to("signed_out").await;
    window.press("sign-in-device").await;
    let code = window.text("user-code").await;
    window.find("sign-in-picture").await;
    window.picture("light-code").await;
    let _ = person.enter_device_code(&format!("{}/device", backend.url()), &code).await;
    window.comes_to("signed_in").await;
    assert_eq!(desktop.status("local")["provider"], "oauth");
}

#[tokio::test(flavor = "multi_thread")]
async fn window_says_in_its_language_why_tokens_are_not_believed() {
    let provider = BadProvider::start(Settings::default()).await;
    let (desktop, opened) = desktop_with_browser();
    let account = ["accounts", "add", "work", "--issuer", provider.issuer(), "--client-id", CLIENT_ID];
    let _ = desktop.latchkey(&[&account[..], &["--scope", "openid offline_access"]].concat()).ends(0);
    let accounts = fs::read_to_string(desktop.config_file()).unwrap();
    fs::write(desktop.config_file(), format!("{accounts}\n[app]\nlanguage = \"de\"\n")).unwrap();
    let window = Window::open(&desktop, &[]).await;
    let mut person = ScriptedBrowser::of(Person::who_allows("", ""));
    // This provider needs no person: it sends the browser back at once.
    let mut goes_there = async || {
        let page = opened_page(&opened).await;
        fs::remove_file(&opened).unwrap();
        person.sign_in(&page).await
    };

    provider.misbehave(Signing::SignatureWrong);
    window.press("sign-in-browser").await;
    goes_there().await;
    let unsigned = "sein ID-Token wird abgelehnt: seine Signatur ist nicht die des Ausstellers";
    window.says("error-message", unsigned).await;
    window.picture("light-german-not-believed").await;

    provider.behave();
    window.press("sign-in-browser").await;
    goes_there().await;
    window.comes_to("signed_in").await;
    provider.misbehave(Refresh::NewSub);
    window.press("renew-now").await;
    window.comes_to("needs_sign_in").await;
    let another = "sein ID-Token wird abgelehnt: sein `sub` ist nicht das der Anmeldung: Es könnte das einer anderen Person sein";
    window.says("reason", another).await;
    window.picture("light-german-distrusted").await;

    window.press("nav-settings").await;
    window.choose("setting-language", "en").await;
    window.press("session-item-work").await;
    window.says("reason", "its `sub` is not the one of the sign-in: it may be another person's").await;
    window.picture("light-distrusted").await;
}
