//! The agent over its real socket, in front of a real engine.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use latchkey_agent::client::{Client, ClientError};
use latchkey_agent::protocol::{About, RenewQuestion, TokenAnswer, TokenQuestion, VERSION};
use latchkey_agent::server::{PER_PROCESS, Served, Server};
use latchkey_agent::socket;
use latchkey_engine::event_log::EventLog;
use latchkey_engine::screen::ManualScreen;
use latchkey_engine::{EngineHandle, Setup};
use latchkey_tests::engine_world::{Engine, World};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;

/// A world with an agent in it.
pub(crate) struct Agent {
    pub(crate) world: World,
    pub(crate) engine: Engine,
    pub(crate) folder: TempDir,
    server: Server,
}

impl Agent {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let engine = world.engine();
        Self::on(world, engine)
    }

    /// The same with a screen that can be locked, signed in.
    pub(crate) async fn in_front_of(screen: &ManualScreen) -> Self {
        let world = World::new().await;
        let engine = world.engine_with(Setup { screen: Some(Arc::new(screen.clone())), ..world.setup() });
        let agent = Self::on(world, engine);
        agent.engine.signs_in().await.unwrap();
        agent
    }

    pub(crate) fn on(world: World, engine: Engine) -> Self {
        let (folder, server) = serve((*engine).clone(), world.log.clone());
        Self { world, engine, folder, server }
    }

    /// The agent ends; the engine goes on.
    pub(crate) async fn ends(self) -> (World, Engine) {
        self.server.stop().await;
        (self.world, self.engine)
    }

    pub(crate) async fn signed_in() -> Self {
        let agent = Self::new().await;
        agent.engine.signs_in().await.unwrap();
        agent
    }

    /// What a reader of these server-sent events is told, each as this makes of it, until the agent ends.
    pub(crate) fn told<T: Send + 'static>(
        &self,
        path: &'static str,
        read: impl Fn(Value) -> T + Send + 'static,
    ) -> (UnboundedReceiver<T>, JoinHandle<()>) {
        let (events, seen) = tokio::sync::mpsc::unbounded_channel();
        let folder = self.folder.path().to_owned();
        let reader = std::thread::spawn(move || {
            let body = Client::new(&folder).open(path).unwrap();
            for line in BufReader::new(body).lines() {
                let Some(data) = line.unwrap().strip_prefix("data:").map(str::to_owned) else { continue };
                assert!(events.send(read(serde_json::from_str(&data).unwrap())).is_ok());
            }
        });
        (seen, reader)
    }

    /// Asks as another program would, on a thread of its own.
    pub(crate) async fn asks<T: Send + 'static>(
        &self,
        ask: impl FnOnce(Client<'_>) -> T + Send + 'static,
    ) -> T {
        let folder = self.folder.path().to_owned();
        tokio::task::spawn_blocking(move || ask(Client::new(&folder))).await.unwrap()
    }

    /// Sends these bytes and reads all that comes back.
    async fn sends(&self, bytes: impl Into<Vec<u8>>) -> String {
        let (path, bytes) = (self.folder.path().join(socket::FILE), bytes.into());
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = UnixStream::connect(path).unwrap();
            // The agent may have closed before all of it was written.
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            String::from_utf8_lossy(&answer).into_owned()
        });
        answer.await.unwrap()
    }
}

/// Serves an engine on a socket in a folder of its own.
pub(crate) fn serve(engine: EngineHandle, log: EventLog) -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    let about = About {
        version: "0.0.0".to_owned(),
        protocol: VERSION,
        pid: std::process::id(),
        host: "agent".to_owned(),
        vault: "memory".to_owned(),
    };
    let server = Server::start(socket::hold(folder.path()).unwrap(), Served { engine, log, about }).unwrap();
    (folder, server)
}

fn refused(answer: Result<Value, ClientError>) -> (String, Option<String>) {
    match answer {
        Err(ClientError::Refused(detail)) => (detail.code, detail.reason),
        Err(other) => panic!("{other}"),
        Ok(answer) => panic!("{answer}"),
    }
}

#[tokio::test]
async fn without_a_sign_in_there_is_nothing_to_do_for_it_and_nothing_to_cancel() {
    let agent = Agent::signed_in().await;
    let shown = agent.sends("GET /v1/sessions/demo/sign-in HTTP/1.0\r\n\r\n").await;
    assert!(shown.ends_with("\r\n\r\nnull"), "{shown}");
    let cancelled = agent.sends("DELETE /v1/sessions/demo/sign-in HTTP/1.0\r\n\r\n").await;
    assert!(cancelled.starts_with("HTTP/1.0 204 "), "{cancelled}");
}

