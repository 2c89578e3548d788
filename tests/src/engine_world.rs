//! A world for the engine: a real backend over a socket, a vault in memory, and a clock that is moved by hand.
//!
//! Nothing here waits for time to pass. Whoever waits, waits for a condition; the guard around it is generous and
//! only there so that a test that waits for what never comes says so.

mod doomed;
mod engines;
mod everything_traced;
mod notices;

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::limits::Limits;
use latchkey_core::secret::Password;
use latchkey_devserver::{DevServer, Fault, FaultMode, Options, User};
use latchkey_engine::clock::ManualClock;
use latchkey_engine::config::AccountConfig;
use latchkey_engine::event_log::{EventLog, Filter, Level, LogRecord};
use latchkey_engine::http::{Http, Request};
use latchkey_engine::journal::MemoryJournal;
use latchkey_engine::network::ManualNetwork;
use latchkey_engine::ports::{Clock, Vault};
use latchkey_engine::sign_in::{Login, SignIn};
use latchkey_engine::snapshot::SessionStatus;
use latchkey_engine::vault::Envelope;
use latchkey_engine::vault::memory::MemoryVault;
use latchkey_engine::{EngineError, EngineHandle, IssuedToken, TokenRequest};
use tempfile::TempDir;

pub use doomed::{Doomed, Step};
pub use everything_traced::EverythingTraced;
pub use notices::Notices;

/// Where the dev server rotates refresh tokens.
pub const REFRESH: &str = "/auth/refreshToken";

/// The password of the one user there is; no text may ever show it.
pub const PASSWORD: &str = "LKCANARY-correct-horse-battery-staple-1";

/// The longest that anything may take on a busy machine.
const GUARD: Duration = Duration::from_secs(30);

/// What a world is like.
#[derive(Clone, Copy, Debug)]
pub struct Like {
    /// How long an access token lives.
    pub access_lifetime: Duration,
    /// How long a consumed refresh token gets the answer it got before.
    pub grace: Duration,
    /// How much the clock here is ahead of the server's.
    pub clock_ahead: SignedDuration,
    /// Whether the account is one of the backend's site, whose session is a cookie.
    pub site: bool,
    /// What the account allows a session.
    pub limits: Limits,
}

impl Default for Like {
    fn default() -> Self {
        let (access_lifetime, grace) = (Duration::from_mins(1), Duration::ZERO);
        Self {
            access_lifetime,
            grace,
            clock_ahead: SignedDuration::ZERO,
            site: false,
            limits: Limits::default(),
        }
    }
}

/// Everything around the engine.
pub struct World {
    /// The vault; every engine of this world uses it.
    pub vault: MemoryVault,
    /// The journal; every engine of this world uses it.
    pub journal: MemoryJournal,
    /// The network of every engine of this world.
    pub network: ManualNetwork,
    /// The clock of every engine of this world.
    pub clock: ManualClock,
    /// What people were told.
    pub notices: Notices,
    /// The account's name.
    pub account: AccountName,
    /// Everything that anybody wrote through `tracing`, unmasked and at every level.
    pub traced: EverythingTraced,
    /// The log as a person would find it.
    pub log: EventLog,
    config: AccountConfig,
    options: Options,
    server: Option<DevServer>,
    dir: TempDir,
    _subscriber: tracing::subscriber::DefaultGuard,
}

impl World {
    /// A world with a token lifetime of a minute, strict reuse detection and right clocks.
    pub async fn new() -> Self {
        Self::like(Like::default()).await
    }

