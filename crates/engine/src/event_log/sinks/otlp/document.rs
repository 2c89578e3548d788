//! The documents that a collector takes: `ExportTraceServiceRequest` and its kin, as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::super::{Level, LogRecord};

/// The records that a renewal ends with.
pub(super) const RENEWED: &str = "renewed";
const FAILED: [&str; 2] = ["renewal_failed", "needs_sign_in"];

/// Who tells: this process.
pub(super) struct Resource(Value);

impl Resource {
    pub(super) fn new() -> Self {
        let attributes = [
            attribute("service.name", &"latchkey".into()),
            attribute("service.version", &env!("CARGO_PKG_VERSION").into()),
            // Counts of two processes are not to be taken for one.
            attribute("service.instance.id", &random::<16>().into()),
            attribute("process.pid", &std::process::id().into()),
        ];
        Self(json!({ "attributes": attributes }))
    }

    /// The spans, if there are any.
    pub(super) fn traces(&self, spans: &[Value]) -> Option<Value> {
        self.request("resourceSpans", "scopeSpans", "spans", spans)
    }

    /// The metrics, if there are any.
    pub(super) fn metrics(&self, metrics: &[Value]) -> Option<Value> {
        self.request("resourceMetrics", "scopeMetrics", "metrics", metrics)
    }

    /// The records, if there are any.
    pub(super) fn logs(&self, logs: &[Value]) -> Option<Value> {
        self.request("resourceLogs", "scopeLogs", "logRecords", logs)
    }

    fn request(&self, resources: &str, scopes: &str, name: &str, items: &[Value]) -> Option<Value> {
        let scope = json!({ "name": "latchkey", "version": env!("CARGO_PKG_VERSION") });
        let within = json!({ "scope": scope, name: items });
        (!items.is_empty()).then(|| json!({ resources: [{ "resource": self.0, scopes: [within] }] }))
    }
}

/// The code of the reason why a renewal failed, if that is what a record tells.
pub(super) fn failure(record: &LogRecord) -> Option<&str> {
    let reason = || record.facts.get("reason").and_then(Value::as_str).unwrap_or("unknown");
    FAILED.contains(&record.kind.as_str()).then(reason)
}

/// A number among the facts of a record.
pub(super) fn number(record: &LogRecord, fact: &str) -> Option<u64> {
    record.facts.get(fact).and_then(Value::as_u64)
}

/// The account of a record, and what else tells series apart.
pub(super) fn account(record: &LogRecord) -> Value {
    attribute("latchkey.account", &record.account.clone().unwrap_or_default().into())
}

/// A renewal as a span, if that is what a record tells the end of.
pub(super) fn span(record: &LogRecord) -> Option<Value> {
    let failure = failure(record);
    if record.kind != RENEWED && failure.is_none() {
        return None;
    }
    let end = record.at.as_nanosecond();
    let start = end - i128::from(number(record, "took_ms").unwrap_or_default()) * 1_000_000;
    let mut attributes = vec![account(record)];
    attributes.extend(facts(record));
    let status = match failure {
        Some(reason) => {
            attributes.push(attribute("error.type", &reason.into()));
            json!({ "code": 2, "message": record.message })
        }
        None => json!({ "code": 1 }),
    };
    Some(json!({
        "traceId": random::<16>(),
        "spanId": random::<8>(),
        "name": "renew",
        "kind": 3,
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": end.to_string(),
        "attributes": attributes,
        "status": status,
    }))
}

/// A record as a log record.
pub(super) fn log(record: &LogRecord) -> Value {
    let at = record.at.as_nanosecond().to_string();
    let mut attributes: Vec<_> = facts(record).collect();
    attributes.extend(record.account.is_some().then(|| account(record)));
    attributes.push(attribute("latchkey.kind", &record.kind.as_str().into()));
    let (number, text) = severity(record.level);
    json!({
        "timeUnixNano": at,
        "observedTimeUnixNano": at,
        "severityNumber": number,
        "severityText": text,
        "body": { "stringValue": record.message },
        "attributes": attributes,
    })
}

/// OpenTelemetry's log data model, "Field: SeverityNumber".
fn severity(level: Level) -> (u8, &'static str) {
    match level {
        Level::Trace => (1, "TRACE"),
        Level::Debug => (5, "DEBUG"),
        Level::Info => (9, "INFO"),
        Level::Warn => (13, "WARN"),
        Level::Error => (17, "ERROR"),
    }
}

fn facts(record: &LogRecord) -> impl Iterator<Item = Value> {
    record.facts.iter().map(|(name, value)| attribute(&format!("latchkey.{name}"), value))
}

/// A name with a value. Whole numbers of 64 bits are texts in JSON (ProtoJSON).
pub(super) fn attribute(name: &str, value: &Value) -> Value {
    let value = match value {
        Value::Bool(flag) => json!({ "boolValue": flag }),
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::String(text) => json!({ "stringValue": text }),
        Value::Null | Value::Array(_) | Value::Object(_) => json!({ "stringValue": value.to_string() }),
    };
    json!({ "key": name, "value": value })
}

/// So many random bytes, in hexadecimal.
fn random<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    // Without randomness the spans merge into one trace, which harms nobody but their reader; all zeros would be invalid.
    if getrandom::fill(&mut bytes).is_err() {
        bytes.fill(1);
    }
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