#[tokio::test]
async fn a_program_gets_a_token_and_sees_the_sessions() {
    let agent = Agent::signed_in().await;
    let question = TokenQuestion { min_valid: Some(20), wait: None };
    let token: TokenAnswer = agent.asks(move |client| client.token("demo", question)).await.unwrap();
    let handed_out = agent.engine.token().await.unwrap();
    assert_eq!(token.access_token, handed_out.access.expose());
    assert_eq!((token.generation, token.token_type.as_str()), (1, "Bearer"));
    let sessions: Value = agent.asks(|client| client.get("/v1/sessions")).await.unwrap();
    assert_eq!(sessions[0]["account"], "demo");
    assert_eq!(sessions[0]["state"], "signed_in");
    let about: About = agent.asks(|client| client.get("/v1/about")).await.unwrap();
    assert_eq!(about.protocol, VERSION);
    let renewed: Value = agent.asks(|client| client.post("/v1/sessions/demo/renew")).await.unwrap();
    assert_eq!(renewed["generation"], 2);
    let log: Vec<Value> = agent.asks(|client| client.get("/v1/log?after=0&limit=10000")).await.unwrap();
    assert!(log.iter().any(|record| record["kind"] == "renewed"), "{log:?}");
}

#[tokio::test]
async fn a_token_that_was_refused_is_replaced_once_however_many_tell_of_it() {
    let agent = Agent::signed_in().await;
    let refused = agent.engine.token().await.unwrap().fingerprint;
    let tell = move |client: Client<'_>| {
        let question = RenewQuestion { rejected: Some(refused.to_string()) };
        client.send::<Value>("/v1/sessions/demo/renew", &question)
    };
    let all = tokio::join!(agent.asks(tell), agent.asks(tell), agent.asks(tell), agent.asks(tell));
    for session in [all.0, all.1, all.2, all.3] {
        assert_eq!(session.unwrap()["generation"], 2);
    }
    // Whoever comes late is told what there is meanwhile.
    assert_eq!(agent.asks(tell).await.unwrap()["generation"], 2);
    assert_eq!(agent.world.refreshes(), 1);
    for odd in ["{\"rejected\": \"x\"}", "{\"rejected\": 1}", "{\"refused\": \"x\"}"] {
        let length = odd.len();
        let asked = format!("POST /v1/sessions/demo/renew HTTP/1.0\r\ncontent-length: {length}\r\n\r\n{odd}");
        assert!(agent.sends(asked).await.contains("bad_request"), "{odd}");
    }
    assert_eq!(agent.world.refreshes(), 1);
}

