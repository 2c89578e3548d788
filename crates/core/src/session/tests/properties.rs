//! What holds whatever happens, in whatever order, with clocks that jump and answers that come late.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use proptest::prelude::*;

use crate::limits::{Limits, Usage};
use crate::reason::Reason;
use crate::session::transition::answered;
use crate::session::{
    Authenticated, Effect, EffectId, Expired, Failed, Headline, Input, Loaded, Renewal, Revocation, Sealed,
};
use crate::session::{Session, State, Wiped};
use crate::session::{samples, step};
use crate::time::{Jitter, Now, Stamp};
use crate::token_set::{Clock, Source, TokenFacts};

use super::invariants::{
    generations_do_not_go_back, only_durable_tokens_are_published, what_was_refused_is_sealed,
};
use super::moves::{Asked, Move, Outcome, asked, limits, moves};

proptest! {
    #[test]
    fn a_session_keeps_its_invariants_whatever_happens(limits in limits(), moves in prop::collection::vec(moves(), 1..80)) {
        let mut world = World::new(limits);
        for made in moves {
            world.make(made)?;
        }
    }
}

/// A session and the world around it: two clocks, a vault, and what is being done.
struct World {
    session: Session,
    now: Stamp,
    /// The last generation that any process stored.
    generation: u64,
    awaited: Option<(EffectId, Asked)>,
    /// The vault holds tokens that the person wanted erased.
    owes_wipe: bool,
    /// What the vault says of the session's use.
    usage: Usage,
}

impl World {
    fn new(limits: Limits) -> Self {
        let mut session = samples::opening();
        session.policy.limits = limits;
        let awaited = Some((samples::awaited(&session), Asked::Load));
        Self {
            session,
            now: samples::at(0),
            generation: 0,
            awaited,
            owes_wipe: false,
            usage: Usage::beginning(samples::at(0)),
        }
    }

    fn make(&mut self, made: Move) -> Result<(), TestCaseError> {
        match made {
            Move::Tell(input) => self.tell(&input),
            Move::Reject => {
                let current = self.session.held().map(|held| held.facts.access_fingerprint);
                current.map_or(Ok(()), |current| self.tell(&Input::TokenRejected(current)))
            }
            Move::Wait(secs) => {
                self.now = self.now.plus(SignedDuration::from_secs(secs.into()));
                Ok(())
            }
            Move::SetClock(by) => {
                let wall = self.now.plus(SignedDuration::from_secs(by.into())).wall;
                self.now = Stamp { wall, ..self.now };
                self.tell(&Input::TimePassed)
            }
            Move::Deadline => {
                let Some(deadline) = self.session.deadline() else { return Ok(()) };
                self.now = self.now.plus(deadline.left(self.now).max(SignedDuration::ZERO));
                self.tell(&Input::TimePassed)
            }
            Move::Answer(outcome) => {
                let Some((id, asked)) = self.awaited else { return Ok(()) };
                let input = self.answer(id, asked, &outcome);
                self.tell(&input)
            }
            Move::Late(id, outcome) => {
                let id = EffectId(id);
                if self.awaited.is_some_and(|(awaited, _)| awaited == id) {
                    return Ok(());
                }
                let kinds = [
                    Asked::Load,
                    Asked::Authenticate,
                    Asked::Renew,
                    Asked::Save,
                    Asked::Probe,
                    Asked::Seal,
                    Asked::Wipe,
                    Asked::Expire,
                    Asked::Revoke,
                ];
                let usage = self.usage;
                let input = self.answer(id, kinds[usize::from(outcome.kind) % kinds.len()], &outcome);
                self.usage = usage;
                let before = self.session.clone();
                let after = step(self.session.clone(), input, self.draw());
                prop_assert_eq!(after.session, before, "a late answer changed something");
                let records = after.effects.iter().map(|effect| matches!(effect, Effect::Record(_)));
                prop_assert!(after.effects.len() == 1 && records.into_iter().all(|record| record));
                Ok(())
            }
        }
    }

