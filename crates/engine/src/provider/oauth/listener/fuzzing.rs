//! Requests of any bytes where the browser comes back to: only the right answer counts, and no page repeats a request.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::StatusCode;
use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{Answer, Door, Expected, Page, connection};
use crate::clock::ManualClock;
use crate::jose::pkce::State;

const HOST: &str = "127.0.0.1:4711";
const PATH: &str = "/callback";
/// Stands for the state that was sent along.
const STATE: &[u8] = b"STATE";
/// Longer than any answer takes that does not wait for a clock.
const GUARD: Duration = Duration::from_secs(20);

/// What a program or a page sends to the listener; the word `STATE` in it is the right state.
pub fn callback(input: &[u8]) {
    let state = State::generate().unwrap();
    let request = with_state(input, state.expose());
    let (sender, mut answer) = oneshot::channel();
    let (outcome, shown) = watch::channel(None);
    // Nobody tells how it ended, so no page waits for that.
    drop(outcome);
    let door = Door {
        host: HOST.to_owned(),
        path: PATH.to_owned(),
        done: format!("{PATH}/done"),
        expected: Expected { state, issuer: None, names_itself: false },
        answer: Mutex::new(Some(sender)),
        outcome: shown,
        seen: CancellationToken::new(),
        clock: Arc::new(ManualClock::new(Timestamp::from_second(1_790_000_000).unwrap())),
    };
    let replied = said_to(&request, Arc::new(door));
    let taken = answer.try_recv();
    let text = String::from_utf8_lossy(input);
    match taken {
        Ok(Answer::Code(code)) => {
            assert!(
                text.starts_with("GET ") && text.contains("code=") && text.contains("STATE"),
                "a code of nobody"
            );
            assert!(
                code.expose().len() < 8 || !contains(&replied, code.expose().as_bytes()),
                "the code is repeated"
            );
        }
        Ok(Answer::Ended(_)) => assert!(text.contains("STATE"), "anybody can end a sign-in"),
        Ok(Answer::NotOurs) => unreachable!("what is not ours is not passed on"),
        Err(_) => {}
    }
    is_one_of_ours(&replied);
}

fn with_state(input: &[u8], state: &str) -> Vec<u8> {
    let mut request = Vec::with_capacity(input.len() + 64);
    let mut rest = input;
    while let Some(at) = rest.windows(STATE.len()).position(|five| five == STATE) {
        request.extend_from_slice(&rest[..at]);
        request.extend_from_slice(state.as_bytes());
        rest = &rest[at + STATE.len()..];
    }
    request.extend_from_slice(rest);
    request
}

fn said_to(request: &[u8], door: Arc<Door>) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (mut browser, listener) = tokio::io::duplex(256 * 1024);
        let mut replied = Vec::new();
        let talks = async {
            // It may be hung up on before it has said everything.
            let _ = browser.write_all(request).await;
            let _ = browser.shutdown().await;
            let _ = browser.read_to_end(&mut replied).await;
        };
        let both = async { tokio::join!(connection(listener, door), talks) };
        tokio::time::timeout(GUARD, both).await.expect("a request must be answered or hung up on");
        replied
    })
}

/// Every answer is one of the pages there are, so that nothing of a request can be in it.
fn is_one_of_ours(replied: &[u8]) {
    let text = std::str::from_utf8(replied).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        assert!(text.is_empty(), "half an answer: {text}");
        return;
    };
    let status: u16 =
        head.strip_prefix("HTTP/1.1 ").or(head.strip_prefix("HTTP/1.0 ")).unwrap()[..3].parse().unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    let pages = [Page::refused(status), Page::not_ours(), Page::still_waiting()];
    assert!(
        body.is_empty() || pages.iter().any(|page| page.status == status && page.html() == body),
        "{text}"
    );
    if !body.is_empty() {
        assert!(
            head.contains("content-security-policy: default-src 'none'") && head.contains("no-store"),
            "{head}"
        );
    }
    let place = head.lines().find_map(|line| line.strip_prefix("location: "));
    assert!(place.is_none_or(|place| place == format!("{PATH}/done")), "it leads elsewhere: {head}");
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
