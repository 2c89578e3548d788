//! Tells a person what needs them while the window is closed, and nothing else.
//!
//! What is said how stands in [`text`], when a session is announced to end in [`soon`], when nothing is said in
//! [`quiet`]. Sessions that renew themselves are never spoken of.

mod quiet;
mod said;
mod show;
mod soon;
mod text;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use latchkey_core::account::AccountName;
use latchkey_core::session::Notice;
use latchkey_core::time::Stamp;
use latchkey_engine::Sessions;
use latchkey_engine::config::{AppConfig, NotificationConfig};
use latchkey_engine::ports::{Clock, Notifier};
use latchkey_engine::snapshot::SessionStatus;
use tokio::sync::watch;
use tracing::warn;

use crate::words::Tongue;
use quiet::quiet_until;
use said::{Said, Saying};
use show::{Desk, Open, Showing, Task};
use soon::Soon;
pub(crate) use text::News;

/// How long nothing is looked at where nothing is known to come.
const LOOK: SignedDuration = SignedDuration::from_hours(1);

/// The notifications of the desktop. A clone is another handle to the same.
#[derive(Clone)]
pub(crate) struct Notifications(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    app: watch::Receiver<AppConfig>,
    told: Mutex<Told>,
    showing: mpsc::Sender<Task>,
}

/// What was said, and what waits for the end of the quiet hours.
#[derive(Default)]
struct Told {
    said: Said,
    held: Vec<(AccountName, News)>,
}

impl Notifications {
    /// `open` is what the button does.
    pub(crate) fn start(clock: Arc<dyn Clock>, app: watch::Receiver<AppConfig>, open: Open) -> Self {
        let (showing, tasks) = mpsc::channel();
        // The desktop may take its time to answer; nobody waits for it but this thread.
        let thread = thread::Builder::new().name("notifications".to_owned()).spawn(move || {
            let desk = Desk::new(open);
            for task in tasks {
                desk.does(task);
            }
        });
        if let Err(error) = thread {
            warn!(kind = "no_notifications", "notifications cannot be shown: {error}");
        }
        Self(Arc::new(Inner { clock, app, told: Mutex::default(), showing }))
    }

