//! Tells a person what needs them while the window is closed, and nothing else.
//!
//! A notification can be read by anybody who sees the screen, and desktops keep a history of them: it names the
//! account, never the person, and repeats nothing a server said.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::limits::{End, Limit};
use latchkey_core::policy::in_words;
use latchkey_core::reason::Reason;
use latchkey_core::session::Notice;
use latchkey_engine::ports::{Clock, Notifier};
use notify_rust::Notification;
use tracing::{debug, warn};

/// The same is not said again within this.
const QUIET: SignedDuration = SignedDuration::from_hours(1);

/// The notifications of the desktop.
pub(crate) struct Notifications {
    clock: Arc<dyn Clock>,
    said: Mutex<Said>,
    showing: mpsc::Sender<Text>,
}

impl Notifications {
    /// `open` is what the button does.
    pub(crate) fn start(clock: Arc<dyn Clock>, open: impl Fn() + Send + Sync + 'static) -> Self {
        let (showing, texts) = mpsc::channel::<Text>();
        let open = Arc::new(open);
        // The desktop may take its time to answer; nobody waits for it but this thread.
        let thread = thread::Builder::new().name("notifications".to_owned()).spawn(move || {
            for text in texts {
                show(&text, &open);
            }
        });
        if let Err(error) = thread {
            warn!(kind = "no_notifications", "notifications cannot be shown: {error}");
        }
        Self { clock, said: Mutex::default(), showing }
    }
}

impl Notifier for Notifications {
    fn notify(&self, account: &AccountName, notice: &Notice) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_news(account, code(notice), self.clock.now().boot) {
            // Without the thread there is nobody to show it; the window does.
            let _ = self.showing.send(text(account, notice));
        }
    }
}

/// What was said when.
#[derive(Default)]
struct Said(BTreeMap<(AccountName, &'static str), SignedDuration>);

impl Said {
    fn is_news(&mut self, account: &AccountName, code: &'static str, now: SignedDuration) -> bool {
        self.0.retain(|_, at| now.saturating_sub(*at) < QUIET);
        let key = (account.clone(), code);
        if self.0.contains_key(&key) {
            return false;
        }
        self.0.insert(key, now);
        true
    }
}

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Text {
    summary: String,
    body: String,
}

fn code(notice: &Notice) -> &'static str {
    match notice {
        Notice::SignInNeeded(reason) => reason.code(),
        Notice::CannotSave(problem) => problem.code(),
        Notice::EndsSoon(_) => "ends_soon",
    }
}

fn text(account: &AccountName, notice: &Notice) -> Text {
    match notice {
        Notice::SignInNeeded(reason) => {
            Text { summary: format!("Sign in again: {account}"), body: why(reason).to_owned() }
        }
        Notice::EndsSoon(end) => {
            Text { summary: format!("The session ends soon: {account}"), body: ends_soon(end) }
        }
        Notice::CannotSave(problem) => Text {
            summary: format!("Cannot save the new tokens: {account}"),
            body: format!("{}. Leave Latchkey running until it has saved them.", problem.message()),
        },
    }
}

/// What to do about it, and how long there is for that.
fn ends_soon(end: &End) -> String {
    let left = in_words(end.at.boot.saturating_sub(end.warns().boot));
    match end.limit {
        Limit::MaxAge => {
            format!("Sign in again within {left}: it has lasted as long as the account allows then.")
        }
        Limit::Rolling | Limit::Idle => {
            format!("Use it within {left}, or it ends: nobody has used it for a while.")
        }
    }
}

/// Why, without the provider's own words.
fn why(reason: &Reason) -> &'static str {
    match reason {
        Reason::Refused { .. } => "The provider has ended this session.",
        Reason::Idle => "It was not renewed in time: its refresh token had run out.",
        Reason::RefusedAfterLostReply { .. } => {
            "A reply was lost on the way, and the provider has ended this session."
        }
        Reason::Unclear { .. } => "The provider keeps refusing to renew this session and does not say why.",
        Reason::NotRenewable => "Its access token has expired and cannot be renewed.",
        Reason::CeilingReached => "The session has reached the end its provider had set.",
        Reason::MaxAgeReached { .. } => "It lasted as long as the account allows.",
        Reason::UnusedTooLong { .. } => "Nobody used it for as long as the account allows.",
        Reason::VaultEmpty => "Its stored tokens are gone.",
        Reason::Distrusted { .. } => "A renewal brought tokens that are not believed.",
        Reason::SessionError { .. } => "The site cannot renew what stands behind the session.",
        Reason::KeyLost => "The key that its tokens are bound to is gone.",
        Reason::NeverSignedIn
        | Reason::SignedOut
        | Reason::WrongCredentials { .. }
        | Reason::Vault { .. }
        | Reason::Unreachable { .. }
        | Reason::ReplyLost
        | Reason::ProviderBusy { .. }
        | Reason::NotTheProvider { .. }
        | Reason::Misconfigured { .. }
        | Reason::SignInDenied { .. }
        | Reason::SignInRefused { .. }
        | Reason::SignInTimedOut
        | Reason::NotBelieved { .. }
        | Reason::PortTaken { .. }
        | Reason::Misfit { .. }
        | Reason::LockBusy
        | Reason::LockUnusable { .. }
        | Reason::Network
        | Reason::ClockOff { .. }
        | Reason::RenewalUnderWay
        | Reason::Storm
        | Reason::Opening => "This session can no longer be renewed.",
    }
}

