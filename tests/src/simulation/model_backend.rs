//! The simulated backend behind a loopback socket, for the real engine: requests and replies are real, the time they
//! take is not. Whether it listens at all follows the world, since a request that never left can only be told from
//! one that did by a refused connection.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::backend::Grant;
use super::host::Host;
use super::world::Fate;
use super::{BEGIN, Millis, SECOND};

/// How long the engine waits for a reply (`http`, `TOTAL`).
const PATIENCE: Millis = 30 * SECOND;

/// Where the tokens are rotated.
const REFRESH: &str = "/refresh";

/// The socket of a simulated backend.
pub struct Door {
    /// Where it listens when it does.
    pub address: SocketAddr,
    host: Arc<Host>,
    open: Option<JoinHandle<()>>,
}

impl Door {
    /// A door on an address of its own: nobody else uses that part of loopback, so it can be closed and opened again.
    ///
    /// # Panics
    /// When there is no such address on this machine.
    pub async fn new(host: Arc<Host>) -> Self {
        let mut bytes = [0; 2];
        getrandom::fill(&mut bytes).unwrap();
        let listener =
            TcpListener::bind((std::net::Ipv4Addr::new(127, 99, bytes[0], bytes[1]), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = Some(tokio::spawn(serve(listener, host.clone())));
        Self { address, host, open }
    }

    /// Opens or closes the door, as a request that is made now would find it.
    ///
    /// # Panics
    /// When the address was taken by somebody else.
    pub async fn follows_the_world(&mut self) {
        let (fate, _) = self.host.world.request(self.host.time(), PATIENCE);
        if fate == Fate::NotSent {
            if let Some(open) = self.open.take() {
                open.abort();
                let _ = open.await;
            }
        } else if self.open.is_none() {
            let listener = TcpListener::bind(self.address).await.unwrap();
            self.open = Some(tokio::spawn(serve(listener, self.host.clone())));
        }
    }
}

async fn serve(listener: TcpListener, host: Arc<Host>) {
    while let Ok((stream, _)) = listener.accept().await {
        let host = host.clone();
        tokio::spawn(async move {
            let _ = answer(stream, &host).await;
        });
    }
}

async fn answer(mut stream: TcpStream, host: &Host) -> std::io::Result<()> {
    let (path, body) = read(&mut stream).await?;
    let began = host.time();
    let sender = {
        let mut state = host.state();
        state.exchanges += 1;
        state.lock.map(|(process, _)| process)
    };
    // Whoever else wanted to ask at the same time gets the chance to.
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    if host.state().exchanges > 1 {
        host.breaks("I1: two exchanges are under way at the same time");
    }
    let (fate, took) = host.world.request(began, PATIENCE);
    // The door may have been open for a connection that the world would have refused a moment later.
    let fate = if fate == Fate::NotSent { Fate::LostBefore } else { fate };
    let reply = decide(host, &path, &body, fate, began + took.min(600) / 2);
    if fate.reaches() {
        host.state().requests.push(began);
    }
    let token = body.get("token").and_then(Value::as_str).unwrap_or("");
    host.tells(format!(
        "{path} {token} meets {fate:?}, {took} ms, {}",
        reply.as_ref().map_or(0, |(status, ..)| *status)
    ));
    host.moves_to(began + took);
    if let Some(sender) = sender {
        // It may die here: what was sent is sent.
        let doomed = host.state().doomed.is_some_and(|(process, left)| process == sender && left <= 0);
        if doomed {
            host.dies(sender);
        }
    }
    host.state().exchanges -= 1;
    if let Some((status, headers, text)) = reply.filter(|_| fate != Fate::LostAfter) {
        let head = format!(
            "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
            text.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await?;
    }
    Ok(())
}

/// What the backend, or whatever answers in its place, does and says.
fn decide(host: &Host, path: &str, body: &Value, fate: Fate, at: Millis) -> Option<(u16, String, String)> {
    let says = |status: u16, json: Value| {
        let now = Timestamp::from_millisecond(BEGIN * 1000 + at).unwrap();
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap();
        Some((status, format!("content-type: application/json\r\ndate: {date}\r\n"), json.to_string()))
    };
    match fate {
        Fate::NotSent | Fate::LostBefore => None,
        Fate::Portal(200) => Some((
            200,
            "content-type: text/html\r\n".to_owned(),
            "<html>Welcome to the Wi-Fi</html>".to_owned(),
        )),
        Fate::Portal(status) => Some((status, "location: http://192.0.2.1/\r\n".to_owned(), String::new())),
        Fate::Busy(status, wait) => Some((
            status,
            wait.map_or_else(String::new, |wait| format!("retry-after: {wait}\r\n")),
            String::new(),
        )),
        Fate::Arrives | Fate::LostAfter => {
            let mut state = host.state();
            let outcome = if path == REFRESH {
                let presented =
                    body.get("token").and_then(Value::as_str).and_then(number).unwrap_or(u64::MAX);
                // Whether a reply was of use is known when it is stored.
                state.backend.refresh(presented, at, false).inspect_err(|why| {
                    state.refused.insert(presented, *why);
                })
            } else {
                Ok(state.backend.sign_in(at))
            };
            match outcome {
                Ok(grant) => {
                    let json = tokens(grant);
                    state.issued.insert(json["accessToken"].as_str().unwrap_or("").to_owned(), grant);
                    says(200, json)
                }
                Err(_) => says(400, json!({ "error": "invalid_grant" })),
            }
        }
    }
}

fn tokens(grant: Grant) -> Value {
    let epoch = |at: Millis| BEGIN * 1000 + at;
    json!({
        "accessToken": format!("at-{:x}-{:x}", grant.refresh, grant.issued),
        "accessTokenExpiry": epoch(grant.expires),
        "refreshToken": format!("rt-{:x}", grant.refresh),
        "sessionExpiry": grant.ceiling.map(epoch),
    })
}

/// The number of a refresh token.
pub fn number(token: &str) -> Option<u64> {
    u64::from_str_radix(token.strip_prefix("rt-")?, 16).ok()
}

/// One request: its path and its JSON body.
async fn read(stream: &mut TcpStream) -> std::io::Result<(String, Value)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let path = head.split(' ').nth(1).unwrap_or("").to_owned();
                return Ok((path, serde_json::from_str(body).unwrap_or(Value::Null)));
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
