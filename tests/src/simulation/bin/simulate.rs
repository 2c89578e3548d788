//! Runs for a long time what the tests run for a short one, and compares ways to renew. `cargo xtask soak` and
//! `cargo xtask bench policy` build and start it.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::process::ExitCode;
use std::time::Duration;

use latchkey_tests::simulation::engine_run::{live, rules};
use latchkey_tests::simulation::engine_tally::EngineTally;
use latchkey_tests::simulation::fleet::CLIENTS;
use latchkey_tests::simulation::kill::{GRACE, kills, together};
use latchkey_tests::simulation::table::Comparison;

const USAGE: &str = "simulate policy FIRST_SEED YEARS | ours FIRST_SEED YEARS | years FIRST_SEED SEEDS DAYS | kills SEED TIMES | together ROUNDS";

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
        ("kills", [seed, times]) => killed(u64::from(*seed), *times).await,
        ("together", [rounds]) => {
            let wrong = together(*rounds as usize).await;
            println!("{rounds} rounds of eight processes that renew at once: {} went wrong", wrong.len());
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

/// The real engine through so many days of each seed.
fn years(first: u64, seeds: u64, days: i64) -> bool {
    let mut all = EngineTally::default();
    for seed in first..first + seeds {
        let tally = live(seed, days);
        println!("seed {seed}, {days} days, {:?}\n  {}", rules(seed), tally.line());
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
