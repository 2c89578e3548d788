//! What the commands and the tray work with.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use latchkey_core::secret::AccessToken;
use latchkey_engine::config::AppConfig;
use latchkey_engine::event_log::EventLog;
use latchkey_engine::http::Http;
use latchkey_engine::paths::Paths;
use latchkey_engine::ports::{Browser, Clock, Vault};
use latchkey_engine::snapshot::SessionStatus;
use latchkey_engine::{EngineError, EngineHandle};
use latchkey_lab::ending::Ending;
use tokio::sync::watch;

use crate::command_error::CommandError;
use crate::dev_server::EmbeddedServer;
use crate::lab::Tour;
use crate::serving::Serving;
use crate::words::Tongue;

/// How often the vault is read again at most, because somebody looks at the window.
const RELOAD_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// The parts of the running app.
pub(crate) struct Shell {
    /// The sessions.
    pub(crate) engine: EngineHandle,
    /// What happened.
    pub(crate) log: EventLog,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where files are.
    pub(crate) paths: Paths,
    /// Where tokens are kept.
    pub(crate) vault: Arc<dyn Vault>,
    /// Whether tokens in that vault are gone when the app ends.
    pub(crate) forgetful: bool,
    /// What is set for the app.
    pub(crate) app: watch::Sender<AppConfig>,
    /// Which language the page speaks: what is set, until it says so itself.
    pub(crate) spoken: watch::Sender<Tongue>,
    /// Whether the environment says from which level on records are kept.
    pub(crate) log_level_is_given: bool,
    /// What opens pages for the person.
    pub(crate) browser: Arc<dyn Browser>,
    /// What asks servers.
    pub(crate) http: Http,
    /// What serves other programs, where no other process does.
    pub(crate) agent: Serving,
    /// The development backend.
    pub(crate) dev_server: EmbeddedServer,
    /// The lab's tour, while somebody takes it.
    pub(crate) tour: Tour,
    /// What the lab is told of the end by, where it measures.
    pub(crate) ending: Ending,
    /// The access token that was put into the clipboard last and is still to be taken out.
    pub(crate) copied: Mutex<Option<AccessToken>>,
    /// The report that was written last.
    pub(crate) report: Mutex<Option<PathBuf>>,
    /// When the vault was last read because of the window, on the boot-time clock.
    pub(crate) reloaded: Mutex<Option<SignedDuration>>,
}

impl Shell {
    /// Every session as it is now, in the language of the page.
    pub(crate) fn sessions(&self) -> Vec<SessionStatus> {
        sessions(self.engine.watch().borrow().values(), *self.spoken.borrow())
    }

    /// What the page is told of an error of the engine's, in its language.
    pub(crate) fn told(&self, error: impl Into<EngineError>) -> CommandError {
        CommandError::of(&error.into(), *self.spoken.borrow())
    }

    /// From now on the page speaks this language.
    pub(crate) fn speak(&self, tongue: Tongue) {
        self.spoken.send_if_modified(|spoken| std::mem::replace(spoken, tongue) != tongue);
    }

    /// Another process may have signed in, renewed or signed out: whoever looks at the window wants to know.
    pub(crate) fn reload(&self) {
        let now = self.clock.now().boot;
        let mut last = self.reloaded.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| now.saturating_sub(last) < RELOAD_EVERY) {
            return;
        }
        *last = Some(now);
        for account in self.engine.accounts() {
            // An account that was removed in this moment needs no reading.
            let _ = self.engine.reload(&account);
            // Looking at the window is using the sessions in it.
            let _ = self.engine.note_activity(&account);
        }
    }

    /// Ends the engine, with what is under way, and what the lab measures; then the development backend, which may be
    /// needed for that.
    pub(crate) async fn close(&self) {
        let agent = self.agent.end();
        tokio::join!(self.engine.close(), self.ending.comes());
        if let Some(agent) = agent {
            agent.stop().await;
        }
        self.dev_server.stop().await;
    }
}

/// Sessions as the page gets them, in this language.
pub(crate) fn sessions<'a>(
    known: impl Iterator<Item = &'a Arc<SessionStatus>>,
    tongue: Tongue,
) -> Vec<SessionStatus> {
    let mut sessions: Vec<_> = known.map(|one| (**one).clone()).collect();
    for session in &mut sessions {
        tongue.say_session(session);
    }
    sessions
}
