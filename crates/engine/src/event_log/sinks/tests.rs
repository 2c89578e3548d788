//! A place that is whole, one that blocks, and one that is gone.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tracing::{debug, info, trace, warn};
use tracing_subscriber::layer::SubscriberExt as _;

use super::super::Teller;
use super::*;

const GUARD: Duration = Duration::from_secs(30);

/// A log with these places, at the level `info`.
struct Desk {
    log: EventLog,
    subscriber: tracing::Dispatch,
    /// The last to go: the log writes there as long as anybody has it.
    dir: TempDir,
}

impl Desk {
    fn new(sinks: impl FnOnce(&std::path::Path) -> Vec<LogSink>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock: WallClock = Arc::new(|| "2026-11-28T09:00:05Z".parse().unwrap());
        let (log, layer) = EventLog::open(&dir.path().join("log"), Filter::new(Level::Info), clock);
        let places = log.to_sinks(&sinks(dir.path()), false);
        let subscriber = tracing::Dispatch::new(tracing_subscriber::registry().with(layer).with(places));
        Self { log, subscriber, dir }
    }

    fn run(&self, work: impl FnOnce()) {
        tracing::dispatcher::with_default(&self.subscriber, work);
        assert!(self.log.flush());
    }
}

fn sink(to: SinkTo, level: Level) -> LogSink {
    LogSink { name: "there".to_owned(), to, level, accounts: BTreeMap::new() }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_file_gets_what_its_levels_want_and_nobody_else_can_read_it() {
    let desk = Desk::new(|dir| {
        let file = SinkTo::File(dir.join("mine/records.jsonl"));
        let accounts = [("work".to_owned(), Level::Trace)].into();
        vec![LogSink { accounts, ..sink(file, Level::Warn) }]
    });
    desk.run(|| {
        info!(target: "latchkey::x", kind = "left_out", "x");
        warn!(target: "latchkey::x", kind = "kept", "x");
        trace!(target: "latchkey::x", account = "work", kind = "detail", token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.x", "x");
        debug!(target: "latchkey::x", account = "home", kind = "left_out", "x");
        info!(target: "hyper", "left out");
    });
    let file = desk.dir.path().join("mine/records.jsonl");
    let told = lines(&std::fs::read_to_string(&file).unwrap());
    let kinds: Vec<_> = told.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["kept", "detail"]);
    assert!(!told[1]["token"].as_str().unwrap().contains("eyJ"));
    let own: Vec<_> = desk.log.last(10).into_iter().map(|record| record.kind).collect();
    assert_eq!(own, ["left_out", "kept"], "the levels of a place are not those of the log");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[cfg(unix)]
#[test]
fn the_systems_logs_get_a_datagram_for_each_record() {
    let sockets = tempfile::tempdir().unwrap();
    let [journal, system] = ["journal", "log"].map(|name| {
        let path = sockets.path().join(name);
        let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(GUARD)).unwrap();
        (path, socket)
    });
    let desk = Desk::new(|_| {
        vec![sink(SinkTo::Journald(journal.0), Level::Info), sink(SinkTo::Syslog(system.0), Level::Info)]
    });
    desk.run(|| warn!(target: "latchkey::x", account = "work", kind = "renewal_failed", took_ms = 12_u64, "No reply"));
    let received = |socket: &std::os::unix::net::UnixDatagram| {
        let mut bytes = [0; 4096];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let fields = received(&journal.1);
    let fields: Vec<_> = fields.lines().collect();
    for field in [
        "MESSAGE=No reply",
        "PRIORITY=4",
        "SYSLOG_IDENTIFIER=latchkey",
        "LATCHKEY_ACCOUNT=work",
        "LATCHKEY_TOOK_MS=12",
    ] {
        assert!(fields.contains(&field), "{field} is not in {fields:?}");
    }
    let line = received(&system.1);
    // In local time, which far west is still the day before.
    let day = ["<12>Nov 27 ", "<12>Nov 28 "].iter().any(|day| line.starts_with(day));
    assert!(day && line.contains(" latchkey["), "{line}");
    assert!(line.ends_with("]: work renewal_failed: No reply"), "{line}");
}

#[test]
fn a_place_that_is_not_there_is_told_of_once_and_so_is_what_it_missed() {
    let desk = Desk::new(|dir| vec![sink(SinkTo::File(dir.join("folder")), Level::Info)]);
    let folder = desk.dir.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    for number in 0..3 {
        desk.run(|| info!(target: "latchkey::x", kind = "k", number, "x"));
    }
    std::fs::remove_dir(&folder).unwrap();
    desk.run(|| info!(target: "latchkey::x", kind = "k", "x"));
    let own = desk.log.last(20);
    let told: Vec<_> = own.iter().filter(|record| record.kind.starts_with("log_sink")).collect();
    let [fails, works] = &told[..] else { panic!("told once each: {told:?}") };
    assert_eq!((fails.kind.as_str(), works.kind.as_str()), ("log_sink_fails", "log_sink_works"));
    assert!(works.message.contains("3 records did not"), "{}", works.message);
}

/// A place that takes nothing before it is let go on.
struct Blocked {
    begun: SyncSender<()>,
    go_on: Receiver<()>,
}

impl Sink for Blocked {
    fn take(&mut self, _: &[Arc<LogRecord>]) -> Result<(), String> {
        let _ = self.begun.send(());
        let _ = self.go_on.recv();
        Ok(())
    }
}

#[test]
fn a_place_that_blocks_holds_up_nobody_and_what_it_misses_is_counted() {
    let desk = Desk::new(|_| Vec::new());
    let (begun, begins) = sync_channel(10_000);
    let (release, go_on) = sync_channel(10_000);
    let teller: Teller = desk.log.teller();
    let queue = Queue::start("slow", Box::new(Blocked { begun, go_on }), teller, false);
    let record = || Arc::new(LogRecord::note(Level::Info, Timestamp::UNIX_EPOCH, "k", "x".to_owned()));
    queue.push(record());
    begins.recv_timeout(GUARD).unwrap();
    for _ in 0..queue::WAITING + 500 {
        queue.push(record());
    }
    let fails = desk.log.last(5);
    assert_eq!(fails.len(), 1, "{fails:?}");
    assert!(fails[0].message.contains("does not keep up"), "{}", fails[0].message);
    for _ in 0..10_000 {
        release.send(()).unwrap();
    }
    queue.flush().recv_timeout(GUARD).unwrap();
    let works = desk.log.last(1).remove(0);
    // The first record is counted as waiting until it is taken.
    assert!(works.message.contains("501 records did not"), "{}", works.message);
}

/// Answers each request of a collector's client, and tells what came: path and body.
fn collector(statuses: &'static [u16]) -> (String, Receiver<(String, Value)>) {
    use std::io::{BufRead as _, BufReader, Read as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = sync_channel(100);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut headers, mut line) = (Vec::new(), String::new());
            while stream.read_line(&mut line).unwrap() > 2 {
                headers.push(std::mem::take(&mut line).to_ascii_lowercase());
            }
            let length = headers.iter().find_map(|line| line.strip_prefix("content-length:")).unwrap();
            let mut body = vec![0; length.trim().parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            let status = statuses.get(number).copied().unwrap_or(200);
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            let path = headers[0].split(' ').nth(1).unwrap().to_owned();
            if sender.send((path, serde_json::from_slice(&body).unwrap())).is_err() {
                return;
            }
        }
    });
    (url, requests)
}

