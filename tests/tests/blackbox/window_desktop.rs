//! The desktop around the window: the tray icon's menu, notifications with a button, closing without a tray.

use std::time::Duration;

use latchkey_devserver::DevServer;
use latchkey_tests::attendant::Attendant;
use latchkey_tests::desktop::Desktop;
use latchkey_tests::wait::{PATIENCE, until, until_async};
use latchkey_tests::window::{Window, css};

use crate::backend::living;
use crate::window::desktop_with_demo;

/// `demo` is signed in, its window is open, and somebody attends to tray and notifications.
async fn attended() -> (DevServer, Desktop, Attendant, Window) {
    let backend = living(Duration::from_mins(10)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let attendant = Attendant::of(&desktop).await;
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let window = Window::open(&desktop, &[]).await;
    window.comes_to("signed_in").await;
    (backend, desktop, attendant, window)
}

/// The same, and a program has to be let before it gets a token of `demo`.
async fn asking() -> (DevServer, Desktop, Attendant, Window) {
    let backend = living(Duration::from_mins(10)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let attendant = Attendant::of(&desktop).await;
    let config = std::fs::read_to_string(desktop.config_file()).unwrap();
    let asking = config.replace("[accounts.demo]", "[accounts.demo]\nconsent = \"ask\"");
    std::fs::write(desktop.config_file(), asking).unwrap();
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let window = Window::open(&desktop, &[]).await;
    window.comes_to("signed_in").await;
    (backend, desktop, attendant, window)
}

#[tokio::test(flavor = "multi_thread")]
async fn window_tray_shows_each_session_and_does_what_is_chosen() {
    let (_backend, desktop, attendant, window) = attended().await;
    let session = attendant.line("demo: signed in until").await;
    assert!(session.below.iter().any(|line| line.label.contains("Renew now")), "{session:?}");
    let signed_in = attendant.icon_other_than(&[]).await;

    let generation = desktop.status("demo")["generation"].clone();
    attendant.choose("Renew now", async || desktop.status("demo")["generation"] != generation).await;
    attendant.choose("Sign out", async || window.state().await == "signed_out").await;
    attendant.line("demo: signed out").await;
    attendant.icon_other_than(&signed_in).await;
    window.press("nav-log").await;
    attendant.choose("Sign in", async || !window.all_css(&css("sign-in-username")).await.is_empty()).await;
    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;

    // The language is changed in the window, and nothing else happens.
    window.press("nav-settings").await;
    window.choose("setting-language", "de").await;
    attendant.line("demo: angemeldet bis").await;
    attendant.line("Beenden").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_notification_comes_when_a_session_ends_and_its_button_opens_the_sign_in() {
    let (backend, _desktop, attendant, window) = attended().await;
    window.press("renew-now").await;
    window.find("history-renewed").await;
    assert_eq!(attendant.shown(), [], "a session that renews itself is spoken of");
    assert_eq!(backend.revoke("demo").await, Some(1));
    window.press("renew-now").await;
    let told = attendant.says("Sign in again: demo").await;
    assert!(!told.body.contains("demo@") && told.body.contains("ended this session"), "{told:?}");
    window.press("nav-log").await;
    window.gone("sign-in-username").await;
    // A program hears a button from when it listens, which no desktop is told of.
    until_async("the button to open the sign-in", PATIENCE, async || {
        attendant.press(&told, "sign-in").await;
        window.all_css(&css("sign-in-username")).await.into_iter().next()
    })
    .await;
    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;
    assert_eq!(attendant.shown().len(), 1, "{:?}", attendant.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn window_notification_that_asks_for_a_sign_in_is_withdrawn_once_somebody_has_signed_in() {
    let (backend, _desktop, attendant, window) = attended().await;
    assert_eq!(backend.revoke("demo").await, Some(1));
    window.press("renew-now").await;
    let told = attendant.says("Sign in again: demo").await;
    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;
    attendant.withdrawn(&told).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_notifications_are_shown_although_the_desktop_never_answered_one() {
    let (backend, _desktop, attendant, window) = attended().await;
    attendant.hangs(true);
    assert_eq!(backend.revoke("demo").await, Some(1));
    window.press("renew-now").await;
    attendant.says("Sign in again: demo").await;
    attendant.hangs(false);
    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;
    assert_eq!(backend.revoke("demo").await, Some(1));
    window.press("renew-now").await;
    until_async("the second notification", PATIENCE, async || (attendant.shown().len() == 2).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_that_no_tray_could_bring_back_asks_before_it_ends_renewals() {
    let backend = living(Duration::from_mins(10)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let window = Window::open(&desktop, &[]).await;
    window.comes_to("signed_in").await;
    desktop.close_windows();
    window.find("closing").await;
    window.picture("light-closing").await;
    window.press("closing-keep").await;
    window.gone("closing").await;
    window.press("renew-now").await;
    window.find("history-renewed").await;
    let app = window.app();
    desktop.close_windows();
    window.find("closing").await;
    // The app may be gone before the driver has answered.
    let _ = window.find("closing-quit").await.click().await;
    until_async("the app to end", PATIENCE, async || {
        (!std::path::Path::new(&format!("/proc/{app}")).exists()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_serves_programs_from_when_the_agent_before_it_has_ended() {
    let backend = living(Duration::from_mins(10)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let agent = desktop.start_latchkey(&["agent"], "");
    let _ = agent.first_line();
    let window = Window::open(&desktop, &[]).await;
    window.comes_to("signed_in").await;
    let serves = || std::fs::read_to_string(desktop.path("runtime/agent.lock")).unwrap_or_default();
    assert_eq!(serves().trim(), agent.id().to_string());
    window.says("programs-elsewhere", "latchkey consumers").await;
    crate::agent::ends(agent);
    let ours = window.app().to_string();
    until("the window to serve", PATIENCE, || (serves().trim() == ours).then_some(()));
    window.gone("programs-elsewhere").await;
    let _ = desktop.latchkey(&["token", "demo"]).ends(0);
    window.says("programs", "took").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_and_the_agent_beside_it_go_by_what_the_other_did() {
    let backend = living(Duration::from_mins(10)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let agent = desktop.start_latchkey(&["agent"], "");
    let _ = agent.first_line();
    let window = Window::open(&desktop, &[]).await;
    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;
    let first = desktop.latchkey(&["token", "demo"]).ends(0);
    assert!(!first.stderr.contains("without the agent"), "{first:?}");
    window.press("sign-out").await;
    window.press("sign-out-confirm").await;
    // The window says so at once, and erases then.
    window.comes_to("signed_out").await;
    let refused = || Some(desktop.latchkey(&["token", "demo"])).filter(|token| token.code == Some(3));
    let _ = until("the tokens to be gone", PATIENCE, refused).says("latchkey sign-in demo");

    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;
    assert_ne!(desktop.latchkey(&["token", "demo"]).ends(0).value(), first.value());
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    window.find("history-adopted").await;
    let _ = desktop.latchkey(&["sign-out", "demo"]).ends(0);
    window.comes_to("signed_out").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_asks_about_a_program_that_wants_a_token_and_it_gets_it_once_the_person_allows_it() {
    let (_backend, desktop, attendant, window) = asking().await;
    std::thread::scope(|scope| {
        // The command asks for whoever started it, which is this test.
        let program = scope.spawn(|| {
            let asking = desktop.start_latchkey(&["token", "demo", "--wait", "90s"], "");
            asking.done_within(Duration::from_mins(2)).ends(0)
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let us = std::env::current_exe().unwrap();
                window.says("program-asks", us.to_str().unwrap()).await;
                let told = attendant.says("A program wants a token: demo").await;
                window.press("nav-log").await;
                window.gone("program-asks").await;
                until_async("the button to bring the question back", PATIENCE, async || {
                    attendant.press(&told, "open").await;
                    window.all_css(&css("program-asks")).await.into_iter().next()
                })
                .await;
                window.picture("program-asks").await;
                // A click at once may have been meant for something else, and counts for nothing.
                until_async("the answer to count", PATIENCE, async || {
                    let answers = window.all_css(&css("program-allow-for-now")).await;
                    if let Some(allow) = answers.first() {
                        let _ = allow.click().await;
                    }
                    answers.is_empty().then_some(())
                })
                .await;
            });
        });
        assert_eq!(program.join().unwrap().value().matches('.').count(), 2, "it is a JWT");
    });
    window.says("programs", "allowed until").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_notification_of_a_program_that_asks_is_withdrawn_once_somebody_has_answered() {
    let (_backend, desktop, attendant, window) = asking().await;
    let program = desktop.start_latchkey(&["token", "demo", "--wait", "90s"], "");
    let told = attendant.says("A program wants a token: demo").await;
    window.find("program-asks").await;
    let us = std::env::current_exe().unwrap();
    let _ = desktop.latchkey(&["consumers", "deny", "demo", us.to_str().unwrap()]).ends(0);
    attendant.withdrawn(&told).await;
    let _ = program.done().ends(1);
}
