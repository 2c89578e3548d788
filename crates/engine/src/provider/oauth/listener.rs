//! Where the browser comes back to (RFC 8252 §7.3): a small server on this machine that lives for one sign-in.
//!
//! Anything on this machine, and any web page through the browser, can reach it. So it answers one method, one
//! host and one path, takes one answer, and holds few connections for a short time: whoever opens many of them
//! pushes out their own first.

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::SignedDuration;
use latchkey_core::reason::Reason;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Expected};
use super::locked;
use super::page::{POLICY, Page};
use crate::config::{Redirect, RedirectHost};
use crate::ports::Clock;
use crate::sign_in::Attempt;

/// How many connections are held at once. A browser opens a handful.
const MAX_CONNECTIONS: usize = 64;
/// How many free ports are tried before it is given up.
const PORTS_TRIED: u8 = 5;
/// How long a request may take to arrive.
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// How long nobody is let in when no more files may be opened: their end makes room, and trying again at once does not.
const NO_ROOM: Duration = Duration::from_millis(100);
/// The largest head of a request: codes are a few kilobytes at most.
const MAX_HEAD: usize = 32 * 1024;
/// How long the last page can be fetched once it is known what it says.
const LINGER: SignedDuration = SignedDuration::from_secs(5);
/// How long a browser is kept waiting for the last page.
const OUTCOME_WITHIN: SignedDuration = SignedDuration::from_secs(40);

/// A place to come back to that is bound and does not answer yet.
pub(super) struct Listener {
    sockets: Vec<TcpListener>,
    host: String,
    path: String,
}

/// A place to come back to that waits for one answer. It is gone when this is dropped.
pub(super) struct Waiting {
    answer: oneshot::Receiver<Answer>,
    outcome: watch::Sender<Option<Page>>,
    seen: CancellationToken,
    clock: Arc<dyn Clock>,
    closing: tokio_util::sync::DropGuard,
}

/// What every connection needs.
struct Door {
    host: String,
    path: String,
    done: String,
    expected: Expected,
    answer: Mutex<Option<oneshot::Sender<Answer>>>,
    outcome: watch::Receiver<Option<Page>>,
    seen: CancellationToken,
    clock: Arc<dyn Clock>,
}

impl Listener {
    /// Binds the place where an account wants the browser to come back to.
    ///
    /// # Errors
    /// [`Reason::PortTaken`] where the port is fixed and not free; with any port, where the machine lets nobody
    /// listen at all.
    pub(super) async fn bind(redirect: &Redirect) -> Result<Self, Reason> {
        let tries = if redirect.port.is_some() { 1 } else { PORTS_TRIED };
        let mut outcome = Err(Reason::PortTaken { port: redirect.port.unwrap_or_default() });
        for _ in 0..tries {
            outcome = Self::bind_once(redirect, Ipv4Addr::LOCALHOST).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// Binds to the address of IPv4, or to that of IPv6 on a machine that lacks the first.
    async fn bind_once(redirect: &Redirect, loopback: Ipv4Addr) -> Result<Self, Reason> {
        let wanted = redirect.port.unwrap_or_default();
        let taken = |port| move |_| Reason::PortTaken { port };
        let v4 = TcpListener::bind(SocketAddr::from((loopback, wanted))).await;
        let first = match v4 {
            Ok(first) => first,
            // A machine without IPv4. Where somebody else has the port, they would get the browser.
            Err(error) if error.kind() != ErrorKind::AddrInUse => {
                let v6 = TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, wanted))).await;
                v6.map_err(taken(wanted))?
            }
            Err(error) => return Err(taken(wanted)(error)),
        };
        let address = first.local_addr().map_err(taken(wanted))?;
        let mut sockets = vec![first];
        let host = match redirect.host {
            RedirectHost::Address => address.to_string(),
            RedirectHost::Localhost => {
                // `localhost` may be either; nobody else may be at the other one.
                if address.is_ipv4() {
                    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, address.port()));
                    match TcpListener::bind(v6).await {
                        Ok(second) => sockets.push(second),
                        Err(error) if error.kind() == ErrorKind::AddrInUse => {
                            return Err(taken(address.port())(error));
                        }
                        Err(_) => {}
                    }
                }
                format!("localhost:{}", address.port())
            }
        };
        Ok(Self { sockets, host, path: redirect.path.clone() })
    }

    /// What the server is told (`redirect_uri`).
    pub(super) fn redirect_uri(&self) -> String {
        format!("http://{}{}", self.host, self.path)
    }

    /// Begins to answer.
    pub(super) fn wait(self, expected: Expected, clock: Arc<dyn Clock>) -> Waiting {
        let (sender, answer) = oneshot::channel();
        let (outcome, shown) = watch::channel(None);
        let (seen, closed) = (CancellationToken::new(), CancellationToken::new());
        let door = Arc::new(Door {
            host: self.host,
            done: format!("{}/done", self.path.trim_end_matches('/')),
            path: self.path,
            expected,
            answer: Mutex::new(Some(sender)),
            outcome: shown,
            seen: seen.clone(),
            clock: clock.clone(),
        });
        for socket in self.sockets {
            tokio::spawn(serve(socket, door.clone(), closed.clone()));
        }
        Waiting { answer, outcome, seen, clock, closing: closed.drop_guard() }
    }
}

