//! When a token expires, in whatever way a backend says so.

use jiff::{SignedDuration, Timestamp};
use latchkey_core::token_set::Source;
use serde_json::Value;

/// Numbers from here on are epoch milliseconds: as seconds they would lie beyond the year 5000.
const MILLIS_FROM: f64 = 1e11;
/// Numbers up to here are lifetimes in seconds (a year): as epoch seconds they would lie in 1970.
const LIFETIME_UP_TO: f64 = 366.0 * 86_400.0;
/// Expiries further away than this are taken for mistakes.
const FARTHEST: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);
/// Expiries longer ago than this are taken for mistakes.
const LONGEST_AGO: SignedDuration = SignedDuration::from_hours(24);
/// A `Date` that differs by less is as good as ours; its resolution is a second.
const NOTABLE_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// Reads an expiry: epoch seconds or milliseconds (number or decimal text), RFC 3339, or a lifetime in seconds.
///
/// Absolute times are the server's; `skew` (how much its clock is ahead of ours) turns them into ours.
/// Nonsense is `None`, never "never": a wrong expiry must not keep a token from being renewed.
pub fn read(
    value: &Value,
    received: Timestamp,
    skew: SignedDuration,
    named: Source,
) -> Option<(Timestamp, Source)> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse::<f64>().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let at = match (number, value) {
        (Some(secs), _) if (0.0..=LIFETIME_UP_TO).contains(&secs) => {
            let lifetime = SignedDuration::try_from_secs_f64(secs).ok()?;
            return Some((received.saturating_add(lifetime).ok()?, lifetime_source(named)));
        }
        (Some(secs), _) => epoch(secs)?,
        (None, Value::String(text)) => text.trim().parse::<Timestamp>().ok()?,
        (None, _) => return None,
    };
    let ours = by_our_clock(at, skew)?;
    let away = ours.duration_since(received);
    (away <= FARTHEST && away >= -LONGEST_AGO).then_some((ours, named))
}

/// A server's time by our clock, which its own is `skew` ahead of.
pub(super) fn by_our_clock(theirs: Timestamp, skew: SignedDuration) -> Option<Timestamp> {
    if skew.abs() < NOTABLE_SKEW { Some(theirs) } else { theirs.checked_sub(skew).ok() }
}

/// Epoch seconds or milliseconds, told apart by their size.
pub fn epoch(number: f64) -> Option<Timestamp> {
    if !number.is_finite() {
        return None;
    }
    let seconds = if number.abs() >= MILLIS_FROM { number / 1000.0 } else { number };
    let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(since).ok()
}

/// A number that turns out to be a lifetime counts from its receipt, like `expires_in`.
fn lifetime_source(named: Source) -> Source {
    match named {
        Source::AccessTokenExpiry | Source::ExpiresIn | Source::JwtExp => Source::ExpiresIn,
        Source::RefreshExpiresIn
        | Source::SessionExpiry
        | Source::CookieExpires
        | Source::Policy
        | Source::Assumed => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn received() -> Timestamp {
        Timestamp::from_second(1_790_000_000).unwrap()
    }

    fn seconds(value: &Value) -> Option<i64> {
        let (at, _) = read(value, received(), SignedDuration::ZERO, Source::AccessTokenExpiry)?;
        Some(at.duration_since(received()).as_secs())
    }

    #[test]
    fn every_form_of_the_same_instant_is_the_same_instant() {
        let at = received() + SignedDuration::from_secs(3600);
        for form in [
            json!(at.as_second()),
            json!(at.as_millisecond()),
            json!(at.as_second().to_string()),
            json!(at.as_millisecond().to_string()),
            json!(at.to_string()),
            json!(3600),
            json!("3600"),
            json!(3600.0),
            json!(3.6e3),
        ] {
            assert_eq!(seconds(&form), Some(3600), "{form}");
        }
    }

    #[test]
    fn nonsense_is_unknown_and_zero_is_expired() {
        for nonsense in [
            json!(-1),
            json!("soon"),
            json!(1e30),
            json!(u64::MAX),
            json!(null),
            json!({}),
            json!("NaN"),
            json!(""),
        ] {
            assert_eq!(seconds(&nonsense), None, "{nonsense}");
        }
        assert_eq!(seconds(&json!(0)), Some(0));
    }

    #[test]
    fn a_server_whose_clock_is_ahead_is_understood() {
        let skew = SignedDuration::from_hours(1);
        let says = json!((received() + skew + SignedDuration::from_secs(60)).as_second());
        let (at, source) = read(&says, received(), skew, Source::AccessTokenExpiry).unwrap();
        assert_eq!((at.duration_since(received()).as_secs(), source), (60, Source::AccessTokenExpiry));
    }

    proptest! {
        #[test]
        fn no_number_panics_or_leads_out_of_the_window(number: f64) {
            if let Some(secs) = seconds(&json!(number)) {
                prop_assert!(secs >= -86_400 && secs <= FARTHEST.as_secs());
            }
        }
    }
}
