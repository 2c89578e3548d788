//! What the icon says: the worst of all sessions, and how much is left of those that are well.

use jiff::{SignedDuration, Timestamp};
use latchkey_engine::snapshot::{ConsentName, SessionStatus, StateName};

use crate::lasting;

/// What the icon says, from calm to urgent. Each has a shape of its own; colour only repeats it.
///
/// Being signed out is calm: somebody wanted it so. It shows only where nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// An empty ring: nobody is signed in.
    SignedOut,
    /// A ring around a keyhole: signed in, and kept so.
    SignedIn(Left),
    /// A dashed ring: something is waited for; nobody has to do anything.
    Waiting,
    /// A triangle: a person has to do something.
    Attention,
}

/// How much of the ring there is: the session's time until only a new sign-in helps, out of all it had. Quarters, so
/// that it is read at a glance and drawn four times in a session, not at each renewal (docs/decisions/0031).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Left {
    /// More than three quarters, or a session without a known end.
    Full,
    /// At most three quarters.
    ThreeQuarters,
    /// At most half.
    Half,
    /// At most a quarter.
    Quarter,
}

/// The worst of all.
pub(crate) fn of(sessions: &[SessionStatus], now: Timestamp) -> Mark {
    sessions.iter().map(|session| one(session, now)).max().unwrap_or(Mark::SignedOut)
}

/// When it is another one though nothing happens: the next time that a quarter of some session is over.
pub(crate) fn until(sessions: &[SessionStatus], now: Timestamp) -> Option<Timestamp> {
    sessions.iter().filter_map(|session| lasting(session, now)?.1).min()
}

/// Whether a program waits for the person's word.
pub(crate) fn is_asked(session: &SessionStatus) -> bool {
    session.consumers.iter().any(|program| program.consent == ConsentName::Asked)
}

/// Whether it is the keychain that this reason is about.
pub(crate) fn is_the_keychains(reason: &str) -> bool {
    reason.starts_with("keychain_")
}

fn one(session: &SessionStatus, now: Timestamp) -> Mark {
    let reason = session.reason.as_ref().map_or("", |reason| reason.code.as_str());
    match session.state {
        _ if is_asked(session) => Mark::Attention,
        StateName::SignedIn | StateName::Renewing => {
            Mark::SignedIn(lasting(session, now).map_or(Left::Full, |(left, _)| left))
        }
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

/// What is left of a session whose beginning and end are known, and until when it is that much.
fn lasting(session: &SessionStatus, now: Timestamp) -> Option<(Left, Option<Timestamp>)> {
    let (began, ends) = (lasting::beginning(session)?, lasting::end(session)?);
    let quarter = ends.duration_since(began) / 4;
    if quarter <= SignedDuration::ZERO {
        return None;
    }
    let quarters = [(3, Left::Full), (2, Left::ThreeQuarters), (1, Left::Half)];
    for (over, left) in quarters {
        let at = ends.saturating_sub(quarter * over).ok()?;
        if now < at {
            return Some((left, Some(at)));
        }
    }
    Some((Left::Quarter, None))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use latchkey_engine::snapshot::{Headline, HeadlineKind, HistoryMark, MarkKind};

    use super::*;
    use crate::test_world::{because, program_that_asks, session, signed_in_at};

    #[test]
    fn the_icon_shows_the_worst_and_signed_out_on_purpose_is_not_bad() {
        let out = || because(session("a", StateName::SignedOut), "signed_out");
        let inside = || session("b", StateName::SignedIn);
        let waiting = || because(session("c", StateName::Waiting), "provider_busy");
        let needs = || because(session("d", StateName::NeedsSignIn), "refused");
        let shown = |all: &[SessionStatus]| of(all, at("12:00"));
        assert_eq!(shown(&[]), Mark::SignedOut);
        assert_eq!(shown(&[out()]), Mark::SignedOut);
        assert_eq!(shown(&[out(), inside()]), Mark::SignedIn(Left::Full));
        assert_eq!(shown(&[out(), waiting(), inside()]), Mark::Waiting);
        assert_eq!(shown(&[needs(), waiting(), inside()]), Mark::Attention);
    }

    #[test]
    fn what_needs_a_person_is_told_from_what_passes_by_itself() {
        let kept = Mark::SignedIn(Left::Full);
        for (state, reason, expected) in [
            (StateName::Renewing, "", kept),
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
            let found = one(&because(session("work", state), reason), at("12:00"));
            assert_eq!(found, expected, "{state} because {reason}");
        }
    }

    #[test]
    fn a_program_that_asks_needs_its_person_whatever_the_session_does() {
        let mut work = session("work", StateName::SignedIn);
        work.consumers.push(program_that_asks());
        assert_eq!(of(&[work], at("12:00")), Mark::Attention);
    }

    #[test]
    fn the_ring_is_as_much_as_is_left_of_the_session_and_changes_by_itself_at_each_quarter() {
        let work = [from_to("work", "12:00", "16:00")];
        for (now, left, until) in [
            ("12:00", Left::Full, Some("13:00")),
            ("12:59", Left::Full, Some("13:00")),
            ("13:00", Left::ThreeQuarters, Some("14:00")),
            ("14:30", Left::Half, Some("15:00")),
            ("15:00", Left::Quarter, None),
            ("17:00", Left::Quarter, None),
        ] {
            assert_eq!(of(&work, at(now)), Mark::SignedIn(left), "at {now}");
            assert_eq!(super::until(&work, at(now)), until.map(at), "at {now}");
        }
    }

    #[test]
    fn a_session_whose_end_moves_with_its_use_has_a_full_ring_again_each_time() {
        let mut site = from_to("site", "12:00", "20:00");
        let moved = |at, until| HistoryMark { kind: MarkKind::CeilingMoved, until, ..signed_in_at(at) };
        site.history = Arc::new(vec![signed_in_at(at("12:00")), moved(at("18:00"), None)]);
        assert_eq!(of(&[site.clone()], at("18:10")), Mark::SignedIn(Left::Full));
        assert_eq!(of(&[site.clone()], at("19:10")), Mark::SignedIn(Left::Half));
        // What is long ago is told together; the last of them counts.
        site.history = Arc::new(vec![moved(at("12:00"), Some(at("18:00")))]);
        assert_eq!(of(&[site], at("18:10")), Mark::SignedIn(Left::Full));
    }

    #[test]
    fn of_several_sessions_the_one_with_the_least_left_shows_and_the_next_to_change_is_waited_for() {
        let all = [from_to("day", "12:00", "20:00"), from_to("hour", "12:00", "13:00")];
        assert_eq!(of(&all, at("12:40")), Mark::SignedIn(Left::Half));
        assert_eq!(super::until(&all, at("12:40")), Some(at("12:45")));
    }

    #[test]
    fn a_session_whose_time_makes_no_sense_has_a_full_ring() {
        let backwards = [from_to("work", "16:00", "12:00")];
        assert_eq!(of(&backwards, at("14:00")), Mark::SignedIn(Left::Full));
        assert_eq!(super::until(&backwards, at("14:00")), None);
    }

    fn at(time: &str) -> Timestamp {
        format!("2026-11-20T{time}:00Z").parse().unwrap()
    }

    fn from_to(account: &str, began: &str, ends: &str) -> SessionStatus {
        let headline = Headline { kind: HeadlineKind::SignedInUntil, at: Some(at(ends).to_string()) };
        let history = Arc::new(vec![signed_in_at(at(began))]);
        SessionStatus { headline, history, ..session(account, StateName::SignedIn) }
    }
}