impl Waiting {
    /// The one answer that counts.
    pub(super) async fn answer(&mut self) -> Answer {
        // The sender lives as long as the listener, which lives as long as this.
        (&mut self.answer).await.unwrap_or(Answer::NotOurs)
    }

    /// Tells the person in the browser how it ended. Returns at once; the page is there for a moment more.
    pub(super) fn end(self, page: Page, attempt: &Attempt) {
        let Self { outcome, seen, clock, closing, .. } = self;
        let until = clock.now().boot.saturating_add(LINGER);
        outcome.send_replace(Some(page));
        attempt.farewell(async move {
            tokio::select! {
                () = seen.cancelled() => {}
                () = clock.sleep_until(until) => {}
            }
            drop((outcome, closing));
        });
    }
}

/// Accepts connections until it is over. When there are too many the oldest goes: a genuine one is served in
/// milliseconds, so it is never the oldest for long.
async fn serve(socket: TcpListener, door: Arc<Door>, closed: CancellationToken) {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let accepted = tokio::select! {
            () = closed.cancelled() => break,
            accepted = socket.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // No more files may be opened, for one: what is open is let go of.
            for connection in open.drain(..) {
                connection.abort();
            }
            tokio::time::timeout(NO_ROOM, closed.cancelled()).await.ok();
            continue;
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= MAX_CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        open.push_back(tokio::spawn(connection(stream, door.clone())).abort_handle());
    }
    // The last page is on its way: connections end by themselves, and soon.
    drop(socket);
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, door: Arc<Door>) {
    let told = AtomicBool::new(false);
    let service = service_fn(async |request| Ok::<_, Infallible>(door.respond(&request, &told).await));
    // What goes wrong on a connection is its own business.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(MAX_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // Only now has the page left.
    if told.load(Ordering::SeqCst) {
        door.seen.cancel();
    }
}

impl Door {
    /// `told` is set where the person is told how it ended.
    async fn respond(&self, request: &Request<Incoming>, told: &AtomicBool) -> Response<Full<Bytes>> {
        if !self.is_meant(request.headers()) {
            return page(&Page::refused(StatusCode::FORBIDDEN));
        }
        let path = request.uri().path();
        if path != self.path && path != self.done {
            return page(&Page::refused(StatusCode::NOT_FOUND));
        }
        if request.method() != Method::GET {
            let mut response = page(&Page::refused(StatusCode::METHOD_NOT_ALLOWED));
            response.headers_mut().insert("allow", HeaderValue::from_static("GET"));
            return response;
        }
        if path == self.done {
            return self.last_page(told).await;
        }
        match self.expected.read(request.uri().query().unwrap_or_default()) {
            Answer::NotOurs => page(&Page::not_ours()),
            answer @ (Answer::Code(_) | Answer::Ended(_)) => {
                // A page that is loaded twice is answered twice and counts once.
                if let Some(sender) = locked(&self.answer).take() {
                    let _ = sender.send(answer);
                }
                self.to_last_page()
            }
        }
    }

    /// The host must be ours exactly, once: a name that an attacker's resolver turns into this machine is not.
    fn is_meant(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        hosts.next().is_some_and(|host| host.as_bytes() == self.host.as_bytes()) && hosts.next().is_none()
    }

    /// Away from the address with the code in it, so that no history keeps that.
    fn to_last_page(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SEE_OTHER;
        if let Ok(place) = HeaderValue::try_from(&self.done) {
            response.headers_mut().insert("location", place);
        }
        guarded(response)
    }

    /// How it ended, once that is known.
    async fn last_page(&self, told: &AtomicBool) -> Response<Full<Bytes>> {
        if locked(&self.answer).is_some() {
            return page(&Page::not_ours());
        }
        let mut outcome = self.outcome.clone();
        let until = self.clock.now().boot.saturating_add(OUTCOME_WITHIN);
        let known = tokio::select! {
            known = outcome.wait_for(Option::is_some) => known.ok().and_then(|page| page.clone()),
            () = self.clock.sleep_until(until) => None,
        };
        told.store(known.is_some(), Ordering::SeqCst);
        page(&known.unwrap_or_else(Page::still_waiting))
    }
}

fn page(page: &Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page.html())));
    *response.status_mut() = page.status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/html; charset=utf-8"));
    guarded(response)
}

fn guarded(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let headers = response.headers_mut();
    for (name, value) in [
        ("cache-control", "no-store"),
        ("connection", "close"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::try_from(POLICY.as_str()) {
        headers.insert("content-security-policy", policy);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_machine_without_ipv4_listens_on_ipv6() {
        // Kept for documents (RFC 5737): no machine has it.
        let absent = Ipv4Addr::new(192, 0, 2, 1);
        for (host, start) in
            [(RedirectHost::Address, "http://[::1]:"), (RedirectHost::Localhost, "http://localhost:")]
        {
            let redirect = Redirect { host, path: "/back".to_owned(), port: None };
            let listener = Listener::bind_once(&redirect, absent).await.unwrap();
            assert!(listener.redirect_uri().starts_with(start), "{}", listener.redirect_uri());
            let addresses: Vec<_> = listener.sockets.iter().map(|it| it.local_addr().unwrap().ip()).collect();
            assert_eq!(addresses, [std::net::IpAddr::from(Ipv6Addr::LOCALHOST)]);
        }
    }
}
