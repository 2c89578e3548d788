//! Whole lives of a session, told input by input.

use super::story::Story;
use crate::policy::{self};
use crate::reason::{Reason, VaultProblem};
use crate::session::samples::{self, LIFETIME, at, facts_at};
use crate::session::{Action, Asker, Authenticated, Effect, Headline, Input, Loaded, Notice};
use crate::session::{Failed, Renewal, State, Wiped};
use crate::token_set::TokenFacts;

#[test]
fn a_first_sign_in_publishes_tokens_that_are_durable() {
    let mut story = Story::of(samples::opening());
    story.answer(0, |id| Input::Loaded(id, Loaded::Absent));
    assert_eq!(story.reason(), Some(Reason::NeverSignedIn));
    story.tell(5, Input::SignInRequested);
    assert!(matches!(story.effects[..], [Effect::Authenticate(_)]));
    assert_eq!(story.session.headline(at(5)), Headline::SigningIn);
    story.answer(20, |id| Input::Authenticated(id, Authenticated::Done(facts_at(20, 1, LIFETIME))));
    assert_eq!(story.published(), [1]);
    assert_eq!(story.records(), ["signed_in"]);
    assert_eq!(story.session.headline(at(20)), Headline::SignedIn);
    assert_eq!(story.session.deadline(), Some(at(68)), "a fifth of the lifetime before expiry");
}

#[test]
fn a_sign_in_that_comes_to_nothing_leaves_everything_as_it_was() {
    for ended in
        [|_| Input::SignInCancelled, |id| Input::Authenticated(id, Authenticated::Failed(Reason::ReplyLost))]
    {
        let mut story = Story::of(samples::signed_in());
        story.tell(10, Input::SignInRequested);
        story.answer(20, ended);
        assert_eq!(story.session.state(), &State::SignedIn);
        assert_eq!(story.session.deadline(), samples::signed_in().deadline(), "the plan stands");
    }
}

#[test]
fn a_planned_renewal_replaces_the_generation_ahead_of_expiry() {
    let mut story = Story::of(samples::signed_in());
    story.tell(47, Input::TimePassed);
    assert_eq!((story.session.state(), story.effects.len()), (&State::SignedIn, 0), "too early");
    story.tell(48, Input::TimePassed);
    assert!(matches!(story.effects[0], Effect::Renew { generation: 1, asker: Asker::Plan, .. }));
    assert_eq!(story.held(), Some(1), "the old access token is served meanwhile");
    story.renewed(48, 2);
    assert_eq!((story.published(), story.records()), (vec![2], vec!["renewed"]));
    assert_eq!((story.session.tally().count, story.session.tally().last_ms), (1, Some(80)));
    assert_eq!(story.session.deadline(), Some(at(96)));
}

#[test]
fn whoever_asks_during_a_renewal_shares_its_outcome() {
    let mut story = Story::of(samples::renewing());
    for input in [
        Input::RenewRequested(Asker::Program),
        Input::RenewRequested(Asker::Person),
        Input::TokenRejected(samples::access_fingerprint(1)),
        Input::TimePassed,
        Input::ReloadRequested,
    ] {
        story.tell(49, input);
        assert!(story.effects.is_empty(), "{:?}", story.effects);
    }
    story.renewed(49, 2);
    assert_eq!(story.published(), [2]);
}

#[test]
fn a_refusal_after_a_lost_reply_is_told_as_such() {
    let mut story = Story::of(samples::renewing());
    story.answer(48, |id| {
        let failure = samples::refused();
        Input::Renewed(id, Renewal::Failed(Failed { failure, after_lost_reply: true, skew: None }))
    });
    assert_eq!(story.reason(), Some(Reason::RefusedAfterLostReply { said: None }));
    assert_eq!(story.notices(), [Notice::SignInNeeded(Reason::RefusedAfterLostReply { said: None })]);
}

#[test]
fn signing_out_while_renewing_brings_nothing_back() {
    let mut story = Story::of(samples::renewing());
    let renewal = samples::awaited(&story.session);
    story.tell(49, Input::SignOutRequested);
    assert!(matches!(story.effects[..], [Effect::Forget, Effect::Wipe { .. }, Effect::Record(_)]));
    let late = Renewal::Done { facts: facts_at(50, 2, LIFETIME), took_ms: 80 };
    story.tell(50, Input::Renewed(renewal, late));
    assert_eq!(story.records(), ["late_answer"]);
    assert_eq!((story.effects.len(), story.held(), story.reason()), (1, None, Some(Reason::SignedOut)));
    story.answer(51, |id| Input::Wiped(id, Ok(Wiped::Gone)));
    assert_eq!((story.held(), story.session.deadline()), (None, None));
}

