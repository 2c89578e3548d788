//! A reverse proxy on this machine that adds what authorizes: the program behind it never holds a token.
//!
//! | file | what is in it |
//! |---|---|
//! | `gate` | who may pass: names, origins, the secret of this run |
//! | `headers` | what of a head is passed on, in both directions |
//! | `relay` | one request: authorized, passed on, repeated where that can help |
//! | `authority` | who says what authorizes: an engine in this process, or the agent |
//! | `patience` | how often a refusal is a reason to renew |
//! | `answers`, `tally` | what the proxy says by itself, and what it has done so far |
//!
//! **Invariants:** requests go to the one upstream and nowhere else; a token is put into a request for it alone, and the
//! caller sees none. Nothing is kept of a body but what is small enough to be sent again.

mod answers;
mod authority;
mod gate;
mod headers;
mod patience;
mod relay;
mod tally;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_engine::config::{Url, is_loopback};
use latchkey_engine::http::HttpUnusable;
use latchkey_engine::http::forward::Forwarder;
use latchkey_engine::jose::random::{self, NoRandomness};
use latchkey_engine::ports::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use gate::Gate;
use relay::Relay;
use tally::Tally;

pub use authority::Authority;
pub use tally::Counts;

/// The body of an answer.
type Answer = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;
/// The boot-time clock.
type Time = Box<dyn Fn() -> SignedDuration + Send + Sync>;

/// How many connections there are at once.
const CONNECTIONS: usize = 512;
/// How long the head of a request may take.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// How long answers under way are waited for at the end.
const FAREWELL: Duration = Duration::from_secs(5);
/// 128 bits: more than can be guessed.
const SECRET_OCTETS: usize = 16;

/// What a proxy is to do.
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// Where it listens: an address of this machine; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where requests go: `https`, or `http` on this machine. A path is put before each request's.
    pub upstream: Url,
    /// Whether every program of this machine may use it, without the secret of this run.
    pub open: bool,
}

/// Why there is no proxy.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// Tokens would be anyone's who reaches this machine.
    #[error("a proxy listens on this machine only: choose an address such as 127.0.0.1:0")]
    NotLoopback,
    /// A token would travel where others can read it, or nothing says where to.
    #[error(
        "the upstream is an `https` address (or `http` on this machine) without user name, query and fragment"
    )]
    Upstream,
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// TLS or the proxy settings of this machine cannot be used.
    #[error(transparent)]
    Http(#[from] HttpUnusable),
    /// No secret can be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A proxy, passing requests on until it is told to stop.
pub struct Proxy {
    base_url: String,
    address: SocketAddr,
    tally: Tally,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Starts it for an account of an engine, or of an agent. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ProxyError`] for what cannot be listened on or may not be led to.
    pub async fn start(
        options: ProxyOptions,
        authority: impl Into<Authority>,
        account: AccountName,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ProxyError> {
        if !options.listen.ip().is_loopback() {
            return Err(ProxyError::NotLoopback);
        }
        let upstream = directory(options.upstream).ok_or(ProxyError::Upstream)?;
        let forwarder = Forwarder::to(&upstream)?;
        let secret = if options.open { None } else { Some(random::shown::<SECRET_OCTETS>()?) };
        let failed = |source| ProxyError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, tally) = (CancellationToken::new(), Tally::new());
        let gate = Gate::new(address, secret);
        let base_url = gate.base_url();
        let relay = Arc::new(Relay {
            gate,
            authority: authority.into(),
            account,
            upstream,
            forwarder,
            patience: Mutex::default(),
            time: Box::new(move || clock.now().boot),
            tally: tally.clone(),
            stop: stop.clone(),
        });
        let ended = tokio::spawn(accept(listener, relay, stop.clone()));
        Ok(Self { base_url, address, tally, stop, ended })
    }

    /// Where requests are sent, the secret of this run in it, with a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has done so far, as that changes.
    pub fn follow(&self) -> tokio::sync::watch::Receiver<Counts> {
        self.tally.follow()
    }

    /// Stops: nobody is let in any more, answers under way get a moment to end, WebSockets end at once.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = self.ended.await;
    }
}

/// The upstream with a path that ends with a slash, if a token may be sent there.
fn directory(mut upstream: Url) -> Option<Url> {
    let safe = upstream.scheme() == "https" || upstream.scheme() == "http" && is_loopback(&upstream);
    let bare = upstream.username().is_empty()
        && upstream.password().is_none()
        && upstream.query().is_none()
        && upstream.fragment().is_none();
    if !upstream.path().ends_with('/') {
        let path = format!("{}/", upstream.path());
        upstream.set_path(&path);
    }
    (safe && bare && upstream.has_host()).then_some(upstream)
}

async fn accept(listener: TcpListener, relay: Arc<Relay>, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let room = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    loop {
        let next = async {
            // Whoever comes when all places are taken waits in the listener's queue.
            let place = room.clone().acquire_owned().await.ok()?;
            Some((listener.accept().await, place))
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = next => accepted,
        };
        let Some((accepted, place)) = accepted else { break };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, most likely: the end of a connection makes room.
            tokio::time::timeout(Duration::from_millis(100), stop.cancelled()).await.ok();
            continue;
        };
        let serving = serve(stream, relay.clone(), stop.clone());
        connections.spawn(async move {
            serving.await;
            drop(place);
        });
    }
    connections.close();
    let _ = tokio::time::timeout(FAREWELL, connections.wait()).await;
}

async fn serve(stream: TcpStream, relay: Arc<Relay>, stop: CancellationToken) {
    // Small answers are not held back for larger ones.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let relay = relay.clone();
        async move { Ok::<_, std::convert::Infallible>(relay.answer(request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // What a caller breaks off or garbles is the end of its connection and of nothing else.
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
