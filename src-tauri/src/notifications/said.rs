//! What was said already: the same is not said again within an hour, of the same session, and what is over is taken back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::session::Notice;
use latchkey_core::time::Stamp;
use latchkey_engine::snapshot::{ConsentName, HistoryMark, MarkKind, SessionStatus};

use super::text::News;

/// The same is not said again within this.
const QUIET: SignedDuration = SignedDuration::from_hours(1);

/// How long it is known what was said: a notification may stay up for as long.
const KNOWN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One thing to say: of which account, and what. Another program that asks is something else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Saying {
    pub(super) account: AccountName,
    code: &'static str,
    program: Option<String>,
}

impl Saying {
    pub(super) fn of(account: &AccountName, news: &News) -> Self {
        let program = if let News::Consent(program) = news { Some(program.clone()) } else { None };
        Self { account: account.clone(), code: news.code(), program }
    }
}

/// What was said when.
#[derive(Default)]
pub(super) struct Said {
    known: BTreeMap<Saying, Once>,
    /// The questions that stood when the sessions were looked at last.
    standing: BTreeSet<Saying>,
}

/// Something that was said.
struct Once {
    /// When.
    at: Stamp,
    ended_by: EndedBy,
}

/// What puts an end to it, so that the same is said again within the hour.
enum EndedBy {
    /// Something that happens to the session.
    Mark(fn(MarkKind) -> bool),
    /// That the program's question stands no more, once it was `seen` to: a session may show it later than it is said.
    Answer { seen: bool },
}

impl Said {
    /// Whether it was not said lately; it is now.
    pub(super) fn is_news(&mut self, saying: Saying, news: &News, now: Stamp) -> bool {
        let age = |once: &Once| now.boot.saturating_sub(once.at.boot);
        self.known.retain(|_, once| age(once) < KNOWN);
        if self.known.get(&saying).is_some_and(|once| age(once) < QUIET) {
            return false;
        }
        let ended_by = match what_ends(news) {
            Some(ends) => EndedBy::Mark(ends),
            None => EndedBy::Answer { seen: self.standing.contains(&saying) },
        };
        self.known.insert(saying, Once { at: now, ended_by });
        true
    }

    /// Forgets what was said of a session that somebody has signed in to since (it is another one, and it can be lost as
    /// well), of tokens that are stored, of questions that are answered, and of an account that is not there any more.
    /// Gives what that was.
    pub(super) fn forget_what_is_over(&mut self, sessions: &[SessionStatus]) -> Vec<Saying> {
        self.standing = sessions.iter().flat_map(questions).collect();
        let standing = &self.standing;
        let over = self.known.extract_if(.., |saying, once| {
            let session = sessions.iter().find(|session| session.account == saying.account.as_str());
            session.is_none_or(|session| once.is_over(session, standing.contains(saying)))
        });
        over.map(|(saying, _)| saying).collect()
    }
}

impl Once {
    /// Of this session, in which the question stands or not.
    fn is_over(&mut self, session: &SessionStatus, stands: bool) -> bool {
        match &mut self.ended_by {
            EndedBy::Mark(ends) => {
                let since = |mark: &HistoryMark| mark.until.unwrap_or(mark.at) > self.at.wall;
                session.history.iter().rev().any(|mark| since(mark) && ends(mark.kind))
            }
            EndedBy::Answer { seen } => {
                let answered = *seen && !stands;
                *seen |= stands;
                answered
            }
        }
    }
}

/// The programs that wait for an answer about a session.
fn questions(session: &SessionStatus) -> impl Iterator<Item = Saying> {
    let account = AccountName::new(&session.account).ok();
    let asking = session.consumers.iter().filter(|one| one.consent == ConsentName::Asked);
    asking.filter_map(move |one| Some(Saying::of(account.as_ref()?, &News::Consent(one.name.clone()?))))
}

/// What of the things that happen to a session ends it; a question ends otherwise. A session that had ended has new tokens
/// only by a sign-in, here or elsewhere, and tokens are shown once they are stored.
fn what_ends(news: &News) -> Option<fn(MarkKind) -> bool> {
    match news {
        News::Notice(Notice::SignInNeeded(_)) => {
            Some(|mark| matches!(mark, MarkKind::SignedIn | MarkKind::Adopted | MarkKind::Renewed))
        }
        News::Notice(Notice::CannotSave(_)) => Some(|mark| {
            matches!(mark, MarkKind::SignedIn | MarkKind::Adopted | MarkKind::Renewed | MarkKind::SignedOut)
        }),
        News::Notice(Notice::EndsSoon(_)) | News::Ends(_) => Some(|mark| mark == MarkKind::SignedIn),
        News::Consent(_) => None,
    }
}
