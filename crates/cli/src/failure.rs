//! Why a command did not do what was asked: a sentence, what to do about it, and the code for the shell.

use std::io;

use latchkey_agent::protocol::ProblemDetail;
use latchkey_agent::refusal::{Refusal, uncapitalized};
use latchkey_core::account::AccountName;
use latchkey_core::reason::{Reason, VaultProblem};
use latchkey_engine::EngineError;
use latchkey_engine::config::{AccountConfig, ConfigError};

use crate::exit_code::Exit;

/// What to do where nothing is lost and nothing is wrong here.
const TRY_AGAIN: &str = "your session is kept; try again in a moment";

/// A command that ended otherwise than asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// How the shell is told.
    pub(crate) exit: Exit,
    /// What went wrong; none where there is nobody to tell (a closed pipe).
    pub(crate) message: Option<String>,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// Something failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: Some(message.into()), hint: None }
    }

    /// It was asked wrongly.
    pub(crate) fn wrong_use(message: impl Into<String>) -> Self {
        Self { exit: Exit::WrongUse, message: Some(message.into()), hint: None }
    }

    /// Nothing answers: it may work later, unchanged.
    #[cfg(feature = "devserver")]
    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self { exit: Exit::OutOfReach, message: Some(message.into()), hint: None }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Somebody pressed Ctrl-C.
    pub(crate) fn interrupted() -> Self {
        Self::failed("interrupted")
    }

    /// The output cannot be written. Who closed a pipe has seen enough: that is no failure.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Done, message: None, hint: None };
        }
        Self::failed(format!("the output cannot be written: {error}"))
    }

    /// What the engine says of this account.
    pub(crate) fn of(error: &EngineError, account: &AccountConfig) -> Self {
        let name = &account.name;
        let hint = match error {
            EngineError::SignInNeeded { .. } => Some(format!("sign in with `latchkey sign-in {name}`")),
            EngineError::Unreachable { .. } if account.devserver => Some(format!(
                "see that the development backend runs (`{}`, in another terminal), then try again",
                devserver_command(account)
            )),
            EngineError::Vault { problem: VaultProblem::Damaged } => {
                Some(format!("sign in with `latchkey sign-in {name}`"))
            }
            EngineError::Vault { problem: VaultProblem::Locked }
            | EngineError::NotNow { reason: Reason::Vault { problem: VaultProblem::Locked }, .. } => {
                Some("unlock it, or choose another vault with LATCHKEY_VAULT".to_owned())
            }
            EngineError::Vault { problem: VaultProblem::Refused }
            | EngineError::NotNow { reason: Reason::Vault { problem: VaultProblem::Refused }, .. } => {
                Some("allow Latchkey to use it, or choose another vault with LATCHKEY_VAULT".to_owned())
            }
            EngineError::UnknownAccount(_)
            | EngineError::AccountExists(_)
            | EngineError::NotThisWay
            | EngineError::ElsewhereThanTheSite { .. }
            | EngineError::CookieNotOpened { .. }
            | EngineError::WrongCredentials { .. }
            | EngineError::Unreachable { .. }
            | EngineError::OddAnswer { .. }
            | EngineError::SignInFailed { .. }
            | EngineError::Vault { .. }
            | EngineError::NotAllowed { .. }
            | EngineError::UnknownConsumer
            | EngineError::Busy
            | EngineError::Cancelled
            | EngineError::Closing => error.hint(),
            // Its own hint tells when it is tried again, which nobody does once this command has ended.
            EngineError::NotNow { .. } => None,
        };
        let text = told_here(error);
        let (what, remedy) = what_and_remedy(&text);
        let kept = || matches!(error, EngineError::NotNow { .. }).then(|| TRY_AGAIN.to_owned());
        let hint = hint.or_else(|| remedy.map(uncapitalized)).or_else(kept);
        Self { exit: Exit::from(error), message: Some(uncapitalized(what)), hint }
    }
}

impl Failure {
    /// What a running agent says of this account.
    pub(crate) fn from_agent(why: ProblemDetail, account: &AccountName) -> Self {
        let Refusal { kind, message, hint } = Refusal::of(why, account.as_str());
        Self { exit: kind.into(), message: Some(message), hint }
    }
}

/// The command that serves this account.
pub(crate) fn devserver_command(account: &AccountConfig) -> String {
    let url = account.provider.address();
    match url.as_ref().map_or((None, None), |url| (url.host_str(), url.port_or_known_default())) {
        (Some(host), Some(port)) if (host, port) != ("127.0.0.1", 4180) => {
            format!("latchkey devserver --listen {host}:{port}")
        }
        _ => "latchkey devserver".to_owned(),
    }
}

/// The engine's sentence, unless it tells of what a single command does not do: nothing is tried again by itself.
fn told_here(error: &EngineError) -> String {
    if let EngineError::NotNow { reason, .. } | EngineError::OddAnswer { reason } = error {
        if let Reason::ProviderBusy { status } = reason {
            return format!("the provider answered {status}");
        }
        if let Reason::Unclear { status, said } = reason {
            let said = said.as_ref().map_or_else(String::new, |said| format!(" (“{said}”)"));
            return format!("the provider answered {status}{said}");
        }
        return reason.message();
    }
    error.to_string()
}

