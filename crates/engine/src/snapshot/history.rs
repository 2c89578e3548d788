//! The past of a session: the newest marks one by one, older ones together, the coarser the older they are.
//!
//! A session whose tokens live for a minute leaves forty thousand marks in thirty days. Nobody can tell two of them
//! apart where thirty days fit into a window, so marks that are close to each other for their age become one.

use std::sync::Arc;

use jiff::Timestamp;

use super::{HistoryMark, MarkKind};

/// More marks than this are thinned out.
const MOST: usize = 512;

/// What thinning leaves at most, so that it is not done for each mark.
const ROOM: usize = 400;

/// So many of the newest are never told together.
const SINGLE: usize = 120;

/// What several marks may span, as a part of their age. The first that makes enough room is taken: on a lifeline that
/// shows them all, the finest is three pixels wide and the coarsest forty.
const GRAINS: [i64; 5] = [256, 128, 64, 32, 16];

/// What happened in a session.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    marks: Arc<Vec<HistoryMark>>,
    /// What lasts and has not ended.
    lasting: Option<Box<HistoryMark>>,
}

impl History {
    /// A past that is known from elsewhere, oldest first.
    pub(crate) fn of(marks: Vec<HistoryMark>) -> Self {
        let mut history = Self { marks: Arc::new(marks), lasting: None };
        history.thin();
        history
    }

    pub(crate) fn into_marks(self) -> Vec<HistoryMark> {
        Arc::unwrap_or_clone(self.marks)
    }

    /// The marks as they are shown, oldest first.
    pub(crate) fn shown(&self) -> Arc<Vec<HistoryMark>> {
        let Some(lasting) = &self.lasting else { return Arc::clone(&self.marks) };
        Arc::new(self.marks.iter().chain([&**lasting]).cloned().collect())
    }

    /// The marks from the newest to the oldest, without what lasts.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &HistoryMark> {
        self.marks.iter().rev()
    }

    pub(crate) fn push(&mut self, mark: HistoryMark) {
        // It is copied for whoever still shows it, so that room for later marks would be room for nothing.
        let marks = Arc::make_mut(&mut self.marks);
        marks.reserve_exact(1);
        marks.push(mark);
        self.thin();
    }

    /// Something began that lasts; nothing replaces one that does already.
    pub(crate) fn begin(&mut self, mark: HistoryMark) {
        self.lasting.get_or_insert_with(|| Box::new(mark));
    }

    /// What lasted is over. Says since when it did.
    pub(crate) fn end(&mut self) -> Option<Timestamp> {
        self.lasting.take().map(|mark| mark.at)
    }

    fn thin(&mut self) {
        if self.marks.len() <= MOST {
            return;
        }
        let mut marks = std::mem::take(Arc::make_mut(&mut self.marks));
        let newest = marks.split_off(marks.len() - SINGLE);
        let now = newest.last().map_or(Timestamp::UNIX_EPOCH, end);
        for grain in GRAINS {
            marks = together(marks, now, grain);
            if marks.len() + SINGLE <= ROOM {
                break;
            }
        }
        marks.drain(..(marks.len() + SINGLE).saturating_sub(MOST));
        marks.extend(newest);
        self.marks = Arc::new(marks);
    }
}

/// Makes one mark of those of a kind that span no more than this part of their age.
fn together(marks: Vec<HistoryMark>, now: Timestamp, grain: i64) -> Vec<HistoryMark> {
    let mut kept: Vec<HistoryMark> = Vec::with_capacity(marks.len());
    for mark in marks {
        // Different things happen by turns, so the one of this kind need not be the last; it cannot be far back.
        let like = kept.iter_mut().rev().take(8).find(|kept| alike(kept, &mark));
        match like.filter(|kept| spans(kept.at, end(&mark)) <= spans(kept.at, now) / grain) {
            Some(kept) => {
                *kept = HistoryMark {
                    at: kept.at,
                    until: Some(end(&mark)),
                    count: kept.count.saturating_add(mark.count),
                    ..mark
                };
            }
            None => kept.push(mark),
        }
    }
    kept
}

