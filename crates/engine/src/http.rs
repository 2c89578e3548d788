//! The one place that sends HTTP.
//!
//! Token endpoints are asked with care: nothing is redirected, every answer has an end in time and size, and a
//! request that surely never left is told apart from one whose reply was lost, since only the first may be
//! repeated freely.

pub mod forward;
pub(crate) mod unreachable;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use latchkey_core::disposition::{Answer, Body, Failure};
use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Url};
use zeroize::{Zeroize, Zeroizing};

use crate::config::is_loopback;
use crate::failpoint::failpoint;
use crate::http_observer::{Answered, Exchange, Observer};
use crate::ports::Clock;

use unreachable::{by_a_usable_proxy, transport};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an exchange may take in all, replies that drip included.
const TOTAL: Duration = Duration::from_secs(30);
/// A connection over which nothing comes is asked after this whether it is still there, and then every so often, so
/// many times. A server that is slow goes on being waited for; a network that is gone is noticed after nine seconds,
/// which leaves time to ask again within a grace window of ten (docs/decisions/0018).
const ALIVE_AFTER: Duration = Duration::from_secs(3);
const ALIVE_EVERY: Duration = Duration::from_secs(2);
const ALIVE_TRIES: u32 = 3;
/// The same for what was sent and not acknowledged by the other machine.
#[cfg(target_os = "linux")]
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(9);
/// The largest body that is read: token replies are a few kilobytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// What some servers write before their JSON, and whoever reads that may pass over (RFC 8259 §8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    outward: reqwest::Client,
    /// Never through a proxy: what listens here is meant, not what a proxy calls `127.0.0.1`.
    loopback: reqwest::Client,
    heard: Option<Heard>,
    observer: Option<Observer>,
}

/// What was learned on the way of the server's clock.
#[derive(Clone)]
struct Heard {
    clock: Arc<dyn Clock>,
    skew: Arc<Mutex<Option<SignedDuration>>>,
    /// Whether an answer asked for the session to be read again.
    revalidate: Arc<AtomicBool>,
}

/// The client could not be made: TLS roots or proxy settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("HTTP cannot be used on this machine: check the proxy settings and the system's certificates")]
pub struct HttpUnusable;

/// A request to a provider.
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Zeroizing<Vec<u8>>>,
}

/// What came back, whatever its status.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most [`MAX_BODY`] bytes.
    pub body: Zeroizing<Vec<u8>>,
}

impl Request {
    /// A request without a body.
    pub fn get(url: &Url) -> Self {
        Self { method: Method::GET, url: url.clone(), headers: HeaderMap::new(), body: None }
    }

    /// A request with a JSON object as its body.
    pub fn post_json(url: &Url, members: &[(&str, &str)]) -> Self {
        let mut object = serde_json::Map::new();
        for (name, value) in members {
            object.insert((*name).to_owned(), (*value).into());
        }
        let mut value = serde_json::Value::Object(object);
        let body = Zeroizing::new(value.to_string().into_bytes());
        wipe(&mut value);
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        Self { method: Method::POST, url: url.clone(), headers, body: Some(body) }
    }

    /// A request with this JSON as its body.
    pub fn post_value(url: &Url, value: &serde_json::Value) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        let body = Zeroizing::new(value.to_string().into_bytes());
        Self { method: Method::POST, url: url.clone(), headers, body: Some(body) }
    }

    /// A request to take something away.
    pub fn delete(url: &Url) -> Self {
        Self { method: Method::DELETE, ..Self::get(url) }
    }

    /// A request with a form as its body (RFC 6749 App. B).
    pub fn post_form<'a>(url: &Url, fields: impl IntoIterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        // Measured first, each octet as the longest it can become: a text that grows leaves copies behind.
        let longest =
            fields.clone().into_iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(longest));
        form.extend_pairs(fields);
        let body = Zeroizing::new(form.finish().into_bytes());
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
        Self { method: Method::POST, url: url.clone(), headers, body: Some(body) }
    }

    /// Its method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Adds a header whose value is a secret: it is kept out of debug output.
    ///
    /// A value that is no header value is left out; the endpoint will say what it misses.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        self
    }
}

/// What every client keeps to: no redirect is followed, and a dead connection is noticed.
fn base() -> reqwest::ClientBuilder {
    let base = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .tcp_keepalive(ALIVE_AFTER)
        .tcp_keepalive_interval(ALIVE_EVERY)
        .tcp_keepalive_retries(ALIVE_TRIES)
        .redirect(reqwest::redirect::Policy::none());
    #[cfg(target_os = "linux")]
    let base = base.tcp_user_timeout(ACKNOWLEDGED_WITHIN);
    base
}

/// What asks providers: one connection a request, and an end to each.
fn asking() -> reqwest::ClientBuilder {
    base()
        .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
        .timeout(TOTAL)
        // A kept connection that the server closed in the meantime would turn "not sent" into "lost".
        .pool_max_idle_per_host(0)
}

impl Http {
    /// Makes the clients.
    ///
    /// # Errors
    /// [`HttpUnusable`] when TLS or the proxy settings of this machine cannot be used.
    pub fn new() -> Result<Self, HttpUnusable> {
        let outward = asking().build().map_err(|_| HttpUnusable)?;
        let loopback = asking().no_proxy().build().map_err(|_| HttpUnusable)?;
        Ok(Self { outward, loopback, heard: None, observer: None })
    }

