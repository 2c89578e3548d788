//! Pushes what changed to the window and the tray, so that neither has to ask.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use latchkey_engine::Sessions;
use latchkey_engine::config::AppConfig;
use latchkey_engine::event_log::{EventLog, LogRecord};
use latchkey_engine::ports::Clock;
use latchkey_engine::snapshot::SessionStatus;
use tauri::{AppHandle, Emitter as _, Manager as _, Runtime, async_runtime};
use tokio::sync::watch;

use crate::shell::{self, Shell};
use crate::tray;
use crate::window::MAIN;
use crate::words::Tongue;

/// The event with the whole list of sessions.
const SESSIONS: &str = "sessions";

/// The event with new records, in order.
const LOG: &str = "log";

/// No event comes more often than this; what happens in between is in the next one.
const PAUSE: SignedDuration = SignedDuration::from_millis(100);

/// How long the tray is left alone at most: a clock that was set moves what was waited for.
const LOOK: SignedDuration = SignedDuration::from_hours(1);

/// The most records in one event.
const BATCH: usize = 1000;

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
    let push = move |sessions| {
        // A window that is gone has nobody to tell.
        let _ = for_sessions.emit_to(MAIN, SESSIONS, sessions);
    };
    async_runtime::spawn(push_sessions(engine.watch(), shell.spoken.subscribe(), Arc::clone(&clock), push));
    async_runtime::spawn(push_log(log, clock, move |records| {
        let _ = for_log.emit_to(MAIN, LOG, records);
    }));
}

/// Pushes the sessions whenever they change, and when the page speaks another language.
async fn push_sessions(
    mut changes: watch::Receiver<Sessions>,
    mut spoken: watch::Receiver<Tongue>,
    clock: Arc<dyn Clock>,
    push: impl Fn(Vec<SessionStatus>),
) {
    loop {
        let tongue = *spoken.borrow_and_update();
        let sessions = shell::sessions(&changes.borrow_and_update(), tongue);
        push(sessions);
        pause(&*clock).await;
        tokio::select! {
            more = changes.changed() => if more.is_err() { return },
            more = spoken.changed() => if more.is_err() { return },
        }
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
    async fn many_changes_at_once_come_as_one_list_and_the_last_is_never_lost() {
        let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap());
        let (sender, changes) = watch::channel(Sessions::new());
        let (_page, spoken) = watch::channel(Tongue::En);
        let pushed = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn({
            let pushed = Arc::clone(&pushed);
            push_sessions(changes, spoken, Arc::new(clock.clone()), move |sessions| {
                pushed.lock().unwrap().push(sessions);
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
            push_sessions(changes, spoken, Arc::new(clock.clone()), move |sessions| {
                pushed.lock().unwrap().extend(sessions);
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
