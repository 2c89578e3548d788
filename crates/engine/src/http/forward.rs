//! Passing on what other programs ask, body and all, as it comes: nothing is kept, and nothing has an end in time but
//! connecting. Redirects are passed on like any other answer.

use latchkey_core::disposition::Failure;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url, Version};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{HttpUnusable, base, by_a_usable_proxy, transport};
use crate::config::is_loopback;

/// What is sent along with a request, or comes back: whole, or as it arrives.
pub type Body = reqwest::Body;

/// How long a connection to the server waits for the next request.
const KEPT: std::time::Duration = std::time::Duration::from_secs(30);

/// The way to one server. Cheap to clone.
#[derive(Clone)]
pub struct Forwarder {
    client: reqwest::Client,
    /// Connections that become something else are HTTP/1.1's (RFC 9110 §7.8).
    upgrading: reqwest::Client,
}

/// A request to be passed on. Its own framing and its `Host` are left to whoever sends it.
pub struct Passing {
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Its headers, those that authorize it among them.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Body,
    /// Whether the connection is to become something else, such as a WebSocket.
    pub upgrade: bool,
}

/// The answer, of which the head has come.
pub struct Passed(reqwest::Response);

impl Forwarder {
    /// The way to the server of this address: through the machine's proxy, unless it is on this machine.
    ///
    /// # Errors
    /// [`HttpUnusable`] when TLS or the proxy settings of this machine cannot be used.
    pub fn to(server: &Url) -> Result<Self, HttpUnusable> {
        let client = |only_http1: bool| {
            let client = base().pool_idle_timeout(KEPT);
            let client = if is_loopback(server) { client.no_proxy() } else { client };
            let client = if only_http1 { client.http1_only() } else { client };
            client.build().map_err(|_| HttpUnusable)
        };
        Ok(Self { client: client(false)?, upgrading: client(true)? })
    }

    /// Sends a request and waits for the head of its answer, as long as that takes.
    ///
    /// # Errors
    /// The [`Failure`] when there is none; an answer with any status is none.
    pub async fn pass(&self, request: Passing) -> Result<Passed, Failure> {
        by_a_usable_proxy(&request.url)?;
        let client = if request.upgrade { &self.upgrading } else { &self.client };
        let url = request.url.clone();
        let building = client.request(request.method, request.url).headers(request.headers);
        let building = if request.upgrade { building.version(Version::HTTP_11) } else { building };
        building.body(request.body).send().await.map(Passed).map_err(|error| transport(&error, &url))
    }
}

impl Passed {
    /// Its status.
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// Its body, as it comes.
    pub fn into_body(self) -> Body {
        self.0.into()
    }

    /// The connection itself, after the server agreed to make something else of it (101).
    ///
    /// # Errors
    /// [`Failure::NoReply`] when it did not.
    pub async fn upgraded(self) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<>, Failure> {
        self.0.upgrade().await.map_err(|_| Failure::NoReply)
    }
}
