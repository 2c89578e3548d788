//! What all requests share, and the one place where sessions change.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use crate::{
    Faults, Options, StartError,
    clock::Clock,
    family::{Families, Lifetimes},
    keys::SigningKey,
    login::TokenReply,
    request_log::RequestLog,
    state_file::{self, Found},
    token::TokenHash,
};

pub(crate) struct Backend {
    pub(crate) options: Options,
    pub(crate) issuer: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) key: SigningKey,
    pub(crate) log: RequestLog,
    pub(crate) faults: Faults,
    sessions: Mutex<Sessions>,
    /// Held while the file is written, so that an older picture never replaces a newer one.
    writing: Mutex<()>,
}

/// The families, and the answers that are still to be repeated inside the grace window.
///
/// Answers hold tokens in clear; they live in memory only, and no longer than the window.
pub(crate) struct Sessions {
    pub(crate) families: Families,
    replays: BTreeMap<TokenHash, (Timestamp, TokenReply)>,
}

impl Sessions {
    pub(crate) fn keep_replay(&mut self, consumed: TokenHash, until: Timestamp, reply: TokenReply) {
        self.replays.insert(consumed, (until, reply));
    }

    pub(crate) fn replay(&self, consumed: TokenHash) -> Option<TokenReply> {
        self.replays.get(&consumed).map(|(_, reply)| reply.clone())
    }

    fn forget_replays(&mut self, now: Timestamp) {
        self.replays.retain(|_, (until, _)| *until > now);
    }
}

impl Backend {
    /// Reads the state, if there is any, and makes a key, if there is none. Blocks for a good part of a second.
    /// Also returns what the person should know.
    pub(crate) fn open(
        options: Options,
        issuer: String,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Vec<String>), StartError> {
        let mut notices = Vec::new();
        let found = options.state.as_deref().map_or(Ok(Found::Nothing), state_file::read)?;
        let (key, families) = match found {
            Found::State(state) => *state,
            Found::Nothing => (SigningKey::generate()?, Families::default()),
            Found::Damaged(notice) => {
                notices.push(notice);
                (SigningKey::generate()?, Families::default())
            }
        };
        let backend = Self {
            options,
            issuer,
            clock,
            key,
            log: RequestLog::new(),
            faults: Faults::default(),
            sessions: Mutex::new(Sessions { families, replays: BTreeMap::new() }),
            writing: Mutex::new(()),
        };
        // A folder that cannot be written is told now, not at the first login.
        if let Some(path) = backend.options.state.clone() {
            backend.write(&path).map_err(|source| StartError::State { path, source })?;
        }
        Ok((backend, notices))
    }

    pub(crate) fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            access: self.options.access_lifetime,
            refresh: self.options.refresh_lifetime,
            session: self.options.session_lifetime,
            grace: self.options.grace,
        }
    }

    /// The sessions, for as long as the guard lives. Never held across an await.
    pub(crate) fn sessions(&self, now: Timestamp) -> MutexGuard<'_, Sessions> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.forget_replays(now);
        sessions
    }

    /// Writes the state file, where there is one, before the answer leaves: a token that was handed out is
    /// known after a restart. A failure is a remark in the log and no reason to refuse the user.
    pub(crate) async fn save(self: &Arc<Self>) -> Option<String> {
        let path = self.options.state.clone()?;
        let backend = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || backend.write(&path)).await;
        match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("the state file could not be written: {error}")),
            Err(_) => Some("the state file could not be written".into()),
        }
    }

    /// Revokes every session of this user; how many, or `None` for a user nobody knows.
    pub(crate) fn revoke(&self, username: &str) -> Option<usize> {
        let user = self.options.user(username)?;
        let now = self.clock.now();
        Some(self.sessions(now).families.revoke(&user.username, now))
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let families = self.sessions(self.clock.now()).families.clone();
        state_file::write(path, &self.key, &families)
    }
}