#[test]
fn what_could_not_be_erased_is_tried_again_until_it_is_gone() {
    let mut story = Story::of(samples::erasing());
    assert_eq!(story.session.next(at(10)), None, "it is under way");
    story.answer(10, |id| Input::Wiped(id, Err(VaultProblem::Locked)));
    assert_eq!(story.session.next(at(10)).unwrap().action, Action::RetryErase);
    story.pass_deadline();
    assert!(matches!(story.effects[..], [Effect::Wipe { .. }]));
    story.answer(11, |id| Input::Wiped(id, Ok(Wiped::Gone)));
    assert_eq!((story.session.deadline(), story.session.next(at(11))), (None, None));
}

#[test]
fn who_signed_in_elsewhere_while_erasing_waited_for_the_vault_is_taken_over() {
    let mut story = Story::of(samples::erase_owed());
    story.pass_deadline();
    let since = samples::at(10);
    assert!(matches!(story.effects[..], [Effect::Wipe { since: told, .. }] if told == since), "the sign-out");
    story.answer(11, |id| Input::Wiped(id, Ok(Wiped::Later)));
    assert!(matches!(story.effects[..], [Effect::Load(_)]), "{:?}", story.effects);
    story.answer(12, |id| Input::Loaded(id, Loaded::Found(facts_at(11, 1, LIFETIME))));
    assert_eq!((story.published(), story.session.erasing()), (vec![1], false));
}

#[test]
fn what_another_process_changed_during_a_sign_in_is_looked_at_once_nothing_comes_of_that() {
    for given_up in [false, true] {
        let mut story = Story::of(samples::signed_out());
        story.tell(1, Input::SignInRequested);
        story.tell(2, Input::ReloadRequested);
        assert!(story.effects.is_empty(), "the sign-in decides");
        if given_up {
            story.tell(3, Input::SignInCancelled);
        } else {
            let reason = Reason::SignInTimedOut;
            story.answer(3, |id| Input::Authenticated(id, Authenticated::Failed(reason)));
        }
        story.answer(4, |id| Input::Loaded(id, Loaded::Found(facts_at(2, 1, LIFETIME))));
        assert_eq!(story.published(), [1], "given up: {given_up}");
    }
}

#[test]
fn a_sign_in_that_was_given_up_does_not_make_erasing_forgotten() {
    let mut story = Story::of(samples::erasing());
    let erasing = samples::awaited(&story.session);
    story.tell(11, Input::SignInRequested);
    story.tell(12, Input::Wiped(erasing, Err(VaultProblem::Locked)));
    story.tell(13, Input::ReloadRequested);
    story.tell(13, Input::SignInCancelled);
    assert!(!story.effects.iter().any(|effect| matches!(effect, Effect::Load(_))), "that would find it");
    story.pass_deadline();
    assert!(matches!(story.effects[..], [Effect::Wipe { .. }]), "{:?}", story.effects);
}

#[test]
fn tokens_that_are_still_to_be_erased_are_not_taken_from_the_vault_again() {
    for session in [samples::erasing(), samples::erase_owed()] {
        let mut story = Story::of(session);
        let before = story.session.clone();
        story.tell(10, Input::ReloadRequested);
        assert_eq!((&story.session, story.effects.len()), (&before, 0));
    }
}

