//! A connection that can be reset instead of closed.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A connection whose end may be a reset (RFC 9293 §3.10.7): what a client sees of a machine that lost it.
pub(crate) struct Socket<S: Resettable = TcpStream> {
    stream: S,
    breaking: Breaking,
}

/// Says that a connection is to end with a reset.
#[derive(Clone, Default)]
pub(crate) struct Breaking(Arc<AtomicBool>);

impl Breaking {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A stream whose connection can be reset.
pub(crate) trait Resettable: AsyncRead + AsyncWrite + Unpin {
    /// Its connection is reset when it is dropped.
    fn reset_at_the_end(&self) -> io::Result<()>;
}

impl Resettable for TcpStream {
    fn reset_at_the_end(&self) -> io::Result<()> {
        self.set_zero_linger()
    }
}

impl<S: Resettable> Socket<S> {
    pub(crate) fn new(stream: S) -> (Self, Breaking) {
        let breaking = Breaking::default();
        (Self { stream, breaking: breaking.clone() }, breaking)
    }
}

impl<S: Resettable> Drop for Socket<S> {
    fn drop(&mut self) {
        if self.breaking.is_set() {
            // Where it cannot be reset it is closed: the client loses its reply either way.
            let _ = self.stream.reset_at_the_end();
        }
    }
}

impl<S: Resettable> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: Resettable> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.breaking.is_set() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
