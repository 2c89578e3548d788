//! A second start asks the app that runs to come forward, by a call that has no end of its own. An app that was stopped, or
//! that hangs, never answers: then the start gives up and says so, in the terminal and, for those who have none, on the
//! desktop.

use std::convert::Infallible;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use latchkey_engine::config::Language;
use notify_rust::Notification;
use tauri::async_runtime;

use crate::relaunch::NAME_ON_THE_BUS;
use crate::startup;
use crate::words::Tongue;

/// How long the app that runs may take. One that is slower comes forward all the same: it has been asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the bus may take to say who that is, and the desktop to show a notification.
const AT_MOST: Duration = Duration::from_secs(2);

/// Another instance runs and does not answer.
#[derive(Debug, thiserror::Error)]
#[error("Latchkey runs already, as process {0}, and does not answer")]
struct Unanswered(u32);

impl Unanswered {
    /// What to do about it.
    fn hint(&self) -> String {
        let Self(pid) = self;
        format!("if it was stopped, `kill -CONT {pid}` lets it go on; if it hangs, end it and start again")
    }

    /// The same for the desktop.
    fn notification(&self, tongue: Tongue) -> (&'static str, String) {
        let Self(pid) = self;
        let summary = tongue.pick("Latchkey does not answer", "Latchkey antwortet nicht");
        let body = tongue.pick(
            format!("It runs already, as process {pid}. If it was stopped, let it go on; if it hangs, end it and start again."),
            format!("Es läuft schon, als Prozess {pid}. Wurde es angehalten, lassen Sie es weiterlaufen; hängt es, beenden Sie es und starten Sie neu."),
        );
        (summary, body)
    }
}

/// Ends this process where it still waits for another one after a while; until what is given back is dropped.
pub(crate) fn watch() -> Sender<Infallible> {
    let (starting, started) = mpsc::channel();
    thread::spawn(move || {
        if started.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout)
            && let Some(pid) = another()
        {
            give_up(&Unanswered(pid));
        }
    });
    starting
}

/// The process that has the app's name, if that is another one. A start that is only slow has it itself.
fn another() -> Option<u32> {
    let asked = async_runtime::block_on(async { tokio::time::timeout(AT_MOST, owner()).await });
    asked.ok()?.ok().filter(|pid| *pid != std::process::id())
}

async fn owner() -> zbus::Result<u32> {
    let bus = zbus::Connection::session().await?;
    let name = NAME_ON_THE_BUS.try_into()?;
    Ok(zbus::fdo::DBusProxy::new(&bus).await?.get_connection_unix_process_id(name).await?)
}

fn give_up(error: &Unanswered) {
    let (shown, said) = mpsc::channel();
    let (summary, body) = error.notification(Tongue::of(Language::System));
    thread::spawn(move || {
        let notification = Notification::new()
            .appname("Latchkey")
            .summary(summary)
            .body(&body)
            .icon("dialog-password")
            .show();
        // Nobody waits any more where the desktop took too long.
        let _ = shown.send(notification.is_ok());
    });
    // Where there is nobody to show it the terminal says the same.
    let _ = said.recv_timeout(AT_MOST);
    let _ = startup::fail(error, Some(&error.hint()));
    std::process::exit(1);
}
