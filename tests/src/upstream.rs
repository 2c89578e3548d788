//! A backend behind a proxy: it writes down what reaches it and answers by path.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// The size of each piece of a large body.
const PIECE: usize = 64 * 1024;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Method and path with its query.
    pub line: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// The length of its body.
    pub length: u64,
    /// Its body, if it was a short one.
    pub body: Vec<u8>,
}

impl Arrived {
    /// A header as a text; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A backend on a port of its own, which ends with the test.
pub struct Upstream {
    /// Where it is, without a slash at the end.
    pub url: String,
    shared: Arc<Shared>,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    arrived: Mutex<Vec<Arrived>>,
    /// How often each path is refused yet.
    refusals: Mutex<BTreeMap<String, usize>>,
    /// What `/held` and the second event of `/events` wait for.
    go_on: Notify,
    /// Told when a request to `/held` is let go of.
    let_go: Notify,
}

impl Upstream {
    /// Starts it.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let serving = tokio::spawn(accept(listener, shared.clone()));
        Self { url, shared, serving }
    }

    /// Everything that reached it, oldest first.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.shared.arrived.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refuses the next so many requests for a path.
    pub fn refuses(&self, path: &str, times: usize) {
        let mut refusals = self.shared.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.insert(path.to_owned(), times);
    }

    /// Lets what waits go on.
    pub fn goes_on(&self) {
        self.shared.go_on.notify_one();
    }

    /// Waits until a request to `/held` was let go of.
    pub async fn was_let_go(&self) {
        self.shared.let_go.notified().await;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Answer = UnsyncBoxBody<Bytes, Infallible>;

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(answer(&shared, request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            let _ = connection.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
        });
    }
}

async fn answer(shared: &Arc<Shared>, mut request: Request<Incoming>) -> Response<Answer> {
    let upgrade = hyper::upgrade::on(&mut request);
    let line = format!("{} {}", request.method(), request.uri());
    let (path, query) =
        (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
    let headers = request.headers().clone();
    let held = (path == "/held").then(|| LetGo(shared.clone()));
    let (length, body) = read(request.into_body()).await;
    let arrived = Arrived { line, headers, length, body };
    shared.arrived.lock().unwrap_or_else(PoisonError::into_inner).push(arrived);
    if refused(shared, &path) {
        let refusal = Response::builder().status(StatusCode::UNAUTHORIZED);
        return refusal
            .header("www-authenticate", "Bearer error=\"invalid_token\"")
            .body(text("refused"))
            .unwrap();
    }
    let fine = Response::builder();
    match path.as_str() {
        "/events" => fine
            .header("content-type", "text/event-stream")
            .body(Events::of(shared.clone()).boxed_unsync())
            .unwrap(),
        "/large" => fine.body(Pieces { left: query.parse().unwrap() }.boxed_unsync()).unwrap(),
        "/held" => {
            shared.go_on.notified().await;
            drop(held);
            fine.body(text("at last")).unwrap()
        }
        "/redirect" => fine.status(302).header("location", query).body(text("")).unwrap(),
        "/cookies" => {
            fine.header("set-cookie", "theme=dark").header("dpop-nonce", "n").body(text("")).unwrap()
        }
        "/socket" => {
            tokio::spawn(echo(upgrade));
            fine.status(101)
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .body(text(""))
                .unwrap()
        }
        _ => fine.header("keep-alive", "timeout=5").body(text(&length.to_string())).unwrap(),
    }
}

fn refused(shared: &Shared, path: &str) -> bool {
    let mut refusals = shared.refusals.lock().unwrap_or_else(PoisonError::into_inner);
    refusals.get_mut(path).filter(|left| **left > 0).map(|left| *left -= 1).is_some()
}

/// Reads a body: its length, and what is in it if that is little.
async fn read(mut body: Incoming) -> (u64, Vec<u8>) {
    let (mut length, mut kept) = (0, Vec::new());
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            length += data.len() as u64;
            if kept.len() < PIECE {
                kept.extend_from_slice(data);
            }
        }
    }
    (length, kept)
}

/// Sends back whatever comes.
async fn echo(upgrade: hyper::upgrade::OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let (mut from, mut to) = tokio::io::split(TokioIo::new(upgraded));
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

fn text(text: &str) -> Answer {
    Full::from(text.to_owned()).boxed_unsync()
}

/// Tells when it is dropped.
struct LetGo(Arc<Shared>);

impl Drop for LetGo {
    fn drop(&mut self) {
        self.0.let_go.notify_one();
    }
}

/// So many bytes, in pieces; nothing of them is held. A caller sends them as well.
pub struct Pieces {
    /// How many are left.
    pub left: u64,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static PIECES: [u8; PIECE] = [b'x'; PIECE];
        let size = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        self.left -= size as u64;
        Poll::Ready((size > 0).then(|| Ok(Frame::data(Bytes::from_static(&PIECES[..size])))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// An event at once, a second one when the test says so, and then the end.
struct Events {
    sent: usize,
    waiting: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Events {
    fn of(shared: Arc<Shared>) -> Self {
        Self { sent: 0, waiting: Box::pin(async move { shared.go_on.notified().await }) }
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let event = match self.sent {
            0 => "data: one\n\n",
            1 => {
                std::task::ready!(self.waiting.as_mut().poll(context));
                "data: two\n\n"
            }
            _ => return Poll::Ready(None),
        };
        self.sent += 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(event.as_bytes())))))
    }
}
