//! The log as a whole: from `tracing` to memory and file, and back.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::record::{Level as CoreLevel, Record};
use serde_json::json;
use tracing::{debug, error, info, trace, warn};
use tracing_subscriber::layer::SubscriberExt as _;

use super::file::{MAX_BYTES, append, files};
use super::*;

mod writing;

#[test]
fn a_record_of_a_session_comes_out_with_its_facts_in_memory_and_in_the_file() {
    let desk = Desk::new(Level::Info);
    desk.run(|| {
        let mut record = Record::new(CoreLevel::Info, "renewed", "renewed in 12 ms");
        record.generation = Some(4);
        record.fingerprint = Some(FingerprintKey::new([1; 32]).of("token"));
        record.took_ms = Some(12);
        record.next_at = Some("2026-11-20T15:00:00Z".parse().unwrap());
        emit(&AccountName::new("demo").unwrap(), &record);
    });
    let [seen] = &desk.log.since(0, 10)[..] else { panic!("one record") };
    assert_eq!((seen.seq, seen.level, seen.account.as_deref()), (1, Level::Info, Some("demo")));
    assert_eq!((seen.kind.as_str(), seen.message.as_str()), ("renewed", "renewed in 12 ms"));
    let keys: Vec<_> = seen.facts.keys().map(String::as_str).collect();
    assert_eq!(keys, ["fingerprint", "generation", "next_at", "took_ms"], "what is not known is left out");
    assert_eq!(seen.facts["generation"], json!(4));
    assert_eq!(desk.tail().records, desk.log.since(0, 10));
}

#[test]
fn every_level_of_a_session_record_arrives() {
    let desk = Desk::new(Level::Trace);
    desk.run(|| {
        for level in [CoreLevel::Error, CoreLevel::Warn, CoreLevel::Info, CoreLevel::Debug, CoreLevel::Trace]
        {
            emit(&AccountName::new("demo").unwrap(), &Record::new(level, "k", "m"));
        }
    });
    let levels: Vec<_> = desk.log.since(0, 10).iter().map(|one| one.level).collect();
    assert_eq!(levels, [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace]);
}

#[test]
fn other_crates_are_heard_from_warnings_on_and_their_words_made_harmless() {
    let desk = Desk::new(Level::Trace);
    desk.run(|| {
        info!(target: "hyper::client", "connected");
        warn!(target: "hyper::client", account = "mine", url = "x\u{1b}[2J", "server said\r\n\u{202e}{}", "long ".repeat(100));
        trace!(target: "latchkey::http", status = 200_u64, ratio = 0.5, ok = true, skew = -3_i64, "answered");
    });
    let [theirs, ours] = &desk.log.since(0, 10)[..] else { panic!("two records") };
    assert_eq!((theirs.kind.as_str(), theirs.account.as_deref()), ("library", None));
    assert!(theirs.message.starts_with("server said") && theirs.message.chars().count() <= 201);
    assert_eq!(theirs.facts["url"], json!("x [2J"));
    assert_eq!(theirs.facts["library"], json!("hyper::client"));
    assert_eq!(theirs.facts["account_"], json!("mine"));
    assert_eq!(
        ours.facts,
        facts(&[("ok", json!(true)), ("ratio", json!(0.5)), ("skew", json!(-3)), ("status", json!(200))])
    );
}

#[test]
fn an_account_that_is_debugged_is_heard_in_detail_and_no_other() {
    let desk = Desk::new(Level::Info);
    desk.run(|| {
        let say = || {
            for (account, level) in
                [("work", CoreLevel::Debug), ("work", CoreLevel::Trace), ("demo", CoreLevel::Debug)]
            {
                emit(&AccountName::new(account).unwrap(), &Record::new(level, "k", "m"));
            }
            debug!(target: "latchkey::x", "of no account");
            debug!(target: "hyper::client", account = "work", "of another crate");
        };
        let work = |debug| AccountConfig {
            name: AccountName::new("work").unwrap(),
            debug,
            ..AccountConfig::demo(4180)
        };
        say();
        desk.log.debug(&[work(true), AccountConfig::demo(4180)]);
        say();
        desk.log.debug(&[work(false)]);
        say();
    });
    let [seen] = &desk.log.since(0, 10)[..] else { panic!("one record") };
    assert_eq!((seen.account.as_deref(), seen.level), (Some("work"), Level::Debug));
}

