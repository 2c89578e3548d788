//! What happens to one laptop and around it, fixed before anything runs: two ways of renewing that are compared meet
//! the very same world.

use super::seed::Draw;
use super::track::Track;
use super::{HOUR, Millis, SECOND};

/// What lies between the machine and the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Requests get through, except so many of a thousand.
    Up {
        /// How many of a thousand requests are lost somewhere.
        lost: Millis,
    },
    /// No route anywhere.
    Down,
    /// A Wi-Fi sign-in page answers everything.
    Portal,
}

/// How the backend does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Well.
    Up,
    /// It answers with this status and does nothing.
    Ill(u16),
    /// It answers 429 and names the seconds to wait.
    Throttling(Millis),
    /// A deployment: nothing listens.
    Away,
    /// So many of a thousand requests are answered with 503, the others well.
    Flaky(Millis),
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It never left.
    NotSent,
    /// It left and never arrived.
    LostBefore,
    /// It arrived and was acted on; the reply was lost.
    LostAfter,
    /// Somebody else answered: a page (200) or a redirect to one (302).
    Portal(u16),
    /// The backend answered that it cannot do it now.
    Busy(u16, Option<Millis>),
    /// It arrived and the reply came back.
    Arrives,
}

impl Fate {
    /// Whether the backend saw the request.
    pub fn reaches(self) -> bool {
        match self {
            Self::LostAfter | Self::Busy(..) | Self::Arrives => true,
            Self::NotSent | Self::LostBefore | Self::Portal(_) => false,
        }
    }
}

/// How long connecting may take before a client gives up.
const CONNECT: Millis = 10 * SECOND;

/// Until the engine has heard of a link that came or went: the system tells at once, and the engine looks at the first
/// change as it comes.
const LINK_NEWS: Millis = 200;

/// A world.
#[derive(Clone, Debug)]
pub struct World {
    /// What it was drawn from.
    pub seed: u64,
    /// How long it lasts.
    pub length: Millis,
    /// Is the machine awake?
    pub awake: Track<bool>,
    /// Does a request get through?
    pub network: Track<Network>,
    /// Does the backend answer?
    pub service: Track<Service>,
    /// How much is the wall clock ahead of the true time?
    pub wall_ahead: Track<Millis>,
    /// Is the keychain locked?
    pub locked: Track<bool>,
    /// When does somebody use the terminal program?
    pub commands: Vec<Millis>,
    /// When does the window's process die?
    pub crashes: Vec<Millis>,
    /// How long the machine had been awake in all at each change of `awake`.
    pub(super) awake_before: Vec<Millis>,
}

impl World {
    /// A world in which nothing ever happens, and everything works.
    pub fn calm(seed: u64, length: Millis) -> Self {
        Self {
            seed,
            length,
            awake: Track::new(true),
            network: Track::new(Network::Up { lost: 0 }),
            service: Track::new(Service::Up),
            wall_ahead: Track::new(0),
            locked: Track::new(false),
            commands: Vec::new(),
            crashes: Vec::new(),
            awake_before: vec![0],
        }
    }

    /// What the wall clock shows.
    pub fn wall(&self, time: Millis) -> Millis {
        time + self.wall_ahead.at(time)
    }

    /// How long the machine had been awake by then: what a clock shows that stands still during suspend.
    pub fn awake_until(&self, time: Millis) -> Millis {
        let changes = self.awake.changes();
        let place = changes.partition_point(|(at, _)| *at <= time) - 1;
        let (since, awake) = changes[place];
        self.awake_before[place] + if awake { time - since.max(0) } else { 0 }
    }

    /// When it will have been awake for so long; the end of time if it never will.
    pub fn when_awake(&self, long: Millis) -> Millis {
        let place = self.awake_before.partition_point(|before| *before < long).saturating_sub(1);
        let (since, awake) = self.awake.changes()[place];
        let counted = long - self.awake_before[place];
        match (awake, counted) {
            (true, counted) => since.max(0) + counted,
            (false, ..=0) => since.max(0),
            (false, _) => Millis::MAX,
        }
    }

    /// Whether the backend could be asked by whoever wanted to.
    pub fn reachable(&self, time: Millis) -> bool {
        self.awake.at(time)
            && matches!(self.network.at(time), Network::Up { .. })
            && matches!(self.service.at(time), Service::Up | Service::Flaky(_))
    }

    /// When anything of that changes next.
    pub fn next_change(&self, time: Millis) -> Option<Millis> {
        let changes =
            [self.awake.next_change(time), self.network.next_change(time), self.service.next_change(time)];
        changes.into_iter().flatten().min()
    }

    /// The first moment, not before `time`, at which the backend can be asked.
    pub fn first_reachable(&self, time: Millis) -> Option<Millis> {
        let mut at = time;
        while !self.reachable(at) {
            at = self.next_change(at)?;
        }
        Some(at)
    }

