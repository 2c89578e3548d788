//! What the server saw: one record for each request, without any token or password.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use axum::{http::request::Parts, response::Response};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::broadcast;

use crate::{FaultMode, fault::strike::Closed, reply::Note};

/// Records kept; a client that loops must not fill the memory of the app this server is embedded in.
const KEEP: usize = 5000;

/// Records a slow follower may fall behind before it is told that it missed some.
const FOLLOWER_LAG: usize = 256;

/// Longest path kept: a path is whatever the client sends.
const LONGEST_PATH: usize = 200;

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestRecord {
    /// Which request since the start is it? Counts from 1, in the order the answers were ready.
    pub number: u64,
    /// When did it arrive?
    pub at: Timestamp,
    /// The method, such as `POST`.
    pub method: String,
    /// The path without its query, cut at 200 characters.
    pub path: String,
    /// The status of the reply; `None` where the connection was closed without one.
    pub status: Option<u16>,
    /// What the server decided, in words.
    pub outcome: String,
    /// Which family of refresh tokens was it about?
    pub family: Option<String>,
    /// Which fault struck it, by the name of its mode?
    pub fault: Option<String>,
    /// Did it present a refresh token? A code or a device code at the same address is none.
    pub refresh: bool,
}

/// A request of which no answer is known yet.
pub(crate) struct Arrived {
    at: Timestamp,
    method: String,
    path: String,
}

impl Arrived {
    pub(crate) fn new(at: Timestamp, parts: &Parts) -> Self {
        Self { at, method: parts.method.to_string(), path: parts.uri.path().to_owned() }
    }

    /// With what became of it.
    pub(crate) fn answered(
        self,
        result: &Result<Response, Closed>,
        note: Note,
        fault: Option<FaultMode>,
        refresh: bool,
    ) -> RequestRecord {
        RequestRecord {
            number: 0,
            at: self.at,
            method: self.method,
            path: self.path,
            status: result.as_ref().ok().map(|response| response.status().as_u16()),
            outcome: note.outcome,
            family: note.family,
            fault: fault.map(|mode| mode.name().to_owned()),
            refresh,
        }
    }
}

pub(crate) struct RequestLog {
    kept: Mutex<Kept>,
    followers: broadcast::Sender<RequestRecord>,
}

#[derive(Default)]
struct Kept {
    records: VecDeque<RequestRecord>,
    count: u64,
}

impl RequestLog {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::default(), followers: broadcast::Sender::new(FOLLOWER_LAG) }
    }

    /// Numbers the record, keeps it and passes it on.
    pub(crate) fn add(&self, mut record: RequestRecord) {
        record.path = record.path.chars().take(LONGEST_PATH).collect();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.count += 1;
        record.number = kept.count;
        kept.records.push_back(record.clone());
        if kept.records.len() > KEEP {
            kept.records.pop_front();
        }
        // Sent under the lock, so followers see the numbers in order. Nobody following is no error.
        let _ = self.followers.send(record);
    }

    pub(crate) fn all(&self) -> Vec<RequestRecord> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).records.iter().cloned().collect()
    }

    pub(crate) fn follow(&self) -> broadcast::Receiver<RequestRecord> {
        self.followers.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(path: &str) -> RequestRecord {
        RequestRecord {
            number: 0,
            at: Timestamp::UNIX_EPOCH,
            method: "GET".into(),
            path: path.into(),
            status: Some(200),
            outcome: "fine".into(),
            family: None,
            fault: None,
            refresh: false,
        }
    }

    #[test]
    fn the_log_forgets_the_oldest_and_goes_on_counting() {
        let log = RequestLog::new();
        for _ in 0..KEEP + 2 {
            log.add(record("/"));
        }
        let all = log.all();
        assert_eq!(all.len(), KEEP);
        assert_eq!(all[0].number, 3);
    }

    #[test]
    fn an_endless_path_is_cut() {
        let log = RequestLog::new();
        log.add(record(&"ä".repeat(100_000)));
        assert_eq!(log.all()[0].path.chars().count(), LONGEST_PATH);
    }
}
