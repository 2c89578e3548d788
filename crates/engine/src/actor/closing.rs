//! How an account's task ends.

use latchkey_core::session::{Asker, Input};
use tokio::sync::oneshot;

use super::Actor;

/// A task that is to end.
pub(super) struct Closing {
    /// Whether it has.
    pub(super) closed: oneshot::Sender<bool>,
    /// Whether it ends with the process, whatever is still unsaved then. Otherwise it goes on with that.
    pub(super) for_good: bool,
    /// Whether storing what is still unsaved was tried a last time.
    pub(super) tried_saving: bool,
}

impl Actor {
    /// Whether the task may end. Tokens that are still unsaved are tried once more before it does.
    pub(super) fn ended(&mut self) -> bool {
        let saving = self.saving();
        match &mut self.closing {
            None => return false,
            Some(_) if self.under_way > 0 => {
                self.give_up_waiting_for_a_person();
                return false;
            }
            Some(closing) if saving && !closing.for_good => {
                if let Some(closing) = self.closing.take() {
                    let _ = closing.closed.send(false);
                }
                return false;
            }
            Some(closing) if saving && !closing.tried_saving => closing.tried_saving = true,
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
        self.input(Input::RenewRequested(Asker::Person));
        false
    }
}
