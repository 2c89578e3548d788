//! The one match. Each arm tells one story; the rules are grouped by the state they start from.

use jiff::SignedDuration;

use crate::account::AccountName;
use crate::disposition::{Disposition, Failure, disposition};
use crate::freshness;
use crate::policy::{self, Policy, backoff, in_words, save_backoff};
use crate::reason::{Reason, VaultProblem};
use crate::record::{Level, Record};
use crate::session::effect::{Effect, EffectId, Notice};
use crate::session::input::{Asker, Authenticated, Input, Loaded, Renewal};
use crate::session::state::{Held, Session, State, Tally};
use crate::time::Now;
use crate::token_set::TokenFacts;

/// A session after an input, and what is to be done about it.
#[derive(Debug)]
#[must_use = "effects that are not run are lost: the session would wait for their answers for ever"]
pub struct Step {
    /// The session as it is now.
    pub session: Session,
    /// What is to be done, in this order.
    pub effects: Vec<Effect>,
}

/// Opens the session of an account: the vault is read first.
pub fn open(account: AccountName, policy: Policy, now: Now) -> Step {
    let waiting = State::Waiting { reason: Reason::Opening, until: now.stamp };
    let mut change = Change {
        session: Session {
            account,
            policy,
            state: waiting,
            held: None,
            unsaved: None,
            in_flight: None,
            last_id: 0,
            failures: 0,
            unclear: 0,
            storm: 0,
            wipe_owed: None,
            tally: Tally::default(),
        },
        effects: Vec::new(),
        now,
    };
    change.load();
    change.done()
}