    /// Everything during which the backend could be asked, in order.
    pub fn reachable_spans(&self) -> Vec<(Millis, Millis)> {
        let (mut spans, mut at) = (Vec::new(), 0);
        while at < self.length {
            let next = self.next_change(at).unwrap_or(self.length).min(self.length);
            if self.reachable(at) {
                spans.push((at, next));
            }
            at = next;
        }
        spans
    }

    /// What becomes of a request that is made then, and how long its sender is kept waiting, who gives up after
    /// `patience`.
    ///
    /// The answer is drawn from the moment and not from how many requests there were before it.
    pub fn request(&self, time: Millis, patience: Millis) -> (Fate, Millis) {
        let mut draw = Draw::new(self.seed, u64::try_from(time).unwrap_or_default().wrapping_add(1 << 48));
        let took = draw.between(60, 600);
        let (fate, took) = match (self.network.at(time), self.service.at(time)) {
            (Network::Down, _) => (Fate::NotSent, 20),
            (Network::Portal, _) => (Fate::Portal(draw.one_of(&[200, 302])), took),
            (Network::Up { lost }, _) if draw.per_mille(lost) => {
                let slow = draw.per_mille(500);
                match draw.between(0, 2) {
                    0 => (Fate::NotSent, if slow { CONNECT } else { 50 }),
                    1 => (Fate::LostBefore, if slow { patience } else { took }),
                    _ => (Fate::LostAfter, if slow { patience } else { took }),
                }
            }
            (Network::Up { .. }, Service::Away) => (Fate::NotSent, 30),
            (Network::Up { .. }, Service::Ill(status)) => (Fate::Busy(status, None), took),
            (Network::Up { .. }, Service::Throttling(wait)) => (Fate::Busy(429, Some(wait)), took),
            (Network::Up { .. }, Service::Flaky(share)) if draw.per_mille(share) => {
                (Fate::Busy(503, None), took)
            }
            (Network::Up { .. }, Service::Up | Service::Flaky(_)) => (Fate::Arrives, took),
        };
        self.cut_by_sleep(time, fate, took)
    }

    /// Whether the machine has a route then, whatever lies behind it.
    pub fn routed(&self, time: Millis) -> bool {
        self.network.at(time) != Network::Down
    }

    /// Whether whoever connects then is answered, by the backend or in its place, and how long that takes. Who loses
    /// a request loses a connection as well.
    pub fn answers(&self, time: Millis) -> (bool, Millis) {
        let mut draw = Draw::new(self.seed, u64::try_from(time).unwrap_or_default().wrapping_add(1 << 49));
        let took = draw.between(20, 200);
        match (self.network.at(time), self.service.at(time)) {
            (Network::Down, _) => (false, 20),
            (Network::Up { .. }, Service::Away) => (false, 30),
            (Network::Up { lost }, _) if draw.per_mille(lost) => (false, CONNECT / 2),
            (Network::Portal, _)
            | (
                Network::Up { .. },
                Service::Up | Service::Ill(_) | Service::Throttling(_) | Service::Flaky(_),
            ) => (true, took),
        }
    }

    /// When the machine wakes next or its clock is set, whichever comes first.
    pub fn clock_news(&self, time: Millis) -> Option<Millis> {
        let changes = [self.awake.next_change(time), self.wall_ahead.next_change(time)];
        self.awake.first(changes.into_iter().flatten().min()?, |awake| awake)
    }

    /// When the engine hears next of a link that came or went. A sign-in page that is done with changes no link.
    pub fn link_news(&self, time: Millis) -> Option<Millis> {
        let linked = |at| self.network.at(at) != Network::Down;
        let mut at = time - LINK_NEWS;
        loop {
            let next = self.network.next_change(at)?;
            let told = next + LINK_NEWS;
            if linked(next) != linked(next - 1) && self.awake.at(told) {
                return Some(told);
            }
            at = next;
        }
    }

    /// The lid is closed while the reply is awaited: it is gone when the machine wakes.
    fn cut_by_sleep(&self, time: Millis, fate: Fate, took: Millis) -> (Fate, Millis) {
        let Some(wakes) = self
            .awake
            .next_change(time)
            .filter(|at| *at < time + took)
            .and_then(|asleep| Some((self.awake.first(asleep, |awake| awake)? - time).max(took)))
        else {
            return (fate, took);
        };
        let fate = if fate == Fate::Arrives { Fate::LostAfter } else { fate };
        (fate, wakes.min(24 * 30 * HOUR))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_the_waking_hours_stands_still_during_suspend_and_can_be_turned_round() {
        let world = World::year(7);
        for hour in 0..24 * 14 {
            let time = hour * HOUR + 1234;
            let awake = world.awake_until(time);
            if world.awake.at(time) {
                assert_eq!(world.when_awake(awake), time);
            } else {
                assert!(world.when_awake(awake) <= time);
            }
        }
    }

    #[test]
    fn a_seed_gives_the_same_world_and_another_seed_another() {
        let told = |world: &World| format!("{world:?}");
        assert_eq!(told(&World::year(1)), told(&World::year(1)));
        assert_ne!(told(&World::year(1)), told(&World::year(2)));
    }
}
