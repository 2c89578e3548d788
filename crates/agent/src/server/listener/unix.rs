//! A Unix socket.

use std::io;

use tokio::net::UnixListener;

use crate::socket::Held;

/// A connection.
pub(in crate::server) type Stream = tokio::net::UnixStream;

/// Where callers connect.
pub(in crate::server) struct Listener(UnixListener);

impl Listener {
    /// The socket that is held.
    pub(in crate::server) fn on(held: &mut Held) -> io::Result<Self> {
        let listener = held.listener.try_clone()?;
        listener.set_nonblocking(true)?;
        Ok(Self(UnixListener::from_std(listener)?))
    }

    /// The next connection. Nothing is lost when this is given up.
    pub(in crate::server) async fn accept(&mut self) -> io::Result<Stream> {
        Ok(self.0.accept().await?.0)
    }
}
