//! What was said already: the same is not said again within an hour, of the same session.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::session::Notice;
use latchkey_core::time::Stamp;
use latchkey_engine::snapshot::{HistoryMark, MarkKind, SessionStatus};

use super::text::News;

/// The same is not said again within this.
const QUIET: SignedDuration = SignedDuration::from_hours(1);

/// How long it is known what was said: a notification may stay up for as long.
const KNOWN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What was said when: of which account, and what of it. Another program that asks is something else.
#[derive(Default)]
pub(super) struct Said(BTreeMap<(AccountName, &'static str, Option<String>), Once>);

/// Something that was said.
struct Once {
    /// When.
    at: Stamp,
    /// What puts an end to it, so that the same is said again within the hour.
    ended_by: fn(MarkKind) -> bool,
}

impl Said {
    /// Whether it was not said lately; it is now.
    pub(super) fn is_news(&mut self, account: &AccountName, news: &News, now: Stamp) -> bool {
        let age = |once: &Once| now.boot.saturating_sub(once.at.boot);
        self.0.retain(|_, once| age(once) < KNOWN);
        let program = if let News::Consent(program) = news { Some(program.clone()) } else { None };
        let key = (account.clone(), news.code(), program);
        if self.0.get(&key).is_some_and(|once| age(once) < QUIET) {
            return false;
        }
        self.0.insert(key, Once { at: now, ended_by: what_ends(news) });
        true
    }

    /// Forgets what was said of a session that somebody has signed in to since: it is another one, and it can be lost as well.
    /// And what was said of an account that is not there any more. Gives whose those are.
    pub(super) fn forget_what_is_over(&mut self, sessions: &[SessionStatus]) -> BTreeSet<AccountName> {
        let over = self.0.extract_if(.., |(account, ..), once| {
            let session = sessions.iter().find(|session| session.account == account.as_str());
            let ended = |mark: &HistoryMark| {
                mark.until.unwrap_or(mark.at) > once.at.wall && (once.ended_by)(mark.kind)
            };
            session.is_none_or(|session| session.history.iter().rev().any(ended))
        });
        over.map(|((account, ..), _)| account).collect()
    }
}

/// Whether it is over once somebody has signed in.
pub(super) fn passes(news: &News) -> bool {
    what_ends(news)(MarkKind::SignedIn)
}

/// What has to happen to a session for this to be over. One that had ended has new tokens only by a sign-in, here or
/// elsewhere.
fn what_ends(news: &News) -> fn(MarkKind) -> bool {
    match news {
        News::Notice(Notice::SignInNeeded(_)) => {
            |mark| matches!(mark, MarkKind::SignedIn | MarkKind::Adopted | MarkKind::Renewed)
        }
        News::Notice(Notice::EndsSoon(_)) | News::Ends(_) => |mark| mark == MarkKind::SignedIn,
        News::Notice(Notice::CannotSave(_)) | News::Consent(_) => |_| false,
    }
}