/// Decides. The only way a session changes.
#[expect(
    clippy::match_same_arms,
    reason = "arms stay with the state they start from, so each group is whole"
)]
pub fn step(session: Session, input: Input, now: Now) -> Step {
    let mut change = Change { session, effects: Vec::new(), now };
    if let Some(id) = answered(&input) {
        if change.session.in_flight != Some(id) {
            change.record(Record::new(Level::Debug, "late_answer", "An answer nobody waits for was dropped"));
            return change.done();
        }
        change.session.in_flight = None;
    }
    match (change.session.state.clone(), input) {
        // ── From SignedOut ──────────────────────────────────────────────────────────────────────────────────
        (State::SignedOut { .. }, Input::SignInRequested) => change.sign_in(),
        (State::SignedOut { .. }, Input::ReloadRequested) => {
            // What is still to be erased would be found, and the person would be signed in again.
            if change.session.wipe_owed.is_none() {
                change.load();
            }
        }
        (State::SignedOut { .. }, Input::Loaded(_, Loaded::Found(facts))) => change.adopt(facts),
        (State::SignedOut { .. }, Input::Loaded(_, Loaded::Absent | Loaded::Unknown(_))) => {}
        (State::SignedOut { .. }, Input::Wiped(_, Ok(()))) => {
            change.session.wipe_owed = None;
            change.record(Record {
                reason: Some(Reason::SignedOut.code()),
                ..Record::new(Level::Info, "signed_out", "Signed out; the stored tokens are erased")
            });
        }
        (State::SignedOut { .. }, Input::Wiped(_, Err(problem))) => {
            change.session.failures += 1;
            let wait = save_backoff(change.session.failures);
            change.session.wipe_owed = Some(now.stamp.plus(wait));
            change.record(Record {
                reason: Some(problem.code()),
                ..Record::new(Level::Error, "erase_failed", problem.message())
            });
        }
        (State::SignedOut { .. }, Input::TimePassed) => {
            let owed = change.session.wipe_owed.is_some_and(|at| at.passed(now.stamp));
            if owed && change.session.in_flight.is_none() {
                change.wipe();
            }
        }
        // Signing out twice is signing out; nothing is signed in that could be renewed or refused.
        (
            State::SignedOut { .. },
            Input::SignOutRequested
            | Input::SignInCancelled
            | Input::RenewRequested(_)
            | Input::TokenRejected(_),
        ) => {}

        // ── From SigningIn ──────────────────────────────────────────────────────────────────────────────────
        (State::SigningIn { .. }, Input::Authenticated(_, Authenticated::Done(facts))) => {
            change.session.tally = Tally::default();
            change.signed_in(facts);
        }
        (State::SigningIn { .. }, Input::Authenticated(_, Authenticated::Unsaved(facts, problem))) => {
            change.cannot_save(facts, problem);
        }
        (State::SigningIn { back }, Input::Authenticated(_, Authenticated::Failed(reason))) => {
            change.record(Record {
                reason: Some(reason.code()),
                ..Record::new(Level::Warn, "sign_in_failed", reason.message())
            });
            change.session.state = *back;
        }
        (State::SigningIn { back }, Input::SignInCancelled) => {
            change.session.in_flight = None;
            change.session.state = *back;
            change.record(Record::new(Level::Info, "sign_in_cancelled", "The sign-in was given up"));
        }
        (State::SigningIn { .. }, Input::SignOutRequested) => change.sign_out(),
        // The sign-in under way decides; what it brings replaces whatever these are about.
        (
            State::SigningIn { .. },
            Input::SignInRequested
            | Input::RenewRequested(_)
            | Input::ReloadRequested
            | Input::TokenRejected(_)
            | Input::TimePassed,
        ) => {}

        // ── From SignedIn ───────────────────────────────────────────────────────────────────────────────────
        (State::SignedIn, Input::SignInRequested) => change.sign_in(),
        (State::SignedIn, Input::SignOutRequested) => change.sign_out(),
        (State::SignedIn, Input::ReloadRequested) => change.load(),
        (State::SignedIn, Input::Loaded(_, loaded)) => change.reloaded(loaded),
        (State::SignedIn, Input::RenewRequested(asker)) => change.renew_in_calm(asker),
        (State::SignedIn, Input::TokenRejected(fingerprint)) => {
            let current = change.session.held.as_ref().map(|held| held.facts.access_fingerprint);
            if current == Some(fingerprint) {
                change.renew_in_calm(Asker::ResourceServer);
            } else {
                change.record(Record {
                    fingerprint: Some(fingerprint),
                    ..Record::new(
                        Level::Debug,
                        "old_token_rejected",
                        "A refusal of an older token was ignored",
                    )
                });
            }
        }
        (State::SignedIn, Input::TimePassed) => change.due(),
        (State::SignedIn, Input::SignInCancelled) => {}

        // ── From Renewing ───────────────────────────────────────────────────────────────────────────────────
        (State::Renewing { asker, .. }, Input::Renewed(_, Renewal::Done { facts, took_ms })) => {
            change.renewed(facts, took_ms, asker);
        }
        (State::Renewing { .. }, Input::Renewed(_, Renewal::Adopted(facts))) => change.adopt(facts),
        (State::Renewing { .. }, Input::Renewed(_, Renewal::Unsaved { facts, problem })) => {
            change.cannot_save(facts, problem);
        }
        (State::Renewing { .. }, Input::Renewed(_, Renewal::Failed { failure, after_lost_reply })) => {
            change.failed(&failure, after_lost_reply);
        }
        (State::Renewing { .. }, Input::Renewed(_, Renewal::NoVault(problem))) => {
            change.back_off(Reason::Vault { problem }, None);
        }
        (State::Renewing { .. }, Input::Renewed(_, Renewal::LockBusy)) => {
            change.back_off(Reason::LockBusy, None);
        }
        (State::Renewing { .. }, Input::Renewed(_, Renewal::Absent)) => change.vault_empty(),
        (State::Renewing { .. }, Input::SignOutRequested) => change.sign_out(),
        // The exchange under way answers these: whoever asks shares its outcome.
        (
            State::Renewing { .. },
            Input::SignInRequested
            | Input::SignInCancelled
            | Input::RenewRequested(_)
            | Input::ReloadRequested
            | Input::TokenRejected(_)
            | Input::TimePassed,
        ) => {}

        // ── From Saving ─────────────────────────────────────────────────────────────────────────────────────
        (State::Saving { .. }, Input::Saved(_, Ok(()))) => change.saved(),
        (State::Saving { generation, tries, .. }, Input::Saved(_, Err(problem))) => {
            let until = now.stamp.plus(save_backoff(tries + 1));
            change.session.state = State::Saving { generation, problem, tries: tries + 1, until };
            change.record(Record {
                generation: Some(generation),
                reason: Some(problem.code()),
                next_at: Some(until.wall),
                ..Record::new(Level::Error, "save_failed", problem.message())
            });
        }
        (State::Saving { until, .. }, Input::TimePassed) => {
            if until.passed(now.stamp) {
                change.save_unless_saving();
            }
        }
        (State::Saving { .. }, Input::RenewRequested(Asker::Person)) => change.save_unless_saving(),
        (State::Saving { .. }, Input::SignOutRequested) => change.sign_out(),
        // Nothing is exchanged while what came of the last exchange is not safe.
        (
            State::Saving { .. },
            Input::SignInRequested
            | Input::SignInCancelled
            | Input::RenewRequested(_)
            | Input::ReloadRequested
            | Input::TokenRejected(_),
        ) => {}

        // ── From Waiting ────────────────────────────────────────────────────────────────────────────────────
        (State::Waiting { .. }, Input::Loaded(_, loaded)) => change.reloaded(loaded),
        (State::Waiting { until, .. }, Input::TimePassed) => {
            if until.passed(now.stamp) && change.session.in_flight.is_none() {
                change.try_again(Asker::Retry);
            }
        }
        (State::Waiting { .. }, Input::RenewRequested(Asker::Person)) => change.try_again(Asker::Person),
        // A program whose token has run out is not made to wait for a clock to be set right.
        (State::Waiting { reason: Reason::Storm, .. }, Input::RenewRequested(Asker::Program)) => {
            change.try_again(Asker::Program);
        }
        (State::Waiting { .. }, Input::SignInRequested) => change.sign_in(),
        (State::Waiting { .. }, Input::SignOutRequested) => change.sign_out(),
        (State::Waiting { .. }, Input::ReloadRequested) => change.load(),
        // Programs wait with everybody else, or a thousand of them would undo the back-off.
        (
            State::Waiting { .. },
            Input::RenewRequested(_) | Input::SignInCancelled | Input::TokenRejected(_),
        ) => {}

        // ── From NeedsSignIn ────────────────────────────────────────────────────────────────────────────────
        (State::NeedsSignIn { .. }, Input::SignInRequested) => change.sign_in(),
        (State::NeedsSignIn { .. }, Input::SignOutRequested) => change.sign_out(),
        (State::NeedsSignIn { .. }, Input::ReloadRequested) => change.load(),
        (State::NeedsSignIn { .. }, Input::Loaded(_, loaded)) => change.reloaded(loaded),
        // The refresh token was refused: sending it again tells nobody anything new.
        (
            State::NeedsSignIn { .. },
            Input::SignInCancelled | Input::RenewRequested(_) | Input::TokenRejected(_) | Input::TimePassed,
        ) => {}

        // ── Answers to effects of another state ─────────────────────────────────────────────────────────────
        // Whoever leaves a state early forgets its effect's id, so these are caught above.
        (
            _,
            Input::Loaded(..)
            | Input::Authenticated(..)
            | Input::Renewed(..)
            | Input::Saved(..)
            | Input::Wiped(..),
        ) => {
            change.record(Record::new(
                Level::Error,
                "answer_out_of_place",
                "An answer came in the wrong state",
            ));
        }
    }
    change.done()
}

