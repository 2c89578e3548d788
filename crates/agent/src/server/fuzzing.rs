//! Requests of any bytes over the agent's socket: each is answered or hung up on, no answer repeats what was sent, and a
//! token is in an answer only if one was asked for.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::session::Notice;
use latchkey_engine::clock::{ManualClock, SystemClock};
use latchkey_engine::config::AccountConfig;
use latchkey_engine::event_log::{EventLog, Filter, Level};
use latchkey_engine::http::Http;
use latchkey_engine::journal::MemoryJournal;
use latchkey_engine::network::ManualNetwork;
use latchkey_engine::ports::{NoBrowser, Notifier};
use latchkey_engine::renewal_lock::FileLock;
use latchkey_engine::vault::memory::MemoryVault;
use latchkey_engine::{EngineHandle, Setup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use super::program::Caller;
use super::routes::{self, Asked};
use super::{Guests, Served, serve};
use crate::protocol::{About, Problem};
use crate::socket::Peer;

/// The tokens of the account `demo`, which live for an hour from the moment at which the clock stands still.
const STORED: &str = r#"{"schema":3,"account":"demo","generation":7,"stored_at":"2026-09-21T14:13:20Z",
"received_at":"2026-09-21T14:13:20Z","access_token":"LKACCESS-canary-1","refresh_token":"LKREFRESH-canary-2",
"access":{"expires_at":"2026-09-21T15:13:20Z","source":"expires_in"},"identity":{"name":"Demo"}}"#;
const NOW: i64 = 1_790_000_000;
const ACCESS: &str = "LKACCESS-canary-1";
const REFRESH: &str = "LKREFRESH-canary-2";
/// Stands in a request for what no answer may repeat.
const SENT: &str = "LKSENT-canary-3";
/// Longer than any answer takes that does not wait for a clock.
const GUARD: Duration = Duration::from_secs(20);

struct Nobody;

impl Notifier for Nobody {
    fn notify(&self, _: &AccountName, _: &Notice) {}
}

static HTTP: LazyLock<Http> = LazyLock::new(|| Http::new().unwrap());
/// Nothing is written to it, so its folder is never made.
static LOG: LazyLock<EventLog> = LazyLock::new(|| {
    let clock = Arc::new(|| Timestamp::from_second(NOW).unwrap());
    EventLog::open(Path::new("/nonexistent/latchkey"), Filter::new(Level::Info), clock).0
});

/// What a program of the same user sends on one connection.
pub fn agent(input: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let replied = runtime.block_on(async { tokio::time::timeout(GUARD, said_to(input)).await });
    // What is still renewing somewhere has no part in it.
    runtime.shutdown_background();
    let replied = replied.expect("a request must be answered or hung up on");
    let text = String::from_utf8_lossy(&replied);
    assert!(!text.contains(REFRESH), "the refresh token leaves the engine");
    assert!(!text.contains(SENT), "an answer repeats what was sent: {text}");
    let asked = String::from_utf8_lossy(input);
    assert!(
        !text.contains(ACCESS) || asked.contains("POST ") && asked.contains("token"),
        "a token nobody asked for"
    );
    first_answer_is_in_order(&replied);
}

/// Says all of it, then that this was all, and reads what comes.
async fn said_to(input: &[u8]) -> Vec<u8> {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let locks = std::env::temp_dir().join(format!("latchkey-fuzzing-{}", std::process::id()));
    let engine = engine(&locks);
    let peer = Peer::of(&theirs).unwrap();
    let guest = Guests::default().enter(peer.pid).unwrap();
    let caller = Caller::hold(&theirs, peer);
    // Streams of events end at once: nobody would end them here.
    let ended = CancellationToken::new();
    ended.cancel();
    let served = Served { engine: engine.clone(), log: LOG.clone(), about: about() };
    let router = routes::router(Asked { served, stop: ended });
    let served = tokio::spawn(serve(theirs, router, caller, guest, CancellationToken::new()));
    let (mut reads, mut writes) = ours.split();
    let mut replied = Vec::new();
    let says = async {
        // It may be hung up on before it has said everything.
        let _ = writes.write_all(input).await;
        let _ = writes.shutdown().await;
    };
    tokio::join!(says, async { drop(reads.read_to_end(&mut replied).await) });
    served.await.unwrap();
    engine.close().await;
    let _ = std::fs::remove_dir_all(&locks);
    replied
}

/// An engine in which somebody is signed in, and whose backend is not there.
fn engine(locks: &Path) -> EngineHandle {
    let clock = ManualClock::new(Timestamp::from_second(NOW).unwrap());
    let vault = MemoryVault::new();
    let config = AccountConfig::demo(1);
    vault.plant(&config.name, STORED);
    let setup = Setup {
        vault: Arc::new(vault),
        lock: Arc::new(FileLock::new(locks, Arc::new(SystemClock))),
        journal: Arc::new(MemoryJournal::default()),
        network: Arc::new(ManualNetwork::default()),
        clock: Arc::new(clock),
        notifier: Arc::new(Nobody),
        screen: None,
        browser: Arc::new(NoBrowser),
        http: HTTP.clone(),
        fingerprints: FingerprintKey::new([7; 32]),
        consents: None,
        background: false,
    };
    EngineHandle::start(setup, [config])
}

/// The answers that Latchkey gives say what is wrong as the protocol has it; those of hyper have no body.
fn first_answer_is_in_order(replied: &[u8]) {
    let Some(end) = replied.windows(4).position(|four| four == b"\r\n\r\n") else {
        assert!(replied.is_empty(), "half an answer");
        return;
    };
    let head = std::str::from_utf8(&replied[..end]).unwrap();
    let status = head.strip_prefix("HTTP/1.1 ").or(head.strip_prefix("HTTP/1.0 ")).unwrap().get(..3).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    if status.starts_with(['4', '5']) && length > 0 {
        let body = &replied[end + 4..];
        // A question for the head alone gets no body.
        if let Some(body) = body.get(..length).filter(|body| body.starts_with(b"{")) {
            let problem: Problem = serde_json::from_slice(body).unwrap();
            assert!(!problem.error.code.is_empty() && !problem.error.message.is_empty());
        }
    }
}

fn about() -> About {
    About {
        version: "0.0.0".to_owned(),
        protocol: crate::protocol::VERSION,
        pid: 1,
        host: "agent".to_owned(),
        vault: "memory".to_owned(),
    }
}

#[cfg(test)]
#[path = "../../../../fuzz/ordinary.rs"]
mod ordinary;

#[cfg(test)]
mod tests {
    #[test]
    fn agent_holds() {
        super::ordinary::hold("agent", 500, super::agent);
    }
}