    /// Announces sessions that end, and tells after quiet hours what was held back, until the engine ends.
    pub(crate) async fn watch(self, mut sessions: watch::Receiver<Sessions>) {
        let (mut soon, mut app) = (Soon::default(), self.0.app.clone());
        loop {
            let all: Vec<_> = sessions.borrow_and_update().values().map(|one| (**one).clone()).collect();
            app.borrow_and_update();
            let next = self.look(&mut soon, &all);
            let now = self.0.clock.now();
            let pause = next.map_or(LOOK, |at| at.duration_since(now.wall).clamp(SignedDuration::ZERO, LOOK));
            tokio::select! {
                () = self.0.clock.sleep_until(now.boot.saturating_add(pause)) => {}
                changed = sessions.changed() => if changed.is_err() { return },
                changed = app.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Tells what has come due; gives when to look again.
    fn look(&self, soon: &mut Soon, sessions: &[SessionStatus]) -> Option<Timestamp> {
        let now = self.now();
        let over = self.told().said.forget_what_is_over(sessions);
        for saying in over {
            let _ = self.0.showing.send(Task::Withdraw(saying));
        }
        let mut next = Vec::new();
        for ending in soon.endings(sessions, now.timestamp()) {
            if ending.tell_at > now.timestamp() {
                next.push(ending.tell_at);
            } else if let Ok(account) = AccountName::new(&ending.account) {
                self.tell(&account, News::Ends(ending.ends_at.to_zoned(now.time_zone().clone())));
            }
        }
        if let Some(end) = self.quiet_until(&now) {
            next.push(end.timestamp());
        } else {
            let held = std::mem::take(&mut self.told().held);
            let stamp = self.0.clock.now();
            for (account, news) in held {
                if still(&account, &news, sessions, stamp) {
                    self.tell(&account, news);
                }
            }
        }
        next.into_iter().min()
    }

    /// Tells it, unless nobody wants to hear it, it was said, or it can wait for the end of the quiet hours.
    fn tell(&self, account: &AccountName, news: News) {
        let (notify, forward) = {
            let told = &self.0.app.borrow().notifications;
            (is_wanted(told, &news), told.window_forward && ends_a_session(&news))
        };
        if !notify && !forward {
            return;
        }
        let now = self.now();
        let quiet = self.quiet_until(&now);
        let mut told = self.told();
        if quiet.is_some_and(|end| can_wait(&news, &end)) {
            told.held.retain(|(other, held)| other != account || !is_the_same(held, &news));
            told.held.push((account.clone(), news));
        } else {
            let stamp = self.0.clock.now();
            let saying = Saying::of(account, &news);
            if !told.said.is_news(saying.clone(), &news, stamp) {
                return;
            }
            let tongue = Tongue::of(self.0.app.borrow().language);
            let text = text::text(account, &news, stamp.boot, tongue);
            // Without the thread there is nobody to show it; the window does.
            let _ = self.0.showing.send(Task::Show(Showing {
                saying,
                text,
                sign_in: wants_sign_in(&news),
                notify,
                forward,
            }));
        }
    }

    fn quiet_until(&self, now: &Zoned) -> Option<Zoned> {
        quiet_until(&self.0.app.borrow().notifications, now)
    }

    fn now(&self) -> Zoned {
        self.0.clock.now().wall.to_zoned(TimeZone::system())
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notifier for Notifications {
    fn notify(&self, account: &AccountName, notice: &Notice) {
        self.tell(account, News::Notice(notice.clone()));
    }

    fn consent_asked(&self, account: &AccountName, program: &str) {
        self.tell(account, News::Consent(program.to_owned()));
    }
}

fn is_wanted(told: &NotificationConfig, news: &News) -> bool {
    match news {
        News::Notice(Notice::SignInNeeded(_)) => told.sign_in_needed,
        News::Notice(Notice::CannotSave(_)) => told.not_saved,
        // Only an account that was told to ask does, and a program waits for the answer.
        News::Consent(_) => true,
        News::Notice(Notice::EndsSoon(_)) | News::Ends(_) => told.sign_in_soon,
    }
}

/// Whether only a new sign-in helps, so that the window may come forward.
fn ends_a_session(news: &News) -> bool {
    matches!(news, News::Notice(Notice::SignInNeeded(_)))
}

/// Whether nothing is lost when it is told after the quiet hours: a session that has ended stays ended, and one that
/// ends later can be kept then. One that ends within them cannot, and neither can tokens that are lost with the machine.
fn can_wait(news: &News, end: &Zoned) -> bool {
    match news {
        News::Notice(Notice::SignInNeeded(_)) => true,
        // A program that waits has long given up by then.
        News::Notice(Notice::CannotSave(_)) | News::Consent(_) => false,
        News::Notice(Notice::EndsSoon(soon)) => soon.at.wall > end.timestamp(),
        News::Ends(at) => at > end,
    }
}

fn wants_sign_in(news: &News) -> bool {
    match news {
        News::Notice(Notice::SignInNeeded(_)) | News::Ends(_) => true,
        News::Notice(Notice::CannotSave(_) | Notice::EndsSoon(_)) | News::Consent(_) => false,
    }
}

/// Whether of two things that are held back only the later is told: a session that ended twice has ended.
fn is_the_same(held: &News, news: &News) -> bool {
    held.code() == news.code() || ends_a_session(held) && ends_a_session(news)
}

/// Whether what was held back is still so.
fn still(account: &AccountName, news: &News, sessions: &[SessionStatus], now: Stamp) -> bool {
    match news {
        News::Notice(notice) => sessions
            .iter()
            .any(|session| session.account == account.as_str() && session.bears_out(notice, now)),
        // What only a sign-in keeps is looked at anew each time, and a program is never held back.
        News::Ends(_) | News::Consent(_) => false,
    }
}
