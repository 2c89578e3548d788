//! A collector of OpenTelemetry on loopback: takes requests in JSON and keeps them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// The collector. Its thread ends with the test's process.
#[derive(Debug)]
pub struct Collector {
    /// Where it listens.
    pub url: String,
    taken: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Collector {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taken: Arc<Mutex<Vec<_>>> = Arc::default();
        let kept = taken.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(request) = take(stream) {
                    kept.lock().unwrap().push(request);
                }
            }
        });
        Self { url, taken }
    }

    /// The documents that came to this path, oldest first.
    ///
    /// # Panics
    /// Never: nobody holds the list for long.
    pub fn taken(&self, path: &str) -> Vec<Value> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|(to, _)| to == path).map(|(_, document)| document.clone()).collect()
    }
}

/// One request, answered with 200.
fn take(stream: TcpStream) -> Option<(String, Value)> {
    let mut stream = BufReader::new(stream);
    let (mut lines, mut line) = (Vec::new(), String::new());
    while stream.read_line(&mut line).ok()? > 2 {
        lines.push(std::mem::take(&mut line).to_ascii_lowercase());
    }
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length:"))?;
    let mut body = vec![0; length.trim().parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    stream.get_mut().write_all(answer).ok()?;
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    Some((path, serde_json::from_slice(&body).ok()?))
}
