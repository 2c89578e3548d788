//! The lifeline and the inspector in the window of the built app.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use latchkey_devserver::DevServer;
use latchkey_tests::desktop::Desktop;
use latchkey_tests::process::signal;
use latchkey_tests::wait::{PATIENCE, until, until_async};
use latchkey_tests::window::{Window, css};
use rustix::process::Signal;
use thirtyfour::Key;

use crate::backend::living;
use crate::window::desktop_with_demo;

/// Renewed while somebody watches.
const LIFETIME: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread")]
async fn window_shows_renewals_on_the_lifeline_and_explains_them() {
    let backend = living(LIFETIME).await;
    let desktop = desktop_with_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let window = Window::open(&desktop, &[]).await;
    window.comes_to("signed_in").await;
    window.find("lifeline-current").await;

    window.press("renew-now").await;
    window.find("lifeline-mark-renewed").await;
    window.find("lifeline-past").await;
    window.picture("light-lifeline").await;

    // One stop of the Tab key; arrows lead to what came first: the sign-in of the other process, taken over.
    let told = until_async("the stop of the lifeline to be explained", PATIENCE, async || {
        let stop = window.find_css("[data-testid=lifeline] [tabindex='0']").await;
        stop.focus().await.ok()?;
        let told = window.all_css(&css("lifeline-tip")).await.first()?.text().await.ok()?;
        // It may have been drawn anew meanwhile, for a renewal.
        if told.is_empty() { None } else { stop.send_keys(Key::Home).await.ok().map(|()| told) }
    })
    .await;
    // What is shown is said to those who listen as well. Times in it go on, so both are looked at together.
    until_async("another mark to be explained and said", PATIENCE, async || {
        let active = "return [...document.querySelectorAll('[data-testid=lifeline-tip]')] \
            .map((tip) => [tip.innerText.trim(), document.activeElement.getAttribute('aria-label')])[0]";
        let both = window.run(active).await.json().clone();
        let (shown, said) = (both[0].as_str()?, both[1].as_str()?);
        (shown == said && shown != told).then_some(())
    })
    .await;
    window.picture("light-lifeline-explained").await;

    for _ in 0..18 {
        window.press("lifeline-zoom-out").await;
    }
    window.says("lifeline-length", "30").await;
    window.picture("light-lifeline-month").await;
    window.press("lifeline-fit").await;

    assert_eq!(backend.revoke("demo").await, Some(1));
    window.comes_to("needs_sign_in").await;
    window.find("lifeline-mark-failed").await;
    window.says("reason", "The provider refused to renew").await;
}

/// What is in the clipboard under a name, as another program gets it.
fn pasted(desktop: &Desktop, name: &str) -> String {
    let mut xclip = desktop.command("xclip");
    let got = xclip.args(["-selection", "clipboard", "-out", "-target", name]).output().unwrap();
    String::from_utf8(got.stdout).unwrap()
}

/// A window in which somebody has copied the access token.
async fn with_a_copied_token() -> (DevServer, Desktop, Window) {
    let backend = living(Duration::from_mins(5)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let window = Window::open(&desktop, &[]).await;
    window.comes_to("signed_in").await;
    window.press("copy-access-token").await;
    window.says("copied", "cleared in").await;
    (backend, desktop, window)
}

#[tokio::test(flavor = "multi_thread")]
async fn window_that_is_quit_takes_the_token_out_of_the_clipboard_though_a_manager_kept_it() {
    let (_backend, desktop, window) = with_a_copied_token().await;
    let token = pasted(&desktop, "UTF8_STRING");
    assert!(!token.is_empty());
    // As a manager does it that heeds no mark: the clipboard is its own from then on.
    let mut manager = desktop.command("xclip");
    let mut manager = manager.args(["-selection", "clipboard"]).stdin(Stdio::piped()).spawn().unwrap();
    manager.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
    assert!(manager.wait().unwrap().success());
    // It goes on in the background, and may not have come to it yet. Its copy has no mark.
    until("the clipboard to be the manager's", PATIENCE, || {
        (pasted(&desktop, "x-kde-passwordManagerHint") != "secret").then_some(())
    });
    assert_eq!(pasted(&desktop, "UTF8_STRING"), token);
    let app = window.app();
    signal(app, Signal::TERM);
    let process = Path::new("/proc").join(app.to_string());
    until("the end of the app", PATIENCE, || (!process.exists()).then_some(()));
    assert!(pasted(&desktop, "UTF8_STRING") != token, "the token outlives the app in the clipboard");
}

#[tokio::test(flavor = "multi_thread")]
async fn window_looks_into_the_token_and_copies_it_past_the_page() {
    let (_backend, desktop, window) = with_a_copied_token().await;
    window.picture("light-copied").await;
    let token = desktop.latchkey(&["token", "demo"]).ends(0).stdout.trim().to_owned();
    let page = window.everything().await;
    assert!(!page.contains(&token), "the page holds the token");
    assert_eq!(pasted(&desktop, "UTF8_STRING"), token);
    assert_eq!(pasted(&desktop, "x-kde-passwordManagerHint"), "secret", "clipboard managers would keep it");

    window.press("inspect").await;
    window.find("inspection").await;
    let subject = window.find_css(&format!("{}[data-claim=sub]", css("claim"))).await;
    assert!(subject.text().await.unwrap().contains("subject"));
    window.find("inspector-refresh").await;
    window.picture("light-inspector").await;

    // What was copied is what is pasted, and it is looked at without an account.
    let choose = "const s = document.querySelector('[data-testid=inspector-source]'); \
        s.value = ''; s.dispatchEvent(new Event('change', { bubbles: true }))";
    window.run(choose).await;
    let field = window.find("inspector-paste").await;
    field.focus().await.unwrap();
    field.send_keys(Key::Control + "v").await.unwrap();
    let says = "return document.querySelector('[data-testid=inspector-paste]').value.trim()";
    until_async("the token to be pasted", PATIENCE, async || {
        (window.run(says).await.json().as_str() == Some(token.as_str())).then_some(())
    })
    .await;
    window.press("inspector-look").await;
    window.says("signature", "Not verified").await;
    window.picture("light-inspector-pasted").await;
}
