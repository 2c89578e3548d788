//! How an account's task ends.

use latchkey_core::session::{Asker, Input};
use tokio::sync::oneshot;

use super::Actor;

/// A task that is to end.
pub(super) struct Closing {
    /// Whether it has.
    pub(super) closed: oneshot::Sender<bool>,
    /// Whether it ends with the process, whatever is still to be stored or erased then. Otherwise it goes on with that.
    pub(super) for_good: bool,
    /// Whether that was tried a last time.
    pub(super) tried: bool,
}

impl Actor {
    /// Whether the task may end. Tokens that are not stored yet, or of a sign-out not erased, are tried once more before it
    /// does.
    pub(super) fn ended(&mut self) -> bool {
        let erasing = self.session.erasing();
        let owes = erasing || self.saving();
        match &mut self.closing {
            None => return false,
            Some(_) if self.under_way > 0 => {
                self.give_up_waiting_for_a_person();
                return false;
            }
            Some(closing) if owes && !closing.for_good => {
                if let Some(closing) = self.closing.take() {
                    let _ = closing.closed.send(false);
                }
                return false;
            }
            Some(closing) if owes && !closing.tried => closing.tried = true,
            Some(_) => {
                if let Some(closing) = self.closing.take() {
                    let farewells = self.farewells.clone();
                    farewells.close();
                    let workshop = self.workshop.clone();
                    tokio::spawn(async move {
                        farewells.wait().await;
                        workshop.hooks.finish().await;
                        let _ = closing.closed.send(true);
                    });
                }
                return true;
            }
        }
        self.input(if erasing { Input::SignOutRequested } else { Input::RenewRequested(Asker::Person) });
        false
    }
}
