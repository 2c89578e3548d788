//! One session as a block of lines, or as one line.

use std::fmt::Write as _;

use jiff::Timestamp;
use latchkey_engine::snapshot::{
    ClockStatus, ConsentName, ConsumerStatus, Headline, NextStatus, SessionStatus,
};

use super::when::When;

/// How many programs are shown.
const MOST_PROGRAMS: usize = 5;

/// The plan of a session whose vault cannot be read.
const READ_VAULT: &str = "read_vault";

/// The block for `status`: state and headline, who, the three clocks, what comes next and why.
pub(crate) fn block(session: &SessionStatus, when: &When) -> String {
    let mut block = format!("{}: {}\n", session.account, state(session.state.as_str()));
    let headline = headline(&session.headline, when);
    // Without tokens nobody knows yet whether somebody is signed in.
    let known = session.generation > 0 || session.state != "waiting";
    if known && headline.to_lowercase() != state(session.state.as_str()) {
        let _ = writeln!(block, "  {headline}");
    }
    let line = &mut |label: &str, text: &str| {
        // Writing to a text cannot fail.
        let _ = writeln!(block, "  {label:<9}{text}");
    };
    if let Some(reason) = session.reason.as_ref().filter(|reason| !says_same(session, &reason.message)) {
        line("reason", &reason.message);
    }
    if let Some(identity) = &session.identity {
        let (name, email) = (identity.name.as_deref(), identity.email.as_deref());
        let who = match (name.or(identity.subject.as_deref()), email) {
            (Some(name), Some(email)) => format!("{name} <{email}>"),
            (Some(one), None) | (None, Some(one)) => one.to_owned(),
            (None, None) => String::new(),
        };
        if !who.is_empty() {
            line("who", &who);
        }
        if !identity.roles.is_empty() {
            line("roles", &identity.roles.join(", "));
        }
    }
    let clocks = &session.clocks;
    let cookie = is_cookie(session);
    // The end of a site's cookie is that of the session.
    let access = clocks.access.as_ref().filter(|_| !cookie || clocks.session.is_none());
    let rows =
        [("access", access), ("refresh", clocks.refresh.as_ref()), ("session", clocks.session.as_ref())];
    let rows: Vec<_> = rows.into_iter().filter_map(|(name, row)| Some((name, columns(row?, when)))).collect();
    if clocks.access.is_none() && session.access.is_some() && !cookie {
        line("access", "until it is refused: the backend names no end, and gave nothing to renew it with");
    }
    let widths = rows.iter().fold([0, 0], |[a, b], (_, [x, y, _])| [a.max(width(x)), b.max(width(y))]);
    for (name, [until, relative, source]) in &rows {
        let [first, second] = widths;
        line(name, &format!("{until:<first$}  {relative:<second$}  {source}"));
    }
    if let Some(access) = &session.access {
        let label = if cookie { "cookie" } else { "token" };
        line(label, &format!("generation {}, fingerprint {}", session.generation, access.fingerprint));
    }
    for (count, program) in session.consumers.iter().take(MOST_PROGRAMS).enumerate() {
        line(if count == 0 { "programs" } else { "" }, &taker(program, when));
    }
    if session.consumers.len() > MOST_PROGRAMS {
        line("", "`latchkey consumers list` shows the others");
    }
    // A single command does not go on trying to read the vault, whatever the plan of the session is.
    if let Some(next) = session.next.as_ref().filter(|next| next.action != READ_VAULT) {
        line("next", &upcoming(next, when));
    }
    block
}

/// Whether what the session holds is a site's cookie, which is the session itself.
fn is_cookie(session: &SessionStatus) -> bool {
    session.provider == "nextauth"
}

/// A program that took a token or asks for one, and how that stands.
fn taker(program: &ConsumerStatus, when: &When) -> String {
    let mut said = program.name.clone().unwrap_or_else(|| "a program that cannot be told".to_owned());
    if let Some(pid) = program.pid {
        let _ = write!(said, ", process {pid}");
    }
    if let Some(at) = program.taken_at.as_deref().and_then(time) {
        let which = if program.current { "this token" } else { "a token from before" };
        let _ = write!(said, ", took {which} {}", when.relative(at));
    }
    match program.consent {
        ConsentName::Open | ConsentName::Allowed => {}
        ConsentName::Asked => said.push_str(": asks for leave"),
        ConsentName::Lapsed => said.push_str(": is asked about when it comes back"),
        ConsentName::Paused => said.push_str(": held back"),
        ConsentName::Denied => said.push_str(": refused"),
    }
    said
}

/// The line for each change, where nobody watches a terminal.
pub(crate) fn line(session: &SessionStatus, when: &When) -> String {
    let mut line = format!("{} {}", session.account, state(session.state.as_str()));
    if session.generation > 0 {
        let _ = write!(line, ", generation {}", session.generation);
    }
    if let Some(access) = session.clocks.access.as_ref().and_then(|clock| time(&clock.expires_at)) {
        let word = if when.passed(access) { "ended" } else { "until" };
        let held = if is_cookie(session) { "session cookie" } else { "access token" };
        let _ = write!(line, ", {held} {word} {}", when.clock(access));
    }
    if let Some(reason) = &session.reason {
        let _ = write!(line, ": {}", reason.message);
    }
    line
}

/// What matters most, in a sentence.
pub(crate) fn headline(headline: &Headline, when: &When) -> String {
    let at = headline.at.as_deref().and_then(time).map(|at| when.both(at));
    match (headline.kind.as_str(), at) {
        ("signed_in_until", Some(at)) => format!("Signed in until {at}"),
        ("sign_in_again_by", Some(at)) => format!("Sign in again by {at}"),
        ("needs_sign_in", _) => "Sign in again".to_owned(),
        ("unknown", _) => "Waiting for the keychain".to_owned(),
        // The rest says it in its name, as a kind that comes later will.
        (kind, _) => sentence(kind),
    }
}

/// What comes next, when and why.
pub(crate) fn upcoming(next: &NextStatus, when: &When) -> String {
    let at = next.at.as_deref().and_then(time);
    let why = &next.why;
    match (next.action.as_str(), at) {
        // A single command renews only when asked, so a plan whose time has come is nobody's doing yet.
        ("renew", Some(at)) if when.passed(at) => {
            "renew, due now: an open window or `latchkey agent` does it, or whoever asks for a token next"
                .to_owned()
        }
        ("sign_in", Some(at)) => format!("sign in by {}: {why}", when.both(at)),
        ("sign_in", None) => format!("sign in: {why}"),
        (action, Some(at)) => format!("{} at {}: {why}", words(action), when.both(at)),
        (action, None) => format!("{}: {why}", words(action)),
    }
}

/// The state in the words people use for it.
fn state(name: &str) -> String {
    match name {
        "needs_sign_in" => "needs sign-in".to_owned(),
        name => words(name),
    }
}

/// Whether the plan tells the reason anyway.
fn says_same(session: &SessionStatus, reason: &str) -> bool {
    session.next.as_ref().is_some_and(|next| next.why == reason && next.action != READ_VAULT)
}

fn columns(clock: &ClockStatus, when: &When) -> [String; 3] {
    let source = match clock.source.as_str() {
        "assumed" => "assumed: the backend does not say".to_owned(),
        source => format!("from {source}"),
    };
    let Some(at) = time(&clock.expires_at) else { return [clock.expires_at.clone(), String::new(), source] };
    let word = if when.passed(at) { "ended" } else { "until" };
    [format!("{word} {}", when.clock(at)), when.relative(at), source]
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn sentence(name: &str) -> String {
    let words = words(name);
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests;
