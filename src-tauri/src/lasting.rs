//! How long a session lasts: from its sign-in, or from when its end moved, to the moment from which only another sign-in
//! helps.

use jiff::Timestamp;
use latchkey_engine::snapshot::{HeadlineKind, HistoryMark, MarkKind, SessionStatus, StateName};

/// When only a new sign-in helps, where that is known and nothing done here moves it. A session that is refused
/// already was told of as that happened.
pub(crate) fn end(session: &SessionStatus) -> Option<Timestamp> {
    let lives = matches!(
        session.state,
        StateName::SignedIn | StateName::Renewing | StateName::Waiting | StateName::Saving
    );
    let bounded = matches!(session.headline.kind, HeadlineKind::SignedInUntil | HeadlineKind::SignInAgainBy);
    session.headline.at.as_deref().filter(|_| lives && bounded)?.parse().ok()
}

/// From when it lasts so long, as far as the history goes back: its sign-in, or what moved its end since, as each use of
/// a session that rolls does.
pub(crate) fn beginning(session: &SessionStatus) -> Option<Timestamp> {
    let begins = |mark: &&HistoryMark| matches!(mark.kind, MarkKind::SignedIn | MarkKind::CeilingMoved);
    session.history.iter().rev().find(begins).map(|mark| mark.until.unwrap_or(mark.at))
}
