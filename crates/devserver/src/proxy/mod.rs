//! The lab's proxy: the same faults in front of the developer's own backend.
//!
//! It listens on loopback, passes each request on to the backend and the reply back, and on the way rewrites what would
//! lead a client past it: addresses of the backend in discovery documents, pages and redirects, and cookies that would
//! not come back. What an issuer signs under its own name it signs anew under the proxy's, with a key it publishes
//! among the backend's: so a client can be pointed at it with nothing but the issuer.
//!
//! | file | what is in it |
//! |---|---|
//! | `upstream` | one request to the backend |
//! | `rewrite` | what is rewritten in a reply |
//! | `authority` | a certificate authority made on the spot, for `https` |
//! | `control` | planning faults and reading what was seen, over HTTP |
//!
//! Invariants:
//! 1. It listens on loopback only, and answers only to a loopback host name.
//! 2. Nothing that passes is kept: the request log has neither bodies nor query strings.
//! 3. Its certificate authority is good for loopback names alone, lives as long as the process, and is trusted by
//!    nobody who does not name it.

mod authority;
mod control;
mod rewrite;
mod upstream;

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Request, StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use hyper::body::Incoming;
use jiff::SignedDuration;
use tokio::{
    net::TcpStream,
    sync::{RwLock, broadcast, watch},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::{
    Clock, Fault, FaultMode, Faults, RequestRecord, StartError,
    clock::SystemClock,
    connections,
    endpoint::{Asked, Endpoints},
    fault::{
        replies,
        strike::{Behind, Closed, split, strike},
    },
    keys::SigningKey,
    reply::{Answer, Note},
    request::{comes_from_elsewhere, is_loopback_host},
    request_log::{Arrived, RequestLog},
    socket::Resettable,
};
use authority::Authority;
use rewrite::Rewriting;
use upstream::Upstream;

/// Longer requests are no sign-ins and no refreshes.
const LONGEST_BODY: usize = 1024 * 1024;

/// What the proxy is to do.
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// Where to listen. Loopback only; port 0 takes a free port. 127.0.0.1:4190 unless set.
    pub listen: SocketAddr,
    /// The backend: `http` or `https`, without a path.
    pub upstream: Url,
    /// Whether it listens with TLS, under a certificate authority of its own.
    pub tls: bool,
    /// Whether its certificate ended years ago.
    pub lapsed: bool,
    /// Paths of the backend by the names of endpoints (`refresh`, `login` and so on), as far as they are known
    /// beforehand. What a discovery document says is learned as it passes.
    pub endpoints: Vec<(String, String)>,
}

impl ProxyOptions {
    /// A proxy before this backend, as it is unless something else is set.
    pub fn before(upstream: Url) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 4190));
        Self { listen, upstream, tls: false, lapsed: false, endpoints: Vec::new() }
    }
}

/// A running proxy. Dropping it stops it.
pub struct LabProxy {
    url: String,
    address: SocketAddr,
    inner: Arc<Inner>,
    authority: Option<String>,
    stop: watch::Sender<()>,
    accepting: JoinHandle<()>,
}

struct Inner {
    clock: Arc<dyn Clock>,
    faults: Faults,
    log: RequestLog,
    rewriting: Rewriting,
    upstream: Upstream,
    /// Read with every request, written when a discovery document passes.
    endpoints: std::sync::RwLock<Endpoints>,
    key: RwLock<Arc<SigningKey>>,
}

impl LabProxy {
    /// Starts to listen, on the tokio runtime it is called in. Once it returns, requests are answered.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(options: ProxyOptions) -> Result<Self, StartError> {
        let upstream = Upstream::new(&options.upstream)?;
        let (listener, address) = connections::listen(options.listen).await?;
        let url = format!("{}://{address}", if options.tls { "https" } else { "http" });
        let authority = if options.tls { Some(Authority::new(address.ip(), options.lapsed)?) } else { None };
        let generating = tokio::task::spawn_blocking(SigningKey::generate).await;
        let key = generating.map_err(|error| StartError::Key(error.to_string()))??;

        let mut endpoints = Endpoints::default();
        for (name, path) in &options.endpoints {
            endpoints.learn(name, path);
        }
        let inner = Arc::new(Inner {
            clock: Arc::new(SystemClock),
            faults: Faults::default(),
            log: RequestLog::new(),
            rewriting: Rewriting::new(upstream.origin(), &url),
            upstream,
            endpoints: std::sync::RwLock::new(endpoints),
            key: RwLock::new(Arc::new(key)),
        });
        let stop = watch::Sender::new(());
        let acceptor = authority.as_ref().map(Authority::acceptor);
        let (proxy, stopped) = (Arc::clone(&inner), stop.subscribe());
        let serving = move |stream| serve(stream, acceptor.clone(), Arc::clone(&proxy), stopped.clone());
        let clock = Arc::clone(&inner.clock);
        let accepting = tokio::spawn(connections::accept(listener, clock, stop.subscribe(), serving));
        let authority = authority.map(|authority| authority.pem().to_owned());
        Ok(Self { url, address, inner, authority, stop, accepting })
    }

    /// Where it listens, such as `http://127.0.0.1:4190`: what a client is given in the place of the backend.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens; the port is the real one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of its authority in PEM, where it listens with TLS.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// The handle with which faults are planned.
    pub fn faults(&self) -> Faults {
        self.inner.faults.clone()
    }

    /// The latest 5000 requests, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.inner.log.all()
    }

    /// The requests from now on, each as soon as its answer is decided.
    pub fn follow_requests(&self) -> broadcast::Receiver<RequestRecord> {
        self.inner.log.follow()
    }

    /// Accepts nothing new and ends. The port is free afterwards.
    pub async fn shutdown(self) {
        drop(self.stop);
        let _ = self.accepting.await;
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    inner: Arc<Inner>,
    stop: watch::Receiver<()>,
) {
    let stopped = stop.clone();
    let answering = move |request| answer(Arc::clone(&inner), stopped.clone(), request);
    match acceptor {
        None => connections::serve(stream, stop, answering).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                connections::serve(stream, stop, answering).await;
            }
        }
    }
}

