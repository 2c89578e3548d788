//! What the journal says of a renewal, and what is written there.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use latchkey_core::token_set::TokenFacts;
use tracing::warn;

use super::Workshop;
use crate::journal::{Intent, Noted};
use crate::ports::LockGuard;

/// A renewal whose outcome is not known.
pub(super) enum Open {
    /// This one.
    Known(Intent),
    /// One of which nothing more can be read.
    Unreadable,
}

impl Open {
    fn of(noted: Noted) -> Option<Self> {
        match noted {
            Noted::Nothing => None,
            Noted::Sent(intent) => Some(Self::Known(intent)),
            Noted::Unreadable => Some(Self::Unreadable),
        }
    }

    /// Whether it is these tokens that were sent. An entry for others is over: they were replaced.
    pub(super) fn is_about(&self, facts: &TokenFacts) -> bool {
        let Self::Known(intent) = self else { return true };
        let fingerprint = facts.refresh_fingerprint.map(|fingerprint| fingerprint.to_string());
        intent.generation == facts.generation && fingerprint.as_ref() == Some(&intent.fingerprint)
    }
}

impl Workshop {
    /// A renewal that a process left open which has ended since, with the lock under which that is known. Whoever
    /// holds the lock is still at it, and nothing is open then.
    pub(super) async fn intent_left_open(&self) -> Option<(Open, LockGuard)> {
        Open::of(self.journal.read(&self.account).await)?;
        let lock = self.lock.acquire(&self.account, Duration::ZERO).await.ok()?;
        Some((Open::of(self.journal.read(&self.account).await)?, lock))
    }

    /// Whether a renewal of these tokens was sent before, here or by another process, and never answered. Asked
    /// under the lock.
    pub(super) async fn was_sent(&self, facts: &TokenFacts) -> bool {
        Open::of(self.journal.read(&self.account).await).is_some_and(|open| open.is_about(facts))
    }

    /// Writes down what is about to be sent.
    pub(super) async fn open_intent(&self, facts: &TokenFacts) {
        let Some(fingerprint) = facts.refresh_fingerprint else { return };
        let intent = Intent {
            account: self.account.to_string(),
            generation: facts.generation,
            fingerprint: fingerprint.to_string(),
            started: self.clock.now().wall,
        };
        let written = self.journal.write(&self.account, &intent).await;
        if written.is_ok() {
            self.journal_told.store(false, Ordering::Relaxed);
        }
        self.told_once("written", written);
    }

    /// The outcome is known.
    pub(super) async fn close_intent(&self) {
        let closed = self.journal.close(&self.account).await;
        self.told_once("closed", closed);
    }

    /// Not to renew for want of a journal would lose the session that it is to save; so it is told and goes on.
    fn told_once(&self, what: &str, done: io::Result<()>) {
        if let Err(error) = done
            && !self.journal_told.swap(true, Ordering::Relaxed)
        {
            warn!(
                account = %self.account, kind = "journal_unusable",
                "The journal of renewals cannot be {what} ({error}): renewals go on, but a crash in the middle of one would not be noticed. Make room on the disk, or make the state folder writable"
            );
        }
    }
}
