//! The comparison of ways to renew: the same years for all of them, side by side.

use std::collections::BTreeMap;

use super::backend::{Backend, Rules};
use super::fleet::{self, Load};
use super::gaps::Cause;
use super::latchkey::Latchkey;
use super::peers::{Peer, RULES};
use super::policy_run::{Loss, Schedule, Tally, live_through};
use super::world::World;
use super::{DAY, HOUR, MINUTE, Millis, SECOND};

/// What is compared with what.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// The first seed; the others follow it.
    pub seed: u64,
    /// How many years each lives through, each from a seed of its own.
    pub years: u64,
    /// How many clients meet the common outage.
    pub clients: u64,
}

/// What one way of renewing came to.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whose it is.
    pub name: String,
    /// Seconds a month without a valid token while awake and with the backend in reach.
    pub without: f64,
    /// The same by its cause.
    pub causes: BTreeMap<Cause, f64>,
    /// Sessions lost in a year: truly refused, reply lost, own fault.
    pub lost: [f64; 3],
    /// Requests the backend saw in a month.
    pub requests: f64,
    /// The common outage, where one was met.
    pub load: Option<Load>,
    /// What ended sessions by its own fault, most frequent first.
    pub faults: Vec<(String, u32)>,
}

/// A way to renew, and how one is made for a seed.
type Way = (&'static str, Box<dyn Fn(u64) -> Box<dyn Schedule> + Send + Sync>);

/// The ways: ours and the others.
fn ways() -> Vec<Way> {
    let ours: Way = ("Latchkey", Box::new(|seed| Box::new(Latchkey::new(seed))));
    let others =
        RULES.iter().map(|rule| -> Way { (rule.name, Box::new(move |_| Box::new(Peer::new(rule)))) });
    std::iter::once(ours).chain(others).collect()
}

impl Comparison {
    /// All rows, for a backend whose access tokens live so long and which has this grace window.
    pub fn rows(&self, access: Millis, grace: Millis) -> Vec<Row> {
        let rules = Rules { access, idle: 30 * DAY, ceiling: None, grace };
        let worlds: Vec<World> = (0..self.years).map(|year| World::year(self.seed + year)).collect();
        let one = |(name, way): &Way| {
            let live = |world: &World| live_through(world, Backend::new(rules), &mut *way(world.seed), 0);
            let tallies: Vec<Tally> = worlds.iter().map(live).collect();
            let load = (self.clients > 0).then(|| fleet::outage(self.clients, rules, |client| way(client)));
            row(name, &tallies, load)
        };
        // Each way is a world of its own, so they run side by side.
        let ways = ways();
        std::thread::scope(|scope| {
            let running: Vec<_> = ways.iter().map(|way| scope.spawn(move || one(way))).collect();
            running.into_iter().map(|run| run.join().unwrap()).collect()
        })
    }

    /// Ours alone, which takes seconds: for trying out other waits.
    pub fn ours(&self) -> Vec<String> {
        let live = |access| {
            let rules = Rules { access, idle: 30 * DAY, ceiling: None, grace: 30 * SECOND };
            let one =
                |seed| live_through(&World::year(seed), Backend::new(rules), &mut Latchkey::new(seed), 0);
            let tallies: Vec<Tally> = (self.seed..self.seed + self.years).map(one).collect();
            row("Latchkey", &tallies, None)
        };
        table(&[live(HOUR), live(5 * MINUTE)])
    }

    /// The whole table, as lines.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{} years from seed {} on, {} clients in the common outage",
            self.years, self.seed, self.clients
        )];
        // The outage is the same whatever the grace window is.
        let settings =
            [(HOUR, 30 * SECOND, self.clients), (5 * MINUTE, 30 * SECOND, self.clients), (HOUR, 0, 0)];
        for (access, grace, clients) in settings {
            lines.push(String::new());
            lines.push(format!(
                "access tokens live {} min, rotation with reuse detection, grace window {} s",
                access / MINUTE,
                grace / SECOND
            ));
            lines.extend(table(&Self { clients, ..*self }.rows(access, grace)));
        }
        lines
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a year has far fewer milliseconds than an f64 counts exactly"
)]
fn row(name: &str, tallies: &[Tally], load: Option<Load>) -> Row {
    let years = tallies.len().max(1) as f64;
    let seconds = |of: &dyn Fn(&Tally) -> Millis| {
        tallies.iter().map(of).sum::<Millis>() as f64 / SECOND as f64 / years / 12.0
    };
    let by = |cause| seconds(&|tally| tally.causes.get(&cause).copied().unwrap_or(0));
    let lost = [Loss::TrueRefusal, Loss::LostReply, Loss::OwnFault]
        .map(|loss| tallies.iter().filter_map(|tally| tally.lost.get(&loss)).sum::<u32>())
        .map(|lost| f64::from(lost) / years);
    let mut faults = BTreeMap::<String, u32>::new();
    for (how, times) in tallies.iter().flat_map(|tally| &tally.faults) {
        *faults.entry(how.clone()).or_default() += times;
    }
    let mut faults: Vec<_> = faults.into_iter().collect();
    faults.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    Row {
        name: name.to_owned(),
        without: seconds(&|tally| tally.without),
        causes: Cause::ALL.into_iter().map(|cause| (cause, by(cause))).collect(),
        lost,
        requests: tallies.iter().map(|tally| tally.requests.len()).sum::<usize>() as f64 / years / 12.0,
        load,
        faults,
    }
}

fn table(rows: &[Row]) -> Vec<String> {
    let mut lines = vec![
        "                 without a token, s/month                                        sessions lost a year      requests  after the outage  during it".to_owned(),
        "                      all     wake  network   portal   outage    waits   person refused   lost    own       /month  /second  /minute    /second".to_owned(),
    ];
    lines.extend(rows.iter().map(|row| {
        let [refused, reply, own] = row.lost;
        let load = row.load.map_or_else(String::new, |load| {
            format!(" {:>8} {:>8} {:>10}", load.second, load.minute, load.second_away)
        });
        let causes: Vec<_> = row.causes.values().map(|seconds| format!("{seconds:>8.1}")).collect();
        let causes = causes.join(" ");
        format!(
            "{:<16} {:>8.1} {causes} {refused:>7.1} {reply:>6.1} {own:>6.1} {:>12.0}{load}",
            row.name, row.without, row.requests
        )
    }));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_table() {
        let comparison = Comparison { seed: 3, years: 1, clients: 50 };
        assert_eq!(format!("{:?}", comparison.rows(HOUR, 0)), format!("{:?}", comparison.rows(HOUR, 0)));
    }
}