#[test]
fn tokens_that_cannot_be_stored_are_given_to_nobody_until_they_are() {
    let mut story = Story::of(samples::renewing());
    let unsaved = Renewal::Unsaved { facts: facts_at(48, 2, LIFETIME), problem: VaultProblem::Locked };
    story.answer(48, |id| Input::Renewed(id, unsaved));
    assert_eq!(story.notices(), [Notice::CannotSave(VaultProblem::Locked)]);
    assert_eq!((story.published(), story.held()), (vec![], Some(1)));
    for _ in 0..10 {
        story.pass_deadline();
        assert!(matches!(story.effects[..], [Effect::Save(_)]));
        assert_eq!(story.session.next(story.now).unwrap().at, None, "it is under way");
        story.answer(49, |id| Input::Saved(id, Err(VaultProblem::Locked)));
        assert_eq!((story.published(), story.held()), (vec![], Some(1)));
        assert!(story.notices().is_empty(), "the person is told once");
    }
    story.pass_deadline();
    story.answer(80, |id| Input::Saved(id, Ok(())));
    assert_eq!((story.published(), story.held()), (vec![2], Some(2)));
    assert_eq!(story.session.state(), &State::SignedIn);
}

#[test]
fn storing_is_not_tried_twice_at_once() {
    for input in [Input::TimePassed, Input::RenewRequested(Asker::Person)] {
        let mut story = Story::of(samples::saving_again());
        let before = story.session.clone();
        story.tell(60, input);
        assert_eq!((&story.session, story.effects.len()), (&before, 0), "the answer is awaited");
    }
}

#[test]
fn a_late_refusal_of_an_old_token_does_not_renew_a_newer_one() {
    let mut story = Story::of(samples::renewing());
    story.renewed(48, 2);
    story.tell(50, Input::TokenRejected(samples::access_fingerprint(1)));
    assert_eq!((story.session.state(), story.records()), (&State::SignedIn, vec!["old_token_rejected"]));
    story.tell(51, Input::TokenRejected(samples::access_fingerprint(2)));
    assert!(matches!(story.effects[0], Effect::Renew { generation: 2, asker: Asker::ResourceServer, .. }));
}

#[test]
fn the_storm_breaker_stops_after_six_renewals_and_says_why() {
    let mut story = Story::of(samples::signed_in_with(samples::facts(1, 0)));
    for generation in 2..2 + u64::from(policy::STORM) {
        story.pass_deadline();
        assert!(matches!(story.effects[0], Effect::Renew { .. }), "{generation}");
        let secs = samples::since_start(story.now);
        story.answer(secs, |id| {
            Input::Renewed(id, Renewal::Done { facts: facts_at(secs, generation, 0), took_ms: 80 })
        });
    }
    story.pass_deadline();
    assert_eq!(story.reason(), Some(Reason::Storm));
    assert!(!story.effects.iter().any(|effect| matches!(effect, Effect::Renew { .. })));
    let next = story.session.next(story.now).unwrap();
    assert!(next.why.contains("the clock here or at the provider may be wrong"), "{}", next.why);
    assert_eq!(next.at.unwrap().left(story.now), policy::STORM_PAUSE);
    story.pass_deadline();
    assert!(matches!(story.effects[0], Effect::Renew { .. }), "one is let through after the pause");
}

#[test]
fn the_storm_breaker_does_not_wait_for_a_network_in_doubt() {
    let mut story = Story::of(samples::stormy());
    story.tell(samples::STORM_AT - 1, Input::NetworkChanged);
    story.tell(samples::STORM_AT, Input::TimePassed);
    assert_eq!(story.reason(), Some(Reason::Storm));
}

#[test]
fn a_resource_server_that_refuses_every_token_meets_the_storm_breaker() {
    let mut story = Story::of(samples::signed_in());
    for generation in 1..=u64::from(policy::STORM) {
        story.tell(1, Input::TokenRejected(samples::access_fingerprint(generation)));
        assert!(matches!(story.effects[0], Effect::Renew { .. }), "{generation}");
        story.renewed(1, generation + 1);
    }
    story.tell(1, Input::TokenRejected(samples::access_fingerprint(u64::from(policy::STORM) + 1)));
    assert_eq!(story.reason(), Some(Reason::Storm));
    story.tell(2, Input::RenewRequested(Asker::Person));
    assert!(matches!(story.effects[0], Effect::Renew { .. }), "a person may go on");
}

#[test]
fn renewals_that_a_person_or_a_program_asked_for_are_not_counted() {
    for asker in [Asker::Person, Asker::Program] {
        let mut story = Story::of(samples::signed_in());
        for generation in 2..22 {
            story.tell(1, Input::RenewRequested(asker));
            assert!(matches!(story.effects[0], Effect::Renew { .. }), "{generation}");
            story.renewed(1, generation);
        }
        story.pass_deadline();
        assert!(matches!(story.effects[0], Effect::Renew { .. }), "the plan goes on");
    }
}