fn answered(input: &Input) -> Option<EffectId> {
    match input {
        Input::Loaded(id, _)
        | Input::Authenticated(id, _)
        | Input::Renewed(id, _)
        | Input::Saved(id, _)
        | Input::Wiped(id, _) => Some(*id),
        Input::SignInRequested
        | Input::SignInCancelled
        | Input::SignOutRequested
        | Input::RenewRequested(_)
        | Input::ReloadRequested
        | Input::TokenRejected(_)
        | Input::TimePassed => None,
    }
}

/// A session on its way from one state to the next. The arms above are sentences made of these words.
struct Change {
    session: Session,
    effects: Vec<Effect>,
    now: Now,
}

impl Change {
    fn done(self) -> Step {
        Step { session: self.session, effects: self.effects }
    }

    fn await_answer(&mut self) -> EffectId {
        self.session.last_id += 1;
        let id = EffectId(self.session.last_id);
        self.session.in_flight = Some(id);
        id
    }

    fn record(&mut self, record: Record) {
        self.effects.push(Effect::Record(record));
    }

    fn load(&mut self) {
        let id = self.await_answer();
        self.effects.push(Effect::Load(id));
    }

    /// Tries again to store, unless that is under way: a store is never raced by a second one.
    fn save_unless_saving(&mut self) {
        if self.session.in_flight.is_none() {
            let id = self.await_answer();
            self.effects.push(Effect::Save(id));
        }
    }

