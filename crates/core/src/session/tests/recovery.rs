//! Lives of a session over crashes, sign-outs that could not be told, and networks that come and go.

use jiff::SignedDuration;

use super::story::Story;
use crate::disposition::Failure;
use crate::policy::{self, Basis};
use crate::reason::{Reason, VaultProblem};
use crate::session::samples::{self, LIFETIME, at, facts_at};
use crate::session::{
    Action, Asker, Effect, Failed, Input, Loaded, Renewal, Revocation, Revoke, Sealed, State,
};
use crate::session::{Look, Notice, Wiped, step};
use crate::time::{Jitter, Now, Stamp};
use crate::token_set::{Clock, Source, TokenFacts};

#[test]
fn a_start_that_finds_a_renewal_without_an_answer_asks_again_at_once_and_says_why() {
    let mut story = Story::of(samples::unanswered());
    let held = story.session.held().unwrap();
    assert_eq!(
        (held.plan.basis, held.plan.due, story.session.unanswered()),
        (Basis::Unanswered, at(0), true)
    );
    let next = story.session.next(at(0)).unwrap();
    assert_eq!((next.action, next.at), (Action::Renew, Some(at(0))));
    assert!(next.why.contains("never arrived"), "{}", next.why);
    story.tell(0, Input::TimePassed);
    assert!(matches!(story.effects[0], Effect::Renew { generation: 1, asker: Asker::Recovery, .. }));
    story.answer(0, |id| {
        let failure = samples::refused();
        Input::Renewed(id, Renewal::Failed(Failed { failure, after_lost_reply: true, skew: None }))
    });
    assert_eq!(story.reason(), Some(Reason::RefusedAfterLostReply { said: None }));
}

#[test]
fn what_is_waited_for_already_or_refused_is_not_asked_for_by_a_second_look() {
    for session in [samples::backing_off(), samples::needs_sign_in()] {
        let mut story = Story::of(session);
        let before = story.session.state().clone();
        story.tell(48, Input::ReloadRequested);
        story.answer(48, |id| Input::Loaded(id, Loaded::Unanswered(samples::facts(1, LIFETIME))));
        assert_eq!((story.session.state(), story.effects.len()), (&before, 0));
    }
}

#[test]
fn a_token_that_was_quarantined_is_not_asked_for_again() {
    let mut story = Story::of(samples::opening());
    let reason = Reason::Refused { said: None };
    let facts = TokenFacts { quarantined: Some(reason.clone()), ..samples::facts(1, LIFETIME) };
    story.answer(0, |id| Input::Loaded(id, Loaded::Unanswered(facts)));
    assert_eq!((story.reason(), story.session.deadline()), (Some(reason), None));
}

#[test]
fn whatever_ends_a_session_that_could_be_renewed_is_sealed_with_that_reason() {
    let ceiling = Clock { expires: at(LIFETIME), source: Source::SessionExpiry };
    let ended = TokenFacts { session: Some(ceiling), ..samples::facts(1, LIFETIME) };
    let at_ceiling = samples::after(samples::signed_in_with(ended), Input::TimePassed, LIFETIME);
    let refused = || samples::failed(samples::refused());
    let unclear = || samples::failed(samples::bare(401, None));
    for (session, failure, secs, reason) in [
        (samples::renewing(), refused(), 48, Reason::Refused { said: None }),
        (at_ceiling, refused(), LIFETIME, Reason::CeilingReached),
        (
            samples::renewing_after_unclear_answers(),
            unclear(),
            145,
            Reason::Unclear { status: 401, said: None },
        ),
    ] {
        let mut story = Story::of(session);
        story.answer(secs, |id| Input::Renewed(id, failure));
        let sealed = story.effects.iter().find_map(|effect| {
            if let Effect::Seal { generation: 1, reason, .. } = effect { Some(reason.clone()) } else { None }
        });
        assert_eq!((sealed, story.reason()), (Some(reason.clone()), Some(reason)));
    }
}

#[test]
fn a_seal_is_tried_until_it_is_done_and_gives_way_to_newer_tokens() {
    let mut story = Story::of(samples::seal_owed());
    for _ in 0..5 {
        story.pass_deadline();
        assert!(matches!(story.effects[..], [Effect::Seal { .. }]), "{:?}", story.effects);
        story.answer_here(|id| Input::Sealed(id, Sealed::NotNow(VaultProblem::Locked)));
    }
    story.pass_deadline();
    story.answer_here(|id| Input::Sealed(id, Sealed::Done));
    assert_eq!(story.session.deadline(), None);

    let mut story = Story::of(samples::sealing());
    story.answer(48, |id| Input::Sealed(id, Sealed::Adopted(facts_at(47, 2, LIFETIME))));
    assert_eq!((story.session.state(), story.published()), (&State::SignedIn, vec![2]));
}

