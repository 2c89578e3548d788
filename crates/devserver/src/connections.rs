//! From a listener to single requests: connections are accepted until it is over, and each serves what it is asked.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{http::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use crate::{
    clock::Clock,
    error::StartError,
    fault::strike::Closed,
    socket::{Resettable, Socket},
};

/// How long replies may take to leave once the listener is told to stop.
const DRAIN: Duration = Duration::from_secs(2);

/// The pause after a connection could not be accepted, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens, where only this machine reaches it: whoever does is handed tokens. Gives the address with its real port.
///
/// # Errors
/// [`StartError::NotLoopback`], [`StartError::PortInUse`] and [`StartError::Listen`].
pub(crate) async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    if !address.ip().is_loopback() {
        return Err(StartError::NotLoopback { address });
    }
    let refused = |source: io::Error| {
        if source.kind() == io::ErrorKind::AddrInUse {
            StartError::PortInUse { address }
        } else {
            StartError::Listen { address, source }
        }
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let real = listener.local_addr().map_err(refused)?;
    Ok((listener, real))
}

/// Accepts connections and lets `serve` have them. Ends when `stop` has no sender any more: that is both the shutdown and
/// the drop of what listens.
pub(crate) async fn accept<F>(
    listener: TcpListener,
    clock: Arc<dyn Clock>,
    mut stop: watch::Receiver<()>,
    serve: impl Fn(TcpStream) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream));
                }
                Err(_) => {
                    tokio::select! {
                        () = clock.sleep(ACCEPT_PAUSE) => {}
                        _ = stop.changed() => break,
                    }
                }
            },
            // Connections that ended are taken out, or the set would grow for as long as the listener runs.
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    // Those that take longer are cut off when the set is dropped.
    let _ = tokio::time::timeout(DRAIN, drained).await;
}

/// Answers the requests of one connection until it ends. Told to stop, it answers what is under way and no more.
pub(crate) async fn serve<S, F>(
    stream: S,
    mut stop: watch::Receiver<()>,
    answer: impl Fn(Request<Incoming>) -> F,
) where
    S: Resettable,
    F: Future<Output = Result<Response, Closed>> + Send + 'static,
{
    let (socket, breaking) = Socket::new(stream);
    let service = service_fn(move |request| {
        // In a task of its own: a client that hangs up does not undo what it asked for.
        let answering = tokio::spawn(answer(request));
        let breaking = breaking.clone();
        async move {
            let answer = answering.await.unwrap_or(Err(Closed::Quietly));
            if matches!(answer, Err(Closed::Reset)) {
                breaking.set();
            }
            answer
        }
    });
    // The timer lets hyper close a connection whose request never comes to an end.
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(socket), service);
    let mut connection = std::pin::pin!(connection);
    // A connection that ends badly is the client's business, or a fault that was planned.
    let ended = tokio::select! {
        _ = connection.as_mut() => true,
        _ = stop.changed() => false,
    };
    if !ended {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}
