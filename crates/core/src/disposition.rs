//! What a failed exchange means for the session: one function, one table.
//!
//! Only a protocol verdict ends a session. Everything a network, a proxy or a struggling server can produce is
//! waited out.

use jiff::SignedDuration;

use crate::policy::MAX_RETRY_AFTER;
use crate::reason::Reason;

/// How an exchange with a provider failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No request left: refused, no such host, TLS, connecting took too long. The token is surely unspent.
    NotSent {
        /// What went wrong, in a few words without address or query.
        what: String,
    },
    /// The request left and no reply came: the token may be spent.
    NoReply,
    /// Something answered.
    Answered(Answer),
    /// Nothing was sent: what the provider says of itself does not fit the account.
    Misfit {
        /// What does not fit, in a few words without a query.
        why: String,
    },
    /// Nothing was sent: the key that the refresh token is bound to is gone (RFC 9449 §5).
    KeyLost,
    /// The site says that it cannot renew what stands behind the session.
    SessionError {
        /// Its code, made harmless by [`crate::text::foreign`].
        error: String,
    },
}

/// An answer that is no token reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What the body was.
    pub body: Body,
    /// `Retry-After`, as a duration (RFC 9110 §10.2.3).
    pub retry_after: Option<SignedDuration>,
}

/// What the body of an answer was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A JSON object with an error code (RFC 6749 §5.2), or one that the account declares to mean "refused".
    Verdict {
        /// The code.
        code: ErrorCode,
        /// The server's words, made harmless by [`crate::text::foreign`].
        said: Option<String>,
    },
    /// A JSON object without a token and without a code that is known.
    NoVerdict,
    /// Nothing.
    Empty,
    /// HTML, text, torn JSON, or JSON that is no object.
    NotJson,
    /// More than the cap.
    TooLarge,
    /// A redirect, which is never followed from a token endpoint.
    Redirect,
}

/// An error code of a token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The refresh token is invalid, expired, revoked or already used (RFC 6749 §5.2), or the account's backend
    /// declares this status to mean so.
    InvalidGrant,
    /// The client is unknown or not authenticated (RFC 6749 §5.2).
    InvalidClient,
    /// The client may not do this (RFC 6749 §5.2).
    UnauthorizedClient,
    /// What was asked for does not suit the server: the grant type or the scope (RFC 6749 §5.2), the resource (RFC 8707 §2),
    /// the proof (RFC 9449 §5). Whether the refresh token is good is not said.
    Unsuitable,
    /// Try again later (RFC 6749 §4.1.2.1).
    TemporarilyUnavailable,
    /// Ask less often (RFC 8628 §3.5).
    SlowDown,
    /// Another code.
    Other,
}

impl ErrorCode {
    /// Reads the `error` member.
    pub fn parse(code: &str) -> Self {
        match code {
            // GitHub and Slack have words of their own, and say them with status 200.
            "invalid_grant" | "bad_refresh_token" | "invalid_refresh_token" => Self::InvalidGrant,
            "invalid_client" | "incorrect_client_credentials" => Self::InvalidClient,
            "unauthorized_client" => Self::UnauthorizedClient,
            "unsupported_grant_type" | "invalid_scope" | "invalid_target" | "invalid_dpop_proof" => {
                Self::Unsuitable
            }
            "temporarily_unavailable" => Self::TemporarilyUnavailable,
            "slow_down" => Self::SlowDown,
            _ => Self::Other,
        }
    }
}

/// What to do about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Try again; not before `after`, if the server said so.
    Retry {
        /// `Retry-After`, at most an hour.
        after: Option<SignedDuration>,
        /// What to tell.
        reason: Reason,
    },
    /// Try again a few times with growing waits, then quarantine.
    RetryFew {
        /// What to tell.
        reason: Reason,
        /// `Retry-After`, at most an hour.
        after: Option<SignedDuration>,
    },
    /// The refresh token was refused: quarantine it.
    Quarantine(Reason),
    /// The account is set up wrongly: keep the token, tell the developer.
    Misconfigured(Reason),
}

