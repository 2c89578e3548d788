//! The development backend inside the app: for the account `demo`, and for accounts with `devserver = true`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use latchkey_devserver::{DevServer, Options, StartError};
use latchkey_engine::config::{AccountConfig, Url, is_loopback};
use latchkey_engine::http::{Http, Request};
use tokio::sync::Mutex;
use tracing::{info, warn};

use crate::command_error::CommandError;

/// At most one backend, started when the first account needs it.
pub(crate) struct EmbeddedServer {
    running: Mutex<Running>,
    state: PathBuf,
    access_lifetime: Option<Duration>,
    http: Http,
}

/// What serves the accounts that need a backend.
#[derive(Default)]
enum Running {
    #[default]
    Nothing,
    Ours(DevServer),
    /// Another process at this port, when that was last looked at.
    Another(u16),
}

/// The port on which the account expects the embedded backend; `None` for any other account.
pub(crate) fn port(account: &AccountConfig) -> Option<u16> {
    let url = account.provider.address()?;
    (account.devserver && is_loopback(&url)).then(|| url.port_or_known_default()).flatten()
}

impl EmbeddedServer {
    pub(crate) fn new(state: PathBuf, access_lifetime: Option<Duration>, http: Http) -> Self {
        Self { running: Mutex::default(), state, access_lifetime, http }
    }

    /// Starts it for the first of these accounts that needs it. What keeps it from starting is in the log: the
    /// account then shows that its backend is out of reach.
    pub(crate) async fn start_for(&self, accounts: &[AccountConfig]) {
        if let Some(port) = accounts.iter().find_map(port)
            && let Err(error) = self.start(port).await
        {
            warn!(kind = "devserver_not_started", "{}", error.message);
        }
    }

    /// Starts it on this port, and says on which it can be reached. Another development backend of Latchkey that
    /// listens there already (`latchkey devserver`) is as good.
    pub(crate) async fn start(&self, port: u16) -> Result<u16, CommandError> {
        let mut running = self.running.lock().await;
        if let Running::Ours(server) = &*running {
            return Ok(server.address().port());
        }
        match DevServer::start(self.options(port)).await {
            Ok(server) => {
                info!(
                    kind = "devserver_started",
                    url = server.url(),
                    "development backend at {}",
                    server.url()
                );
                for notice in server.notices() {
                    warn!(kind = "devserver_notice", "{notice}");
                }
                let port = server.address().port();
                *running = Running::Ours(server);
                Ok(port)
            }
            Err(StartError::PortInUse { .. }) if self.is_ours(port).await => {
                if !matches!(*running, Running::Another(known) if known == port) {
                    info!(kind = "devserver_found", port, "Another development backend serves port {port}");
                }
                *running = Running::Another(port);
                Ok(port)
            }
            Err(error) => Err(CommandError::new("devserver_not_started", chain(&error), None)),
        }
    }

    /// Lets replies leave, then ends it.
    pub(crate) async fn stop(&self) {
        if let Running::Ours(server) = std::mem::take(&mut *self.running.lock().await) {
            server.shutdown().await;
        }
    }

    fn options(&self, port: u16) -> Options {
        let usual = Options::default();
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            access_lifetime: self.access_lifetime.unwrap_or(usual.access_lifetime),
            state: Some(self.state.clone()),
            ..usual
        }
    }

    /// Whether what listens there introduces itself as a development backend.
    async fn is_ours(&self, port: u16) -> bool {
        let Ok(url) = Url::parse(&format!("http://127.0.0.1:{port}/")) else { return false };
        let reply = self.http.send(Request::get(&url)).await;
        reply.is_ok_and(|reply| {
            reply.status == 200 && reply.body.starts_with(b"This is the Latchkey development backend")
        })
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use latchkey_engine::event_log::{EventLog, Filter};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn only_an_account_of_the_embedded_backend_has_a_port() {
        assert_eq!(port(&AccountConfig::demo(4180)), Some(4180));
        let foreign = AccountConfig { devserver: false, ..AccountConfig::demo(4180) };
        assert_eq!(port(&foreign), None);
    }

    #[tokio::test]
    async fn it_starts_once_and_another_instance_makes_do_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let server = |name: &str| EmbeddedServer::new(folder.path().join(name), None, Http::new().unwrap());
        let (first, second) = (server("first"), server("second"));
        let port = first.start(0).await.unwrap();
        assert_eq!(first.start(4).await.unwrap(), port);
        assert_eq!(second.start(port).await.unwrap(), port);
        assert!(matches!(*second.running.lock().await, Running::Another(_)));
        first.stop().await;
        assert_eq!(second.start(port).await.unwrap(), port);
        second.stop().await;
    }

    #[tokio::test]
    async fn another_backend_is_spoken_of_once() {
        let folder = tempfile::tempdir().unwrap();
        let wall = Arc::new(|| Timestamp::UNIX_EPOCH);
        let (log, layer) = EventLog::open(&folder.path().join("log"), Filter::default(), wall);
        let _logged = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        let server = |name: &str| EmbeddedServer::new(folder.path().join(name), None, Http::new().unwrap());
        let (first, second) = (server("first"), server("second"));
        let port = first.start(0).await.unwrap();
        for _ in 0..3 {
            assert_eq!(second.start(port).await.unwrap(), port);
        }
        let found = log.last(99).into_iter().filter(|record| record.kind == "devserver_found");
        assert_eq!(found.count(), 1);
        first.stop().await;
    }

    #[tokio::test]
    async fn a_port_that_something_else_holds_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let stranger = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = stranger.local_addr().unwrap().port();
        tokio::spawn(async move { while stranger.accept().await.is_ok() {} });
        let server = EmbeddedServer::new(folder.path().join("state"), None, Http::new().unwrap());
        let error = server.start(port).await.unwrap_err();
        assert_eq!(error.code, "devserver_not_started");
        assert!(error.message.contains("in use"), "{}", error.message);
    }
}
