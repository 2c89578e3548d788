//! What can go wrong for someone who asks the engine for something: narrow kinds that decide what happens next.

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::disposition::Failure;
use latchkey_core::reason::{Reason, VaultProblem};
use latchkey_core::wording::Wording;

use crate::consumers::Withheld;
use crate::http::unreachable::{ANOTHER_NAME, ENDED, NOT_VALID_YET, UNKNOWN_AUTHORITY};
use crate::provider::SignInFailure;
use crate::workshop::reason_of;

/// What someone without a keychain can do; nothing weaker is chosen for them.
const NO_KEYCHAIN: &str = "start a keychain service that has a default keyring, or choose another vault: \
     LATCHKEY_VAULT=sealed-file keeps tokens in a file sealed with a passphrase, LATCHKEY_VAULT=memory until the \
     program ends";

/// Why a request was not fulfilled. Never holds a token, a password, a body or a query string.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// No such account is configured.
    #[error("there is no account `{0}`")]
    UnknownAccount(AccountName),
    /// An account of that name is there already.
    #[error("there is an account `{0}` already")]
    AccountExists(AccountName),
    /// The provider did not accept user name and password.
    #[error("the provider did not accept this user name and password{}", quoted(.said.as_deref()))]
    WrongCredentials {
        /// Its words, made harmless.
        said: Option<String>,
    },
    /// The sign-in ended without tokens: declined, timed out, or what it brought is not believed.
    #[error("{}", .reason.message())]
    SignInFailed {
        /// Why.
        reason: Reason,
    },
    /// The account does not sign in that way, or its session has nothing of the kind.
    #[error("this account is of a kind that does not have that")]
    NotThisWay,
    /// The account's cookies go to its own site and to nothing else.
    #[error("the cookies of this account go to {site} and to nothing else")]
    ElsewhereThanTheSite {
        /// The site.
        site: String,
    },
    /// The session cookie was not opened.
    #[error("the session cookie was not opened: {why}")]
    CookieNotOpened {
        /// Why.
        why: String,
    },
    /// The provider cannot be reached.
    #[error("the provider cannot be reached: {what}")]
    Unreachable {
        /// What went wrong, in a few words.
        what: String,
    },
    /// The provider answered something that is no sign-in or token reply.
    #[error("{}", .reason.message())]
    OddAnswer {
        /// What it amounts to.
        reason: Reason,
    },
    /// The vault does not do what it should.
    #[error("{}", .problem.message())]
    Vault {
        /// What is wrong.
        problem: VaultProblem,
    },
    /// Only a sign-in helps.
    #[error("{}", .reason.message())]
    SignInNeeded {
        /// Why.
        reason: Reason,
    },
    /// No valid token can be had in the time given; the session goes on.
    #[error("no valid token now: {}", .reason.message())]
    NotNow {
        /// Why.
        reason: Reason,
        /// When it is tried again.
        next_at: Option<Timestamp>,
    },
    /// The person has not let this program have the account's tokens.
    #[error("{}", .why.message())]
    NotAllowed {
        /// Why.
        why: Withheld,
    },
    /// No such program took a token of this account or asks for one.
    #[error("no such program took a token of this account or asks for one")]
    UnknownConsumer,
    /// Something else is under way for this account.
    #[error("the account is busy with something else")]
    Busy,
    /// The sign-in was given up.
    #[error("the sign-in was given up")]
    Cancelled,
    /// The engine is ending.
    #[error("Latchkey is closing")]
    Closing,
}

impl From<Failure> for EngineError {
    /// Outside of a renewal nothing is retried by itself: whoever asked is told.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotSent { what } => Self::Unreachable { what },
            Failure::NoReply => Self::Unreachable { what: "its reply did not arrive".to_owned() },
            Failure::Misfit { why } => Self::SignInFailed { reason: Reason::Misfit { why } },
            failure @ (Failure::Answered(_) | Failure::KeyLost | Failure::SessionError { .. }) => {
                Self::OddAnswer { reason: reason_of(&failure) }
            }
        }
    }
}

impl From<SignInFailure> for EngineError {
    fn from(failure: SignInFailure) -> Self {
        match failure {
            SignInFailure::WrongCredentials { said } => Self::WrongCredentials { said },
            SignInFailure::NotThisWay => Self::NotThisWay,
            SignInFailure::GivenUp => Self::Cancelled,
            SignInFailure::Refused(reason) => Self::SignInFailed { reason },
            SignInFailure::Failed(failure) => failure.into(),
        }
    }
}

fn quoted(said: Option<&str>) -> String {
    said.map_or_else(String::new, |said| format!(" (“{said}”)"))
}

