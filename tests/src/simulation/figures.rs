//! Single questions with a number for an answer: how often a valid token is there while many refreshes fail, how many
//! requests a day of outage costs, what thirty days leave behind. Each figure stands beside what is aimed at.

use super::backend::{Backend, Rules};
use super::engine_run::live_in;
use super::latchkey::Latchkey;
use super::policy_run::live_through;
use super::track::Track;
use super::world::{Service, World};
use super::{DAY, HOUR, MINUTE, Millis, SECOND};

/// How long the availability is measured, in each of the lives.
const LONG: Millis = 60 * DAY;
/// How many lives.
const LIVES: u64 = 5;
/// When the outage begins, and how long it lasts.
const OUTAGE: (Millis, Millis) = (2 * HOUR, DAY);
/// A day's outage may cost so many requests.
const MOST: usize = 200;
/// And so many where a program wants a token all the time, which shortens each wait to a third (docs/decisions/0012).
const MOST_ASKED: usize = 3 * MOST;
/// So much more memory may be in use after thirty days than after three.
const DRIFT_KIB: i64 = 5 * 1024;

/// A number beside what is aimed at.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// What it came to, with its unit.
    pub is: String,
    /// What is aimed at.
    pub aim: String,
    /// Whether that is reached.
    pub reached: bool,
}

impl Figure {
    /// All of it in one line.
    pub fn line(&self) -> String {
        let verdict = if self.reached { "reached" } else { "MISSED" };
        format!("{:<72} {:>12}   aim {:<12} {verdict}", self.what, self.is, self.aim)
    }
}

/// All figures of the policy; a second or two.
pub fn of_the_policy(seed: u64) -> Vec<Figure> {
    let share = |access, failing, aim| availability(seed, access, failing, aim);
    vec![
        share(HOUR, 300, 0.9999),
        share(HOUR, 600, 0.999),
        share(HOUR, 900, 0.99),
        share(5 * MINUTE, 300, 0.999),
        outage(seed, HOUR, false),
        outage(seed, 5 * MINUTE, false),
        outage(seed, 5 * MINUTE, true),
    ]
}

/// How much of the time a valid access token is in hand while so many of a thousand refreshes fail.
fn availability(seed: u64, access: Millis, failing: Millis, aim: f64) -> Figure {
    let (mut reachable, mut without) = (0, 0);
    for seed in seed..seed + LIVES {
        let mut world = World::calm(seed, LONG);
        world.service = Track::new(Service::Flaky(failing));
        let tally = live_through(&world, Backend::new(strict(access)), &mut Latchkey::new(seed), 0);
        reachable += tally.reachable;
        without += tally.without;
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a year are far below 2^52")]
    let share = 1.0 - without as f64 / reachable as f64;
    Figure {
        what: format!("tokens of {} min, {} % of the refreshes failing", access / MINUTE, failing / 10),
        is: format!("{:.4} %", share * 100.0),
        aim: format!("{} %", aim * 100.0),
        reached: share >= aim,
    }
}

/// How many requests reach the backend in a day of 503, `asked` by a program every minute or by nobody.
fn outage(seed: u64, access: Millis, asked: bool) -> Figure {
    let mut world = World::calm(seed, OUTAGE.0 + OUTAGE.1 + HOUR);
    world.service.during(OUTAGE.0, OUTAGE.0 + OUTAGE.1, Service::Ill(503));
    let mut ours = if asked { Latchkey::new(seed) } else { Latchkey::unasked(seed) };
    let tally = live_through(&world, Backend::new(strict(access)), &mut ours, 0);
    let met = tally.requests.iter().filter(|at| (OUTAGE.0..OUTAGE.0 + OUTAGE.1).contains(at)).count();
    let (who, most) = if asked { ("a program asks every minute", MOST_ASKED) } else { ("nobody asks", MOST) };
    Figure {
        what: format!("requests in a day of outage, tokens of {} min, {who}", access / MINUTE),
        is: met.to_string(),
        aim: format!("≤ {most}"),
        reached: met <= most,
    }
}

/// The real engine through thirty days in which nothing happens, with tokens of five minutes and a strict backend:
/// sessions lost, rotations, and how much memory the days leave behind.
pub fn of_thirty_days(seed: u64) -> Vec<Figure> {
    let calm = |days| live_in(World::calm(seed, days * DAY), strict(5 * MINUTE), None);
    let _ = calm(3);
    let before = resident_kib();
    let tally = calm(30);
    let drift = resident_kib() - before;
    let lost: u32 = tally.lost.values().sum();
    vec![
        Figure {
            what: format!("sessions lost in thirty days and {} rotations", tally.requests.saturating_sub(1)),
            is: lost.to_string(),
            aim: "0".to_owned(),
            reached: lost == 0 && tally.broken.is_empty() && tally.requests > 0,
        },
        Figure {
            what: "seconds of them without a valid token".to_owned(),
            is: (tally.without / SECOND).to_string(),
            aim: "0".to_owned(),
            reached: tally.without < SECOND,
        },
        Figure {
            what: "memory more than after three days, the model's own included".to_owned(),
            is: format!("{drift} KiB"),
            aim: format!("< {DRIFT_KIB} KiB"),
            reached: drift < DRIFT_KIB,
        },
    ]
}

const fn strict(access: Millis) -> Rules {
    Rules { access, idle: 30 * DAY, ceiling: None, grace: 0 }
}

/// What this process has in memory (proc_pid_statm(5)).
fn resident_kib() -> i64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<i64>().ok());
    pages.unwrap_or_default() * 4
}
