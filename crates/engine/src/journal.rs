//! What was sent and not yet answered, written down before it is sent: the write-ahead journal of renewals.
//!
//! A crash between the server's answer and the vault leaves a token of which nobody knows whether it is spent.
//! The journal says so at the next start: the same token is sent once more at once, while the server's grace
//! window is open, and a refusal is told for what it is.
//!
//! Invariants: an entry is whole or not there (a file of its own, synced, then renamed); it holds no secret; and
//! nothing here stops a renewal. What cannot be read counts as "outcome unknown", what cannot be written is told
//! once (docs/decisions/0011).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use latchkey_core::account::AccountName;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::failpoint::failpoint;
use crate::paths::{create_private_dir, private_file};
use crate::ports::Journal;

/// A renewal that was about to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Whose it is. Stored as well, so that a file under a wrong name is noticed.
    pub account: String,
    /// The generation that was to be replaced.
    pub generation: u64,
    /// The fingerprint of the refresh token that was sent.
    pub fingerprint: String,
    /// When that was, on the wall clock.
    pub started: Timestamp,
}

/// What the journal says of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// Nothing is open.
    Nothing,
    /// This was sent, and its outcome is not known.
    Sent(Intent),
    /// Something stands there that is no entry of ours: whatever the vault holds may have been sent.
    Unreadable,
}

/// So many wait for the disk at once: a start reads the entries of all accounts, and each that waits has a thread.
static TURNS: Semaphore = Semaphore::const_new(4);

/// One file for each account, in a folder of its own.
#[derive(Clone, Debug)]
pub struct FileJournal {
    dir: PathBuf,
}

impl FileJournal {
    /// Writes in this folder, which is made with the first entry.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    fn file(&self, account: &AccountName) -> PathBuf {
        self.dir.join(format!("{account}.json"))
    }
}

#[async_trait]
impl Journal for FileJournal {
    async fn read(&self, account: &AccountName) -> Noted {
        let (path, name) = (self.file(account), account.to_string());
        let read = apart(move || fs::read(path)).await;
        match read {
            Ok(bytes) => serde_json::from_slice::<Intent>(&bytes)
                .ok()
                .filter(|intent| intent.account == name)
                .map_or(Noted::Unreadable, Noted::Sent),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Noted::Nothing,
            // A file stands in the place of the folder: nothing was ever written there.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Noted::Nothing,
            Err(_) => Noted::Unreadable,
        }
    }

    async fn write(&self, account: &AccountName, intent: &Intent) -> io::Result<()> {
        let (dir, path) = (self.dir.clone(), self.file(account));
        let bytes = serde_json::to_vec(intent)?;
        apart(move || replace(&dir, &path, &bytes)).await
    }

