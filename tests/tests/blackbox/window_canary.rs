//! The window holds no secret, and neither does anything else the app writes or shows.

use std::time::Duration;

use latchkey_devserver::{Fault, FaultMode};
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::window::Window;

use crate::backend::{REFRESH, random_text};
use crate::canary::Watched;

#[tokio::test(flavor = "multi_thread")]
async fn window_and_app_tell_no_secret_at_the_loudest_level() {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    // Nothing is due while this goes on: a renewal by itself would meet the faults that are meant for one by hand.
    let watched = Watched::start(desktop, Duration::from_mins(10)).await;
    let window = Window::open(&watched.desktop, &[]).await;
    let app = window.app();
    let looked = async |place: &str| {
        let canary = watched.canary();
        let mut found = canary.look(place, window.everything().await.as_bytes());
        found.extend(canary.look_at_process(app));
        assert!(found.is_empty(), "{found:#?}");
    };

    window.sign_in("demo", &random_text("wrong-")).await;
    window.find("error-message").await;
    looked("the window after a wrong password").await;
    window.sign_in("demo", &watched.password).await;
    window.comes_to("signed_in").await;
    looked("the window after the sign-in").await;
    window.press("renew-now").await;
    window.find("history-renewed").await;
    looked("the window after a renewal").await;
    for mode in [FaultMode::Html, FaultMode::Status, FaultMode::Torn] {
        // What failed is tried again by itself, until it works and the message goes.
        window.comes_to("signed_in").await;
        window.gone("error-message").await;
        watched.backend.faults().add(Fault::new(REFRESH, mode).times(-1)).unwrap();
        window.press("renew-now").await;
        window.find("error-message").await;
        looked("the window after a failure").await;
        watched.backend.faults().clear();
    }
    window.press("nav-log").await;
    window.press("log-level-trace").await;
    window.find("log-row").await;
    looked("the log view").await;
    // What goes to whoever helps is looked at with the other files below.
    window.press("export-report").await;
    let report = window.find("report-path").await.prop("textContent").await.unwrap().unwrap_or_default();
    let told = std::fs::read_to_string(&report).unwrap();
    assert!(told.contains("renewed") && told.contains("[accounts.demo]"), "{report} says too little");
    let found = watched.canary().look("the report", told.as_bytes());
    assert!(found.is_empty(), "{found:#?}");
    window.picture("light-log-trace").await;
    window.press("session-item-demo").await;
    // The reply that was torn had the only token that is still good, and the one that was spent for it is refused.
    window.comes_to("needs_sign_in").await;
    looked("the window after a refusal").await;
    window.press("sign-out").await;
    window.press("sign-out-confirm").await;
    window.comes_to("signed_out").await;
    looked("the window after the sign-out").await;

    let canary = watched.canary();
    assert!(canary.secrets() >= 5, "only {} secrets went through", canary.secrets());
    watched.files_hold_none(&canary);
    let printed = std::fs::read(watched.desktop.out("app")).unwrap();
    assert!(printed.len() > 500, "the app printed nothing at the loudest level");
    assert_eq!(canary.look("what the app printed", &printed), [""; 0]);
}
