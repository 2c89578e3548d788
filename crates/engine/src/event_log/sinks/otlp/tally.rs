//! What is counted and measured of renewals, since the process started (cumulative temporality).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::super::LogRecord;
use super::document::{RENEWED, account, attribute, failure, number};

/// Bounds of the latency of a renewal, in seconds (OpenTelemetry's HTTP conventions, `http.client.request.duration`).
const LATENCY: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Bounds of the life that is left at a renewal, in seconds: from too late to a day ahead.
const REMAINING: [f64; 11] = [0.0, 1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0];

/// The sums and distributions.
pub(super) struct Tally {
    since: Timestamp,
    latency: BTreeMap<String, Histogram>,
    remaining: BTreeMap<String, Histogram>,
    /// By account and kind.
    failures: BTreeMap<(String, String), (u64, Value)>,
    /// Whether anything is new since it was sent.
    news: bool,
}

impl Tally {
    pub(super) fn new(since: Timestamp) -> Self {
        let (latency, remaining) = (BTreeMap::new(), BTreeMap::new());
        Self { since, latency, remaining, failures: BTreeMap::new(), news: false }
    }

    /// Counts what a record tells of a renewal.
    pub(super) fn count(&mut self, record: &LogRecord) {
        let name = record.account.clone().unwrap_or_default();
        let seconds = |fact| number(record, fact).map(|millis| Duration::from_millis(millis).as_secs_f64());
        if record.kind == RENEWED {
            self.news = true;
            if let Some(took) = seconds("took_ms") {
                histogram(&mut self.latency, &name, &LATENCY, record).add(took);
            }
            if let Some(left) = seconds("left_ms") {
                histogram(&mut self.remaining, &name, &REMAINING, record).add(left);
            }
        } else if let Some(reason) = failure(record) {
            self.news = true;
            let new = || (0, json!([account(record), attribute("error.type", &reason.into())]));
            self.failures.entry((name, reason.to_owned())).or_insert_with(new).0 += 1;
        }
    }

    /// It is known at the other end.
    pub(super) fn sent(&mut self) {
        self.news = false;
    }

    /// All of it, if anything is new.
    pub(super) fn metrics(&self, now: Timestamp) -> Vec<Value> {
        if !self.news {
            return Vec::new();
        }
        let times = (self.since.as_nanosecond().to_string(), now.as_nanosecond().to_string());
        let mut metrics = Vec::new();
        for (name, what, all) in [
            ("latchkey.renewal.duration", "How long renewals took", &self.latency),
            (
                "latchkey.renewal.remaining_lifetime",
                "How long the token before had still to live",
                &self.remaining,
            ),
        ] {
            let points: Vec<_> = all.values().map(|one| one.point(&times)).collect();
            if !points.is_empty() {
                let histogram = json!({ "aggregationTemporality": 2, "dataPoints": points });
                metrics
                    .push(json!({ "name": name, "description": what, "unit": "s", "histogram": histogram }));
            }
        }
        let points = self.failures.values().map(|(count, attributes)| {
            json!({
                "attributes": attributes, "startTimeUnixNano": times.0, "timeUnixNano": times.1,
                "asInt": count.to_string(),
            })
        });
        let points: Vec<_> = points.collect();
        if !points.is_empty() {
            metrics.push(json!({
                "name": "latchkey.renewal.failures",
                "description": "Renewals that failed, by what stood in the way",
                "unit": "{failure}",
                "sum": { "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": points },
            }));
        }
        metrics
    }
}

/// How often a value fell between which bounds.
struct Histogram {
    attributes: Value,
    bounds: &'static [f64],
    counts: Vec<u64>,
    sum: f64,
}

fn histogram<'a>(
    all: &'a mut BTreeMap<String, Histogram>,
    name: &str,
    bounds: &'static [f64],
    record: &LogRecord,
) -> &'a mut Histogram {
    all.entry(name.to_owned()).or_insert_with(|| Histogram {
        attributes: json!([account(record)]),
        bounds,
        counts: vec![0; bounds.len() + 1],
        sum: 0.0,
    })
}

impl Histogram {
    /// A value that equals a bound belongs below it (OpenTelemetry's metrics data model, "Histogram").
    fn add(&mut self, value: f64) {
        let bucket = self.bounds.iter().take_while(|bound| value > **bound).count();
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum += value;
    }

    fn point(&self, (start, now): &(String, String)) -> Value {
        json!({
            "attributes": self.attributes,
            "startTimeUnixNano": start,
            "timeUnixNano": now,
            "count": self.counts.iter().sum::<u64>().to_string(),
            "sum": self.sum,
            "bucketCounts": self.counts.iter().map(u64::to_string).collect::<Vec<_>>(),
            "explicitBounds": self.bounds,
        })
    }
}
