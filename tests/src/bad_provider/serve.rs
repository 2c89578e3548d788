//! Connections: hyper reads requests and writes replies, also those that break off.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, DATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::exchange::{Delivery, Endpoint, Reply, Request};
use super::state::State;

/// No form is longer.
const LONGEST_FORM: usize = 64 * 1024;

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&state), request));
            // A connection that ends badly is the client's business, or was planned.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        // Those that have ended are let go.
        while connections.try_join_next().is_some() {}
    }
}

/// The connection ends without a word.
#[derive(Debug)]
struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reply is not to be sent")
    }
}

impl std::error::Error for Closed {}

async fn answer(
    state: Arc<Mutex<State>>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Sent>, Closed> {
    let (head, body) = request.into_parts();
    let form = Limited::new(body, LONGEST_FORM).collect().await.map_err(|_| Closed)?.to_bytes();
    let header = |name: &str| {
        head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let parameters = form_urlencoded::parse(query).chain(form_urlencoded::parse(&form));
    let parameters = parameters.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();

    let (endpoint, method) = (Endpoint::at(head.uri.path()), head.method.as_str().to_owned());
    let (authorization, proof) = (header(AUTHORIZATION.as_str()), header("dpop"));

    let (now, reply) = {
        let mut state = state.lock().unwrap();
        let at = state.now();
        (at, state.answer(Request { endpoint, at, method, parameters, authorization, proof }))
    };
    if reply.delivery == Delivery::Never {
        std::future::pending::<()>().await;
    }
    response(reply, &DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap())
}

fn response(reply: Reply, date: &str) -> Result<hyper::Response<Sent>, Closed> {
    let mut response = hyper::Response::builder().status(reply.status).header(DATE, date);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let bytes = Bytes::from(reply.body);
    let body = match reply.delivery {
        Delivery::Nothing | Delivery::Never => return Err(Closed),
        Delivery::Whole => Sent::Whole(bytes),
        Delivery::Torn => {
            response = response.header(CONTENT_LENGTH, bytes.len());
            Sent::Torn(bytes.slice(..bytes.len() / 2))
        }
    };
    Ok(response.body(body).unwrap())
}

/// A body that may end too early.
enum Sent {
    Whole(Bytes),
    Torn(Bytes),
    /// What there is of it leaves first.
    Leaving,
    Breaking,
    Ended,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        let (next, frame) = match std::mem::replace(&mut *self, Self::Ended) {
            Self::Whole(bytes) => (Self::Ended, Poll::Ready(Some(Ok(Frame::data(bytes))))),
            Self::Torn(bytes) => (Self::Leaving, Poll::Ready(Some(Ok(Frame::data(bytes))))),
            Self::Leaving => {
                context.waker().wake_by_ref();
                (Self::Breaking, Poll::Pending)
            }
            Self::Breaking => (Self::Ended, Poll::Ready(Some(Err(Closed)))),
            Self::Ended => (Self::Ended, Poll::Ready(None)),
        };
        *self = next;
        frame
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Ended => true,
            Self::Torn(_) | Self::Leaving | Self::Breaking => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Torn(_) | Self::Leaving | Self::Breaking | Self::Ended => SizeHint::default(),
        }
    }
}
