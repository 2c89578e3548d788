//! Puts a notification up and hears its button.

use std::sync::Arc;

use latchkey_core::account::AccountName;
use notify_rust::Notification;
use tracing::debug;

use super::text::Text;
use crate::window::Why;

/// What a button does: opens the account, and begins to sign in where that is what it says.
pub(crate) type Open = Arc<dyn Fn(&AccountName, Why) + Send + Sync>;

/// A notification to put up.
pub(super) struct Showing {
    pub(super) account: AccountName,
    pub(super) text: Text,
    /// Whether its button begins to sign in.
    pub(super) sign_in: bool,
    /// Whether it is shown as a notification.
    pub(super) notify: bool,
    /// Whether the window comes forward.
    pub(super) forward: bool,
}

pub(super) fn show(one: Showing, open: &Open) {
    if one.forward {
        open(&one.account, Why::ItEnded);
    }
    if !one.notify {
        return;
    }
    let mut notification = Notification::new();
    let Text { summary, body, button } = &one.text;
    notification.appname("Latchkey").summary(summary).body(body).icon("dialog-password");
    // A click on the notification itself opens the window; the button does what it says.
    #[cfg(target_os = "linux")]
    notification.action("default", button).action(if one.sign_in { "sign-in" } else { "open" }, button);
    #[cfg(not(target_os = "linux"))]
    let _ = (button, one.sign_in);
    match notification.show() {
        Ok(shown) => await_answer(shown, one, open),
        // Many desktops have nobody to show it; the tray and the window say the same.
        Err(error) => debug!(kind = "not_notified", "a notification was not shown: {error}"),
    }
}

/// Waits for the button in a thread of its own, which ends when the notification goes.
#[cfg(target_os = "linux")]
fn await_answer(shown: notify_rust::NotificationHandle, one: Showing, open: &Open) {
    let open = Arc::clone(open);
    // Without a thread there is a notification without a button.
    let _ = std::thread::Builder::new().name("notification".to_owned()).spawn(move || {
        shown.wait_for_action(|action| match action {
            "sign-in" => open(&one.account, Why::ToSignIn),
            "default" | "open" => open(&one.account, Why::ToSee),
            _ => {}
        });
    });
}

/// Elsewhere a click on a notification opens the app by itself.
#[cfg(not(target_os = "linux"))]
fn await_answer<H>(_: H, _: Showing, _: &Open) {}
