//! A proxy before a backend that takes down every byte, so that a test knows each token that was ever issued: also
//! those of replies that were torn or thrown away.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The members of a reply that hold tokens.
const MEMBERS: [&str; 2] = ["\"accessToken\":\"", "\"refreshToken\":\""];

/// A running proxy. Dropping it ends it.
#[derive(Debug)]
pub struct Recorder {
    /// Where it listens.
    pub port: u16,
    taken: Arc<Mutex<Vec<Vec<u8>>>>,
    accepting: JoinHandle<()>,
}

impl Recorder {
    /// Starts one before this backend.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn before(backend: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&taken);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, backend, Arc::clone(&all)));
            }
        });
        Self { port, taken, accepting }
    }

    /// Every token that went through, in the order of the connections.
    ///
    /// # Panics
    /// When a connection broke this proxy.
    pub fn tokens(&self) -> Vec<String> {
        let mut tokens = Vec::new();
        for reply in self.taken.lock().unwrap().iter() {
            let reply = String::from_utf8_lossy(reply);
            for member in MEMBERS {
                // The end of a torn reply may be missing.
                let found = reply.split(member).skip(1).filter_map(|rest| rest.split('"').next());
                tokens.extend(found.map(str::to_owned));
            }
        }
        tokens.sort();
        tokens.dedup();
        tokens
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(client: TcpStream, backend: SocketAddr, taken: Arc<Mutex<Vec<Vec<u8>>>>) {
    let Ok(backend) = TcpStream::connect(backend).await else { return };
    let place = {
        let mut all = taken.lock().unwrap();
        all.push(Vec::new());
        all.len() - 1
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_backend, mut to_backend) = backend.into_split();
    let asking = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_backend).await;
        let _ = to_backend.shutdown().await;
    });
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from_backend.read(&mut buffer).await {
        let read = &buffer[..count];
        taken.lock().unwrap()[place].extend_from_slice(read);
        if to_client.write_all(read).await.is_err() {
            break;
        }
    }
    let _ = to_client.shutdown().await;
    asking.abort();
}
