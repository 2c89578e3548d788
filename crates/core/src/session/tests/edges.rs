//! What only the very edge of a rule tells apart.

use jiff::SignedDuration;

use crate::account::AccountName;
use crate::limits::Limits;
use crate::policy::{self, Policy, WITHOUT_END};
use crate::reason::{Reason, VaultProblem};
use crate::session::samples::{self, at};
use crate::session::{
    Action, Asker, Authenticated, Effect, EffectId, Headline, Input, Loaded, Renewal, Revocation, Session,
    State, open, step,
};
use crate::time::{Jitter, Now, Stamp};
use crate::token_set::{Clock, Source, TokenFacts};

use super::story::Story;

fn calm(stamp: Stamp) -> Now {
    Now { stamp, jitter: Jitter(0) }
}

#[test]
fn the_record_of_a_renewal_says_why_it_is_and_which_generation_it_replaces() {
    let mut story = Story::of(samples::signed_in());
    story.pass_deadline();
    let told = |effect: &Effect| {
        let Effect::Record(record) = effect else { return None };
        Some((record.kind, record.generation, record.message.clone()))
    };
    let records: Vec<_> = story.effects.iter().filter_map(told).collect();
    assert_eq!(records, [("renewing", Some(1), "Renewing as planned".to_owned())]);
}

#[test]
fn the_record_of_a_wait_for_the_network_says_what_is_held_and_when_it_is_looked() {
    let mut story = Story::of(samples::signed_in());
    story.tell(47, Input::NetworkChanged);
    story.tell(48, Input::TimePassed);
    let told = |effect: &Effect| {
        let Effect::Record(record) = effect else { return None };
        Some((record.kind, record.generation, record.reason, record.next_at))
    };
    let records: Vec<_> = story.effects.iter().filter_map(told).collect();
    let looks = story.session.deadline().unwrap().wall;
    assert_eq!(records, [("network_awaited", Some(1), Some(Reason::Network.code()), Some(looks))]);
}

#[test]
fn accounts_that_wake_together_look_at_the_network_one_after_the_other() {
    let session = samples::after(samples::signed_in(), Input::NetworkChanged, 47);
    let looks = |jitter| {
        let now = Now { stamp: at(48), jitter: Jitter(jitter) };
        step(session.clone(), Input::TimePassed, now).session.deadline().unwrap().left(at(48))
    };
    assert_eq!(looks(0), policy::FIRST_LOOK);
    assert_eq!(looks(1 << 15), policy::FIRST_LOOK + policy::WAKE_SPREAD / 2);
}

#[test]
fn a_network_is_in_doubt_for_so_long_and_not_a_moment_longer() {
    let fresh = samples::signed_in_with(samples::facts(1, 600));
    let due = fresh.deadline().unwrap();
    let waits = |ago: SignedDuration| {
        let changed = step(fresh.clone(), Input::NetworkChanged, calm(due.plus(-ago))).session;
        let after = step(changed, Input::TimePassed, calm(due)).session;
        matches!(after.state(), State::Waiting { reason: Reason::Network, .. })
    };
    let moment = SignedDuration::from_nanos(1);
    assert!(waits(policy::DOUBT_NETWORK_FOR - moment));
    assert!(!waits(policy::DOUBT_NETWORK_FOR));
}

#[test]
fn only_a_renewal_without_a_known_reply_is_unanswered() {
    assert!(samples::unanswered().unanswered());
    for session in
        [samples::signed_in(), samples::renewing(), samples::signed_out(), samples::needs_sign_in()]
    {
        assert!(!session.unanswered());
    }
}

#[test]
fn only_what_a_sign_out_could_not_erase_is_erasing() {
    assert!(samples::erase_owed().erasing());
    for session in
        [samples::signed_in(), samples::signed_out(), samples::end_owed(), samples::revocation_owed()]
    {
        assert!(!session.erasing());
    }
}

#[test]
fn an_answer_is_awaited_by_its_effect_alone() {
    let (session, earlier) = (samples::renewing(), samples::awaited(&samples::signing_in()));
    let answer = |id| Input::Renewed(id, Renewal::LockBusy);
    assert!(session.awaits(&answer(samples::awaited(&session))));
    assert!(!session.awaits(&answer(earlier)) && !session.awaits(&Input::TimePassed));
    assert!(!samples::signed_in().awaits(&answer(earlier)));
}

