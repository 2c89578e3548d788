//! How a year is drawn. The figures are assumptions about an office worker's laptop; they are the same for everybody
//! who is compared.

use super::seed::Draw;
use super::track::Track;
use super::world::{Network, Service, World};
use super::{DAY, HOUR, MINUTE, Millis, SECOND};

/// Purposes of streams: the calendar, the backend, clocks, processes.
const CALENDAR: u64 = 1;
const BACKEND: u64 = 2;
const CLOCKS: u64 = 3;
const PROCESSES: u64 = 4;

/// Requests of a thousand that are lost in a network that works, and in a bad one.
const LOST: Millis = 3;
const LOST_IN_BAD_WIFI: Millis = 100;

impl World {
    /// A year.
    pub fn year(seed: u64) -> Self {
        Self::drawn(seed, 365)
    }

    /// So many days.
    pub fn drawn(seed: u64, days: Millis) -> Self {
        let mut world = Self::calm(seed, days * DAY);
        world.awake = Track::new(false);
        world.network = Track::new(Network::Up { lost: LOST });
        let mut draw = Draw::new(seed, CALENDAR);
        // Two weeks away, somewhere in the year.
        let away = draw.between(40, 330);
        for day in 0..days {
            if !(away..away + 14).contains(&day) {
                world.day(day, &mut draw);
            }
        }
        world.count_awake();
        world.draw_backend();
        world.draw_clocks();
        world.draw_processes();
        world
    }

    /// One day: when the lid is open, and what the network is like then.
    fn day(&mut self, day: Millis, draw: &mut Draw) {
        let midnight = day * DAY;
        let weekend = day % 7 >= 5;
        let mut open = Vec::new();
        if weekend {
            if draw.per_mille(500) {
                let from = midnight + draw.between(10 * HOUR, 20 * HOUR);
                open.push((from, from + draw.between(20 * MINUTE, 3 * HOUR)));
            }
        } else {
            let from = midnight + 8 * HOUR + draw.between(0, 90 * MINUTE);
            let lunch = midnight + 12 * HOUR + draw.between(0, 40 * MINUTE);
            let back = lunch + draw.between(25 * MINUTE, 70 * MINUTE);
            let home = midnight + 16 * HOUR + draw.between(30 * MINUTE, 3 * HOUR);
            // A meeting, to which the laptop is carried closed.
            let meeting = back + draw.between(30 * MINUTE, 120 * MINUTE);
            let carried = draw.between(20 * SECOND, 25 * MINUTE);
            open.extend([(from, lunch), (back, meeting), (meeting + carried, home)]);
            if draw.per_mille(400) {
                let evening = midnight + 20 * HOUR + draw.between(0, HOUR);
                open.push((evening, evening + draw.between(15 * MINUTE, 2 * HOUR)));
            }
        }
        let place = draw.between(0, 99);
        for (from, until) in open {
            if until <= from {
                continue;
            }
            self.awake.set(from, true);
            self.awake.set(until, false);
            self.network_while_open(place, from, until, draw);
        }
    }

    /// The network of one stretch, by the place of the day: on the road, in a hotel, in a house with bad Wi-Fi, or
    /// where it mostly works.
    fn network_while_open(&mut self, place: Millis, from: Millis, until: Millis, draw: &mut Draw) {
        let good = Network::Up { lost: if (20..30).contains(&place) { LOST_IN_BAD_WIFI } else { LOST } };
        self.network.set(from, Network::Down);
        let joined = from + draw.between(SECOND, 8 * SECOND);
        let online = if (12..20).contains(&place) {
            self.network.set(joined, Network::Portal);
            joined + draw.between(20 * SECOND, 4 * MINUTE)
        } else {
            joined
        };
        self.network.set(online, good);
        let drops = if place < 12 { draw.between(1, 4) } else { Millis::from(draw.per_mille(60)) };
        let mut at = online;
        for _ in 0..drops {
            at += draw.between(5 * MINUTE, HOUR);
            let long = if place < 12 {
                draw.between(MINUTE, 2 * HOUR)
            } else {
                draw.between(2 * SECOND, 3 * MINUTE)
            };
            if at + long < until {
                self.network.set(at, Network::Down);
                self.network.set(at + long, good);
            }
            at += long;
        }
    }

