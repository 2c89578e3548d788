//! The proxy as the program behind it sees it: every request is authorized, and whatever comes is passed on as it comes.

use jiff::SignedDuration;
use latchkey_tests::engine_world::guarded;
use latchkey_tests::proxied::{Proxied, hears};
use latchkey_tests::upstream::Pieces;
use tokio::io::AsyncWriteExt as _;

/// More than the program may hold of it.
const LARGE: u64 = 96 * 1024 * 1024;
/// What it may hold at most, of a large body and of everything else.
const HELD: u64 = 32 * 1024;

#[tokio::test]
async fn the_token_is_put_in_and_the_caller_sees_none() {
    let proxied = Proxied::new().await;
    let request = proxied.request("a/b?c=d").header("authorization", "Bearer mine").header("x-own", "1");
    let answer = proxied.sends(request.header("connection", "x-hop").header("x-hop", "1")).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().get("keep-alive").is_none(), "{:?}", answer.headers());
    let token = proxied.token().await;
    assert!(!format!("{:?}", answer.headers()).contains(&token));
    let arrived = proxied.upstream.arrived();
    assert_eq!((arrived.len(), arrived[0].line.as_str()), (1, "GET /a/b?c=d"));
    assert_eq!(arrived[0].header("authorization"), format!("Bearer {token}"));
    assert_eq!((arrived[0].header("x-own"), arrived[0].header("x-hop")), ("1", ""));
    assert_eq!(format!("http://{}", arrived[0].header("host")), proxied.upstream.url);
}

#[tokio::test]
async fn an_expired_token_is_renewed_before_the_request_leaves() {
    let proxied = Proxied::new().await;
    let before = proxied.token().await;
    proxied.engine.time_passes(SignedDuration::from_mins(5)).await;
    assert_eq!(proxied.gets("").await.status(), 200);
    let arrived = proxied.upstream.arrived();
    assert_eq!(arrived.len(), 1, "nothing was refused");
    assert_ne!(arrived[0].header("authorization"), format!("Bearer {before}"));
}

#[tokio::test]
async fn large_bodies_pass_in_both_directions_and_are_not_held() {
    let proxied = Proxied::new().await;
    assert_eq!(proxied.gets("").await.text().await.unwrap(), "0");
    let before = most_held();
    let sent = proxied.posts("upload", reqwest::Body::wrap(Pieces { left: LARGE })).await;
    assert_eq!(sent.text().await.unwrap(), LARGE.to_string());
    let mut received = proxied.gets(&format!("large?{LARGE}")).await;
    assert_eq!(received.content_length(), Some(LARGE));
    let mut length = 0;
    while let Some(piece) = received.chunk().await.unwrap() {
        length += piece.len() as u64;
    }
    assert_eq!(length, LARGE);
    assert!(most_held() < before + HELD, "{} KiB, {before} KiB before", most_held());
}

/// The most memory that this process has held, in KiB.
fn most_held() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn events_arrive_as_they_are_sent() {
    let proxied = Proxied::new().await;
    let mut events = proxied.gets("events").await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let first = guarded("the first event", events.chunk()).await.unwrap().unwrap();
    assert_eq!(&first[..], b"data: one\n\n", "while the second is not there yet");
    assert_eq!(proxied.proxy.follow().borrow().open, 1);
    proxied.upstream.goes_on();
    let second = guarded("the second event", events.chunk()).await.unwrap().unwrap();
    assert_eq!(&second[..], b"data: two\n\n");
    assert!(guarded("the end", events.chunk()).await.unwrap().is_none());
    let mut counts = proxied.proxy.follow();
    guarded("nothing open", counts.wait_for(|counts| counts.open == 0)).await.unwrap();
}

/// A masked text frame "hello" (RFC 6455 §5.7).
const HELLO: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

