//! What the account's own limits ask of the vault: marks of use, and the end.

use std::sync::atomic::Ordering;

use latchkey_core::limits::Usage;
use latchkey_core::session::{Expired, Wiped};
use tracing::warn;

use super::{Arrived, Workshop};
use crate::vault::{Envelope, Used};

impl Workshop {
    /// Stores when the session was last used. What another process stored is never moved back, and a mark that cannot be
    /// stored costs no more than that: the next use moves it.
    pub(crate) async fn mark(&self, usage: Usage) {
        let _turn = self.turn.lock().await;
        let Ok(_lock) = self.lock_to_store().await else { return };
        let Ok(Some(stored)) = self.stored().await else { return };
        let facts = self.facts(&stored);
        let later = facts.usage.and_later(usage);
        if later == facts.usage {
            return;
        }
        let used = Used::of(later, facts.received, stored.received_at);
        let marked = Envelope { used, stored_at: self.clock.now().wall, ..stored };
        if let Err(error) = self.vault.write(&self.account, &marked).await {
            let problem = self.vault_failed("write", &error);
            warn!(
                account = %self.account, kind = "use_not_marked", reason = problem.code(),
                "The session was used, but that could not be stored: a later start may take it for unused"
            );
        }
    }

    /// Erases the tokens of a session that came to its end, unless the vault says that it goes on: another process noted
    /// a use of it, or somebody signed in again.
    pub(crate) async fn expire(&self) -> (Expired, Option<Arrived>) {
        let _turn = self.turn.lock().await;
        let _lock = match self.lock_to_store().await {
            Ok(lock) => lock,
            Err(problem) => return (Expired::NotNow(problem), None),
        };
        let stored = match self.vault.read(&self.account).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return (Expired::Over(Wiped::Gone), None),
            Err(error) => return (Expired::NotNow(self.vault_failed("read", &error)), None),
        };
        if stored.signed_out_at.is_some() {
            return (Expired::Over(Wiped::Unrevoked), None);
        }
        let facts = self.facts(&stored);
        let end = self.policy.limits.end(&facts.usage);
        if !end.is_some_and(|end| end.over(self.clock.now())) {
            return (Expired::Lives(facts), Some(Arrived::of(&stored, None)));
        }
        match self.put_away(Ok(Some(stored))).await {
            Ok(left) => {
                self.ended_here.store(true, Ordering::Relaxed);
                (Expired::Over(left), None)
            }
            Err(problem) => (Expired::NotNow(problem), None),
        }
    }
}