#[test]
fn a_newer_generation_of_another_process_is_taken_over() {
    let mut story = Story::of(samples::renewing());
    story.answer(48, |id| Input::Renewed(id, Renewal::Adopted(facts_at(40, 7, LIFETIME))));
    assert_eq!((story.held(), story.published(), story.records()), (Some(7), vec![7], vec!["adopted"]));
    assert_eq!(story.session.tally().count, 0, "it is not our renewal");
    story.tell(50, Input::ReloadRequested);
    story.answer(50, |id| Input::Loaded(id, Loaded::Found(facts_at(49, 8, LIFETIME))));
    assert_eq!((story.held(), story.published()), (Some(8), vec![8]));
    story.tell(51, Input::ReloadRequested);
    story.answer(51, |id| Input::Loaded(id, Loaded::Found(facts_at(49, 8, LIFETIME))));
    assert!(story.effects.is_empty(), "nothing new");
}

#[test]
fn an_older_generation_in_the_vault_is_never_taken_over() {
    let sealed = |facts| TokenFacts { quarantined: Some(Reason::Refused { said: None }), ..facts };
    for facts in [facts_at(0, 6, LIFETIME), sealed(facts_at(0, 6, LIFETIME))] {
        let mut story = Story::of(samples::signed_in_with(samples::facts(7, LIFETIME)));
        story.tell(10, Input::ReloadRequested);
        story.answer(10, |id| Input::Loaded(id, Loaded::Found(facts)));
        assert_eq!((story.held(), story.session.state()), (Some(7), &State::SignedIn));
    }
}

#[test]
fn reading_the_refused_token_again_does_not_lift_its_quarantine() {
    let refused = (samples::needs_sign_in(), samples::facts(1, LIFETIME));
    let ended = samples::after(samples::signed_in_not_renewable(), Input::TimePassed, LIFETIME);
    for (session, stored) in [refused, (ended, samples::not_renewable(0, 1, LIFETIME))] {
        let mut story = Story::of(session);
        let before = story.session.state().clone();
        story.tell(70, Input::ReloadRequested);
        story.answer(70, |id| Input::Loaded(id, Loaded::Found(stored)));
        assert_eq!((story.session.state(), story.effects.len()), (&before, 0));
    }
}

#[test]
fn tokens_that_another_process_signed_in_with_end_a_quarantine() {
    let mut story = Story::of(samples::needs_sign_in());
    story.tell(70, Input::ReloadRequested);
    story.answer(70, |id| Input::Loaded(id, Loaded::Found(facts_at(65, 2, LIFETIME))));
    assert_eq!((story.held(), story.session.state()), (Some(2), &State::SignedIn));
}

#[test]
fn a_vault_that_cannot_be_read_at_opening_is_never_taken_for_signed_out() {
    let mut story = Story::of(samples::opening());
    for _ in 0..20 {
        story.answer(0, |id| Input::Loaded(id, Loaded::Unknown(VaultProblem::Locked)));
        assert_eq!(story.reason(), Some(Reason::Vault { problem: VaultProblem::Locked }));
        assert_eq!(story.session.state().name(), "waiting");
        assert_eq!(story.session.next(story.now).unwrap().action, Action::ReadVault);
        story.pass_deadline();
        assert!(matches!(story.effects[..], [Effect::Load(_)]));
    }
    let secs = samples::since_start(story.now);
    story.answer(secs, |id| Input::Loaded(id, Loaded::Found(facts_at(secs - 10, 4, LIFETIME))));
    assert_eq!((story.published(), story.records()), (vec![4], vec!["opened"]));
}

#[test]
fn tokens_that_were_quarantined_before_the_start_stay_quarantined() {
    let mut story = Story::of(samples::opening());
    let reason = Reason::Refused { said: None };
    let facts = TokenFacts { quarantined: Some(reason.clone()), ..samples::facts(3, LIFETIME) };
    story.answer(0, |id| Input::Loaded(id, Loaded::Found(facts)));
    assert_eq!((story.reason(), story.published()), (Some(reason), vec![3]), "the access token is served");
    story.tell(1, Input::RenewRequested(Asker::Person));
    assert!(story.effects.is_empty(), "a refused token is not sent again");
}
