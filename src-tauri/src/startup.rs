//! Puts the app together: settings first, then the window, then the sessions in it.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use latchkey_agent::protocol::{About, VERSION};
use latchkey_agent::server::Served;
use latchkey_core::account::AccountName;
use latchkey_engine::browser::SystemBrowser;
use latchkey_engine::config::{AppConfig, Config, ConfigError};
use latchkey_engine::config_changes::follow;
use latchkey_engine::event_log::{
    self, BadLevel, EventLog, Filter, LOG_VARIABLE, Level, LogRecord, StderrLayer, WallClock,
};
use latchkey_engine::fingerprint_key::{self, KeyError};
use latchkey_engine::http::{Http, HttpUnusable};
use latchkey_engine::journal::FileJournal;
use latchkey_engine::network::SystemNetwork;
use latchkey_engine::paths::{Paths, PathsError};
use latchkey_engine::ports::{Browser, Clock, Notifier, Vault};
use latchkey_engine::renewal_lock::FileLock;
use latchkey_engine::screen::SystemScreen;
use latchkey_engine::snapshot::past;
use latchkey_engine::vault::VaultKind;
use latchkey_engine::{EngineHandle, Setup, clock::SystemClock, vault};
use latchkey_lab::ending::Ending;
use tauri::{AppHandle, Manager as _, Runtime, async_runtime};
use tokio::sync::watch;
use tracing::{error, info, warn};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::arguments::Arguments;
use crate::dev_server::EmbeddedServer;
use crate::lab::Tour;
use crate::notifications::Notifications;
use crate::serving::Serving;
use crate::shell::Shell;
use crate::trouble::{Trouble, Unopened};
use crate::window::Page;
use crate::words::Tongue;
use crate::{events, opening, quit, settings, tray, window};

/// How many records of earlier runs the lifelines are drawn from.
const PAST: usize = 20_000;

/// What is known before there is a window.
pub(crate) struct Prepared {
    paths: Paths,
    config: Config,
    /// From which level on records are kept, if the environment says so.
    level: Option<Level>,
    forgetful: bool,
    fingerprints: fingerprint_key::Loaded,
    vault: Arc<dyn Vault>,
    http: Http,
    clock: Arc<dyn Clock>,
    log: EventLog,
    /// What earlier runs wrote; read while the window opens.
    past: JoinHandle<Vec<LogRecord>>,
}

/// Why there will be no window. Each says where and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotPrepared {
    #[error(transparent)]
    Paths(#[from] PathsError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Fingerprints(#[from] KeyError),
    #[error(transparent)]
    Vault(#[from] vault::NotOpened),
    #[error("{LOG_VARIABLE}: {0}")]
    Level(#[from] BadLevel),
    #[error(transparent)]
    Http(#[from] HttpUnusable),
    #[error("there is no display to open a window on")]
    NoDisplay,
}

impl NotPrepared {
    /// What to do, where the error itself does not say it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Config(_) => {
                Some("correct the file and start again; nothing was changed, nobody is signed out")
            }
            Self::NoDisplay => Some("start it in a desktop session, or use `latchkey` in the terminal"),
            Self::Paths(_) | Self::Fingerprints(_) | Self::Vault(_) | Self::Level(_) | Self::Http(_) => None,
        }
    }
}

/// The settings as they are being read, beside the thread that opens the window system.
pub(crate) struct Preparing(JoinHandle<Result<Prepared, NotPrepared>>);

impl Preparing {
    /// Begins to read.
    pub(crate) fn begin() -> Self {
        Self(thread::spawn(prepare))
    }

