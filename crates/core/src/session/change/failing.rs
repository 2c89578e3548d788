//! What a failed renewal leads to: another try after a wait, or a new sign-in.

use jiff::SignedDuration;

use super::Change;
use crate::disposition::{Disposition, Failure, disposition};
use crate::policy::{self, backoff, in_words};
use crate::reason::Reason;
use crate::record::{Level, Record};
use crate::session::effect::{Effect, Notice};
use crate::session::input::{Asker, Failed};
use crate::session::state::State;
use crate::token_set::Clock;

impl Change {
    /// What a failed exchange leads to; the table stands in [`crate::disposition`].
    pub(in crate::session) fn failed(&mut self, failed: &Failed) {
        let unsent = matches!(failed.failure, Failure::NotSent { .. }) && !failed.after_lost_reply;
        if unsent && self.was_the_look() {
            self.session.got_nowhere = true;
            return self.look_again();
        }
        self.session.tally.failed += 1;
        match disposition(&failed.failure) {
            // The sign-in page of a Wi-Fi that was just joined: soon somebody is done with it, and no news will tell.
            Disposition::Retry { after: None, reason: reason @ Reason::NotTheProvider { .. } }
                if self.network_changed_within(policy::SIGN_IN_PAGE_FOR) =>
            {
                self.wait(reason, policy::PROBE_PAUSE);
            }
            Disposition::Retry { after, reason } => {
                if !of_the_network(&reason) {
                    self.session.network_doubted = None;
                }
                self.back_off(reason, after);
            }
            Disposition::RetryFew { reason, after } => self.refused_perhaps(reason, after),
            // A backend that is being brought up says so as well, and is right a minute later.
            Disposition::Misconfigured(reason) => self.back_off(reason, None),
            Disposition::Quarantine(reason) => {
                let off = failed.skew.filter(|skew| skew.abs() >= policy::CLOCK_OFF);
                if let Some(skew) = off.filter(|_| self.session.unclear < policy::UNCLEAR_ANSWERS) {
                    // A wrong clock alone makes some providers refuse: that is given a few more looks.
                    self.refused_perhaps(Reason::ClockOff { ahead_secs: -skew.as_secs() }, None);
                } else {
                    let reason = self.why_refused(reason, failed.after_lost_reply);
                    self.needs_sign_in(reason);
                }
            }
        }
    }

    /// A refusal that need not be one: waited out a few times before it counts. A person who tries again and again ends
    /// nothing by that.
    fn refused_perhaps(&mut self, reason: Reason, after: Option<SignedDuration>) {
        if !matches!(self.session.state, State::Renewing { asker: Asker::Person, .. }) {
            self.session.unclear += 1;
        }
        if self.session.unclear > policy::UNCLEAR_ANSWERS {
            self.needs_sign_in(reason);
        } else {
            // What stands behind a site's session may be over long before that is.
            let behind = matches!(reason, Reason::SessionError { .. });
            let left = if behind { SignedDuration::ZERO } else { self.left() };
            let pause = policy::unclear_pause(self.session.unclear, left, self.now.jitter);
            self.fails(reason, after, |_| pause);
        }
    }

    /// Whether the clock that a wait is about was set since that began.
    pub(in crate::session) fn clock_was_set(&self) -> bool {
        let (since, now) = (self.session.waits_since, self.now.stamp);
        let went_by = now.boot.saturating_sub(since.boot);
        let set_by = now.wall.duration_since(since.wall).saturating_sub(went_by);
        matches!(self.session.state.reason(), Some(Reason::ClockOff { .. }))
            && set_by.abs() >= policy::CLOCK_SET
    }

    fn why_refused(&self, reason: Reason, after_lost_reply: bool) -> Reason {
        let facts = self.session.held.as_ref().map(|held| &held.facts);
        let over = |end: Option<Clock>| end.is_some_and(|end| end.expires.passed(self.now.stamp));
        if over(facts.and_then(|facts| facts.session)) {
            Reason::CeilingReached
        } else if after_lost_reply {
            reason.after_lost_reply()
        } else if over(facts.and_then(|facts| facts.refresh)) {
            Reason::Idle
        } else {
            reason
        }
    }

    pub(in crate::session) fn back_off(&mut self, reason: Reason, after: Option<SignedDuration>) {
        // Looking into the vault or at a lock asks nobody else for anything.
        let here = matches!(reason, Reason::Vault { .. } | Reason::LockBusy | Reason::LockUnusable { .. });
        let near = here || self.session.held.is_none();
        let (left, failures, jitter) = (self.left(), self.session.failures + 1, self.now.jitter);
        self.fails(reason, after, |failing| {
            let longest = if near { policy::MAX_BACKOFF } else { policy::longest_backoff(left, failing) };
            backoff(failures, longest, jitter)
        });
    }

    /// Waits after a failure: as long as was asked for, or as long as `own` says of the time that tries have failed.
    fn fails(
        &mut self,
        reason: Reason,
        after: Option<SignedDuration>,
        own: impl FnOnce(SignedDuration) -> SignedDuration,
    ) {
        self.session.failures += 1;
        let own = own(self.session.failing_since.get_or_insert(self.now.stamp).age(self.now.stamp));
        self.wait(reason, after.map_or(own, |after| after.max(own)));
        self.session.told_to_wait = after.is_some();
    }

    /// How long the access token in hand lives; negative once it has expired.
    fn left(&self) -> SignedDuration {
        let held = self.session.held.as_ref();
        held.map_or(SignedDuration::ZERO, |held| held.facts.access.expires.left(self.now.stamp))
    }

    pub(in crate::session) fn wait(&mut self, reason: Reason, wait: SignedDuration) {
        let until = self.now.stamp.plus(wait);
        let generation = self.session.held.as_ref().map(|held| held.facts.generation);
        let kind = if reason == Reason::Storm {
            "renewals_paused"
        } else if generation.is_none() {
            "vault_unreadable"
        } else {
            "renewal_failed"
        };
        self.record(Record {
            generation,
            reason: Some(reason.code()),
            next_at: Some(until.wall),
            ..Record::new(Level::Warn, kind, format!("{}. Next try in {}", reason.message(), in_words(wait)))
        });
        self.session.state = State::Waiting { reason, until };
        self.session.waits_since = self.now.stamp;
        self.session.told_to_wait = false;
    }

    pub(in crate::session) fn needs_sign_in(&mut self, reason: Reason) {
        if self.session.expiring() {
            // The session came to its own end, and nothing of it is held any more.
            return;
        }
        let generation = self.session.held.as_ref().map(|held| held.facts.generation);
        self.record(Record {
            generation,
            reason: Some(reason.code()),
            ..Record::new(Level::Error, "needs_sign_in", reason.message())
        });
        self.effects.push(Effect::Notify(Notice::SignInNeeded(reason.clone())));
        let held = self.session.held.as_mut();
        // Tokens that the vault says are quarantined need no seal, and those without a refresh token have none.
        let unsealed = held.is_some_and(|held| {
            let renewable = held.facts.renewable();
            held.facts.quarantined = Some(reason.clone());
            renewable
        });
        self.session.state = State::NeedsSignIn { reason: reason.clone() };
        if unsealed {
            self.seal(reason);
        }
    }
}

/// Whether it was the network that stood in the way, so that a change of that may end it.
pub(super) fn of_the_network(reason: &Reason) -> bool {
    missed(reason) || *reason == Reason::ReplyLost
}

/// Whether the provider never saw the request.
pub(super) fn missed(reason: &Reason) -> bool {
    matches!(reason, Reason::Unreachable { .. } | Reason::NotTheProvider { .. })
}
