//! Lives of a session in which something goes wrong: what is waited out, and what ends it.

use jiff::SignedDuration;

use super::story::Story;
use crate::freshness;
use crate::policy::{self, MAX_BACKOFF_EXPIRED};
use crate::reason::Reason;
use crate::session::samples::{self, LIFETIME, at};
use crate::session::{Asker, Effect, Headline, Input, Loaded, Notice};
use crate::session::{Renewal, State};
use crate::token_set::{Clock, Source, TokenFacts};

#[test]
fn answers_without_a_verdict_are_waited_out_four_times() {
    let mut story = Story::of(samples::renewing());
    let mut waited = Vec::new();
    for _ in 0..policy::UNCLEAR_ANSWERS {
        story.answer_here(|id| Input::Renewed(id, samples::failed(samples::bare(401, None))));
        assert_eq!(story.reason(), Some(Reason::Unclear { status: 401, said: None }));
        assert_eq!(story.session.state().name(), "waiting");
        waited.push(story.session.deadline().unwrap().left(story.now));
        story.pass_deadline();
    }
    assert!(waited.is_sorted() && waited[0] < waited[3], "growing waits: {waited:?}");
    story.answer_here(|id| Input::Renewed(id, samples::failed(samples::bare(401, None))));
    assert_eq!(
        story.session.state(),
        &State::NeedsSignIn { reason: Reason::Unclear { status: 401, said: None } }
    );
    assert_eq!(story.held(), Some(1), "the tokens are kept");
}

#[test]
fn a_success_makes_answers_without_a_verdict_forgotten() {
    let mut story = Story::of(samples::renewing_after_unclear_answers());
    story.renewed(145, 2);
    story.pass_deadline();
    story.answer_here(|id| Input::Renewed(id, samples::failed(samples::bare(401, None))));
    assert_eq!(story.session.state().name(), "waiting");
}

#[test]
fn retry_after_wins_over_the_own_back_off() {
    let mut story = Story::of(samples::renewing());
    story.answer(48, |id| Input::Renewed(id, samples::failed(samples::bare(429, Some(120)))));
    assert_eq!(story.session.deadline(), Some(at(168)), "longer than any own wait");
    story.tell(100, Input::RenewRequested(Asker::Program));
    assert!(story.effects.is_empty(), "programs wait with everybody else");
    story.tell(100, Input::RenewRequested(Asker::Person));
    assert!(matches!(story.effects[0], Effect::Renew { .. }), "a person may try");
}

#[test]
fn waits_grow_while_the_provider_is_out_of_reach_and_nothing_is_lost() {
    let mut story = Story::of(samples::renewing());
    let mut longest = SignedDuration::ZERO;
    for _ in 0..30 {
        story.answer_here(|id| Input::Renewed(id, samples::failed(samples::offline())));
        let wait = story.session.deadline().unwrap().left(story.now);
        assert!(wait >= longest && wait <= MAX_BACKOFF_EXPIRED, "{wait:?}");
        longest = wait;
        assert_eq!(story.held(), Some(1));
        story.pass_deadline();
    }
    assert_eq!(story.session.tally().failed, 30);
    let secs = samples::since_start(story.now);
    story.renewed(secs, 2);
    assert_eq!((story.published(), story.session.state()), (vec![2], &State::SignedIn));
}

#[test]
fn a_wrongly_configured_account_keeps_its_tokens() {
    let mut story = Story::of(samples::renewing());
    story.answer(48, |id| Input::Renewed(id, samples::failed(samples::misconfigured())));
    assert_eq!(story.reason(), Some(Reason::Misconfigured { status: 401, said: None }));
    assert_eq!((story.session.state().name(), story.held()), ("waiting", Some(1)));
    assert!(story.notices().is_empty(), "no new sign-in would help");
}