fn alike(one: &HistoryMark, other: &HistoryMark) -> bool {
    // A failure is told with its reason, so only those with the same are told together.
    one.kind == other.kind
        && (one.kind != MarkKind::Failed || one.reason == other.reason)
        && (one.kind != MarkKind::Taken || one.note == other.note)
}

fn end(mark: &HistoryMark) -> Timestamp {
    mark.until.unwrap_or(mark.at)
}

/// In seconds. Nothing for what seems to end before it began: a clock was set.
fn spans(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second().saturating_sub(from.as_second()).max(0)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn mark(kind: MarkKind, at: i64) -> HistoryMark {
        HistoryMark {
            kind,
            at: Timestamp::from_second(at).unwrap(),
            until: None,
            count: 1,
            generation: u32::try_from(at / 60).unwrap(),
            fingerprint: None,
            expires_at: Timestamp::from_second(at + 60).ok(),
            took_ms: Some(12),
            reason: None,
            note: None,
        }
    }

    /// What has to be true of any past.
    fn sound(history: &History, happened: u32) {
        let shown = history.shown();
        assert!(shown.len() <= MOST, "{} marks", shown.len());
        assert_eq!(shown.iter().map(|mark| mark.count).sum::<u32>(), happened);
        assert!(shown.is_sorted_by_key(|mark| mark.at));
    }

    #[test]
    fn thirty_days_of_a_token_a_minute_are_few_marks_and_none_is_forgotten() {
        let mut history = History::default();
        let minutes = 30 * 24 * 60;
        for minute in 0..minutes {
            history.push(mark(MarkKind::Renewed, minute * 60));
        }
        sound(&history, u32::try_from(minutes).unwrap());
        let shown = history.shown();
        assert_eq!(shown.first().unwrap().at, Timestamp::UNIX_EPOCH, "the beginning is kept");
        let now = shown.last().unwrap().at;
        for mark in shown.iter().rev().take(SINGLE) {
            assert_eq!(mark.count, 1, "what is new is told one by one");
        }
        for mark in shown.iter() {
            let (age, length) = (spans(mark.at, now), spans(mark.at, end(mark)));
            assert!(length <= age / GRAINS[4], "{length} s at an age of {age} s is too coarse");
        }
    }

    #[test]
    fn different_things_are_not_told_together() {
        let mut history = History::default();
        for minute in 0..4_000 {
            history.push(mark(MarkKind::Renewed, minute * 60));
            let failed = HistoryMark {
                reason: Some(if minute % 2 == 0 { "network" } else { "provider_busy" }.to_owned()),
                ..mark(MarkKind::Failed, minute * 60 + 1)
            };
            history.push(failed);
        }
        sound(&history, 8_000);
        let shown = history.shown();
        let of = |kind| shown.iter().filter(|mark| mark.kind == kind).map(|mark| mark.count).sum::<u32>();
        assert_eq!((of(MarkKind::Renewed), of(MarkKind::Failed)), (4_000, 4_000));
    }

    #[test]
    fn a_clock_that_was_set_back_leaves_the_bound_and_the_newest() {
        let mut history = History::default();
        for second in 0..600 {
            history.push(mark(MarkKind::Renewed, 1_000_000 - second));
        }
        assert!(history.shown().len() <= MOST);
        assert_eq!(history.shown().last().unwrap().at.as_second(), 1_000_000 - 599);
    }

    #[test]
    fn what_lasts_is_shown_at_the_end_until_it_is_over() {
        let mut history = History::default();
        history.push(mark(MarkKind::Renewed, 0));
        let began = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(5);
        history.begin(mark(MarkKind::OutOfReach, 5));
        history.begin(mark(MarkKind::OutOfReach, 9));
        assert_eq!(history.shown().last().unwrap().at, began);
        assert_eq!(history.newest().next().unwrap().kind, MarkKind::Renewed);
        assert_eq!(history.end(), Some(began));
        assert_eq!((history.end(), history.shown().len()), (None, 1));
    }
}
