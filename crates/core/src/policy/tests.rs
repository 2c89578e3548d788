//! When things are due, and how long is waited.

use super::*;
use crate::session::samples;
use crate::token_set::Clock;
use proptest::prelude::*;

fn now(secs: i64, draw: u16) -> Now {
    Now { stamp: samples::at(secs), jitter: Jitter(draw) }
}

#[test]
fn a_token_of_a_minute_renews_between_45_and_48_seconds() {
    for draw in [0, 1, u16::MAX / 2, u16::MAX] {
        let plan = Policy::default().plan(&samples::facts(1, 60), None, now(0, draw));
        let due = plan.due.left(samples::at(0)).as_secs_f64();
        assert!((45.0..=48.0).contains(&due), "{due}");
    }
}

#[test]
fn a_token_of_a_day_renews_about_an_hour_ahead() {
    let plan = Policy::default().plan(&samples::facts(1, 86_400), None, now(0, 0));
    assert_eq!(plan.due.left(samples::at(0)).as_secs(), 86_400 - 3_600);
    assert_eq!(plan.basis, Basis::AnHour);
}

#[test]
fn a_token_that_arrives_expired_is_not_renewed_in_a_loop() {
    let plan = Policy::default().plan(&samples::facts(1, 0), None, now(0, 0));
    assert_eq!(plan.due.left(samples::at(0)), EXPIRED_ON_ARRIVAL);
}

#[test]
fn near_a_fixed_ceiling_shorter_and_shorter_tokens_are_not_chased() {
    let ceiling = Clock { expires: samples::at(60), source: Source::SessionExpiry };
    let before = TokenFacts { session: Some(ceiling), ..samples::facts(1, 60) };
    let first = Policy::default().plan(&before, None, now(0, 0));
    assert_eq!(first.due.left(samples::at(0)).as_secs(), 48, "a rolling session may move its ceiling");
    let clipped = TokenFacts { generation: 2, received: samples::at(48), ..before.clone() };
    let plan = Policy::default().plan(&clipped, Some(&before), now(48, 0));
    assert_eq!((plan.basis, plan.due.left(samples::at(0)).as_secs()), (Basis::Ceiling, 60));
    let moved = Clock { expires: samples::at(108), source: Source::SessionExpiry };
    let rolled = TokenFacts { session: Some(moved), access: moved, ..clipped };
    assert_eq!(Policy::default().plan(&rolled, Some(&before), now(48, 0)).basis, Basis::FifthOfLifetime);
}

#[test]
fn a_renewal_before_its_time_says_nothing_of_the_ceiling() {
    let ceiling = Clock { expires: samples::at(60), source: Source::SessionExpiry };
    let before = TokenFacts { session: Some(ceiling), ..samples::facts(1, 60) };
    for (renewed_at, basis) in
        [(5, Basis::FifthOfLifetime), (40, Basis::FifthOfLifetime), (47, Basis::Ceiling)]
    {
        let clipped = TokenFacts { generation: 2, received: samples::at(renewed_at), ..before.clone() };
        let plan = Policy::default().plan(&clipped, Some(&before), now(renewed_at, 0));
        assert_eq!(plan.basis, basis, "renewed at {renewed_at}");
    }
}

#[test]
fn only_a_token_that_is_renewed_ends_by_a_guess_unless_the_account_says_how_long_it_lives() {
    let usual = Policy::default();
    assert_eq!((usual.lifetime_untold(true), usual.lifetime_untold(false)), (ASSUMED_LIFETIME, WITHOUT_END));
    // What is usual counts as well, where the account says it.
    for told in [SignedDuration::from_hours(8), ASSUMED_LIFETIME] {
        let says = Policy { assumed_lifetime: Some(told), ..usual.clone() };
        assert_eq!((says.lifetime_untold(true), says.lifetime_untold(false)), (told, told));
    }
}

#[test]
fn durations_read_as_people_say_them() {
    for (secs, words) in [(0, "0 ms"), (59, "59 s"), (60, "1 min"), (3_900, "1 h 5 min"), (90_000, "1 d 1 h")]
    {
        assert_eq!(in_words(SignedDuration::from_secs(secs)), words);
    }
}

proptest! {
    #[test]
    fn due_is_never_in_the_past_after_expiry_or_in_the_first_half(
        lifetime in 1_i64..100_000_000, asked in prop::option::of(-10_i64..200_000_000), draw: u16, late in 0_i64..1000,
    ) {
        let policy = Policy { renew_before: asked.map(SignedDuration::from_secs), ..Policy::default() };
        let facts = samples::facts(1, lifetime);
        let now = now(late.min(lifetime), draw);
        let plan = policy.plan(&facts, None, now);
        prop_assert!(plan.due.left(now.stamp) >= SignedDuration::ZERO, "in the past");
        prop_assert!(facts.access.expires.left(plan.due) >= SignedDuration::ZERO, "after expiry");
        let from_start = plan.due.left(facts.received);
        prop_assert!(from_start * 2 >= SignedDuration::from_secs(lifetime), "in the first half: {from_start:?}");
    }

    #[test]
    fn backoff_grows_and_is_bounded(failures in 1_u32.., left in -100_000_i64..100_000, failing in 0_i64..100_000, draw: u16) {
        let longest = longest_backoff(SignedDuration::from_secs(left), SignedDuration::from_secs(failing));
        let wait = backoff(failures, longest, Jitter(draw));
        prop_assert!(wait >= SignedDuration::from_millis(500) && wait <= longest);
        prop_assert!(backoff(failures.saturating_add(1), longest, Jitter(0)) >= backoff(failures, longest, Jitter(0)));
    }

    #[test]
    fn a_day_of_outage_is_at_most_200_tries_whatever_the_lifetime(margin in 10_i64..3600, draws: [u16; 16]) {
        let (mut since, mut failures) = (SignedDuration::ZERO, 0_u32);
        while since < SignedDuration::from_hours(24) {
            failures += 1;
            let left = SignedDuration::from_secs(margin) - since;
            let draw = draws[failures as usize % draws.len()];
            // Draws are fair: a draw and its opposite take turns.
            let draw = if failures / 16 % 2 == 0 { draw } else { u16::MAX - draw };
            since += backoff(failures, longest_backoff(left, since), Jitter(draw));
        }
        prop_assert!(failures <= 200, "{failures}");
    }

    #[test]
    fn the_end_of_an_outage_is_noticed_within_a_tenth_of_it_or_half_a_minute(
        failures in 1_u32.., failing in 0_i64..12_000, asleep in 0_i64..100_000, draw: u16,
    ) {
        let failing = SignedDuration::from_secs(failing);
        let left = -failing - SignedDuration::from_secs(asleep);
        let wait = backoff(failures, longest_backoff(left, failing), Jitter(draw));
        prop_assert!(wait <= MAX_BACKOFF.max(failing / 10), "{wait:?}");
    }

    #[test]
    fn saving_is_tried_again_soon_and_for_ever(failures in 1_u32..) {
        let wait = save_backoff(failures);
        prop_assert!(wait >= SignedDuration::from_millis(200) && wait <= SignedDuration::from_secs(30));
    }
}
