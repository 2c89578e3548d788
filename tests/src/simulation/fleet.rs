//! Ten thousand clients of one backend, and an hour in which it answers 503: how hard do they come back?

use super::backend::{Backend, Rules};
use super::policy_run::{Schedule, live_through};
use super::seed::Draw;
use super::world::{Service, World};
use super::{HOUR, MINUTE, Millis, SECOND};

/// How many clients.
pub const CLIENTS: u64 = 10_000;
/// When the outage begins: long enough after the sign-ins for every schedule to have settled.
const BEGINS: Millis = 2 * HOUR;
/// How long it lasts.
const LASTS: Millis = HOUR;
/// How long is watched after it.
const AFTER: Millis = 20 * MINUTE;

/// What the backend sees of all clients together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Requests in the worst second after it was back.
    pub second: u32,
    /// Requests in the worst minute after it was back.
    pub minute: u32,
    /// Requests in the worst second while it was away.
    pub second_away: u32,
}

/// Lets a fleet of `clients` live through the outage.
pub fn outage(clients: u64, rules: Rules, mut one: impl FnMut(u64) -> Box<dyn Schedule>) -> Load {
    let back = BEGINS + LASTS;
    let mut after = vec![0_u32; usize::try_from(AFTER / SECOND).unwrap_or_default()];
    let mut during = vec![0_u32; usize::try_from(LASTS / SECOND).unwrap_or_default()];
    for client in 0..clients {
        let mut world = World::calm(client, back + AFTER);
        world.service.during(BEGINS, back, Service::Ill(503));
        // People come to work over an hour, so that nobody's token is in step with anybody else's.
        let begin = Draw::new(client, 99).between(0, HOUR);
        let tally = live_through(&world, Backend::new(rules), &mut *one(client), begin);
        for request in tally.requests.into_iter().filter(|at| *at >= BEGINS) {
            let (seconds, since) = if request >= back { (&mut after, back) } else { (&mut during, BEGINS) };
            if let Some(second) =
                usize::try_from((request - since) / SECOND).ok().and_then(|at| seconds.get_mut(at))
            {
                *second += 1;
            }
        }
    }
    let worst =
        |seconds: &[u32], width| seconds.windows(width).map(|some| some.iter().sum()).max().unwrap_or(0);
    let minute = usize::try_from(MINUTE / SECOND).unwrap_or(60);
    Load { second: worst(&after, 1), minute: worst(&after, minute), second_away: worst(&during, 1) }
}
