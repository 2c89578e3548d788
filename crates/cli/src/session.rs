//! The engine around one command: opened with the accounts the command is about, and always closed, so that an
//! exchange under way is finished and stored even when the person has lost patience.

use std::sync::Arc;

use jiff::Timestamp;
use latchkey_agent::client::Client;
use latchkey_core::account::AccountName;
use latchkey_core::reason::VaultProblem;
use latchkey_core::session::Notice;
use latchkey_engine::browser::SystemBrowser;
use latchkey_engine::clock::SystemClock;
use latchkey_engine::config::{AccountConfig, Config};
use latchkey_engine::event_log::{EventLog, Filter, LOG_VARIABLE, Level, StderrLayer, WallClock};
use latchkey_engine::http::Http;
use latchkey_engine::journal::FileJournal;
use latchkey_engine::network::SystemNetwork;
use latchkey_engine::paths::Paths;
use latchkey_engine::ports::{Browser, Clock, Notifier, Vault};
use latchkey_engine::renewal_lock::FileLock;
use latchkey_engine::screen::SystemScreen;
use latchkey_engine::snapshot::SessionStatus;
use latchkey_engine::vault::{self, Chosen, VaultKind};
use latchkey_engine::{EngineError, EngineHandle, Setup, fingerprint_key};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::render::when::When;
use crate::{names, output, prompt};

/// How long a close may take before the person is told what it waits for.
const QUIET_CLOSE: jiff::SignedDuration = jiff::SignedDuration::from_millis(300);

/// Folders and accounts, as far as a command needs no vault.
pub(crate) struct Desk {
    pub(crate) paths: Paths,
    pub(crate) config: Config,
    pub(crate) clock: SystemClock,
    /// What opens pages for the person.
    pub(crate) browser: Arc<dyn Browser>,
}

impl Desk {
    /// Reads the configuration.
    pub(crate) fn open() -> Result<Self, Failure> {
        let paths = Paths::from_env()?;
        paths.ensure()?;
        let config = Config::load(&paths)?;
        Ok(Self { paths, config, clock: SystemClock, browser: Arc::new(SystemBrowser) })
    }

    /// Only the folders: what is wrong with the configuration does not matter to everyone.
    pub(crate) fn without_accounts() -> Result<Self, Failure> {
        let paths = Paths::from_env()?;
        let config = Config::default();
        Ok(Self { paths, config, clock: SystemClock, browser: Arc::new(SystemBrowser) })
    }

    /// The account of this name, or an error that helps.
    pub(crate) fn account(&self, name: &AccountName) -> Result<&AccountConfig, Failure> {
        names::find(&self.config, name)
    }

    /// Now, here.
    pub(crate) fn when(&self) -> When {
        When::new(self.now(), jiff::tz::TimeZone::system())
    }

    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().wall
    }

    /// Waits.
    pub(crate) async fn pause(&self, pause: jiff::SignedDuration) {
        self.clock.sleep_until(self.clock.now().boot.saturating_add(pause)).await;
    }
}

/// An engine that knows only the accounts a command is about.
pub(crate) struct Open<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) accounts: Vec<&'a AccountConfig>,
    pub(crate) engine: EngineHandle,
    pub(crate) log: &'a EventLog,
    /// Where tokens are kept, in words.
    pub(crate) vault: &'static str,
    /// Are the tokens gone when this command ends?
    pub(crate) forgetful: bool,
}

