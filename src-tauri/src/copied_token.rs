//! An access token in the clipboard: put there at a person's wish, and taken out again after a while, unless they have
//! copied something else by then. The page learns that it happened, and nothing of the token.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::secret::AccessToken;
use latchkey_engine::TokenRequest;
use latchkey_engine::ports::Clock;
use serde::Serialize;
use tauri::{AppHandle, Emitter as _, Runtime, async_runtime};
use tokio::sync::oneshot;

use crate::clipboard;
use crate::command_error::CommandError;
use crate::shell::Shell;
use crate::windows::MAIN;

/// How long a token stays in the clipboard.
const STAYS: SignedDuration = SignedDuration::from_secs(60);

/// How long to wait for a token that has to be renewed first.
const WAIT: SignedDuration = SignedDuration::from_secs(10);

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
        let token = self.engine.token(account, request).await?.access;
        let copied = token.clone();
        on_main_thread(app, move |told| {
            let _ = told.send(clipboard::put(copied.expose()));
        })
        .await
        .unwrap_or_else(|| Err(CommandError::new("clipboard", "the clipboard cannot be used", None)))?;
        let copy = COPIES.fetch_add(1, Ordering::SeqCst) + 1;
        async_runtime::spawn(clear_later(app.clone(), Arc::clone(&self.clock), token, copy));
        Ok(CopiedToken { stays_secs: u32::try_from(STAYS.as_secs()).unwrap_or_default() })
    }
}

async fn clear_later<R: Runtime>(app: AppHandle<R>, clock: Arc<dyn Clock>, token: AccessToken, copy: u64) {
    clock.sleep_until(clock.now().boot.saturating_add(STAYS)).await;
    // Copied again since: that copy has its own time.
    if COPIES.load(Ordering::SeqCst) != copy {
        return;
    }
    let cleared = on_main_thread(&app, move |told| {
        clipboard::clear_if(token, move |cleared| {
            let _ = told.send(cleared);
        });
    })
    .await;
    // A window that is gone has nobody to tell.
    let _ = app.emit_to(MAIN, CLEARED, cleared.unwrap_or(false));
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
