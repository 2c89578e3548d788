//! What arrives at the agent that is no request of ours, and what arrives at a client that is no agent of ours.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use latchkey_agent::client::{Client, ClientError};
use latchkey_agent::protocol::TokenQuestion;
use latchkey_agent::server::{IN_ALL, PER_PROCESS};
use latchkey_agent::socket::{self, SocketError};
use latchkey_tests::engine_world::guarded;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::agent::Agent;

/// How many garbled requests are tried; the seed is the same each time.
const CASES: u32 = 400;
const SEED: u64 = 20_261_128;

/// How long a connection may stay open that said something: less than it takes until a head is overdue.
const PATIENCE: Duration = Duration::from_secs(20);

/// Requests that are right, to begin with.
const RIGHT: [&str; 5] = [
    "GET /v1/about HTTP/1.1\r\nhost: latchkey\r\n\r\n",
    "GET /v1/sessions HTTP/1.1\r\nhost: latchkey\r\n\r\n",
    "POST /v1/sessions/demo/token HTTP/1.1\r\nhost: latchkey\r\ncontent-length: 16\r\n\r\n{\"min_valid\": 1}",
    "POST /v1/sessions/demo/consumers HTTP/1.1\r\ncontent-length: 42\r\n\r\n{\"program\": \"curl\", \"decision\": \"allow\"}  ",
    "GET /v1/log?after=0&limit=1 HTTP/1.1\r\nhost: latchkey\r\n\r\n",
];

/// What others have stumbled over, each kept here.
fn corpus() -> Vec<Vec<u8>> {
    let token = "POST /v1/sessions/demo/token HTTP/1.1\r\n";
    let many = "a: b\r\n".repeat(1000);
    [
        String::new(),
        "\0".repeat(4096),
        "GET\r\n\r\n".to_owned(),
        "GET / HTTP/0.9\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "CONNECT localhost:1 HTTP/1.1\r\n\r\n".to_owned(),
        "GET http://elsewhere/v1/about HTTP/1.1\r\n\r\n".to_owned(),
        "OPTIONS * HTTP/1.1\r\n\r\n".to_owned(),
        "GET /v1/sessions/%00%2f..%2f..%2fetc HTTP/1.1\r\n\r\n".to_owned(),
        "GET /v1/sessions/%ff HTTP/1.1\r\n\r\n".to_owned(),
        "GET /v1/log?after=18446744073709551616 HTTP/1.1\r\n\r\n".to_owned(),
        format!("{token}content-length: 4294967296\r\n\r\n{{}}"),
        format!("{token}content-length: -1\r\n\r\n{{}}"),
        format!("{token}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}x"),
        format!("{token}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/about HTTP/1.1\r\n\r\n"),
        format!("{token}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
        format!("{token}transfer-encoding: chunked\r\n\r\n4000\r\n{}", "x".repeat(0x4000)),
        format!("{token}{many}\r\n"),
        format!("{token}expect: 100-continue\r\ncontent-length: 2\r\n\r\n"),
        format!("{token}upgrade: websocket\r\nconnection: upgrade\r\n\r\n"),
        format!("{token}content-length: 40\r\n\r\n{}", "[".repeat(40)),
        "GET /v1/about HTTP/1.1\r\n\r\n".repeat(1000),
    ]
    .map(String::into_bytes)
    .into()
}

/// A right request that something happened to.
fn garbled(random: &mut Pcg32) -> Vec<u8> {
    let place = |random: &mut Pcg32, length: usize| random.next_u32() as usize % length.max(1);
    let mut bytes = RIGHT[place(random, RIGHT.len())].as_bytes().to_vec();
    for _ in 0..=place(random, 4) {
        let at = place(random, bytes.len());
        match random.next_u32() % 6 {
            0 => bytes[at] = random.next_u32().to_le_bytes()[0],
            1 => bytes.truncate(at.max(1)),
            2 => bytes.insert(at, random.next_u32().to_le_bytes()[0]),
            3 => drop(bytes.remove(at.min(bytes.len() - 1))),
            4 => {
                let part = bytes[at..].to_vec();
                bytes.extend(part);
            }
            _ => bytes.extend_from_slice(RIGHT[place(random, RIGHT.len())].as_bytes()),
        }
        if bytes.is_empty() {
            bytes.push(b'G');
        }
    }
    bytes
}

/// Says it and reads what comes back until the agent closes.
fn said(socket: &Path, bytes: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            panic!("it hangs: {}", bytes.escape_ascii())
        }
        Ok(_) | Err(_) => answer,
    }
}

#[tokio::test]
async fn garbled_requests_end_in_an_answer_or_a_closed_connection() {
    let agent = Agent::signed_in().await;
    let socket = agent.folder.path().join(socket::FILE);
    let secret = agent.world.stored_refresh_token().await;
    let answers = tokio::task::spawn_blocking(move || {
        let mut random = Pcg32::new(SEED, 1);
        let cases = corpus().into_iter().chain((0..CASES).map(|_| garbled(&mut random)));
        cases.map(|bytes| (said(&socket, &bytes), bytes)).collect::<Vec<_>>()
    });
    for (answer, bytes) in answers.await.unwrap() {
        let text = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || text.starts_with("HTTP/1."), "{}: {text}", bytes.escape_ascii());
        assert!(!text.contains(&secret), "{}", bytes.escape_ascii());
        assert!(!text.contains("HTTP/1.1 500"), "{}: {text}", bytes.escape_ascii());
    }
    let token = agent.asks(|client| client.token("demo", TokenQuestion::default())).await;
    assert!(token.is_ok(), "it serves as before");
}