/// Its account has a session that ends after 40 s without use.
#[test]
fn the_end_of_a_session_takes_nothing_from_a_new_sign_in_that_waits_to_be_stored_unless_that_is_over_too() {
    let signs_in = samples::after(samples::limited(), Input::SignInRequested, 30);
    let unsaved = Authenticated::Unsaved(samples::facts_at(30, 2, 60), VaultProblem::Locked);
    let waits = samples::answered(signs_in, |id| Input::Authenticated(id, unsaved), 30);
    let name = |secs| samples::after(waits.clone(), Input::TimePassed, secs).state().name();
    assert_eq!((name(40), name(69), name(70)), ("saving", "saving", "waiting"));
}

#[test]
fn a_token_of_which_nobody_knows_an_end_asks_for_no_new_sign_in() {
    let headline = |lifetime| {
        let access = Clock { expires: at(0).plus(lifetime), source: Source::Assumed };
        let facts = TokenFacts { access, ..samples::not_renewable(0, 1, 60) };
        samples::signed_in_with(facts).headline(at(1))
    };
    assert_eq!(headline(WITHOUT_END), Headline::SignedIn);
    let shorter = WITHOUT_END - SignedDuration::from_nanos(1);
    assert_eq!(headline(shorter), Headline::SignInAgainBy(at(0).plus(shorter).wall));
}

#[test]
fn the_ceiling_is_the_nearer_end_of_the_providers_and_the_accounts_own() {
    assert_eq!(samples::signed_in().ceiling(), None);
    let own = samples::limited();
    assert_eq!(own.ceiling(), Some(Clock { expires: at(40), source: Source::Policy }));
    let ends = |secs| Clock { expires: at(secs), source: Source::SessionExpiry };
    let facts = |secs| TokenFacts { session: Some(ends(secs)), ..samples::facts(1, 60) };
    assert_eq!(samples::signed_in_with(facts(500)).ceiling(), Some(ends(500)));
}

#[test]
fn an_end_that_could_not_be_sealed_is_told_to_be_tried_again() {
    let session = samples::end_owed();
    assert_eq!(session.next(at(40)).map(|next| next.action), Some(Action::RetryErase));
}

/// Signed in at zero; the account allows so many seconds, the provider so many.
fn limited(rolling: bool, own: i64, provider: Option<i64>) -> Session {
    let limits = Limits { max_age: Some(SignedDuration::from_secs(own)), rolling, ..Limits::default() };
    let opening =
        open(AccountName::new("work").unwrap(), Policy { limits, ..Policy::default() }, calm(at(0))).session;
    let ends = |secs| Clock { expires: at(secs), source: Source::SessionExpiry };
    let facts = TokenFacts { session: provider.map(ends), ..samples::facts(1, 60) };
    samples::answered(opening, |id| Input::Loaded(id, Loaded::Found(facts)), 0)
}

#[test]
fn the_headline_names_the_nearer_end_and_a_new_sign_in_once_that_is_near() {
    let headline = |session: &Session, now| session.headline(now);
    let fixed = limited(false, 4000, None);
    let warns = fixed.end().unwrap().warns();
    let moment = SignedDuration::from_nanos(1);
    assert_eq!(headline(&fixed, warns.plus(-moment)), Headline::SignedInUntil(at(4000).wall));
    assert_eq!(headline(&fixed, warns), Headline::SignInAgainBy(at(4000).wall));
    let rolling = limited(true, 4000, None);
    assert_eq!(headline(&rolling, at(3999)), Headline::SignedInUntil(at(4000).wall));
    assert_eq!(headline(&limited(true, 4000, Some(5000)), at(1)), Headline::SignedInUntil(at(4000).wall));
    assert_eq!(headline(&limited(true, 4000, Some(3000)), at(1)), Headline::SignedInUntil(at(3000).wall));
    assert_eq!(headline(&limited(false, 4000, Some(4000)), at(3999)), Headline::SignedInUntil(at(4000).wall));
}

#[test]
fn what_comes_next_is_the_end_where_that_is_before_the_renewal() {
    let next = |own| limited(true, own, None).next(at(1)).map(|next| next.action);
    assert_eq!(next(40), Some(Action::End));
    assert_eq!(next(48), Some(Action::End), "the renewal is planned for the same moment");
    assert_eq!(next(49), Some(Action::Renew));
}