    fn answer(&mut self, id: EffectId, asked: Asked, outcome: &Outcome) -> Input {
        match asked {
            Asked::Load => Input::Loaded(
                id,
                match outcome.kind {
                    0..5 => Loaded::Found(self.facts(outcome, outcome.newer)),
                    5 => Loaded::Unanswered(self.facts(outcome, outcome.newer)),
                    6 => Loaded::Unrevoked { since: self.now },
                    7 => Loaded::Absent,
                    8 => Loaded::Erased,
                    _ => Loaded::Unknown(outcome.problem),
                },
            ),
            Asked::Authenticate => Input::Authenticated(
                id,
                match outcome.kind {
                    0..8 => {
                        self.usage = Usage::beginning(self.now);
                        Authenticated::Done(self.facts(outcome, 1))
                    }
                    8..10 => {
                        self.usage = Usage::beginning(self.now);
                        Authenticated::Unsaved(self.facts(outcome, 1), outcome.problem)
                    }
                    _ => Authenticated::Failed(Reason::ReplyLost),
                },
            ),
            Asked::Renew => Input::Renewed(
                id,
                match outcome.kind {
                    0..5 => Renewal::Done { facts: self.facts(outcome, 1), took_ms: 80 },
                    5 if outcome.sealed => samples::distrusted(&self.facts(outcome, 1)),
                    5 => Renewal::Adopted(self.facts(outcome, 1 + outcome.newer)),
                    6 => Renewal::Unsaved { facts: self.facts(outcome, 1), problem: outcome.problem },
                    7 => Renewal::NoVault(outcome.problem),
                    8 => Renewal::LockBusy,
                    9 if outcome.sealed => Renewal::Absent,
                    10 if outcome.sealed => Renewal::LockUnusable { what: "read-only".to_owned() },
                    _ => Renewal::Failed(Failed {
                        failure: outcome.failure.clone(),
                        after_lost_reply: outcome.sealed,
                        skew: outcome.ceiling.map(SignedDuration::from_secs),
                    }),
                },
            ),
            Asked::Save => Input::Saved(id, if outcome.kind < 6 { Ok(()) } else { Err(outcome.problem) }),
            Asked::Probe => Input::Probed(id, outcome.kind < 6),
            Asked::Seal => Input::Sealed(
                id,
                match outcome.kind {
                    0..6 => Sealed::Done,
                    6 | 7 => Sealed::Adopted(self.facts(outcome, 1)),
                    8 => Sealed::Absent,
                    _ => Sealed::NotNow(outcome.problem),
                },
            ),
            Asked::Wipe => Input::Wiped(
                id,
                match outcome.kind {
                    0..3 => Ok(Wiped::Gone),
                    3..5 => Ok(Wiped::Unrevoked),
                    5 => Ok(Wiped::Later),
                    _ => Err(outcome.problem),
                },
            ),
            Asked::Expire => Input::Expired(
                id,
                match outcome.kind {
                    0..3 => Expired::Over(Wiped::Gone),
                    3..6 => Expired::Over(Wiped::Unrevoked),
                    6 | 7 => {
                        // Somebody else used it, or signed in again.
                        self.usage = Usage::beginning(self.now);
                        Expired::Lives(self.facts(outcome, outcome.newer))
                    }
                    _ => Expired::NotNow(outcome.problem),
                },
            ),
            Asked::Revoke => Input::Revoked(
                id,
                match outcome.kind {
                    0..4 => Revocation::Done,
                    4 => Revocation::NotErased(outcome.problem),
                    _ => Revocation::Failed(outcome.failure.clone()),
                },
            ),
        }
    }

    /// Tokens so many generations newer than any before. None newer: what a vault from a backup may hold.
    fn facts(&mut self, outcome: &Outcome, newer: u64) -> TokenFacts {
        let generation = if newer == 0 { self.generation.saturating_sub(1) } else { self.generation + newer };
        self.generation = self.generation.max(generation);
        let clock = |secs| Clock {
            expires: self.now.plus(SignedDuration::from_secs(secs)),
            source: Source::ExpiresIn,
        };
        let facts = samples::facts(generation, 0);
        TokenFacts {
            received: self.now,
            usage: self.usage,
            access: clock(outcome.lifetime),
            session: outcome.ceiling.map(clock),
            refresh_fingerprint: facts.refresh_fingerprint.filter(|_| outcome.renewable),
            quarantined: outcome.sealed.then_some(Reason::Refused { said: None }),
            ..facts
        }
    }

