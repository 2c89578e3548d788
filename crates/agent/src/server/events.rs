//! Changes as they happen (server-sent events).
//!
//! `/v1/events`: one `session` for each session at first, then one for each session that changed, `session.updated` with
//! what is different where a session was read again, `removed` for one that is gone, and `token_replaced` for a program
//! whose token is no longer the one in hand. `/v1/log?follow=true`: one `record` for each record of the log.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{self, Stream};
use latchkey_core::account::AccountName;
use latchkey_engine::Sessions;
use latchkey_engine::event_log::EventLog;
use latchkey_engine::snapshot::SessionStatus;
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::program::Caller;
use super::routes::Asked;
use crate::protocol::TokenReplaced;

/// How often something is sent though nothing changed: a reader that is gone is noticed.
const ALIVE_EVERY: Duration = Duration::from_mins(1);
/// The most records that are taken out of the log at a time.
const BATCH: usize = 256;

/// The events of all sessions.
pub(super) async fn stream(
    State(asked): State<Asked>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = Changes {
        sessions: asked.served.engine.watch(),
        caller,
        stop: asked.stop,
        told: Sessions::new(),
        replaced: BTreeMap::new(),
        waiting: Vec::new(),
        first: true,
    };
    events(stream::unfold(changes, async |mut changes| {
        let event = changes.next().await?;
        Some((Ok(event), changes))
    }))
}

/// The records of the log after this number, and those that come.
pub(super) fn records(
    log: EventLog,
    after: u64,
    stop: CancellationToken,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let records = Records { added: log.subscribe(), log, after, stop, waiting: Vec::new() };
    events(stream::unfold(records, async |mut records| {
        let event = records.next().await?;
        Some((Ok(event), records))
    }))
}

fn events<S>(events: S) -> Sse<impl Stream<Item = Result<Event, Infallible>>>
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    Sse::new(events).keep_alive(alive())
}

fn alive() -> KeepAlive {
    KeepAlive::new().interval(ALIVE_EVERY)
}

struct Changes {
    sessions: watch::Receiver<Sessions>,
    /// Who reads.
    caller: Arc<Caller>,
    stop: CancellationToken,
    /// What the reader knows.
    told: Sessions,
    /// The token of each account of which the reader was told that it was replaced.
    replaced: BTreeMap<AccountName, String>,
    /// What it is to be told, last first.
    waiting: Vec<Event>,
    first: bool,
}

impl Changes {
    /// The next event; none once the engine or the agent ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop() {
                return Some(event);
            }
            if !std::mem::take(&mut self.first) {
                tokio::select! {
                    changed = self.sessions.changed() => changed.ok()?,
                    () = self.stop.cancelled() => return None,
                }
            }
            self.compare();
        }
    }

    /// What changed since the reader was told.
    fn compare(&mut self) {
        let now = self.sessions.borrow_and_update().clone();
        let gone = self.told.keys().filter(|name| !now.contains_key(*name));
        let mut events: Vec<Event> =
            gone.map(|name| Event::default().event("removed").data(name.as_str())).collect();
        for (name, session) in now.iter().filter(|(name, session)| self.told.get(*name) != Some(session)) {
            events.extend(Event::default().event("session").json_data(session).ok());
            let known = self.told.get(name).map(|known| &known.updated);
            if known.is_some_and(|known| *known != session.updated) {
                events.extend(updated(session));
            }
            if let Some(replaced) = self.replaced(session)
                && self.replaced.get(name) != Some(&replaced.fingerprint)
            {
                events.extend(Event::default().event("token_replaced").json_data(&replaced).ok());
                self.replaced.insert(name.clone(), replaced.fingerprint);
            }
        }
        events.reverse();
        self.waiting = events;
        self.told = now;
    }

    /// Whether the reader's program holds a token of this session that is no longer the one in hand.
    fn replaced(&self, session: &SessionStatus) -> Option<TokenReplaced> {
        let program = self.caller.consumer().program.as_ref()?.id();
        let held = session.consumers.iter().find(|consumer| consumer.id == program && !consumer.current)?;
        Some(TokenReplaced {
            account: session.account.clone(),
            fingerprint: held.fingerprint.clone()?,
            generation: held.generation?,
            by: session.access.as_ref().map(|access| access.fingerprint.clone()),
        })
    }
}

/// What a session that was read again holds that is different.
fn updated(session: &SessionStatus) -> Option<Event> {
    let update = session.updated.as_ref()?;
    let told = json!({ "account": session.account, "at": update.at, "changes": update.changes });
    Event::default().event("session.updated").json_data(told).ok()
}

struct Records {
    log: EventLog,
    added: watch::Receiver<u64>,
    after: u64,
    stop: CancellationToken,
    /// What is to be sent, last first.
    waiting: Vec<Event>,
}

impl Records {
    /// The next record; none once the agent ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop() {
                return Some(event);
            }
            self.added.borrow_and_update();
            let records = self.log.since(self.after, BATCH);
            if let Some(last) = records.last() {
                self.after = last.seq;
                let event = |seq: u64| Event::default().event("record").id(seq.to_string());
                self.waiting =
                    records.iter().rev().filter_map(|one| event(one.seq).json_data(one).ok()).collect();
                continue;
            }
            tokio::select! {
                changed = self.added.changed() => changed.ok()?,
                () = self.stop.cancelled() => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use latchkey_engine::event_log::{Filter, Level};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn a_reader_hears_something_every_minute() {
        let minute = KeepAlive::new().interval(Duration::from_mins(1));
        assert_eq!(format!("{:?}", alive()), format!("{minute:?}"));
    }

    #[tokio::test]
    async fn a_reader_of_a_long_log_has_256_records_of_it_in_memory_and_gets_them_all() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
        let (log, layer) = EventLog::open(folder.path(), Filter::new(Level::Info), clock);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            for number in 0..600 {
                tracing::info!(kind = "counted", "record {number}");
            }
        });
        let (added, stop) = (log.subscribe(), CancellationToken::new());
        let mut records = Records { log, added, after: 0, stop: stop.clone(), waiting: Vec::new() };
        let mut left = Vec::new();
        for _ in 0..600 {
            assert!(records.next().await.is_some());
            left.push(records.waiting.len());
        }
        assert_eq!([left[0], left[255], left[256], left[599]], [255, 0, 255, 0]);
        stop.cancel();
        assert!(records.next().await.is_none(), "there are no more, and nobody waits for any");
    }
}