fn renewals() {
    info!(target: "latchkey::session", account = "work", kind = "renewed", took_ms = 84_u64, left_ms = 61_000_u64, "Renewed");
    warn!(target: "latchkey::session", account = "work", kind = "renewal_failed", reason = "unreachable", "No reply");
}

#[test]
fn a_collector_gets_spans_measures_and_records() {
    let (url, requests) = collector(&[]);
    let all = ["traces", "metrics", "logs"];
    let config = crate::config::Config::parse(
        &format!("[log.c]\nto = \"otlp\"\nendpoint = {url:?}\nlevel = \"warn\""),
        None,
    );
    let desk = Desk::new(|_| config.unwrap().sinks);
    desk.run(renewals);
    let mut got = BTreeMap::new();
    for signal in all {
        let (path, body) = requests.recv_timeout(GUARD).unwrap();
        assert_eq!(path, format!("/v1/{signal}"));
        got.insert(signal, body);
    }
    let spans = &got["traces"]["resourceSpans"][0]["scopeSpans"][0]["spans"];
    let nanos = |text: &Value| text.as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(nanos(&spans[0]["endTimeUnixNano"]) - nanos(&spans[0]["startTimeUnixNano"]), 84_000_000);
    assert_eq!((&spans[0]["status"]["code"], &spans[1]["status"]["code"]), (&json!(1), &json!(2)));
    assert_eq!(spans[0]["traceId"].as_str().unwrap().len(), 32);
    let metrics = &got["metrics"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
    let names: Vec<_> = (0..3).map(|at| metrics[at]["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["duration", "remaining_lifetime", "failures"].map(|name| format!("latchkey.renewal.{name}"))
    );
    let left = &metrics[1]["histogram"]["dataPoints"][0];
    assert_eq!((&left["count"], &left["sum"]), (&json!("1"), &json!(61.0)));
    assert_eq!(left["bucketCounts"][6], "1", "above 60 s: {left}");
    let failures = &metrics[2]["sum"]["dataPoints"][0];
    assert_eq!(failures["asInt"], "1");
    assert_eq!(
        failures["attributes"][1],
        json!({ "key": "error.type", "value": { "stringValue": "unreachable" } })
    );
    let logs = &got["logs"]["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    assert_eq!((logs.as_array().unwrap().len(), &logs[0]["severityText"]), (1, &json!("WARN")));
    assert_eq!(logs[0]["timeUnixNano"], "1795856405000000000");
}

#[test]
fn what_a_collector_cannot_take_now_is_sent_again_with_what_comes() {
    let (url, requests) = collector(&[503]);
    let signals = [crate::config::Signal::Traces].into();
    let desk = Desk::new(|_| vec![sink(SinkTo::Otlp(url.parse().unwrap(), signals), Level::Info)]);
    desk.run(renewals);
    desk.run(renewals);
    let spans = || {
        let (_, body) = requests.recv_timeout(GUARD).unwrap();
        body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().len()
    };
    assert_eq!([spans(), spans()], [2, 4]);
    let told = |kind: &str| desk.log.last(10).iter().any(|record| record.kind == kind);
    // The collector has it before its answer has been read.
    while !told("log_sink_works") {
        std::thread::yield_now();
    }
    assert!(told("log_sink_fails"));
}

#[cfg(unix)]
#[test]
fn a_program_reads_records_from_its_standard_input_until_the_log_ends() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("read");
    let words =
        ["sh", "-c", "cat > \"$1\"; echo end >> \"$1\"", "sh", file.to_str().unwrap()].map(str::to_owned);
    let run = crate::command_line::CommandLine::new(&words).unwrap();
    let desk = Desk::new(|_| vec![sink(SinkTo::Program(run), Level::Info)]);
    desk.run(|| info!(target: "latchkey::x", kind = "first", "x"));
    desk.run(|| info!(target: "latchkey::x", kind = "second", "x"));
    drop(desk);
    let ended = || std::fs::read_to_string(&file).ok().filter(|text| text.ends_with("end\n"));
    let text = loop {
        if let Some(text) = ended() {
            break text;
        }
        std::thread::yield_now();
    };
    let kinds: Vec<_> =
        lines(text.trim_end_matches("end\n")).into_iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["first", "second"]);
}