    /// Erasing stays owed until it is known to be done, or a sign-in could make it forgotten.
    fn wipe(&mut self) {
        self.session.wipe_owed = Some(self.now.stamp);
        let id = self.await_answer();
        self.effects.push(Effect::Wipe(id));
    }

    fn sign_in(&mut self) {
        let back = Box::new(self.session.state.clone());
        self.session.state = State::SigningIn { back };
        let id = self.await_answer();
        self.effects.push(Effect::Authenticate(id));
    }

    fn sign_out(&mut self) {
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

    fn renew(&mut self, asker: Asker) {
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
    fn renew_in_calm(&mut self, asker: Asker) {
        let renewable = self.session.held.as_ref().is_some_and(|held| held.facts.renewable());
        if renewable && asker.counts() && self.session.storm >= policy::STORM {
            self.wait(Reason::Storm, policy::STORM_PAUSE);
        } else {
            self.renew(asker);
        }
    }

    fn try_again(&mut self, asker: Asker) {
        if self.session.held.is_none() {
            self.load();
        } else {
            self.renew(asker);
        }
    }

    /// The plan's moment has come, or a clock has jumped there.
    fn due(&mut self) {
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
    fn hold(&mut self, facts: TokenFacts) {
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

    fn signed_in(&mut self, facts: TokenFacts) {
        self.session.storm = 0;
        self.session.held = None;
        self.hold(facts);
        self.record_tokens(Level::Info, "signed_in", "Signed in".to_owned(), None);
    }

    fn renewed(&mut self, facts: TokenFacts, took_ms: u64, asker: Asker) {
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
    fn adopt(&mut self, facts: TokenFacts) {
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
    fn reloaded(&mut self, loaded: Loaded) {
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

    fn vault_empty(&mut self) {
        self.session.held = None;
        self.effects.push(Effect::Forget);
        self.session.state = State::SignedOut { reason: Reason::VaultEmpty };
        self.record(Record {
            reason: Some(Reason::VaultEmpty.code()),
            ..Record::new(Level::Warn, "vault_empty", Reason::VaultEmpty.message())
        });
        self.effects.push(Effect::Notify(Notice::SignInNeeded(Reason::VaultEmpty)));
    }

    fn cannot_save(&mut self, facts: TokenFacts, problem: VaultProblem) {
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

    fn saved(&mut self) {
        let Some(facts) = self.session.unsaved.take() else { return };
        let generation = facts.generation;
        self.session.tally.count += 1;
        self.hold(facts);
        self.record_tokens(Level::Info, "renewed", format!("Stored at last, generation {generation}"), None);
    }

    /// What a failed exchange leads to; the table stands in [`crate::disposition`].
    fn failed(&mut self, failure: &Failure, after_lost_reply: bool) {
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
                } else if let (Reason::Refused { said }, true) = (&reason, after_lost_reply) {
                    Reason::RefusedAfterLostReply { said: said.clone() }
                } else {
                    reason
                };
                self.needs_sign_in(reason);
            }
        }
    }

    fn back_off(&mut self, reason: Reason, after: Option<SignedDuration>) {
        self.session.failures += 1;
        let lives = self
            .session
            .held
            .as_ref()
            .is_some_and(|held| freshness::left(&held.facts, self.now.stamp) > SignedDuration::ZERO);
        let own = backoff(self.session.failures, lives, self.now.jitter);
        self.wait(reason, after.map_or(own, |after| after.max(own)));
    }

    fn wait(&mut self, reason: Reason, wait: SignedDuration) {
        let until = self.now.stamp.plus(wait);
        let generation = self.session.held.as_ref().map(|held| held.facts.generation);
        self.record(Record {
            generation,
            reason: Some(reason.code()),
            next_at: Some(until.wall),
            ..Record::new(
                Level::Warn,
                "renewal_failed",
                format!("{}. Next try in {}", reason.message(), in_words(wait)),
            )
        });
        self.session.state = State::Waiting { reason, until };
    }

    fn needs_sign_in(&mut self, reason: Reason) {
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

    fn record_tokens(&mut self, level: Level, kind: &'static str, message: String, took_ms: Option<u64>) {
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
