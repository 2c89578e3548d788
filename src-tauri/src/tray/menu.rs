//! What the tray shows, computed from the sessions: a value that tests can look at.

use jiff::{Timestamp, Zoned};
use latchkey_engine::snapshot::{HeadlineKind, SessionStatus, StateName};

use super::mark::{self, Mark, is_the_keychains};
use crate::words::Tongue;

/// The icon and its menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Menu {
    pub(crate) mark: Mark,
    pub(crate) tooltip: String,
    pub(crate) entries: Vec<Entry>,
    /// When the icon looks otherwise though nothing happens: time goes by.
    pub(crate) until: Option<Timestamp>,
}

/// One line of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A session with its headline, and what can be done with it below.
    Session {
        account: String,
        text: String,
        actions: Vec<(Action, &'static str)>,
    },
    Separator,
    Show(&'static str),
    Quit(&'static str),
}

/// What can be done with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Show it in the window.
    Open,
    /// Show it in the window and begin to sign in.
    SignIn,
    /// Renew now.
    Renew,
    /// Sign out.
    SignOut,
}

impl Action {
    const ALL: [Self; 4] = [Self::Open, Self::SignIn, Self::Renew, Self::SignOut];

    /// Its part of an item's id.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::SignIn => "sign-in",
            Self::Renew => "renew",
            Self::SignOut => "sign-out",
        }
    }

    /// The action of this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    fn label(self, tongue: Tongue) -> &'static str {
        match self {
            Self::Open => tongue.pick("Show in the window", "Im Fenster zeigen"),
            Self::SignIn => tongue.pick("Sign in", "Anmelden"),
            Self::Renew => tongue.pick("Renew now", "Jetzt erneuern"),
            Self::SignOut => tongue.pick("Sign out", "Abmelden"),
        }
    }
}

/// What can be done with a session as it is; what needs its person first.
fn actions(session: &SessionStatus) -> Vec<Action> {
    match session.state {
        StateName::SignedOut => vec![Action::SignIn, Action::Open],
        StateName::NeedsSignIn => vec![Action::SignIn, Action::Open, Action::SignOut],
        StateName::SigningIn | StateName::Saving => vec![Action::Open],
        StateName::Waiting if session.access.is_none() => vec![Action::Open],
        // While it renews itself nothing else is offered: a menu that is open would close under the hand, each time that one of
        // many sessions does.
        StateName::SignedIn | StateName::Renewing | StateName::Waiting => {
            vec![Action::Open, Action::Renew, Action::SignOut]
        }
    }
}

/// The menu for these sessions at this time of day.
pub(crate) fn menu(sessions: &[SessionStatus], now: &Zoned, tongue: Tongue) -> Menu {
    let mark = mark::of(sessions, now.timestamp());
    let lines = sessions.iter().map(|session| Entry::Session {
        account: session.account.clone(),
        text: format!("{}: {}", session.account, headline(session, now, tongue)),
        actions: actions(session).into_iter().map(|action| (action, action.label(tongue))).collect(),
    });
    let mut entries: Vec<Entry> = lines.collect();
    if !entries.is_empty() {
        entries.push(Entry::Separator);
    }
    entries.extend([
        Entry::Show(tongue.pick("Show Latchkey", "Latchkey zeigen")),
        Entry::Quit(tongue.pick("Quit", "Beenden")),
    ]);
    let tooltip = match mark {
        Mark::SignedOut => tongue.pick("Latchkey: signed out", "Latchkey: abgemeldet"),
        Mark::SignedIn(_) => tongue.pick("Latchkey: signed in", "Latchkey: angemeldet"),
        Mark::Waiting => tongue.pick("Latchkey: waiting", "Latchkey: wartet"),
        Mark::Attention => tongue.pick("Latchkey: something needs you", "Latchkey: etwas braucht Sie"),
    };
    Menu { mark, tooltip: tooltip.to_owned(), entries, until: mark::until(sessions, now.timestamp()) }
}