#[tokio::test]
async fn a_websocket_is_opened_with_the_token_and_carries_both_ways() {
    let proxied = Proxied::new().await;
    proxied.upstream.refuses("/socket", 1);
    let (host, target) = (proxied.proxy.address(), proxied.target("socket"));
    let opening = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://{host}\r\n\r\n"
    );
    let (head, mut socket) = proxied.says(&opening, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101") && head.contains("upgrade: websocket"), "{head}");
    for _ in 0..3 {
        socket.write_all(&HELLO).await.unwrap();
        let echoed = guarded("an echo", async {
            let mut echoed = [0; HELLO.len()];
            tokio::io::AsyncReadExt::read_exact(&mut socket, &mut echoed).await.map(|_| echoed)
        });
        assert_eq!(echoed.await.unwrap(), HELLO);
    }
    let arrived = proxied.upstream.arrived();
    assert_eq!(arrived.len(), 2, "refused once, and asked again with another token");
    assert_ne!(arrived[0].header("authorization"), arrived[1].header("authorization"));
    assert_eq!(arrived[1].header("sec-websocket-key"), "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(arrived[1].header("origin"), proxied.upstream.url);
    guarded("the proxy's end", proxied.proxy.stop()).await;
    assert_eq!(guarded("the socket's end", hears(&mut socket, "never")).await, "");
}

#[tokio::test]
async fn a_redirect_is_passed_on_and_leads_through_the_proxy_only_within_the_upstream() {
    let proxied = Proxied::at("/v1", false).await;
    let (here, there) = (proxied.proxy.base_url().to_owned(), proxied.upstream.url.clone());
    assert_eq!(proxied.gets("redirect").await.status(), 200, "the upstream's is at its root");
    let root = Proxied::new().await;
    let away = root.gets("redirect?https://login.example.com/").await;
    assert_eq!(
        (away.status().as_u16(), &away.headers()["location"]),
        (302, &"https://login.example.com/".parse().unwrap())
    );
    let within = root.gets(&format!("redirect?{}/next", root.upstream.url)).await;
    assert_eq!(within.headers()["location"], root.address("next"));
    assert_eq!(root.upstream.arrived().len(), 2, "neither was followed");
    assert_eq!(proxied.upstream.arrived()[0].line, "GET /v1/redirect");
    assert!(here.starts_with("http://127.0.0.1:") && there != here);
}

#[tokio::test]
async fn a_slow_upstream_is_waited_for_and_told_when_the_caller_has_gone() {
    let proxied = Proxied::new().await;
    let (host, target) = (proxied.proxy.address(), proxied.target("held"));
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let mut caller = tokio::net::TcpStream::connect(host).await.unwrap();
    caller.write_all(request.as_bytes()).await.unwrap();
    guarded("the request at the upstream", async {
        while proxied.upstream.arrived().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(caller);
    guarded("its end there", proxied.upstream.was_let_go()).await;

    proxied.upstream.goes_on();
    let waiting = proxied.gets("held").await;
    assert_eq!(waiting.text().await.unwrap(), "at last");
}

#[tokio::test]
async fn an_answer_to_what_has_reached_the_upstream_is_passed_on_also_when_the_engine_has_ended_meanwhile() {
    let proxied = Proxied::new().await;
    let waiting = async {
        guarded("the request at the upstream", async {
            while proxied.upstream.arrived().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        proxied.engine.close().await;
        proxied.upstream.goes_on();
    };
    let (answer, ()) = tokio::join!(proxied.gets("held"), waiting);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), "at last");
}

#[tokio::test]
async fn the_upstream_is_told_how_long_a_body_is_also_where_there_is_none() {
    let proxied = Proxied::new().await;
    let (host, target) = (proxied.proxy.address(), proxied.target("start"));
    for (body, length) in [(Some(0), "0"), (Some(2), "2"), (Some(100_000), "100000"), (None, "")] {
        let said = body.map_or_else(String::new, |body| format!("Content-Length: {body}\r\n"));
        let body = "x".repeat(body.unwrap_or_default());
        let request =
            format!("POST {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{said}\r\n{body}");
        assert!(proxied.says(&request, "\r\n\r\n").await.0.starts_with("HTTP/1.1 200"));
        let arrived = proxied.upstream.arrived();
        assert_eq!(
            arrived.last().unwrap().header("content-length"),
            length,
            "some servers answer 411 otherwise"
        );
    }
}
