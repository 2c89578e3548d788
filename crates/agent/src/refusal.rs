//! What a terminal program says where the agent says no: the same words and the same code, whichever of our programs
//! asked.

use crate::protocol::ProblemDetail;

/// What a person or a script can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only a sign-in helps.
    SignInNeeded,
    /// The backend is out of reach: it may work later, unchanged.
    OutOfReach,
    /// Anything else.
    Failed,
}

impl Kind {
    /// The exit code of a program that ends over it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::SignInNeeded => 3,
            Self::OutOfReach => 4,
        }
    }
}

/// A refusal as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it comes to.
    pub kind: Kind,
    /// What went wrong, as it follows `error:`.
    pub message: String,
    /// What to do about it, as it follows `hint:`.
    pub hint: Option<String>,
}

impl Refusal {
    /// What the agent says of this account.
    pub fn of(why: ProblemDetail, account: &str) -> Self {
        let kind = match (why.code.as_str(), why.reason.as_deref()) {
            ("sign_in_needed", _) => Kind::SignInNeeded,
            ("backend_unreachable", _) | ("not_now", Some("unreachable" | "reply_lost" | "network")) => {
                Kind::OutOfReach
            }
            _ => Kind::Failed,
        };
        let sign_in = || format!("sign in with `latchkey sign-in {account}`");
        let hint = if kind == Kind::SignInNeeded { Some(sign_in()) } else { why.hint };
        Self { kind, message: uncapitalized(&why.message), hint }
    }
}

/// A sentence as it follows `error:` or `hint:`, which has no capital. Names and abbreviations keep theirs.
pub fn uncapitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) if letters.as_str().starts_with(|c: char| c.is_lowercase() || c == ' ') => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str, reason: Option<&str>) -> ProblemDetail {
        ProblemDetail {
            code: code.to_owned(),
            message: "Nobody is signed in".to_owned(),
            hint: Some("wait".to_owned()),
            reason: reason.map(str::to_owned),
        }
    }

    #[test]
    fn who_must_sign_in_is_told_the_command() {
        let told = Refusal::of(said("sign_in_needed", None), "work");
        assert_eq!((told.kind, told.kind.exit_code()), (Kind::SignInNeeded, 3));
        assert_eq!(told.message, "nobody is signed in");
        assert_eq!(told.hint.as_deref(), Some("sign in with `latchkey sign-in work`"));
    }

    #[test]
    fn what_may_work_later_is_told_apart_from_what_failed() {
        for (code, reason, kind) in [
            ("backend_unreachable", None, Kind::OutOfReach),
            ("not_now", Some("reply_lost"), Kind::OutOfReach),
            ("not_now", Some("provider_busy"), Kind::Failed),
            ("not_allowed", None, Kind::Failed),
        ] {
            let told = Refusal::of(said(code, reason), "work");
            assert_eq!((told.kind, told.hint.as_deref()), (kind, Some("wait")), "{code} {reason:?}");
        }
    }
}