#[tokio::test]
async fn nobody_can_ask_for_a_refresh_token() {
    let agent = Agent::signed_in().await;
    let secret = agent.world.stored_refresh_token().await;
    let document: Value = agent.asks(|client| client.get("/v1/openapi.json")).await.unwrap();
    for path in document["paths"].as_object().unwrap().keys().filter(|path| *path != "/v1/events") {
        let path = path.replace("{account}", "demo");
        for method in ["GET", "POST"] {
            let answer = agent.sends(format!("{method} {path} HTTP/1.0\r\n\r\n")).await;
            assert!(answer.starts_with("HTTP/1."), "{method} {path}: {answer}");
            assert!(!answer.contains(&secret), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_document_and_the_agent_know_the_same_paths() {
    let agent = Agent::new().await;
    let document: Value = agent.asks(|client| client.get("/v1/openapi.json")).await.unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods: BTreeSet<&str> = item.as_object().unwrap().keys().map(String::as_str).collect();
        for method in ["get", "post", "delete"] {
            if (path.as_str(), method) == ("/v1/events", "get") {
                continue;
            }
            let asked = format!("{} {}", method.to_uppercase(), path.replace("{account}", "demo"));
            let answer = agent.sends(format!("{asked} HTTP/1.0\r\ncontent-length: 0\r\n\r\n")).await;
            let wrong = answer.contains("wrong_method") || answer.contains("\"not_found\"");
            assert_eq!(wrong, !methods.contains(method), "{asked}: {answer}");
        }
    }
}

#[tokio::test]
async fn who_asks_while_nobody_is_signed_in_is_told_at_once() {
    let agent = Agent::new().await;
    for _ in 0..100 {
        let answer = agent.asks(|client| client.post::<Value>("/v1/sessions/demo/token")).await;
        assert_eq!(refused(answer), ("sign_in_needed".to_owned(), Some("never_signed_in".to_owned())));
    }
    assert_eq!(agent.world.notices.all(), [], "a program that asks is no reason to disturb a person");
    let unknown = agent.asks(|client| client.post::<Value>("/v1/sessions/%3Cscript%3E/token")).await;
    assert_eq!(refused(unknown).0, "unknown_account");
}

#[tokio::test]
async fn a_reader_sees_each_change_of_a_session() {
    let agent = Agent::signed_in().await;
    let (mut seen, reader) =
        agent.told("/v1/events", |session: Value| (session["state"].clone(), session["generation"].clone()));
    assert_eq!(seen.recv().await.unwrap(), ("signed_in".into(), 1.into()));
    agent.engine.renews().await.unwrap();
    while seen.recv().await.unwrap() != ("signed_in".into(), 2.into()) {}
    agent.engine.signs_out().await.unwrap();
    while seen.recv().await.unwrap().0 != "signed_out" {}
    agent.server.stop().await;
    reader.join().unwrap();
}

#[tokio::test]
async fn a_follower_of_the_log_sees_each_record_as_it_comes() {
    let agent = Agent::signed_in().await;
    let (mut seen, reader) = agent.told("/v1/log?follow=true", |record: Value| {
        (record["seq"].as_u64().unwrap(), record["kind"].clone())
    });
    let mut last = seen.recv().await.unwrap().0;
    agent.engine.renews().await.unwrap();
    loop {
        let (number, kind) = seen.recv().await.unwrap();
        assert!(number > last, "{number} after {last}");
        last = number;
        if kind == "renewed" {
            break;
        }
    }
    agent.server.stop().await;
    reader.join().unwrap();
}

#[tokio::test]
async fn a_path_of_another_version_is_told_from_one_that_is_not_there() {
    let agent = Agent::new().await;
    for (path, code) in [
        ("/v2/sessions", "other_version"),
        ("/v1/nothing", "not_found"),
        ("/nothing", "not_found"),
        ("/version/2", "not_found"),
    ] {
        let answer = agent.asks(move |client| client.get::<Value>(path)).await;
        assert_eq!(refused(answer).0, code, "{path}");
    }
}

#[tokio::test]
async fn bad_requests_get_a_short_answer_that_repeats_nothing_or_a_closed_connection() {
    let agent = Agent::signed_in().await;
    let body = |text: &str| {
        format!("POST /v1/sessions/demo/token HTTP/1.0\r\ncontent-length: {}\r\n\r\n{text}", text.len())
    };
    let large = "x".repeat(64 * 1024);
    let table = [
        ("no HTTP", "\u{0}\u{1}KANARI\r\n\r\n".to_owned(), "400"),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), ""),
        ("a path of 64 KiB", format!("GET /{large} HTTP/1.1\r\n\r\n"), ""),
        ("a header of 64 KiB", format!("GET /v1/about HTTP/1.1\r\nx: {large}\r\n\r\n"), ""),
        ("a body of 64 KiB", body(&large), "413"),
        ("the longest body", body(&"x".repeat(16 * 1024)), "400"),
        ("a body that is no JSON", body("KANARI"), "400"),
        ("a body of another version", body("{\"min_valid\":1,\"KANARI\":2}"), "400"),
        ("a number that is none", body("{\"min_valid\":-1}"), "400"),
        ("an unknown path", "GET /v1/KANARI HTTP/1.0\r\n\r\n".to_owned(), "404"),
        ("an unknown account", "GET /v1/sessions/KANARI HTTP/1.0\r\n\r\n".to_owned(), "404"),
        ("a query that is none", "GET /v1/log?after=KANARI HTTP/1.0\r\n\r\n".to_owned(), "400"),
        ("half a head", "GET /v1/abo".to_owned(), ""),
        (
            "half a body",
            "POST /v1/sessions/demo/token HTTP/1.1\r\ncontent-length: 50\r\n\r\n{".to_owned(),
            "",
        ),
    ];
    for (what, request, status) in table {
        let answer = agent.sends(request).await;
        assert!(answer.is_empty() || answer.contains(&format!(" {status}")), "{what}: {answer}");
        assert!(!answer.contains("KANARI"), "{what}: {answer}");
        assert!(answer.len() < 1024, "{what}: {} bytes", answer.len());
    }
    assert!(agent.asks(|client| client.token("demo", TokenQuestion::default())).await.is_ok());
}

#[tokio::test]
async fn a_head_of_sixteen_kibibytes_is_read_and_no_longer_one() {
    let agent = Agent::new().await;
    for (length, answered) in [(16 * 1024 - 1, true), (16 * 1024 + 1, false)] {
        let (begin, end) = ("GET /v1/about HTTP/1.0\r\nx: ", "\r\n\r\n");
        let fill = "x".repeat(length - begin.len() - end.len());
        let answer = agent.sends(format!("{begin}{fill}{end}")).await;
        assert_eq!(answer.contains(" 200 "), answered, "{length} bytes: {answer}");
    }
}

#[tokio::test]
async fn idle_connections_of_one_process_do_not_pile_up() {
    let agent = Agent::new().await;
    let path = agent.folder.path().join(socket::FILE);
    let closed = tokio::task::spawn_blocking(move || {
        let idle: Vec<_> = (0..PER_PROCESS * 4).map(|_| UnixStream::connect(&path).unwrap()).collect();
        let closed = |stream: &UnixStream| {
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            matches!((&*stream).read(&mut [0]), Ok(0))
        };
        idle.iter().rev().take(PER_PROCESS * 2).filter(|stream| closed(stream)).count()
    });
    assert_eq!(closed.await.unwrap(), PER_PROCESS * 2, "the last ones to come are turned away at once");
    let about = agent.asks(|client| client.get::<About>("/v1/about")).await;
    assert!(about.is_ok(), "once they are gone there is room again");
}

/// A process of another user, as root can make one. Elsewhere the folder's mode is all there is to try.
#[tokio::test]
async fn a_process_of_another_user_is_closed_on() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let agent = Agent::signed_in().await;
    let socket = agent.folder.path().join(socket::FILE);
    assert_eq!(asked_by_nobody(&socket).await, "cannot connect", "the folder keeps them out");
    // As if somebody had opened both doors.
    std::fs::set_permissions(agent.folder.path(), Permissions::from_mode(0o711)).unwrap();
    std::fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    assert_eq!(asked_by_nobody(&socket).await, "", "the peer's user id keeps them out");
}

