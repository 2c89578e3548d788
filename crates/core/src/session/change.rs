//! The words of which the arms of the match are sentences: what happens to a session on its way from one state to
//! the next. Nothing here decides on an input; that is done in the one match beside this file.

use jiff::SignedDuration;

use crate::disposition::{Disposition, Failure, disposition};
use crate::freshness;
use crate::policy::{self, backoff, in_words, save_backoff};
use crate::reason::{Reason, VaultProblem};
use crate::record::{Level, Record};
use crate::session::effect::{Effect, EffectId, Notice};
use crate::session::input::{Asker, Loaded};
use crate::session::state::{Held, Session, State};
use crate::session::transition::Step;
use crate::time::Now;
use crate::token_set::TokenFacts;

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

    /// Erasing stays owed until it is known to be done, or a sign-in could make it forgotten.
    pub(super) fn wipe(&mut self) {
        self.session.wipe_owed = Some(self.now.stamp);
        let id = self.await_answer();
        self.effects.push(Effect::Wipe(id));
    }

    /// The sign-in under way is not wanted any more.
    pub(super) fn abandon_sign_in(&mut self) {
        self.session.in_flight = None;
        self.effects.push(Effect::AbandonSignIn);
    }

    pub(super) fn sign_in(&mut self) {
        let back = Box::new(self.session.state.clone());
        self.session.state = State::SigningIn { back };
        let id = self.await_answer();
        self.effects.push(Effect::Authenticate(id));
    }

    pub(super) fn sign_out(&mut self) {
        self.session.state = State::SignedOut { reason: Reason::SignedOut };
        self.session.held = None;
        self.session.unsaved = None;
        self.session.failures = 0;
        self.effects.push(Effect::Forget);
        self.wipe();
        self.record(Record::new(
            Level::Debug,
            "signing_out",
            "Signing out: the stored tokens are erased first",
        ));
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
        if self.session.held.is_none() {
            self.load();
        } else {
            self.renew(asker);
        }
    }

    /// The plan's moment has come, or a clock has jumped there.
    pub(super) fn due(&mut self) {
        let Some(held) = &self.session.held else { return };
        let (due, expires) = (held.plan.due, held.facts.access.expires);
        if !held.facts.renewable() {
            if expires.passed(self.now.stamp) {
                self.needs_sign_in(Reason::NotRenewable);
            }
        } else if due.passed(self.now.stamp) {
            self.renew_in_calm(Asker::Plan);
        }
    }

    /// Takes tokens that are durable, and plans their renewal.
    pub(super) fn hold(&mut self, facts: TokenFacts) {
        let previous = self.session.held.take().map(|held| held.facts);
        // One token, one moment: whoever else looks at it on this machine plans the same.
        let now = Now { jitter: facts.access_fingerprint.jitter(), ..self.now };
        let plan = self.session.policy.plan(&facts, previous.as_ref(), now);
        self.session.failures = 0;
        self.session.unclear = 0;
        self.session.wipe_owed = None;
        self.session.state = State::SignedIn;
        self.effects.push(Effect::Publish { generation: facts.generation });
        self.session.held = Some(Held { facts, plan });
    }

    pub(super) fn signed_in(&mut self, facts: TokenFacts) {
        self.session.storm = 0;
        self.session.held = None;
        self.hold(facts);
        self.record_tokens(Level::Info, "signed_in", "Signed in".to_owned(), None);
    }

    pub(super) fn renewed(&mut self, facts: TokenFacts, took_ms: u64, asker: Asker) {
        let before = self.session.held.as_ref().map(|held| held.facts.clone());
        if let Some(before) = &before {
            let bought_half = before.received.age(self.now.stamp) * 2 >= before.lifetime();
            let worth_it = before.lifetime() > SignedDuration::ZERO && bought_half;
            if worth_it {
                self.session.storm = 0;
            } else if asker.counts() {
                self.session.storm += 1;
            }
        }
        self.session.tally.count += 1;
        self.session.tally.last_ms = Some(took_ms);
        let (old, new) = (before.map_or(0, |facts| facts.generation), facts.generation);
        self.hold(facts);
        self.record_tokens(
            Level::Info,
            "renewed",
            format!("Renewed in {took_ms} ms, generation {old} → {new}"),
            Some(took_ms),
        );
    }

    /// Takes tokens that someone else stored.
    pub(super) fn adopt(&mut self, facts: TokenFacts) {
        let generation = facts.generation;
        let opening = matches!(&self.session.state, State::Waiting { .. }) && self.session.held.is_none();
        let quarantined = facts.quarantined.clone();
        self.hold(facts);
        if opening {
            let message = format!("Tokens of generation {generation} are in the vault");
            self.record_tokens(Level::Debug, "opened", message, None);
        } else {
            let message = format!("Another process stored generation {generation}; took it over");
            self.record_tokens(Level::Info, "adopted", message, None);
        }
        if let Some(reason) = quarantined {
            self.needs_sign_in(reason);
        }
    }

    /// What a second reading of the vault says.
    pub(super) fn reloaded(&mut self, loaded: Loaded) {
        match loaded {
            Loaded::Found(facts) => {
                // The generation in hand is news only where another process has quarantined it: a quarantine
                // that the vault does not know of stays, or the refused token would be sent again.
                let news = self.session.held.as_ref().is_none_or(|Held { facts: known, .. }| {
                    let sealed = known.quarantined.is_none() && facts.quarantined.is_some();
                    // After a sign-out elsewhere generations begin anew; what was received later is newer.
                    facts.generation > known.generation
                        || facts.received.wall > known.received.wall
                        || (facts.generation == known.generation && sealed)
                });
                if news {
                    self.adopt(facts);
                }
            }
            Loaded::Absent if self.session.held.is_some() => self.vault_empty(),
            Loaded::Absent => self.session.state = State::SignedOut { reason: Reason::NeverSignedIn },
            Loaded::Unknown(problem) if self.session.held.is_none() => {
                self.back_off(Reason::Vault { problem }, None);
            }
            Loaded::Unknown(problem) => self.record(Record {
                reason: Some(problem.code()),
                ..Record::new(Level::Warn, "vault_unreadable", problem.message())
            }),
        }
    }

    pub(super) fn vault_empty(&mut self) {
        self.session.held = None;
        self.effects.push(Effect::Forget);
        self.session.state = State::SignedOut { reason: Reason::VaultEmpty };
        self.record(Record {
            reason: Some(Reason::VaultEmpty.code()),
            ..Record::new(Level::Warn, "vault_empty", Reason::VaultEmpty.message())
        });
        self.effects.push(Effect::Notify(Notice::SignInNeeded(Reason::VaultEmpty)));
    }

    pub(super) fn cannot_save(&mut self, facts: TokenFacts, problem: VaultProblem) {
        let generation = facts.generation;
        let until = self.now.stamp.plus(save_backoff(1));
        self.session.unsaved = Some(facts);
        self.session.state = State::Saving { generation, problem, tries: 1, until };
        self.record(Record {
            generation: Some(generation),
            reason: Some(problem.code()),
            next_at: Some(until.wall),
            ..Record::new(Level::Error, "save_failed", problem.message())
        });
        self.effects.push(Effect::Notify(Notice::CannotSave(problem)));
    }

    pub(super) fn saved(&mut self) {
        let Some(facts) = self.session.unsaved.take() else { return };
        let (generation, quarantined) = (facts.generation, facts.quarantined.clone());
        self.session.tally.count += 1;
        self.hold(facts);
        self.record_tokens(Level::Info, "renewed", format!("Stored at last, generation {generation}"), None);
        if let Some(reason) = quarantined {
            self.needs_sign_in(reason);
        }
    }

    /// What a failed exchange leads to; the table stands in [`crate::disposition`].
    pub(super) fn failed(&mut self, failure: &Failure, after_lost_reply: bool) {
        self.session.tally.failed += 1;
        match disposition(failure) {
            Disposition::Retry { after, reason } => self.back_off(reason, after),
            Disposition::RetryFew { status, after } => {
                self.session.unclear += 1;
                let reason = Reason::Unclear { status };
                if self.session.unclear > policy::UNCLEAR_ANSWERS {
                    self.needs_sign_in(reason);
                } else {
                    self.back_off(reason, after);
                }
            }
            Disposition::Misconfigured(reason) => self.back_off(reason, Some(policy::MAX_BACKOFF_EXPIRED)),
            Disposition::Quarantine(reason) => {
                let ceiling = self.session.held.as_ref().and_then(|held| held.facts.session);
                let reason = if ceiling.is_some_and(|end| end.expires.passed(self.now.stamp)) {
                    Reason::CeilingReached
                } else if after_lost_reply {
                    reason.after_lost_reply()
                } else {
                    reason
                };
                self.needs_sign_in(reason);
            }
        }
    }

    pub(super) fn back_off(&mut self, reason: Reason, after: Option<SignedDuration>) {
        self.session.failures += 1;
        let lives = self
            .session
            .held
            .as_ref()
            .is_some_and(|held| freshness::left(&held.facts, self.now.stamp) > SignedDuration::ZERO);
        let own = backoff(self.session.failures, lives, self.now.jitter);
        self.wait(reason, after.map_or(own, |after| after.max(own)));
    }

    pub(super) fn wait(&mut self, reason: Reason, wait: SignedDuration) {
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
    }

    pub(super) fn needs_sign_in(&mut self, reason: Reason) {
        let generation = self.session.held.as_ref().map(|held| held.facts.generation);
        self.record(Record {
            generation,
            reason: Some(reason.code()),
            ..Record::new(Level::Error, "needs_sign_in", reason.message())
        });
        self.effects.push(Effect::Notify(Notice::SignInNeeded(reason.clone())));
        if let Some(held) = &mut self.session.held {
            held.facts.quarantined = Some(reason.clone());
        }
        self.session.state = State::NeedsSignIn { reason };
    }

    pub(super) fn record_tokens(
        &mut self,
        level: Level,
        kind: &'static str,
        message: String,
        took_ms: Option<u64>,
    ) {
        let Some(Held { facts, plan }) = &self.session.held else { return };
        let record = Record {
            generation: Some(facts.generation),
            fingerprint: Some(facts.access_fingerprint),
            took_ms,
            expires_at: Some(facts.access.expires.wall),
            next_at: facts.renewable().then_some(plan.due.wall),
            ..Record::new(level, kind, message)
        };
        self.record(record);
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