/// Connects as often as it is told, says so, and says when all of it was ended.
const IDLER: &str = r#"
    use Socket;
    my @all;
    for (1 .. $ARGV[1]) {
        socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die;
        connect($s, sockaddr_un($ARGV[0])) or die;
        push @all, $s;
    }
    $| = 1; print "idle\n";
    for my $s (@all) { sysread($s, my $x, 1) and die "something was said" }
    print "ended\n";
"#;

#[tokio::test]
async fn thousands_of_idle_connections_of_many_processes_shut_nobody_out_and_end() {
    let agent = Agent::signed_in().await;
    let socket = agent.folder.path().join(socket::FILE);
    let each = (PER_PROCESS - 1).to_string();
    let mut crowd: Vec<_> = (0..IN_ALL * 2 / PER_PROCESS)
        .map(|_| {
            let mut perl = tokio::process::Command::new("perl");
            perl.args(["-e", IDLER]).arg(&socket).arg(&each).kill_on_drop(true);
            let mut perl = perl.stdout(std::process::Stdio::piped()).spawn().unwrap();
            let lines = BufReader::new(perl.stdout.take().unwrap()).lines();
            (perl, lines)
        })
        .collect();
    for (_, lines) in &mut crowd {
        assert_eq!(guarded("a crowd", lines.next_line()).await.unwrap().unwrap(), "idle");
    }
    for _ in 0..10 {
        let token = agent.asks(|client| client.token("demo", TokenQuestion::default())).await;
        assert!(token.is_ok(), "{:?}", token.err());
    }
    for (perl, lines) in &mut crowd {
        assert_eq!(guarded("its end", lines.next_line()).await.unwrap().unwrap(), "ended");
        assert!(perl.wait().await.unwrap().success());
    }
}

/// As a program that was stopped in a terminal (Ctrl-Z) while it followed what happens.
#[tokio::test]
async fn who_reads_no_answers_keeps_no_agent_from_ending() {
    let agent = Agent::signed_in().await;
    let mut stuck = UnixStream::connect(agent.folder.path().join(socket::FILE)).unwrap();
    stuck.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    // More answers than the system holds for somebody.
    let question = b"GET /v1/openapi.json HTTP/1.1\r\nhost: latchkey\r\n\r\n";
    let asked = tokio::task::spawn_blocking(move || {
        for _ in 0..200 {
            let _ = stuck.write_all(question);
        }
        stuck
    });
    let _stuck = asked.await.unwrap();
    guarded("the end of the agent", agent.ends()).await;
}

/// Something that listens in the agent's place and answers this, whatever it is asked.
fn answers_with(answer: &'static [u8]) -> (tempfile::TempDir, std::thread::JoinHandle<()>) {
    let folder = private_folder();
    let listener = UnixListener::bind(folder.path().join(socket::FILE)).unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer);
    });
    (folder, thread)
}

fn private_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    folder
}

#[test]
fn a_client_that_meets_another_version_or_half_an_answer_says_so_and_has_no_token() {
    let asked = |answer| {
        let (folder, thread) = answers_with(answer);
        let outcome = Client::new(folder.path()).token("demo", TokenQuestion::default());
        thread.join().unwrap();
        outcome.err().unwrap()
    };
    let another = asked(b"HTTP/1.1 200 OK\r\n\r\n{\"token\": {\"v\": 2}}");
    assert!(matches!(another, ClientError::Unreadable), "{another}");
    assert!(another.to_string().contains("another version"), "{another}");
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"access_token\": \"abc";
    assert!(matches!(asked(half), ClientError::Unreadable), "an agent that died while it answered");
    assert!(matches!(asked(b"HTTP/1.1 2"), ClientError::Lost(_)));
    assert!(matches!(asked(b""), ClientError::Lost(_)));
    assert!(matches!(asked(b"SSH-2.0-OpenSSH\r\n\r\n"), ClientError::Unreadable));
    let told = b"HTTP/1.1 404 Not Found\r\n\r\n{\"error\": {\"code\": \"other_version\", \"message\": \"only 2\", \"new\": 1}}";
    assert!(matches!(asked(told), ClientError::Refused(why) if why.code == "other_version"));
}

#[tokio::test]
async fn a_program_of_another_version_is_told_which_are_spoken() {
    let agent = Agent::new().await;
    let versions: serde_json::Value = agent.asks(|client| client.get("/")).await.unwrap();
    assert_eq!(versions["protocols"], serde_json::json!([1]));
    let later = agent.asks(|client| client.get::<serde_json::Value>("/v2/sessions")).await;
    let Err(ClientError::Refused(why)) = later else { panic!("{later:?}") };
    assert_eq!(why.code, "other_version");
    assert!(why.message.contains("version 1"), "{}", why.message);
}

/// A listener of the user `nobody`, as root can make one in a folder of its own.
#[test]
fn a_socket_behind_which_another_user_listens_is_not_asked() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = private_folder();
    let script = r#"
        use Socket;
        socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die;
        bind($s, sockaddr_un($ARGV[0])) or die;
        $> = 65534;
        listen($s, 5) or die;
        $| = 1; print "listening\n";
        accept(my $c, $s) or die;
        print "asked\n" if sysread($c, my $x, 1);
    "#;
    let socket: PathBuf = folder.path().join(socket::FILE);
    let mut perl = std::process::Command::new("perl")
        .args(["-e", script])
        .arg(&socket)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = perl.stdout.take().unwrap();
    let mut line = [0; 10];
    out.read_exact(&mut line).unwrap();
    let outcome = Client::new(folder.path()).token("demo", TokenQuestion::default());
    assert!(matches!(outcome, Err(ClientError::Socket(SocketError::Foreign(_)))));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "nothing was asked of it");
    perl.wait().unwrap();
}
