//! What a command tells the shell: five codes, the same for every command.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | failed |
//! | 2 | wrong use: arguments, an account that is not there, a configuration that cannot be read |
//! | 3 | only a sign-in helps |
//! | 4 | the backend (or the agent) is out of reach: it may work later, unchanged |
//!
//! `exec` ends as its program does, or with 126 or 127 where that cannot be run, as shells say it.

use latchkey_agent::refusal::Kind;
use latchkey_core::reason::Reason;
use latchkey_engine::EngineError;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It did not.
    Failed = 1,
    /// It was asked wrongly.
    WrongUse = 2,
    /// Only a sign-in helps.
    SignInNeeded = 3,
    /// The backend is out of reach.
    OutOfReach = 4,
    /// A program that was to be run could not be.
    NotRun = 126,
    /// There is no such program.
    NoSuchProgram = 127,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Kind> for Exit {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Failed => Self::Failed,
            Kind::SignInNeeded => Self::SignInNeeded,
            Kind::OutOfReach => Self::OutOfReach,
        }
    }
}

impl From<&EngineError> for Exit {
    fn from(error: &EngineError) -> Self {
        match error {
            EngineError::UnknownAccount(_)
            | EngineError::AccountExists(_)
            | EngineError::NotThisWay
            | EngineError::ElsewhereThanTheSite { .. }
            | EngineError::CookieNotOpened { .. } => Self::WrongUse,
            EngineError::SignInNeeded { .. } => Self::SignInNeeded,
            EngineError::Unreachable { .. } => Self::OutOfReach,
            // The session goes on, whatever would be said of the same reason at its end.
            EngineError::NotNow { reason, .. } if matches!(Self::from(reason), Self::SignInNeeded) => {
                Self::Failed
            }
            EngineError::NotNow { reason, .. }
            | EngineError::OddAnswer { reason }
            | EngineError::SignInFailed { reason } => Self::from(reason),
            EngineError::WrongCredentials { .. }
            | EngineError::Vault { .. }
            | EngineError::NotAllowed { .. }
            | EngineError::UnknownConsumer
            | EngineError::Busy
            | EngineError::Cancelled
            | EngineError::Closing => Self::Failed,
        }
    }
}

impl From<&Reason> for Exit {
    /// A backend that answered, however badly, was within reach.
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::NeverSignedIn
            | Reason::SignedOut
            | Reason::VaultEmpty
            | Reason::Refused { .. }
            | Reason::Idle
            | Reason::RefusedAfterLostReply { .. }
            | Reason::Unclear { .. }
            | Reason::NotRenewable
            | Reason::CeilingReached
            | Reason::MaxAgeReached { .. }
            | Reason::UnusedTooLong { .. }
            | Reason::Distrusted { .. }
            | Reason::KeyLost
            | Reason::SessionError { .. } => Self::SignInNeeded,
            Reason::Unreachable { .. } | Reason::ReplyLost | Reason::Network => Self::OutOfReach,
            Reason::Vault { .. }
            | Reason::ProviderBusy { .. }
            | Reason::NotTheProvider { .. }
            | Reason::Misconfigured { .. }
            | Reason::WrongCredentials { .. }
            | Reason::SignInDenied { .. }
            | Reason::SignInRefused { .. }
            | Reason::SignInTimedOut
            | Reason::NotBelieved { .. }
            | Reason::PortTaken { .. }
            | Reason::Misfit { .. }
            | Reason::LockBusy
            | Reason::LockUnusable { .. }
            | Reason::ClockOff { .. }
            | Reason::RenewalUnderWay
            | Reason::Storm
            | Reason::Opening => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use latchkey_agent::protocol::ProblemDetail;
    use latchkey_agent::refusal::Refusal;
    use latchkey_core::account::AccountName;
    use latchkey_core::reason::VaultProblem;

    use super::*;

    #[test]
    fn each_kind_of_error_has_its_code() {
        let name = AccountName::new("work").unwrap();
        let now = |reason| EngineError::NotNow { reason, next_at: None };
        let odd = |reason| EngineError::OddAnswer { reason };
        for (error, code) in [
            (EngineError::UnknownAccount(name.clone()), 2),
            (EngineError::AccountExists(name), 2),
            (EngineError::WrongCredentials { said: None }, 1),
            (EngineError::Unreachable { what: String::new() }, 4),
            (odd(Reason::NotTheProvider { status: 200 }), 1),
            (odd(Reason::ProviderBusy { status: 500 }), 1),
            (EngineError::Vault { problem: VaultProblem::Unavailable }, 1),
            (EngineError::SignInNeeded { reason: Reason::NeverSignedIn }, 3),
            (now(Reason::ReplyLost), 4),
            (now(Reason::LockBusy), 1),
            (now(Reason::Misconfigured { status: 404, said: None }), 1),
            (now(Reason::Unclear { status: 403, said: None }), 1),
            (EngineError::SignInNeeded { reason: Reason::Unclear { status: 403, said: None } }, 3),
            (EngineError::Busy, 1),
            (EngineError::Cancelled, 1),
            (EngineError::Closing, 1),
        ] {
            assert_eq!(Exit::from(&error) as u8, code, "{error:?}");
        }
    }

    #[test]
    fn an_agent_in_between_changes_no_code() {
        let now = |reason| EngineError::NotNow { reason, next_at: None };
        for error in [
            now(Reason::Network),
            now(Reason::ReplyLost),
            now(Reason::LockBusy),
            now(Reason::RenewalUnderWay),
            now(Reason::Storm),
            now(Reason::Opening),
            now(Reason::ProviderBusy { status: 503 }),
            now(Reason::Unclear { status: 403, said: None }),
            now(Reason::NotTheProvider { status: 200 }),
            now(Reason::Misconfigured { status: 404, said: None }),
            EngineError::Unreachable { what: String::new() },
            EngineError::SignInNeeded { reason: Reason::NeverSignedIn },
            EngineError::Vault { problem: VaultProblem::Locked },
            EngineError::Busy,
        ] {
            let reason = if let EngineError::NotNow { reason, .. } = &error {
                Some(reason.code().to_owned())
            } else {
                None
            };
            let told = ProblemDetail { reason, ..ProblemDetail::new(error.code(), "") };
            assert_eq!(Exit::from(Refusal::of(told, "work").kind), Exit::from(&error), "{error:?}");
        }
    }
}
