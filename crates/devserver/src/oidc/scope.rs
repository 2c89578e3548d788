//! What a client can ask for.

use axum::http::StatusCode;

use crate::{family::Scope, reply::Answer};

/// Every scope value this server knows.
pub(super) const SUPPORTED: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// What a client gets that does not say what it wants (RFC 6749 §3.3).
const DEFAULT: &str = "openid profile";

/// Nothing of what was asked for is known here.
pub(super) struct NothingKnown;

/// What is granted: unknown values are left out, and the reply says so.
pub(super) fn granted(asked: Option<&str>) -> Result<Scope, NothingKnown> {
    let known = Scope::of(&SUPPORTED.join(" "));
    let granted = Scope::of(asked.unwrap_or(DEFAULT)).within(&known);
    if granted.is_empty() { Err(NothingKnown) } else { Ok(granted) }
}

/// RFC 6749 §5.2.
pub(super) fn invalid(description: &str) -> Answer {
    Answer::refused(StatusCode::BAD_REQUEST, "invalid_scope", description)
}

/// What a refresh gets: all that was granted, or the part of it that is asked for. None where more is asked for.
pub(super) fn narrowed(granted: &Scope, asked: Option<&str>) -> Option<Scope> {
    let Some(asked) = asked.map(Scope::of) else { return Some(granted.clone()) };
    (!asked.is_empty() && asked.within(granted) == asked).then_some(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_values_are_left_out_and_nothing_known_is_refused() {
        let granted = |asked| granted(asked).map(|scope| scope.to_string()).ok();
        assert_eq!(granted(Some("openid  email rubbish")).as_deref(), Some("email openid"));
        assert_eq!(granted(None).as_deref(), Some("openid profile"));
        assert_eq!(granted(Some("rubbish")), None);
    }

    #[test]
    fn a_refresh_can_ask_for_less_and_never_for_more() {
        let whole = Scope::of("openid email offline_access");
        let narrowed = |asked| narrowed(&whole, asked).map(|scope| scope.to_string());
        assert_eq!(narrowed(None).as_deref(), Some("email offline_access openid"));
        assert_eq!(narrowed(Some("email")).as_deref(), Some("email"));
        assert_eq!(narrowed(Some("email profile")), None);
        assert_eq!(narrowed(Some(" ")), None);
    }
}
