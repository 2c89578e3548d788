//! Reading a session again because something in it may have changed, and changing what it holds.
//!
//! However many ask, one reading is under way and at most one more follows it: what was asked for while one was under way
//! may be newer than what that one saw.

use latchkey_core::fingerprint::Fingerprint;
use latchkey_core::record::{Level, Record};
use latchkey_core::session::{Asker, Input, State};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{Actor, Message};
use crate::error::EngineError;
use crate::event_log;
use crate::snapshot::{SessionStatus, SessionUpdate, changes};
use crate::vault::Identity;

/// Where somebody waits for the session as it is afterwards.
type Waiter = oneshot::Sender<Result<SessionStatus, EngineError>>;

/// Readings that were asked for.
#[derive(Default)]
pub(super) struct Revalidation {
    /// Who waits for the one under way.
    waiters: Vec<Waiter>,
    /// Who waits for the next one.
    next: Vec<Waiter>,
    under_way: bool,
    wanted: bool,
    /// Which access token was asked with, where that is how it is read.
    asked_with: Option<Fingerprint>,
}

impl Actor {
    /// The session is to be read again.
    pub(super) fn revalidate(&mut self, reply: Option<Waiter>) {
        self.revalidation.next.extend(reply);
        self.revalidation.wanted = true;
    }

    /// Changes what the session holds, with the next reading.
    pub(super) fn update_session(&mut self, data: Box<Value>, reply: Waiter) {
        if !self.workshop.provider.reads_sessions() {
            let _ = reply.send(Err(EngineError::NotThisWay));
            return;
        }
        if !matches!(self.session.state(), State::SignedIn) {
            let busy = matches!(self.session.state(), State::Renewing { .. } | State::SigningIn { .. });
            let outcome = if busy { Err(EngineError::Busy) } else { self.renewal_outcome() };
            let _ = reply.send(outcome);
            return;
        }
        self.update = Some(data);
        self.input(Input::RenewRequested(Asker::Person));
        self.update = None;
        self.renew_waiters.push(reply);
    }

    /// Ends the reading under way if it has, and begins the next if one is wanted.
    pub(super) fn go_on_revalidating(&mut self) {
        let reads = self.workshop.provider.reads_sessions();
        let renewing = matches!(self.session.state(), State::Renewing { .. });
        if reads && self.revalidation.under_way && !renewing {
            self.revalidated();
        }
        if !self.revalidation.wanted || self.revalidation.under_way {
            return;
        }
        match self.session.state() {
            State::Renewing { .. } | State::SigningIn { .. } => return,
            State::Saving { .. } => {
                // It is read once they are stored, which may be in hours: nobody waits for that.
                for waiter in std::mem::take(&mut self.revalidation.next) {
                    let _ = waiter.send(self.renewal_outcome());
                }
                return;
            }
            State::SignedIn | State::Waiting { .. } | State::SignedOut { .. } | State::NeedsSignIn { .. } => {
            }
        }
        self.revalidation.wanted = false;
        self.revalidation.under_way = true;
        self.revalidation.waiters = std::mem::take(&mut self.revalidation.next);
        if reads {
            self.input(Input::RenewRequested(Asker::Revalidation));
            if !matches!(self.session.state(), State::Renewing { .. }) {
                self.revalidated();
            }
        } else if let (State::SignedIn, Some(current)) = (self.session.state(), &self.current) {
            let (workshop, outbox) = (self.workshop.clone(), self.outbox.clone());
            let (generation, access) = (current.generation, current.access.clone());
            self.revalidation.asked_with = self.in_hand_now();
            tokio::spawn(async move {
                let identity = workshop.revalidate(generation, &access).await;
                let _ = outbox.send(Message::Revalidated(Box::new(identity)));
            });
        } else {
            self.revalidated();
        }
    }

    /// What was found out about the person.
    pub(super) fn heard_identity(&mut self, found: Result<Option<Identity>, EngineError>) {
        if self.revalidation.asked_with.take() != self.in_hand_now() {
            // Another token is in hand by now, perhaps another person's: that one is asked about.
            let waiters = self.end_revalidation();
            self.revalidation.next.extend(waiters);
            self.revalidation.wanted = true;
            return;
        }
        match found {
            Ok(Some(identity)) => {
                self.ours = true;
                let before = self.beside.identity.replace(identity).unwrap_or_default();
                let after = self.beside.identity.clone().unwrap_or_default();
                self.note_changes(&before.members(), &after.members());
                self.revalidated();
            }
            Ok(None) => self.revalidated(),
            Err(error) => {
                for waiter in self.end_revalidation() {
                    let _ = waiter.send(Err(error.clone()));
                }
            }
        }
    }

    /// Tells what is different in a session that was read again.
    pub(super) fn note_changes(&mut self, before: &[(String, String)], after: &[(String, String)]) {
        let changes = changes(before, after);
        if changes.is_empty() {
            return;
        }
        let told: Vec<_> = changes.iter().map(ToString::to_string).collect();
        let message = format!("The session changed: {}", told.join(", "));
        let record = Record::new(Level::Info, "session_updated", message);
        event_log::emit(&self.workshop.account, &record);
        self.tell_programs_of_changes(&record, &changes);
        let at = self.workshop.clock.now().wall.to_string();
        self.beside.updated = Some(SessionUpdate { at, changes });
    }

    fn in_hand_now(&self) -> Option<Fingerprint> {
        self.session.held().map(|held| held.facts.access_fingerprint)
    }

    /// A reading has ended, however it did.
    fn revalidated(&mut self) {
        for waiter in self.end_revalidation() {
            let _ = waiter.send(self.renewal_outcome());
        }
    }

    fn end_revalidation(&mut self) -> Vec<Waiter> {
        self.revalidation.under_way = false;
        std::mem::take(&mut self.revalidation.waiters)
    }
}
