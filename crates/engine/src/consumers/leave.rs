//! What was allowed for now ends when the screen locks: whoever allowed it is no longer there.

use latchkey_core::account::AccountName;
use latchkey_core::time::Stamp;

use super::Consumers;

impl Consumers {
    /// Whether any program is allowed for now.
    pub(crate) fn any_for_now(&self, now: Stamp) -> bool {
        let mut known = self.known();
        known.rules.forget_spent(now);
        known.rules.any_for_now()
    }

    /// Whether the screen has to be looked at from now on, which nobody does yet.
    pub(crate) fn begin_to_watch(&self) -> bool {
        let mut known = self.known();
        let begins = known.rules.any_for_now() && !known.watched;
        known.watched |= begins;
        begins
    }

    /// Whether the screen has to be looked at any longer; whoever asks does it no more where it has not.
    pub(crate) fn goes_on_watching(&self, now: Stamp) -> bool {
        let mut known = self.known();
        known.rules.forget_spent(now);
        known.watched = known.rules.any_for_now();
        known.watched
    }

    /// Ends all that was allowed for now; gives the accounts it was about.
    pub(crate) fn end_for_now(&self) -> Vec<AccountName> {
        let accounts = self.known().rules.forget_for_now();
        if !accounts.is_empty() {
            tracing::info!(
                target: "latchkey::session",
                kind = "consumers_lapsed",
                "The screen is locked: what was allowed for now is asked about again"
            );
        }
        accounts
    }
}