/// What a failure means.
pub fn disposition(failure: &Failure) -> Disposition {
    let answer = match failure {
        Failure::NotSent { what } => {
            return Disposition::Retry { after: None, reason: Reason::Unreachable { what: what.clone() } };
        }
        Failure::NoReply => return Disposition::Retry { after: None, reason: Reason::ReplyLost },
        Failure::Misfit { why } => return Disposition::Misconfigured(Reason::Misfit { why: why.clone() }),
        Failure::KeyLost => return Disposition::Quarantine(Reason::KeyLost),
        // The code of NextAuth's guides says so whatever went wrong behind a site, a hiccup of its backend included.
        Failure::SessionError { error } => {
            return Disposition::RetryFew {
                reason: Reason::SessionError { error: error.clone() },
                after: None,
            };
        }
        Failure::Answered(answer) => answer,
    };
    let status = answer.status;
    let after = answer.retry_after.map(|d| d.clamp(SignedDuration::ZERO, MAX_RETRY_AFTER));
    let busy = Disposition::Retry { after, reason: Reason::ProviderBusy { status } };
    let portal = Disposition::Retry { after, reason: Reason::NotTheProvider { status } };
    // A struggling server is believed in nothing it says, not even `invalid_grant`.
    if matches!(status, 408 | 425 | 429 | 500..=599) {
        return busy;
    }
    match &answer.body {
        Body::Verdict { code, said } => match code {
            ErrorCode::InvalidGrant => Disposition::Quarantine(Reason::Refused { said: said.clone() }),
            ErrorCode::InvalidClient | ErrorCode::UnauthorizedClient | ErrorCode::Unsuitable => {
                Disposition::Misconfigured(Reason::Misconfigured { status, said: said.clone() })
            }
            ErrorCode::TemporarilyUnavailable | ErrorCode::SlowDown => busy,
            ErrorCode::Other => without_verdict(status, after, said.clone()),
        },
        Body::Redirect => portal,
        Body::NotJson | Body::TooLarge if status != 404 => portal,
        Body::NoVerdict | Body::Empty | Body::NotJson | Body::TooLarge => {
            without_verdict(status, after, None)
        }
    }
}

/// Whether the refresh token may have been spent by an exchange that failed like this: the request left, and what
/// the server made of it is not known. A gateway that gave up on the server knows no more than we do.
pub fn may_be_spent(failure: &Failure) -> bool {
    match failure {
        Failure::NotSent { .. }
        | Failure::Misfit { .. }
        | Failure::KeyLost
        | Failure::SessionError { .. } => false,
        Failure::NoReply => true,
        Failure::Answered(answer) => matches!(answer.status, 502 | 504),
    }
}

