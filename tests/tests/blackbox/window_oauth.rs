//! Signing in on a provider's page from the window: by an issuer alone, with a browser and with a code.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

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

#[tokio::test(flavor = "multi_thread")]
async fn window_adds_an_issuer_and_signs_in_with_the_browser_and_with_a_code() {
    let backend = living(Duration::from_mins(1)).await;
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
    let page = until_async("the browser to be opened", PATIENCE, async || {
        fs::read_to_string(&opened).ok().filter(|page| !page.is_empty())
    })
    .await;
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