    /// A world that is like this.
    #[allow(clippy::disallowed_methods, reason = "the manual clock starts at the server's time")]
    pub async fn like(like: Like) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            access_lifetime: like.access_lifetime,
            grace: like.grace,
            state: Some(dir.path().join("devserver.json")),
            users: vec![User { password: PASSWORD.to_owned(), ..User::demo() }],
            ..Options::default()
        };
        let server = DevServer::start(options.clone()).await.unwrap();
        let options = Options { listen: server.address(), ..options };
        let demo = AccountConfig::demo(server.address().port());
        let mut config = if like.site { demo.nextauth() } else { demo };
        config.policy.limits = like.limits;
        let clock = ManualClock::new(Timestamp::now() + like.clock_ahead);
        let wall = {
            let clock = clock.clone();
            Arc::new(move || clock.now().wall)
        };
        let (log, layer) = EventLog::open(&dir.path().join("log"), Filter::new(Level::Trace), wall);
        let traced = EverythingTraced::default();
        let subscriber = traced.subscriber(layer);
        Self {
            vault: MemoryVault::new(),
            journal: MemoryJournal::default(),
            network: ManualNetwork::default(),
            clock,
            notices: Notices::default(),
            account: config.name.clone(),
            traced,
            log,
            config,
            options,
            server: Some(server),
            dir,
            _subscriber: tracing::subscriber::set_default(subscriber),
        }
    }

    /// An engine in which somebody is signed in.
    pub async fn signed_in(&self) -> Engine {
        let engine = self.engine();
        engine.signs_in().await.unwrap();
        engine
    }

    /// What the wall clock shows.
    pub fn wall(&self) -> Timestamp {
        self.clock.now().wall
    }

    /// The backend.
    pub fn server(&self) -> &DevServer {
        self.server.as_ref().unwrap()
    }

    /// Nothing listens at the backend's address any more.
    pub async fn backend_goes_away(&mut self) {
        self.server.take().unwrap().shutdown().await;
    }

    /// The backend listens again and knows what it knew.
    pub async fn backend_comes_back(&mut self) {
        self.server = Some(DevServer::start(self.options.clone()).await.unwrap());
    }

    /// Something goes wrong at the backend from now on.
    pub fn goes_wrong(&self, fault: Fault) {
        self.server().faults().add(fault).unwrap();
    }

    /// The next renewal takes so long, in real time.
    pub fn next_renewal_takes(&self, long: Duration) {
        self.goes_wrong(Fault::new(REFRESH, FaultMode::Delay).after(long));
    }

    /// The backend answers the next renewal with this body and status 200.
    pub fn next_renewal_says(&self, body: &serde_json::Value) {
        self.goes_wrong(Fault::new(REFRESH, FaultMode::Status).status(200).body(body.to_string()));
    }

    /// Nothing goes wrong any more.
    pub fn all_is_well_again(&self) {
        self.server().faults().clear();
    }

    /// How many refresh requests the backend has seen.
    pub fn refreshes(&self) -> usize {
        self.server().requests().iter().filter(|request| request.path == REFRESH).count()
    }

    /// Whether the backend revoked a family because a refresh token came twice.
    pub fn saw_reuse(&self) -> bool {
        self.server().requests().iter().any(|request| request.outcome.contains("already used"))
    }

    /// What the vault holds, if somebody is signed in.
    pub async fn stored(&self) -> Option<Envelope> {
        self.kept().await.filter(|envelope| envelope.signed_out_at.is_none())
    }

    /// What the vault holds, if anything: also what is kept to tell the provider of a sign-out.
    pub async fn kept(&self) -> Option<Envelope> {
        self.vault.read(&self.account).await.ok().flatten()
    }

    /// The refresh token in the vault.
    pub async fn stored_refresh_token(&self) -> String {
        self.stored().await.unwrap().tokens.refresh.unwrap().expose().to_owned()
    }

    /// What the backend says to somebody who presents this refresh token by hand.
    pub async fn presents(&self, refresh_token: &str) -> (u16, String) {
        let url = format!("{}{REFRESH}", self.server().url()).parse().unwrap();
        let reply = Http::new().unwrap().send(Request::post_json(&url, &[("token", refresh_token)])).await;
        let reply = reply.ok().unwrap();
        (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
    }

    /// The kinds of what the log holds, oldest first.
    pub fn logged(&self) -> Vec<String> {
        self.records().into_iter().map(|record| record.kind).collect()
    }

    /// Where the log's files are.
    pub fn log_dir(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// What the log holds, oldest first.
    pub fn records(&self) -> Vec<LogRecord> {
        self.log.since(0, usize::MAX)
    }
}

/// An engine with one account, spoken to in sentences.
#[derive(Clone)]
pub struct Engine {
    handle: EngineHandle,
    account: AccountName,
    clock: ManualClock,
}

impl Deref for Engine {
    type Target = EngineHandle;
    fn deref(&self) -> &EngineHandle {
        &self.handle
    }
}

impl Engine {
    /// The person signs in.
    pub async fn signs_in(&self) -> Result<SessionStatus, EngineError> {
        self.signs_in_with(PASSWORD).await
    }

    /// The person signs in with this password.
    pub async fn signs_in_with(&self, password: &str) -> Result<SessionStatus, EngineError> {
        let login = Login { username: "demo".to_owned(), password: Password::new(password) };
        guarded("signing in", self.handle.sign_in(&self.account, SignIn::Password(login))).await
    }

    /// The person signs out.
    pub async fn signs_out(&self) -> Result<SessionStatus, EngineError> {
        guarded("signing out", self.handle.sign_out(&self.account)).await
    }

    /// The person renews now.
    pub async fn renews(&self) -> Result<SessionStatus, EngineError> {
        guarded("renewing", self.handle.renew(&self.account)).await
    }

    /// A request goes through the proxy, or a person looks at the session.
    pub fn is_used(&self) {
        self.handle.note_activity(&self.account).unwrap();
    }

    /// A program asks for a token as `latchkey token` does.
    pub async fn token(&self) -> Result<IssuedToken, EngineError> {
        self.token_valid_for(30).await
    }

    /// A program asks for a token that stays valid for so many seconds.
    pub async fn token_valid_for(&self, seconds: i64) -> Result<IssuedToken, EngineError> {
        let wait = SignedDuration::from_secs(10);
        let request = TokenRequest { min_valid: SignedDuration::from_secs(seconds), wait };
        guarded("a token", self.handle.token(&self.account, request)).await
    }

    /// A program asks for a token and does not wait for it.
    pub async fn token_at_once(&self) -> Result<IssuedToken, EngineError> {
        let request = TokenRequest { min_valid: SignedDuration::ZERO, wait: SignedDuration::ZERO };
        guarded("a token at once", self.handle.token(&self.account, request)).await
    }

    /// The session as it is now.
    pub async fn now(&self) -> SessionStatus {
        guarded("the status", self.handle.status(&self.account)).await.unwrap()
    }

    /// Waits until the session is like this.
    pub async fn until(&self, what: &str, like: impl Fn(&SessionStatus) -> bool) -> SessionStatus {
        let mut watch = self.handle.watch();
        let seen = guarded(what, async {
            watch
                .wait_for(|all| all.get(&self.account).is_some_and(|status| like(status)))
                .await
                .map(|all| (*all[&self.account]).clone())
        });
        seen.await.unwrap()
    }

    /// Waits until it is in this state.
    pub async fn until_state(&self, state: &str) -> SessionStatus {
        self.until(state, |status| status.state == state).await
    }

    /// Waits until it holds tokens of this generation, durable and published.
    pub async fn until_generation(&self, generation: u32) -> SessionStatus {
        let there = |status: &SessionStatus| status.generation == generation && status.state == "signed_in";
        self.until(&format!("generation {generation}"), there).await
    }

    /// Waits until whatever the last move of the clock set off has been done.
    ///
    /// Every question passes through the account's task, which looks at its alarm each time round.
    pub async fn settles(&self) -> SessionStatus {
        loop {
            let mut status = self.now().await;
            for _ in 0..40 {
                status = self.now().await;
            }
            if status.state != "renewing" && status.state != "signing_in" {
                return status;
            }
            self.until("an answer", |status| status.state != "renewing" && status.state != "signing_in")
                .await;
        }
    }

    /// So much time passes, in small steps, and everything that becomes due is done.
    pub async fn time_passes(&self, long: SignedDuration) -> SessionStatus {
        let (mut left, step) = (long, SignedDuration::from_secs(5));
        while left > SignedDuration::ZERO {
            self.clock.advance(left.min(step));
            left -= step;
            self.settles().await;
        }
        self.now().await
    }

    /// Time passes until the next thing is planned, and that is done.
    pub async fn next_thing_happens(&self) -> SessionStatus {
        let status = self.settles().await;
        let next = status.next.unwrap().at.unwrap();
        self.clock_reaches(&next);
        self.settles().await
    }

    /// Time passes at one stroke until this moment, as a status tells it.
    pub fn clock_reaches(&self, moment: &str) {
        let at: Timestamp = moment.parse().unwrap();
        self.clock.advance(at.duration_since(self.clock.now().wall).max(SignedDuration::ZERO));
    }

    /// Time passes at one stroke until the access token in hand expires.
    pub async fn access_token_expires(&self) {
        let expires = self.now().await.access.unwrap().expires_at;
        self.clock_reaches(&expires);
    }
}

/// Waits for something, and says what it waited for if that never comes.
pub async fn guarded<T>(what: &str, coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(GUARD, coming).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// The code of a session's reason, or nothing.
pub fn reason(status: &SessionStatus) -> &str {
    status.reason.as_ref().map_or("", |reason| reason.code.as_str())
}
