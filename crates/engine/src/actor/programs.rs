//! What an account's programs are told of its session.

use std::sync::atomic::Ordering;

use latchkey_core::record::Record;
use latchkey_core::session::{Input, Renewal};

use super::Actor;
use crate::config::HookEvent;
use crate::hooks::{Event, of_kind};
use crate::snapshot::SessionChange;
use crate::workshop::Workshop;

/// Whether what an input brings was done here. What was found in the vault, or erased before this process came to it, is
/// another's: that one tells of it.
pub(super) fn is_ours(input: &Input, workshop: &Workshop) -> bool {
    match input {
        Input::Loaded(..) | Input::Sealed(..) | Input::Renewed(_, Renewal::Adopted(_) | Renewal::Absent) => {
            false
        }
        Input::Wiped(..) | Input::Expired(..) => workshop.ended_here.swap(false, Ordering::Relaxed),
        Input::Authenticated(..)
        | Input::Renewed(..)
        | Input::Saved(..)
        | Input::Probed(..)
        | Input::Revoked(..)
        | Input::SignInRequested
        | Input::SignInCancelled
        | Input::SignOutRequested
        | Input::RenewRequested(_)
        | Input::ReloadRequested
        | Input::TokenRejected(_)
        | Input::Used
        | Input::TimePassed
        | Input::NetworkChanged => true,
    }
}

impl Actor {
    /// Tells what a record of the session says, if programs want to hear it and it was done here.
    pub(super) fn tell_programs(&self, record: &Record) {
        let Some(what) = of_kind(record.kind) else { return };
        let Some(event) = self.event(what, record, &[]) else { return };
        // A token that is refused or runs out is seen by every process that holds it.
        let claim = (what == HookEvent::NeedsSignIn).then(|| {
            let held = self.session.held().map(|held| &held.facts);
            held.map(|facts| format!("{} {}", facts.generation, facts.access_fingerprint))
        });
        self.workshop.hooks.tell(event.claimed_by(claim.flatten()));
    }

    /// Tells what is different in the session, if programs want to hear it and it was read here.
    pub(super) fn tell_programs_of_changes(&self, record: &Record, changes: &[SessionChange]) {
        if let Some(event) = self.event(HookEvent::Updated, record, changes) {
            self.workshop.hooks.tell(event);
        }
    }

    /// The event for the programs; nothing where none wants to hear it, or where it was not done here.
    fn event(&self, what: HookEvent, record: &Record, changes: &[SessionChange]) -> Option<Event> {
        let workshop = &*self.workshop;
        let at = || workshop.clock.now().wall;
        let make = || Event::of(what, &workshop.account, workshop.provider.name(), record, at(), changes);
        (self.ours && workshop.hooks.want(what)).then(make)
    }
}
