//! Puts notifications up, hears their buttons, and takes them away where what they say is over.

#[cfg(target_os = "linux")]
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::{Mutex, MutexGuard, PoisonError};
#[cfg(target_os = "linux")]
use std::time::Duration;

use latchkey_core::account::AccountName;
use notify_rust::Notification;
use tracing::debug;

use super::said::Saying;
use super::text::Text;
use crate::window::Why;

/// What a button does: opens the account, and begins to sign in where that is what it says.
pub(crate) type Open = Arc<dyn Fn(&AccountName, Why) + Send + Sync>;

/// What the desktop is asked for.
pub(super) enum Task {
    Show(Showing),
    /// What was said is over.
    Withdraw(Saying),
}

/// A notification to put up.
pub(super) struct Showing {
    pub(super) saying: Saying,
    pub(super) text: Text,
    /// Whether its button begins to sign in.
    pub(super) sign_in: bool,
    /// Whether it is shown as a notification.
    pub(super) notify: bool,
    /// Whether the window comes forward.
    pub(super) forward: bool,
}

/// The desktop that shows them.
pub(super) struct Desk {
    open: Open,
    /// Those that are up, by their numbers.
    #[cfg(target_os = "linux")]
    up: Arc<Mutex<BTreeMap<u32, Saying>>>,
}

impl Desk {
    pub(super) fn new(open: Open) -> Self {
        #[cfg(target_os = "linux")]
        return Self { open, up: Arc::default() };
        #[cfg(not(target_os = "linux"))]
        Self { open }
    }

    pub(super) fn does(&self, task: Task) {
        match task {
            Task::Show(one) => self.show(one),
            #[cfg(target_os = "linux")]
            Task::Withdraw(saying) => self.withdraw(&saying),
            #[cfg(not(target_os = "linux"))]
            Task::Withdraw(_) => {}
        }
    }

    fn show(&self, one: Showing) {
        if one.forward {
            (self.open)(&one.saying.account, Why::ItEnded);
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
        // Many desktops have nobody to show it; the tray and the window say the same.
        let not_shown =
            |why: &dyn Display| debug!(kind = "not_notified", "a notification was not shown: {why}");
        #[cfg(target_os = "linux")]
        match in_time(SHOWN_WITHIN, notification.show_async()) {
            Some(Ok(shown)) => self.await_answer(shown, one),
            Some(Err(error)) => not_shown(&error),
            // Those behind it are not kept waiting for a desktop that hangs.
            None => not_shown(&"the desktop does not answer"),
        }
        // Elsewhere a click on a notification opens the app by itself.
        #[cfg(not(target_os = "linux"))]
        if let Err(error) = notification.show() {
            not_shown(&error);
        }
    }

    /// Waits for the button in a thread of its own, which ends when the notification goes.
    #[cfg(target_os = "linux")]
    fn await_answer(&self, shown: notify_rust::NotificationHandle, one: Showing) {
        let (open, up, id) = (Arc::clone(&self.open), Arc::clone(&self.up), shown.id());
        lock(&up).insert(id, one.saying.clone());
        // Without a thread there is a notification without a button.
        let _ = std::thread::Builder::new().name("notification".to_owned()).spawn(move || {
            shown.wait_for_action(|action| {
                // Its number may be another's from now on.
                lock(&up).remove(&id);
                match action {
                    "sign-in" => open(&one.saying.account, Why::ToSignIn),
                    "default" | "open" => open(&one.saying.account, Why::ToSee),
                    _ => {}
                }
            });
        });
    }

    #[cfg(target_os = "linux")]
    fn withdraw(&self, saying: &Saying) {
        let over: Vec<u32> = lock(&self.up).extract_if(.., |_, up| up == saying).map(|(id, _)| id).collect();
        for id in over {
            if !matches!(in_time(WITHDRAWN_WITHIN, close(id)), Some(Ok(()))) {
                debug!(kind = "not_withdrawn", "a notification that is over could not be taken away");
            }
        }
    }
}

/// How long a desktop may take to show one. It may have to be started for that.
#[cfg(target_os = "linux")]
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

/// How long a desktop may take to take one away.
#[cfg(target_os = "linux")]
const WITHDRAWN_WITHIN: Duration = Duration::from_secs(2);

/// What comes of it, if that is soon enough.
#[cfg(target_os = "linux")]
fn in_time<T>(limit: Duration, coming: impl Future<Output = T>) -> Option<T> {
    tauri::async_runtime::block_on(async { tokio::time::timeout(limit, coming).await.ok() })
}

#[cfg(target_os = "linux")]
async fn close(id: u32) -> zbus::Result<()> {
    const NAME: &str = "org.freedesktop.Notifications";
    let bus = zbus::Connection::session().await?;
    let path = "/org/freedesktop/Notifications";
    bus.call_method(Some(NAME), path, Some(NAME), "CloseNotification", &(id,)).await.map(drop)
}

#[cfg(target_os = "linux")]
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
