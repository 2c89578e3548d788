//! What a session is doing, and what it knows.

use jiff::SignedDuration;

use crate::account::AccountName;
use crate::limits::End;
use crate::policy::{Basis, Plan, Policy};
use crate::reason::{Reason, VaultProblem};
use crate::session::effect::EffectId;
use crate::session::input::{Asker, Input};
use crate::session::transition::answered;
use crate::time::Stamp;
use crate::token_set::{Clock, Source, TokenFacts};

/// What a session is doing. Whether its token is fresh is computed, not stored.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Nobody is signed in.
    SignedOut {
        /// Never signed in, or why it ended.
        reason: Reason,
    },
    /// Someone is signing in.
    SigningIn {
        /// Where to return if nothing comes of it.
        back: Box<State>,
    },
    /// Tokens are in hand and the next renewal is planned.
    SignedIn,
    /// One exchange is under way.
    Renewing {
        /// The generation that is being replaced.
        generation: u64,
        /// Who wanted it.
        asker: Asker,
    },
    /// New tokens have arrived and are not yet durable: nobody gets them, saving is retried.
    Saving {
        /// The generation they will be.
        generation: u64,
        /// Why they could not be stored.
        problem: VaultProblem,
        /// How often it was tried.
        tries: u32,
        /// When it is tried again.
        until: Stamp,
    },
    /// Waiting before the next try.
    Waiting {
        /// For what.
        reason: Reason,
        /// Until when.
        until: Stamp,
    },
    /// The refresh token is refused and kept sealed; the access token is served until it expires.
    NeedsSignIn {
        /// Why.
        reason: Reason,
    },
}

impl State {
    /// The state's name, as it stands in `status --json`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SignedOut { .. } => "signed_out",
            Self::SigningIn { .. } => "signing_in",
            Self::SignedIn => "signed_in",
            Self::Renewing { .. } => "renewing",
            Self::Saving { .. } => "saving",
            Self::Waiting { .. } => "waiting",
            Self::NeedsSignIn { .. } => "needs_sign_in",
        }
    }

    /// Why it is not simply signed in.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::SignedOut { reason } | Self::Waiting { reason, .. } | Self::NeedsSignIn { reason } => {
                Some(reason.clone())
            }
            Self::Saving { problem, .. } => Some(Reason::Vault { problem: *problem }),
            Self::SigningIn { .. } | Self::SignedIn | Self::Renewing { .. } => None,
        }
    }
}

/// Tokens in hand, and what is planned for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// What is known of them.
    pub facts: TokenFacts,
    /// When they are renewed.
    pub plan: Plan,
}

/// How renewals went since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many succeeded.
    pub count: u64,
    /// How many failed.
    pub failed: u64,
    /// How long the last one took, in milliseconds.
    pub last_ms: Option<u64>,
}

/// The signed-in state of one account. Changes only by [`crate::session::step`].
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub(crate) account: AccountName,
    pub(crate) policy: Policy,
    pub(crate) state: State,
    /// The durable tokens; whoever asks gets the access token of these.
    pub(crate) held: Option<Held>,
    /// Tokens that wait to become durable, while `Saving`.
    pub(crate) unsaved: Option<Box<TokenFacts>>,
    /// The request-like effect whose answer is awaited. There is at most one.
    pub(crate) in_flight: Option<EffectId>,
    /// Whether another process may have changed the stored tokens while somebody was signing in here.
    pub(crate) reload: bool,
    pub(crate) last_id: u64,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// When the first of them was.
    pub(crate) failing_since: Option<Stamp>,
    /// Answers in a row that gave no readable verdict.
    pub(crate) unclear: u32,
    /// Renewals in a row that bought less than half of what they promised.
    pub(crate) storm: u32,
    /// What must be done until it is known to be.
    pub(crate) owed: Option<Owed>,
    /// Since when the present wait lasts.
    pub(crate) waits_since: Stamp,
    /// Whether the provider said how long to wait.
    pub(crate) told_to_wait: bool,
    /// When the network changed, and nothing has come through since.
    pub(crate) network_doubted: Option<Stamp>,
    /// Whether a renewal could not be sent in that doubt, although there seemed to be a network.
    pub(crate) got_nowhere: bool,
    /// Of which end by the account's limits a person was told already.
    pub(crate) warned: Option<SignedDuration>,
    pub(crate) tally: Tally,
}