fn show(text: &Text, open: &Arc<impl Fn() + Send + Sync + 'static>) {
    let mut notification = Notification::new();
    notification.appname("Latchkey").summary(&text.summary).body(&text.body).icon("dialog-password");
    #[cfg(target_os = "linux")]
    notification.action("default", "Open Latchkey").action("open", "Open Latchkey");
    match notification.show() {
        Ok(shown) => await_answer(shown, open),
        // Many desktops have nobody to show it; the tray and the window say the same.
        Err(error) => debug!(kind = "not_notified", "a notification was not shown: {error}"),
    }
}

/// Waits for the button in a thread of its own, which ends when the notification goes.
#[cfg(target_os = "linux")]
fn await_answer(shown: notify_rust::NotificationHandle, open: &Arc<impl Fn() + Send + Sync + 'static>) {
    let open = Arc::clone(open);
    // Without a thread there is a notification without a button.
    let _ = thread::Builder::new().name("notification".to_owned()).spawn(move || {
        shown.wait_for_action(|action| {
            if matches!(action, "default" | "open") {
                open();
            }
        });
    });
}

/// Elsewhere a click on a notification opens the app by itself.
#[cfg(not(target_os = "linux"))]
fn await_answer<H>(_: H, _: &Arc<impl Fn() + Send + Sync + 'static>) {}

#[cfg(test)]
mod tests {
    use latchkey_core::reason::VaultProblem;

    use super::*;
    use crate::test_world::name;

    #[test]
    fn it_says_which_account_and_why_in_our_own_words() {
        let said = Some("token eyJhbGciOiJSUzI1NiJ9.e30.c2ln of ada@example.com was revoked".to_owned());
        let refused = text(&name("work"), &Notice::SignInNeeded(Reason::Refused { said }));
        let expected = ("Sign in again: work", "The provider has ended this session.");
        assert_eq!((refused.summary.as_str(), refused.body.as_str()), expected);
        let unsaved = text(&name("work"), &Notice::CannotSave(VaultProblem::Locked));
        assert_eq!(unsaved.summary, "Cannot save the new tokens: work");
        assert!(unsaved.body.starts_with("The keychain is locked. Unlock it"), "{}", unsaved.body);
    }

    #[test]
    fn the_same_is_said_once_an_hour_and_something_else_at_once() {
        let mut said = Said::default();
        let at = SignedDuration::from_mins;
        assert!(said.is_news(&name("work"), "refused", at(0)));
        assert!(!said.is_news(&name("work"), "refused", at(59)));
        assert!(said.is_news(&name("work"), "keychain_locked", at(59)));
        assert!(said.is_news(&name("home"), "refused", at(59)));
        assert!(said.is_news(&name("work"), "refused", at(61)));
    }
}