#[test]
fn a_backend_that_comes_up_and_knows_no_address_for_a_moment_is_asked_again_before_the_token_ends() {
    for failure in [samples::bare(404, None), samples::misconfigured()] {
        let mut story = Story::of(samples::renewing());
        story.answer(48, |id| Input::Renewed(id, samples::failed(failure)));
        story.pass_deadline();
        assert!(story.now.boot.as_secs() < LIFETIME, "asked again at {} s", story.now.boot.as_secs());
        story.renewed(51, 2);
        assert_eq!(story.published(), [2]);
    }
}

#[test]
fn a_misconfiguration_that_lasts_is_asked_for_less_and_less_often() {
    let mut story = Story::of(samples::renewing());
    let mut asked = 0;
    while story.now.boot.as_secs() < 48 + 86_400 {
        story.answer_here(|id| Input::Renewed(id, samples::failed(samples::misconfigured())));
        story.pass_deadline();
        asked += 1;
    }
    // Nothing is drawn here, so these are the shortest waits there are.
    assert!(asked < 250, "{asked} requests in a day");
}

#[test]
fn a_backend_that_refuses_without_a_word_for_a_minute_ends_no_session() {
    for lifetime in [LIFETIME, 300, 3600, 86_400] {
        let facts = samples::facts(1, lifetime);
        let mut story = Story::of(samples::signed_in_with(facts));
        story.pass_deadline();
        let begun = story.now;
        while story.session.state().name() != "needs_sign_in" {
            story.answer_here(|id| Input::Renewed(id, samples::failed(samples::bare(401, None))));
            if story.session.state().name() == "waiting" {
                story.pass_deadline();
            }
        }
        let (lasted, had) = (begun.age(story.now), at(lifetime).left(begun));
        assert!(lasted >= SignedDuration::from_secs(80), "{lasted:?} of {lifetime} s");
        // A person is told while the token in hand still serves, where it serves for long.
        assert!(had < SignedDuration::from_mins(10) || lasted < had / 2, "{lasted:?} of {had:?}");
    }
}

#[test]
fn a_person_who_tries_again_and_again_ends_no_session() {
    let mut story = Story::of(samples::renewing());
    for _ in 0..20 {
        story.answer(48, |id| Input::Renewed(id, samples::failed(samples::bare(403, None))));
        assert_eq!(story.session.state().name(), "waiting");
        story.tell(48, Input::RenewRequested(Asker::Person));
    }
}

#[test]
fn a_refresh_token_that_had_run_out_is_told_as_such() {
    let end = |secs| Some(Clock { expires: at(secs), source: Source::RefreshExpiresIn });
    let facts = |refresh| TokenFacts { refresh, ..samples::facts(1, LIFETIME) };
    for (refresh, told) in
        [(end(LIFETIME), Reason::Idle), (end(LIFETIME + 1), Reason::Refused { said: None })]
    {
        let mut story = Story::of(samples::signed_in_with(facts(refresh)));
        story.tell(LIFETIME, Input::TimePassed);
        story.answer(LIFETIME, |id| Input::Renewed(id, samples::failed(samples::refused())));
        assert_eq!(story.session.state(), &State::NeedsSignIn { reason: told });
    }
}

#[test]
fn the_end_that_the_provider_set_is_told_as_such() {
    let ceiling = Clock { expires: at(LIFETIME), source: Source::SessionExpiry };
    let mut story = Story::of(samples::signed_in_with(TokenFacts {
        session: Some(ceiling),
        ..samples::facts(1, LIFETIME)
    }));
    assert_eq!(story.session.headline(at(0)), Headline::SignInAgainBy(at(LIFETIME).wall));
    story.tell(LIFETIME, Input::TimePassed);
    story.answer(LIFETIME, |id| Input::Renewed(id, samples::failed(samples::refused())));
    assert_eq!(story.session.state(), &State::NeedsSignIn { reason: Reason::CeilingReached });
    assert_eq!(story.notices(), [Notice::SignInNeeded(Reason::CeilingReached)]);
}