#[test]
fn the_level_can_be_changed_while_running() {
    let desk = Desk::new(Level::Info);
    desk.run(|| {
        debug!(target: "latchkey::x", "hidden");
        desk.log.set_level(Level::Debug);
        debug!(target: "latchkey::x", "shown");
        desk.log.set_level(Level::Error);
        warn!(target: "latchkey::x", "hidden again");
    });
    assert_eq!(messages(&desk.log.since(0, 10)), ["shown"]);
    assert_eq!(desk.log.level(), Level::Error);
}

#[test]
fn no_token_gets_in_by_any_way() {
    let desk = Desk::new(Level::Trace);
    let tokens = [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015x",
    ];
    desk.run(|| {
        for token in tokens {
            error!(target: "latchkey::x", account = token, kind = token, fact = token, debug = ?Some(token), "said {token}");
            warn!(target: "h2", fact = token, error = ?std::io::Error::other(token), "said {token}");
            let error: &dyn std::error::Error = &std::io::Error::other(format!("at {token}"));
            warn!(target: "latchkey::x", error, "failed");
        }
    });
    desk.log.flush();
    let everything = format!("{:?}{}", desk.log.since(0, 99), fs::read_to_string(desk.file()).unwrap());
    assert_eq!(desk.log.since(0, 99).len(), 6);
    for token in tokens {
        for part in token.as_bytes().windows(12) {
            assert!(!everything.contains(std::str::from_utf8(part).unwrap()), "{everything}");
        }
    }
}

#[test]
fn who_subscribed_is_told_the_last_number() {
    let desk = Desk::new(Level::Info);
    let mut news = desk.log.subscribe();
    assert!(!news.has_changed().unwrap());
    desk.run(|| info!(target: "latchkey::x", "one"));
    assert!(news.has_changed().unwrap());
    assert_eq!(*news.borrow_and_update(), 1);
    desk.run(|| info!(target: "latchkey::x", "two"));
    assert_eq!(messages(&desk.log.since(*news.borrow(), 9)), Vec::<&str>::new());
    assert_eq!(messages(&desk.log.since(1, 9)), ["two"]);
    assert_eq!(messages(&desk.log.last(1)), ["two"]);
}

#[test]
fn repeats_are_summed_up_at_the_latest_when_the_log_is_flushed() {
    let desk = Desk::new(Level::Info);
    desk.run(|| (0..500).for_each(|_| warn!(target: "latchkey::x", "again")));
    assert_eq!(desk.log.since(0, 999).len(), 20);
    assert!(desk.log.flush());
    assert_eq!(desk.log.last(1)[0].facts["repeated"], json!(480));
    assert_eq!(desk.tail().records.len(), 21);
}

#[test]
fn a_line_torn_by_a_crash_stays_by_itself() {
    let desk = Desk::new(Level::Info);
    fs::create_dir_all(desk.dir()).unwrap();
    fs::write(desk.file(), "{\"at\":\"2026-11-20T14:42:10Z\",\"level\":\"in").unwrap();
    desk.run(|| info!(target: "latchkey::x", "after the crash"));
    desk.log.flush();
    let tail = desk.tail();
    assert_eq!((messages(&tail.records), tail.skipped), (vec!["after the crash"], 1));
}

#[test]
fn three_files_are_kept_and_read_as_one() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("log");
    let line =
        |count: usize| -> Arc<str> { note(&format!("{count:06} {}", "word ".repeat(100))).to_line().into() };
    let lines: Vec<_> = (0..40_000).map(line).collect();
    assert!(append(&dir, &lines).1.is_ok());
    let sizes: Vec<_> = files(&dir).iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    assert!(sizes.iter().all(|size| *size <= MAX_BYTES) && sizes[1] > MAX_BYTES - 100_000, "{sizes:?}");
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 4, "three files and the lock");
    let tail = read_tail(&dir, 15_000).unwrap();
    assert_eq!((tail.records.len(), tail.skipped), (15_000, 0));
    let numbers: Vec<usize> = tail.records.iter().map(|one| one.message[..6].parse().unwrap()).collect();
    assert!(numbers.iter().copied().eq(25_000..40_000), "in order, none missing");
    assert!(tail.records.iter().map(|one| one.seq).eq(1..=15_000));
}

