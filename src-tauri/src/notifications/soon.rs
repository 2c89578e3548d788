//! When it is told that a session will need its person: ahead of time, and never longer ahead than a third of how long
//! the session lasts, or a session of an hour would be announced as it begins.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::token_set::Source;
use latchkey_engine::snapshot::{HeadlineKind, SessionStatus};

use crate::lasting;

/// How long ahead at most: time enough to finish a sentence and find a phone.
const LEAD: SignedDuration = SignedDuration::from_mins(15);

/// What is known of the beginnings of sessions that do not tell theirs.
#[derive(Debug, Default)]
pub(super) struct Soon {
    first_seen: BTreeMap<String, Timestamp>,
}

/// A session that ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// Whose.
    pub(super) account: String,
    /// When it is told.
    pub(super) tell_at: Timestamp,
    /// When it ends.
    pub(super) ends_at: Timestamp,
}

impl Soon {
    /// The sessions that end by themselves, at `now`; what has ended is told of otherwise.
    pub(super) fn endings(&mut self, sessions: &[SessionStatus], now: Timestamp) -> Vec<Ending> {
        self.first_seen.retain(|account, _| {
            sessions.iter().any(|session| session.account == *account && end(session).is_some())
        });
        let mut endings = Vec::new();
        for session in sessions {
            let Some(ends_at) = end(session).filter(|at| *at > now) else { continue };
            let seen = *self.first_seen.entry(session.account.clone()).or_insert(now);
            let began = lasting::beginning(session).unwrap_or(seen).min(ends_at);
            let lead = (ends_at.duration_since(began) / 3).min(LEAD);
            let tell_at = ends_at.saturating_sub(lead).unwrap_or(ends_at);
            endings.push(Ending { account: session.account.clone(), tell_at, ends_at });
        }
        endings
    }
}

/// When only a new sign-in helps. Of an end that the account itself sets the session machine tells, in words that fit
/// it, since using the session may move it; once that does not help, the headline is another one.
fn end(session: &SessionStatus) -> Option<Timestamp> {
    let own = session.clocks.session.as_ref().is_some_and(|clock| clock.source == Source::Policy.name());
    let may_move = own && session.headline.kind == HeadlineKind::SignedInUntil;
    lasting::end(session).filter(|_| !may_move)
}

#[cfg(test)]
mod tests {
    use latchkey_engine::snapshot::{ClockStatus, Clocks, Headline, StateName};

    use super::*;
    use crate::test_world::session;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-20T{text}Z").parse().unwrap()
    }

    fn until(account: &str, kind: HeadlineKind, end: &str) -> SessionStatus {
        let headline = Headline { kind, at: Some(at(end).to_string()) };
        SessionStatus { headline, ..session(account, StateName::SignedIn) }
    }

    #[test]
    fn it_is_told_a_quarter_of_an_hour_ahead_and_never_more_than_a_third_of_the_session() {
        let mut soon = Soon::default();
        let sessions = [
            until("day", HeadlineKind::SignedInUntil, "20:00:00"),
            until("short", HeadlineKind::SignInAgainBy, "12:03:00"),
        ];
        let told: Vec<_> =
            soon.endings(&sessions, at("12:00:00")).into_iter().map(|one| one.tell_at).collect();
        assert_eq!(told, [at("19:45:00"), at("12:02:00")]);
        // How long the session lasts is counted from when it was first seen, not from each look.
        let later: Vec<_> =
            soon.endings(&sessions, at("12:02:30")).into_iter().map(|one| one.tell_at).collect();
        assert_eq!(later, [at("19:45:00"), at("12:02:00")]);
    }

    #[test]
    fn of_an_end_that_the_account_sets_only_one_that_no_use_moves_is_announced() {
        let own = |kind| {
            let clock = ClockStatus { expires_at: at("13:00:00").to_string(), source: "policy".to_owned() };
            let clocks = Clocks { session: Some(clock), ..Clocks::default() };
            SessionStatus { clocks, ..until("work", kind, "13:00:00") }
        };
        let announced = |kind| Soon::default().endings(&[own(kind)], at("12:00:00")).len();
        assert_eq!(announced(HeadlineKind::SignedInUntil), 0);
        assert_eq!(announced(HeadlineKind::SignInAgainBy), 1);
    }

    #[test]
    fn a_session_that_keeps_itself_is_never_announced() {
        let mut soon = Soon::default();
        let mut open = session("work", StateName::SignedIn);
        open.headline = Headline { kind: HeadlineKind::SignedIn, at: None };
        let mut out = until("out", HeadlineKind::SignInAgainBy, "20:00:00");
        out.state = StateName::NeedsSignIn;
        let over = until("over", HeadlineKind::SignedInUntil, "11:00:00");
        assert_eq!(soon.endings(&[open, out, over], at("12:00:00")), []);
    }
}