#[test]
fn a_session_whose_end_a_reading_may_move_asks_for_no_sign_in_until_it_is_seen_not_to() {
    let end = Clock { expires: at(LIFETIME), source: Source::SessionExpiry };
    let facts = TokenFacts { access: end, session: Some(end), ..samples::facts(1, LIFETIME) };
    let mut story = Story::of(samples::signed_in_with(facts.clone()));
    assert_eq!(story.session.headline(at(0)), Headline::SignedInUntil(at(LIFETIME).wall));
    story.tell(50, Input::TimePassed);
    let same = TokenFacts { generation: 2, received: at(50), ..facts };
    story.answer(50, |id| Input::Renewed(id, Renewal::Done { facts: same, took_ms: 1 }));
    assert_eq!(story.session.headline(at(50)), Headline::SignInAgainBy(at(LIFETIME).wall));
}

#[test]
fn the_access_token_is_served_until_it_expires_after_a_refusal() {
    let mut story = Story::of(samples::needs_sign_in());
    let held = story.session.held().unwrap();
    assert!(freshness::covers(&held.facts, SignedDuration::ZERO, at(59)));
    assert!(!held.facts.renewable());
    assert_eq!(story.session.headline(at(59)), Headline::SignInAgainBy(at(LIFETIME).wall));
    assert_eq!(story.session.next(at(59)).unwrap().at, Some(at(LIFETIME)));
    assert_eq!(story.session.headline(at(60)), Headline::NeedsSignIn);
    for input in [Input::TimePassed, Input::RenewRequested(Asker::Person)] {
        story.tell(59, input);
        assert!(story.effects.is_empty(), "the refused token is not sent again");
    }
}

#[test]
fn tokens_that_cannot_be_renewed_end_at_their_expiry() {
    let mut story = Story::of(samples::signed_in_not_renewable());
    assert_eq!(story.session.headline(at(0)), Headline::SignInAgainBy(at(LIFETIME).wall));
    story.tell(59, Input::TimePassed);
    story.tell(59, Input::RenewRequested(Asker::Person));
    assert_eq!((story.session.state(), story.effects.len()), (&State::SignedIn, 0));
    story.tell(60, Input::TimePassed);
    assert_eq!(story.session.state(), &State::NeedsSignIn { reason: Reason::NotRenewable });
    assert_eq!(story.notices(), [Notice::SignInNeeded(Reason::NotRenewable)]);
}

/// A command acts at no moment of a plan: what it finds is to be what it says.
#[test]
fn tokens_that_cannot_be_renewed_and_are_found_after_their_end_need_a_sign_in_at_once() {
    let (opening, watching) = (samples::opening(), samples::signed_in_not_renewable());
    let watching = samples::after(watching, Input::ReloadRequested, 61);
    for (session, state) in [(opening, "found at the start"), (watching, "read again")] {
        let found = |id| Input::Loaded(id, Loaded::Found(samples::not_renewable(0, 1, LIFETIME)));
        let after = samples::answered(session, found, 61);
        assert_eq!(after.state(), &State::NeedsSignIn { reason: Reason::NotRenewable }, "{state}");
    }
    let early = |id| Input::Loaded(id, Loaded::Found(samples::not_renewable(0, 1, LIFETIME)));
    assert_eq!(samples::answered(samples::opening(), early, 59).state(), &State::SignedIn);
}

#[test]
fn tokens_that_vanished_from_the_vault_are_not_served_any_more() {
    let mut story = Story::of(samples::renewing());
    story.answer(48, |id| Input::Renewed(id, Renewal::Absent));
    assert_eq!((story.held(), story.reason()), (None, Some(Reason::VaultEmpty)));
    assert!(story.effects.contains(&Effect::Forget));
    assert_eq!(story.notices(), [Notice::SignInNeeded(Reason::VaultEmpty)]);
}
