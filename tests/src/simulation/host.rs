//! The machine on which the real engine runs in a simulation, and what must always hold on it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use latchkey_engine::clock::ManualClock;
use latchkey_engine::journal::MemoryJournal;
use latchkey_engine::ports::Clock as _;
use latchkey_engine::vault::memory::MemoryVault;
use tokio::sync::{Notify, watch};

use super::backend::{Backend, Grant, Refusal, Rules};
use super::gaps::{inside, long};
use super::world::World;
use super::{BEGIN, HOUR, Millis};

/// What is told of the time before something went wrong.
const REMEMBERED: usize = 60;

/// For so long nobody may be without a token while the backend can be asked: a keychain is locked for ten minutes at
/// the most, and then a person may be needed.
const DRY: Millis = HOUR;

/// What is wrong with a machine: with each of these something must be found not to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The lock lets everybody in.
    OpenLock,
    /// The keychain says that it has stored, and keeps what it had.
    ForgetfulVault,
    /// The keychain says of a token that is there that there is none.
    BlindVault,
    /// The keychain stays locked after two days.
    ShutVault,
}

/// The machine. Processes on it share its keychain, its lock and its clocks, and die one by one.
pub struct Host {
    /// What happens.
    pub world: World,
    /// What is wrong with it.
    pub sabotage: Option<Sabotage>,
    /// The clocks.
    pub clock: ManualClock,
    /// The keychain.
    pub vault: MemoryVault,
    /// The journal of renewals, as it is on the disk.
    pub journal: MemoryJournal,
    /// Goes up when the engine would hear of a link that came or went.
    pub links: watch::Sender<u64>,
    /// Rings when the machine wakes.
    pub woken: Notify,
    /// Rings when the lock becomes free.
    pub lock_freed: Notify,
    /// Rings when somebody has changed the keychain.
    pub vault_changed: Notify,
    state: Mutex<State>,
}

/// What is known of the machine.
pub struct State {
    /// The backend.
    pub backend: Backend,
    /// Processes that have died.
    pub dead: BTreeSet<u32>,
    /// Who holds the renewal lock, and for which time.
    pub lock: Option<(u32, u64)>,
    /// How often the lock was taken.
    pub locked: u64,
    /// How often the keychain was changed.
    pub vault_changes: u64,
    /// Who waits for the lock.
    pub parked: BTreeSet<u32>,
    /// Who sleeps until when.
    pub sleepers: BTreeMap<u64, (u32, Millis)>,
    /// Which process dies at which of its next steps.
    pub doomed: Option<(u32, i64)>,
    /// Exchanges under way at the backend.
    pub exchanges: u32,
    /// What each access token is.
    pub issued: BTreeMap<String, Grant>,
    /// Refresh tokens that got a verdict, and why.
    pub refused: BTreeMap<u64, Refusal>,
    /// From when until when a valid access token was stored.
    pub valid: Vec<(Millis, Millis)>,
    /// When the backend saw a request.
    pub requests: Vec<Millis>,
    /// What did not hold.
    pub broken: Vec<String>,
    told: VecDeque<String>,
}

impl Host {
    /// A machine in this world, with a backend of these rules.
    pub fn new(world: World, rules: Rules, sabotage: Option<Sabotage>) -> Self {
        let clock = ManualClock::new(Timestamp::from_second(BEGIN).unwrap());
        let state = State {
            backend: Backend::new(rules),
            dead: BTreeSet::new(),
            lock: None,
            locked: 0,
            vault_changes: 0,
            parked: BTreeSet::new(),
            sleepers: BTreeMap::new(),
            doomed: None,
            exchanges: 0,
            issued: BTreeMap::new(),
            refused: BTreeMap::new(),
            valid: Vec::new(),
            requests: Vec::new(),
            broken: Vec::new(),
            told: VecDeque::new(),
        };
        Self {
            world,
            sabotage,
            clock,
            vault: MemoryVault::new(),
            journal: MemoryJournal::default(),
            links: watch::Sender::new(0),
            woken: Notify::new(),
            lock_freed: Notify::new(),
            vault_changed: Notify::new(),
            state: Mutex::new(state),
        }
    }

    /// The state, for as long as it takes to look at it.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the simulation has run.
    pub fn time(&self) -> Millis {
        Self::since_begin(self.clock.now().boot)
    }