    fn draw(&self) -> Now {
        let draw = u16::try_from(self.now.boot.as_millis().unsigned_abs() * 7 % 65_536).unwrap();
        Now { stamp: self.now, jitter: Jitter(draw) }
    }

    fn tell(&mut self, input: &Input) -> Result<(), TestCaseError> {
        let before = self.session.clone();
        let after = step(before.clone(), input.clone(), self.draw());
        self.session = after.session;
        for effect in &after.effects {
            if let Effect::Mark(usage) = effect {
                let limits = &self.session.policy.limits;
                let heeds_activity = limits.rolls_each().is_some() || limits.marks_each().is_some();
                prop_assert!(heeds_activity, "{usage:?} is worth no write");
                // What is stored has a sign-in of its own: a new one may wait to be saved while the session before it is used.
                self.usage = self.usage.and_later(*usage);
            }
        }
        self.nothing_is_held_after_its_end(&before, input)?;
        self.requests_do_not_overlap(input, &after.effects)?;
        only_durable_tokens_are_published(input, &before, &after.effects)?;
        self.what_was_signed_out_stays_so(&before, input, &after.effects)?;
        what_was_refused_is_sealed(&before, input, &self.session)?;
        generations_do_not_go_back(&before, input, &self.session)?;
        self.it_can_be_told()?;
        self.deadlines_lead_somewhere()
    }

    /// At most one answer is awaited; an exchange or a store under way is left for signing out only.
    fn requests_do_not_overlap(&mut self, input: &Input, effects: &[Effect]) -> Result<(), TestCaseError> {
        let new: Vec<_> = effects.iter().filter_map(asked).collect();
        prop_assert!(new.len() <= 1, "several requests in one step: {new:?}");
        let given_up = *input == Input::SignInCancelled && effects.contains(&Effect::AbandonSignIn);
        if answered(input).is_some() || given_up {
            self.awaited = None;
        }
        if let (Some((_, under_way)), Some((_, new))) = (self.awaited, new.first()) {
            let may = match under_way {
                Asked::Renew | Asked::Save | Asked::Authenticate => {
                    matches!(new, Asked::Wipe | Asked::Expire)
                }
                // A wipe is followed by telling the provider, a seal by another look or a new sign-in.
                Asked::Wipe => *new == Asked::Authenticate,
                Asked::Expire => matches!(new, Asked::Authenticate | Asked::Wipe),
                Asked::Load | Asked::Seal | Asked::Probe | Asked::Revoke => true,
            };
            prop_assert!(may, "{new:?} begins while {under_way:?} is under way");
        }
        self.awaited = new.first().copied().or(self.awaited);
        prop_assert_eq!(self.session.in_flight, self.awaited.map(|(id, _)| id));
        Ok(())
    }

    /// After signing out nothing but a sign-in brings tokens back, until the stored ones are erased.
    fn what_was_signed_out_stays_so(
        &mut self,
        before: &Session,
        input: &Input,
        effects: &[Effect],
    ) -> Result<(), TestCaseError> {
        if *input == Input::SignOutRequested && effects.contains(&Effect::Forget) {
            self.owes_wipe = true;
        }
        // Tokens of a new sign-in replace what was to be erased, once they are stored.
        let replaced =
            matches!(input, Input::Authenticated(_, Authenticated::Done(_)) | Input::Saved(_, Ok(())));
        if replaced || matches!(input, Input::Wiped(_, Ok(_))) {
            self.owes_wipe = false;
        }
        if before.held().is_none() && self.session.held().is_some() {
            prop_assert!(
                matches!(
                    input,
                    Input::Authenticated(_, Authenticated::Done(_))
                        | Input::Expired(_, Expired::Lives(_))
                        | Input::Loaded(_, Loaded::Found(_) | Loaded::Unanswered(_))
                        | Input::Saved(_, Ok(()))
                ),
                "tokens came from nowhere: {input:?}"
            );
        }
        if self.owes_wipe {
            prop_assert!(self.session.held().is_none(), "what was to be erased came back by {input:?}");
            if matches!(self.session.state(), State::SignedOut { .. }) {
                let pending = self.awaited.is_some_and(|(_, asked)| asked == Asked::Wipe);
                prop_assert!(pending || self.session.deadline().is_some(), "erasing is forgotten");
            }
        }
        Ok(())
    }

