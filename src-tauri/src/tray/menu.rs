//! What the tray shows, computed from the sessions: a value that tests can look at.

use jiff::{Timestamp, Zoned};
use latchkey_engine::snapshot::{HeadlineKind, SessionStatus, StateName};

/// What the icon says, from calm to urgent. Each has a shape of its own; colour only repeats it.
///
/// Being signed out is calm: somebody wanted it so. It shows only where nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// An empty ring: nobody is signed in.
    SignedOut,
    /// A full disc: signed in, and kept so.
    SignedIn,
    /// A dashed ring: something is waited for; nobody has to do anything.
    Waiting,
    /// A triangle: a person has to do something.
    Attention,
}

/// The icon and its menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Menu {
    pub(crate) mark: Mark,
    pub(crate) tooltip: String,
    pub(crate) entries: Vec<Entry>,
}

/// One line of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A session; choosing it shows the window.
    Session {
        account: String,
        text: String,
    },
    Separator,
    Show,
    Quit,
}

/// The menu for these sessions at this time of day.
pub(crate) fn menu(sessions: &[SessionStatus], now: &Zoned) -> Menu {
    let mark = sessions.iter().map(mark).max().unwrap_or(Mark::SignedOut);
    let lines = sessions.iter().map(|session| Entry::Session {
        account: session.account.clone(),
        text: format!("{}: {}", session.account, headline(session, now)),
    });
    let mut entries: Vec<Entry> = lines.collect();
    if !entries.is_empty() {
        entries.push(Entry::Separator);
    }
    entries.extend([Entry::Show, Entry::Quit]);
    let tooltip = match mark {
        Mark::SignedOut => "Latchkey: signed out",
        Mark::SignedIn => "Latchkey: signed in",
        Mark::Waiting => "Latchkey: waiting",
        Mark::Attention => "Latchkey: something needs you",
    };
    Menu { mark, tooltip: tooltip.to_owned(), entries }
}

fn mark(session: &SessionStatus) -> Mark {
    let reason = reason(session);
    match session.state {
        StateName::SignedIn | StateName::Renewing => Mark::SignedIn,
        StateName::Waiting if reason == "opening" => Mark::SignedOut,
        StateName::Waiting
            if is_the_keychains(reason)
                || matches!(reason, "misconfigured" | "storm_breaker" | "lock_unusable" | "clock_off") =>
        {
            Mark::Attention
        }
        StateName::Waiting => Mark::Waiting,
        StateName::SigningIn => Mark::SignedOut,
        StateName::SignedOut if matches!(reason, "" | "signed_out" | "never_signed_in") => Mark::SignedOut,
        // It ended by itself, or cannot be saved.
        StateName::SignedOut | StateName::Saving | StateName::NeedsSignIn => Mark::Attention,
    }
}

fn headline(session: &SessionStatus, now: &Zoned) -> String {
    let reason = reason(session);
    let at = session.headline.at.as_deref().and_then(|at| moment(at, now));
    let said = match (session.headline.kind, at) {
        (HeadlineKind::SignedInUntil, Some(at)) => format!("signed in until {at}"),
        (HeadlineKind::SignInAgainBy, Some(at)) => format!("sign in again by {at}"),
        (HeadlineKind::SignedIn | HeadlineKind::SignedInUntil, _) => "signed in".to_owned(),
        (HeadlineKind::SignInAgainBy | HeadlineKind::NeedsSignIn, _) => "sign in again".to_owned(),
        (HeadlineKind::SigningIn, _) => "signing in …".to_owned(),
        (HeadlineKind::SignedOut, _) => "signed out".to_owned(),
        (HeadlineKind::Unknown, _) if is_the_keychains(reason) => {
            return "the keychain does not answer".to_owned();
        }
        (HeadlineKind::Unknown, _) => return "opening …".to_owned(),
    };
    match session.state {
        StateName::Waiting if is_the_keychains(reason) => format!("{said} (the keychain does not answer)"),
        StateName::Waiting => format!("{said} (waiting)"),
        StateName::Saving => format!("{said} (not saved yet)"),
        StateName::SignedOut
        | StateName::SigningIn
        | StateName::SignedIn
        | StateName::Renewing
        | StateName::NeedsSignIn => said,
    }
}

fn reason(session: &SessionStatus) -> &str {
    session.reason.as_ref().map_or("", |reason| reason.code.as_str())
}

fn is_the_keychains(reason: &str) -> bool {
    reason.starts_with("keychain_")
}

/// A time as short as it can be told from now: `18:00`, `Fri 27 Nov, 09:12`, `1 Mar 2027, 09:12`.
fn moment(at: &str, now: &Zoned) -> Option<String> {
    let at = at.parse::<Timestamp>().ok()?.to_zoned(now.time_zone().clone());
    let pattern = if at.date() == now.date() {
        "%H:%M"
    } else if at.year() == now.year() {
        "%a %-d %b, %H:%M"
    } else {
        "%-d %b %Y, %H:%M"
    };
    Some(at.strftime(pattern).to_string())
}

#[cfg(test)]
mod tests {
    use latchkey_engine::snapshot::{Headline, ReasonStatus, Values};