impl EngineError {
    /// Stable name for programs and for the window's table of texts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownAccount(_) => "unknown_account",
            Self::AccountExists(_) => "account_exists",
            Self::WrongCredentials { .. } => "wrong_credentials",
            Self::SignInFailed { reason } => reason.code(),
            Self::NotThisWay => "not_this_way",
            Self::ElsewhereThanTheSite { .. } => "elsewhere_than_the_site",
            Self::CookieNotOpened { .. } => "cookie_not_opened",
            Self::Unreachable { .. } => "backend_unreachable",
            Self::OddAnswer { .. } => "backend_answered_oddly",
            Self::Vault { problem } => problem.code(),
            Self::SignInNeeded { .. } => "sign_in_needed",
            Self::NotNow { .. } => "not_now",
            Self::NotAllowed { why } => why.code(),
            Self::UnknownConsumer => "unknown_consumer",
            Self::Busy => "busy",
            Self::Cancelled => "cancelled",
            Self::Closing => "closing",
        }
    }

    /// What is wrong besides the English words, for whoever words it anew: where it is one of the reasons that a session
    /// has as well.
    pub fn wording(&self) -> Option<Wording> {
        let with = |code, name, value: &String| Wording { code, values: [(name, value.clone())].into() };
        match self {
            Self::WrongCredentials { said: None } => Some(Wording::plain("wrong_credentials")),
            Self::WrongCredentials { said: Some(said) } => Some(with("wrong_credentials", "said", said)),
            Self::Unreachable { what } => Some(with("unreachable", "what", what)),
            Self::Vault { problem } => Some(Wording::plain(problem.code())),
            Self::SignInFailed { reason }
            | Self::OddAnswer { reason }
            | Self::SignInNeeded { reason }
            | Self::NotNow { reason, .. } => Some(reason.into()),
            Self::UnknownAccount(_)
            | Self::AccountExists(_)
            | Self::NotThisWay
            | Self::ElsewhereThanTheSite { .. }
            | Self::CookieNotOpened { .. }
            | Self::NotAllowed { .. }
            | Self::UnknownConsumer
            | Self::Busy
            | Self::Cancelled
            | Self::Closing => None,
        }
    }

    /// What to do about it, if it can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownAccount(_) => {
                Some("`latchkey accounts list` shows the accounts there are".to_owned())
            }
            Self::WrongCredentials { .. } => Some("check both and try again; nothing was changed".to_owned()),
            Self::NotThisWay => Some(
                "a REST login takes a user name and a password, an issuer a browser or a device code; session data and \
                 a secret are of a site with NextAuth"
                    .to_owned(),
            ),
            Self::Unreachable { what } => Some(to_reach_it(what).to_owned()),
            Self::SignInFailed { reason: Reason::SignInRefused { .. } } => Some(
                "check the client ID and the scope of the account; who runs the provider can say more".to_owned(),
            ),
            Self::OddAnswer { reason: Reason::ProviderBusy { .. } } => {
                Some("that is on the provider's side; try again in a moment".to_owned())
            }
            Self::OddAnswer { .. } => Some("check the account's address; the log has the status".to_owned()),
            Self::Vault { problem: VaultProblem::Unavailable } => Some(NO_KEYCHAIN.to_owned()),
            Self::NotNow { next_at: Some(at), .. } => Some(format!("it is tried again at {at:.0}")),
            Self::NotAllowed { why } => Some(why.hint().to_owned()),
            Self::UnknownConsumer => {
                Some("`latchkey consumers list` shows the programs there are".to_owned())
            }
            Self::Busy => Some("wait a moment and try again".to_owned()),
            Self::AccountExists(_)
            | Self::Vault { .. }
            | Self::SignInNeeded { .. }
            | Self::SignInFailed { .. }
            | Self::ElsewhereThanTheSite { .. }
            | Self::CookieNotOpened { .. }
            | Self::NotNow { next_at: None, .. }
            | Self::Cancelled
            | Self::Closing => None,
        }
    }
}

/// What to do about a provider that cannot be reached because of this.
fn to_reach_it(what: &str) -> &'static str {
    match what {
        UNKNOWN_AUTHORITY => {
            "an authority of your own network belongs into the system's store, and if there is none, ask \
             who runs the network"
        }
        ENDED | NOT_VALID_YET => "see that the clock of this machine is right, or ask who runs the provider",
        ANOTHER_NAME => "check that the account's address is right, or ask who runs the provider",
        by_proxy if by_proxy.starts_with("the proxy ") => {
            "check HTTPS_PROXY (or ALL_PROXY); NO_PROXY names hosts that are asked without one"
        }
        _ => "check that it runs and that the account's address is right",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_cannot_do_it_now_is_no_matter_of_the_address() {
        let busy = EngineError::OddAnswer { reason: Reason::ProviderBusy { status: 503 } };
        assert!(busy.hint().is_some_and(|hint| !hint.contains("address")));
    }

    #[test]
    fn a_sign_in_that_the_provider_ended_with_an_error_has_something_to_be_checked() {
        let error = "invalid_client".to_owned();
        let failed = EngineError::SignInFailed { reason: Reason::SignInRefused { error, said: None } };
        assert!(failed.hint().is_some_and(|hint| hint.contains("client ID")));
    }

    #[test]
    fn what_to_do_about_a_provider_out_of_reach_is_about_what_is_wrong() {
        for (what, todo) in [
            (UNKNOWN_AUTHORITY, "system's store"),
            (ENDED, "clock"),
            (ANOTHER_NAME, "address is right"),
            ("the proxy 127.0.0.1:9 gives no way to it: it refused", "HTTPS_PROXY"),
            ("nothing listens at its address", "address is right"),
        ] {
            let hint = EngineError::Unreachable { what: what.to_owned() }.hint();
            assert!(hint.as_ref().is_some_and(|hint| hint.contains(todo)), "{what}: {hint:?}");
        }
    }
}
