//! Serving the socket: who may connect, how many, and for how long.

mod answers;
mod events;
#[cfg(all(unix, any(test, feature = "fuzzing")))]
pub mod fuzzing;
mod guests;
mod listener;
mod program;
mod routes;

use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use latchkey_engine::EngineHandle;
use latchkey_engine::event_log::EventLog;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use self::guests::{Guest, Guests};
use self::listener::{Listener, Stream};
use self::program::Caller;
use self::routes::Asked;
use crate::protocol::About;
use crate::socket::{Held, Peer, SocketError};

/// How many connections one process may have at a time: a program in a loop does not shut out the others.
pub const PER_PROCESS: usize = 32;
/// How many connections all processes may have together.
pub const IN_ALL: usize = 1024;
/// How long a connection may be silent before its request's head is whole.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long answers under way are waited for at the end, when there is nothing left to wait for but whoever reads them: a
/// program that was stopped and reads nothing keeps nobody from ending.
const FAREWELL: Duration = Duration::from_secs(5);
/// The longest head of a request, in bytes. hyper wants 8 KiB at least.
const MAX_HEAD: usize = 16 * 1024;

/// What the agent answers with.
#[derive(Clone)]
pub struct Served {
    /// The sessions.
    pub engine: EngineHandle,
    /// What happened.
    pub log: EventLog,
    /// Who answers.
    pub about: About,
}

/// The agent, serving until it is told to stop.
pub struct Server {
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Serves the socket. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`SocketError::Io`] when the socket cannot be waited on.
    pub fn start(mut held: Held, served: Served) -> Result<Self, SocketError> {
        let listener =
            Listener::on(&mut held).map_err(|source| SocketError::Io { path: held.path.clone(), source })?;
        let stop = CancellationToken::new();
        let ended = tokio::spawn(accept(listener, served, stop.clone(), held));
        Ok(Self { stop, ended })
    }

    /// Stops: the socket goes, answers under way are finished as far as they are read, and streams of events end.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = self.ended.await;
    }
}

/// Accepts until it is stopped; `held` keeps the socket as long as that lasts.
async fn accept(mut listener: Listener, served: Served, stop: CancellationToken, held: Held) {
    let guests = Guests::default();
    let router = routes::router(Asked { served, stop: stop.clone() });
    let connections = tokio_util::task::TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok(stream) = accepted else {
            // Out of file descriptors, most likely: those who are connected go on, and their end makes room.
            warn!(kind = "agent_cannot_accept", "A connection could not be accepted");
            tokio::time::timeout(Duration::from_millis(100), stop.cancelled()).await.ok();
            continue;
        };
        let Some((caller, guest)) = admitted(&stream, &guests) else { continue };
        connections.spawn(serve(stream, router.clone(), caller, guest, stop.clone()));
    }
    // Whoever comes now finds nobody, rather than a socket that is not answered at any more.
    drop((listener, held));
    connections.close();
    connections.wait().await;
}

/// Whoever is another user, or one too many, is closed on before anything is read.
fn admitted(stream: &Stream, guests: &Guests) -> Option<(Caller, Guest)> {
    let peer = Peer::of(stream).ok()?;
    if !peer.is_us() {
        warn!(kind = "agent_foreign_user", uid = peer.user(), "A process of another user was turned away");
        return None;
    }
    let guest = guests.enter(peer.pid);
    if guest.is_none() {
        debug!(kind = "agent_crowded", "A process has too many connections; one was closed");
    }
    let guest = guest?;
    Some((Caller::hold(stream, peer), guest))
}

async fn serve(stream: Stream, router: Router, caller: Caller, guest: Guest, stop: CancellationToken) {
    let speaks = guest.voice();
    let service = routes::service(router, caller, speaks);
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MAX_HEAD)
        // Some tools close their end as soon as they have asked.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // What a peer breaks off or garbles is the end of its connection and of nothing else.
        _ = connection.as_mut() => {}
        () = guest.makes_room() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(FAREWELL, connection).await;
        }
    }
    drop(guest);
}
