//! The claims every signed token has (RFC 7519 §4.1), read strictly, and their times.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::json::{self, Fault};
use super::refusal::Refusal;

/// How far two clocks may differ: no more than a few minutes (RFC 7519 §4.1.4).
pub const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// The farthest `exp` that is believed: beyond lie milliseconds and made-up numbers.
const FARTHEST: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);
/// The longest `sub`, in octets (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;
/// 2026-01-01: a clock that shows less is wrong, since this program is younger.
const YOUNGER_THAN: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// What a signed token claims.
#[derive(Clone)]
pub struct Claims {
    /// `iss`.
    pub issuer: String,
    /// `sub`, 1 to 255 octets without control characters.
    pub subject: Option<String>,
    /// `aud`, one or several.
    pub audience: Vec<String>,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `iat`.
    pub issued_at: Option<Timestamp>,
    /// All of them, as they stand.
    pub all: Map<String, Value>,
}

impl Claims {
    /// Reads the claims of a payload.
    pub(super) fn of(payload: &[u8]) -> Result<Self, Refusal> {
        let all = json::object(payload).map_err(|fault| match fault {
            Fault::NotAnObject => Refusal::UnreadableClaims,
            Fault::Duplicate => Refusal::Duplicate("claims"),
        })?;
        let issuer = text(&all, "iss")?.ok_or(Refusal::MissingClaim("iss"))?.to_owned();
        let subject = text(&all, "sub")?.map(str::to_owned);
        if subject.as_deref().is_some_and(is_no_subject) {
            return Err(Refusal::MalformedClaim("sub"));
        }
        let expires_at = date(&all, "exp")?.ok_or(Refusal::MissingClaim("exp"))?;
        let issued_at = date(&all, "iat")?;
        Ok(Self { issuer, subject, audience: audience(&all)?, expires_at, issued_at, all })
    }

    /// A claim that is a text, or is not there.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        text(&self.all, name)
    }

    /// A claim that is a time, or is not there.
    pub(super) fn date(&self, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
        date(&self.all, name)
    }

    /// Holds the times against the issuer's "now".
    pub(super) fn in_time(&self, now: Timestamp) -> Result<(), Refusal> {
        if now < YOUNGER_THAN {
            return Err(Refusal::ClockWrong);
        }
        let past = now.duration_since(self.expires_at);
        if past >= LEEWAY {
            return Err(Refusal::Expired(past));
        }
        if past < -FARTHEST {
            return Err(Refusal::ExpiresTooLate);
        }
        if let Some(ahead) = self.date("nbf")?.and_then(|from| ahead(from, now)) {
            return Err(Refusal::NotYetValid(ahead));
        }
        match self.issued_at.and_then(|at| ahead(at, now)) {
            Some(ahead) => Err(Refusal::IssuedInFuture(ahead)),
            None => Ok(()),
        }
    }
}

/// How far a time is in the future, if that is more than clocks may differ.
pub(super) fn ahead(at: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let ahead = at.duration_since(now);
    (ahead > LEEWAY).then_some(ahead)
}

fn is_no_subject(subject: &str) -> bool {
    subject.is_empty() || subject.len() > MAX_SUBJECT || subject.contains(char::is_control)
}

fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(Refusal::MalformedClaim(name)),
    }
}

/// A NumericDate (RFC 7519 §2): a number, whole or not, of seconds since 1970. Cut to whole seconds.
fn date(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
    let malformed = Refusal::MalformedClaim(name);
    let seconds = match claims.get(name) {
        None => return Ok(None),
        Some(value) => value.as_f64().filter(|seconds| *seconds >= 0.0).ok_or(malformed.clone())?,
    };
    let since = SignedDuration::try_from_secs_f64(seconds.trunc()).map_err(|_| malformed.clone())?;
    Timestamp::from_duration(since).map(Some).map_err(|_| malformed)
}