#[test]
fn a_follower_goes_on_across_turned_files_and_half_lines() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let mut follower = read_tail(dir, 9).unwrap().follower;
    assert_eq!(follower.poll().unwrap(), []);
    put(dir, "one");
    assert_eq!(messages(&follower.poll().unwrap()), ["one"]);
    let half = note("two").to_line();
    let mut file = fs::OpenOptions::new().append(true).open(&files(dir)[0]).unwrap();
    file.write_all(&half.as_bytes()[..20]).unwrap();
    assert_eq!(follower.poll().unwrap(), []);
    file.write_all(&half.as_bytes()[20..]).unwrap();
    file.write_all(b"\nnot a record\n").unwrap();
    assert_eq!(messages(&follower.poll().unwrap()), ["two"]);
    assert_eq!(follower.skipped, 1);
    put(dir, "three");
    fs::rename(&files(dir)[0], &files(dir)[1]).unwrap();
    put(dir, "four");
    let seen = follower.poll().unwrap();
    assert_eq!(messages(&seen), ["three", "four"]);
    assert_eq!(seen.iter().map(|one| one.seq).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn two_processes_append_whole_lines() {
    let root = tempfile::tempdir().unwrap();
    let desks = [Desk::at(root.path(), Level::Info), Desk::at(root.path(), Level::Info)];
    std::thread::scope(|scope| {
        for (who, desk) in desks.iter().enumerate() {
            scope.spawn(move || {
                desk.run(|| {
                    for count in 0..500 {
                        info!(target: "latchkey::x", who, "line {count} {}", "word ".repeat(300));
                        if count % 50 == 0 {
                            desk.log.flush();
                        }
                    }
                });
                assert!(desk.log.flush());
            });
        }
    });
    let tail = desks[0].tail();
    assert_eq!((tail.records.len(), tail.skipped), (1000, 0));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new(Level::Info);
    desk.run(|| info!(target: "latchkey::x", "one"));
    desk.log.flush();
    assert_eq!(fs::metadata(desk.file()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn stderr_shows_a_record_as_one_line() {
    let (sink, clock) = (Sink::default(), Arc::new(AtomicI64::new(0)));
    let layer = StderrLayer::writing_to(Filter::new(Level::Debug), told_by(&clock), Box::new(sink.clone()));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        info!(target: "latchkey::x", account = "work", kind = "renewed", took_ms = 12, by = "a b", "renewed\nin time");
        trace!(target: "latchkey::x", "hidden");
    });
    insta::assert_snapshot!(String::from_utf8(sink.0.lock().unwrap().clone()).unwrap(),
        @r#"2026-11-20T14:40:00.000Z info  work renewed: renewed in time by="a b" took_ms=12"#);
}

/// A log in a folder of its own, with a clock that stands.
struct Desk {
    log: EventLog,
    dispatch: tracing::Dispatch,
    dir: PathBuf,
    _root: Option<tempfile::TempDir>,
}

impl Desk {
    fn new(level: Level) -> Self {
        let root = tempfile::tempdir().unwrap();
        Self::at(root.path(), level).holding(root)
    }

    fn at(root: &Path, level: Level) -> Self {
        let dir = root.join("log");
        let (log, layer) = EventLog::open(&dir, Filter::new(level), told_by(&Arc::default()));
        let dispatch = tracing_subscriber::registry().with(layer).into();
        Self { log, dispatch, dir, _root: None }
    }

    fn holding(self, root: tempfile::TempDir) -> Self {
        Self { _root: Some(root), ..self }
    }

    fn run(&self, work: impl FnOnce()) {
        tracing::dispatcher::with_default(&self.dispatch, work);
    }

    fn dir(&self) -> &Path {
        &self.dir
    }

    fn file(&self) -> PathBuf {
        self.dir.join("events.jsonl")
    }

    fn tail(&self) -> Tail {
        self.log.flush();
        read_tail(&self.dir, 10_000).unwrap()
    }
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn told_by(clock: &Arc<AtomicI64>) -> WallClock {
    let clock = Arc::clone(clock);
    Arc::new(move || Timestamp::from_second(1_795_185_600 + clock.load(Ordering::Relaxed)).unwrap())
}

fn put(dir: &Path, message: &str) {
    let (written, result) = append(dir, &[note(message).to_line().into()]);
    assert_eq!((written, result.is_ok()), (1, true));
}

fn note(message: &str) -> LogRecord {
    LogRecord::note(Level::Info, Timestamp::UNIX_EPOCH, "k", message.to_owned())
}

fn messages(records: &[LogRecord]) -> Vec<&str> {
    records.iter().map(|one| one.message.as_str()).collect()
}

fn facts(pairs: &[(&str, serde_json::Value)]) -> BTreeMap<String, serde_json::Value> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}