    /// What was read, as soon as it was. What is wrong with it is said in the terminal too.
    pub(crate) fn end(self) -> Result<Prepared, NotPrepared> {
        self.0.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Reads what the person configured, and opens the log.
pub(crate) fn prepare() -> Result<Prepared, NotPrepared> {
    // Told before anything else that may be wrong on a machine without a desktop.
    let display = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "linux") && !display("DISPLAY") && !display("WAYLAND_DISPLAY") {
        return Err(NotPrepared::NoDisplay);
    }
    let level = Level::from_env()?;
    let paths = Paths::from_env()?;
    paths.ensure()?;
    let choice = vault::choose(&paths, |name| std::env::var_os(name))?;
    let kind = choice.kind;
    let vault = choice.without_asking()?;
    let config = Config::load(&paths)?;
    let fingerprints = fingerprint_key::load_or_create(&paths)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let vault = vault::shared(kind, vault, &paths, Arc::clone(&clock));
    let forgetful = kind == VaultKind::Memory;
    let folder = paths.log_dir();
    // A log that cannot be read makes the lifelines begin now, which is no reason not to open.
    let past = thread::spawn(move || {
        event_log::read_tail(&folder, PAST).map(|tail| tail.records).unwrap_or_default()
    });
    let http = Http::new()?;
    let log = open_log(&paths, level, &config, &clock);
    log.debug(&config.accounts);
    Ok(Prepared { paths, config, level, forgetful, fingerprints, vault, http, clock, log, past })
}

/// The event log takes in what every part says through `tracing`; a terminal shows it too when a level was asked for.
fn open_log(paths: &Paths, level: Option<Level>, config: &Config, clock: &Arc<dyn Clock>) -> EventLog {
    let wall: WallClock = {
        let clock = Arc::clone(clock);
        Arc::new(move || clock.now().wall)
    };
    let filter = Filter::new(settings::first_level(level, &config.app));
    let (log, layer) = EventLog::open(&paths.log_dir(), filter.clone(), Arc::clone(&wall));
    let stderr = level.map(|_| StderrLayer::new(filter, wall));
    let sinks = log.to_sinks(&config.sinks, level.is_some());
    // It is refused only where there is one already, and this is the first.
    let _ = tracing::subscriber::set_global_default(
        tracing_subscriber::registry().with(layer).with(stderr).with(sinks),
    );
    log
}

/// Opens the window: with the app in it, or with what keeps that from opening.
pub(crate) fn begin<R: Runtime>(
    app: &AppHandle<R>,
    arguments: Arguments,
    prepared: Result<Prepared, NotPrepared>,
) -> tauri::Result<()> {
    match prepared {
        Ok(prepared) => {
            // The page loads in a process of its own while the sessions are opened.
            window::create(app, Page::App(&prepared.config.app), arguments.hidden)?;
            open(app, arguments, prepared);
        }
        Err(error) => {
            refuse(&error, error.hint());
            app.manage(Unopened::new(Trouble::from(&error), arguments));
            if let Some(opening) = opening::of(app) {
                opening.is_over(app);
            }
            window::create(app, Page::Trouble, false)?;
        }
    }
    Ok(())
}

/// Opens the sessions and what belongs to them, behind the window and beside the thread that draws it: the page is
/// served by that one.
pub(crate) fn open<R: Runtime>(app: &AppHandle<R>, arguments: Arguments, prepared: Prepared) {
    quit::on_signals(app);
    let app = app.clone();
    async_runtime::spawn(async move {
        open_sessions(&app, &arguments, prepared).await;
        if let Some(opening) = opening::of(&app) {
            opening.is_over(&app);
        }
        if arguments.demo
            && let Err(error) = app.state::<Shell>().demo().await
        {
            error!(
                kind = "demo_failed",
                code = error.code,
                "the demo could not be started: {}",
                error.message
            );
        }
    });
}

async fn open_sessions<R: Runtime>(app: &AppHandle<R>, arguments: &Arguments, prepared: Prepared) {
    info!(
        kind = "started",
        version = env!("CARGO_PKG_VERSION"),
        vault = prepared.vault.name(),
        "Latchkey started"
    );
    if let Some(warning) = prepared.fingerprints.warning {
        warn!(kind = "fingerprint_key", "{warning}");
    }
    let settings = watch::Sender::new(prepared.config.app.clone());
    let notifications = {
        let app = app.clone();
        let open = Arc::new(move |account: &AccountName, why| window::open_account(&app, account, why));
        Notifications::start(Arc::clone(&prepared.clock), settings.subscribe(), open)
    };
    let icons = prepared.paths.runtime_dir.join("tray");
    app.manage(start(prepared, arguments, settings, Arc::new(notifications.clone())).await);
    async_runtime::spawn(notifications.watch(app.state::<Shell>().engine.watch()));
    events::tell_window(app);
    async_runtime::spawn(put_up_icon(app.clone(), icons));
    follow_accounts(app);
}

/// Puts the icon up in the tray once the page is there, which is what people wait for.
async fn put_up_icon<R: Runtime>(app: AppHandle<R>, icons: PathBuf) {
    window::page(&app).await;
    let with_icon = app.clone();
    // The icon belongs to the thread that draws. What is shown in it follows once it is there.
    let put_up = app.run_on_main_thread(move || match tray::build(&with_icon, icons) {
        Ok(()) => events::tell_tray(&with_icon),
        Err(error) => warn!(kind = "no_tray", "there is no tray icon: {error}"),
    });
    if let Err(error) = put_up {
        warn!(kind = "no_tray", "there is no tray icon: {error}");
    }
}

/// Starts the engine, after the backend some of its accounts may need.
async fn start(
    prepared: Prepared,
    arguments: &Arguments,
    app: watch::Sender<AppConfig>,
    notifier: Arc<dyn Notifier>,
) -> Shell {
    let Prepared { paths, config, level, forgetful, fingerprints, vault, http, clock, log, past: records } =
        prepared;
    let accounts = config.accounts;
    let dev_server =
        EmbeddedServer::new(paths.devserver_state_file(), arguments.access_lifetime, http.clone());
    dev_server.start_for(&accounts).await;
    let browser: Arc<dyn Browser> = Arc::new(SystemBrowser);
    let lock = FileLock::new(paths.locks_dir(), Arc::clone(&clock)).and_in(paths.second_locks_dir());
    let setup = Setup {
        lock: Arc::new(lock),
        journal: Arc::new(FileJournal::new(paths.journal_dir())),
        network: Arc::new(SystemNetwork::new(Arc::clone(&clock))),
        clock: Arc::clone(&clock),
        notifier,
        screen: Some(Arc::new(SystemScreen)),
        browser: Arc::clone(&browser),
        http: http.clone(),
        fingerprints: fingerprints.key,
        consents: Some(paths.consents_file()),
        background: true,
        vault: Arc::clone(&vault),
    };
    let engine = EngineHandle::start(setup, []);
    let records = records.join().unwrap_or_default();
    for account in &accounts {
        // Names in a configuration are unique, so none is refused here.
        let _ = engine.add_account(account, past(&records, &account.name));
    }
    let agent = serve(&paths, &engine, &log, vault.name());
    let spoken = watch::Sender::new(Tongue::of(app.borrow().language));
    Shell {
        engine,
        agent,
        log,
        clock,
        paths,
        vault,
        forgetful,
        app,
        spoken,
        log_level_is_given: level.is_some(),
        browser,
        http,
        dev_server,
        tour: Tour::default(),
        ending: Ending::default(),
        copied: std::sync::Mutex::default(),
        report: std::sync::Mutex::default(),
        reloaded: std::sync::Mutex::default(),
    }
}

/// Takes in accounts that are added, changed or removed in the configuration while the app runs.
fn follow_accounts<R: Runtime>(app: &AppHandle<R>) {
    let shell = app.state::<Shell>();
    let (engine, paths, app) = (shell.engine.clone(), shell.paths.clone(), app.clone());
    async_runtime::spawn(follow(engine, paths, move |accounts| {
        let app = app.clone();
        app.state::<Shell>().log.debug(&accounts);
        async move { app.state::<Shell>().dev_server.start_for(&accounts).await }
    }));
}

/// Serves other programs, as long as no other process of this user does.
fn serve(paths: &Paths, engine: &EngineHandle, log: &EventLog, vault: &str) -> Serving {
    let about = About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: VERSION,
        pid: std::process::id(),
        host: "window".to_owned(),
        vault: vault.to_owned(),
    };
    Serving::start(&paths.runtime_dir, Served { engine: engine.clone(), log: log.clone(), about })
}

