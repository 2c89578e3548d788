//! Asking the agent. Blocking and small: one connection, one question, one answer.

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::protocol::{
    HeadersAnswer, HeadersQuestion, LONGEST_WAIT, Problem, ProblemDetail, TokenAnswer, TokenQuestion,
};
use crate::socket::{self, SocketError};

/// As long as an answer may take that waits for nothing, unless somebody says otherwise.
const ANSWER: Duration = Duration::from_secs(35);
/// The longest answer that is read: a thousand sessions are less.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;
/// The longest head of an answer.
const MAX_HEAD: usize = 8 * 1024;
const MAX_HEADERS: usize = 32;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is nobody to ask, or somebody who is not to be asked.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The agent went away, or took too long.
    #[error("the agent did not answer: {0}")]
    Lost(#[source] io::Error),
    /// What came back is none of our answers: an agent of another version, most likely.
    #[error("the agent's answer cannot be read: it may be of another version; restart it")]
    Unreadable,
    /// The agent says no.
    #[error("{}", .0.message)]
    Refused(ProblemDetail),
}

impl ClientError {
    /// Whether no agent runs, or only one that is on its way out: whoever can do without one goes on by itself.
    pub fn nobody(&self) -> bool {
        match self {
            Self::Socket(SocketError::Nobody(_)) => true,
            Self::Refused(why) => why.code == "closing",
            Self::Socket(_) | Self::Lost(_) | Self::Unreadable => false,
        }
    }
}

/// The way to the agent whose socket is in a folder.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    folder: &'a Path,
    /// How long an answer may take that waits for nothing.
    within: Duration,
}

impl<'a> Client<'a> {
    /// The agent that serves in this runtime folder.
    pub fn new(folder: &'a Path) -> Self {
        Self { folder, within: ANSWER }
    }

    /// The same for somebody who waits no longer than this.
    #[must_use]
    pub fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// What a path says.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.ask("GET", path, b"", self.within)
    }

    /// Has something done.
    pub fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.ask("POST", path, b"", self.within)
    }

    /// Has something done that takes a body.
    pub fn send<T: DeserializeOwned>(&self, path: &str, question: &impl Serialize) -> Result<T, ClientError> {
        let body = serde_json::to_vec(question).map_err(|_| ClientError::Unreadable)?;
        self.ask("POST", path, &body, self.within)
    }

    /// A valid access token.
    pub fn token(&self, account: &str, question: TokenQuestion) -> Result<TokenAnswer, ClientError> {
        let body = serde_json::to_vec(&question).map_err(|_| ClientError::Unreadable)?;
        let path = format!("/v1/sessions/{account}/token");
        self.ask("POST", &path, &body, self.within + waiting(question.wait))
    }

    /// What authorizes one request to a resource server.
    pub fn request_headers(
        &self,
        account: &str,
        question: &HeadersQuestion,
    ) -> Result<HeadersAnswer, ClientError> {
        let body = serde_json::to_vec(question).map_err(|_| ClientError::Unreadable)?;
        let path = format!("/v1/sessions/{account}/request-headers");
        self.ask("POST", &path, &body, self.within + waiting(question.wait))
    }

    /// Opens an answer that does not end, such as `/v1/events`, and gives its body to read.
    pub fn open(&self, path: &str) -> Result<impl Read + use<>, ClientError> {
        let mut stream = socket::connect(self.folder)?;
        stream.set_read_timeout(Some(self.within)).map_err(ClientError::Lost)?;
        send(&mut stream, "GET", path, b"")?;
        let (status, rest) = head(&mut stream)?;
        // What follows comes when it happens.
        stream.set_read_timeout(None).map_err(ClientError::Lost)?;
        let body = io::Cursor::new(rest).chain(stream);
        if status == 200 { Ok(body) } else { Err(refusal(body)) }
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
        wait: Duration,
    ) -> Result<T, ClientError> {
        let mut stream = socket::connect(self.folder)?;
        stream.set_read_timeout(Some(wait)).map_err(ClientError::Lost)?;
        stream.set_write_timeout(Some(self.within)).map_err(ClientError::Lost)?;
        send(&mut stream, method, path, body)?;
        let (status, rest) = head(&mut stream)?;
        let body = io::Cursor::new(rest).chain(stream);
        if !(200..300).contains(&status) {
            return Err(refusal(body));
        }
        let bytes = whole(body)?;
        let bytes = if bytes.is_empty() { b"null".as_slice() } else { &bytes };
        serde_json::from_slice(bytes).map_err(|_| ClientError::Unreadable)
    }
}