/// Opens an engine for these accounts that renews only what it is asked for, does the work, and closes it: also
/// when the person interrupts.
pub(crate) async fn with<T>(
    desk: &Desk,
    accounts: Vec<&AccountConfig>,
    work: impl AsyncFnOnce(&Open<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    opened(desk, accounts, false, work).await
}

/// The same with all accounts and an engine that renews ahead of time, as long as the work lasts.
pub(crate) async fn in_background<T>(
    desk: &Desk,
    work: impl AsyncFnOnce(&Open<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    in_background_for(desk, desk.config.accounts.iter().collect(), work).await
}

/// The same with these accounts alone.
pub(crate) async fn in_background_for<T>(
    desk: &Desk,
    accounts: Vec<&AccountConfig>,
    work: impl AsyncFnOnce(&Open<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    opened(desk, accounts, true, work).await
}

async fn opened<T>(
    desk: &Desk,
    accounts: Vec<&AccountConfig>,
    background: bool,
    work: impl AsyncFnOnce(&Open<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let log = take_down(desk)?;
    let outcome = worked(desk, accounts, background, &log, work).await;
    log.flush();
    outcome
}

async fn worked<T>(
    desk: &Desk,
    accounts: Vec<&AccountConfig>,
    background: bool,
    log: &EventLog,
    work: impl AsyncFnOnce(&Open<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut interrupt = Interrupt::listen();
    let open = Open::new(desk, accounts, background, log).await?;
    let outcome = tokio::select! {
        // What is done is done, whatever was wished at the same moment.
        biased;
        outcome = work(&open) => outcome,
        () = interrupt.wished() => Err(Failure::interrupted()),
    };
    // A wish that the work itself heard is none to cut the close short.
    let mut interrupt = Interrupt::listen_again();
    let waited_for = async {
        desk.pause(QUIET_CLOSE).await;
        output::say("Finishing what is under way, so that no token is lost (Ctrl-C does not wait for it)");
        interrupt.wished().await;
    };
    tokio::select! {
        () = open.engine.close() => {}
        () = waited_for => {
            return Err(Failure::failed("ended before the reply that was under way could be stored"));
        }
    }
    outcome
}

/// Opens the event log. Its level is that of the environment, or else the configuration's; who sets it for one command
/// wants to see it there and then.
fn take_down(desk: &Desk) -> Result<EventLog, Failure> {
    let asked = Level::from_env().map_err(|error| Failure::wrong_use(format!("{LOG_VARIABLE}: {error}")))?;
    let filter = Filter::new(asked.unwrap_or(desk.config.app.log_level));
    let clock = desk.clock;
    let wall: WallClock = Arc::new(move || clock.now().wall);
    let (log, to_file) = EventLog::open(&desk.paths.log_dir(), filter.clone(), wall.clone());
    let to_terminal = asked.map(|_| StderrLayer::new(filter, wall));
    let to_sinks = log.to_sinks(&desk.config.sinks, asked.is_some());
    // A second subscriber in one process would be refused; there is only this one.
    let _ = tracing::subscriber::set_global_default(
        tracing_subscriber::registry().with(to_file).with(to_terminal).with(to_sinks),
    );
    log.debug(&desk.config.accounts);
    Ok(log)
}

impl<'a> Open<'a> {
    async fn new(
        desk: &'a Desk,
        accounts: Vec<&'a AccountConfig>,
        background: bool,
        log: &'a EventLog,
    ) -> Result<Self, Failure> {
        let (kind, vault) = open_vault(&desk.paths).await?;
        let key = fingerprint_key::load_or_create(&desk.paths)?;
        if let Some(warning) = key.warning {
            tracing::warn!(kind = "fingerprint_key", "{warning}");
        }
        let clock: Arc<dyn Clock> = Arc::new(desk.clock);
        let lock = FileLock::new(desk.paths.locks_dir(), clock.clone()).and_in(desk.paths.second_locks_dir());
        let name = vault.name();
        let setup = Setup {
            vault,
            lock: Arc::new(lock),
            journal: Arc::new(FileJournal::new(desk.paths.journal_dir())),
            network: Arc::new(SystemNetwork::new(clock.clone())),
            clock,
            notifier: Arc::new(Terminal),
            screen: background.then(|| Arc::new(SystemScreen) as _),
            browser: desk.browser.clone(),
            http: Http::new()?,
            fingerprints: key.key,
            consents: Some(desk.paths.consents_file()),
            background,
        };
        let engine = EngineHandle::start(setup, accounts.iter().map(|account| (*account).clone()));
        Ok(Self { desk, accounts, engine, log, vault: name, forgetful: kind == VaultKind::Memory })
    }

    /// The only account, where a command is about one.
    pub(crate) fn account(&self) -> Result<&'a AccountConfig, Failure> {
        self.accounts.first().copied().ok_or_else(|| Failure::wrong_use("no account was named"))
    }
}

/// Opens the vault that the environment asks for; its passphrase, if it needs one and no file was named for it, is
/// asked for on the terminal.
pub(crate) async fn open_vault(paths: &Paths) -> Result<(VaultKind, Arc<dyn Vault>), Failure> {
    let choice = vault::choose(paths, |name| std::env::var_os(name))?;
    let vault = match choice.vault {
        Chosen::Open(vault) => vault,
        Chosen::NeedsPassphrase(unopened) => {
            Arc::new(unopened.with(&prompt::passphrase(unopened.is_new()).await?))
        }
    };
    Ok((choice.kind, vault::shared(choice.kind, vault, paths, Arc::new(SystemClock))))
}

/// Tells a running agent that the vault holds something else for this account now, so that it need not wait until it
/// notices. One that is not there, or does not know the account, reads the vault when it starts.
pub(crate) fn tell_agent(desk: &Desk, account: &AccountConfig) {
    let path = format!("/v1/sessions/{}/reload", account.name);
    let _: Result<serde_json::Value, _> = Client::new(&desk.paths.runtime_dir).post(&path);
}

/// What keeps this session from being read or stored, if it is the vault.
pub(crate) fn vault_problem(session: &SessionStatus) -> Option<VaultProblem> {
    let code = session.reason.as_ref()?.code.as_str();
    VaultProblem::ALL.into_iter().find(|problem| problem.code() == code)
}

/// Turns the engine's answer about an account into the command's.
pub(crate) fn told<T>(answer: Result<T, EngineError>, account: &AccountConfig) -> Result<T, Failure> {
    answer.map_err(|error| Failure::of(&error, account))
}

/// Whoever runs a command reads its answer; there is nobody else to notify.
struct Terminal;

impl Notifier for Terminal {
    fn notify(&self, _: &AccountName, _: &Notice) {}
}
