//! The words of which the arms of the match are sentences: what happens to a session on its way from one state to
//! the next. Nothing here decides on an input; that is done in the one match beside this folder.
//!
//! This file has renewing and waiting for the network; `holding` takes tokens, `failing` says what a failed
//! renewal leads to, `ending` keeps the account's limits, `owed` keeps what must be done until it is known to be.

mod ending;
mod failing;
mod holding;
mod owed;

use failing::{missed, of_the_network};
use jiff::SignedDuration;

use crate::policy::{self, Basis};
use crate::reason::Reason;
use crate::record::{Level, Record};
use crate::session::effect::{Effect, EffectId, Look};
use crate::session::input::Asker;
use crate::session::state::{Debt, Owed, Session, State};
use crate::session::transition::Step;
use crate::time::Now;

/// A session on its way from one state to the next. The arms of the match are sentences made of these words.
pub(super) struct Change {
    pub(super) session: Session,
    pub(super) effects: Vec<Effect>,
    pub(super) now: Now,
}

impl Change {
    pub(super) fn done(self) -> Step {
        Step { session: self.session, effects: self.effects }
    }

    pub(super) fn await_answer(&mut self) -> EffectId {
        self.session.last_id += 1;
        let id = EffectId(self.session.last_id);
        self.session.in_flight = Some(id);
        id
    }

    pub(super) fn record(&mut self, record: Record) {
        self.effects.push(Effect::Record(record));
    }

    pub(super) fn load(&mut self) {
        let id = self.await_answer();
        self.effects.push(Effect::Load(id));
    }

    /// Tries again to store, unless that is under way: a store is never raced by a second one.
    pub(super) fn save_unless_saving(&mut self) {
        if self.session.in_flight.is_none() {
            let id = self.await_answer();
            self.effects.push(Effect::Save(id));
        }
    }

    /// The sign-in under way is not wanted any more.
    pub(super) fn abandon_sign_in(&mut self) {
        self.session.in_flight = None;
        self.effects.push(Effect::AbandonSignIn);
    }

    pub(super) fn sign_in(&mut self) {
        let ended = self.session.state.reason().filter(|_| self.session.expiring());
        // Nobody waits any more for what is stored of a session that ended; that stays owed.
        let back = ended.map_or_else(|| self.session.state.clone(), |reason| State::SignedOut { reason });
        self.session.state = State::SigningIn { back: Box::new(back) };
        self.session.reload = false;
        let id = self.await_answer();
        self.effects.push(Effect::Authenticate(id));
    }

    /// Nothing came of a sign-in. Another process may have brought one about meanwhile.
    pub(super) fn goes_back(&mut self, back: State) {
        self.session.state = back;
        if self.session.reload && !self.erases() {
            self.load();
        }
    }

    /// Whether what is stored is still to be erased.
    pub(super) fn erases(&self) -> bool {
        let erases = |owed: &Owed| matches!(owed.debt, Debt::Erase { .. } | Debt::Expire);
        self.session.owed.as_ref().is_some_and(erases)
    }

    pub(super) fn renew(&mut self, asker: Asker) {
        let Some(held) = &self.session.held else { return };
        if !held.facts.renewable() {
            return;
        }
        let generation = held.facts.generation;
        self.session.state = State::Renewing { generation, asker };
        let id = self.await_answer();
        self.effects.push(Effect::Renew { id, generation, asker });
        self.record(Record {
            generation: Some(generation),
            ..Record::new(Level::Debug, "renewing", capitalised(asker.why()))
        });
    }

    /// Renews, unless the storm breaker counts renewals of this asker and has counted enough.
    pub(super) fn renew_in_calm(&mut self, asker: Asker) {
        let renewable = self.session.held.as_ref().is_some_and(|held| held.facts.renewable());
        if renewable && asker.counts() && self.session.storm >= policy::STORM {
            self.wait(Reason::Storm, policy::STORM_PAUSE);
        } else {
            self.renew(asker);
        }
    }

    pub(super) fn try_again(&mut self, asker: Asker) {
        if self.session.expiring() {
            // What is stored of a session that came to its end is being looked at already.
        } else if self.session.held.is_none() {
            self.load();
        } else {
            self.renew(asker);
        }
    }

    /// The end of a wait: another try, once the token host answers where that is in doubt.
    pub(super) fn retry(&mut self) {
        // Where something else answers in the host's place, asking whether it answers tells nothing.
        let answered = matches!(self.session.state.reason(), Some(Reason::NotTheProvider { .. }));
        if self.session.held.is_some() && self.network_in_doubt() && !answered {
            self.probe();
        } else {
            self.try_again(Asker::Retry);
        }
    }

