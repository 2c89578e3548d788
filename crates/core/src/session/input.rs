//! What a session can be told.

use jiff::SignedDuration;

use crate::disposition::Failure;
use crate::fingerprint::Fingerprint;
use crate::reason::{Reason, VaultProblem};
use crate::session::effect::EffectId;
use crate::time::Stamp;
use crate::token_set::TokenFacts;

/// Something that happened, or that someone wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Someone wants to sign in.
    SignInRequested,
    /// The sign-in was given up.
    SignInCancelled,
    /// Someone wants to sign out.
    SignOutRequested,
    /// Someone wants a renewal now.
    RenewRequested(Asker),
    /// Another process may have changed the stored tokens.
    ReloadRequested,
    /// A resource server refused an access token (RFC 6750 §3.1 `invalid_token`).
    TokenRejected(Fingerprint),
    /// Somebody uses the session: a token was handed out, a request went through the proxy, or a person looked at it.
    Used,
    /// The deadline has come, or a clock was set.
    TimePassed,
    /// The machine woke from sleep, or a link, an address or a route came or went.
    NetworkChanged,
    /// Answer to [`crate::session::Effect::Load`].
    Loaded(EffectId, Loaded),
    /// Answer to [`crate::session::Effect::Authenticate`].
    Authenticated(EffectId, Authenticated),
    /// Answer to [`crate::session::Effect::Renew`].
    Renewed(EffectId, Renewal),
    /// Answer to [`crate::session::Effect::Save`].
    Saved(EffectId, Result<(), VaultProblem>),
    /// Answer to [`crate::session::Effect::Probe`]: whether the token host answers.
    Probed(EffectId, bool),
    /// Answer to [`crate::session::Effect::Seal`].
    Sealed(EffectId, Sealed),
    /// Answer to [`crate::session::Effect::Wipe`].
    Wiped(EffectId, Result<Wiped, VaultProblem>),
    /// Answer to [`crate::session::Effect::Expire`].
    Expired(EffectId, Expired),
    /// Answer to [`crate::session::Effect::Revoke`].
    Revoked(EffectId, Revocation),
}

/// Who wants a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The plan.
    Plan,
    /// The end of a wait.
    Retry,
    /// A start that found a renewal which was sent and never answered.
    Recovery,
    /// A resource server that refused the access token.
    ResourceServer,
    /// A person.
    Person,
    /// A program that needs a token valid for longer than this one.
    Program,
    /// Something at the provider that changed: the session is to be read again.
    Revalidation,
}

impl Asker {
    /// Why a renewal is under way, without a full stop.
    pub fn why(self) -> &'static str {
        match self {
            Self::Plan => "renewing as planned",
            Self::Retry => "trying again to renew",
            Self::Recovery => "asking once more for a renewal whose reply never arrived",
            Self::ResourceServer => "renewing because the access token was refused",
            Self::Person => "renewing because you asked",
            Self::Program => "renewing because a program needs a token that lives longer",
            Self::Revalidation => "reading the session again because something in it may have changed",
        }
    }

    /// Whether the storm breaker counts it.
    pub(crate) fn counts(self) -> bool {
        match self {
            Self::Plan | Self::Retry | Self::Recovery | Self::ResourceServer => true,
            Self::Person | Self::Program | Self::Revalidation => false,
        }
    }
}

/// What the vault held.
#[derive(Clone, Debug, PartialEq)]
pub enum Loaded {
    /// Tokens.
    Found(TokenFacts),
    /// Tokens whose renewal was sent by a process that ended before it had the reply. Nobody is at it now.
    Unanswered(TokenFacts),
    /// Surely nothing.
    Absent,
    /// Nothing, since a process of ours erased it: somebody signed out, or the session came to its end.
    Erased,
    /// Nothing but what the provider needs to end a session that was signed out of here.
    Unrevoked {
        /// When that was.
        since: Stamp,
    },
    /// It cannot be known now. Never taken for nothing.
    Unknown(VaultProblem),
}

/// How a sign-in ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Authenticated {
    /// Signed in, and the tokens are durable.
    Done(TokenFacts),
    /// Signed in, but the tokens could not be stored.
    Unsaved(TokenFacts, VaultProblem),
    /// Not signed in.
    Failed(Reason),
}

/// How a renewal ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Renewal {
    /// Renewed, and the tokens are durable.
    Done {
        /// The new tokens.
        facts: TokenFacts,
        /// How long the exchange and storing took, in milliseconds.
        took_ms: u64,
    },
    /// Someone else had renewed: the vault held a newer generation.
    Adopted(TokenFacts),
    /// Renewed, but the tokens could not be stored.
    Unsaved {
        /// The new tokens.
        facts: TokenFacts,
        /// What is wrong.
        problem: VaultProblem,
    },
    /// Renewed, and the new refresh token is durable and sealed: what came with it is not believed. The facts are
    /// of the access token from before, which is served to its end.
    Distrusted {
        /// The tokens, quarantined.
        facts: TokenFacts,
        /// What is wrong with them.
        reason: Reason,
    },
    /// The exchange failed, after a second look where it was refused.
    Failed(Failed),
    /// Nothing was sent: the vault cannot be read or written now.
    NoVault(VaultProblem),
    /// Nothing was sent: another process holds the lock.
    LockBusy,
    /// Nothing was sent: there is no lock to be had, and without one the token could be spent twice.
    LockUnusable {
        /// What the system said, in a few words.
        what: String,
    },
    /// Nothing was sent: the stored tokens are gone.
    Absent,
}

/// A failed exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    /// How it failed.
    pub failure: Failure,
    /// Whether a reply had been lost on the way before this answer.
    pub after_lost_reply: bool,
    /// How much the provider's clock is ahead of ours, if its answer told.
    pub skew: Option<SignedDuration>,
}

/// How sealing a refused token ended.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one exists per refusal; a box would cost every match")]
pub enum Sealed {
    /// It is stored that, and why, the token was refused.
    Done,
    /// The vault held newer tokens, so the refusal says nothing of them.
    Adopted(TokenFacts),
    /// The stored tokens are gone.
    Absent,
    /// The vault cannot be written now.
    NotNow(VaultProblem),
}

/// What is left of tokens that were erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiped {
    /// Nothing.
    Gone,
    /// What the provider needs to end the session, sealed for that and taken for absent by everyone else.
    Unrevoked,
    /// The tokens of somebody who has signed in since, by another process. They were left alone.
    Later,
}

/// What became of a session that came to the end of the account's limits.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one exists per end of a session; a box would cost every match"
)]
pub enum Expired {
    /// It is over, and its tokens are erased.
    Over(Wiped),
    /// It goes on: the vault says that it was used since, or that somebody signed in again.
    Lives(TokenFacts),
    /// The vault cannot be used now.
    NotNow(VaultProblem),
}

/// How telling the provider of a sign-out ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Revocation {
    /// It knows, or nothing more can be done; nothing is left in the vault.
    Done,
    /// It could not be told.
    Failed(Failure),
    /// It was told, but the vault cannot forget what was kept for that.
    NotErased(VaultProblem),
}
