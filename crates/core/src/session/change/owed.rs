//! What a session owes until it is known to be done: erasing, telling the provider, sealing a refused token.

use jiff::SignedDuration;

use super::Change;
use crate::disposition::{Disposition, Failure, disposition};
use crate::policy::{self, backoff, in_words, save_backoff};
use crate::reason::{Reason, VaultProblem};
use crate::record::{Level, Record};
use crate::session::effect::{Effect, Revoke};
use crate::session::input::Wiped;
use crate::session::state::{Debt, Owed, State};
use crate::time::Stamp;

impl Change {
    pub(in crate::session) fn sign_out(&mut self) {
        self.session.state = State::SignedOut { reason: Reason::SignedOut };
        self.session.held = None;
        self.session.unsaved = None;
        self.session.failures = 0;
        self.effects.push(Effect::Forget);
        self.owe(Debt::Erase { since: self.now.stamp });
        self.pay();
        self.record(Record::new(
            Level::Debug,
            "signing_out",
            "Signing out: the stored tokens are erased first",
        ));
    }

    /// The stored tokens are gone for every reader; the provider may still have to be told. Those of a later sign-in are
    /// taken over.
    pub(in crate::session) fn wiped(&mut self, left: Wiped) {
        self.session.owed = None;
        if left == Wiped::Later {
            return self.load();
        }
        self.record(Record {
            reason: Some(Reason::SignedOut.code()),
            ..Record::new(Level::Info, "signed_out", "Signed out; the stored tokens are erased")
        });
        if left == Wiped::Unrevoked {
            self.owe(Debt::Revoke { since: self.now.stamp });
            self.revoke(Revoke::First);
        }
    }

    /// Somebody signed out, and the provider was not told yet. Told at the deadline, so that a program that only
    /// looks sends nothing; whoever signed out just now has its turn before that.
    pub(in crate::session) fn found_unrevoked(&mut self, since: Stamp, at: Stamp) {
        let debt = Debt::Revoke { since: since.earlier(self.now.stamp, self.now.stamp) };
        self.session.owed = Some(Owed { debt, tries: 0, at });
    }

    /// The provider could not be told.
    pub(in crate::session) fn not_revoked(&mut self, failure: &Failure) {
        let (Disposition::Retry { reason, after }, Some(Owed { debt: Debt::Revoke { since }, tries, .. })) =
            (disposition(failure), self.session.owed.clone())
        else {
            return self.session.owed = None;
        };
        let own = backoff(tries + 1, policy::MAX_BACKOFF_EXPIRED, self.now.jitter);
        let end = since.plus(policy::REVOKE_WITHIN).later(self.now.stamp, self.now.stamp);
        let at = self.now.stamp.plus(after.map_or(own, |after| after.max(own))).earlier(end, self.now.stamp);
        self.put_off(at);
        let wait = in_words(at.left(self.now.stamp));
        self.record(Record {
            reason: Some(reason.code()),
            next_at: Some(at.wall),
            ..Record::new(
                Level::Warn,
                "revocation_failed",
                format!(
                    "Signed out here, but the provider was not told: {}. Next try in {wait}",
                    reason.message()
                ),
            )
        });
    }

    /// The vault stands in the way.
    pub(in crate::session) fn not_paid(&mut self, problem: VaultProblem) {
        let tries = self.session.owed.as_ref().map_or(0, |owed| owed.tries);
        let kind = match self.session.owed.as_ref().map(|owed| &owed.debt) {
            Some(Debt::Seal { .. }) => "seal_failed",
            Some(Debt::Erase { .. } | Debt::Expire | Debt::Revoke { .. }) | None => "erase_failed",
        };
        self.put_off(self.now.stamp.plus(save_backoff(tries + 1)));
        self.record(Record {
            reason: Some(problem.code()),
            ..Record::new(Level::Error, kind, problem.message())
        });
    }

    /// Pays what is owed, if that is due and nothing is under way.
    pub(in crate::session) fn pay_if_due(&mut self) {
        if self.session.owed.as_ref().is_some_and(|owed| owed.at.passed(self.now.stamp)) {
            self.pay_now();
        }
    }

    /// Pays what is owed, unless something is under way.
    pub(in crate::session) fn pay_now(&mut self) {
        if self.session.in_flight.is_none() {
            self.pay();
        }
    }

    /// A refused token is sealed in the vault with the reason why, so that no later start sends it again or
    /// tells another one.
    pub(super) fn seal(&mut self, reason: Reason) {
        self.owe(Debt::Seal { reason });
        self.pay();
    }

    /// It stays owed until it is known to be done, or a sign-in could make it forgotten.
    pub(super) fn owe(&mut self, debt: Debt) {
        self.session.owed = Some(Owed { debt, tries: 0, at: self.now.stamp });
    }

    fn put_off(&mut self, until: Stamp) {
        if let Some(owed) = &mut self.session.owed {
            owed.tries += 1;
            owed.at = until;
        }
    }

    pub(super) fn pay(&mut self) {
        let held = self.session.held.as_ref();
        let held = held.map(|held| (held.facts.generation, held.facts.refresh_fingerprint));
        match self.session.owed.as_ref().map(|owed| owed.debt.clone()) {
            Some(Debt::Erase { since }) => {
                let id = self.await_answer();
                self.effects.push(Effect::Wipe { id, since });
            }
            Some(Debt::Expire) => {
                let id = self.await_answer();
                self.effects.push(Effect::Expire(id));
            }
            Some(Debt::Revoke { since }) => {
                let over = since.plus(policy::REVOKE_WITHIN).left(self.now.stamp) <= SignedDuration::ZERO;
                self.revoke(if over { Revoke::Last } else { Revoke::Again });
            }
            Some(Debt::Seal { reason }) => {
                let Some((generation, token)) = held else { return self.session.owed = None };
                let id = self.await_answer();
                self.effects.push(Effect::Seal { id, generation, token, reason });
            }
            None => {}
        }
    }

    pub(super) fn revoke(&mut self, which: Revoke) {
        let id = self.await_answer();
        self.effects.push(Effect::Revoke { id, which });
    }
}
