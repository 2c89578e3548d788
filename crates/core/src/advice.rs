//! What in an account's policy contradicts itself, or what is known of its tokens.

use jiff::SignedDuration;

use crate::limits::{Limits, Sensitivity};
use crate::policy::{MAX_MARGIN, Policy, in_words};
use crate::wording::{Values, millis};

/// The code of every advice.
pub const ADVICE_CODES: [&str; 11] = [
    "idle_timeout_not_below_max_age",
    "lifetime_too_long",
    "lifetime_too_short",
    "margin_over_half",
    "plain_http",
    "rolling_without_max_age",
    "sensitive_without_ceiling",
    "session_outlives_its_token",
    "static_shorter_than_refresh_window",
    "update_age_not_below_max_age",
    "update_age_without_rolling",
];

/// A session shorter than this is none that anybody could work with.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
/// A session longer than this outlives passwords and jobs.
const LONGEST: SignedDuration = SignedDuration::from_hours(180 * 24);

/// What is known of an account's tokens, as far as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// How long an access token lives.
    pub access: Option<SignedDuration>,
    /// How long a refresh token lives from its receipt.
    pub refresh: Option<SignedDuration>,
    /// How long the provider lets a session last from the receipt of its tokens.
    pub session: Option<SignedDuration>,
    /// Whether tokens travel in clear text. That is possible on this machine only.
    pub plain_http: bool,
}

/// How much an advice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// It does not do what it seems to.
    Warning,
}

/// One thing to think about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// Stable name for programs.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is, why that matters, and what to do.
    pub message: String,
    /// The values in that by name, for whoever words it anew by its code: `key`, and durations in milliseconds.
    pub values: Values,
}

/// Everything to think about in a policy, what matters most first.
pub fn advice(policy: &Policy, known: Known) -> Vec<Advice> {
    let mut all: Vec<Advice> =
        ends(policy.limits).into_iter().chain(tokens(policy, known)).chain(travel(known)).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.severity));
    all
}

/// What the limits contradict in each other.
fn ends(limits: Limits) -> Vec<Advice> {
    let Limits { max_age, rolling, update_age, idle_timeout, sensitivity } = limits;
    let mut found = Vec::new();
    let mut warn = |code, values: Values, message: String| {
        found.push(Advice { code, severity: Severity::Warning, message, values });
    };
    if let Some((age, update)) = max_age.zip(update_age).filter(|(age, update)| rolling && update >= age) {
        warn(
            "update_age_not_below_max_age",
            spans([("update_ms", update), ("age_ms", age)]),
            format!(
                "`update_age` ({}) is not shorter than `max_age` ({}): the session is over before any use may move its end. \
                 Make it shorter, or leave it out",
                in_words(update),
                in_words(age)
            ),
        );
    }
    if rolling && max_age.is_none() {
        warn(
            "rolling_without_max_age",
            Values::new(),
            "`rolling` moves the end that `max_age` sets, and there is none. Set `max_age`, or leave `rolling` out".to_owned(),
        );
    }
    if update_age.is_some() && !rolling {
        warn(
            "update_age_without_rolling",
            Values::new(),
            "`update_age` says how often use moves the end of a session, and this one does not roll. Set `rolling = true`, or leave it out"
                .to_owned(),
        );
    }
    if sensitivity == Some(Sensitivity::Admin) && rolling {
        warn(
            "sensitive_without_ceiling",
            Values::new(),
            "This account is `admin` and its sessions roll: whoever has the machine stays signed in for ever by using it. Leave `rolling` out"
                .to_owned(),
        );
    }
    if let Some((idle, age)) = idle_timeout.zip(max_age).filter(|(idle, age)| idle >= age) {
        warn(
            "idle_timeout_not_below_max_age",
            spans([("idle_ms", idle), ("age_ms", age)]),
            format!(
                "`idle_timeout` ({}) is not shorter than `max_age` ({}), so it never counts. Make it shorter, or leave it out",
                in_words(idle),
                in_words(age)
            ),
        );
    }
    for (key, length) in [("max_age", max_age), ("idle_timeout", idle_timeout)] {
        let Some(length) = length else { continue };
        if length < SHORTEST {
            warn(
                "lifetime_too_short",
                of_key(key, length),
                format!(
                    "`{key}` is {}: nobody can work with a session that short. A minute is the least that makes sense",
                    in_words(length)
                ),
            );
        } else if length > LONGEST {
            warn(
                "lifetime_too_long",
                of_key(key, length),
                format!(
                    "`{key}` is {}: a session that long outlives the reasons it was allowed for. Thirty days is usual",
                    in_words(length)
                ),
            );
        }
    }
    found
}

