//! A proxy before a backend, in a world where somebody is signed in.

use std::net::SocketAddr;
use std::sync::Arc;

use latchkey_agent::proxy::{Authority, Proxy, ProxyOptions};
use latchkey_engine::config::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::engine_world::{Engine, World, guarded};
use crate::upstream::Upstream;

/// The proxy, and what is on either side of it.
pub struct Proxied {
    /// The world of the session.
    pub world: World,
    /// The engine that the proxy asks.
    pub engine: Engine,
    /// The backend that it leads to.
    pub upstream: Upstream,
    /// The proxy.
    pub proxy: Proxy,
    client: reqwest::Client,
}

impl Proxied {
    /// A proxy with a secret.
    pub async fn new() -> Self {
        Self::at("", false).await
    }

    /// A proxy that leads to a path of the backend, and may be open to everybody.
    pub async fn at(path: &str, open: bool) -> Self {
        let (world, upstream) = (World::new().await, Upstream::start().await);
        let engine = world.signed_in().await;
        let proxy = start((*engine).clone(), &world, &format!("{}{path}", upstream.url), open).await;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        Self { world, engine, upstream, proxy, client: client.build().unwrap() }
    }

    /// Asks for a path.
    pub async fn gets(&self, path: &str) -> reqwest::Response {
        self.sends(self.client.get(self.address(path))).await
    }

    /// Posts a body.
    pub async fn posts(&self, path: &str, body: impl Into<reqwest::Body>) -> reqwest::Response {
        self.sends(self.client.post(self.address(path)).body(body)).await
    }

    /// Sends a request that may have headers of its own.
    pub async fn sends(&self, request: reqwest::RequestBuilder) -> reqwest::Response {
        guarded("an answer through the proxy", request.send()).await.unwrap()
    }

    /// A request for a path, not sent yet.
    pub fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(self.address(path))
    }

    /// Where a path is, with the secret.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.proxy.base_url())
    }

    /// The same without origin, as it stands in a request.
    pub fn target(&self, path: &str) -> String {
        Url::parse(&self.address(path)).unwrap().path().to_owned()
    }

    /// The access token in hand.
    pub async fn token(&self) -> String {
        self.engine.token().await.unwrap().access.expose().to_owned()
    }

    /// Writes these octets on a connection of their own and reads what comes back, to the end or to `enough`.
    pub async fn says(&self, octets: &str, enough: &str) -> (String, TcpStream) {
        said(self.proxy.address(), octets, enough).await
    }
}

/// Starts a proxy for the world's account.
pub async fn start(authority: impl Into<Authority>, world: &World, upstream: &str, open: bool) -> Proxy {
    let options = ProxyOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        upstream: Url::parse(upstream).unwrap(),
        open,
    };
    Proxy::start(options, authority, world.account.clone(), Arc::new(world.clock.clone())).await.unwrap()
}

async fn said(address: SocketAddr, octets: &str, enough: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(octets.as_bytes()).await.unwrap();
    let heard = guarded("an answer on a bare connection", hears(&mut stream, enough)).await;
    (heard, stream)
}

/// Reads until a text has come, or to the end.
pub async fn hears(stream: &mut TcpStream, enough: &str) -> String {
    let (mut heard, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut part).await.unwrap_or_default();
        heard.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&heard).into_owned();
        if read == 0 || text.contains(enough) {
            return text;
        }
    }
}