/// `aud` is a text or a list of texts (RFC 7519 §4.1.3). Not there, it is nobody.
fn audience(claims: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let malformed = Refusal::MalformedClaim("aud");
    match claims.get("aud") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(several)) => {
            several.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>().ok_or(malformed)
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => Err(malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn judged(name: &str, value: Value) -> Option<Refusal> {
        let mut claims = json!({ "iss": "i", "exp": 1_790_000_300_u64 });
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name)
        } else {
            claims.as_object_mut().unwrap().insert(name.to_owned(), value)
        };
        Claims::of(claims.to_string().as_bytes()).and_then(|claims| claims.in_time(NOW)).err()
    }

    #[test]
    fn an_expiry_is_a_number_of_seconds_that_has_not_passed_and_is_not_absurd() {
        let ago = SignedDuration::from_secs;
        for (exp, expected) in [
            (json!(1_790_000_001), None),
            (json!(1_790_000_000.75), None),
            (json!(1_789_999_941), None),
            (json!(1_789_999_940), Some(Refusal::Expired(ago(60)))),
            (json!(1_789_999_939), Some(Refusal::Expired(ago(61)))),
            (json!(0), Some(Refusal::Expired(ago(1_790_000_000)))),
            (Value::Null, Some(Refusal::MissingClaim("exp"))),
            (json!("1790000300"), Some(Refusal::MalformedClaim("exp"))),
            (json!(-1), Some(Refusal::MalformedClaim("exp"))),
            (json!([1_790_000_300]), Some(Refusal::MalformedClaim("exp"))),
            (json!(u64::MAX), Some(Refusal::MalformedClaim("exp"))),
            (json!(1e300), Some(Refusal::MalformedClaim("exp"))),
            (json!(1_790_000_300_000_u64), Some(Refusal::MalformedClaim("exp"))),
            (json!(17_900_003_000_u64), Some(Refusal::ExpiresTooLate)),
        ] {
            assert_eq!(judged("exp", exp.clone()), expected, "{exp}");
        }
    }

    #[test]
    fn ten_years_are_believed_and_not_a_second_more() {
        let ten_leap_years = 316_224_000_u64;
        assert_eq!(judged("exp", json!(1_790_000_000 + ten_leap_years)), None);
        assert_eq!(judged("exp", json!(1_790_000_001 + ten_leap_years)), Some(Refusal::ExpiresTooLate));
    }

    #[test]
    fn a_subject_of_as_many_octets_as_the_standard_allows_is_one() {
        assert_eq!(judged("sub", json!("a".repeat(255))), None);
    }

    #[test]
    fn what_lies_in_the_future_is_refused_with_how_far_it_does() {
        let minutes = SignedDuration::from_mins;
        for name in ["iat", "nbf"] {
            assert_eq!(judged(name, json!(1_790_000_060)), None, "a minute is a difference of clocks");
            assert!(judged(name, json!(1_790_000_061)).is_some(), "{name}");
        }
        assert_eq!(judged("iat", json!(1_790_001_200)), Some(Refusal::IssuedInFuture(minutes(20))));
        assert_eq!(judged("nbf", json!(1_790_001_200)), Some(Refusal::NotYetValid(minutes(20))));
        assert_eq!(judged("nbf", json!("soon")), Some(Refusal::MalformedClaim("nbf")));
    }

    #[test]
    fn issuer_subject_and_audience_have_the_types_of_the_standard() {
        for (name, value) in [
            ("iss", json!(["i"])),
            ("iss", json!({ "i": 1 })),
            ("sub", json!("")),
            ("sub", json!("a".repeat(256))),
            ("sub", json!("a\u{0}b")),
            ("sub", json!(7)),
            ("aud", json!(7)),
            ("aud", json!({})),
            ("aud", json!(["a", 7])),
        ] {
            let name: &'static str = name;
            assert_eq!(judged(name, value.clone()), Some(Refusal::MalformedClaim(name)), "{name} {value}");
        }
        assert_eq!(judged("iss", Value::Null), Some(Refusal::MissingClaim("iss")));
    }

    #[test]
    fn a_clock_older_than_the_program_decides_nothing() {
        let claims = Claims::of(br#"{"iss":"i","exp":60}"#).unwrap();
        assert_eq!(claims.in_time(Timestamp::constant(30, 0)), Err(Refusal::ClockWrong));
        assert_eq!(claims.in_time(Timestamp::MIN), Err(Refusal::ClockWrong));
        let new_year = Claims::of(br#"{"iss":"i","exp":1767225600}"#).unwrap();
        assert_eq!(new_year.in_time(Timestamp::constant(1_767_225_599, 0)), Err(Refusal::ClockWrong));
        assert_eq!(new_year.in_time(Timestamp::constant(1_767_225_600, 0)), Ok(()));
    }

    proptest! {
        #[test]
        fn no_payload_brings_it_down(payload: Vec<u8>) {
            let _ = Claims::of(&payload);
        }

        #[test]
        fn no_time_brings_it_down(exp: f64, nbf: i64, iat: u64, now in -377_705_023_201_i64..=253_402_207_200) {
            let claims = json!({ "iss": "i", "exp": exp, "nbf": nbf, "iat": iat }).to_string();
            if let Ok(claims) = Claims::of(claims.as_bytes()) {
                let _ = claims.in_time(Timestamp::from_second(now).unwrap());
            }
        }
    }
}
