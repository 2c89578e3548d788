//! Other programs get their tokens here while the window is open, unless another process of this user serves them: then
//! from when that one has ended.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use latchkey_agent::server::{Served, Server};
use latchkey_agent::socket::{self, Held, SocketError};
use serde::Serialize;
use tauri::async_runtime;
use tokio::sync::watch;
use tracing::{info, warn};

/// Who gives other programs their tokens, and hears what they ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServedBy {
    /// This app.
    Us,
    /// Another process of this user, or one that systemd starts as soon as a program asks.
    Another,
    /// Nobody.
    #[default]
    Nobody,
}

/// The app's part as an agent.
#[derive(Clone, Default)]
pub(crate) struct Serving(Arc<Inner>);

#[derive(Default)]
struct Inner {
    stage: Mutex<Stage>,
    by: watch::Sender<ServedBy>,
}

/// How far that is.
#[derive(Default)]
enum Stage {
    /// Nobody is served from here yet.
    #[default]
    Not,
    Serves(Server),
    /// Nobody is served from here any more.
    Over,
}

impl Serving {
    /// Begins to serve the socket in this folder, or to wait for it. Must be called within a tokio runtime.
    pub(crate) fn start(folder: &Path, served: Served) -> Self {
        let serving = Self::default();
        match socket::hold(folder) {
            Err(error @ SocketError::Taken { .. }) => {
                info!(kind = "agent_waits", "other programs are not served from here yet: {error}");
                serving.0.by.send_replace(ServedBy::Another);
                async_runtime::spawn(serving.clone().wait(folder.to_owned(), served));
            }
            held => serving.serve(held, served),
        }
        serving
    }

    /// The waiting blocks a thread that nobody waits for: it ends with the process.
    async fn wait(self, folder: PathBuf, served: Served) {
        if let Ok(held) = async_runtime::spawn_blocking(move || socket::hold_next(&folder)).await {
            self.serve(held, served);
        }
    }

    fn serve(&self, held: Result<Held, SocketError>, served: Served) {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Over) {
            return;
        }
        let by = match held.and_then(|held| Server::start(held, served)) {
            Ok(started) => {
                *stage = Stage::Serves(started);
                ServedBy::Us
            }
            Err(error) => {
                warn!(kind = "agent_not_served", "other programs are not served from here: {error}");
                if matches!(error, SocketError::Kept(_)) { ServedBy::Another } else { ServedBy::Nobody }
            }
        };
        self.0.by.send_replace(by);
    }

    /// Who serves programs, as that changes.
    pub(crate) fn by(&self) -> watch::Receiver<ServedBy> {
        self.0.by.subscribe()
    }

    /// Ends it. What is to be waited for is given back.
    pub(crate) fn end(&self) -> Option<Server> {
        match std::mem::replace(&mut *self.stage(), Stage::Over) {
            Stage::Serves(server) => Some(server),
            Stage::Not | Stage::Over => None,
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