    fn draw_backend(&mut self) {
        let mut draw = Draw::new(self.seed, BACKEND);
        let mut day = 0;
        while day * DAY < self.length {
            let at = |draw: &mut Draw| day * DAY + 8 * HOUR + draw.between(0, 10 * HOUR);
            // Deployed about once a week, ill about once a month, throttling about once a month.
            if draw.per_mille(200) {
                let from = at(&mut draw);
                self.service.during(from, from + draw.between(3 * SECOND, 40 * SECOND), Service::Away);
            }
            if draw.per_mille(45) {
                let (from, status) = (at(&mut draw), draw.one_of(&[500, 502, 503, 503, 504]));
                self.service.during(from, from + draw.between(2 * MINUTE, HOUR), Service::Ill(status));
            }
            if draw.per_mille(45) {
                let (from, wait) = (at(&mut draw), draw.between(5, 120));
                self.service.during(
                    from,
                    from + draw.between(30 * SECOND, 10 * MINUTE),
                    Service::Throttling(wait),
                );
            }
            day += 1;
        }
    }

    fn draw_clocks(&mut self) {
        let mut draw = Draw::new(self.seed, CLOCKS);
        let wakes: Vec<_> =
            self.awake.changes().iter().filter(|(_, awake)| *awake).map(|(at, _)| *at).collect();
        for wake in &wakes {
            if draw.per_mille(150) {
                self.wall_ahead
                    .set(wake + draw.between(SECOND, MINUTE), draw.between(-4 * SECOND, 4 * SECOND));
            }
            if draw.per_mille(25) {
                let until = wake + draw.between(MINUTE, 10 * MINUTE);
                self.locked.during(*wake, until, true);
            }
        }
        // Somebody sets the clock by hand; another system had left the hardware clock in its own time zone.
        let hours = [HOUR, -HOUR, 7 * HOUR, -2 * HOUR];
        for (place, ahead) in hours.into_iter().enumerate() {
            let quarter = wakes.len() / hours.len();
            if quarter == 0 {
                break;
            }
            let which = place * quarter + usize::from(draw.short()) % quarter;
            let from = wakes[which] + if place < 2 { 20 * MINUTE } else { 0 };
            self.wall_ahead.during(from, from + draw.between(2 * MINUTE, 90 * MINUTE), ahead);
        }
    }

    fn draw_processes(&mut self) {
        let mut draw = Draw::new(self.seed, PROCESSES);
        let mut at = 0;
        while at < self.length {
            at += draw.between(5 * MINUTE, 3 * HOUR);
            if self.awake.at(at) {
                self.commands.push(at);
                if draw.per_mille(30) {
                    self.crashes.push(at + draw.between(0, 30 * MINUTE));
                }
            }
        }
        // What wakes with the machine wants its tokens at once: a mail program, a mount, a shell's prompt.
        let wakes: Vec<_> = self.awake.changes().iter().skip(1).filter(|(_, awake)| *awake).collect();
        for (wake, _) in wakes {
            if draw.per_mille(400) {
                let together = wake + draw.between(0, 20 * SECOND);
                self.commands.extend([together; 3]);
            }
        }
        self.commands.sort_unstable();
        self.crashes.sort_unstable();
    }

    /// Sums up the waking hours, once `awake` is drawn.
    pub(super) fn count_awake(&mut self) {
        let (mut sum, mut before) = (0, None);
        self.awake_before.clear();
        for (at, awake) in self.awake.changes() {
            let at = (*at).max(0);
            if let Some((since, true)) = before {
                sum += at - since;
            }
            self.awake_before.push(sum);
            before = Some((at, *awake));
        }
    }
}