#[test]
fn a_refusal_under_a_wrong_clock_is_looked_at_again_before_it_counts() {
    let refused = |skew: i64| {
        let skew = Some(SignedDuration::from_secs(skew));
        Renewal::Failed(Failed { failure: samples::refused(), after_lost_reply: false, skew })
    };
    let mut story = Story::of(samples::renewing());
    for _ in 0..policy::UNCLEAR_ANSWERS {
        story.answer_here(|id| Input::Renewed(id, refused(-3600)));
        assert_eq!(story.reason(), Some(Reason::ClockOff { ahead_secs: 3600 }));
        assert!(story.reason().unwrap().message().contains("1 h ahead"), "and how much it is");
        story.pass_deadline();
    }
    story.answer_here(|id| Input::Renewed(id, refused(-3600)));
    assert_eq!(story.notices(), [Notice::SignInNeeded(Reason::Refused { said: None })]);

    let mut story = Story::of(samples::renewing());
    story.answer(48, |id| Input::Renewed(id, refused(299)));
    assert_eq!(story.session.state().name(), "needs_sign_in", "a few minutes are no excuse");
}

#[test]
fn whoever_sets_the_clock_that_stood_in_the_way_waits_no_longer() {
    let skew = Some(SignedDuration::from_hours(-1));
    let refused = Renewal::Failed(Failed { failure: samples::refused(), after_lost_reply: false, skew });
    let facts = samples::facts(1, 86_400);
    let mut story = Story::of(samples::signed_in_with(facts));
    story.pass_deadline();
    for _ in 0..3 {
        story.answer_here(|id| Input::Renewed(id, refused.clone()));
        story.pass_deadline();
    }
    story.answer_here(|id| Input::Renewed(id, refused));
    let soon = Stamp { boot: story.now.boot + SignedDuration::from_secs(20), ..story.now };
    let set_back = |hours: i64| Stamp { wall: story.now.wall - SignedDuration::from_hours(hours), ..soon };
    for (stamp, renews) in [(set_back(0), false), (set_back(1), true)] {
        let after = step(story.session.clone(), Input::TimePassed, Now { stamp, jitter: Jitter(0) });
        let name = after.session.state().name();
        assert_eq!(name == "renewing", renews, "{name}, {:?}", after.session.state().reason());
    }
}

#[test]
fn the_provider_is_told_of_a_sign_out_for_a_day_and_then_no_more() {
    let mut story = Story::of(samples::erasing());
    story.answer(10, |id| Input::Wiped(id, Ok(Wiped::Unrevoked)));
    assert!(matches!(story.effects[..], [Effect::Record(_), Effect::Revoke { which: Revoke::First, .. }]));
    let (mut tries, mut last) = (0, None);
    while last != Some(Revoke::Last) {
        story.answer_here(|id| Input::Revoked(id, Revocation::Failed(samples::offline())));
        assert_eq!(story.session.next(story.now).unwrap().action, Action::TellProvider);
        story.pass_deadline();
        let Some(Effect::Revoke { which, .. }) = story.effects.first() else { panic!("{:?}", story.effects) };
        (last, tries) = (Some(*which), tries + 1);
    }
    // Nothing is drawn here, so these are the shortest waits there are.
    assert!((50..=210).contains(&tries), "{tries}");
    assert_eq!(story.now.boot.as_secs(), 10 + 24 * 3600);
    story.answer_here(|id| Input::Revoked(id, Revocation::Done));
    assert_eq!((story.session.deadline(), story.reason()), (None, Some(Reason::SignedOut)));
}

#[test]
fn a_provider_that_says_no_is_not_told_again() {
    for failure in [samples::refused(), samples::misconfigured(), samples::bare(401, None)] {
        let mut story = Story::of(samples::revoking());
        story.answer(10, |id| Input::Revoked(id, Revocation::Failed(failure)));
        assert_eq!(story.session.deadline(), None);
    }
}

#[test]
fn a_start_that_finds_a_sign_out_nobody_was_told_of_tells_it_at_its_deadline() {
    let mut story = Story::of(samples::opening());
    story.answer(0, |id| Input::Loaded(id, Loaded::Unrevoked { since: at(-3600) }));
    assert_eq!((story.reason(), story.effects.len()), (Some(Reason::SignedOut), 0));
    story.pass_deadline();
    assert!(matches!(story.effects[..], [Effect::Revoke { which: Revoke::Again, .. }]));
    let mut story = Story::of(samples::opening());
    story.answer(0, |id| Input::Loaded(id, Loaded::Unrevoked { since: at(-25 * 3600) }));
    story.pass_deadline();
    assert!(matches!(story.effects[..], [Effect::Revoke { which: Revoke::Last, .. }]));
}