    /// The same clients for one account, with a memory of how its provider's clock differs.
    #[must_use]
    pub fn listening(&self, clock: Arc<dyn Clock>) -> Self {
        Self {
            heard: Some(Heard { clock, skew: Arc::default(), revalidate: Arc::default() }),
            ..self.clone()
        }
    }

    /// The same clients, with somebody who is told how each exchange went.
    #[must_use]
    pub fn observed(&self, observer: Observer) -> Self {
        Self { observer: Some(observer), ..self.clone() }
    }

    /// How much the server's clock was ahead of ours at the last answer, if that told (RFC 9110 §6.6.1). Servers
    /// count in whole seconds.
    pub fn skew(&self) -> Option<SignedDuration> {
        *self.heard.as_ref()?.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an answer since this was last asked wants the session to be read again.
    pub(crate) fn asked_to_revalidate(&self) -> bool {
        self.heard.as_ref().is_some_and(|heard| heard.revalidate.swap(false, Ordering::Relaxed))
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// The [`Failure`] when no answer can be read; an answer with any status is none.
    pub async fn send(&self, request: Request) -> Result<Reply, Failure> {
        let (reply, broken) = self.exchange(request).await?;
        broken.map_or(Ok(reply), Err)
    }

    /// The same for whoever needs no more than the head of the answer; tells whether its body arrived whole.
    pub(crate) async fn send_for_head(&self, request: Request) -> Result<(Reply, bool), Failure> {
        let (reply, broken) = self.exchange(request).await?;
        Ok((reply, broken.is_none()))
    }

    async fn exchange(&self, request: Request) -> Result<(Reply, Option<Failure>), Failure> {
        let Some(observer) = &self.observer else { return self.exchanged(request).await };
        let (method, path) = (request.method.to_string(), request.url.path().to_owned());
        let done = self.exchanged(request).await;
        let answer = done.as_ref().ok().map(|(reply, _)| Answered::of(reply));
        observer(Exchange { method, path, answer });
        done
    }

    /// The answer, and what went wrong after its head, if anything did.
    async fn exchanged(&self, request: Request) -> Result<(Reply, Option<Failure>), Failure> {
        by_a_usable_proxy(&request.url)?;
        let client = if is_loopback(&request.url) { &self.loopback } else { &self.outward };
        let url = request.url.clone();
        let mut building = client
            .request(request.method, request.url)
            .headers(request.headers)
            .header("accept", "application/json")
            // Nothing is unpacked here, and whoever says nothing is taken to take anything (RFC 9110 §12.5.3).
            .header("accept-encoding", "identity");
        if let Some(body) = &request.body {
            building = building.body(body.to_vec());
        }
        let mut response = building.send().await.map_err(|error| transport(&error, &url))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        failpoint!("sent");
        if let Some(heard) = self.heard.as_ref().filter(|_| asks_to_revalidate(&headers)) {
            heard.revalidate.store(true, Ordering::Relaxed);
        }
        if let (Some(heard), Some(date)) = (&self.heard, date_of(&headers)) {
            let skew = date.duration_since(heard.clock.now().wall);
            *heard.skew.lock().unwrap_or_else(PoisonError::into_inner) = Some(skew);
        }
        let mut body = Zeroizing::new(Vec::new());
        let broken = loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY => {
                    let retry_after = retry_after(&headers);
                    break Some(Failure::Answered(Answer { status, body: Body::TooLarge, retry_after }));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break None,
                Err(error) => break Some(transport(&error, &url)),
            }
        };
        if body.starts_with(BYTE_ORDER_MARK) {
            body.drain(..BYTE_ORDER_MARK.len());
        }
        Ok((Reply { status, headers, body }, broken))
    }
}

impl Reply {
    /// Whether the status says that it worked.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// How much the server's clock is ahead of ours, if its `Date` says so (RFC 9110 §6.6.1).
    pub fn skew(&self, received: Timestamp) -> Option<SignedDuration> {
        Some(date_of(&self.headers)?.duration_since(received))
    }
}

/// Whether an answer says that what is known of the session is out of date: `X-Revalidate-Session: true`, a header that
/// backends of NextAuth sites use among themselves.
pub fn asks_to_revalidate(headers: &HeaderMap) -> bool {
    let said = headers.get("x-revalidate-session").and_then(|value| value.to_str().ok());
    said.is_some_and(|said| said.trim().eq_ignore_ascii_case("true"))
}

fn date_of(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// `Retry-After` in either form (RFC 9110 §10.2.3); the date is taken relative to the answer's own `Date`.
pub fn retry_after(headers: &HeaderMap) -> Option<SignedDuration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(secs) = text.parse::<i64>() {
        return Some(SignedDuration::from_secs(secs.max(0)));
    }
    Some(http_date(text)?.duration_since(date_of(headers)?))
}

/// A date of HTTP (RFC 9110 §5.6.7), in the form that servers must write.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

/// Wipes the texts of a JSON value that may hold secrets.
pub fn wipe(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => text.zeroize(),
        serde_json::Value::Array(items) => items.iter_mut().for_each(wipe),
        serde_json::Value::Object(members) => members.values_mut().for_each(wipe),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

#[cfg(test)]
mod http2_tests;
#[cfg(test)]
mod tests;
