//! Runs for a long time what the tests run for a short one, and compares ways to renew. `cargo xtask soak` and
//! `cargo xtask bench policy` build and start it.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::process::ExitCode;
use std::time::Duration;

use latchkey_tests::simulation::backend::Rules;
use latchkey_tests::simulation::engine_run::live;
use latchkey_tests::simulation::engine_tally::EngineTally;
use latchkey_tests::simulation::figures::{self, Figure};
use latchkey_tests::simulation::fleet::CLIENTS;
use latchkey_tests::simulation::kill::{GRACE, kills, together};
use latchkey_tests::simulation::recovery;
use latchkey_tests::simulation::table::Comparison;

const USAGE: &str = "simulate policy FIRST_SEED YEARS | ours FIRST_SEED YEARS | years FIRST_SEED SEEDS DAYS | figures SEED | kills SEED TIMES | recovery ROUNDS | together ROUNDS PROCESSES";

#[tokio::main]
async fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let what = words.next().unwrap_or_default();
    let numbers: Vec<u32> = words.filter_map(|word| word.parse().ok()).collect();
    let fine = match (what.as_str(), numbers.as_slice()) {
        ("policy", [seed, years]) => {
            let comparison = Comparison { seed: (*seed).into(), years: (*years).into(), clients: CLIENTS };
            for line in comparison.lines() {
                println!("{line}");
            }
            true
        }
        ("ours", [seed, years]) => {
            let ours = Comparison { seed: (*seed).into(), years: (*years).into(), clients: 0 };
            for line in ours.ours() {
                println!("{line}");
            }
            true
        }
        ("years", [first, seeds, days]) => {
            let (first, seeds, days) = (u64::from(*first), u64::from(*seeds), i64::from(*days));
            tokio::task::block_in_place(|| {
                std::thread::scope(|scope| scope.spawn(|| years(first, seeds, days)).join())
            })
            .unwrap_or(false)
        }
        ("figures", [seed]) => {
            let seed = u64::from(*seed);
            let figures = tokio::task::block_in_place(|| {
                let all = move || [figures::of_the_policy(seed), figures::of_thirty_days(seed)].concat();
                std::thread::scope(|scope| scope.spawn(all).join())
            });
            told(&figures.unwrap_or_default())
        }
        ("kills", [seed, times]) => killed(u64::from(*seed), *times).await,
        ("recovery", [rounds]) => told(&recovery::of_services(*rounds).await),
        ("together", [rounds, processes]) => {
            let wrong = together(*rounds as usize, *processes as usize).await;
            println!(
                "{rounds} rounds of {processes} processes that renew at once: {} went wrong",
                wrong.len()
            );
            for wrong in &wrong {
                println!("{wrong}");
            }
            wrong.is_empty()
        }
        _ => {
            println!("{USAGE}");
            false
        }
    };
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints figures; whether all of them are what they should be.
fn told(figures: &[Figure]) -> bool {
    for figure in figures {
        println!("{}", figure.line());
    }
    !figures.is_empty() && figures.iter().all(|figure| figure.reached)
}

/// The real engine through so many days of each seed.
fn years(first: u64, seeds: u64, days: i64) -> bool {
    let mut all = EngineTally::default();
    for seed in first..first + seeds {
        let tally = live(seed, days);
        println!("seed {seed}, {days} days, {:?}\n  {}", Rules::drawn(seed), tally.line());
        for remark in &tally.remarks {
            println!("  {remark}");
        }
        for broken in &tally.broken {
            println!("  BROKEN {broken}\n{}", tally.story);
        }
        all += tally;
    }
    println!("together\n  {}", all.line());
    all.broken.is_empty()
}

/// Commands killed in the middle of a renewal, half of them before a backend with a grace window.
async fn killed(seed: u64, times: u32) -> bool {
    let kind = kills(seed, times / 2, GRACE).await;
    println!("grace window of {} s: {}", GRACE.as_secs(), kind.line());
    let strict = kills(seed + 1, times - times / 2, Duration::ZERO).await;
    println!("strict backend: {}", strict.line());
    for broken in kind.broken.iter().chain(&strict.broken) {
        println!("  BROKEN {broken}");
    }
    kind.broken.is_empty() && strict.broken.is_empty() && kind.lost == 0 && strict.mistold.is_empty()
}