fn headline(session: &SessionStatus, now: &Zoned, tongue: Tongue) -> String {
    let pick = |english: &'static str, german: &'static str| tongue.pick(english, german).to_owned();
    let reason = reason(session);
    if mark::is_asked(session) {
        return pick("a program wants a token", "ein Programm möchte ein Token");
    }
    let at = session.headline.at.as_deref().and_then(|at| moment(at, now, tongue));
    let silent = pick("the keychain does not answer", "der Schlüsselbund antwortet nicht");
    let said = match (session.headline.kind, at) {
        (HeadlineKind::SignedInUntil, Some(at)) => {
            format!("{} {at}", pick("signed in until", "angemeldet bis"))
        }
        (HeadlineKind::SignInAgainBy, Some(at)) => {
            format!("{} {at}", pick("sign in again by", "neu anmelden bis"))
        }
        (HeadlineKind::SignedIn | HeadlineKind::SignedInUntil, _) => pick("signed in", "angemeldet"),
        (HeadlineKind::SignInAgainBy | HeadlineKind::NeedsSignIn, _) => pick("sign in again", "neu anmelden"),
        (HeadlineKind::SigningIn, _) => pick("signing in …", "Anmeldung läuft …"),
        (HeadlineKind::SignedOut, _) => pick("signed out", "abgemeldet"),
        (HeadlineKind::Unknown, _) if is_the_keychains(reason) => return silent,
        (HeadlineKind::Unknown, _) => return pick("opening …", "wird geöffnet …"),
    };
    match session.state {
        StateName::Waiting if is_the_keychains(reason) => format!("{said} ({silent})"),
        StateName::Waiting => format!("{said} ({})", pick("waiting", "wartet")),
        StateName::Saving => format!("{said} ({})", pick("not saved yet", "noch nicht gespeichert")),
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

/// A time as short as it can be told from now: `18:00`, `Fri 27 Nov, 09:12`, `1 Mar 2027, 09:12`; in German `18:00`,
/// `27.11., 09:12`, `1.3.2027, 09:12`.
fn moment(at: &str, now: &Zoned, tongue: Tongue) -> Option<String> {
    let at = at.parse::<Timestamp>().ok()?.to_zoned(now.time_zone().clone());
    let pattern = if at.date() == now.date() {
        "%H:%M"
    } else if at.year() == now.year() {
        tongue.pick("%a %-d %b, %H:%M", "%-d.%-m., %H:%M")
    } else {
        tongue.pick("%-d %b %Y, %H:%M", "%-d.%-m.%Y, %H:%M")
    };
    Some(at.strftime(pattern).to_string())
}

#[cfg(test)]
mod tests {
    use latchkey_engine::snapshot::Headline;

    use super::*;
    use crate::test_world::{because, program_that_asks, session};

    #[test]
    fn without_sessions_there_is_the_window_and_the_way_out() {
        let menu = menu(&[], &now(), Tongue::En);
        assert_eq!(menu.entries, [Entry::Show("Show Latchkey"), Entry::Quit("Quit")]);
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
        let menu = menu(&all, &now(), Tongue::En);
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
    fn what_can_be_done_follows_from_what_a_session_does() {
        let names = |state, reason| -> Vec<&str> {
            actions(&because(session("work", state), reason)).into_iter().map(Action::name).collect()
        };
        assert_eq!(names(StateName::SignedIn, ""), ["open", "renew", "sign-out"]);
        assert_eq!(names(StateName::NeedsSignIn, "refused"), ["sign-in", "open", "sign-out"]);
        assert_eq!(names(StateName::SignedOut, "signed_out"), ["sign-in", "open"]);
        assert_eq!(names(StateName::Waiting, "keychain_locked"), ["open"]);
        for action in Action::ALL {
            assert_eq!(Action::of(action.name()), Some(action));
        }
    }

    #[test]
    fn a_session_that_renews_itself_changes_nothing_so_that_an_open_menu_stays_open() {
        let end = Some("2026-11-27T08:12:00Z");
        let shown = |state| {
            menu(&[with(session("work", state), HeadlineKind::SignedInUntil, end)], &now(), Tongue::En)
        };
        assert_eq!(shown(StateName::Renewing), shown(StateName::SignedIn));
    }

    #[test]
    fn a_program_that_asks_is_said_where_the_headline_stood() {
        let mut work = session("work", StateName::SignedIn);
        work.consumers.push(program_that_asks());
        let menu = menu(&[work], &now(), Tongue::En);
        assert_eq!(menu.entries.first().map(text), Some("work: a program wants a token"));
        assert_eq!(menu.mark, Mark::Attention);
    }

    #[test]
    fn it_speaks_german_too() {
        let end = Some("2026-11-27T08:12:00Z");
        let work = with(session("work", StateName::SignedIn), HeadlineKind::SignedInUntil, end);
        let menu = menu(&[work], &now(), Tongue::De);
        assert_eq!(menu.tooltip, "Latchkey: angemeldet");
        assert_eq!(menu.entries.first().map(text), Some("work: angemeldet bis 27.11., 09:12"));
    }

    #[test]
    fn a_time_that_cannot_be_read_is_left_out() {
        let odd = with(session("work", StateName::SignedIn), HeadlineKind::SignedInUntil, Some("soon"));
        assert_eq!(headline(&odd, &now(), Tongue::En), "signed in");
    }

    fn now() -> Zoned {
        "2026-11-20T14:00:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    fn with(mut session: SessionStatus, kind: HeadlineKind, at: Option<&str>) -> SessionStatus {
        session.headline = Headline { kind, at: at.map(str::to_owned) };
        session
    }

    fn text(entry: &Entry) -> &str {
        match entry {
            Entry::Session { text, .. } => text,
            Entry::Separator => "—",
            Entry::Show(_) => "show",
            Entry::Quit(_) => "quit",
        }
    }
}
