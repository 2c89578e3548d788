//! How long a session lasts: from its sign-in to the moment from which only another one helps.

use jiff::Timestamp;
use latchkey_engine::snapshot::{HeadlineKind, MarkKind, SessionStatus, StateName};

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

/// When its person signed in, as far as the history goes back.
pub(crate) fn beginning(session: &SessionStatus) -> Option<Timestamp> {
    session.history.iter().rev().find(|mark| mark.kind == MarkKind::SignedIn).map(|mark| mark.at)
}
