//! Accounts that are added, changed or removed in the configuration while Latchkey runs.
//!
//! The file is read again when it changed, and the engine is told what the accounts are now. A file that is wrong
//! changes nothing: everybody stays signed in, and the log says what to correct.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use tracing::{info, warn};

use crate::config::{AccountConfig, Config};
use crate::engine::EngineHandle;
use crate::folder_watch::{FolderWatch, LOOK};
use crate::paths::Paths;
use crate::ports::Clock;

/// How long a change is given to come to an end: editors write a file in several steps.
const CALM: SignedDuration = SignedDuration::from_millis(200);

/// What the accounts of an engine became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountChanges {
    /// Those that are new.
    pub added: Vec<AccountName>,
    /// Those that sign in, renew or ask otherwise than before.
    pub changed: Vec<AccountName>,
    /// Those that are gone; their tokens stay in the vault.
    pub removed: Vec<AccountName>,
    /// Those that are as they were, since new tokens of theirs wait to be stored, or those of a sign-out to be erased.
    pub left: Vec<AccountName>,
}

impl AccountChanges {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// Follows the configuration until the engine is closed. `before` is called with the accounts there are now, before
/// the engine is: for what they may need (the embedded development backend).
pub async fn follow<F>(engine: EngineHandle, paths: Paths, before: impl Fn(Vec<AccountConfig>) -> F + Send)
where
    F: Future<Output = ()> + Send,
{
    let file = paths.config_file();
    // Nothing is known at first: the file may have changed since the engine was given its accounts.
    let mut known: Option<Option<Vec<u8>>> = None;
    // Whether an account could not be taken in as the file has it.
    let mut left = false;
    loop {
        if let Some(known) = &known {
            tokio::select! {
                () = changed(&file, known.as_ref(), engine.clock()) => {}
                () = pause(engine.clock(), LOOK), if left => {}
            }
        }
        if engine.is_closed() {
            return;
        }
        let now = read(&file);
        let again = known.as_ref() == Some(&now);
        if again && !left {
            continue;
        }
        known = Some(now);
        match Config::load(&paths) {
            Ok(config) => {
                before(config.accounts.clone()).await;
                let changes = engine.accounts_are(&config.accounts).await;
                tell(&changes);
                if !again {
                    tell_left(&changes.left);
                }
                left = !changes.left.is_empty();
            }
            Err(error) => {
                warn!(
                    kind = "config_not_read",
                    "The configuration was changed and cannot be read; the accounts stay as they were. {error}"
                );
                left = false;
            }
        }
    }
}

fn tell_left(left: &[AccountName]) {
    for account in left {
        info!(
            account = account.as_str(),
            kind = "account_change_waits",
            "The configuration of the account is followed once its tokens are stored, or erased"
        );
    }
}

fn tell(changes: &AccountChanges) {
    let AccountChanges { added, changed, removed, left: _ } = changes;
    for (accounts, what) in [(added, "is new"), (changed, "was changed"), (removed, "is gone")] {
        for account in accounts {
            info!(
                account = account.as_str(),
                kind = "account_changed",
                "The account {what} in the configuration"
            );
        }
    }
}

/// What the file says; it is small, and compared whole.
fn read(file: &Path) -> Option<Vec<u8>> {
    fs::read(file).ok()
}

/// Waits until the file says something else than what is known, and for that to be over.
async fn changed(file: &Path, known: Option<&Vec<u8>>, clock: &dyn Clock) {
    let watch = FolderWatch::on(&folders(file));
    if read(file).as_ref() == known {
        watch.happens(clock).await;
    }
    pause(clock, CALM).await;
}

async fn pause(clock: &dyn Clock, long: SignedDuration) {
    clock.sleep_until(clock.now().boot.saturating_add(long)).await;
}

/// Where a change of the file shows: in its folder, and in the one it really lies in where it is a link.
fn folders(file: &Path) -> Vec<PathBuf> {
    let real = fs::canonicalize(file).ok();
    let mut folders: Vec<_> = [Some(file), real.as_deref()]
        .into_iter()
        .flatten()
        .filter_map(Path::parent)
        .map(Path::to_owned)
        .collect();
    folders.dedup();
    folders
}