/// Says what is wrong with how the program was called or is set up.
pub(crate) fn refuse(error: &dyn std::error::Error, hint: Option<&str>) -> ExitCode {
    say_error(error, hint);
    ExitCode::from(2)
}

/// Says why the app cannot be opened.
pub(crate) fn fail(error: &dyn std::error::Error, hint: Option<&str>) -> ExitCode {
    say_error(error, hint);
    ExitCode::FAILURE
}

/// Writes a text to the terminal.
pub(crate) fn print(text: &str) -> ExitCode {
    if io::stdout().write_all(text.as_bytes()).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether the time to the first paint is being measured.
pub(crate) fn measures_first_paint() -> bool {
    std::env::var_os("LATCHKEY_BENCH_FIRST_PAINT").is_some_and(|value| value == "1")
}

/// Tells whoever measures it when the page was painted, in ms since the epoch.
pub(crate) fn say_first_paint(at: f64) {
    if measures_first_paint() {
        let _ = writeln!(io::stderr(), "latchkey: first-paint {at}");
    }
}

fn say_error(error: &dyn std::error::Error, hint: Option<&str>) {
    // A terminal that is gone is no reason for a panic.
    let _ = writeln!(io::stderr(), "error: {error}");
    if let Some(hint) = hint {
        let _ = writeln!(io::stderr(), "hint: {hint}");
    }
}
