//! What all requests share, and the one place where sessions change.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    Faults, Options, StartError,
    clock::{Clock, Skewable, later},
    endpoint::Endpoints,
    family::{Families, Lifetimes},
    keys::{KeyRing, SigningKey},
    oidc::Pending,
    reply::Answer,
    request_log::RequestLog,
    state_file::{self, Found},
    token::TokenHash,
};

pub(crate) struct Backend {
    pub(crate) options: Options,
    pub(crate) issuer: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: RequestLog,
    pub(crate) faults: Faults,
    pub(crate) endpoints: Endpoints,
    sessions: Mutex<Sessions>,
    keys: Mutex<Arc<KeyRing>>,
    /// Held while the file is written, so that an older picture never replaces a newer one.
    writing: Mutex<()>,
}

/// The families, the answers that are still to be repeated inside the grace window, and what OAuth has under way.
///
/// Answers hold tokens in clear; they live in memory only, and no longer than the window.
pub(crate) struct Sessions {
    pub(crate) families: Families,
    pub(crate) oidc: Pending,
    replays: BTreeMap<TokenHash, (Timestamp, Vec<u8>)>,
    /// What sessions of the site say of users besides, and how often that was changed. In memory only.
    site: BTreeMap<String, (u64, Map<String, Value>)>,
}

impl Sessions {
    /// Keeps the body of an answer.
    pub(crate) fn keep_replay(&mut self, consumed: TokenHash, until: Timestamp, reply: Vec<u8>) {
        self.replays.insert(consumed, (until, reply));
    }

    pub(crate) fn replay(&self, consumed: TokenHash) -> Option<Vec<u8>> {
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
        let anew =
            || Ok::<_, StartError>((KeyRing::new(SigningKey::generate()?, Vec::new()), Families::default()));
        let (keys, families) = match found {
            Found::State(state) => *state,
            Found::Nothing => anew()?,
            Found::Damaged(notice) => {
                notices.push(notice);
                anew()?
            }
        };
        let backend = Self {
            options,
            issuer,
            clock: Arc::new(Skewable(clock)),
            log: RequestLog::new(),
            faults: Faults::default(),
            endpoints: Endpoints::own(),
            sessions: Mutex::new(Sessions {
                families,
                oidc: Pending::default(),
                replays: BTreeMap::new(),
                site: BTreeMap::new(),
            }),
            keys: Mutex::new(Arc::new(keys)),
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
            rules: self.options.rules,
        }
    }

    /// Marks a reply with tokens, where the rules do not say otherwise (RFC 6749 §5.1).
    pub(crate) fn no_store(&self, answer: Answer) -> Answer {
        if self.options.rules.cacheable { answer } else { answer.no_store() }
    }

    /// The sessions, for as long as the guard lives. Never held across an await.
    pub(crate) fn sessions(&self, now: Timestamp) -> MutexGuard<'_, Sessions> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.forget_replays(now);
        sessions
    }

    /// The keys as they are now.
    pub(crate) fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A token of this type with these claims.
    pub(crate) fn sign(&self, token_type: &str, claims: &impl Serialize) -> Result<String, Answer> {
        self.keys()
            .current()
            .sign(token_type, claims)
            .map_err(|_| Answer::broken("a token could not be signed"))
    }

    /// Makes a new key and signs with it from now on; its `kid`. The key before it stays published until all it
    /// signed has expired, or goes at once.
    pub(crate) async fn rotate_keys(&self, remove_old: bool) -> Result<String, StartError> {
        let generating = tokio::task::spawn_blocking(SigningKey::generate).await;
        let next = generating.map_err(|error| StartError::Key(error.to_string()))??;
        let key_id = next.key_id().to_owned();
        let until = (!remove_old).then(|| later(self.clock.now(), self.options.access_lifetime));
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        *keys = Arc::new(keys.rotated(next, until));
        Ok(key_id)
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
        let mut sessions = self.sessions(now);
        // Or the browser would sign the user in again without being asked.
        sessions.oidc.sign_out_of_browsers(&user.username);
        Some(sessions.families.revoke(&user.username, now))
    }

    /// What sessions of the site say of this user besides.
    pub(crate) fn site_data(&self, username: &str) -> Value {
        let sessions = self.sessions(self.clock.now());
        Value::Object(sessions.site.get(username).map(|(_, data)| data.clone()).unwrap_or_default())
    }

    /// How often that was changed.
    pub(crate) fn site_changes(&self, username: &str) -> u64 {
        self.sessions(self.clock.now()).site.get(username).map_or(0, |(changes, _)| *changes)
    }

    /// Changes it; a null takes away. What it is now, or `None` for a user nobody knows.
    pub(crate) fn change_site_data(&self, username: &str, change: &Map<String, Value>) -> Option<Value> {
        let user = self.options.user(username)?;
        let mut sessions = self.sessions(self.clock.now());
        let (changes, data) = sessions.site.entry(user.username.clone()).or_default();
        *changes += 1;
        data.extend(change.clone());
        data.retain(|_, value| !value.is_null());
        Some(Value::Object(data.clone()))
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let families = self.sessions(now).families.clone();
        state_file::write(path, &self.keys(), &families, now)
    }
}
