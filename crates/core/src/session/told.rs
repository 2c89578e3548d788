//! What a session can be told in: what comes next and why, and what matters most.

use jiff::{SignedDuration, Timestamp};

use crate::freshness;
use crate::limits::Limit;
use crate::policy::{Basis, Plan, clipped};
use crate::session::state::{Debt, Held, Owed, Session, State};
use crate::time::Stamp;
use crate::token_set::{Source, TokenFacts};
use crate::wording::Wording;

/// What comes next, when, and why: every plan can be told in a sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// What.
    pub action: Action,
    /// When, if that is known.
    pub at: Option<Stamp>,
    /// Why, without a full stop.
    pub why: String,
    /// The same without words.
    pub wording: Wording,
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
    /// Ends the session, as the account has it.
    End,
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
        let told = |action, at, why: String, wording| Some(Next { action, at, why, wording });
        let told_plainly =
            |action, at, code, why: &str| told(action, at, why.to_owned(), Wording::plain(code));
        match &self.state {
            State::SignedOut { .. } => {
                let at = self.deadline();
                // The end of a session that was only just found has not been tried in vain.
                let vain = |owed: &&Owed| at.is_some() && (owed.debt != Debt::Expire || owed.tries > 0);
                match self.owed.as_ref().filter(vain).map(|owed| &owed.debt) {
                    Some(Debt::Erase { .. } | Debt::Expire) => told_plainly(
                        Action::RetryErase,
                        at,
                        "not_erased",
                        "the keychain did not erase the stored tokens",
                    ),
                    Some(Debt::Revoke { .. }) => {
                        let why =
                            "you are signed out here, and ending the session at the provider is not finished";
                        told_plainly(Action::TellProvider, at, "provider_not_told", why)
                    }
                    Some(Debt::Seal { .. }) | None => None,
                }
            }
            State::SigningIn { .. } => {
                told_plainly(Action::Wait, None, "sign_in_under_way", "waiting for the sign-in to finish")
            }
            State::SignedIn => {
                let held = self.held.as_ref()?;
                let comes_first =
                    if held.facts.renewable() { held.plan.due } else { held.facts.access.expires };
                if let Some(end) = self.end().filter(|end| end.at.boot <= comes_first.boot) {
                    return told(Action::End, Some(end.at), end.why(), Wording::from(&end));
                }
                if held.facts.renewable() {
                    let (plan, facts) = (&held.plan, &held.facts);
                    return told(Action::Renew, Some(plan.due), plan.why(facts), plan.wording(facts));
                }
                if held.facts.without_end() {
                    return None;
                }
                let at = held.facts.access.expires;
                told_plainly(
                    Action::SignIn,
                    Some(at),
                    "no_refresh_token",
                    "the provider gave no refresh token",
                )
            }
            State::Renewing { asker, .. } => {
                told(Action::Wait, None, asker.why().to_owned(), Wording::from(*asker))
            }
            State::Saving { problem, .. } => {
                told_plainly(Action::RetrySave, self.deadline(), problem.code(), problem.message())
            }
            State::Waiting { reason, until } => {
                let action = if self.held.is_some() { Action::RetryRenewal } else { Action::ReadVault };
                let at = self.in_flight.is_none().then_some(*until);
                told(action, at, reason.message(), Wording::from(reason))
            }
            State::NeedsSignIn { .. } => match self.access_expiry(now) {
                Some(at) => told_plainly(
                    Action::SignIn,
                    Some(at),
                    "access_token_lives",
                    "the access token in hand is good until then",
                ),
                None => {
                    told_plainly(Action::SignIn, None, "access_token_expired", "the access token has expired")
                }
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
                let Some(Held { facts, plan }) = &self.held else { return Headline::Unknown };
                let own = self
                    .end()
                    .filter(|end| facts.session.is_none_or(|session| end.at.boot < session.expires.boot));
                if let Some(end) = own {
                    // Nothing but a new sign-in helps where no use of it moves the end.
                    let soon = end.limit == Limit::MaxAge && end.warns().boot <= now.boot;
                    let at = end.at.wall;
                    return if soon { Headline::SignInAgainBy(at) } else { Headline::SignedInUntil(at) };
                }
                match facts.session {
                    Some(session) if clipped(facts) && !rolls(facts, plan) => {
                        Headline::SignInAgainBy(session.expires.wall)
                    }
                    Some(session) => Headline::SignedInUntil(session.expires.wall),
                    None if facts.without_end() => Headline::SignedIn,
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

/// Whether renewing may well move the end of the session: its token is the session itself (a site's cookie), and no
/// renewal has shown that its end is fixed.
fn rolls(facts: &TokenFacts, plan: &Plan) -> bool {
    let is_session = matches!(facts.access.source, Source::SessionExpiry | Source::CookieExpires);
    is_session && facts.renewable() && plan.basis != Basis::Ceiling
}
