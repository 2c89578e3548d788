//! A named pipe: one instance is always there that nobody is connected to yet.

use std::io;

use latchkey_windows::pipe;
use tokio::net::windows::named_pipe::NamedPipeServer;

use crate::socket::Held;

/// `ERROR_NO_DATA`: whoever connected was gone before anybody looked.
const GONE: i32 = 232;

/// A connection.
pub(in crate::server) type Stream = NamedPipeServer;

/// Where callers connect.
pub(in crate::server) struct Listener {
    name: String,
    next: NamedPipeServer,
}

impl Listener {
    /// The pipe that is held.
    pub(in crate::server) fn on(held: &mut Held) -> io::Result<Self> {
        let first = held.first.take().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Self { name: held.name.clone(), next: pipe::wait_on(first)? })
    }

    /// The next connection. Nothing is lost when this is given up.
    pub(in crate::server) async fn accept(&mut self) -> io::Result<Stream> {
        loop {
            let connected = self.next.connect().await;
            // The next one is made before this one is let go, so that the name stays ours. If it cannot be made,
            // whoever is connected now is found again the next time.
            let following = pipe::wait_on(pipe::create(&self.name, false)?)?;
            let stream = std::mem::replace(&mut self.next, following);
            match connected {
                Err(error) if error.raw_os_error() == Some(GONE) => {}
                connected => return connected.map(|()| stream),
            }
        }
    }
}