/// What a session owes, and when it is tried again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Owed {
    pub(crate) debt: Debt,
    /// How often it was tried in vain.
    pub(crate) tries: u32,
    /// From when on it may be tried again.
    pub(crate) at: Stamp,
}

/// What a session can owe.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Debt {
    /// The stored tokens are to be erased, unless somebody has signed in since.
    Erase {
        /// When the person signed out.
        since: Stamp,
    },
    /// The stored tokens are to be erased, unless they say that the session goes on.
    Expire,
    /// The provider is to be told of a sign-out.
    Revoke {
        /// When the person signed out.
        since: Stamp,
    },
    /// A refused token is to be stored as such.
    Seal {
        /// Why it was refused.
        reason: Reason,
    },
}

impl Session {
    /// The account it belongs to.
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The durable tokens and their plan.
    pub fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// How renewals went.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Whether a renewal was sent by a process that ended before it had the reply, and nobody asked again yet.
    pub fn unanswered(&self) -> bool {
        let plan = self.held.as_ref().map(|held| held.plan.basis);
        matches!(self.state, State::SignedIn) && plan == Some(Basis::Unanswered)
    }

    /// When the session ends by the account's limits.
    pub fn end(&self) -> Option<End> {
        self.policy.limits.end(&self.held.as_ref()?.facts.usage)
    }

    /// When the session ends whatever is renewed: as the provider or the account has it, whichever is nearer.
    pub fn ceiling(&self) -> Option<Clock> {
        let provider = self.held.as_ref().and_then(|held| held.facts.session);
        let own = self.end().map(|end| Clock { expires: end.at, source: Source::Policy });
        provider.into_iter().chain(own).min_by_key(|clock| clock.expires.boot)
    }

    /// Whether the session came to its end, and what is stored of it is still to be looked at and erased.
    pub fn expiring(&self) -> bool {
        self.owed.as_ref().is_some_and(|owed| owed.debt == Debt::Expire)
    }

    /// Whether somebody signed out and what is stored could not be erased yet: whoever reads it would sign them in again.
    pub fn erasing(&self) -> bool {
        self.owed.as_ref().is_some_and(|owed| matches!(owed.debt, Debt::Erase { .. }))
    }

    /// Whether this is the answer that is waited for; one that comes too late is dropped.
    pub fn awaits(&self, answer: &Input) -> bool {
        answered(answer).is_some_and(|id| self.awaits_effect(id))
    }

    /// Whether the answer to this effect is waited for.
    pub fn awaits_effect(&self, id: EffectId) -> bool {
        self.in_flight == Some(id)
    }

    /// When [`Input::TimePassed`] is wanted, if ever.
    pub fn deadline(&self) -> Option<Stamp> {
        let own = self.end().map(|end| if self.warned == Some(end.at.boot) { end.at } else { end.warns() });
        self.next_deadline().into_iter().chain(own).min_by_key(|at| at.boot)
    }

    fn next_deadline(&self) -> Option<Stamp> {
        match &self.state {
            State::SignedIn => self
                .held
                .as_ref()
                .map(|held| if held.facts.renewable() { held.plan.due } else { held.facts.access.expires }),
            State::Saving { until, .. } | State::Waiting { until, .. } if self.in_flight.is_none() => {
                Some(*until)
            }
            State::SignedOut { .. } | State::NeedsSignIn { .. } if self.in_flight.is_none() => {
                self.owed.as_ref().map(|owed| owed.at)
            }
            State::Saving { .. }
            | State::Waiting { .. }
            | State::SignedOut { .. }
            | State::SigningIn { .. }
            | State::Renewing { .. }
            | State::NeedsSignIn { .. } => None,
        }
    }
}
