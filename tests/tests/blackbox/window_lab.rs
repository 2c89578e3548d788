//! The lab in the built window: faults are switched on the embedded backend, a scenario is watched, policies are foreseen.

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::window::Window;

#[tokio::test(flavor = "multi_thread")]
async fn window_lab_breaks_refresh_shows_who_is_at_fault_and_foresees_a_month() {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let window = Window::open(&desktop, &["--demo", "--demo-access-lifetime", "1h"]).await;
    window.says("headline", "Signed in").await;
    window.press("nav-lab").await;
    window.press("tour-begin").await;
    window.find("tour-token").await;
    window.picture("light-lab-tour").await;

    window.press("lab-backend").await;
    window.press("lab-fault-drop").await;
    window.find("lab-planned").await;
    window.press("lab-renew").await;
    window.gone("lab-planned").await;
    window.picture("light-lab-backend").await;

    window.press("lab-scenarios").await;
    window.press("lab-run").await;
    window.says("lab-outcome", "").await;
    window.picture("light-lab-scenario").await;

    window.press("lab-policies").await;
    window.find("policy-month-0").await;
    window.picture("light-lab-policies").await;
}
