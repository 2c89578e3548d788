//! What a life with the real engine came to.

use std::collections::BTreeMap;

use super::policy_run::Loss;
use super::{HOUR, Millis, SECOND};

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct EngineTally {
    /// How long the machine was awake and the backend could be asked.
    pub reachable: Millis,
    /// How much of that without a valid access token in the vault.
    pub without: Millis,
    /// Sessions lost, by cause.
    pub lost: BTreeMap<Loss, u32>,
    /// Sessions lost by a lost reply for which the person was told another cause.
    pub mistold: u32,
    /// Requests the backend saw.
    pub requests: usize,
    /// Moves of the clock, each of which woke something.
    pub moves: u64,
    /// Terminal commands, and how many of them got a token.
    pub commands: (u32, u32),
    /// Crashes.
    pub crashes: u32,
    /// Tokens handed out after their end by a process that had only a wall clock to go by, which had been set.
    pub stale: u32,
    /// How many of those more than a whole lifetime after their end: no clock that was set excuses that.
    pub outlived: u32,
    /// When that was, and what else is worth a look.
    pub remarks: Vec<String>,
    /// What did not hold.
    pub broken: Vec<String>,
    /// What happened last before something did not hold.
    pub story: String,
}

impl EngineTally {
    /// All of it in one line.
    pub fn line(&self) -> String {
        let lost = |loss| self.lost.get(&loss).copied().unwrap_or(0);
        format!(
            "sessions lost {} truly refused, {} by a lost reply ({} told otherwise), {} by our fault; without a token {} s of {} h; \
             {} requests, {} moves of the clock, {} of {} commands served, {} crashes, {} tokens stale by a set clock ({} by more than their lifetime)",
            lost(Loss::TrueRefusal),
            lost(Loss::LostReply),
            self.mistold,
            lost(Loss::OwnFault),
            self.without / SECOND,
            self.reachable / HOUR,
            self.requests,
            self.moves,
            self.commands.1,
            self.commands.0,
            self.crashes,
            self.stale,
            self.outlived,
        )
    }
}

impl std::ops::AddAssign for EngineTally {
    fn add_assign(&mut self, other: Self) {
        self.reachable += other.reachable;
        self.without += other.without;
        for (loss, times) in other.lost {
            *self.lost.entry(loss).or_default() += times;
        }
        self.mistold += other.mistold;
        self.requests += other.requests;
        self.moves += other.moves;
        self.commands = (self.commands.0 + other.commands.0, self.commands.1 + other.commands.1);
        self.crashes += other.crashes;
        self.stale += other.stale;
        self.outlived += other.outlived;
        self.remarks.extend(other.remarks);
        self.broken.extend(other.broken);
        self.story.push_str(&other.story);
    }
}
