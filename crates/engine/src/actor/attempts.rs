//! Sign-ins under way: begun, given up, ended.

use latchkey_core::session::Input;
use tokio::sync::oneshot;

use super::Actor;
use crate::error::EngineError;
use crate::sign_in::SignIn;
use crate::snapshot::SessionStatus;

impl Actor {
    pub(super) fn sign_in(
        &mut self,
        how: Box<SignIn>,
        reply: oneshot::Sender<Result<SessionStatus, EngineError>>,
    ) {
        self.how = Some(how);
        self.input(Input::SignInRequested);
        // The machine took it if it began an attempt; otherwise something else is under way.
        if self.how.take().is_some() {
            let _ = reply.send(Err(EngineError::Busy));
        } else {
            self.sign_in_waiter = Some(reply);
        }
    }

    pub(super) fn cancel_sign_in(&mut self) {
        if self.attempt.as_ref().is_some_and(|(_, attempt)| attempt.give_up()) {
            self.input(Input::SignInCancelled);
        }
    }

    /// What waits for a person would keep a task that is to end waiting for them as well.
    pub(super) fn give_up_waiting_for_a_person(&mut self) {
        if self.beside.prompt.is_some() {
            self.cancel_sign_in();
        }
    }

    /// The attempt is over, however it ended: nothing more is shown for it.
    pub(super) fn end_attempt(&mut self) {
        self.attempt = None;
        self.beside.prompt = None;
    }
}
