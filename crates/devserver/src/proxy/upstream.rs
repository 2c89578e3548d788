//! One request to the backend behind the proxy, on a connection of its own.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderValue, Request, Response, header, request::Parts},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::StartError;

/// Headers that are about one connection (RFC 9110 §7.6.1).
const OF_ONE_CONNECTION: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
];

/// Longer replies are no business of a lab.
const LONGEST_REPLY: usize = 16 * 1024 * 1024;

/// The longest that one exchange with the backend may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Why the backend gave no answer. Its texts hold neither address nor body.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error("the backend behind the proxy cannot be reached: {0}")]
    Unreachable(std::io::Error),
    #[error("the backend behind the proxy broke off")]
    BrokeOff,
    #[error("the backend behind the proxy did not answer within two minutes")]
    TooSlow,
}

/// The backend.
pub(super) struct Upstream {
    origin: String,
    authority: HeaderValue,
    address: (String, u16),
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Upstream {
    pub(super) fn new(url: &Url) -> Result<Self, StartError> {
        let odd = |what: &str| {
            StartError::Option(format!(
                "the upstream {what}: it is an address such as https://login.example.com, without a path"
            ))
        };
        let host = url.host().ok_or_else(|| odd("names no host"))?.to_owned();
        let port = url.port_or_known_default().ok_or_else(|| odd("names no port"))?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(odd("has a path"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(odd("has a user name in it"));
        }
        let bare = match &host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let tls = match url.scheme() {
            "http" => None,
            "https" => {
                let name =
                    ServerName::try_from(bare.clone()).map_err(|_| odd("has no name TLS can check"))?;
                let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
                let config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .and_then(rustls::ConfigBuilder::with_platform_verifier)
                    .map_err(|error| StartError::Option(format!("TLS cannot be used here: {error}")))?
                    .with_no_client_auth();
                Some((TlsConnector::from(Arc::new(config)), name))
            }
            _ => return Err(odd("is neither http nor https")),
        };
        let origin = url.origin().ascii_serialization();
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
        let authority = authority.parse().map_err(|_| odd("has a host no header can hold"))?;
        Ok(Self { origin, authority, address: (bare, port), tls })
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// Sends a request and reads the whole reply.
    pub(super) async fn send(&self, parts: Parts, body: Bytes) -> Result<Response<Bytes>, NoAnswer> {
        tokio::time::timeout(PATIENCE, self.exchange(parts, body)).await.unwrap_or(Err(NoAnswer::TooSlow))
    }

    async fn exchange(&self, parts: Parts, body: Bytes) -> Result<Response<Bytes>, NoAnswer> {
        let (host, port) = (self.address.0.as_str(), self.address.1);
        let stream = TcpStream::connect((host, port)).await.map_err(NoAnswer::Unreachable)?;
        match &self.tls {
            None => self.exchange_over(stream, parts, body).await,
            Some((connector, name)) => {
                let connecting = connector.connect(name.clone(), stream);
                let stream = connecting.await.map_err(NoAnswer::Unreachable)?;
                self.exchange_over(stream, parts, body).await
            }
        }
    }

    async fn exchange_over<S>(
        &self,
        stream: S,
        mut parts: Parts,
        body: Bytes,
    ) -> Result<Response<Bytes>, NoAnswer>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        for name in OF_ONE_CONNECTION {
            parts.headers.remove(name);
        }
        // What is rewritten must be read, and this proxy reads no compressed bodies.
        parts.headers.remove(header::ACCEPT_ENCODING);
        parts.headers.insert(header::HOST, self.authority.clone());
        let broke_off = |_: hyper::Error| NoAnswer::BrokeOff;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broke_off)?;
        let connection = tokio::spawn(connection);
        let reply =
            sender.send_request(Request::from_parts(parts, Body::from(body))).await.map_err(broke_off)?;
        let (mut head, body) = reply.into_parts();
        let body = to_bytes(Body::new(body), LONGEST_REPLY).await.map_err(|_| NoAnswer::BrokeOff)?;
        connection.abort();
        for name in OF_ONE_CONNECTION {
            head.headers.remove(name);
        }
        Ok(Response::from_parts(head, body))
    }
}
