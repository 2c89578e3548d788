//! The account's own limits: a session that comes to its end is over, whatever the provider would still renew.

use super::Change;
use crate::policy::in_words;
use crate::reason::Reason;
use crate::record::{Level, Record};
use crate::session::effect::{Effect, Notice, Revoke};
use crate::session::state::{Debt, State};
use crate::token_set::TokenFacts;

impl Change {
    /// Whether the session has come to its end; what that takes is done then. A person is told ahead of it.
    pub(in crate::session) fn came_to_its_end(&mut self) -> bool {
        let now = self.now.stamp;
        if self.session.policy.limits.any()
            && let Some(held) = &mut self.session.held
        {
            // Its deadlines are waited for on whichever clock says less, and the wall clock may have been set.
            held.facts.usage = held.facts.usage.on_boot_clock(now);
        }
        let Some(end) = self.session.end() else { return false };
        if end.over(now) {
            if self.next_waits_to_be_stored() {
                self.session.held = None;
                return false;
            }
            self.ends(end.reason());
            return true;
        }
        if end.warns().boot <= now.boot && self.session.warned != Some(end.at.boot) {
            self.session.warned = Some(end.at.boot);
            let left = in_words(end.at.boot.saturating_sub(now.boot));
            self.effects.push(Effect::Notify(Notice::EndsSoon(end)));
            self.record(Record {
                expires_at: Some(end.at.wall),
                reason: Some(end.reason().code()),
                ..Record::new(
                    Level::Info,
                    "ends_soon",
                    format!("The session ends in {left} by the account's limits"),
                )
            });
        }
        false
    }

    /// Whether what waits to be stored goes on: it is of a new sign-in, or another process knew of a later use.
    fn next_waits_to_be_stored(&self) -> bool {
        let Some(next) = &self.session.unsaved else { return false };
        self.session.policy.limits.end(&next.usage).is_none_or(|end| !end.over(self.now.stamp))
    }

    /// Somebody uses the session. Where that moves its end it is stored, so that every process and every later start
    /// knows it.
    pub(in crate::session) fn used(&mut self) {
        if self.came_to_its_end() {
            return;
        }
        let (limits, now) = (self.session.policy.limits, self.now.stamp);
        let Some(held) = &mut self.session.held else { return };
        if let Some(usage) = limits.used(&held.facts.usage, now) {
            held.facts.usage = usage;
            self.effects.push(Effect::Mark(usage));
        }
    }

    /// Nobody gets a token from here on. Another process may know of a later use: what is stored decides.
    fn ends(&mut self, reason: Reason) {
        let signing_in = matches!(self.session.state, State::SigningIn { .. });
        self.is_over(reason.clone());
        if signing_in {
            // What the sign-in brings takes the place of what is over; if it brings nothing that is looked at then.
            let back = Box::new(self.session.state.clone());
            self.session.state = State::SigningIn { back };
        } else {
            self.session.state = State::Waiting { reason, until: self.now.stamp };
            self.pay();
        }
    }

    /// Found to be over: what is stored is looked at once more, and erased, at the deadline. A program that only looks
    /// erases nothing.
    pub(super) fn is_over(&mut self, reason: Reason) {
        self.session.state = State::SignedOut { reason };
        self.session.held = None;
        self.session.unsaved = None;
        self.session.failures = 0;
        self.session.warned = None;
        self.effects.push(Effect::Forget);
        self.owe(Debt::Expire);
    }

    /// It is over and its tokens are erased. The provider is told without a page of its own: nobody is there to see it.
    pub(in crate::session) fn expired(&mut self, reason: Reason, unrevoked: bool) {
        self.session.owed = None;
        self.record(Record {
            reason: Some(reason.code()),
            ..Record::new(Level::Warn, "session_ended", reason.message())
        });
        self.effects.push(Effect::Notify(Notice::SignInNeeded(reason.clone())));
        self.session.state = State::SignedOut { reason };
        if unrevoked {
            self.owe(Debt::Revoke { since: self.now.stamp });
            self.revoke(Revoke::Again);
        }
    }

    /// Another process knew better.
    pub(in crate::session) fn goes_on(&mut self, facts: TokenFacts) {
        self.session.owed = None;
        self.adopt(facts);
    }
}
