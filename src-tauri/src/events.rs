//! Pushes what changed to the window and the tray, so that neither has to ask.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use latchkey_engine::Sessions;
use latchkey_engine::config::AppConfig;
use latchkey_engine::event_log::{EventLog, LogRecord};
use latchkey_engine::ports::Clock;
use latchkey_engine::snapshot::SessionStatus;
use serde::Serialize;
use tauri::{AppHandle, Emitter as _, Manager as _, Runtime, async_runtime};
use tokio::sync::watch;

use crate::shell::{self, Shell};
use crate::tray;
use crate::window::MAIN;
use crate::words::Tongue;

/// The event with the sessions that have changed.
const SESSIONS: &str = "sessions";

/// The event that says who gives other programs their tokens, when that changes.
const SERVED_BY: &str = "served-by";

/// The event with new records, in order.
const LOG: &str = "log";

/// No event comes more often than this; what happens in between is in the next one.
const PAUSE: SignedDuration = SignedDuration::from_millis(100);

/// How long the tray is left alone at most: a clock that was set moves what was waited for.
const LOOK: SignedDuration = SignedDuration::from_hours(1);

/// The most records in one event.
const BATCH: usize = 1000;

/// What the page is told when sessions have changed. A session's past makes it long, and the others' is known.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct SessionNews {
    /// The accounts there are, in the order of their names.
    accounts: Vec<String>,
    /// The sessions that are not as they were told last.
    changed: Vec<SessionStatus>,
    /// The time zone of the system, by its IANA name where it has one. The page knows the one that it began in alone, and a
    /// laptop travels.
    zone: Option<String>,
}

/// Begins to tell the tray.
pub(crate) fn tell_tray<R: Runtime>(app: &AppHandle<R>) {
    let shell = app.state::<Shell>();
    let for_tray = app.clone();
    let show = move |sessions: &[SessionStatus]| tray::show(&for_tray, sessions);
    let (sessions, settings) = (shell.engine.watch(), shell.app.subscribe());
    async_runtime::spawn(keep_tray(sessions, settings, Arc::clone(&shell.clock), show));
}

/// Begins to tell the window.
pub(crate) fn tell_window<R: Runtime>(app: &AppHandle<R>) {
    let shell = app.state::<Shell>();
    let (engine, log, clock) = (shell.engine.clone(), shell.log.clone(), Arc::clone(&shell.clock));
    let (for_sessions, for_log) = (app.clone(), app.clone());
    let push = move |news| {
        // A window that is gone has nobody to tell; one that opens asks for all of them.
        let _ = for_sessions.emit_to(MAIN, SESSIONS, news);
    };
    async_runtime::spawn(push_sessions(engine.watch(), shell.spoken.subscribe(), Arc::clone(&clock), push));
    async_runtime::spawn(push_log(log, clock, move |records| {
        let _ = for_log.emit_to(MAIN, LOG, records);
    }));
    let (mut served_by, for_served) = (shell.agent.by(), app.clone());
    async_runtime::spawn(async move {
        while served_by.changed().await.is_ok() {
            let _ = for_served.emit_to(MAIN, SERVED_BY, *served_by.borrow_and_update());
        }
    });
}

/// Pushes sessions when they change, and all of them when the page speaks another language.
async fn push_sessions(
    mut changes: watch::Receiver<Sessions>,
    mut spoken: watch::Receiver<Tongue>,
    clock: Arc<dyn Clock>,
    push: impl Fn(SessionNews),
) {
    let (mut told, mut told_in) = (Sessions::new(), None);
    loop {
        let tongue = *spoken.borrow_and_update();
        let now = changes.borrow_and_update().clone();
        if told_in.replace(tongue) != Some(tongue) {
            told.clear();
        }
        push(news(&told, &now, tongue));
        told = now;
        pause(&*clock).await;
        tokio::select! {
            more = changes.changed() => if more.is_err() { return },
            more = spoken.changed() => if more.is_err() { return },
        }
    }
}

