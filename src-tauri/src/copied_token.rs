//! An access token in the clipboard: put there at a person's wish, and taken out again after a while, unless they have
//! copied something else by then. The page learns that it happened, and nothing of the token.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_engine::TokenRequest;
use latchkey_engine::ports::Clock;
use serde::Serialize;
use tauri::{AppHandle, Emitter as _, Manager as _, Runtime, async_runtime};
use tokio::sync::oneshot;

use crate::clipboard;
use crate::command_error::CommandError;
use crate::shell::Shell;
use crate::window::MAIN;

/// How long a token stays in the clipboard.
const STAYS: SignedDuration = SignedDuration::from_secs(60);

/// How long to wait for a token that has to be renewed first.
const WAIT: SignedDuration = SignedDuration::from_secs(10);

/// How long the end of the app waits for whoever holds the clipboard.
const PATIENCE: Duration = Duration::from_secs(1);

/// The event that says how it ended: `true` when the clipboard was cleared, `false` when something else was in it.
const CLEARED: &str = "clipboard-cleared";

/// How often a token was copied: only the last copy is cleared.
static COPIES: AtomicU64 = AtomicU64::new(0);

/// What the window is told of a copy.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct CopiedToken {
    /// After how many seconds the clipboard is cleared.
    stays_secs: u32,
}

impl Shell {
    /// Puts the access token of an account into the clipboard, and begins to wait for the end of that.
    pub(crate) async fn copy_access_token<R: Runtime>(
        &self,
        app: &AppHandle<R>,
        account: &AccountName,
    ) -> Result<CopiedToken, CommandError> {
        let request = TokenRequest { min_valid: SignedDuration::ZERO, wait: WAIT };
        let token = self.engine.token(account, request).await.map_err(|error| self.told(error))?.access;
        let copied = token.clone();
        on_main_thread(app, move |told| {
            let _ = told.send(clipboard::put_secret(&copied));
        })
        .await
        .unwrap_or_else(|| Err(CommandError::new("clipboard", "the clipboard cannot be used", None)))?;
        let copy = COPIES.fetch_add(1, Ordering::SeqCst) + 1;
        *lock(&self.copied) = Some(token);
        let (app, clock) = (app.clone(), Arc::clone(&self.clock));
        async_runtime::spawn(async move {
            if is_still_the_last(&*clock, copy).await {
                clear(&app).await;
            }
        });
        Ok(CopiedToken { stays_secs: u32::try_from(STAYS.as_secs()).unwrap_or_default() })
    }
}

/// Waits until a copy has been there for long enough. Whether it is still the last one: a later one has its own time.
async fn is_still_the_last(clock: &dyn Clock, copy: u64) -> bool {
    clock.sleep_until(clock.now().boot.saturating_add(STAYS)).await;
    COPIES.load(Ordering::SeqCst) == copy
}

/// Clears the clipboard before its time, since the app ends: a clipboard manager that heeds no mark, or the system, would
/// keep what was left there. Whoever holds the clipboard is not waited for long.
pub(crate) async fn forget<R: Runtime>(app: &AppHandle<R>) {
    let _ = tokio::time::timeout(PATIENCE, clear(app)).await;
}

/// Clears the clipboard where the token that was copied last is still in it, and tells the window.
async fn clear<R: Runtime>(app: &AppHandle<R>) {
    let Some(token) = app.try_state::<Shell>().and_then(|shell| lock(&shell.copied).take()) else { return };
    let cleared = on_main_thread(app, move |told| {
        clipboard::clear_if(token, move |cleared| {
            let _ = told.send(cleared);
        });
    })
    .await;
    // A window that is gone has nobody to tell.
    let _ = app.emit_to(MAIN, CLEARED, cleared.unwrap_or(false));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something on the thread that draws, where the clipboard is. Nothing when there is none any more.
async fn on_main_thread<R: Runtime, T: Send + 'static>(
    app: &AppHandle<R>,
    work: impl FnOnce(oneshot::Sender<T>) + Send + 'static,
) -> Option<T> {
    let (told, answer) = oneshot::channel();
    app.run_on_main_thread(move || work(told)).ok()?;
    answer.await.ok()
}

#[cfg(test)]
mod tests {
    use latchkey_engine::clock::ManualClock;

    use super::*;

    #[tokio::test]
    async fn a_copy_stays_a_minute_and_only_the_last_one_is_cleared() {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        let waits = |copy| {
            let clock = clock.clone();
            tokio::spawn(async move { is_still_the_last(&clock, copy).await })
        };
        let (first, last) =
            (COPIES.fetch_add(1, Ordering::SeqCst) + 1, COPIES.fetch_add(1, Ordering::SeqCst) + 1);
        let (first, last) = (waits(first), waits(last));
        while clock.sleepers() < 2 {
            tokio::task::yield_now().await;
        }
        clock.advance(SignedDuration::from_secs(59));
        tokio::task::yield_now().await;
        assert!(!first.is_finished() && !last.is_finished());
        clock.advance(SignedDuration::from_secs(1));
        assert!(!first.await.unwrap(), "another was copied since");
        assert!(last.await.unwrap());
    }
}
