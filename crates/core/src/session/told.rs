//! What a session can be told in: what comes next and why, and what matters most.

use jiff::{SignedDuration, Timestamp};

use crate::freshness;
use crate::policy::clipped;
use crate::session::state::{Debt, Held, Session, State};
use crate::time::Stamp;

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
    /// Tells the provider of the sign-out.
    TellProvider,
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
    /// What comes next, when, and why.
    pub fn next(&self, now: Stamp) -> Option<Next> {
        let told = |action, at, why: String| Some(Next { action, at, why });
        match &self.state {
            State::SignedOut { .. } => {
                let at = self.deadline();
                match self.owed.as_ref().filter(|_| at.is_some()).map(|owed| &owed.debt) {
                    Some(Debt::Erase) => told(
                        Action::RetryErase,
                        at,
                        "the keychain did not erase the stored tokens".to_owned(),
                    ),
                    Some(Debt::Revoke { .. }) => {
                        let why =
                            "you are signed out here, and ending the session at the provider is not finished";
                        told(Action::TellProvider, at, why.to_owned())
                    }
                    Some(Debt::Seal { .. }) | None => None,
                }
            }
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