    /// The plan's moment has come, or a clock has jumped there.
    pub(super) fn due(&mut self) {
        let Some(held) = &self.session.held else { return };
        let (due, basis) = (held.plan.due, held.plan.basis);
        if !held.facts.renewable() {
            self.ended_unrenewed();
        } else if due.passed(self.now.stamp) {
            if self.session.storm < policy::STORM && self.network_in_doubt() {
                self.await_network();
            } else {
                self.renew_in_calm(if basis == Basis::Unanswered { Asker::Recovery } else { Asker::Plan });
            }
        }
    }

    /// Whether a program may cut the wait short: not where the provider said how long it is, and not so often
    /// that a thousand of them would undo the back-off.
    pub(super) fn program_may_try(&self) -> bool {
        let State::Waiting { reason, until } = &self.session.state else { return false };
        let waited = self.session.waits_since.age(self.now.stamp);
        let whole = until.left(self.session.waits_since);
        let mannerly = !self.session.told_to_wait && waited >= (whole / 3).max(policy::PROGRAM_PAUSE);
        // The storm breaker does not count what somebody asked for, and a host that does not answer costs nothing.
        self.session.in_flight.is_none() && (matches!(reason, Reason::Storm | Reason::Network) || mannerly)
    }

    /// The machine woke, or a link came or went: what was true of the network need not be any more.
    pub(super) fn network_changed(&mut self) {
        let reason = self.session.state.reason().filter(|_| self.session.held.is_some());
        let (awaited, in_doubt) = (reason == Some(Reason::Network), self.network_in_doubt());
        let stood_in_the_way = reason.as_ref().is_some_and(of_the_network);
        // While it is being waited for, the bound of that stands: a network may change for ever.
        if !(awaited || stood_in_the_way && in_doubt) {
            self.session.network_doubted = Some(self.now.stamp);
        }
        self.session.got_nowhere = false;
        // A reply that was lost in this very doubt is no reason for a series of requests.
        let again = reason == Some(Reason::ReplyLost) && in_doubt;
        if awaited || stood_in_the_way && !again && !self.session.told_to_wait {
            // What the provider never saw was none of its failures.
            if reason.as_ref().is_some_and(missed) {
                self.session.failures = 0;
                self.session.failing_since = None;
            }
            self.await_network();
        }
        if let Some(owed) = self.session.owed.as_mut().filter(|owed| matches!(owed.debt, Debt::Revoke { .. }))
        {
            owed.at = self.now.stamp;
        }
    }

    /// Looks at the network before a renewal. Where one seems to be there the renewal's own connection is the look at
    /// the host: while that fails nothing is spent, and nobody waits for two connections one after the other. A reply
    /// that was just lost is not risked again like that.
    pub(super) fn probe(&mut self) {
        let lost = self.session.state.reason() == Some(Reason::ReplyLost);
        let look = if lost || self.session.got_nowhere { Look::Host } else { Look::Route };
        self.session.state = State::Waiting { reason: Reason::Network, until: self.now.stamp };
        let id = self.await_answer();
        self.effects.push(Effect::Probe { id, look });
    }

    /// What the look saw; in the end the renewal is tried anyhow, since a look may be wrong.
    pub(super) fn probed(&mut self, there: bool) {
        if there || !self.network_in_doubt() {
            self.try_again(Asker::Retry);
        } else {
            self.look_again();
        }
    }

    /// There is no network to the host yet: that is looked at again soon, and is no failure.
    pub(super) fn look_again(&mut self) {
        let until = self.now.stamp.plus(self.probe_pause());
        self.session.state = State::Waiting { reason: Reason::Network, until };
    }

    /// Whether a renewal that was not sent says of the network in doubt what a look would have said.
    pub(super) fn was_the_look(&self) -> bool {
        self.network_in_doubt() && !self.session.got_nowhere
    }

    /// Looks at the network soon, and not in the same instant as every other account.
    fn await_network(&mut self) {
        let until = self.now.stamp.plus(policy::FIRST_LOOK + self.now.jitter.of(policy::WAKE_SPREAD));
        self.session.state = State::Waiting { reason: Reason::Network, until };
        self.record(Record {
            generation: self.session.held.as_ref().map(|held| held.facts.generation),
            reason: Some(Reason::Network.code()),
            next_at: Some(until.wall),
            ..Record::new(Level::Info, "network_awaited", Reason::Network.message())
        });
    }

    /// How long to wait before the next look at a network that is in doubt.
    fn probe_pause(&self) -> SignedDuration {
        let since = self.session.network_doubted.unwrap_or(self.now.stamp);
        policy::probe_pause(since.age(self.now.stamp))
    }

    fn network_in_doubt(&self) -> bool {
        self.network_changed_within(policy::DOUBT_NETWORK_FOR)
    }

    /// Whether the machine woke or the network changed so recently, and no answer has cleared the doubt since.
    fn network_changed_within(&self, limit: SignedDuration) -> bool {
        let since = self.session.network_doubted;
        since.is_some_and(|since| since.age(self.now.stamp) < limit)
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
