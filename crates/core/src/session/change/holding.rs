//! Taking tokens: durable ones are held and published, others wait to become so, and older ones are left alone.

use jiff::SignedDuration;

use super::Change;
use crate::policy::{Basis, Plan, REVOKE_TURN, save_backoff};
use crate::reason::{Reason, VaultProblem};
use crate::record::{Level, Record};
use crate::session::effect::{Effect, Notice};
use crate::session::input::{Asker, Loaded};
use crate::session::state::{Held, State};
use crate::time::Now;
use crate::token_set::TokenFacts;

impl Change {
    /// Takes tokens that are durable, and plans their renewal.
    pub(in crate::session) fn hold(&mut self, mut facts: TokenFacts) {
        let previous = self.session.held.take().map(|held| held.facts);
        if let Some(previous) = &previous {
            // What is stored of a session's use may be older than what is known here.
            facts.usage = facts.usage.and_later(previous.usage);
        }
        if let Some(end) = self.session.policy.limits.end(&facts.usage).filter(|end| end.over(self.now.stamp))
        {
            return self.is_over(end.reason());
        }
        // One token, one moment: whoever else looks at it on this machine plans the same.
        let now = Now { jitter: facts.access_fingerprint.jitter(), ..self.now };
        let plan = self.session.policy.plan(&facts, previous.as_ref(), now);
        self.session.failures = 0;
        self.session.failing_since = None;
        self.session.unclear = 0;
        self.session.owed = None;
        self.session.state = State::SignedIn;
        self.effects.push(Effect::Publish { generation: facts.generation });
        self.session.held = Some(Held { facts, plan });
    }

    /// A renewal of these tokens was sent, and its reply never arrived: the same token is sent once more, now,
    /// since a server with a grace window answers that as before.
    fn renew_at_once(&mut self) {
        let now = self.now.stamp;
        if let Some(held) = self.session.held.as_mut().filter(|held| held.facts.renewable()) {
            let jitter = SignedDuration::ZERO;
            held.plan = Plan { due: now, jitter, basis: Basis::Unanswered, ..held.plan };
        }
    }

    pub(in crate::session) fn signed_in(&mut self, facts: TokenFacts) {
        self.session.storm = 0;
        self.session.held = None;
        self.hold(facts);
        self.record_tokens(Level::Info, "signed_in", "Signed in".to_owned());
    }

    pub(in crate::session) fn renewed(&mut self, facts: TokenFacts, took_ms: u64, asker: Asker) {
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
        self.session.network_doubted = None;
        self.session.got_nowhere = false;
        self.session.tally.count += 1;
        self.session.tally.last_ms = Some(took_ms);
        let left = before.as_ref().map(|facts| facts.access.expires.left(self.now.stamp));
        let left_ms = left.map(|left| u64::try_from(left.as_millis()).unwrap_or_default());
        let (old, new) = (before.map_or(0, |facts| facts.generation), facts.generation);
        self.hold(facts);
        let message = format!("Renewed in {took_ms} ms, generation {old} → {new}");
        let record = self.told_of_tokens(Level::Info, "renewed", message);
        let took_ms = Some(took_ms);
        if let Some(record) = record {
            self.record(Record { took_ms, left_ms, ..record });
        }
    }

    /// Takes tokens that someone else stored.
    pub(in crate::session) fn adopt(&mut self, facts: TokenFacts) {
        let generation = facts.generation;
        let opening = matches!(&self.session.state, State::Waiting { .. }) && self.session.held.is_none();
        let quarantined = facts.quarantined.clone();
        self.hold(facts);
        if opening {
            let message = format!("Tokens of generation {generation} are in the vault");
            self.record_tokens(Level::Debug, "opened", message);
        } else {
            let message = format!("Another process stored generation {generation}; took it over");
            self.record_tokens(Level::Info, "adopted", message);
        }
        if let Some(reason) = quarantined {
            self.needs_sign_in(reason);
        }
    }

