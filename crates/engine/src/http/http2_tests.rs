//! Frames of HTTP/2 as no server should send them, written by hand (RFC 9113 §4.1).

use std::sync::atomic::AtomicUsize;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

// Types of frames and their flags (RFC 9113 §6).
const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const SETTINGS: u8 = 0x4;
const GOAWAY: u8 = 0x7;
const ACK: u8 = 0x1;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

// Whole heads of answers: indices of the static table (RFC 7541 App. A).
const STATUS_200: &[u8] = &[0x88];
const STATUS_204: &[u8] = &[0x89];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Takes the next connection, and reads up to the head of its request: which stream that is.
async fn asked(listener: &TcpListener) -> (TcpStream, u32) {
    let (mut connection, _) = listener.accept().await.unwrap();
    connection.read_exact(&mut [0; b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()]).await.unwrap();
    connection.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    loop {
        let mut head = [0; 9];
        connection.read_exact(&mut head).await.unwrap();
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]).try_into().unwrap()];
        connection.read_exact(&mut payload).await.unwrap();
        if kind == SETTINGS && flags & ACK == 0 {
            connection.write_all(&frame(SETTINGS, ACK, 0, &[])).await.unwrap();
        }
        if kind == HEADERS {
            return (connection, u32::from_be_bytes(stream));
        }
    }
}

/// The engine's client, but that HTTP/2 is not agreed on, which takes TLS.
fn client(total: Duration) -> Http {
    let client = asking().no_proxy().http2_prior_knowledge().timeout(total).build().unwrap();
    Http { outward: client.clone(), loopback: client, heard: None, observer: None }
}

async fn listening() -> (TcpListener, Url) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap()).parse().unwrap();
    (listener, url)
}

/// A goodbye names the last request that may have been acted on (RFC 9113 §6.8): that one may have spent a token.
#[tokio::test]
async fn a_goodbye_before_a_request_was_taken_repeats_it_and_one_after_that_does_not() {
    for (is_taken, connections, outcome) in [(false, 2, Some(204)), (true, 1, None)] {
        let (listener, url) = listening().await;
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let serving = tokio::spawn(async move {
            loop {
                let (mut connection, stream) = asked(&listener).await;
                let says = if counted.fetch_add(1, Ordering::Relaxed) == 0 {
                    let (last, no_error) = (if is_taken { stream } else { 0 }, [0; 4]);
                    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), no_error].concat())
                } else {
                    frame(HEADERS, END_STREAM | END_HEADERS, stream, STATUS_204)
                };
                connection.write_all(&says).await.unwrap();
                connection.shutdown().await.unwrap();
                // What comes yet is read, since a connection that is closed over it takes its last words along.
                tokio::spawn(async move { connection.read_to_end(&mut Vec::new()).await });
            }
        });
        let form = [("grant_type", "refresh_token"), ("refresh_token", "r")];
        let answer = client(TOTAL).send(Request::post_form(&url, form)).await;
        serving.abort();
        assert_eq!(answer.as_ref().map(|reply| reply.status).ok(), outcome);
        assert_eq!(answer.err(), outcome.is_none().then_some(Failure::NoReply));
        assert_eq!(count.load(Ordering::Relaxed), connections, "taken: {is_taken}");
    }
}

#[tokio::test]
async fn frames_without_end_and_without_content_are_cut_off_when_the_time_for_an_answer_is_over() {
    let (listener, url) = listening().await;
    let flooding = tokio::spawn(async move {
        let (mut connection, stream) = asked(&listener).await;
        let _ = connection.write_all(&frame(HEADERS, END_HEADERS, stream, STATUS_200)).await;
        let many = frame(DATA, 0, stream, &[]).repeat(1_000);
        let mut written = 0_u64;
        while connection.write_all(&many).await.is_ok() {
            written += 1_000;
        }
        written
    });
    let answer = client(Duration::from_secs(1)).send(Request::get(&url)).await;
    assert_eq!(answer.err(), Some(Failure::NoReply));
    // The connection is closed as well, or this would never end.
    assert!(flooding.await.unwrap() > 0);
}
