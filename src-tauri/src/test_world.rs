//! What the tests stand on: an app without a window system, with an engine of its own in a temporary folder.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::session::Notice;
use latchkey_engine::clock::SystemClock;
use latchkey_engine::config::{AccountConfig, AppConfig};
use latchkey_engine::event_log::{EventLog, Filter};
use latchkey_engine::http::Http;
use latchkey_engine::journal::MemoryJournal;
use latchkey_engine::network::ManualNetwork;
use latchkey_engine::paths::Paths;
use latchkey_engine::ports::{Clock, NoBrowser, Notifier, Vault};
use latchkey_engine::renewal_lock::FileLock;
use latchkey_engine::snapshot::{
    ActionName, Clocks, ConsentName, ConsumerStatus, Headline, HeadlineKind, HistoryMark, MarkKind,
    NextStatus, ReasonStatus, Renewals, SessionStatus, StateName, Values,
};
use latchkey_engine::vault::memory::MemoryVault;
use latchkey_engine::{EngineHandle, Setup};
use latchkey_lab::ending::Ending;
use serde_json::Value;
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{App, WebviewWindow, WebviewWindowBuilder, async_runtime};
use tokio::sync::watch;

use crate::dev_server::EmbeddedServer;
use crate::lab::Tour;
use crate::serving::Serving;
use crate::shell::Shell;
use crate::words::Tongue;
use crate::{commands, window};

/// The app, with the very access rules of the real one.
pub(crate) struct World {
    pub(crate) app: App<MockRuntime>,
    pub(crate) main: WebviewWindow<MockRuntime>,
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new(accounts: Vec<AccountConfig>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shell = async_runtime::block_on(async { shell(&folder, accounts) });
        let app = mock_builder()
            .invoke_handler(commands::handler())
            .manage(shell)
            .build(tauri::generate_context!(test = true))
            .unwrap();
        let main =
            WebviewWindowBuilder::new(&app, window::MAIN, tauri::WebviewUrl::default()).build().unwrap();
        Self { app, main, folder }
    }

    /// What the page gets for a command.
    pub(crate) fn ask(&self, command: &str, arguments: Value) -> Result<Value, Value> {
        ask(&self.main, OURS, command, arguments)
    }
}

/// The address of the app's own pages.
pub(crate) const OURS: &str = if cfg!(windows) { "http://tauri.localhost" } else { "tauri://localhost" };

/// What a page at this address in this window gets for a command.
pub(crate) fn ask(
    window: &WebviewWindow<MockRuntime>,
    url: &str,
    command: &str,
    arguments: Value,
) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: command.to_owned(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: url.parse().unwrap(),
        body: InvokeBody::Json(arguments),
        headers: tauri::http::HeaderMap::default(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    get_ipc_response(window, request).map(|body| body.deserialize().unwrap())
}

/// Folders below a temporary one.
pub(crate) fn paths(folder: &tempfile::TempDir) -> Paths {
    let below = |name| folder.path().join(name);
    let paths = Paths { config_dir: below("config"), state_dir: below("state"), runtime_dir: below("run") };
    paths.ensure().unwrap();
    paths
}

fn shell(folder: &tempfile::TempDir, accounts: Vec<AccountConfig>) -> Shell {
    let paths = paths(folder);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let wall = Arc::clone(&clock);
    let (log, _layer) =
        EventLog::open(&paths.log_dir(), Filter::default(), Arc::new(move || wall.now().wall));
    let http = Http::new().unwrap();
    let vault: Arc<dyn Vault> = Arc::new(MemoryVault::new());
    let setup = Setup {
        vault: Arc::clone(&vault),
        lock: Arc::new(FileLock::new(paths.locks_dir(), Arc::clone(&clock))),
        journal: Arc::new(MemoryJournal::default()),
        network: Arc::new(ManualNetwork::default()),
        clock: Arc::clone(&clock),
        notifier: Arc::new(Nobody),
        browser: Arc::new(NoBrowser),
        http: http.clone(),
        fingerprints: FingerprintKey::new([7; 32]),
        consents: None,
        screen: None,
        background: true,
    };
    Shell {
        engine: EngineHandle::start(setup, accounts),
        agent: Serving::default(),
        log,
        clock,
        vault,
        forgetful: true,
        app: watch::Sender::new(AppConfig::default()),
        spoken: watch::Sender::new(Tongue::En),
        log_level_is_given: false,
        browser: Arc::new(NoBrowser),
        http: http.clone(),
        dev_server: EmbeddedServer::new(paths.devserver_state_file(), None, http),
        tour: Tour::default(),
        ending: Ending::default(),
        paths,
        copied: Mutex::default(),
        report: Mutex::default(),
        reloaded: Mutex::default(),
    }
}

/// Nobody is told anything.
struct Nobody;

impl Notifier for Nobody {
    fn notify(&self, _: &AccountName, _: &Notice) {}
}

/// An account's name.
pub(crate) fn name(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

/// A session that is in this state and nothing more.
pub(crate) fn session(account: &str, state: StateName) -> SessionStatus {
    SessionStatus {
        account: account.to_owned(),
        provider: "credentials".to_owned(),
        state,
        reason: None,
        headline: Headline { kind: HeadlineKind::SignedIn, at: None },
        generation: 1,
        identity: None,
        clocks: Clocks::default(),
        sign_in: None,
        next: None,
        renewals: Renewals::default(),
        access: None,
        refresh: None,
        clock_skew_ms: None,
        updated: None,
        history: Arc::default(),
        consumers: Vec::new(),
    }
}

/// The same session in the state that it is in for this reason, without words; an empty code is no reason.
pub(crate) fn because(mut session: SessionStatus, code: &str) -> SessionStatus {
    session.reason = (!code.is_empty()).then(|| ReasonStatus {
        code: code.to_owned(),
        message: String::new(),
        values: Values::default(),
    });
    session
}

/// The same for a reason that has a value in its sentence, which comes next as well.
pub(crate) fn because_of(
    session: SessionStatus,
    code: &str,
    name: &'static str,
    value: &str,
) -> SessionStatus {
    let mut session = because(session, code);
    let values: Values = [(name, value.to_owned())].into_iter().collect();
    session.next = Some(NextStatus {
        action: ActionName::RetryRenewal,
        at: None,
        why: String::new(),
        code: code.to_owned(),
        values: values.clone(),
    });
    session.reason.iter_mut().for_each(|reason| reason.values = values.clone());
    session
}

/// A program that waits for the person's word.
pub(crate) fn program_that_asks() -> ConsumerStatus {
    ConsumerStatus {
        id: "1".to_owned(),
        program: Some("/usr/bin/git".to_owned()),
        name: Some("git".to_owned()),
        pid: Some(4711),
        fingerprint: None,
        generation: None,
        taken_at: None,
        expires_at: None,
        current: false,
        times: 0,
        consent: ConsentName::Asked,
        asked_at: None,
        allowed_until: None,
    }
}

/// What a history keeps of a sign-in.
pub(crate) fn signed_in_at(at: Timestamp) -> HistoryMark {
    HistoryMark {
        kind: MarkKind::SignedIn,
        at,
        until: None,
        count: 1,
        generation: 1,
        fingerprint: None,
        expires_at: None,
        took_ms: None,
        note: None,
        reason: None,
    }
}