impl Resettable for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset_at_the_end(&self) -> io::Result<()> {
        self.get_ref().0.reset_at_the_end()
    }
}

async fn answer(
    inner: Arc<Inner>,
    stop: watch::Receiver<()>,
    request: Request<Incoming>,
) -> Result<Response, Closed> {
    let (parts, body) = request.into_parts();
    let arrived = Arrived::new(inner.clock.now(), &parts);
    let body = to_bytes(Body::new(body), LONGEST_BODY).await;
    let refresh = body.as_ref().is_ok_and(|body| {
        let endpoints = inner.endpoints.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        endpoints.is_at("refresh", &Asked::new(parts.uri.path(), body))
    });
    let ((result, mut note), fault) = decide(&inner, stop, parts, body).await;
    if refresh {
        note.outcome = format!("refresh: {}", note.outcome);
    }
    inner.log.add(arrived.answered(&result, note, fault, refresh));
    result
}

async fn decide(
    inner: &Arc<Inner>,
    stop: watch::Receiver<()>,
    parts: Parts,
    body: Result<Bytes, axum::Error>,
) -> ((Result<Response, Closed>, Note), Option<FaultMode>) {
    let refused = |status, why: &str| {
        let (response, note) = split(Answer::refused(status, "invalid_request", why).into_response());
        ((Ok(response), note), None)
    };
    if !is_loopback_host(&parts.headers) {
        let why = "this proxy answers to localhost and loopback addresses only";
        return refused(StatusCode::MISDIRECTED_REQUEST, why);
    }
    let Ok(body) = body else {
        return refused(StatusCode::PAYLOAD_TOO_LARGE, "the body ended early or is longer than 1 MiB");
    };
    let asked = Asked::new(parts.uri.path(), &body);
    if asked.is_control() {
        if comes_from_elsewhere(&parts.headers, inner.rewriting.proxy()) {
            let why = "the test control takes no requests from pages of other sites";
            return refused(StatusCode::FORBIDDEN, why);
        }
        let (response, note) = split(control::answer(inner, &parts, &body).into_response());
        return ((Ok(response), note), None);
    }
    let struck = {
        let endpoints = inner.endpoints.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        inner.faults.take(&asked, &endpoints)
    };
    let mode = struck.as_ref().map(|fault| fault.mode);
    let answered = match struck {
        None => {
            let (response, note) = split(inner.passes(parts, body, SignedDuration::ZERO).await);
            (Ok(response), note)
        }
        Some(fault) => strike(&fault, &**inner, &inner.clock, stop, parts, body).await,
    };
    (answered, mode)
}

impl Inner {
    /// Passes a request on, and the reply back.
    async fn passes(&self, parts: Parts, body: Bytes, ahead: SignedDuration) -> Response {
        let key = Arc::clone(&*self.key.read().await);
        let (parts, body) = self.rewriting.request(parts, body);
        match self.upstream.send(parts, body).await {
            Ok(reply) => self.rewriting.reply(reply, &key, ahead, |name, path| {
                let mut endpoints = self.endpoints.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                endpoints.learn(name, path);
            }),
            Err(why) => Answer::refused(StatusCode::BAD_GATEWAY, "temporarily_unavailable", why.to_string())
                .into_response(),
        }
    }
}

impl Behind for Inner {
    async fn answer(&self, parts: Parts, body: Bytes, ahead: SignedDuration) -> Response {
        self.passes(parts, body, ahead).await
    }

    async fn before(&self, fault: &Fault, _: &Bytes) -> Option<Response> {
        if fault.mode == FaultMode::RevokedFamily {
            return Some(replies::revoked(fault));
        }
        let generating = tokio::task::spawn_blocking(SigningKey::generate).await;
        match generating {
            Ok(Ok(key)) => *self.key.write().await = Arc::new(key),
            Ok(Err(_)) | Err(_) => return Some(Answer::broken("no key could be made").into_response()),
        }
        None
    }

    fn forged(&self, id_token: &str) -> Option<String> {
        let key = Arc::clone(&*self.key.try_read().ok()?);
        rewrite::signed_anew(id_token, &key, Some("not-published"), |_| ())
    }
}