/// The engine says what happened and what to do in one text; here the second is the hint. What a provider said
/// stands in quotes and is not taken apart.
fn what_and_remedy(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(". ") {
        Some((what, remedy)) if !remedy.contains('”') => (what, Some(remedy)),
        Some(_) | None => (text, None),
    }
}

impl From<ConfigError> for Failure {
    /// Whatever is wrong with the configuration, it is set right by hand; its texts say how.
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Io { .. } => Self::failed(error.to_string()),
            ConfigError::Invalid { .. }
            | ConfigError::Unfit { .. }
            | ConfigError::AccountExists { .. }
            | ConfigError::NoSuchAccount { .. }
            | ConfigError::NotEditable { .. } => Self::wrong_use(error.to_string()),
        }
    }
}

/// Everything else that stops a command before it begins says in its text what to do.
macro_rules! fails {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::failed(error.to_string())
            }
        }
    )*};
}

fails!(
    latchkey_engine::paths::PathsError,
    latchkey_engine::fingerprint_key::KeyError,
    latchkey_engine::http::HttpUnusable,
);

impl From<latchkey_engine::vault::NotOpened> for Failure {
    /// The environment is set right by hand; its texts say how.
    fn from(error: latchkey_engine::vault::NotOpened) -> Self {
        Self::wrong_use(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is_one() {
        let closed = Failure::output(&io::ErrorKind::BrokenPipe.into());
        assert_eq!((closed.exit, closed.message), (Exit::Done, None));
        assert_eq!(Failure::output(&io::ErrorKind::StorageFull.into()).exit, Exit::Failed);
    }

    #[test]
    fn a_demo_account_without_its_backend_says_how_to_start_it() {
        let gone = EngineError::Unreachable { what: "nothing listens at its address".to_owned() };
        let mut account = AccountConfig::demo(4180);
        let hint = |account: &AccountConfig| Failure::of(&gone, account).hint.unwrap();
        assert!(hint(&account).contains("`latchkey devserver`"));
        assert!(hint(&AccountConfig::demo(4181)).contains("`latchkey devserver --listen 127.0.0.1:4181`"));
        account.devserver = false;
        assert!(!hint(&account).contains("latchkey devserver"));
    }

    #[test]
    fn what_a_provider_said_is_not_taken_apart() {
        let refused =
            |said: &str| EngineError::SignInNeeded { reason: Reason::Refused { said: Some(said.into()) } };
        let failure = Failure::of(&refused("Gone. Sorry"), &AccountConfig::demo(4180));
        assert_eq!(failure.message.as_deref(), Some("the provider refused to renew (“Gone. Sorry”)"));
        let failure = Failure::of(
            &EngineError::WrongCredentials { said: Some("No. Again".into()) },
            &AccountConfig::demo(4180),
        );
        assert!(failure.message.is_some_and(|message| message.ends_with("(“No. Again”)")));
    }

    #[test]
    fn a_failed_renewal_promises_nothing_that_this_command_does_not_do() {
        let told = |reason| {
            let failure =
                Failure::of(&EngineError::NotNow { reason, next_at: None }, &AccountConfig::demo(4180));
            (failure.message.unwrap(), failure.hint.unwrap())
        };
        let (message, hint) = told(Reason::ProviderBusy { status: 503 });
        assert_eq!((message.as_str(), hint.as_str()), ("the provider answered 503", TRY_AGAIN));
        let (message, hint) = told(Reason::Unclear { status: 403, said: Some("blocked".to_owned()) });
        assert_eq!((message.as_str(), hint.as_str()), ("the provider answered 403 (“blocked”)", TRY_AGAIN));
        let (_, hint) = told(Reason::Misconfigured { status: 404, said: None });
        assert_eq!(hint, "your session is kept; correct the account");
    }

    #[test]
    fn without_a_keychain_the_hint_says_how_to_choose() {
        let gone = EngineError::Vault { problem: VaultProblem::Unavailable };
        let failure = Failure::of(&gone, &AccountConfig::demo(4180));
        assert_eq!(failure.message.as_deref(), Some("no keychain can be used"));
        assert!(failure.hint.is_some_and(|hint| hint.contains("LATCHKEY_VAULT")));
        let locked = EngineError::Vault { problem: VaultProblem::Locked };
        let hint = Failure::of(&locked, &AccountConfig::demo(4180)).hint.unwrap();
        assert_eq!(hint, "unlock it, or choose another vault with LATCHKEY_VAULT");
    }

    #[test]
    fn who_must_sign_in_is_told_the_command() {
        let error = EngineError::SignInNeeded { reason: Reason::NeverSignedIn };
        let failure = Failure::of(&error, &AccountConfig::demo(4180));
        assert_eq!(failure.hint.as_deref(), Some("sign in with `latchkey sign-in demo`"));
        assert_eq!(failure.message.as_deref(), Some("nobody is signed in"));
        assert_eq!(failure.exit, Exit::SignInNeeded);
    }
}
