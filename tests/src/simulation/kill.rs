//! The built program, the real keychain and the real dev server: commands are killed in the middle of a renewal, and
//! many of them renew at once.

use std::time::Duration;

use latchkey_devserver::{DevServer, Options, RequestRecord};
use rustix::process::{Pid, Signal, kill_process};

use super::Millis;
use super::seed::Draw;
use crate::desktop::{Desktop, Keychain};
use crate::programs::Running;
use crate::wait::{Deadline, PATIENCE};

/// Where the dev server rotates refresh tokens.
const REFRESH: &str = "/auth/refreshToken";
/// How long after the commit an aimed kill may come: the reply, the keychain.
const AIMED: Millis = 20;
/// Renewals that are watched to their end first, to know how long one takes.
const WATCHED: u32 = 3;
/// The terminal program in a build with failpoints, if there is one.
const DOOMED: &str = "LATCHKEY_DOOMED_BIN";
/// Its named places, in the order in which a renewal reaches them (`failpoint`).
const PLACES: [&str; 8] = [
    "journal_written",
    "journal_renamed",
    "before_send",
    "sent",
    "received",
    "parsed",
    "stored",
    "journal_closed",
];

/// When a command is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// At any time between its start and its end.
    Whenever,
    /// Shortly after the backend has committed.
    AfterTheCommit,
    /// When it reaches this place; it then ends by itself as if it were killed.
    At(&'static str),
}

impl Moment {
    /// The next one; as many at a named place as at any time, where the build has such places.
    fn drawn(draw: &mut Draw) -> Self {
        let kinds: &[u8] = if std::env::var_os(DOOMED).is_some() { &[0, 1, 2, 2] } else { &[0, 1] };
        match draw.one_of(kinds) {
            0 => Self::Whenever,
            1 => Self::AfterTheCommit,
            _ => Self::At(draw.one_of(&PLACES)),
        }
    }
}

/// What came of many kills.
#[derive(Clone, Debug, Default)]
pub struct KillTally {
    /// Commands killed.
    pub kills: u32,
    /// How many of them at a named place.
    pub named: u32,
    /// How many of them after the backend had committed.
    pub committed: u32,
    /// Sessions lost, all of them after the commit.
    pub lost: u32,
    /// How many of those were told otherwise than `refused_after_lost_reply`, by the reason's code.
    pub mistold: Vec<String>,
    /// What must not happen.
    pub broken: Vec<String>,
}

impl KillTally {
    /// All of it in one line.
    pub fn line(&self) -> String {
        format!(
            "{} kills, {} of them at a named place, {} after the commit; {} sessions lost, {} of them told otherwise than refused_after_lost_reply; {} broken promises",
            self.kills,
            self.named,
            self.committed,
            self.lost,
            self.mistold.len(),
            self.broken.len()
        )
    }
}

/// A desktop with a keychain, and a backend somebody is signed in to.
struct Scene {
    desktop: Desktop,
    backend: DevServer,
    /// Requests the log had kept when this round began; it forgets the oldest.
    seen: u64,
    /// How long a renewal takes from the start of its process to its end.
    typical: Millis,
}

impl Scene {
    async fn new(grace: Duration) -> Self {
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            access_lifetime: Duration::from_mins(10),
            grace,
            ..Options::default()
        };
        let backend = DevServer::start(options).await.unwrap();
        let desktop = Desktop::start(Keychain::Unlocked);
        desktop.add_demo(backend.address().port());
        let _ = desktop.sign_in("demo", "demo").ends(0);
        let mut scene = Self { desktop, backend, seen: 0, typical: 0 };
        tokio::task::block_in_place(|| scene.typical = scene.watches());
        scene
    }

    #[expect(clippy::disallowed_methods, reason = "real processes run in real time")]
    fn watches(&self) -> Millis {
        let start = std::time::Instant::now();
        for _ in 0..WATCHED {
            let _ = self.renew().done().ends(0);
        }
        Millis::try_from((start.elapsed() / WATCHED).as_millis()).unwrap_or(Millis::MAX)
    }

    fn begins(&mut self) {
        self.seen = self.backend.requests().last().map_or(0, |record| record.number);
    }

    /// The refreshes of this round.
    fn refreshes(&self) -> Vec<RequestRecord> {
        let all = self.backend.requests();
        all.into_iter().filter(|record| record.number > self.seen && record.path == REFRESH).collect()
    }

    fn renew(&self) -> Running {
        self.desktop.start_latchkey(&["renew", "demo", "--json"], "")
    }

    /// A renewal that dies when it reaches this place.
    fn doomed(&self, place: &str) -> Running {
        let mut command = self.desktop.command(std::env::var_os(DOOMED).unwrap());
        command.args(["renew", "demo", "--json"]).env("FAILPOINTS", format!("{place}=return"));
        Running::start(command, "")
    }

    /// Whether the backend has given out new tokens in this round.
    fn committed(&self) -> bool {
        self.refreshes().iter().any(|record| record.outcome.starts_with("rotated"))
    }
}