    /// Once the account's end has come and was looked at, nothing is there to be handed out; and nobody's wall clock
    /// brings it.
    fn nothing_is_held_after_its_end(&self, before: &Session, input: &Input) -> Result<(), TestCaseError> {
        let looked = matches!(input, Input::TimePassed | Input::Used);
        if looked && let Some(end) = self.session.end() {
            prop_assert!(!end.over(self.now), "held after {end:?}");
        }
        let lasted = before.held().map(|held| self.now.boot.saturating_sub(held.facts.usage.signed_in.boot));
        if let Some(Reason::MaxAgeReached { allowed_secs }) = self.session.state().reason()
            && let Some(lasted) = lasted.map(|lasted| lasted.as_secs())
            && self.session.held().is_none()
        {
            prop_assert!(lasted >= allowed_secs, "over after {lasted} s of {allowed_secs}");
        }
        Ok(())
    }

    /// Whatever stands in the window can be said in a sentence, and is true.
    fn it_can_be_told(&self) -> Result<(), TestCaseError> {
        let session = &self.session;
        let next = session.next(self.now);
        match session.state() {
            State::SignedOut { .. } | State::SigningIn { .. } => {}
            State::SignedIn => prop_assert!(session.held().is_some() && next.is_some()),
            State::Renewing { .. }
            | State::Saving { .. }
            | State::Waiting { .. }
            | State::NeedsSignIn { .. } => {
                prop_assert!(session.state().reason().is_some() || next.is_some());
            }
        }
        prop_assert!(next.is_none_or(|next| !next.why.is_empty() && !next.why.ends_with('.')));
        match session.headline(self.now) {
            Headline::SignedInUntil(_) | Headline::SignedIn | Headline::SignInAgainBy(_) => {
                prop_assert!(session.held().is_some(), "signed in without tokens");
            }
            Headline::SigningIn | Headline::SignedOut | Headline::NeedsSignIn | Headline::Unknown => {}
        }
        prop_assert_eq!(matches!(session.state(), State::Saving { .. }), session.unsaved.is_some());
        Ok(())
    }

    /// No busy loop: what is stepped at its deadline does something, or has a later deadline. And nothing is
    /// stuck: who waits for neither an answer nor the time needs a person.
    fn deadlines_lead_somewhere(&self) -> Result<(), TestCaseError> {
        let Some(deadline) = self.session.deadline() else {
            let rests = matches!(self.session.state(), State::SignedOut { .. } | State::NeedsSignIn { .. });
            prop_assert!(rests || self.awaited.is_some(), "stuck in {:?}", self.session.state());
            return Ok(());
        };
        let mut session = self.session.clone();
        let stamp = self.now.plus(deadline.left(self.now).max(SignedDuration::ZERO));
        let mut seen = BTreeSet::new();
        // Two steps at one time are enough for whatever is due; a third would be the loop.
        while session.deadline().is_some_and(|deadline| deadline.passed(stamp)) {
            let before = session.clone();
            let after = step(session, Input::TimePassed, Now { stamp, jitter: Jitter(0) });
            prop_assert!(
                after.session != before || !after.effects.is_empty(),
                "a deadline that has passed leads nowhere from {:?}",
                before.state()
            );
            prop_assert!(seen.insert(after.session.state().name()), "a loop through {seen:?}");
            session = after.session;
        }
        Ok(())
    }
}
