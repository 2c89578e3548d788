//! A world for the engine: a real backend over a socket, a vault in memory, and a clock that is moved by hand.
//!
//! Nothing here waits for time to pass. Whoever waits, waits for a condition; the guard around it is generous and
//! only there so that a test that waits for what never comes says so.

mod doomed;
mod engine;
mod engines;
mod everything_traced;
mod notices;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::limits::Limits;
use latchkey_devserver::{DevServer, Fault, FaultMode, Options, User};
use latchkey_engine::clock::ManualClock;
use latchkey_engine::config::AccountConfig;
use latchkey_engine::event_log::{EventLog, Filter, Level, LogRecord};
use latchkey_engine::http::{Http, Request};
use latchkey_engine::journal::MemoryJournal;
use latchkey_engine::network::ManualNetwork;
use latchkey_engine::ports::{Clock, Vault};
use latchkey_engine::snapshot::SessionStatus;
use latchkey_engine::vault::Envelope;
use latchkey_engine::vault::memory::MemoryVault;
use tempfile::TempDir;

use crate::address::Address;

pub use doomed::{Doomed, Step};
pub use engine::Engine;
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
    /// The backend's, also while it is away.
    _address: Address,
    _subscriber: tracing::subscriber::DefaultGuard,
    /// The last to go: the log writes there as long as anybody has it.
    dir: TempDir,
}

impl World {
    /// A world with a token lifetime of a minute, strict reuse detection and right clocks.
    pub async fn new() -> Self {
        Self::like(Like::default()).await
    }

    /// A world that is like this.
    #[allow(clippy::disallowed_methods, reason = "the manual clock starts at the server's time")]
    pub async fn like(like: Like) -> Self {
        let (dir, address) = (tempfile::tempdir().unwrap(), Address::of_its_own());
        let options = Options {
            listen: address.at(),
            access_lifetime: like.access_lifetime,
            grace: like.grace,
            state: Some(dir.path().join("devserver.json")),
            users: vec![User { password: PASSWORD.to_owned(), ..User::demo() }],
            ..Options::default()
        };
        let server = DevServer::start(options.clone()).await.unwrap();
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
            _address: address,
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

/// Waits for something, and says what it waited for if that never comes.
pub async fn guarded<T>(what: &str, coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(GUARD, coming).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// The code of a session's reason, or nothing.
pub fn reason(status: &SessionStatus) -> &str {
    status.reason.as_ref().map_or("", |reason| reason.code.as_str())
}