#[test]
fn a_sign_out_in_another_process_is_none_of_trouble_and_the_provider_is_told_by_that_one() {
    let asked = || Story::of(samples::after(samples::signed_in(), Input::ReloadRequested, 10));
    let mut story = asked();
    story.answer(10, |id| Input::Loaded(id, Loaded::Unrevoked { since: at(10) }));
    assert_eq!((story.session.state().name(), story.reason()), ("signed_out", Some(Reason::SignedOut)));
    assert!(matches!(story.effects[..], [Effect::Forget, Effect::Record(_)]), "{:?}", story.effects);
    story.tell(69, Input::TimePassed);
    assert!(story.effects.is_empty(), "it is still its turn");
    story.pass_deadline();
    assert!(matches!(story.effects[..], [Effect::Revoke { which: Revoke::Again, .. }]));
    assert_eq!(story.now.boot, at(70).boot);

    let mut story = asked();
    story.answer(10, |id| Input::Loaded(id, Loaded::Erased));
    assert_eq!((story.session.state().name(), story.reason()), ("signed_out", Some(Reason::SignedOut)));
    assert!(matches!(story.effects[..], [Effect::Forget, Effect::Record(_)]), "{:?}", story.effects);
    assert_eq!(story.session.deadline(), None);
}

#[test]
fn after_a_wake_a_due_renewal_waits_for_the_network_and_not_for_ever() {
    let mut story = Story::of(samples::awaiting_network());
    assert_eq!(story.reason(), Some(Reason::Network));
    let mut looks = 0;
    loop {
        story.pass_deadline();
        if !matches!(story.effects.first(), Some(Effect::Probe { .. })) {
            break;
        }
        looks += 1;
        story.answer_here(|id| Input::Probed(id, false));
    }
    assert!(matches!(story.effects[0], Effect::Renew { generation: 1, asker: Asker::Retry, .. }));
    assert!((70..=120).contains(&looks), "{looks}");
    assert_eq!(story.session.tally().failed, 0);
    let waited = story.now.boot - at(47).boot;
    assert!(waited >= policy::DOUBT_NETWORK_FOR && waited < policy::DOUBT_NETWORK_FOR * 2, "{waited:?}");
}

#[test]
fn each_change_of_the_network_puts_it_in_doubt_anew() {
    let mut story = Story::of(samples::signed_in_with(samples::facts(1, 600)));
    story.tell(250, Input::NetworkChanged);
    story.tell(400, Input::NetworkChanged);
    story.pass_deadline();
    assert!(policy::DOUBT_NETWORK_FOR < story.now.boot - at(250).boot, "the first doubt is over");
    assert_eq!(story.reason(), Some(Reason::Network));
}

fn looked(story: &Story) -> Option<Look> {
    story
        .effects
        .iter()
        .find_map(|effect| if let Effect::Probe { look, .. } = effect { Some(*look) } else { None })
}

#[test]
fn where_a_network_seems_to_be_the_renewal_itself_is_the_look_at_the_host_and_no_failure() {
    let mut story = Story::of(samples::awaiting_network());
    story.pass_deadline();
    assert_eq!(looked(&story), Some(Look::Route));
    story.answer_here(|id| Input::Probed(id, true));
    story.answer_here(|id| Input::Renewed(id, samples::failed(samples::offline())));
    assert_eq!((story.reason(), story.session.tally().failed), (Some(Reason::Network), 0));
    story.pass_deadline();
    assert_eq!(looked(&story), Some(Look::Host), "what did not get through is not tried blindly again");
    story.answer_here(|id| Input::Probed(id, true));
    story.answer_here(|id| Input::Renewed(id, samples::failed(samples::offline())));
    assert_eq!(story.session.tally().failed, 1, "a host that answers and cannot be sent to is a failure");
    story.tell(samples::since_start(story.now), Input::NetworkChanged);
    story.pass_deadline();
    assert_eq!(looked(&story), Some(Look::Route), "another network is another matter");
}

#[test]
fn a_reply_that_was_just_lost_is_not_risked_again_before_the_host_answers() {
    let mut story = Story::of(samples::probing());
    story.answer_here(|id| Input::Probed(id, true));
    story.answer_here(|id| Input::Renewed(id, samples::failed(Failure::NoReply)));
    story.pass_deadline();
    assert_eq!(looked(&story), Some(Look::Host));
}

#[test]
fn a_network_that_keeps_changing_does_not_put_a_renewal_off_for_ever() {
    let mut story = Story::of(samples::awaiting_network());
    for secs in 49..400 {
        story.tell(secs, Input::NetworkChanged);
        if story.session.deadline().is_some_and(|deadline| deadline.passed(at(secs + 1))) {
            story.tell(secs + 1, Input::TimePassed);
        }
        if matches!(story.session.state(), State::Renewing { .. }) {
            assert!(secs <= 48 + policy::DOUBT_NETWORK_FOR.as_secs());
            return;
        }
        if story.session.deadline().is_none() {
            story.answer(secs + 1, |id| Input::Probed(id, false));
        }
    }
    panic!("it never renewed");
}

