//! Weeks with a laptop, in virtual time. A run that fails prints its seed; the seed goes into the list.

use latchkey_tests::simulation::backend::{Backend, Rules};
use latchkey_tests::simulation::engine_run::{live, live_with};
use latchkey_tests::simulation::figures;
use latchkey_tests::simulation::host::Sabotage;
use latchkey_tests::simulation::latchkey::Latchkey;
use latchkey_tests::simulation::policy_run::{Loss, live_through};
use latchkey_tests::simulation::table::Comparison;
use latchkey_tests::simulation::world::World;
use latchkey_tests::simulation::{DAY, HOUR, MINUTE, SECOND};

/// How many times shorter than with the best other, at least (docs/performance.md has the figures).
const TIMES: f64 = 3.0;

/// Seeds that showed something once, the days it took, and what it was. They run first.
const REGRESSIONS: &[(u64, i64, &str)] =
    &[(319, 8, "tokens stored by a wall clock that was ahead, read by one that was right")];

fn lives_through(seed: u64, days: i64) {
    let tally = live(seed, days);
    let (broken, story) = (&tally.broken, &tally.story);
    assert!(broken.is_empty(), "seed {seed}, {days} days: {broken:#?}\nbefore that:\n{story}");
    assert!(tally.commands.1 > 0 && tally.requests > 0, "seed {seed}: nothing happened: {tally:?}");
}

#[test]
fn what_failed_once_holds() {
    for (seed, days, what) in REGRESSIONS {
        eprintln!("seed {seed}: {what}");
        lives_through(*seed, *days);
    }
}

#[test]
fn no_token_outlives_itself_by_more_than_its_lifetime_however_the_clock_is_set() {
    let tally = live(319, 8);
    assert_eq!((tally.outlived, tally.stale), (0, 0), "{:#?}", tally.remarks);
}

// One test for each pair of seeds: they run side by side, and each stays far from the time limit on a busy machine.

#[test]
fn the_engine_keeps_its_promises_through_weeks_of_a_laptops_life() {
    lives_through(1, 14);
    lives_through(2, 14);
}

#[test]
fn the_engine_keeps_its_promises_through_other_weeks() {
    lives_through(3, 14);
    lives_through(4, 14);
}

#[test]
fn the_engine_keeps_its_promises_through_yet_other_weeks() {
    lives_through(5, 14);
    lives_through(6, 14);
}

#[test]
fn a_machine_that_breaks_its_own_promises_is_noticed() {
    for sabotage in [Sabotage::OpenLock, Sabotage::ForgetfulVault, Sabotage::BlindVault] {
        let broken = (1..=4).find_map(|seed| live_with(seed, 14, Some(sabotage)).broken.into_iter().next());
        assert!(broken.is_some(), "{sabotage:?} was not noticed");
        eprintln!("{sabotage:?}: {broken:?}");
    }
}

#[test]
fn a_session_that_stands_still_is_noticed() {
    let broken = live_with(1, 14, Some(Sabotage::ShutVault)).broken;
    assert!(broken.iter().any(|what| what.contains("I9")), "{broken:#?}");
}

#[test]
fn ours_gives_up_no_session_that_the_backend_would_have_renewed() {
    let mut refused = 0;
    for (seed, access) in [(11, HOUR), (12, 5 * MINUTE)] {
        let rules = Rules { access, idle: 30 * DAY, ceiling: Some(10 * DAY), grace: 30 * SECOND };
        let mut ours = Latchkey::new(seed);
        let tally = live_through(&World::year(seed), Backend::new(rules), &mut ours, 0);
        assert_eq!(tally.lost.get(&Loss::OwnFault), None, "seed {seed}: {:?}", tally.faults);
        refused += tally.lost.get(&Loss::TrueRefusal).copied().unwrap_or(0);
    }
    assert!(refused > 0, "no session reached its ceiling: nothing was tried");
}

/// What a person notices: ours against the best of the others, in the same year.
#[test]
fn nobody_leaves_people_without_a_token_for_so_short_a_time() {
    let comparison = Comparison { seed: 21, years: 1, clients: 0 };
    let rows = comparison.rows(HOUR, 30 * SECOND);
    let (ours, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.name == "Latchkey");
    let best = others.iter().map(|row| row.without).fold(f64::INFINITY, f64::min);
    for row in &ours {
        assert!(row.without * TIMES < best, "{row:?}, and the best other {best} s a month");
        assert!(row.lost[2] < f64::EPSILON, "{row:?}");
    }
}

#[test]
fn a_token_is_there_while_most_refreshes_fail_and_a_day_of_outage_costs_few_requests() {
    for figure in figures::of_the_policy(31) {
        assert!(figure.reached, "{}", figure.line());
    }
}

/// In a process of its own, as each test is: what other tests leave in memory would count as well.
#[test]
fn thirty_days_of_tokens_of_five_minutes_lose_nothing_and_leave_little_memory_behind() {
    for figure in figures::of_thirty_days(31) {
        assert!(figure.reached, "{}", figure.line());
    }
}
