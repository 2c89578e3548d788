//! Why a request never left, in words that say what to look at: the provider, the way to it, or its certificate.

use std::error::Error;
use std::io::ErrorKind;

use latchkey_core::disposition::Failure;
use latchkey_core::text;
use reqwest::Url;

use crate::network::{proxy_for, unusable_proxy};

const TOO_SLOW: &str = "connecting took too long";
pub(crate) const UNKNOWN_AUTHORITY: &str =
    "no authority that this machine trusts vouches for its certificate";
pub(crate) const ENDED: &str = "its certificate has ended";
pub(crate) const NOT_VALID_YET: &str = "its certificate is not valid yet";
pub(crate) const ANOTHER_NAME: &str = "its certificate is for another name";
const NO_TLS: &str = "what answers there speaks no TLS";

/// What the libraries below say, by its beginning, and what that means. Whatever is not here is told in their words.
const TOLD: [(&str, &str); 7] = [
    ("invalid peer certificate: UnknownIssuer", UNKNOWN_AUTHORITY),
    ("invalid peer certificate: certificate expired", ENDED),
    ("invalid peer certificate: certificate not valid yet", NOT_VALID_YET),
    ("invalid peer certificate: certificate not valid for name", ANOTHER_NAME),
    ("received corrupt message of type InvalidContentType", NO_TLS),
    ("tunnel error: proxy authorization required", "it wants a user name and a password"),
    ("tunnel error: unsuccessful", "it refused"),
];

/// Nothing goes around a proxy that somebody meant to name.
pub(super) fn by_a_usable_proxy(url: &Url) -> Result<(), Failure> {
    let Some(variable) = unusable_proxy(url) else { return Ok(()) };
    let what = format!(
        "the proxy in {variable} cannot be used: write it as `http://HOST:PORT` or `socks5h://HOST:PORT`"
    );
    Err(Failure::NotSent { what })
}

/// Tells a request that never left from one whose reply is lost. Never names the address or the query.
pub(super) fn transport(error: &reqwest::Error, url: &Url) -> Failure {
    if !error.is_connect() {
        return Failure::NoReply;
    }
    let what = in_words(error, error.is_timeout());
    // Whoever has shown a certificate was reached.
    let proxy = proxy_for(url).filter(|_| !is_of_certificate(&what));
    let what = match proxy {
        Some((host, port)) => format!("the proxy {host}:{port} gives no way to it: {what}"),
        None => what,
    };
    Failure::NotSent { what }
}

fn in_words(error: &dyn Error, timed_out: bool) -> String {
    let mut innermost = error;
    let mut what = None;
    while let Some(source) = innermost.source() {
        innermost = source;
        if let Some(io) = source.downcast_ref::<std::io::Error>() {
            what = of_io(io.kind()).or(what);
        }
    }
    if timed_out {
        what = Some(TOO_SLOW);
    }
    what.map_or_else(|| translated(&innermost.to_string()), str::to_owned)
}

fn of_io(kind: ErrorKind) -> Option<&'static str> {
    let unreachable = [ErrorKind::NetworkUnreachable, ErrorKind::HostUnreachable, ErrorKind::NetworkDown];
    if kind == ErrorKind::ConnectionRefused {
        Some("nothing listens at its address")
    } else if kind == ErrorKind::TimedOut {
        Some(TOO_SLOW)
    } else {
        unreachable.contains(&kind).then_some("the network does not reach it")
    }
}

fn translated(said: &str) -> String {
    let known = TOLD.iter().find(|(begins, _)| said.starts_with(begins));
    known.map_or_else(|| text::foreign(said), |(_, words)| (*words).to_owned())
}

fn is_of_certificate(what: &str) -> bool {
    [UNKNOWN_AUTHORITY, ENDED, NOT_VALID_YET, ANOTHER_NAME].contains(&what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_does_not_hold_is_told_in_words() {
        for (said, words) in [
            ("UnknownIssuer", UNKNOWN_AUTHORITY),
            ("certificate expired: verification time 2 (UNIX), but certificate is not valid after 1", ENDED),
            ("certificate not valid yet: verification time 1 (UNIX)", NOT_VALID_YET),
            ("certificate not valid for name \"a\"; certificate is only valid for b", ANOTHER_NAME),
        ] {
            assert_eq!(translated(&format!("invalid peer certificate: {said}")), words);
        }
        assert_eq!(translated("invalid peer certificate: Revoked"), "invalid peer certificate: Revoked");
    }

    #[tokio::test]
    async fn a_port_without_tls_is_told_as_that() {
        use tokio::io::AsyncWriteExt as _;

        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("https://{}/token", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move {
            while let Ok((mut asked, _)) = listener.accept().await {
                let _ = asked.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
            }
        });
        let failure = super::super::Http::new().unwrap().send(super::super::Request::get(&url)).await.err();
        assert_eq!(failure, Some(Failure::NotSent { what: NO_TLS.to_owned() }));
    }
}
