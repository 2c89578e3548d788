//! Other programs get their tokens here while the window is open, unless another process of this user serves them: then
//! from when that one has ended.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use latchkey_agent::server::{Served, Server};
use latchkey_agent::socket::{self, Held, SocketError};
use tauri::async_runtime;
use tracing::{info, warn};

/// The app's part as an agent.
#[derive(Clone, Default)]
pub(crate) struct Serving(Arc<Mutex<Stage>>);

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
        match held.and_then(|held| Server::start(held, served)) {
            Ok(started) => *stage = Stage::Serves(started),
            Err(error) => {
                warn!(kind = "agent_not_served", "other programs are not served from here: {error}");
            }
        }
    }

    /// Ends it. What is to be waited for is given back.
    pub(crate) fn end(&self) -> Option<Server> {
        match std::mem::replace(&mut *self.stage(), Stage::Over) {
            Stage::Serves(server) => Some(server),
            Stage::Not | Stage::Over => None,
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
