//! What an account's task notices of what happens around it: the machine sleeps, the clock is set or wrong, the
//! provider is out of reach, the session's end moves. All of it is on the lifeline, and in the log for the next start.

use jiff::{SignedDuration, Timestamp};
use latchkey_core::policy::{CLOCK_OFF, in_words};
use latchkey_core::reason::Reason;
use latchkey_core::record::{Level, Record};
use latchkey_core::session::{Input, State};

use super::Actor;
use crate::event_log;
use crate::snapshot::{HistoryMark, MarkKind};

/// The shortest sleep of the machine that counts as one: the clocks it is told from are read one after the other.
const SLEPT: SignedDuration = SignedDuration::from_secs(2);

/// A provider that was out of reach for less is not worth a word: the first look after a wake takes that long.
const OUT_OF_REACH: SignedDuration = SignedDuration::from_secs(1);

/// A ceiling that moved by less did not: servers count in whole seconds, from when they got around to it.
const MOVED: SignedDuration = SignedDuration::from_secs(60);

impl Actor {
    /// Writes a record down: for the lifeline and for the log.
    pub(super) fn note(&mut self, record: &Record) {
        self.beside.remember(self.workshop.clock.now().wall, record);
        event_log::emit(&self.workshop.account, record);
        self.tell_programs(record);
    }

    /// When to look again, on the boot-time clock.
    pub(super) fn wake_at(&self) -> Option<SignedDuration> {
        let now = self.workshop.clock.now();
        let waiting = self.token_waiters.iter().map(|waiter| waiter.until);
        let asked = self.background || !self.token_waiters.is_empty() || self.saving();
        let own = self.session.deadline().filter(|_| asked && self.closing.is_none());
        let first = waiting.chain(own).map(|at| at.left(now)).min()?;
        Some(now.boot.saturating_add(first.max(SignedDuration::ZERO)))
    }

    /// After a wake the network need not be there yet. Noticed by the clock, whatever woke this task.
    pub(super) fn notice_sleep(&mut self) {
        let asleep = self.workshop.clock.asleep();
        let slept = asleep.saturating_sub(self.asleep);
        if self.background && slept >= SLEPT {
            let message = format!("The machine was asleep for {}", in_words(slept));
            let since = self.workshop.clock.now().wall.saturating_sub(slept).ok();
            self.note(&Record { since, ..Record::new(Level::Info, "woke", message) });
            self.input(Input::NetworkChanged);
        }
        if slept >= SLEPT {
            self.asleep = asleep;
        }
    }

    /// The clock was set, or the network changed.
    pub(super) fn look_around(&mut self) {
        let Some(now) = self.around.as_ref().map(|around| *around.borrow()) else { return };
        self.notice_sleep();
        if now.network != self.seen.network {
            self.input(Input::NetworkChanged);
        }
        if now.clock_set != self.seen.clock_set {
            self.input(Input::TimePassed);
        }
        if now.vault != self.seen.vault {
            self.is_behind();
        }
        self.seen = now;
    }

    /// Whether another process changed what is stored and that is just being read: what is in hand may be over. Begins to
    /// read; not while something is under way that reads by itself or brings new tokens.
    pub(super) fn is_behind(&mut self) -> bool {
        if self.workshop.vault.changed_elsewhere(&self.workshop.account) {
            if !self.reads() {
                self.input(Input::ReloadRequested);
            }
            self.behind = true;
        }
        self.behind &= self.reads();
        self.behind
    }

    fn reads(&self) -> bool {
        self.reading.is_some_and(|id| self.session.awaits_effect(id))
    }

    /// How the provider's clock differs is measured with each answer; much of it is told once.
    pub(super) fn notice_skew(&mut self) {
        let before = self.beside.skew.is_some_and(is_off);
        self.beside.skew = self.workshop.http.skew();
        if let Some(skew) = self.beside.skew.filter(|skew| is_off(*skew) && !before) {
            let how = if skew.is_negative() { "ahead of" } else { "behind" };
            let by = in_words(skew.abs());
            let message = format!(
                "The clock here is {by} {how} the provider's. Plans hold all the same; set the clock"
            );
            event_log::emit(&self.workshop.account, &Record::new(Level::Warn, "clock_off", message));
        }
    }

    /// A provider that is out of reach is shown as long as that lasts, and written down when it is over.
    pub(super) fn notice_reach(&mut self) {
        let reason = match self.session.state() {
            State::Waiting { reason, .. } => Some(reason).filter(|reason| out_of_reach(reason)),
            // Whether it can be reached is what is being tried.
            State::Renewing { .. } | State::SigningIn { .. } => return,
            State::SignedOut { .. } | State::SignedIn | State::Saving { .. } | State::NeedsSignIn { .. } => {
                None
            }
        };
        let now = self.workshop.clock.now().wall;
        if let Some(reason) = reason {
            self.beside.history.begin(HistoryMark {
                reason: Some(reason.code().to_owned()),
                note: Some(reason.message()),
                ..HistoryMark::new(MarkKind::OutOfReach, now)
            });
        } else if let Some(since) = self.beside.history.end() {
            let lasted = now.duration_since(since);
            if lasted >= OUT_OF_REACH {
                let message = format!("The provider was out of reach for {}", in_words(lasted));
                self.note(&Record { since: Some(since), ..Record::new(Level::Info, "reached", message) });
            }
        }
    }

    /// Where the session's end was before something happened, and whether it is elsewhere since.
    pub(super) fn notice_ceiling(&mut self, before: Option<Timestamp>) {
        let (Some(before), Some(now)) = (before, self.ceiling()) else { return };
        if now.duration_since(before).abs() >= MOVED {
            let message = format!("The session's end moved from {before:.0} to {now:.0}");
            self.note(&Record {
                expires_at: Some(now),
                ..Record::new(Level::Info, "ceiling_moved", message)
            });
        }
    }

    /// When the session ends whatever is renewed, as far as that is known.
    pub(super) fn ceiling(&self) -> Option<Timestamp> {
        Some(self.session.ceiling()?.expires.wall)
    }
}

/// Whether the provider is out of reach while this is waited out.
fn out_of_reach(reason: &Reason) -> bool {
    matches!(reason, Reason::Network | Reason::Unreachable { .. } | Reason::NotTheProvider { .. })
}

/// Whether the clock here is wrong by so much that a person must be told.
fn is_off(skew: SignedDuration) -> bool {
    skew.abs() >= CLOCK_OFF
}
