//! What the facts mean: for each a sentence, a grade and advice.

use serde::Serialize;

use super::facts::{Between, ErrorShape, Grace, Lifetime, ReuseHandling, TwoAtOnce};
use super::measure::Profile;

/// How good a fact is for those who want to stay signed in, and for those who issue tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ProfileGrade {
    /// As the standards ask.
    Good,
    /// Worth knowing.
    Note,
    /// Against the advice of a standard, or costly for people.
    Warning,
    /// It could not be told.
    Unknown,
}

/// One row of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ProfileFinding {
    /// The fact's name, stable.
    pub fact: String,
    /// What was asked, in a few words.
    pub title: String,
    /// What was found.
    pub value: String,
    /// How good that is.
    pub grade: ProfileGrade,
    /// What follows, or what to do.
    pub advice: Option<String>,
    /// Where a standard speaks of it.
    pub standard: Option<String>,
}

type Row = (String, ProfileGrade, Option<&'static str>);

/// The rows of a profile, in the order in which they are told.
pub fn findings(profile: &Profile) -> Vec<ProfileFinding> {
    let facts = &profile.facts;
    let why = |fact: &str| profile.unmeasured.iter().find(|missing| missing.fact == fact);
    let row = |fact: &str, title: &str, standard: Option<&str>, found: Option<Row>| {
        let not_asked = "not asked: it follows from what stands above".to_owned();
        let (value, grade, advice) = found.unwrap_or_else(|| {
            (why(fact).map_or(not_asked, |missing| missing.why.clone()), ProfileGrade::Unknown, None)
        });
        ProfileFinding {
            fact: fact.to_owned(),
            title: title.to_owned(),
            value,
            grade,
            advice: advice.map(str::to_owned),
            standard: standard.map(str::to_owned),
        }
    };
    let rotation = Some("RFC 9700 §4.14.2");
    vec![
        row("rotates", "Rotation", rotation, facts.rotates.map(rotates)),
        row("reuse", "Reuse detection", rotation, facts.reuse.map(reuse)),
        row("grace", "Grace window", rotation, facts.grace.map(grace)),
        row("two_at_once", "Two refreshes at once", rotation, facts.two_at_once.map(two_at_once)),
        row(
            "old_access_dies",
            "The access token from before",
            Some("RFC 6749 §6"),
            facts.old_access_dies.map(old_access),
        ),
        row(
            "refresh_lifetime",
            "Refresh lifetime",
            Some("RFC 6749 §10.4"),
            facts.refresh_lifetime.map(|lifetime| lifetimes(lifetime, facts.refresh_secs)),
        ),
        row(
            "access_secs",
            "Access token lifetime",
            Some("RFC 6749 §5.1"),
            facts.access_secs.map(access_lifetime),
        ),
        row(
            "exp_differs_secs",
            "expires_in against exp",
            Some("RFC 9068 §2.2"),
            facts.exp_differs_secs.map(exp_differs),
        ),
        row(
            "skew",
            "Its clock against yours",
            Some("RFC 9110 §6.6.1"),
            facts.skew.map(|skew| clock(skew.ahead_ms, skew.error_ms)),
        ),
        row("no_store", "Cache-Control: no-store", Some("RFC 6749 §5.1"), facts.no_store.map(no_store)),
        row(
            "refusal",
            "How a wrong token is refused",
            Some("RFC 6749 §5.2"),
            facts.refusal.as_ref().map(refusal),
        ),
        row("revocation_works", "Revocation", Some("RFC 7009 §2"), facts.revocation_works.map(revocation)),
    ]
}

fn rotates(rotates: bool) -> Row {
    if rotates {
        return ("each refresh brings a new refresh token".into(), ProfileGrade::Good, None);
    }
    let advice = "a stolen refresh token stays good: bind it to a key (DPoP) or rotate it";
    ("the refresh token stays the same".into(), ProfileGrade::Warning, Some(advice))
}

fn reuse(handling: ReuseHandling) -> Row {
    match handling {
        ReuseHandling::FamilyRevoked => (
            "a used token is refused and its whole session revoked".into(),
            ProfileGrade::Good,
            Some("never let two programs share this session by themselves: the loser signs both out"),
        ),
        ReuseHandling::Refused => (
            "a used token is refused, and the session goes on".into(),
            ProfileGrade::Warning,
            Some("a thief who refreshes first keeps the session: revoke the family at reuse"),
        ),
        ReuseHandling::Accepted => (
            "a used token is taken again".into(),
            ProfileGrade::Warning,
            Some("rotation without reuse detection notices no theft"),
        ),
    }
}

fn grace(grace: Grace) -> Row {
    match grace {
        Grace::None => (
            "none: a used token is never taken again".into(),
            ProfileGrade::Note,
            Some("a reply that is lost on its way ends the session; a window of 10 s to 60 s would save it"),
        ),
        Grace::Between(Between { taken, refused }) => (
            format!("a used token is taken for {taken} s to {refused} s"),
            ProfileGrade::Good,
            Some("a lost reply is asked for again within that time"),
        ),
        Grace::AtLeast { secs } => (
            format!("at least {secs} s"),
            ProfileGrade::Note,
            Some("a window without end is no reuse detection"),
        ),
    }
}

fn two_at_once(two: TwoAtOnce) -> Row {
    match two {
        TwoAtOnce::SameAnswer => ("both get the same tokens".into(), ProfileGrade::Good, None),
        TwoAtOnce::BothServed => ("both get tokens, each its own".into(), ProfileGrade::Note, None),
        TwoAtOnce::OneServed => (
            "one gets tokens, the other is refused".into(),
            ProfileGrade::Note,
            Some(
                "clients must not take the refusal for the end of the session: read the stored token again first",
            ),
        ),
        TwoAtOnce::WinnerRevoked => (
            "one gets tokens, and they are revoked because of the other".into(),
            ProfileGrade::Note,
            Some("one refresh at a time, across all processes, or the session is lost"),
        ),
        TwoAtOnce::NeitherServed => (
            "neither gets tokens".into(),
            ProfileGrade::Warning,
            Some("look into the backend's log: one of the two should have been served"),
        ),
    }
}

fn old_access(dies: bool) -> Row {
    if dies {
        let advice =
            "requests under way with the old token fail: renew early, and repeat a 401 once with the new one";
        return ("is refused after a refresh".into(), ProfileGrade::Note, Some(advice));
    }
    ("stays good until it expires".into(), ProfileGrade::Good, None)
}

fn lifetimes(lifetime: Lifetime, secs: Option<i32>) -> Row {
    let long = secs.map(|secs| format!(" ({})", words(secs))).unwrap_or_default();
    match lifetime {
        Lifetime::Sliding => (format!("begins anew at each refresh{long}"), ProfileGrade::Good, None),
        Lifetime::Fixed => (
            format!("is set at the sign-in and does not move{long}"),
            ProfileGrade::Note,
            Some("people are signed out at that time however often they come: tell them before"),
        ),
        Lifetime::NotTold => (
            "the backend does not say".into(),
            ProfileGrade::Note,
            Some("a client cannot tell people when to sign in again: send `refresh_expires_in`"),
        ),
    }
}

fn access_lifetime(secs: i32) -> Row {
    let advice = match secs {
        ..30 => Some("so short that every delay of the network shows"),
        86_400.. => Some("a stolen access token is good for that long"),
        _ => None,
    };
    (words(secs), if advice.is_some() { ProfileGrade::Note } else { ProfileGrade::Good }, advice)
}

fn exp_differs(differs: i32) -> Row {
    if differs.abs() <= 1 {
        return ("the same".into(), ProfileGrade::Good, None);
    }
    let advice = "clients go by `expires_in`, resource servers by `exp`: let both say the same";
    (
        format!("exp says {} s {}", differs.abs(), if differs > 0 { "more" } else { "less" }),
        ProfileGrade::Warning,
        Some(advice),
    )
}

fn clock(ahead_ms: i32, error_ms: i32) -> Row {
    let seconds = |ms: i32| f64::from(ms) / 1000.0;
    let value = format!("{:+.1} s ± {:.1} s", seconds(ahead_ms), seconds(error_ms));
    if ahead_ms.abs() > error_ms.saturating_add(30_000) {
        return (
            value,
            ProfileGrade::Warning,
            Some("one of the clocks is wrong: set it, or tokens are not yet or no longer valid"),
        );
    }
    (value, ProfileGrade::Good, None)
}

fn no_store(is_set: bool) -> Row {
    if is_set {
        return ("is there".into(), ProfileGrade::Good, None);
    }
    ("is missing".into(), ProfileGrade::Warning, Some("replies with tokens must not be stored on their way"))
}

fn refusal(shape: &ErrorShape) -> Row {
    let ErrorShape { status, error, is_json } = shape;
    let code = error.as_deref().map_or_else(String::new, |code| format!(" {code}"));
    let value = format!("{status}{code}{}", if *is_json { "" } else { ", not as JSON" });
    match (status, error.as_deref()) {
        (400, Some("invalid_grant")) => (value, ProfileGrade::Good, None),
        (401, _) if *is_json => (
            value,
            ProfileGrade::Note,
            Some("OAuth says 400 invalid_grant; a REST login may say 401 if the account declares it"),
        ),
        _ => (
            value,
            ProfileGrade::Warning,
            Some("clients cannot tell a dead token from an ill server: answer 400 with invalid_grant"),
        ),
    }
}

fn revocation(works: bool) -> Row {
    if works {
        return ("a revoked refresh token is dead".into(), ProfileGrade::Good, None);
    }
    (
        "is answered and changes nothing".into(),
        ProfileGrade::Warning,
        Some("who signs out on a lost machine is not signed out"),
    )
}

fn words(secs: i32) -> String {
    latchkey_core::policy::in_words(jiff::SignedDuration::from_secs(secs.into()))
}