/// Kills so many renewals, each after a wait drawn from the seed, and starts the next one after each.
pub async fn kills(seed: u64, times: u32, grace: Duration) -> KillTally {
    let mut scene = Scene::new(grace).await;
    // The backend answers on other threads while this one waits for processes.
    tokio::task::block_in_place(|| {
        let mut draw = Draw::new(seed, 7);
        let mut tally = KillTally::default();
        for _ in 0..times {
            one_kill(&mut scene, &mut draw, &mut tally);
        }
        tally
    })
}

fn one_kill(scene: &mut Scene, draw: &mut Draw, tally: &mut KillTally) {
    scene.begins();
    match Moment::drawn(draw) {
        Moment::At(place) => {
            tally.named += 1;
            let victim = scene.doomed(place).done();
            if victim.code.is_some() {
                tally.broken.push(format!("it did not die at {place}: {victim:?}"));
            }
        }
        Moment::AfterTheCommit => {
            let victim = scene.renew();
            let end = Deadline::after(PATIENCE);
            while !scene.committed() && !end.passed() {
                moment(1);
            }
            moment(draw.between(0, AIMED));
            kill(victim);
        }
        Moment::Whenever => {
            let victim = scene.renew();
            moment(draw.between(0, scene.typical));
            kill(victim);
        }
    }
    tally.kills += 1;
    let committed = scene.committed();
    let next = scene.renew().done();
    // What the victim had sent may have been acted on after its death; the next start was refused then.
    let committed = committed || next.code != Some(0) && scene.committed();
    tally.committed += u32::from(committed);
    if next.code == Some(0) {
        return;
    }
    let code = scene.desktop.status("demo")["reason"]["code"].as_str().unwrap_or("").to_owned();
    if next.code == Some(3) && committed {
        tally.lost += 1;
        if code != "refused_after_lost_reply" {
            tally.mistold.push(code);
        }
    } else {
        tally.broken.push(format!("{next:?}, {code}, {:#?}", scene.refreshes()));
    }
    let _ = scene.desktop.sign_in("demo", "demo").ends(0);
}

fn kill(victim: Running) {
    if let Some(pid) = i32::try_from(victim.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
    let _ = victim.done();
}

#[expect(clippy::disallowed_methods, reason = "real processes run in real time")]
fn moment(millis: Millis) {
    std::thread::sleep(Duration::from_millis(millis.unsigned_abs()));
}

/// So many processes renew at once, so many times. They all stand at the lock when it is given free, so all of them
/// have read the same token. Gives back what went wrong.
pub async fn together(rounds: usize, processes: usize) -> Vec<String> {
    let mut scene = Scene::new(Duration::ZERO).await;
    tokio::task::block_in_place(|| {
        (1..=rounds).filter_map(|round| one_round(&mut scene, round, processes)).collect()
    })
}

fn one_round(scene: &mut Scene, round: usize, processes: usize) -> Option<String> {
    scene.begins();
    let ended = scene.desktop.renewed_together(processes);
    let first = 1 + u64::from(WATCHED) + round as u64;
    let refreshes = scene.refreshes();
    // A keychain that is asked by many at once may be too slow for one of them, who then asks for nothing.
    let (through, late): (Vec<_>, Vec<_>) = ended.iter().partition(|done| done.code == Some(0));
    let fine = !through.is_empty()
        && through.iter().all(|done| done.json()["generation"] == first)
        && late.iter().all(|done| done.stderr.contains("does not answer in time"));
    (!fine || refreshes.len() != 1).then(|| format!("round {round}: {ended:#?} {refreshes:#?}"))
}

/// The grace window of the kinder backend: longer than the next start takes.
pub const GRACE: Duration = Duration::from_secs(30);