fn news(told: &Sessions, now: &Sessions, tongue: Tongue) -> SessionNews {
    let as_told = |name, one| told.get(name).is_some_and(|before| Arc::ptr_eq(before, one));
    let changed = now.iter().filter(|(name, one)| !as_told(*name, *one));
    SessionNews {
        accounts: now.keys().map(ToString::to_string).collect(),
        changed: shell::sessions(changed.map(|(_, one)| one), tongue),
        zone: TimeZone::system().iana_name().map(ToOwned::to_owned),
    }
}

/// Shows the sessions in the tray whenever they or the settings change, and when `show` says that time alone does it.
async fn keep_tray(
    mut changes: watch::Receiver<Sessions>,
    mut settings: watch::Receiver<AppConfig>,
    clock: Arc<dyn Clock>,
    show: impl Fn(&[SessionStatus]) -> Option<Timestamp>,
) {
    loop {
        let sessions: Vec<_> = changes.borrow_and_update().values().map(|one| (**one).clone()).collect();
        settings.borrow_and_update();
        let next = show(&sessions);
        pause(&*clock).await;
        let now = clock.now();
        let wait = next.map_or(LOOK, |at| at.duration_since(now.wall).clamp(SignedDuration::ZERO, LOOK));
        tokio::select! {
            () = clock.sleep_until(now.boot.saturating_add(wait)) => {}
            more = changes.changed() => if more.is_err() { return },
            more = settings.changed() => if more.is_err() { return },
        }
    }
}

async fn push_log(log: EventLog, clock: Arc<dyn Clock>, push: impl Fn(Vec<LogRecord>)) {
    let mut news = log.subscribe();
    let mut pushed = *news.borrow();
    while news.changed().await.is_ok() {
        loop {
            let records = log.since(pushed, BATCH);
            let Some(last) = records.last() else { break };
            pushed = last.seq;
            push(records);
        }
        pause(&*clock).await;
    }
}

