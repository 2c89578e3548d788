//! An OpenID provider that does wrong what a test asks it to, and everything else right.
//!
//! It runs in the test's process, on a free loopback port. As it starts it is correct: code with PKCE, refresh with
//! rotation and reuse detection, device flow, PAR, DPoP, user info, revocation, the end of the session. Each [`Fault`]
//! breaks one thing, from now on ([`BadProvider::misbehave`]) or a number of times
//! ([`BadProvider::misbehave_times`]). Authorization needs no person: whoever asks is redirected at once, and a device
//! is allowed by itself.
//!
//! It shares no code with the client, keeps every request, and lives by the clock it is given.

mod authorize;
mod device;
mod discovery;
mod dpop;
mod exchange;
mod fault;
mod issue;
mod keys;
mod resource;
mod serve;
mod state;
mod token;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::exchange::{Endpoint, Request};
pub use self::fault::{
    Authorization, Device, Discovery, Dpop, Fault, IdToken, KeySet, Logout, Refresh, Revocation, Signing,
    Tokens, UserInfo,
};

use self::exchange::Reply;
use self::state::State;

/// The client that is registered: public, with any loopback redirect URI.
pub const CLIENT_ID: &str = "latchkey";

/// The issuer that is named where another one is.
pub const OTHER_ISSUER: &str = "https://other.example.test";

/// What the provider is like while it behaves.
#[derive(Clone)]
pub struct Settings {
    /// How long access and ID tokens live; whole seconds.
    pub access_lifetime: Duration,
    /// How long a device code lives; whole seconds.
    pub device_lifetime: Duration,
    /// How often a device's poll is told to wait before it is allowed.
    pub pending_polls: u32,
    /// Whether each refresh replaces the refresh token.
    pub rotate: bool,
    /// How long a spent refresh token gets the reply it got before. Nothing means strict reuse detection.
    pub grace: Duration,
    /// Whether authorization requests have to be pushed; they may be in any case.
    pub par_required: bool,
    /// Whether tokens have to be bound to a key; they are in any case when a proof comes along.
    pub dpop_required: bool,
    /// Whether access tokens are JWTs that are signed like its ID tokens, and wrong like them; opaque otherwise.
    pub jwt_access_tokens: bool,
    /// Who signs in.
    pub subject: String,
    /// What time it is here: in tokens, in the `Date` header, and for what expires.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Default for Settings {
    #[expect(clippy::disallowed_methods, reason = "a server lives in real time unless it is told otherwise")]
    fn default() -> Self {
        Self {
            access_lifetime: Duration::from_mins(1),
            device_lifetime: Duration::from_mins(10),
            pending_polls: 1,
            rotate: true,
            grace: Duration::ZERO,
            par_required: false,
            dpop_required: false,
            jwt_access_tokens: false,
            subject: "alice".to_owned(),
            clock: Arc::new(Timestamp::now),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// A running provider. Dropping it ends it.
pub struct BadProvider {
    issuer: String,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

impl BadProvider {
    /// Starts one on the runtime it is called in. Once this returns, requests are answered.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start(settings: Settings) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::new(settings, issuer.clone())));
        let serving = tokio::spawn(serve::serve(listener, Arc::clone(&state)));
        Self { issuer, state, serving }
    }

    /// Its issuer: the URL it listens at, without a slash at the end.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The URL of an endpoint.
    pub fn url(&self, endpoint: Endpoint) -> String {
        format!("{}{}", self.issuer, endpoint.path())
    }

    /// Does this wrong from now on.
    pub fn misbehave(&self, fault: impl Into<Fault>) {
        self.state().plan.add(fault.into(), None);
    }

    /// Does this wrong the next so many times that it could.
    pub fn misbehave_times(&self, fault: impl Into<Fault>, times: u32) {
        self.state().plan.add(fault.into(), Some(times));
    }

    /// Does everything right from now on.
    pub fn behave(&self) {
        let mut state = self.state();
        state.plan.clear();
        state.canned.clear();
    }

    /// Answers the next request there with this, and processes nothing. Several are used up one by one.
    pub fn answer_next(&self, endpoint: Endpoint, status: u16, content_type: &str, body: &str) {
        self.state().canned.push_back((endpoint, Reply::text(status, content_type, body)));
    }

    /// Answers the next request there with a redirect (302) to this place, and processes nothing.
    pub fn redirect_next(&self, endpoint: Endpoint, location: &str) {
        self.state().canned.push_back((endpoint, Reply::redirect(location)));
    }

    /// Ends every grant, as an administrator would.
    pub fn revoke_everything(&self) {
        self.state().grants.iter_mut().for_each(|grant| grant.revoked = true);
    }

    /// Everything it was asked, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// What it was asked at one endpoint, oldest first.
    pub fn requests_at(&self, endpoint: Endpoint) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.endpoint == endpoint).collect()
    }

    /// How often it was asked there.
    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.requests_at(endpoint).len()
    }

    /// How often a refresh was asked for.
    pub fn refreshes(&self) -> usize {
        let token = self.requests_at(Endpoint::Token);
        token.iter().filter(|request| request.get("grant_type") == Some("refresh_token")).count()
    }

    /// Every code and token it issued, also in replies that never left: no text of the client's may hold one.
    pub fn secrets(&self) -> Vec<String> {
        self.state().secrets.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl fmt::Debug for BadProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BadProvider").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Drop for BadProvider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
