//! What is seen of either side while a scenario is played, and how it is written down.

use super::play::Play;
use super::trace::{Entry, Fault, Judgement, Run, Side, Span, SpanKind, StateSince, millis, since};
use crate::client::Client;
use crate::scenario::Presence;

impl<C: Client> Play<'_, C> {
    /// Writes down what has changed since the last look.
    pub(super) async fn look(&mut self) {
        self.remember_tokens().await;
        let seen = self.client.seen().await;
        if self.run.states.last().is_none_or(|last| last.state != seen.state) {
            let reason = seen.reason.as_ref().map_or_else(String::new, |(_, message)| format!(": {message}"));
            let what = format!("is {}{reason}", seen.state.replace('_', " "));
            let wrong = seen.reason.is_some();
            self.note(Side::Client, &what, wrong);
            self.run.states.push(StateSince { after_ms: self.after(), state: seen.state.clone() });
        }
        for mark in seen.marks.iter().skip(self.run.marks.len()) {
            let note = mark.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
            let what =
                format!("{}{note}, generation {}", mark.kind.as_str().replace('_', " "), mark.generation);
            let wrong = mark.note.is_some();
            let entry = Entry { after_ms: self.after(), side: Side::Client, what, wrong };
            self.run.entries.push(entry);
        }
        self.run.marks = seen.marks;
        self.look_at_the_backend();
    }

    pub(super) fn look_at_the_backend(&mut self) {
        let requests = self.stage.requests();
        for request in requests.iter().skip(self.requests_told) {
            let after_ms = since(self.began_at, request.at);
            let status = request.status.map_or_else(|| "no reply".to_owned(), |status| status.to_string());
            let what = format!("{} {}: {status}, {}", request.method, request.path, request.outcome);
            let wrong = request.fault.is_some() || request.status.is_none_or(|status| status >= 400);
            self.run.entries.push(Entry { after_ms, side: Side::Backend, what, wrong });
            self.run.requests_ms.push(after_ms);
            if let Some(mode) = &request.fault {
                self.run.faults.push(Fault { after_ms, mode: mode.clone(), path: request.path.clone() });
            }
        }
        self.requests_told = requests.len();
    }

    pub(super) async fn remember_tokens(&mut self) {
        let Some(held) = self.stage.held().await else { return };
        if self.held.last().is_none_or(|last| last.generation() != held.generation()) {
            let anew = std::mem::take(&mut self.anew);
            self.stage.saw(self.held.last().filter(|_| !anew), &held);
            self.held.push(held);
        }
    }

    /// How many refreshes the backend has seen since counting began.
    pub(super) fn refreshes(&self) -> usize {
        self.all_refreshes().saturating_sub(self.counted_from)
    }

    pub(super) fn all_refreshes(&self) -> usize {
        self.stage.requests().iter().filter(|request| request.refresh).count()
    }

    pub(super) fn count_from_here(&mut self) {
        self.counted_from = self.all_refreshes();
    }

    pub(super) fn presence(&mut self, presence: Presence, kind: SpanKind, what: &str) {
        let after = self.after();
        match presence {
            Presence::Away => {
                self.note(Side::Lab, &format!("takes {what} away"), true);
                self.open.push((kind, after));
            }
            Presence::Back => {
                self.note(Side::Lab, &format!("brings {what} back"), false);
                let begun = self.open.iter().position(|(open, _)| *open == kind);
                if let Some((kind, from_ms)) = begun.map(|place| self.open.remove(place)) {
                    self.run.spans.push(Span { kind, from_ms, to_ms: after });
                }
            }
        }
    }

    pub(super) fn note(&mut self, side: Side, what: &str, wrong: bool) {
        self.run.entries.push(Entry { after_ms: self.after(), side, what: what.to_owned(), wrong });
    }

    pub(super) fn after(&self) -> i32 {
        millis(self.stage.elapsed().saturating_sub(self.begun))
    }

    pub(super) async fn ends(mut self) -> (Vec<Judgement>, Run) {
        self.look().await;
        let to_ms = self.after();
        let open = std::mem::take(&mut self.open);
        self.run.spans.extend(open.into_iter().map(|(kind, from_ms)| Span { kind, from_ms, to_ms }));
        self.run.took_ms = to_ms;
        // Both sides tell of the same moment when they are looked at; what came first stands first.
        self.run.entries.sort_by_key(|entry| entry.after_ms);
        (self.judgements, self.run)
    }
}