/// What the policy contradicts of the tokens.
fn tokens(policy: &Policy, known: Known) -> Vec<Advice> {
    let mut found = Vec::new();
    let mut warn = |code, values: Values, message: String| {
        found.push(Advice { code, severity: Severity::Warning, message, values });
    };
    let limits = policy.limits;
    let access = known.access.unwrap_or(policy.lifetime_untold(true));
    let is_known = known.access.is_some();
    if let Some(before) = policy.renew_before.filter(|before| is_known && *before > access / 2) {
        warn(
            "margin_over_half",
            spans([("before_ms", before), ("access_ms", access)]),
            format!(
                "`renew_before` ({}) is more than half of what an access token lives ({}): half of it is taken, or \
                 every token would be replaced as soon as it came. Make it shorter",
                in_words(before),
                in_words(access)
            ),
        );
    }
    let margin = policy.renew_before.unwrap_or_else(|| (access / 5).min(MAX_MARGIN)).min(access / 2);
    let static_age = limits.max_age.filter(|_| !limits.rolling);
    if let Some(age) = static_age.filter(|age| is_known && *age <= access - margin) {
        warn(
            "static_shorter_than_refresh_window",
            spans([("age_ms", age), ("first_ms", access - margin)]),
            format!(
                "A session lasts {} from its sign-in, and its first renewal would come after {}: the refresh token is never \
                 used. Make `max_age` longer, or let sessions roll",
                in_words(age),
                in_words(access - margin)
            ),
        );
    }
    // Each renewal begins another life of a refresh token that is replaced; the provider's own end of a session is not moved.
    let depends = known.session.map(|length| ("its provider ends it", length));
    let depends = depends.or_else(|| {
        known.refresh.map(|length| ("its refresh token ends, unless a renewal moves that,", length))
    });
    if let Some((what, length)) = depends
        && let Some(age) = limits.max_age.filter(|age| *age > length)
    {
        warn(
            "session_outlives_its_token",
            spans([("age_ms", age), ("length_ms", length)]),
            format!(
                "The account allows a session of {}, but {what} after {}: that is when people have to sign in again. \
                 Shorten `max_age`, or have the provider allow more",
                in_words(age),
                in_words(length)
            ),
        );
    }
    found
}

fn spans<const N: usize>(spans: [(&'static str, SignedDuration); N]) -> Values {
    spans.into_iter().map(|(name, span)| (name, millis(span))).collect()
}

fn of_key(key: &str, length: SignedDuration) -> Values {
    Values::from([("key", key.to_owned()), ("length_ms", millis(length))])
}

fn travel(known: Known) -> Option<Advice> {
    known.plain_http.then(|| Advice {
        code: "plain_http",
        severity: Severity::Note,
        values: Values::new(),
        message: "Tokens travel to this account's address in clear text (`http`). That is possible on this machine only; use \
                  `https` for anything but a development backend"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    fn hours(hours: i64) -> SignedDuration {
        SignedDuration::from_hours(hours)
    }

    fn mins(mins: i64) -> SignedDuration {
        SignedDuration::from_mins(mins)
    }

    fn codes(limits: Limits, renew_before: Option<SignedDuration>, known: Known) -> Vec<&'static str> {
        let policy = Policy { renew_before, limits, ..Policy::default() };
        advice(&policy, known).iter().map(|one| one.code).collect()
    }

    #[test]
    fn each_contradiction_is_told_and_nothing_else() {
        let none = Limits::default();
        let known = Known { access: Some(mins(60)), ..Known::default() };
        let rolling = Limits { max_age: Some(hours(8)), rolling: true, update_age: Some(mins(10)), ..none };
        let mut seen = BTreeSet::new();
        for (told, limits, renew_before, known) in [
            ("", none, None, known),
            ("", rolling, Some(mins(5)), known),
            ("update_age_not_below_max_age", Limits { update_age: Some(hours(8)), ..rolling }, None, known),
            ("rolling_without_max_age", Limits { max_age: None, ..rolling }, None, known),
            ("update_age_without_rolling", Limits { rolling: false, ..rolling }, None, known),
            (
                "sensitive_without_ceiling",
                Limits { sensitivity: Some(Sensitivity::Admin), ..rolling },
                None,
                known,
            ),
            (
                "idle_timeout_not_below_max_age",
                Limits { idle_timeout: Some(hours(9)), ..rolling },
                None,
                known,
            ),
            (
                "lifetime_too_short",
                Limits { idle_timeout: Some(SignedDuration::from_secs(20)), ..rolling },
                None,
                known,
            ),
            ("lifetime_too_long", Limits { max_age: Some(hours(365 * 24)), ..none }, None, known),
            ("margin_over_half", none, Some(mins(45)), known),
            ("static_shorter_than_refresh_window", Limits { max_age: Some(mins(40)), ..none }, None, known),
            ("session_outlives_its_token", rolling, None, Known { refresh: Some(hours(2)), ..known }),
            (
                "session_outlives_its_token",
                rolling,
                None,
                Known { session: Some(hours(2)), refresh: Some(hours(24)), ..known },
            ),
            ("plain_http", none, None, Known { plain_http: true, ..known }),
        ] {
            let expected: Vec<_> = Some(told).filter(|told| !told.is_empty()).into_iter().collect();
            assert_eq!(codes(limits, renew_before, known), expected);
            seen.extend(expected);
        }
        assert_eq!(seen, BTreeSet::from(ADVICE_CODES));
    }

    #[test]
    fn the_presets_contradict_nothing() {
        for preset in [Sensitivity::General, Sensitivity::Admin] {
            assert_eq!(codes(preset.limits(), None, Known::default()), Vec::<&str>::new());
        }
    }

    proptest! {
        #[test]
        fn whatever_is_set_it_can_be_told(
            max_age in prop::option::of(1_i64..100_000_000), rolling: bool, update in prop::option::of(1_i64..100_000_000),
            idle in prop::option::of(1_i64..100_000_000), access in prop::option::of(-10_i64..1_000_000),
        ) {
            let secs = |secs: Option<i64>| secs.map(SignedDuration::from_secs);
            let limits = Limits {
                max_age: secs(max_age), rolling, update_age: secs(update), idle_timeout: secs(idle), sensitivity: None,
            };
            let policy = Policy { limits, ..Policy::default() };
            for one in advice(&policy, Known { access: secs(access), ..Known::default() }) {
                prop_assert!(!one.message.is_empty() && !one.message.ends_with('.'));
            }
        }
    }
}
