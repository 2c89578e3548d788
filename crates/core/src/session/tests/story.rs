//! A session whose life is told in a test, line by line.

use crate::reason::Reason;
use crate::session::samples::{self, LIFETIME, at, facts_at, now};
use crate::session::{Effect, EffectId, Input, Notice};
use crate::session::{Renewal, Session, step};
use crate::time::Stamp;

/// A session on its way, with what its last step wanted done.
pub(super) struct Story {
    pub(super) session: Session,
    pub(super) effects: Vec<Effect>,
    pub(super) now: Stamp,
}

impl Story {
    pub(super) fn of(session: Session) -> Self {
        Self { session, effects: Vec::new(), now: at(48) }
    }

    pub(super) fn tell(&mut self, secs: i64, input: Input) {
        self.now = at(secs);
        let after = step(self.session.clone(), input, now(secs));
        (self.session, self.effects) = (after.session, after.effects);
    }

    pub(super) fn answer(&mut self, secs: i64, input: impl FnOnce(EffectId) -> Input) {
        self.tell(secs, input(samples::awaited(&self.session)));
    }

    /// Answers at the time at which the last step was made.
    pub(super) fn answer_here(&mut self, input: impl FnOnce(EffectId) -> Input) {
        self.answer(samples::since_start(self.now), input);
    }

    pub(super) fn renewed(&mut self, secs: i64, generation: u64) {
        let facts = facts_at(secs, generation, LIFETIME);
        self.answer(secs, |id| Input::Renewed(id, Renewal::Done { facts, took_ms: 80 }));
    }

    /// Steps at the first whole second that is not before the deadline.
    pub(super) fn pass_deadline(&mut self) {
        let deadline = self.session.deadline().expect("there is a deadline");
        let secs = samples::since_start(deadline).max(samples::since_start(self.now));
        self.tell(secs, Input::TimePassed);
    }

    pub(super) fn held(&self) -> Option<u64> {
        self.session.held().map(|held| held.facts.generation)
    }

    pub(super) fn reason(&self) -> Option<Reason> {
        self.session.state().reason()
    }

    pub(super) fn published(&self) -> Vec<u64> {
        let published = |effect: &Effect| {
            if let Effect::Publish { generation } = effect { Some(*generation) } else { None }
        };
        self.effects.iter().filter_map(published).collect()
    }

    pub(super) fn records(&self) -> Vec<&'static str> {
        let kind =
            |effect: &Effect| if let Effect::Record(record) = effect { Some(record.kind) } else { None };
        self.effects.iter().filter_map(kind).collect()
    }

    pub(super) fn notices(&self) -> Vec<Notice> {
        let notice = |effect: &Effect| {
            if let Effect::Notify(notice) = effect { Some(notice.clone()) } else { None }
        };
        self.effects.iter().filter_map(notice).collect()
    }
}
