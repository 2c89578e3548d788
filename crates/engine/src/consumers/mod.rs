//! The programs that take tokens: who they are, as the operating system says, which token each of them took, and
//! whether the person lets it.
//!
//! Who took what is kept in memory for as long as the process lives; what outlives it is the event log
//! (`token_taken`). What the person decided for good is kept in a file. Nothing here decides about a session.

mod consent;
mod digest;
mod leave;
mod ledger;
mod rules;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::Fingerprint;
use latchkey_core::time::Stamp;
use tokio::sync::watch;

use crate::config::Consent;
use crate::snapshot::ConsumerStatus;

pub use consent::{Decision, Withheld};
pub(crate) use ledger::Taken;

use consent::Asked;
use digest::Digest;
use ledger::Ledger;
use rules::Rules;

/// A program that asks for a token. What is in here comes from the operating system, never from the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its process; `None` where that lives in another pid namespace.
    pub pid: Option<u32>,
    /// What it runs; `None` where that cannot be told for sure: its executable was deleted or replaced, or lies in
    /// another mount namespace.
    pub program: Option<Program>,
}

/// An executable file: where it is, and which file that was.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Program {
    /// Its path.
    pub path: PathBuf,
    /// Which file stood there. A program that was replaced is another program.
    pub file: FileMark,
}

/// What tells one file from another without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileMark {
    /// The device it is on.
    pub device: u64,
    /// Its inode there.
    pub inode: u64,
    /// How many bytes it has.
    pub size: u64,
    /// When it was changed last, in nanoseconds since 1970: `ctime`, which nobody can set at will.
    pub changed: i128,
}

impl Program {
    /// What windows and commands call it: from its path and which file that is. Short, and the same for as long as
    /// the file is the same.
    pub fn id(&self) -> String {
        use std::hash::{Hash as _, Hasher as _};
        // Nothing hangs on nobody else having it: whoever decides sees the path beside it.
        let mut hasher = std::collections::hash_map::DefaultHasher::new();
        self.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// Its path as it may be shown.
    pub fn shown(&self) -> String {
        shown(&self.path)
    }

    /// The last part of its path.
    pub fn name(&self) -> String {
        shown(Path::new(self.path.file_name().unwrap_or(self.path.as_os_str())))
    }
}

/// A path as it may be shown: whole, since a person decides by it, and unable to draw on a terminal.
fn shown(path: &Path) -> String {
    latchkey_core::text::harmless(&path.to_string_lossy())
}

/// Whether decisions about programs are kept in this file and cannot be read, so that none of them holds.
pub(crate) fn decisions_are_unreadable(file: &Path) -> bool {
    rules::are_unreadable(file)
}

/// The programs of all accounts.
pub(crate) struct Consumers {
    known: Mutex<Known>,
    /// Goes up with each decision.
    decided: watch::Sender<u64>,
}

#[derive(Default)]
struct Known {
    accounts: BTreeMap<AccountName, Programs>,
    rules: Rules,
    /// What files are, where somebody had to know.
    digests: BTreeMap<Program, Digest>,
    /// Whether somebody looks at the screen already.
    watched: bool,
}

/// The programs of one account.
#[derive(Default)]
struct Programs {
    ledger: Ledger,
    asked: Vec<Asked>,
}

impl Consumers {
    /// With what was decided for good, from a file; without one, decisions are kept until the process ends.
    pub(crate) fn new(file: Option<PathBuf>) -> Arc<Self> {
        let known = Known { rules: Rules::load(file), ..Known::default() };
        Arc::new(Self { known: Mutex::new(known), decided: watch::channel(0).0 })
    }

    /// Notes that a program took a token. Whether that is news: it had not taken this one before.
    pub(crate) fn note(&self, account: &AccountName, consumer: &Consumer, taken: Taken) -> bool {
        let mut known = self.known();
        match known.accounts.get_mut(account) {
            Some(programs) => programs.ledger.note(consumer, taken),
            None => known.accounts.entry(account.clone()).or_default().ledger.note(consumer, taken),
        }
    }

    /// What may be seen of an account's programs.
    pub(crate) fn status(
        &self,
        account: &AccountName,
        consent: Consent,
        in_hand: Option<Fingerprint>,
        now: Stamp,
    ) -> Vec<ConsumerStatus> {
        consent::statuses(&self.known_anew(), account, consent, in_hand, now)
    }

    /// Forgets an account that is removed: one of its name would be another.
    pub(crate) fn forget(&self, account: &AccountName) {
        let mut known = self.known();
        known.accounts.remove(account);
        known.rules.forget(account);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, with what other processes decided since.
    fn known_anew(&self) -> MutexGuard<'_, Known> {
        let mut known = self.known();
        known.rules.follow();
        known
    }
}

/// How long a program may go on that was allowed for now: as long as it keeps asking, and not for ever.
const IDLE: SignedDuration = SignedDuration::from_mins(10);
/// The longest it may in all.
const FOR_NOW: SignedDuration = SignedDuration::from_hours(12);