/// What a process of the user `nobody` reads from the socket.
async fn asked_by_nobody(socket: &Path) -> String {
    let mut perl = asking(Path::new("perl"), socket, "GET /v1/sessions HTTP/1.0\r\n\r\n");
    let out = perl.uid(65534).output().await.unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// A process of this perl that sends a request to the socket and prints what comes back.
pub(crate) fn asking(perl: &Path, socket: &Path, request: &str) -> tokio::process::Command {
    const SCRIPT: &str = r#"
        use Socket;
        socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die;
        unless (connect($s, sockaddr_un($ARGV[0]))) { print "cannot connect"; exit }
        $SIG{PIPE} = 'IGNORE';
        $| = 1;
        syswrite($s, $ARGV[1]);
        while (sysread($s, my $part, 4096)) { print $part }
    "#;
    let mut command = tokio::process::Command::new(perl);
    command.args(["-e", SCRIPT]).arg(socket).arg(request).current_dir("/").kill_on_drop(true);
    command
}

#[tokio::test]
async fn an_agent_that_ends_leaves_no_socket_and_answers_what_is_under_way() {
    let agent = Agent::signed_in().await;
    let path = agent.folder.path().join(socket::FILE);
    assert!(path.exists());
    agent.world.next_renewal_takes(Duration::from_millis(500));
    let folder = agent.folder.path().to_owned();
    let renewed =
        tokio::task::spawn_blocking(move || Client::new(&folder).post::<Value>("/v1/sessions/demo/renew"));
    agent.engine.until_state("renewing").await;
    agent.server.stop().await;
    assert!(!path.exists());
    assert_eq!(renewed.await.unwrap().unwrap()["generation"], 2);
    let folder = agent.folder.path().to_owned();
    let asked =
        tokio::task::spawn_blocking(move || Client::new(&folder).get::<About>("/v1/about")).await.unwrap();
    assert!(asked.unwrap_err().nobody());
}
