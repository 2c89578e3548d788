//! What stays in the memory of a program that runs on, after somebody has signed in with a password.

use std::time::Duration;

use latchkey_tests::canary::Canary;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::dump_memory;
use latchkey_tests::wait::{PATIENCE, until};
use latchkey_tests::window::{Window, css};

use crate::backend::{REFRESH, asked, random_text};
use crate::canary::Watched;

/// Looks for a password in the memory of a process, and for a text that certainly is in it: in its environment.
#[track_caller]
fn is_not_held(watched: &Watched, planted: &str, process: u32) {
    if !rustix::process::geteuid().is_root() {
        // Nobody else may look into it at all, and that is shown elsewhere.
        return;
    }
    let mut canary = Canary::default();
    canary.watch("the password", &watched.password);
    let mut control = Canary::default();
    control.watch("what was planted", planted);
    let dump = watched.desktop.out("memory");
    let bytes = dump_memory(process, &dump);
    let (found, known) = (canary.look_into_dump(&dump), control.look_into_dump(&dump));
    std::fs::remove_file(&dump).unwrap();
    assert!(bytes > 1 << 20, "only {bytes} bytes of its memory could be read");
    assert!(!known.is_empty(), "what is there for certain was not found");
    assert!(found.is_empty(), "{found:#?}");
}

async fn planted(desktop: Desktop) -> (Watched, String) {
    let planted = random_text("planted-");
    let desktop = desktop.with("PLANTED_BY_A_TEST", planted.clone());
    (Watched::start(desktop, Duration::from_secs(8)).await, planted)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_does_not_hold_the_password_that_somebody_signed_in_with() {
    let (watched, planted) = planted(Desktop::start(Keychain::Unlocked)).await;
    let agent = watched.desktop.start_latchkey(&["agent"], "");
    let _ = agent.first_line();
    let _ = watched.desktop.sign_in("demo", &watched.password).ends(0);
    until("a renewal by the agent", PATIENCE, || (asked(&watched.backend, REFRESH) > 0).then_some(()));
    is_not_held(&watched, &planted, agent.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn window_app_does_not_hold_the_password_that_somebody_typed() {
    let (watched, planted) = planted(Desktop::start(Keychain::Unlocked).with_screen()).await;
    let window = Window::open(&watched.desktop, &[]).await;
    // WebDriver would hand the app the keys as a text. So the page is told to write the password from its end.
    window.fill("sign-in-username", "demo").await;
    let backwards: String = watched.password.chars().rev().collect();
    let field = css("sign-in-password");
    window
        .run(&format!(
            "const field = document.querySelector('{field}'); field.value = [...'{backwards}'].reverse().join(''); \
             field.dispatchEvent(new Event('input', {{ bubbles: true }}))"
        ))
        .await;
    window.press("sign-in-submit").await;
    window.comes_to("signed_in").await;
    is_not_held(&watched, &planted, window.app());
}
