//! A host of git repositories that wants a token: git's own `http-backend` behind a small server (git-http-backend(1)).

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

/// The host, on a port of its own.
pub struct GitHost {
    /// Where it is: `127.0.0.1:PORT`.
    pub name: String,
    shared: Arc<Shared>,
    serving: tokio::task::JoinHandle<()>,
}

struct Shared {
    /// Where the repositories are.
    root: PathBuf,
    /// Who is asked whether a token is good.
    asks: String,
    /// Whether whole headers are offered beside passwords (RFC 6750 §3).
    offers_bearer: bool,
    seen: Mutex<Vec<String>>,
    refused: Mutex<BTreeSet<String>>,
}

impl GitHost {
    /// Serves the repositories below a folder to whoever has a token that the address `asks` takes.
    pub async fn start(root: PathBuf, asks: String, offers_bearer: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let name = listener.local_addr().unwrap().to_string();
        let (seen, refused) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { root, asks, offers_bearer, seen, refused });
        let serving = tokio::spawn(accept(listener, shared.clone()));
        Self { name, shared, serving }
    }

    /// Who came, oldest first: the scheme, and a user name where there is one.
    pub fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a token no more, though its backend would.
    pub fn refuses(&self, token: &str) {
        self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(token.to_owned());
    }
}

impl Drop for GitHost {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(answer(&shared, request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if !is_let_in(shared, &request).await {
        let mut refusal = Response::builder().status(401).header("www-authenticate", "Basic realm=\"git\"");
        if shared.offers_bearer {
            refusal = refusal.header("www-authenticate", "Bearer realm=\"git\"");
        }
        return refusal.body(Full::default()).unwrap();
    }
    let header = |name: &str| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let mut backend = tokio::process::Command::new("git");
    backend
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &shared.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", request.method().as_str())
        .env("PATH_INFO", request.uri().path())
        .env("QUERY_STRING", request.uri().query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"));
    let body = request.into_body().collect().await.unwrap().to_bytes();
    backend.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut backend = backend.spawn().expect("`git` is not installed: install it with `apt-get install git`");
    backend.stdin.take().unwrap().write_all(&body).await.unwrap();
    let said = backend.wait_with_output().await.unwrap().stdout;
    passed_on(&said)
}

/// What a program of the common gateway interface says, as an answer (RFC 3875 §6).
fn passed_on(said: &[u8]) -> Response<Full<Bytes>> {
    let end = said.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&said[..end]).lines() {
        let (name, value) = line.split_once(':').unwrap();
        response = if name.eq_ignore_ascii_case("status") {
            response.status(value.trim().split(' ').next().unwrap())
        } else {
            response.header(name, value.trim())
        };
    }
    response.body(Full::from(said[end + 4..].to_vec())).unwrap()
}

#[allow(clippy::disallowed_methods, reason = "a host asks its backend as it likes")]
async fn is_let_in(shared: &Shared, request: &Request<Incoming>) -> bool {
    let Some(said) = request.headers().get("authorization") else { return false };
    let (scheme, secret) = said.to_str().unwrap().split_once(' ').unwrap();
    let (who, token) = if scheme == "Basic" {
        let pair = String::from_utf8(BASE64_STANDARD.decode(secret).unwrap()).unwrap();
        let (user, token) = pair.split_once(':').unwrap();
        (format!("Basic {user}"), token.to_owned())
    } else {
        (scheme.to_owned(), secret.to_owned())
    };
    shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(who);
    if shared.refused.lock().unwrap_or_else(PoisonError::into_inner).contains(&token) {
        return false;
    }
    let asked = reqwest::Client::new().get(&shared.asks).bearer_auth(token).send().await.unwrap();
    asked.status() == 200
}
