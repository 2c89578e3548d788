//! What the facts mean: for each a sentence, a grade and advice. Sentences have codes, for whoever words them anew.

mod codes;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use codes::FINDING_CODES;

use super::facts::{Between, ErrorShape, Grace, Lifetime, ReuseHandling, TwoAtOnce, Values};
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
    /// Which sentence that is: one of [`FINDING_CODES`].
    pub code: String,
    /// The values in it by name; those that end in `_ms` are durations in milliseconds.
    pub values: Values,
    /// How good that is.
    pub grade: ProfileGrade,
    /// What follows, or what to do.
    pub advice: Option<String>,
    /// Which sentence that is: one of [`FINDING_CODES`].
    pub advice_code: Option<String>,
    /// Where a standard speaks of it.
    pub standard: Option<String>,
}

/// A sentence: its code, the values in it, its English words.
struct Said {
    code: String,
    values: Values,
    words: String,
}

/// A sentence without values.
fn plain(code: &str, words: &str) -> Said {
    Said { code: code.to_owned(), values: Values::new(), words: words.to_owned() }
}

/// A sentence that has these values in it already.
fn with(code: &str, values: impl IntoIterator<Item = (&'static str, String)>, words: String) -> Said {
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Said { code: code.to_owned(), values, words }
}

/// What follows: a code and its words.
type Advice = (&'static str, &'static str);

/// What a row says.
struct Row {
    said: Said,
    grade: ProfileGrade,
    advice: Option<Advice>,
}

fn good(said: Said) -> Row {
    Row { said, grade: ProfileGrade::Good, advice: None }
}

fn note(said: Said, advice: Option<Advice>) -> Row {
    Row { said, grade: ProfileGrade::Note, advice }
}

fn warning(said: Said, advice: Advice) -> Row {
    Row { said, grade: ProfileGrade::Warning, advice: Some(advice) }
}

/// The rows of a profile, in the order in which they are told.
pub fn findings(profile: &Profile) -> Vec<ProfileFinding> {
    let facts = &profile.facts;
    let row = |fact: &str, title: &str, standard: &str, found: Option<Row>| {
        let Row { said, grade, advice } = found.unwrap_or_else(|| unknown(profile, fact));
        ProfileFinding {
            fact: fact.to_owned(),
            title: title.to_owned(),
            value: said.words,
            code: said.code,
            values: said.values,
            grade,
            advice: advice.map(|(_, words)| words.to_owned()),
            advice_code: advice.map(|(code, _)| code.to_owned()),
            standard: Some(standard.to_owned()),
        }
    };
    let rotation = "RFC 9700 §4.14.2";
    vec![
        row("rotates", "Rotation", rotation, facts.rotates.map(rotates)),
        row("reuse", "Reuse detection", rotation, facts.reuse.map(reuse)),
        row("grace", "Grace window", rotation, facts.grace.map(grace)),
        row("two_at_once", "Two refreshes at once", rotation, facts.two_at_once.map(two_at_once)),
        row(
            "old_access_dies",
            "The access token from before",
            "RFC 6749 §6",
            facts.old_access_dies.map(old_access),
        ),
        row(
            "refresh_lifetime",
            "Refresh lifetime",
            "RFC 6749 §10.4",
            facts.refresh_lifetime.map(|lifetime| lifetimes(lifetime, facts.refresh_secs)),
        ),
        row("access_secs", "Access token lifetime", "RFC 6749 §5.1", facts.access_secs.map(access_lifetime)),
        row(
            "exp_differs_secs",
            "expires_in against exp",
            "RFC 9068 §2.2",
            facts.exp_differs_secs.map(exp_differs),
        ),
        row(
            "skew",
            "Its clock against yours",
            "RFC 9110 §6.6.1",
            facts.skew.map(|skew| clock(skew.ahead_ms, skew.error_ms)),
        ),
        row("no_store", "Cache-Control: no-store", "RFC 6749 §5.1", facts.no_store.map(no_store)),
        row("refusal", "How a wrong token is refused", "RFC 6749 §5.2", facts.refusal.as_ref().map(refusal)),
        row("revocation_works", "Revocation", "RFC 7009 §2", facts.revocation_works.map(revocation)),
    ]
}

/// Why it could not be told.
fn unknown(profile: &Profile, fact: &str) -> Row {
    let missing = profile.unmeasured.iter().find(|missing| missing.fact == fact);
    let said = missing.map_or_else(
        || plain("not_asked", "not asked: it follows from what stands above"),
        |missing| Said {
            code: missing.code.clone(),
            values: missing.values.clone(),
            words: missing.why.clone(),
        },
    );
    Row { said, grade: ProfileGrade::Unknown, advice: None }
}

fn rotates(rotates: bool) -> Row {
    if rotates {
        return good(plain("rotates_each", "each refresh brings a new refresh token"));
    }
    warning(
        plain("rotates_never", "the refresh token stays the same"),
        ("stolen_stays_good", "a stolen refresh token stays good: bind it to a key (DPoP) or rotate it"),
    )
}

fn reuse(handling: ReuseHandling) -> Row {
    match handling {
        ReuseHandling::FamilyRevoked => Row {
            advice: Some((
                "loser_signs_both_out",
                "never let two programs share this session by themselves: the loser signs both out",
            )),
            ..good(plain("family_revoked", "a used token is refused and its whole session revoked"))
        },
        ReuseHandling::Refused => warning(
            plain("used_refused", "a used token is refused, and the session goes on"),
            (
                "thief_keeps_session",
                "a thief who refreshes first keeps the session: revoke the family at reuse",
            ),
        ),
        ReuseHandling::Accepted => warning(
            plain("used_accepted", "a used token is taken again, as long as was waited for"),
            (
                "no_theft_noticed",
                "rotation without reuse detection notices no theft; if its grace window is longer, measure with `--grace-bound`",
            ),
        ),
    }
}

fn grace(grace: Grace) -> Row {
    match grace {
        Grace::None => note(
            plain("grace_none", "none, a used token is never taken again"),
            Some((
                "lost_reply_ends",
                "a reply that is lost on its way ends the session; a window of 10 s to 60 s would save it",
            )),
        ),
        Grace::Between(Between { taken, refused }) => Row {
            advice: Some(("asked_again_in_time", "a lost reply is asked for again within that time")),
            ..good(with(
                "grace_between",
                [("taken", taken.to_string()), ("refused", refused.to_string())],
                format!("a used token is taken for {taken} s to {refused} s"),
            ))
        },
        Grace::AtLeast { secs } => note(
            with("grace_at_least", [("secs", secs.to_string())], format!("at least {secs} s")),
            Some(("endless_window", "a window without end is no reuse detection")),
        ),
    }
}

fn two_at_once(two: TwoAtOnce) -> Row {
    match two {
        TwoAtOnce::SameAnswer => good(plain("both_same", "both get the same tokens")),
        TwoAtOnce::BothServed => note(plain("both_own", "both get tokens, each its own"), None),
        TwoAtOnce::OneServed => note(
            plain("one_served", "one gets tokens, the other is refused"),
            Some((
                "read_stored_first",
                "clients must not take the refusal for the end of the session: read the stored token again first",
            )),
        ),
        TwoAtOnce::WinnerRevoked => note(
            plain("winner_revoked", "one gets tokens, and they are revoked because of the other"),
            Some(("one_at_a_time", "one refresh at a time, across all processes, or the session is lost")),
        ),
        TwoAtOnce::NeitherServed => warning(
            plain("neither_served", "neither gets tokens"),
            ("look_into_log", "look into the backend's log: one of the two should have been served"),
        ),
    }
}

fn old_access(dies: bool) -> Row {
    if dies {
        let advice =
            "requests under way with the old token fail: renew early, and repeat a 401 once with the new one";
        return note(plain("old_access_dies", "is refused after a refresh"), Some(("requests_fail", advice)));
    }
    good(plain("old_access_lives", "stays good until it expires"))
}

fn lifetimes(lifetime: Lifetime, secs: Option<i32>) -> Row {
    let long = secs.map(|secs| format!(" ({})", words(secs))).unwrap_or_default();
    let lasts: Vec<_> = secs.map(|secs| ("lasts_ms", millis(secs))).into_iter().collect();
    match lifetime {
        Lifetime::Sliding => good(with("begins_anew", lasts, format!("begins anew at each refresh{long}"))),
        Lifetime::Fixed => note(
            with("fixed_end", lasts, format!("is set at the sign-in and does not move{long}")),
            Some((
                "tell_them_before",
                "people are signed out at that time however often they come: tell them before",
            )),
        ),
        Lifetime::NotTold => note(
            plain("end_not_told", "the backend does not say"),
            Some((
                "send_refresh_expires_in",
                "a client cannot tell people when to sign in again: send `refresh_expires_in`",
            )),
        ),
    }
}

fn access_lifetime(secs: i32) -> Row {
    let said = with("lasts", [("lasts_ms", millis(secs))], words(secs));
    match secs {
        ..30 => note(said, Some(("too_short", "so short that every delay of the network shows"))),
        86_400.. => note(said, Some(("good_for_a_thief", "a stolen access token is good for that long"))),
        _ => good(said),
    }
}

fn exp_differs(differs: i32) -> Row {
    let secs = differs.abs();
    if secs <= 1 {
        return good(plain("exp_same", "the same"));
    }
    let (code, how) = if differs > 0 { ("exp_more", "more") } else { ("exp_less", "less") };
    warning(
        with(code, [("secs", secs.to_string())], format!("exp says {secs} s {how}")),
        ("let_both_agree", "clients go by `expires_in`, resource servers by `exp`: let both say the same"),
    )
}

fn clock(ahead_ms: i32, error_ms: i32) -> Row {
    let seconds = |ms: i32| f64::from(ms) / 1000.0;
    let (ahead, error) = (format!("{:+.1}", seconds(ahead_ms)), format!("{:.1}", seconds(error_ms)));
    let words = format!("{ahead} s ± {error} s");
    let said = with("clock_differs", [("ahead", ahead), ("error", error)], words);
    if ahead_ms.abs() > error_ms.saturating_add(30_000) {
        return warning(
            said,
            ("set_clock", "one of the clocks is wrong: set it, or tokens are not yet or no longer valid"),
        );
    }
    good(said)
}

fn no_store(is_set: bool) -> Row {
    if is_set {
        return good(plain("no_store_there", "is there"));
    }
    warning(
        plain("no_store_missing", "is missing"),
        ("not_to_be_stored", "replies with tokens must not be stored on their way"),
    )
}

fn refusal(shape: &ErrorShape) -> Row {
    let ErrorShape { status, error, is_json } = shape;
    let code = error.as_deref().map_or_else(String::new, |code| format!(" {code}"));
    let answer = format!("{status}{code}");
    let (name, words) = if *is_json {
        ("refused_as", answer.clone())
    } else {
        ("refused_as_text", format!("{answer}, not as JSON"))
    };
    let said = with(name, [("answer", answer)], words);
    match (status, error.as_deref()) {
        (400, Some("invalid_grant")) => good(said),
        (401, _) if *is_json => note(
            said,
            Some((
                "rest_may_say_401",
                "OAuth says 400 invalid_grant; a REST login may say 401 if the account declares it",
            )),
        ),
        _ => warning(
            said,
            (
                "answer_400",
                "clients cannot tell a dead token from an ill server: answer 400 with invalid_grant",
            ),
        ),
    }
}

fn revocation(works: bool) -> Row {
    if works {
        return good(plain("revoked_is_dead", "a revoked refresh token is dead"));
    }
    warning(
        plain("revoking_changes_nothing", "is answered and changes nothing"),
        ("lost_machine", "who signs out on a lost machine is not signed out"),
    )
}

fn words(secs: i32) -> String {
    latchkey_core::policy::in_words(jiff::SignedDuration::from_secs(secs.into()))
}

fn millis(secs: i32) -> String {
    (i64::from(secs) * 1000).to_string()
}