    async fn close(&self, account: &AccountName) -> io::Result<()> {
        let path = self.file(account);
        // Not synced: an entry that comes back after a power loss is found to be of a generation that is over.
        match apart(move || fs::remove_file(path)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Puts a file in the place of another, so that whoever reads finds the one or the other whole, also after a
/// power loss. The new one has a fixed name, so that crashes leave no more than one; whoever writes has the lock.
fn replace(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    create_private_dir(dir)?;
    let new = path.with_extension("new");
    let mut file = private_file().write(true).truncate(true).open(&new)?;
    file.write_all(bytes)?;
    failpoint!("journal_written");
    file.sync_all()?;
    fs::rename(new, path)?;
    failpoint!("journal_renamed");
    // A folder cannot be opened for this on Windows; there the rename is durable in its own time.
    #[cfg(unix)]
    fs::File::open(dir)?.sync_all()?;
    Ok(())
}

/// Does what waits for a disk in a thread of its own.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    // It is never closed.
    let _turn = TURNS.acquire().await.map_err(io::Error::other)?;
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// A journal that forgets everything when the process ends: for tests. Its clones are the same journal.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    entries: BTreeMap<AccountName, Noted>,
    full: bool,
    written: u64,
}

impl MemoryJournal {
    /// Puts anything in an account's place, as a crash or somebody else may have left it.
    pub fn plant(&self, account: &AccountName, noted: Noted) {
        self.pages().entries.insert(account.clone(), noted);
    }

    /// What stands in an account's place.
    pub fn noted(&self, account: &AccountName) -> Noted {
        self.pages().entries.get(account).cloned().unwrap_or(Noted::Nothing)
    }

    /// Nothing can be written from now on, or all is well again.
    pub fn is_full(&self, full: bool) {
        self.pages().full = full;
    }

    /// How many entries were written.
    pub fn written(&self) -> u64 {
        self.pages().written
    }

    fn pages(&self) -> std::sync::MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn read(&self, account: &AccountName) -> Noted {
        self.noted(account)
    }

    async fn write(&self, account: &AccountName, intent: &Intent) -> io::Result<()> {
        let mut pages = self.pages();
        if pages.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        pages.written = pages.written.saturating_add(1);
        pages.entries.insert(account.clone(), Noted::Sent(intent.clone()));
        Ok(())
    }

    async fn close(&self, account: &AccountName) -> io::Result<()> {
        self.pages().entries.remove(account);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountName {
        AccountName::new("work").unwrap()
    }

    fn intent(generation: u64) -> Intent {
        Intent {
            account: "work".to_owned(),
            generation,
            fingerprint: "0011·2233".to_owned(),
            started: "2026-11-20T12:00:00Z".parse().unwrap(),
        }
    }

    #[tokio::test]
    async fn an_entry_is_found_by_the_next_process_until_it_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let journal = || FileJournal::new(dir.path().join("journal"));
        assert_eq!(journal().read(&account()).await, Noted::Nothing);
        journal().close(&account()).await.unwrap();
        for generation in [7, 8] {
            journal().write(&account(), &intent(generation)).await.unwrap();
            assert_eq!(journal().read(&account()).await, Noted::Sent(intent(generation)));
        }
        assert_eq!(journal().read(&AccountName::new("home").unwrap()).await, Noted::Nothing);
        journal().close(&account()).await.unwrap();
        assert_eq!(journal().read(&account()).await, Noted::Nothing);
        let left = fs::read_dir(dir.path().join("journal")).unwrap().count();
        assert_eq!(left, 0, "nothing is left lying about");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn an_entry_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let journal = FileJournal::new(dir.path().join("journal"));
        journal.write(&account(), &intent(1)).await.unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&journal.file(&account())), 0o600);
        assert_eq!(mode(&journal.dir), 0o700);
    }

    #[tokio::test]
    async fn what_is_torn_empty_or_anothers_is_an_unknown_outcome_and_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let journal = FileJournal::new(dir.path());
        let whole = serde_json::to_vec(&intent(7)).unwrap();
        let mut planted: Vec<Vec<u8>> = (0..whole.len()).map(|cut| whole[..cut].to_vec()).collect();
        let others = Intent { account: "home".to_owned(), ..intent(7) };
        planted.push(serde_json::to_vec(&others).unwrap());
        planted.extend([b"[]".to_vec(), vec![0; 4096], vec![0xff; 9]]);
        for bytes in planted {
            fs::write(journal.file(&account()), &bytes).unwrap();
            assert_eq!(journal.read(&account()).await, Noted::Unreadable, "{bytes:?}");
        }
        journal.write(&account(), &intent(8)).await.unwrap();
        assert_eq!(journal.read(&account()).await, Noted::Sent(intent(8)));
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_an_error_to_write_and_nothing_to_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("journal"), "a file in its place").unwrap();
        let journal = FileJournal::new(dir.path().join("journal"));
        assert!(journal.write(&account(), &intent(1)).await.is_err());
        assert_eq!(journal.read(&account()).await, Noted::Nothing);
    }
}