    /// What a second reading of the vault says.
    pub(in crate::session) fn reloaded(&mut self, loaded: Loaded) {
        let unanswered = matches!(loaded, Loaded::Unanswered(_));
        match loaded {
            Loaded::Found(facts) | Loaded::Unanswered(facts) => {
                let known = self.session.held.as_ref().map(|held| held.facts.generation);
                let signed_in =
                    matches!(self.session.state, State::SignedIn) && known == Some(facts.generation);
                // The generation in hand is news only where another process has quarantined it: a quarantine
                // that the vault does not know of stays, or the refused token would be sent again.
                let news = self.session.held.as_ref().is_none_or(|Held { facts: known, .. }| {
                    let sealed = known.quarantined.is_none() && facts.quarantined.is_some();
                    // After a sign-out elsewhere generations begin anew; what was received later is newer. The very
                    // tokens in hand were not received later, whatever two looks at clocks that are set say.
                    let others = (known.access_fingerprint, known.refresh_fingerprint)
                        != (facts.access_fingerprint, facts.refresh_fingerprint);
                    facts.generation > known.generation
                        || (others && facts.received.boot > known.received.boot)
                        || (facts.generation == known.generation && sealed)
                });
                if news {
                    self.adopt(facts);
                } else if let Some(held) = &mut self.session.held {
                    held.facts.usage = held.facts.usage.and_later(facts.usage);
                }
                if unanswered && (news || signed_in) {
                    self.renew_at_once();
                }
                self.ended_unrenewed();
            }
            Loaded::Absent if self.session.held.is_some() => self.vault_empty(),
            Loaded::Erased if self.session.held.is_some() => self.signed_out_elsewhere(),
            Loaded::Absent | Loaded::Erased => {
                self.session.state = State::SignedOut { reason: Reason::NeverSignedIn };
            }
            Loaded::Unrevoked { since } if self.session.held.is_some() => {
                self.signed_out_elsewhere();
                self.found_unrevoked(since, self.now.stamp.plus(REVOKE_TURN));
            }
            Loaded::Unrevoked { since } => {
                self.session.state = State::SignedOut { reason: Reason::SignedOut };
                self.found_unrevoked(since, self.now.stamp);
            }
            Loaded::Unknown(problem) if self.session.held.is_none() => {
                self.back_off(Reason::Vault { problem }, None);
            }
            Loaded::Unknown(problem) => self.record(Record {
                reason: Some(problem.code()),
                ..Record::new(Level::Warn, "vault_unreadable", problem.message())
            }),
        }
    }

    /// Tokens that are over and that nothing renews.
    pub(in crate::session) fn ended_unrenewed(&mut self) {
        let ended = |held: &Held| !held.facts.renewable() && held.facts.access.expires.passed(self.now.stamp);
        let signed_in = matches!(self.session.state, State::SignedIn);
        if signed_in && self.session.held.as_ref().is_some_and(ended) {
            self.needs_sign_in(Reason::NotRenewable);
        }
    }

    pub(in crate::session) fn vault_empty(&mut self) {
        let told = Record::new(Level::Warn, "vault_empty", Reason::VaultEmpty.message());
        self.found_nothing(Reason::VaultEmpty, told);
        self.effects.push(Effect::Notify(Notice::SignInNeeded(Reason::VaultEmpty)));
    }

    /// Somebody signed out in another process: they know, and nobody else has to be told.
    fn signed_out_elsewhere(&mut self) {
        let what = "Signed out by another process; the stored tokens are erased";
        self.found_nothing(Reason::SignedOut, Record::new(Level::Info, "signed_out", what));
    }

    /// Of the tokens in hand nothing is stored any more.
    fn found_nothing(&mut self, reason: Reason, told: Record) {
        self.session.held = None;
        self.session.owed = None;
        self.effects.push(Effect::Forget);
        self.record(Record { reason: Some(reason.code()), ..told });
        self.session.state = State::SignedOut { reason };
    }

    pub(in crate::session) fn cannot_save(&mut self, facts: TokenFacts, problem: VaultProblem) {
        let generation = facts.generation;
        let until = self.now.stamp.plus(save_backoff(1));
        self.session.unsaved = Some(Box::new(facts));
        self.session.state = State::Saving { generation, problem, tries: 1, until };
        self.record(Record {
            generation: Some(generation),
            reason: Some(problem.code()),
            next_at: Some(until.wall),
            ..Record::new(Level::Error, "save_failed", problem.message())
        });
        self.effects.push(Effect::Notify(Notice::CannotSave(problem)));
    }

    pub(in crate::session) fn saved(&mut self) {
        let Some(facts) = self.session.unsaved.take() else { return };
        let (generation, quarantined) = (facts.generation, facts.quarantined.clone());
        self.session.tally.count += 1;
        self.hold(*facts);
        self.record_tokens(Level::Info, "renewed", format!("Stored at last, generation {generation}"));
        if let Some(reason) = quarantined {
            self.needs_sign_in(reason);
        }
    }

    fn record_tokens(&mut self, level: Level, kind: &'static str, message: String) {
        if let Some(record) = self.told_of_tokens(level, kind, message) {
            self.record(record);
        }
    }

    /// A record of the tokens that are held.
    fn told_of_tokens(&self, level: Level, kind: &'static str, message: String) -> Option<Record> {
        let Held { facts, plan } = self.session.held.as_ref()?;
        Some(Record {
            generation: Some(facts.generation),
            fingerprint: Some(facts.access_fingerprint),
            expires_at: Some(facts.access.expires.wall),
            next_at: facts.renewable().then_some(plan.due.wall),
            ..Record::new(level, kind, message)
        })
    }
}