async fn pause(clock: &dyn Clock) {
    clock.sleep_until(clock.now().boot.saturating_add(PAUSE)).await;
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use latchkey_engine::clock::ManualClock;
    use latchkey_engine::config::Language;
    use latchkey_engine::snapshot::StateName;

    use super::*;
    use crate::test_world::{because_of, name, session};

    /// What the engine says of a backend that is not there.
    const UNREACHABLE: &str = "nothing listens at its address";

    /// What stands in the sentence of its reason under this name.
    fn value(session: &SessionStatus, wanted: &str) -> String {
        let values = &session.reason.as_ref().unwrap().values;
        values.iter().find(|(name, _)| *name == wanted).unwrap().1.to_owned()
    }

    #[tokio::test]
    async fn many_changes_at_once_come_as_one_and_the_last_is_never_lost() {
        let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap());
        let (sender, changes) = watch::channel(Sessions::new());
        let (_page, spoken) = watch::channel(Tongue::En);
        let pushed = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn({
            let pushed = Arc::clone(&pushed);
            push_sessions(changes, spoken, Arc::new(clock.clone()), move |news| {
                pushed.lock().unwrap().push(news.changed);
            })
        });
        clock.until_sleepers(1).await;
        for state in [StateName::SigningIn, StateName::Renewing, StateName::SignedIn] {
            sender.send_modify(|all| drop(all.insert(name("work"), Arc::new(session("work", state)))));
        }
        drop(sender);
        while !task.is_finished() {
            clock.advance(PAUSE);
            tokio::task::yield_now().await;
        }
        task.await.unwrap();
        let pushed = pushed.lock().unwrap();
        let states: Vec<Vec<StateName>> =
            pushed.iter().map(|all| all.iter().map(|one| one.state).collect()).collect();
        assert_eq!(states, [vec![], vec![StateName::SignedIn]]);
    }

    #[tokio::test]
    async fn another_language_brings_the_sessions_anew_with_their_reasons_in_it() {
        let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap());
        let away = because_of(session("work", StateName::Waiting), "unreachable", "what", UNREACHABLE);
        let (_sender, changes) = watch::channel(Sessions::from([(name("work"), Arc::new(away))]));
        let (page, spoken) = watch::channel(Tongue::En);
        let pushed = Arc::new(Mutex::new(Vec::<SessionStatus>::new()));
        let task = tokio::spawn({
            let pushed = Arc::clone(&pushed);
            push_sessions(changes, spoken, Arc::new(clock.clone()), move |news| {
                pushed.lock().unwrap().extend(news.changed);
            })
        });
        let pushed_times = async |times: usize| {
            while pushed.lock().unwrap().len() < times {
                clock.advance(PAUSE);
                tokio::task::yield_now().await;
            }
        };
        pushed_times(1).await;
        page.send_replace(Tongue::De);
        pushed_times(2).await;
        page.send_replace(Tongue::En);
        pushed_times(3).await;
        let said: Vec<_> = pushed.lock().unwrap().iter().map(|one| value(one, "what")).collect();
        assert_eq!(said, [UNREACHABLE, "unter seiner Adresse antwortet kein Programm", UNREACHABLE]);
        task.abort();
    }

    #[test]
    fn only_what_changed_is_told_and_which_accounts_there_are() {
        let one = |account| (name(account), Arc::new(session(account, StateName::SignedIn)));
        let told = Sessions::from([one("gone"), one("new-state"), one("same")]);
        let mut now = told.clone();
        now.remove(&name("gone"));
        now.extend([one("added"), (name("new-state"), Arc::new(session("new-state", StateName::Renewing)))]);
        let of = |news: SessionNews| {
            let changed: Vec<String> = news.changed.into_iter().map(|one| one.account).collect();
            (news.accounts.join(" "), changed.join(" "))
        };
        let all = "added new-state same".to_owned();
        assert_eq!(of(news(&told, &now, Tongue::En)), (all.clone(), "added new-state".to_owned()));
        assert_eq!(of(news(&now, &now, Tongue::En)), (all.clone(), String::new()));
        assert_eq!(of(news(&Sessions::new(), &now, Tongue::En)), (all.clone(), all));
    }

    #[tokio::test]
    async fn the_tray_follows_the_sessions_the_settings_and_what_time_alone_does() {
        let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap());
        let (sender, changes) = watch::channel(Sessions::new());
        let (app, settings) = watch::channel(AppConfig::default());
        let quarter: Timestamp = "2026-11-20T12:10:00Z".parse().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn({
            let (shown, beginning) = (Arc::clone(&shown), clock.clone());
            let show = move |sessions: &[SessionStatus]| {
                shown.lock().unwrap().push((beginning.now().wall, sessions.len()));
                Some(quarter)
            };
            keep_tray(changes, settings, Arc::new(clock.clone()), show)
        });
        let shown_times = async |times: usize| {
            while shown.lock().unwrap().len() < times {
                clock.advance(PAUSE);
                tokio::task::yield_now().await;
            }
        };
        shown_times(1).await;
        app.send_modify(|app| app.language = Language::De);
        shown_times(2).await;
        sender.send_modify(|all| {
            drop(all.insert(name("work"), Arc::new(session("work", StateName::SignedIn))));
        });
        shown_times(3).await;
        let early = |(at, _): &(Timestamp, usize)| *at < quarter;
        assert!(shown.lock().unwrap().iter().all(early), "a change is shown at once");
        shown_times(4).await;
        let sessions: Vec<usize> = shown.lock().unwrap().iter().map(|(_, sessions)| *sessions).collect();
        assert_eq!(sessions, [0, 0, 1, 1]);
        assert!(!early(&shown.lock().unwrap()[3]), "nothing but the time made it look again");
        task.abort();
    }
}
