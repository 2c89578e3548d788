//! Who says what authorizes a request: an engine in this process, or the agent. With an agent one engine renews for all,
//! and its ledger tells of this proxy like of any other program.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::Method;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::Fingerprint;
use latchkey_engine::authorization::RequestHeaders;
use latchkey_engine::config::Url;
use latchkey_engine::http::asks_to_revalidate;
use latchkey_engine::snapshot::SessionStatus;
use latchkey_engine::{EngineError, EngineHandle, TokenRequest};

use super::answers::Refusal;
use crate::client::{Client, ClientError};
use crate::protocol::{HeadersAnswer, HeadersQuestion, NONCE, RenewQuestion};

/// Who says what authorizes a request.
pub enum Authority {
    /// An engine of this process.
    Engine(EngineHandle),
    /// The agent whose socket is in a folder.
    Agent(Agent),
}

/// The way to an agent.
pub struct Agent {
    folder: Arc<Path>,
    /// The upstream's newest nonce for proofs (RFC 9449 §9); there is one upstream.
    nonce: Mutex<Option<String>>,
}

impl Authority {
    /// The agent that serves in this runtime folder.
    pub fn agent(folder: PathBuf) -> Self {
        Self::Agent(Agent { folder: folder.into(), nonce: Mutex::default() })
    }

    /// What authorizes one request.
    pub(super) async fn request_headers(
        &self,
        account: &AccountName,
        token: TokenRequest,
        method: &Method,
        url: &Url,
    ) -> Result<RequestHeaders, Refusal> {
        match self {
            Self::Engine(engine) => Ok(engine.request_headers(account, token, method, url).await?),
            Self::Agent(agent) => agent.request_headers(account, token, method, url).await,
        }
    }

    /// Takes down what an answer of the upstream brings for the session and for the next request. The upstream has done
    /// its part, so the answer is the caller's also where there is no session any more, or its account is being changed.
    pub(super) fn heard(&self, account: &AccountName, url: &Url, answer: &HeaderMap) {
        match self {
            Self::Engine(engine) => drop(engine.heard_from_resource(account, url, answer)),
            Self::Agent(agent) => agent.heard(account, answer),
        }
    }

    /// The generation in hand, if anybody can tell.
    pub(super) async fn generation(&self, account: &AccountName) -> Option<u64> {
        Some(u64::from(match self {
            Self::Engine(engine) => engine.status(account).await.ok()?.generation,
            Self::Agent(agent) => {
                let path = format!("/v1/sessions/{account}");
                agent.ask(move |agent| agent.get::<SessionStatus>(&path)).await.ok()?.generation
            }
        }))
    }

    /// Has a token replaced that was refused, for whoever asks next.
    pub(super) fn token_rejected(&self, account: &AccountName, rejected: Fingerprint) {
        match self {
            Self::Engine(engine) => drop(engine.token_rejected(account, rejected)),
            Self::Agent(agent) => agent.tell(renewal(account, rejected)),
        }
    }

    /// The same, and waits for it: the generation that is in hand then, or nothing where there is no other token now.
    ///
    /// # Errors
    /// Where only a person can help.
    pub(super) async fn replace_rejected(
        &self,
        account: &AccountName,
        rejected: Fingerprint,
    ) -> Result<Option<u64>, Refusal> {
        match self {
            Self::Engine(engine) => match engine.replace_rejected(account, rejected).await {
                Ok(session) => Ok(Some(session.generation.into())),
                Err(needed @ EngineError::SignInNeeded { .. }) => Err(needed.into()),
                Err(_) => Ok(None),
            },
            Self::Agent(agent) => match agent.ask(renewal(account, rejected)).await {
                Ok(session) => Ok(Some(session.generation.into())),
                Err(ClientError::Refused(why)) if why.code == "sign_in_needed" => Err(why.into()),
                Err(_) => Ok(None),
            },
        }
    }
}

impl From<EngineHandle> for Authority {
    fn from(engine: EngineHandle) -> Self {
        Self::Engine(engine)
    }
}

impl Agent {
    async fn request_headers(
        &self,
        account: &AccountName,
        token: TokenRequest,
        method: &Method,
        url: &Url,
    ) -> Result<RequestHeaders, Refusal> {
        let seconds = |duration: jiff::SignedDuration| u64::try_from(duration.as_secs()).unwrap_or_default();
        let question = HeadersQuestion {
            method: method.to_string(),
            url: url.to_string(),
            min_valid: Some(seconds(token.min_valid)),
            wait: Some(seconds(token.wait)),
            nonce: self.nonce().clone(),
        };
        let account = account.to_string();
        let answer = self.ask(move |agent| agent.request_headers(&account, &question)).await?;
        read(&answer).ok_or_else(|| ClientError::Unreadable.into())
    }

    fn heard(&self, account: &AccountName, answer: &HeaderMap) {
        if let Some(nonce) = answer.get(NONCE).and_then(|nonce| nonce.to_str().ok()) {
            *self.nonce() = Some(nonce.to_owned());
        }
        if asks_to_revalidate(answer) {
            let path = format!("/v1/sessions/{account}/revalidate");
            self.tell(move |agent| agent.post::<SessionStatus>(&path));
        }
    }

    /// Asks on a thread that may wait.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(Client<'_>) -> Result<T, ClientError> + Send + 'static,
    ) -> Result<T, ClientError> {
        let folder = self.folder.clone();
        let asked = tokio::task::spawn_blocking(move || ask(Client::new(&folder)));
        asked.await.unwrap_or_else(|error| Err(ClientError::Lost(std::io::Error::other(error))))
    }

    /// Asks, and nobody waits for the answer.
    fn tell<T: Send + 'static>(
        &self,
        ask: impl FnOnce(Client<'_>) -> Result<T, ClientError> + Send + 'static,
    ) {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || drop(ask(Client::new(&folder))));
    }

    fn nonce(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.nonce.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks to replace a token that was refused.
fn renewal(
    account: &AccountName,
    rejected: Fingerprint,
) -> impl FnOnce(Client<'_>) -> Result<SessionStatus, ClientError> + Send + 'static {
    let path = format!("/v1/sessions/{account}/renew");
    let question = RenewQuestion { rejected: Some(rejected.to_string()) };
    move |agent| agent.send(&path, &question)
}

/// What the agent said, as an engine here would have said it; nothing where it is none of our answers.
fn read(answer: &HeadersAnswer) -> Option<RequestHeaders> {
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        headers.insert(HeaderName::try_from(name).ok()?, value);
    }
    let fingerprint = answer.fingerprint.parse().ok()?;
    Some(RequestHeaders { headers, generation: answer.generation, fingerprint })
}