/// How long the agent may wait for a token.
fn waiting(asked: Option<u64>) -> Duration {
    Duration::from_secs(asked.unwrap_or(10).min(LONGEST_WAIT))
}

/// HTTP/1.0: the answer ends when the connection does, and is never cut into chunks.
fn send(stream: &mut impl Write, method: &str, path: &str, body: &[u8]) -> Result<(), ClientError> {
    let mut request = format!(
        "{method} {path} HTTP/1.0\r\nhost: latchkey\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    stream.write_all(&request).map_err(lost)
}

/// Reads an answer's head: its status, and what was read of the body with it.
fn head(stream: &mut impl Read) -> Result<(u16, Vec<u8>), ClientError> {
    let mut read = Vec::with_capacity(2048);
    let mut part = [0; 2048];
    loop {
        let length = match stream.read(&mut part) {
            // Whoever was stopped with Ctrl-Z and goes on: reading with a time limit is cut short then, though nothing
            // handles a signal (signal(7)). The answer still comes.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(lost)?,
        };
        if length == 0 {
            return Err(ClientError::Lost(io::ErrorKind::UnexpectedEof.into()));
        }
        read.extend_from_slice(part.get(..length).unwrap_or_default());
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(&read) {
            Ok(httparse::Status::Complete(end)) => {
                let status = response.code.ok_or(ClientError::Unreadable)?;
                return Ok((status, read.split_off(end)));
            }
            Ok(httparse::Status::Partial) if read.len() <= MAX_HEAD => {}
            Ok(httparse::Status::Partial) | Err(_) => return Err(ClientError::Unreadable),
        }
    }
}

/// A time that is over is told as something that is not there yet (socket(7), `SO_RCVTIMEO`).
fn lost(error: io::Error) -> ClientError {
    let over = error.kind() == io::ErrorKind::WouldBlock;
    ClientError::Lost(if over { io::Error::new(io::ErrorKind::TimedOut, "it took too long") } else { error })
}

fn whole(body: impl Read) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::new();
    body.take(MAX_ANSWER + 1).read_to_end(&mut bytes).map_err(lost)?;
    if bytes.len() as u64 > MAX_ANSWER { Err(ClientError::Unreadable) } else { Ok(bytes) }
}

fn refusal(body: impl Read) -> ClientError {
    let problem = whole(body)
        .and_then(|bytes| serde_json::from_slice::<Problem>(&bytes).map_err(|_| ClientError::Unreadable));
    problem.map_or_else(|error| error, |problem| ClientError::Refused(problem.error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what is there, and is cut short before each part of it.
    struct Interrupted<'a>(&'a [u8], bool);

    impl Read for Interrupted<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { Err(io::ErrorKind::Interrupted.into()) } else { self.0.read(into) }
        }
    }

    #[test]
    fn whoever_was_stopped_while_an_answer_was_awaited_reads_it_afterwards() {
        let answer = b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{}";
        let mut stream = Interrupted(answer, false);
        let (status, rest) = head(&mut stream).unwrap();
        assert_eq!((status, whole(io::Cursor::new(rest).chain(stream)).unwrap()), (200, b"{}".to_vec()));
    }

    #[test]
    fn what_takes_too_long_is_told_in_these_words() {
        let late = lost(io::ErrorKind::WouldBlock.into());
        assert_eq!(late.to_string(), "the agent did not answer: it took too long");
        assert!(lost(io::ErrorKind::ConnectionReset.into()).to_string().contains("reset"));
    }
}
