//! An OpenTelemetry collector: OTLP over HTTP, in JSON (OTLP specification 1.x, "OTLP/HTTP" and "JSON Protobuf Encoding").
//!
//! Requests go through the one place that sends any. What a collector gets is made of records alone (`document`): logs as
//! they are, a span for each renewal, and what `tally` counts and measures of them.

mod document;
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::sync::Arc;

use latchkey_core::disposition::Failure;
use reqwest::Url;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::super::{Level, LogRecord, WallClock};
use super::Sink;
use crate::config::Signal;
use crate::http::{Http, Request};
use document::Resource;
use tally::Tally;

/// The variable with headers for collectors that want to know who sends (OpenTelemetry's environment variables): pairs
/// such as `authorization=Bearer%20…`, with commas between them.
const HEADERS_VARIABLE: &str = "OTEL_EXPORTER_OTLP_HEADERS";

/// How many spans and records are kept for a collector that does not answer.
const KEPT: usize = 1_000;

/// A collector.
pub(super) struct Collector {
    endpoint: Url,
    signals: BTreeSet<Signal>,
    /// Which records it gets as logs.
    level: Level,
    accounts: BTreeMap<String, Level>,
    clock: WallClock,
    resource: Resource,
    headers: Vec<(String, String)>,
    tally: Tally,
    /// What it has not got yet, oldest first.
    spans: Vec<Value>,
    logs: Vec<Value>,
    client: Option<(Runtime, Http)>,
}

impl Collector {
    pub(super) fn new(
        endpoint: &Url,
        signals: &BTreeSet<Signal>,
        (level, accounts): (Level, BTreeMap<String, Level>),
        clock: &WallClock,
    ) -> Self {
        let headers = env::var(HEADERS_VARIABLE).unwrap_or_default();
        Self {
            endpoint: endpoint.clone(),
            signals: signals.clone(),
            level,
            accounts,
            clock: clock.clone(),
            resource: Resource::new(),
            headers: pairs(&headers),
            tally: Tally::new(clock()),
            spans: Vec::new(),
            logs: Vec::new(),
            client: None,
        }
    }

    /// Where a signal goes: below the endpoint, whatever path that has.
    fn address(&self, signal: Signal) -> Url {
        let mut url = self.endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["v1", signal.name()]);
        }
        url
    }

    /// Sends what there is of a signal. What the collector refuses for good is dropped, what it may take later is kept.
    fn send(&mut self, signal: Signal, document: &Value) -> Result<Sent, String> {
        let mut request = Request::post_value(&self.address(signal), document);
        for (name, value) in &self.headers {
            request = request.secret_header(name, value);
        }
        let (runtime, http) = match self.client.take() {
            Some(client) => client,
            None => client()?,
        };
        let answer = runtime.block_on(http.send(request));
        self.client = Some((runtime, http));
        match answer {
            Ok(reply) if reply.is_success() => Ok(Sent::Taken),
            // OTLP specification, "Failures": these may be sent again.
            Ok(reply) if matches!(reply.status, 429 | 502..=504) => {
                Err(format!("the collector answers with status {} to {}", reply.status, signal.name()))
            }
            Ok(reply) => Ok(Sent::Refused(reply.status)),
            Err(Failure::NotSent { what }) => Err(format!("the collector is out of reach: {what}")),
            Err(
                Failure::NoReply
                | Failure::Answered(_)
                | Failure::Misfit { .. }
                | Failure::KeyLost
                | Failure::SessionError { .. },
            ) => Err("the collector gave no answer".to_owned()),
        }
    }

    fn deliver(&mut self, now: jiff::Timestamp) -> Result<(), String> {
        let mut refused = None;
        let documents = [
            (Signal::Traces, self.resource.traces(&self.spans)),
            (Signal::Metrics, self.resource.metrics(&self.tally.metrics(now))),
            (Signal::Logs, self.resource.logs(&self.logs)),
        ];
        for (signal, document) in documents {
            let Some(document) = document.filter(|_| self.signals.contains(&signal)) else { continue };
            if let Sent::Refused(status) = self.send(signal, &document)? {
                refused = Some(format!("the collector refuses {} with status {status}", signal.name()));
            }
            match signal {
                Signal::Traces => self.spans.clear(),
                Signal::Logs => self.logs.clear(),
                Signal::Metrics => self.tally.sent(),
            }
        }
        refused.map_or(Ok(()), Err)
    }

    fn wants(&self, record: &LogRecord) -> bool {
        let account = record.account.as_ref().and_then(|account| self.accounts.get(account));
        // Detail that is here was asked for by `debug = true` in its account, or by the levels of this place.
        record.level <= *account.unwrap_or(&self.level) || record.level > self.level.max(Level::Info)
    }
}

impl Sink for Collector {
    fn take(&mut self, records: &[Arc<LogRecord>]) -> Result<(), String> {
        for record in records {
            self.tally.count(record);
            if self.signals.contains(&Signal::Traces) {
                self.spans.extend(document::span(record));
            }
            if self.signals.contains(&Signal::Logs) && self.wants(record) {
                self.logs.push(document::log(record));
            }
        }
        for kept in [&mut self.spans, &mut self.logs] {
            kept.drain(..kept.len().saturating_sub(KEPT));
        }
        self.deliver((self.clock)())
    }
}

enum Sent {
    Taken,
    Refused(u16),
}

/// A client with a runtime of its own: this thread waits for its answers, and no session does.
fn client() -> Result<(Runtime, Http), String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    Ok((runtime, Http::new().map_err(|error| error.to_string())?))
}

/// Reads pairs as OpenTelemetry's variables have them: percent-encoded, with commas between.
fn pairs(text: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let form = text.trim().replace('+', "%2B");
        form_urlencoded::parse(form.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
    };
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(&value.replace('=', "%3D")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_the_standard_variable_has_them() {
        let read = pairs("authorization=Bearer%20a+b==, x-scope = team ,none");
        let told: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(told, [("authorization", "Bearer a+b=="), ("x-scope", "team")]);
    }

    #[test]
    fn signals_go_below_the_endpoint() {
        let clock: WallClock = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
        for (endpoint, address) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://example.com/otlp/", "https://example.com/otlp/v1/traces"),
        ] {
            let endpoint = endpoint.parse().unwrap();
            let collector =
                Collector::new(&endpoint, &BTreeSet::new(), (Level::Info, BTreeMap::new()), &clock);
            assert_eq!(collector.address(Signal::Traces).as_str(), address);
        }
    }
}