#[test]
fn a_change_of_the_network_ends_the_waits_that_the_network_caused_and_no_others() {
    let portal = samples::bare(200, None);
    for (failure, ends) in [
        (samples::offline(), true),
        (Failure::NoReply, true),
        (portal, true),
        (samples::bare(503, None), false),
        (samples::bare(429, Some(120)), false),
        (samples::misconfigured(), false),
    ] {
        let mut story = Story::of(samples::renewing());
        for _ in 0..5 {
            story.answer_here(|id| Input::Renewed(id, samples::failed(failure.clone())));
            story.tell(48, Input::RenewRequested(Asker::Person));
        }
        story.answer_here(|id| Input::Renewed(id, samples::failed(failure.clone())));
        let before = story.session.deadline().unwrap();
        story.tell(49, Input::NetworkChanged);
        let after = story.session.deadline().unwrap();
        assert_eq!(after.left(story.now) < SignedDuration::from_secs(1), ends, "{failure:?}");
        assert_eq!(after == before, !ends, "{failure:?}");
        assert_eq!(story.reason() == Some(Reason::Network), ends, "{failure:?}");
    }
}

#[test]
fn a_network_that_keeps_changing_makes_no_series_of_lost_replies() {
    let mut story = Story::of(samples::renewing());
    let mut sent = 0;
    for secs in 50..50 + policy::DOUBT_NETWORK_FOR.as_secs() {
        story.tell(secs, Input::NetworkChanged);
        if story.session.deadline().is_some_and(|deadline| deadline.passed(at(secs))) {
            story.tell(secs, Input::TimePassed);
        }
        if story.reason() == Some(Reason::Network) && story.session.deadline().is_none() {
            story.answer(secs, |id| Input::Probed(id, true));
        }
        if matches!(story.session.state(), State::Renewing { .. }) {
            sent += 1;
            story.answer(secs, |id| Input::Renewed(id, samples::failed(Failure::NoReply)));
        }
    }
    assert!((5..=20).contains(&sent), "as many as without the changes: {sent}");
}

#[test]
fn the_sign_in_page_of_a_network_just_joined_is_asked_again_soon_and_not_for_ever() {
    let mut story = Story::of(samples::probing());
    story.answer_here(|id| Input::Probed(id, true));
    let mut waits = Vec::new();
    while waits.len() < 240 {
        story.answer_here(|id| Input::Renewed(id, samples::failed(samples::bare(200, None))));
        waits.push(story.session.deadline().unwrap().left(story.now));
        story.pass_deadline();
    }
    let soon = waits.iter().take_while(|wait| **wait == policy::PROBE_PAUSE).count();
    assert!((190..=201).contains(&soon), "{waits:?}");
    assert!(waits[239] > policy::PROBE_PAUSE * 2, "it is backed off from then on: {waits:?}");
}

#[test]
fn a_token_that_ended_under_a_closed_lid_is_tried_for_as_soon_as_one_that_just_ended() {
    let mut story = Story::of(samples::after(samples::signed_in(), Input::TimePassed, 100_000));
    for _ in 0..8 {
        story.answer_here(|id| Input::Renewed(id, samples::failed(samples::bare(503, None))));
        let wait = story.session.deadline().unwrap().left(story.now);
        assert!(wait <= policy::MAX_BACKOFF, "{wait:?}");
        story.now = story.session.deadline().unwrap();
        story.pass_deadline();
    }
}

#[test]
fn a_program_cuts_a_wait_short_after_a_third_of_it_and_no_sooner() {
    let expired = samples::after(samples::backing_off(), Input::TimePassed, 100_000);
    let mut story = Story::of(expired);
    for _ in 0..12 {
        story.answer(100_000, |id| Input::Renewed(id, samples::failed(samples::offline())));
        story.tell(100_000, Input::RenewRequested(Asker::Person));
    }
    story.answer(112_000, |id| Input::Renewed(id, samples::failed(samples::offline())));
    let whole = story.session.deadline().unwrap().left(story.now).as_secs();
    assert!(whole >= 400, "{whole}");
    story.tell(112_000 + whole / 3 - 1, Input::RenewRequested(Asker::Program));
    assert!(story.effects.is_empty());
    story.tell(112_000 + whole / 3 + 1, Input::RenewRequested(Asker::Program));
    assert!(matches!(story.effects[0], Effect::Renew { asker: Asker::Program, .. }));
}
