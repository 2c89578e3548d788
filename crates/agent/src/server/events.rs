//! Changes as they happen (server-sent events): one `session` event for each session at first, then one for each
//! session that changed, `session.updated` with what is different where a session was read again, and `removed` for one
//! that is gone. A consumer whose token was replaced sees a new
//! generation.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{self, Stream};
use latchkey_engine::Sessions;
use latchkey_engine::snapshot::SessionStatus;
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::routes::Asked;

/// How often something is sent though nothing changed: a reader that is gone is noticed.
const ALIVE_EVERY: Duration = Duration::from_mins(1);

pub(super) async fn stream(State(asked): State<Asked>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = Changes {
        sessions: asked.served.engine.watch(),
        stop: asked.stop,
        told: Sessions::new(),
        waiting: Vec::new(),
        first: true,
    };
    let events = stream::unfold(changes, async |mut changes| {
        let event = changes.next().await?;
        Some((Ok(event), changes))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE_EVERY))
}

struct Changes {
    sessions: watch::Receiver<Sessions>,
    stop: CancellationToken,
    /// What the reader knows.
    told: Sessions,
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
        let changed = now.iter().filter(|(name, session)| self.told.get(*name) != Some(session));
        for (name, session) in changed {
            events.extend(told(session));
            let known = self.told.get(name).map(|known| &known.updated);
            if known.is_some_and(|known| *known != session.updated) {
                events.extend(updated(session));
            }
        }
        events.reverse();
        self.waiting = events;
        self.told = now;
    }
}

/// What a session that was read again holds that is different.
fn updated(session: &SessionStatus) -> Option<Event> {
    let update = session.updated.as_ref()?;
    let told = json!({ "account": session.account, "at": update.at, "changes": update.changes });
    Event::default().event("session.updated").json_data(told).ok()
}

fn told(session: &SessionStatus) -> Option<Event> {
    Event::default().event("session").json_data(session).ok()
}
