//! The engines of a world: they share its vault, its journal, its lock and its clock, as processes do.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_engine::clock::SystemClock;
use latchkey_engine::command_line::CommandLine;
use latchkey_engine::config::{AccountConfig, Hook, HookEvent, ProviderConfig};
use latchkey_engine::http::Http;
use latchkey_engine::ports::{Journal, NoBrowser, Vault};
use latchkey_engine::renewal_lock::FileLock;
use latchkey_engine::vault::SharedVault;
use latchkey_engine::{EngineHandle, Setup};

use super::{Engine, World};

/// The key of this machine's fingerprints.
fn fingerprints() -> FingerprintKey {
    FingerprintKey::new([7; 32])
}

impl World {
    /// What logs and the journal show instead of this token.
    pub fn fingerprint_of(&self, token: &str) -> String {
        fingerprints().of(token).to_string()
    }

    /// From now on the account of every engine runs this when its session changes, for at most ten seconds; `events` are
    /// all of them unless some are named.
    pub fn runs(&mut self, program: &[&str], events: &[HookEvent]) {
        let words: Vec<_> = program.iter().map(|word| (*word).to_owned()).collect();
        let events = if events.is_empty() { &HookEvent::ALL } else { events };
        self.config.on_event.push(Hook {
            run: CommandLine::new(&words).unwrap(),
            events: events.iter().copied().collect(),
            time_limit: SignedDuration::from_secs(10),
        });
    }

    /// From now on the account of every engine asks there who is signed in.
    pub fn asks_who_it_is_at(&mut self, address: SocketAddr) {
        let ProviderConfig::Credentials(config) = &mut self.config.provider else { panic!("a REST login") };
        Arc::make_mut(config).user_info_url = Some(format!("http://{address}/me").parse().unwrap());
    }

    /// An account of this name at this port of the loopback.
    pub fn account_named(&self, name: AccountName, port: u16) -> AccountConfig {
        AccountConfig { name, ..AccountConfig::demo(port) }
    }

    /// An engine, as a window or an agent has one.
    pub fn engine(&self) -> Engine {
        self.engine_with(self.setup())
    }

    /// An engine as a single command has one: nothing happens by itself.
    pub fn command(&self) -> Engine {
        self.engine_with(Setup { background: false, ..self.setup() })
    }

    /// The engine of a process of its own, which sees what others do to the vault.
    pub fn process(&self, background: bool) -> Engine {
        let (setup, marks) = (self.setup(), self.dir.path().join("changes"));
        let vault = Arc::new(SharedVault::new(setup.vault.clone(), marks, Arc::new(SystemClock)));
        self.engine_with(Setup { vault, background, ..setup })
    }

    /// An engine that is made of these.
    pub fn engine_with(&self, setup: Setup) -> Engine {
        let handle = EngineHandle::start(setup, [self.config.clone()]);
        Engine { handle, account: self.account.clone(), clock: self.clock.clone() }
    }

    /// What the engines of this world are made of.
    pub fn setup(&self) -> Setup {
        let vault: Arc<dyn Vault> = Arc::new(self.vault.clone());
        let journal: Arc<dyn Journal> = Arc::new(self.journal.clone());
        Setup {
            vault,
            // Two engines wait for each other in real time: which of them is first is not the clock's business.
            lock: Arc::new(FileLock::new(self.dir.path().join("locks"), Arc::new(SystemClock))),
            journal,
            network: Arc::new(self.network.clone()),
            clock: Arc::new(self.clock.clone()),
            notifier: Arc::new(self.notices.clone()),
            browser: Arc::new(NoBrowser),
            http: Http::new().unwrap(),
            fingerprints: fingerprints(),
            consents: None,
            screen: None,
            background: true,
        }
    }
}