    /// A reading of the boot-time clock as simulated time, rounded up: what has not quite come has not come.
    pub fn since_begin(boot: SignedDuration) -> Millis {
        let nanos = boot.as_nanos() - i128::from(HOUR) * 1_000_000;
        Millis::try_from(nanos.div_euclid(1_000_000) + i128::from(nanos.rem_euclid(1_000_000) > 0))
            .unwrap_or(Millis::MAX)
    }

    /// Time passes until then, asleep where the lid is closed; the wall clock is set if somebody sets it, and who
    /// watches the links is told.
    pub fn moves_to(&self, time: Millis) {
        let before = self.time();
        let by = (time - before).max(0);
        let awake = self.world.awake_until(before + by) - self.world.awake_until(before);
        self.clock.advance(SignedDuration::from_millis(awake));
        self.clock.sleep(SignedDuration::from_millis(by - awake));
        if awake < by {
            self.woken.notify_waiters();
        }
        if self.world.link_news(before).is_some_and(|told| told <= before + by) {
            self.links.send_modify(|links| *links += 1);
        }
        let wall = Timestamp::from_millisecond(BEGIN * 1000 + self.world.wall(time)).unwrap();
        if self.clock.now().wall != wall {
            self.clock.set_wall(wall);
        }
    }

    /// Whether a process lives.
    pub fn lives(&self, process: u32) -> bool {
        !self.state().dead.contains(&process)
    }

    /// A process dies, as at `kill -9`: whatever it was doing is never finished, and its lock is free.
    pub fn dies(&self, process: u32) {
        let mut state = self.state();
        state.dead.insert(process);
        state.doomed.take_if(|(doomed, _)| *doomed == process);
        state.parked.remove(&process);
        state.sleepers.retain(|_, (owner, _)| *owner != process);
        if state.lock.take_if(|(owner, _)| *owner == process).is_some() {
            self.lock_freed.notify_waiters();
        }
        drop(state);
        self.tells(format!("process {process} dies"));
    }

    /// A step of a process at which it can die; never comes back if it does.
    pub async fn step(&self, process: u32, what: &str) {
        let dies = {
            let mut state = self.state();
            match &mut state.doomed {
                Some((doomed, left)) if *doomed == process => {
                    *left -= 1;
                    *left < 0
                }
                _ => false,
            }
        };
        if dies {
            self.tells(format!("process {process} is killed: {what}"));
            self.dies(process);
        }
        if !self.lives(process) {
            std::future::pending::<()>().await;
        }
    }

    /// Notes what happens, for the case that something goes wrong soon.
    pub fn tells(&self, what: impl Into<String>) {
        let line = format!("{} {}", readable(self.time()), what.into());
        let mut state = self.state();
        if state.told.len() >= REMEMBERED {
            state.told.pop_front();
        }
        state.told.push_back(line);
    }

    /// Notes that something did not hold.
    pub fn breaks(&self, what: impl Into<String>) {
        let what = format!("{} {}", readable(self.time()), what.into());
        self.state().broken.push(what);
    }

    /// What happened last.
    pub fn story(&self) -> String {
        let state = self.state();
        let lines: Vec<&str> = state.told.iter().map(String::as_str).collect();
        lines.join("\n")
    }

    /// Since when there has been no token, if that is too long although the backend could be asked. Nothing is missed
    /// before `start`.
    pub fn dry(&self, start: Millis) -> Option<Millis> {
        let (now, last) = (self.time(), self.state().valid.last().copied());
        let since = last.map_or(start, |(_, until)| until);
        let dry = || long(&inside(&self.world.reachable_spans(), since, now));
        (now - since > DRY && dry() > DRY).then_some(since)
    }

    /// Tokens have become durable: their backend may from now on take the token before them for a stolen one.
    pub fn stored(&self, refresh: u64, access: &str) {
        let time = self.time();
        let mut state = self.state();
        state.backend.delivered(refresh);
        if let Some(grant) = state.issued.get(access).copied() {
            state.valid.push((time, grant.expires));
        }
        let (live, before) = state.backend.spendable(refresh);
        drop(state);
        if refresh != live && Some(refresh) != before {
            self.breaks(format!(
                "I2: the vault holds rt-{refresh:x}, neither the live token nor the one before"
            ));
        }
    }
}

/// A simulated time as people read it.
pub fn readable(time: Millis) -> String {
    let at = Timestamp::from_millisecond(BEGIN * 1000 + time).unwrap();
    format!("{at:.3}")
}