    use super::*;
    use crate::test_world::session;

    #[test]
    fn without_sessions_there_is_the_window_and_the_way_out() {
        let menu = menu(&[], &now());
        assert_eq!(menu.entries, [Entry::Show, Entry::Quit]);
        assert_eq!(menu.mark, Mark::SignedOut);
    }

    #[test]
    fn each_session_has_a_line_with_its_headline() {
        let all = [
            with(
                session("home", StateName::SignedIn),
                HeadlineKind::SignedInUntil,
                Some("2026-11-27T08:12:00Z"),
            ),
            with(session("shop", StateName::SignedIn), HeadlineKind::SignedIn, None),
            because(
                with(
                    session("staging", StateName::NeedsSignIn),
                    HeadlineKind::SignInAgainBy,
                    Some("2026-11-20T17:00:00Z"),
                ),
                "refused",
            ),
            because(with(session("test", StateName::SignedOut), HeadlineKind::SignedOut, None), "signed_out"),
            because(
                with(
                    session("uni", StateName::Waiting),
                    HeadlineKind::SignedInUntil,
                    Some("2027-03-01T08:12:00Z"),
                ),
                "unreachable",
            ),
            because(with(session("web", StateName::Waiting), HeadlineKind::SignedIn, None), "keychain_slow"),
            because(
                with(session("work", StateName::Waiting), HeadlineKind::Unknown, None),
                "keychain_locked",
            ),
            because(with(session("x", StateName::Waiting), HeadlineKind::Unknown, None), "opening"),
        ];
        let menu = menu(&all, &now());
        let lines: Vec<&str> = menu.entries.iter().map(text).collect();
        assert_eq!(
            lines,
            [
                "home: signed in until Fri 27 Nov, 09:12",
                "shop: signed in",
                "staging: sign in again by 18:00",
                "test: signed out",
                "uni: signed in until 1 Mar 2027, 09:12 (waiting)",
                "web: signed in (the keychain does not answer)",
                "work: the keychain does not answer",
                "x: opening …",
                "—",
                "show",
                "quit",
            ]
        );
    }

    #[test]
    fn the_icon_shows_the_worst_and_signed_out_on_purpose_is_not_bad() {
        let out = || because(session("a", StateName::SignedOut), "signed_out");
        let inside = || session("b", StateName::SignedIn);
        let waiting = || because(session("c", StateName::Waiting), "provider_busy");
        let needs = || because(session("d", StateName::NeedsSignIn), "refused");
        let shown = |all: &[SessionStatus]| menu(all, &now()).mark;
        assert_eq!(shown(&[out()]), Mark::SignedOut);
        assert_eq!(shown(&[out(), inside()]), Mark::SignedIn);
        assert_eq!(shown(&[out(), waiting(), inside()]), Mark::Waiting);
        assert_eq!(shown(&[needs(), waiting(), inside()]), Mark::Attention);
    }

    #[test]
    fn what_needs_a_person_is_told_from_what_passes_by_itself() {
        for (state, reason, expected) in [
            (StateName::Renewing, "", Mark::SignedIn),
            (StateName::SigningIn, "", Mark::SignedOut),
            (StateName::Waiting, "opening", Mark::SignedOut),
            (StateName::Waiting, "unreachable", Mark::Waiting),
            (StateName::Waiting, "lock_busy", Mark::Waiting),
            (StateName::Waiting, "keychain_locked", Mark::Attention),
            (StateName::Waiting, "misconfigured", Mark::Attention),
            (StateName::Waiting, "network", Mark::Waiting),
            (StateName::Waiting, "lock_unusable", Mark::Attention),
            (StateName::Waiting, "clock_off", Mark::Attention),
            (StateName::Saving, "keychain_slow", Mark::Attention),
            (StateName::SignedOut, "never_signed_in", Mark::SignedOut),
            (StateName::SignedOut, "ceiling_reached", Mark::Attention),
            (StateName::SignedOut, "vault_empty", Mark::Attention),
        ] {
            let found = mark(&because(session("work", state), reason));
            assert_eq!(found, expected, "{state} because {reason}");
        }
    }

    #[test]
    fn a_time_that_cannot_be_read_is_left_out() {
        let odd = with(session("work", StateName::SignedIn), HeadlineKind::SignedInUntil, Some("soon"));
        assert_eq!(headline(&odd, &now()), "signed in");
    }

    fn now() -> Zoned {
        "2026-11-20T14:00:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    fn with(mut session: SessionStatus, kind: HeadlineKind, at: Option<&str>) -> SessionStatus {
        session.headline = Headline { kind, at: at.map(str::to_owned) };
        session
    }

    fn because(mut session: SessionStatus, code: &str) -> SessionStatus {
        session.reason = (!code.is_empty()).then(|| ReasonStatus {
            code: code.to_owned(),
            message: String::new(),
            values: Values::new(),
        });
        session
    }

    fn text(entry: &Entry) -> &str {
        match entry {
            Entry::Session { text, .. } => text,
            Entry::Separator => "—",
            Entry::Show => "show",
            Entry::Quit => "quit",
        }
    }
}
