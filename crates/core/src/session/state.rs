//! What a session is doing, and what it knows.

use jiff::{SignedDuration, Timestamp};

use crate::account::AccountName;
use crate::freshness;
use crate::policy::{Plan, Policy, clipped};
use crate::reason::{Reason, VaultProblem};
use crate::session::effect::EffectId;
use crate::session::input::Asker;
use crate::time::Stamp;
use crate::token_set::TokenFacts;

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
    pub(crate) unsaved: Option<TokenFacts>,
    /// The request-like effect whose answer is awaited. There is at most one.
    pub(crate) in_flight: Option<EffectId>,
    pub(crate) last_id: u64,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// Answers in a row that gave no readable verdict.
    pub(crate) unclear: u32,
    /// Renewals in a row that bought less than half of what they promised.
    pub(crate) storm: u32,
    /// From when on erasing the stored tokens may be tried again, while it is not known to be done.
    pub(crate) wipe_owed: Option<Stamp>,
    pub(crate) tally: Tally,
}

/// What comes next, when, and why: every plan can be told in a sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// What.
    pub action: Action,
    /// When, if that is known.
    pub at: Option<Stamp>,
    /// Why, without a full stop.
    pub why: String,
}

/// What a session does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Renews as planned.
    Renew,
    /// Tries to renew again.
    RetryRenewal,
    /// Tries to store again.
    RetrySave,
    /// Reads the vault again.
    ReadVault,
    /// Tries to erase again.
    RetryErase,
    /// The person signs in.
    SignIn,
    /// Waits for an answer.
    Wait,
}

/// What matters most to the person, in one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headline {
    /// Signed in, and it will stay so until then.
    SignedInUntil(Timestamp),
    /// Signed in, with no end in sight.
    SignedIn,
    /// Signed in, but only a new sign-in will do after that.
    SignInAgainBy(Timestamp),
    /// Signing in.
    SigningIn,
    /// Signed out.
    SignedOut,
    /// A new sign-in is needed now.
    NeedsSignIn,
    /// The vault could not be read yet: nobody knows.
    Unknown,
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

    /// When [`crate::session::Input::TimePassed`] is wanted, if ever.
    pub fn deadline(&self) -> Option<Stamp> {
        match &self.state {
            State::SignedIn => self
                .held
                .as_ref()
                .map(|held| if held.facts.renewable() { held.plan.due } else { held.facts.access.expires }),
            State::Saving { until, .. } | State::Waiting { until, .. } if self.in_flight.is_none() => {
                Some(*until)
            }
            State::SignedOut { .. } if self.in_flight.is_none() => self.wipe_owed,
            State::Saving { .. }
            | State::Waiting { .. }
            | State::SignedOut { .. }
            | State::SigningIn { .. }
            | State::Renewing { .. }
            | State::NeedsSignIn { .. } => None,
        }
    }

    /// What comes next, when, and why.
    pub fn next(&self, now: Stamp) -> Option<Next> {
        let told = |action, at, why: String| Some(Next { action, at, why });
        match &self.state {
            State::SignedOut { .. } => self.deadline().and_then(|at| {
                told(Action::RetryErase, Some(at), "the keychain did not erase the stored tokens".to_owned())
            }),
            State::SigningIn { .. } => {
                told(Action::Wait, None, "waiting for the sign-in to finish".to_owned())
            }
            State::SignedIn => {
                let held = self.held.as_ref()?;
                if held.facts.renewable() {
                    return told(Action::Renew, Some(held.plan.due), held.plan.why(&held.facts));
                }
                let at = held.facts.access.expires;
                told(Action::SignIn, Some(at), "the provider gave no refresh token".to_owned())
            }
            State::Renewing { asker, .. } => told(Action::Wait, None, asker.why().to_owned()),
            State::Saving { problem, .. } => {
                told(Action::RetrySave, self.deadline(), problem.message().to_owned())
            }
            State::Waiting { reason, until } => {
                let action = if self.held.is_some() { Action::RetryRenewal } else { Action::ReadVault };
                let at = self.in_flight.is_none().then_some(*until);
                told(action, at, reason.message())
            }
            State::NeedsSignIn { .. } => match self.access_expiry(now) {
                Some(at) => {
                    told(Action::SignIn, Some(at), "the access token in hand is good until then".to_owned())
                }
                None => told(Action::SignIn, None, "the access token has expired".to_owned()),
            },
        }
    }

    /// What matters most to the person.
    pub fn headline(&self, now: Stamp) -> Headline {
        match &self.state {
            State::SignedOut { .. } => Headline::SignedOut,
            State::SigningIn { .. } => Headline::SigningIn,
            State::NeedsSignIn { .. } => {
                self.access_expiry(now).map_or(Headline::NeedsSignIn, |at| Headline::SignInAgainBy(at.wall))
            }
            State::SignedIn | State::Renewing { .. } | State::Saving { .. } | State::Waiting { .. } => {
                let Some(Held { facts, .. }) = &self.held else { return Headline::Unknown };
                match facts.session {
                    Some(session) if clipped(facts) => Headline::SignInAgainBy(session.expires.wall),
                    Some(session) => Headline::SignedInUntil(session.expires.wall),
                    None if !facts.renewable() => Headline::SignInAgainBy(facts.access.expires.wall),
                    None => Headline::SignedIn,
                }
            }
        }
    }

    /// When the access token in hand expires, if it still lives.
    fn access_expiry(&self, now: Stamp) -> Option<Stamp> {
        let facts = &self.held.as_ref()?.facts;
        (freshness::left(facts, now) > SignedDuration::ZERO).then_some(facts.access.expires)
    }
}
