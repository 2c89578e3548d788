//! The way out: an exchange that is under way is finished and stored before the process ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tauri::{AppHandle, Manager as _, RunEvent, Runtime, async_runtime};
use tracing::{info, warn};

use crate::shell::Shell;
use crate::window::MAIN;
use crate::words::Tongue;
use crate::{copied_token, opening, trouble};

/// How long to wait for what is under way: longer than an exchange may take, and its storing after that.
const PATIENCE: Duration = Duration::from_secs(45);

/// How a process ends that could not be opened for what is set up wrong.
const WRONG: i32 = 2;

static UNDER_WAY: AtomicBool = AtomicBool::new(false);

/// Whether the app is on its way out.
pub(crate) fn is_under_way() -> bool {
    UNDER_WAY.load(Ordering::Relaxed)
}

/// Ends the app. The window goes at once, the process when nothing can be lost any more.
pub(crate) fn quit<R: Runtime>(app: &AppHandle<R>) {
    if UNDER_WAY.swap(true, Ordering::Relaxed) {
        return;
    }
    if let Some(window) = app.get_webview_window(MAIN) {
        let _ = window.hide();
    }
    let app = app.clone();
    async_runtime::spawn(async move {
        // Sessions that are just being opened are opened first: only then can they be closed.
        let _ = tokio::time::timeout(PATIENCE, opening::over(&app)).await;
        if let Some(shell) = app.try_state::<Shell>() {
            let closed = tokio::time::timeout(PATIENCE, shell.close());
            if let (Err(_), ()) = tokio::join!(closed, copied_token::forget(&app)) {
                warn!(kind = "ended_early", "something was still under way after {} s", PATIENCE.as_secs());
            }
            info!(kind = "ended", "Latchkey ended");
            shell.log.flush();
        }
        app.exit(if trouble::now(&app, Tongue::En).is_some() { WRONG } else { 0 });
    });
}

/// Whoever wants to end the process otherwise than by [`quit`] is sent there.
pub(crate) fn on_run_event<R: Runtime>(app: &AppHandle<R>, event: RunEvent) {
    if let RunEvent::ExitRequested { code: None, api, .. } = event {
        api.prevent_exit();
        quit(app);
    }
}

/// The end of the desktop session and a `kill` come as signals.
pub(crate) fn on_signals<R: Runtime>(app: &AppHandle<R>) {
    let app = app.clone();
    async_runtime::spawn(async move {
        if asked_to_end().await.is_ok() {
            quit(&app);
        }
    });
}

#[cfg(unix)]
async fn asked_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt, mut hang_up) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn asked_to_end() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
