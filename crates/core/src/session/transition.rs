//! The one match. Each arm tells one story; the rules are grouped by the state they start from.

use crate::account::AccountName;
use crate::policy::{Policy, save_backoff};
use crate::reason::Reason;
use crate::record::{Level, Record};
use crate::session::change::Change;
use crate::session::effect::{Effect, EffectId};
use crate::session::input::{
    Asker, Authenticated, Expired, Input, Loaded, Renewal, Revocation, Sealed, Wiped,
};
use crate::session::state::{Session, State, Tally};
use crate::time::Now;

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
            reload: false,
            last_id: 0,
            failures: 0,
            failing_since: None,
            unclear: 0,
            storm: 0,
            owed: None,
            waits_since: now.stamp,
            told_to_wait: false,
            network_doubted: None,
            got_nowhere: false,
            warned: None,
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
    // The account's own end comes before anything else that is due.
    if input == Input::TimePassed && change.came_to_its_end() {
        return change.done();
    }
    match (change.session.state.clone(), input) {
        // ── From any state: the account's limits ────────────────────────────────────────────────────────────
        (_, Input::Used) => change.used(),
        (
            State::Waiting { reason, .. } | State::SignedOut { reason },
            Input::Expired(_, Expired::Over(left)),
        ) if change.session.expiring() => change.expired(reason, left == Wiped::Unrevoked),
        (State::Waiting { .. } | State::SignedOut { .. }, Input::Expired(_, Expired::Lives(facts)))
            if change.session.expiring() =>
        {
            change.goes_on(facts);
        }
        (
            State::Waiting { reason, .. } | State::SignedOut { reason },
            Input::Expired(_, Expired::NotNow(problem)),
        ) if change.session.expiring() => {
            change.session.state = State::SignedOut { reason };
            change.not_paid(problem);
        }

        // ── From SignedOut ──────────────────────────────────────────────────────────────────────────────────
        (State::SignedOut { .. }, Input::SignInRequested) => change.sign_in(),
        (State::SignedOut { .. }, Input::ReloadRequested) => {
            // What is still to be erased would be found, and the person would be signed in again.
            if !change.erases() {
                change.load();
            }
        }
        (
            State::SignedOut { .. },
            Input::Loaded(_, loaded @ (Loaded::Found(_) | Loaded::Unanswered(_) | Loaded::Unrevoked { .. })),
        ) => change.reloaded(loaded),
        (State::SignedOut { .. }, Input::Loaded(_, Loaded::Absent | Loaded::Erased | Loaded::Unknown(_))) => {
        }
        (State::SignedOut { .. }, Input::Wiped(_, Ok(left))) => change.wiped(left),
        (State::SignedOut { .. }, Input::Wiped(_, Err(problem))) => change.not_paid(problem),
        (State::SignedOut { .. }, Input::Revoked(_, Revocation::Done)) => change.session.owed = None,
        (State::SignedOut { .. }, Input::Revoked(_, Revocation::Failed(failure))) => {
            change.not_revoked(&failure);
        }
        (State::SignedOut { .. }, Input::Revoked(_, Revocation::NotErased(problem))) => {
            change.not_paid(problem);
        }
        (State::SignedOut { .. }, Input::TimePassed) => change.pay_if_due(),
        (State::SignedOut { .. }, Input::NetworkChanged) => {
            change.network_changed();
            change.pay_if_due();
        }
        // Signing out twice is signing out, and another try at what is owed.
        (State::SignedOut { .. }, Input::SignOutRequested) => {
            // Whoever signs out of a session that came to its end wants it gone, used since or not.
            if change.session.expiring() { change.sign_out() } else { change.pay_now() }
        }
        // Nothing is signed in that could be renewed or refused.
        (
            State::SignedOut { .. },
            Input::SignInCancelled | Input::RenewRequested(_) | Input::TokenRejected(_),
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
            change.goes_back(*back);
        }
        (State::SigningIn { back }, Input::SignInCancelled) => {
            change.abandon_sign_in();
            change.record(Record::new(Level::Info, "sign_in_cancelled", "The sign-in was given up"));
            change.goes_back(*back);
        }
        (State::SigningIn { .. }, Input::SignOutRequested) => {
            change.abandon_sign_in();
            change.sign_out();
        }
        // Looked at if nothing comes of the sign-in under way.
        (State::SigningIn { .. }, Input::ReloadRequested) => change.session.reload = true,
        // The sign-in under way decides; what it brings replaces whatever these are about.
        (
            State::SigningIn { .. },
            Input::SignInRequested | Input::RenewRequested(_) | Input::TokenRejected(_) | Input::TimePassed,
        ) => {}
        (State::SigningIn { .. }, Input::NetworkChanged) => change.network_changed(),

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
        (State::SignedIn, Input::NetworkChanged) => change.network_changed(),
        (State::SignedIn, Input::SignInCancelled) => {}

        // ── From Renewing ───────────────────────────────────────────────────────────────────────────────────
        (State::Renewing { asker, .. }, Input::Renewed(_, Renewal::Done { facts, took_ms })) => {
            change.renewed(facts, took_ms, asker);
        }
        (State::Renewing { .. }, Input::Renewed(_, Renewal::Adopted(facts))) => change.adopt(facts),
        (State::Renewing { .. }, Input::Renewed(_, Renewal::Unsaved { facts, problem })) => {
            change.cannot_save(facts, problem);
        }
        (State::Renewing { .. }, Input::Renewed(_, Renewal::Distrusted { facts, reason })) => {
            change.hold(facts);
            change.needs_sign_in(reason);
        }
        (State::Renewing { .. }, Input::Renewed(_, Renewal::Failed(failed))) => change.failed(&failed),
        (State::Renewing { .. }, Input::Renewed(_, Renewal::NoVault(problem))) => {
            change.back_off(Reason::Vault { problem }, None);
        }
        (State::Renewing { .. }, Input::Renewed(_, Renewal::LockBusy)) => {
            change.back_off(Reason::LockBusy, None);
        }
        (State::Renewing { .. }, Input::Renewed(_, Renewal::LockUnusable { what })) => {
            change.back_off(Reason::LockUnusable { what }, None);
        }
        (State::Renewing { .. }, Input::Renewed(_, Renewal::Absent)) => {
            change.vault_empty();
            // Whoever signed out may have ended before the provider was told.
            change.load();
        }
        (State::Renewing { .. }, Input::NetworkChanged) => change.network_changed(),
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
        (State::Saving { .. }, Input::NetworkChanged) => change.network_changed(),
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
            let over = until.passed(now.stamp) || change.clock_was_set();
            if over && change.session.in_flight.is_none() {
                change.retry();
            }
        }
        (State::Waiting { .. }, Input::NetworkChanged) => change.network_changed(),
        (State::Waiting { .. }, Input::Probed(_, answers)) => change.probed(answers),
        (State::Waiting { .. }, Input::RenewRequested(Asker::Person)) => change.try_again(Asker::Person),
        (State::Waiting { .. }, Input::RenewRequested(asker @ (Asker::Program | Asker::Revalidation))) => {
            if change.program_may_try() {
                change.try_again(asker);
            }
        }
        (State::Waiting { .. }, Input::SignInRequested) => change.sign_in(),
        (State::Waiting { .. }, Input::SignOutRequested) => change.sign_out(),
        (State::Waiting { .. }, Input::ReloadRequested) => {
            if !change.session.expiring() {
                change.load();
            }
        }
        (
            State::Waiting { .. },
            Input::RenewRequested(Asker::Plan | Asker::Retry | Asker::Recovery | Asker::ResourceServer)
            | Input::SignInCancelled
            | Input::TokenRejected(_),
        ) => {}

        // ── From NeedsSignIn ────────────────────────────────────────────────────────────────────────────────
        (State::NeedsSignIn { .. }, Input::SignInRequested) => change.sign_in(),
        (State::NeedsSignIn { .. }, Input::SignOutRequested) => change.sign_out(),
        (State::NeedsSignIn { .. }, Input::ReloadRequested) => change.load(),
        (State::NeedsSignIn { .. }, Input::Loaded(_, loaded)) => change.reloaded(loaded),
        (State::NeedsSignIn { .. }, Input::Sealed(_, Sealed::Done)) => change.session.owed = None,
        (State::NeedsSignIn { .. }, Input::Sealed(_, Sealed::Adopted(facts))) => change.adopt(facts),
        (State::NeedsSignIn { .. }, Input::Sealed(_, Sealed::Absent)) => {
            change.vault_empty();
            change.load();
        }
        (State::NeedsSignIn { .. }, Input::Sealed(_, Sealed::NotNow(problem))) => change.not_paid(problem),
        (State::NeedsSignIn { .. }, Input::TimePassed) => change.pay_if_due(),
        // The refresh token was refused: sending it again tells nobody anything new.
        (
            State::NeedsSignIn { .. },
            Input::SignInCancelled
            | Input::RenewRequested(_)
            | Input::TokenRejected(_)
            | Input::NetworkChanged,
        ) => {}

        // ── Answers to effects of another state ─────────────────────────────────────────────────────────────
        // Whoever leaves a state early forgets its effect's id, so these are caught above.
        (
            _,
            Input::Loaded(..)
            | Input::Authenticated(..)
            | Input::Renewed(..)
            | Input::Saved(..)
            | Input::Probed(..)
            | Input::Sealed(..)
            | Input::Wiped(..)
            | Input::Expired(..)
            | Input::Revoked(..),
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

/// The effect whose outcome an input tells; none where it tells of something else.
pub(super) fn answered(input: &Input) -> Option<EffectId> {
    match input {
        Input::Loaded(id, _)
        | Input::Authenticated(id, _)
        | Input::Renewed(id, _)
        | Input::Saved(id, _)
        | Input::Probed(id, _)
        | Input::Sealed(id, _)
        | Input::Wiped(id, _)
        | Input::Expired(id, _)
        | Input::Revoked(id, _) => Some(*id),
        Input::SignInRequested
        | Input::SignInCancelled
        | Input::SignOutRequested
        | Input::RenewRequested(_)
        | Input::ReloadRequested
        | Input::TokenRejected(_)
        | Input::Used
        | Input::TimePassed
        | Input::NetworkChanged => None,
    }
}