/// An answer whose meaning is unknown: below 400 something else answered; a path that is not there, or takes no such
/// requests (RFC 9110 §15.5), is a wrong address, whatever the backend calls it; anything else is given a few more tries.
fn without_verdict(status: u16, after: Option<SignedDuration>, said: Option<String>) -> Disposition {
    match status {
        404 | 405 | 410 | 415 => Disposition::Misconfigured(Reason::Misconfigured { status, said }),
        0..400 => Disposition::Retry { after, reason: Reason::NotTheProvider { status } },
        _ => Disposition::RetryFew { reason: Reason::Unclear { status, said }, after },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answered(status: u16, body: Body) -> Failure {
        Failure::Answered(Answer { status, body, retry_after: None })
    }

    fn verdict(code: &str) -> Body {
        Body::Verdict { code: ErrorCode::parse(code), said: None }
    }

    /// The table of the design, row by row.
    #[test]
    fn each_row_of_the_failure_table_means_what_the_design_says() {
        let rows: &[(&str, Failure, &str)] = &[
            ("metadata of another issuer", Failure::Misfit { why: "another issuer".into() }, "misconfigured"),
            ("no key for the proof", Failure::KeyLost, "quarantine"),
            (
                "a session with an error",
                Failure::SessionError { error: "RefreshTokenError".into() },
                "retry few",
            ),
            ("connection refused", Failure::NotSent { what: "refused".into() }, "retry"),
            ("reset after the request left", Failure::NoReply, "retry"),
            ("408", answered(408, Body::Empty), "retry"),
            ("425", answered(425, Body::Empty), "retry"),
            ("429", answered(429, verdict("slow_down")), "retry"),
            ("500 with HTML", answered(500, Body::NotJson), "retry"),
            ("503 that says invalid_grant", answered(503, verdict("invalid_grant")), "retry"),
            ("400 temporarily_unavailable", answered(400, verdict("temporarily_unavailable")), "retry"),
            ("400 slow_down", answered(400, verdict("slow_down")), "retry"),
            ("200 with HTML", answered(200, Body::NotJson), "retry"),
            ("200 with nothing", answered(200, Body::Empty), "retry"),
            ("200 with JSON but no token", answered(200, Body::NoVerdict), "retry"),
            ("401 with HTML", answered(401, Body::NotJson), "retry"),
            ("403 with HTML", answered(403, Body::NotJson), "retry"),
            ("302", answered(302, Body::Redirect), "retry"),
            ("30 MB", answered(200, Body::TooLarge), "retry"),
            ("400 invalid_grant", answered(400, verdict("invalid_grant")), "quarantine"),
            ("401 invalid_grant", answered(401, verdict("invalid_grant")), "quarantine"),
            ("200 that says invalid_grant", answered(200, verdict("invalid_grant")), "quarantine"),
            ("200 that says bad_refresh_token", answered(200, verdict("bad_refresh_token")), "quarantine"),
            ("503 that says bad_refresh_token", answered(503, verdict("bad_refresh_token")), "retry"),
            (
                "200 that says incorrect_client_credentials",
                answered(200, verdict("incorrect_client_credentials")),
                "misconfigured",
            ),
            ("401 invalid_client", answered(401, verdict("invalid_client")), "misconfigured"),
            ("400 unauthorized_client", answered(400, verdict("unauthorized_client")), "misconfigured"),
            ("404", answered(404, Body::NotJson), "misconfigured"),
            ("404 with a code of its own", answered(404, verdict("not_found")), "misconfigured"),
            ("405", answered(405, Body::Empty), "misconfigured"),
            ("410 with JSON", answered(410, Body::NoVerdict), "misconfigured"),
            ("415 with a code of its own", answered(415, verdict("not_json")), "misconfigured"),
            ("400 invalid_scope", answered(400, verdict("invalid_scope")), "misconfigured"),
            ("400 unsupported_grant_type", answered(400, verdict("unsupported_grant_type")), "misconfigured"),
            ("400 invalid_target", answered(400, verdict("invalid_target")), "misconfigured"),
            ("400 invalid_dpop_proof", answered(400, verdict("invalid_dpop_proof")), "misconfigured"),
            ("503 that says invalid_scope", answered(503, verdict("invalid_scope")), "retry"),
            ("405 with HTML", answered(405, Body::NotJson), "retry"),
            // Some servers say so of a token that is dead.
            ("400 invalid_request", answered(400, verdict("invalid_request")), "retry few"),
            ("401 with nothing", answered(401, Body::Empty), "retry few"),
            ("400 with an unknown code", answered(400, verdict("whatever")), "retry few"),
            ("403 with JSON but no code", answered(403, Body::NoVerdict), "retry few"),
        ];
        for (what, failure, expected) in rows {
            let found = match disposition(failure) {
                Disposition::Retry { .. } => "retry",
                Disposition::RetryFew { .. } => "retry few",
                Disposition::Quarantine(_) => "quarantine",
                Disposition::Misconfigured(_) => "misconfigured",
            };
            assert_eq!(found, *expected, "{what}");
        }
    }

    #[test]
    fn a_token_is_unspent_only_if_the_request_never_left_or_the_server_itself_answered() {
        for (failure, may_be) in [
            (Failure::NotSent { what: "refused".into() }, false),
            (Failure::NoReply, true),
            (answered(502, Body::NotJson), true),
            (answered(504, Body::Empty), true),
            (answered(503, Body::Empty), false),
            (answered(400, verdict("invalid_grant")), false),
        ] {
            assert_eq!(may_be_spent(&failure), may_be, "{failure:?}");
        }
    }

    fn bodies() -> impl Strategy<Value = Body> {
        prop_oneof![
            "[a-z_]{1,20}".prop_map(|code| verdict(&code)),
            Just(verdict("invalid_client")),
            Just(Body::NoVerdict),
            Just(Body::Empty),
            Just(Body::NotJson),
            Just(Body::TooLarge),
            Just(Body::Redirect),
        ]
    }

    proptest! {
        #[test]
        fn nothing_but_invalid_grant_ends_a_session(status in 100_u16..1000, body in bodies()) {
            prop_assume!(body != verdict("invalid_grant"));
            prop_assert!(!matches!(disposition(&answered(status, body)), Disposition::Quarantine(_)));
        }

        #[test]
        fn retry_after_is_believed_up_to_an_hour(secs: i64) {
            let failure = Failure::Answered(Answer {
                status: 429, body: Body::Empty, retry_after: Some(SignedDuration::from_secs(secs)),
            });
            let Disposition::Retry { after: Some(after), .. } = disposition(&failure) else { panic!("no retry") };
            prop_assert!(after >= SignedDuration::ZERO && after <= MAX_RETRY_AFTER);
        }
    }
}