#[test]
fn what_another_process_received_later_is_adopted_and_what_it_received_earlier_is_not() {
    let adopts = |facts| {
        let asked =
            samples::after(samples::signed_in_with(samples::facts_at(10, 3, 60)), Input::ReloadRequested, 20);
        let after = samples::answered(asked, |id| Input::Loaded(id, Loaded::Found(facts)), 20);
        after.held().unwrap().facts.generation
    };
    assert_eq!(adopts(samples::facts_at(5, 4, 60)), 4, "a later generation");
    assert_eq!(adopts(samples::facts_at(15, 1, 60)), 1, "the first one after a sign-out elsewhere");
    assert_eq!(adopts(samples::facts_at(5, 1, 60)), 3, "an earlier one");
}

#[test]
fn a_renewal_that_bought_half_of_the_lifetime_was_worth_it() {
    let worthless = |secs| {
        let mut story = Story::of(samples::signed_in());
        story.tell(secs, Input::TokenRejected(samples::access_fingerprint(1)));
        story.renewed(secs, 2);
        story.session.storm
    };
    assert_eq!((worthless(29), worthless(30), worthless(31)), (1, 0, 0));
}

#[test]
fn a_renewal_that_is_stored_at_last_is_counted() {
    let saved = samples::answered(samples::saving_again(), |id| Input::Saved(id, Ok(())), 49);
    assert_eq!(saved.tally().count, samples::signed_in().tally().count + 1);
}

#[test]
fn a_provider_that_cannot_be_told_is_asked_again_after_growing_waits() {
    let mut story = Story::of(samples::revoking());
    let mut waits = Vec::new();
    for _ in 0..3 {
        story.answer_here(|id| Input::Revoked(id, Revocation::Failed(samples::offline())));
        waits.push(story.session.deadline().unwrap().left(story.now));
        story.pass_deadline();
    }
    let expected = [1, 2, 3].map(|tries| policy::backoff(tries, policy::MAX_BACKOFF_EXPIRED, Jitter(0)));
    assert_eq!(waits, expected);
}

#[test]
fn what_stands_in_the_way_here_is_looked_at_more_often_than_a_provider_is_asked() {
    let longest_wait = |answer: &dyn Fn(EffectId) -> Input| {
        let mut story = Story::of(samples::signed_in_with(samples::facts(1, 30 * 86_400)));
        story.tell(48, Input::RenewRequested(Asker::Person));
        let waits = (0..12).map(|_| {
            story.answer_here(answer);
            let wait = story.session.deadline().unwrap().left(story.now);
            story.pass_deadline();
            wait
        });
        waits.max().unwrap()
    };
    let locked = longest_wait(&|id| Input::Renewed(id, Renewal::NoVault(VaultProblem::Locked)));
    let busy = longest_wait(&|id| Input::Renewed(id, samples::failed(samples::bare(503, None))));
    assert!(locked <= policy::MAX_BACKOFF && policy::MAX_BACKOFF < busy, "{locked} {busy}");
}

#[test]
fn a_lost_reply_for_tokens_that_are_no_longer_in_hand_is_not_asked_for() {
    let session = samples::signed_in_with(samples::facts_at(10, 3, 60));
    let told = |facts| {
        let asked = samples::after(session.clone(), Input::ReloadRequested, 20);
        samples::answered(asked, |id| Input::Loaded(id, Loaded::Unanswered(facts)), 20)
    };
    assert_eq!(told(samples::facts_at(5, 1, 60)).deadline(), session.deadline());
    assert_ne!(
        told(samples::facts_at(10, 3, 60)).deadline(),
        session.deadline(),
        "those in hand are asked for"
    );
}

/// What the vault says is put on the clocks as they are then: a clock that was set, and already the moment between two
/// looks at the clocks, moves when the very same tokens were received.
#[test]
fn the_very_tokens_in_hand_are_no_news_however_the_clocks_were_set() {
    for wall in [SignedDuration::from_nanos(1), SignedDuration::from_hours(1)] {
        for boot in [SignedDuration::ZERO, SignedDuration::from_nanos(1)] {
            for before in [samples::signed_in(), samples::backing_off(), samples::needs_sign_in()] {
                let mut found = before.held().unwrap().facts.clone();
                let Stamp { wall: received, boot: then } = found.received;
                found.received = Stamp { wall: received + wall, boot: then + boot };
                found.quarantined = None;
                let asked = samples::after(before.clone(), Input::ReloadRequested, 48);
                let after = samples::answered(asked, |id| Input::Loaded(id, Loaded::Found(found)), 48);
                assert_eq!(after.state(), before.state());
                assert_eq!(after.failures, before.failures, "a wait is not forgotten");
            }
        }
    }
}
