//! A backend of ours, embedded, in virtual time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_devserver::{DevServer, Faults, Options, RequestRecord, Rule, Rules, StartError};
use latchkey_engine::clock::ManualClock;
use latchkey_engine::config::{AccountConfig, Config};
use tokio::sync::watch;

use super::time::ServerClock;
use crate::scenario::{BackendSetup, ProviderKind};

/// The file in which a signing key is kept between stages: making one takes longer than most scenarios.
const KEY_FILE: &str = "lab-key.json";

/// The backend, running or away.
pub struct OwnBackend {
    server: Option<DevServer>,
    options: Options,
    clock: Arc<ServerClock>,
    sleepers: watch::Receiver<usize>,
    /// What servers before this one saw.
    past: Vec<RequestRecord>,
    /// The faults that were planned when it went away.
    planned: Faults,
}

impl OwnBackend {
    pub(super) async fn start(
        setup: &BackendSetup,
        rules: &[Rule],
        clock: ManualClock,
        state: PathBuf,
    ) -> Result<Self, StartError> {
        let unsigned = |long: Option<SignedDuration>, usual| long.map_or(usual, SignedDuration::unsigned_abs);
        let usual = Options::default();
        let named = setup.rules.iter().filter_map(|name| name.parse::<Rule>().ok());
        let options = Options {
            listen: ([127, 0, 0, 1], 0).into(),
            access_lifetime: unsigned(setup.access_lifetime, usual.access_lifetime),
            refresh_lifetime: unsigned(setup.refresh_lifetime, usual.refresh_lifetime),
            session_lifetime: unsigned(setup.session_lifetime, usual.session_lifetime),
            grace: unsigned(setup.grace, usual.grace),
            rules: Rules::default().with(named.chain(rules.iter().copied())),
            state: Some(state),
            ..usual
        };
        let clock = Arc::new(ServerClock::beside(clock));
        let sleepers = clock.sleepers();
        let server = DevServer::start_with_clock(options.clone(), clock.clone()).await?;
        let options = Options { listen: server.address(), ..options };
        let planned = server.faults();
        Ok(Self { server: Some(server), options, clock, sleepers, past: Vec::new(), planned })
    }

    /// The account with which a client signs in to it.
    pub(super) fn account(&self, provider: ProviderKind) -> AccountConfig {
        let port = self.options.listen.port();
        match provider {
            ProviderKind::Credentials => AccountConfig::demo(port),
            ProviderKind::Oauth => oauth_account(port).unwrap_or_else(|| AccountConfig::demo(port)),
        }
    }

    /// Where its state is kept.
    pub(super) fn state(&self) -> &Path {
        self.options.state.as_deref().unwrap_or(Path::new(""))
    }

    pub(super) fn faults(&self) -> Faults {
        self.server.as_ref().map_or_else(|| self.planned.clone(), DevServer::faults)
    }

    pub(super) fn requests(&self) -> Vec<RequestRecord> {
        let now = self.server.as_ref().map(DevServer::requests).unwrap_or_default();
        self.past.iter().cloned().chain(now).collect()
    }

    /// The server, unless it is away.
    pub fn server(&self) -> Option<&DevServer> {
        self.server.as_ref()
    }

    /// Whether requests wait for time to pass.
    pub fn waits_for_time(&self) -> watch::Receiver<usize> {
        self.sleepers.clone()
    }

    /// Nothing listens at its address any more.
    pub async fn goes_away(&mut self) {
        let Some(server) = self.server.take() else { return };
        self.past.extend(server.requests());
        self.planned = server.faults();
        server.shutdown().await;
    }

    /// It listens again at the same address and knows what it knew.
    ///
    /// # Errors
    /// [`StartError`], if something else took its port meanwhile.
    pub async fn comes_back(&mut self) -> Result<(), StartError> {
        if self.server.is_none() {
            let server = DevServer::start_with_clock(self.options.clone(), self.clock.clone()).await?;
            for fault in self.planned.planned() {
                // What could be planned before can be planned now.
                let _ = server.faults().add(fault);
            }
            self.server = Some(server);
        }
        Ok(())
    }
}

/// The account `demo` over OAuth, written as a person would write it.
fn oauth_account(port: u16) -> Option<AccountConfig> {
    let text = format!(
        "[accounts.demo]\nprovider = \"oauth\"\nissuer = \"http://127.0.0.1:{port}\"\nclient_id = \"latchkey\"\n\
         scope = \"openid profile email offline_access\"\ndpop = \"never\"\n"
    );
    let account = Config::parse(&text, None).ok()?.accounts.into_iter().next()?;
    Some(AccountConfig { name: AccountName::new("demo").ok()?, devserver: true, ..account })
}

/// Begins with the key of an earlier stage, if there is one.
pub(super) fn bring_key(keys: &Path, state: &Path) {
    // Without it a key is made, which takes a moment.
    let _ = std::fs::copy(keys.join(KEY_FILE), state);
}

/// Keeps the key of a backend that nobody has signed in to yet.
pub(super) fn keep_key(keys: &Path, state: &Path) {
    if !keys.join(KEY_FILE).exists() {
        let _ = std::fs::copy(state, keys.join(KEY_FILE));
    }
}
