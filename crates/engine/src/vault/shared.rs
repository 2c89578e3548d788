//! A vault that several processes use, each of which sees when another has changed it.
//!
//! A keychain tells nobody what others did, and to read it before each token that is handed out would be slow. So
//! whoever stores or erases something leaves a mark beside it: a byte more in the account's file in a folder that all
//! processes share. A mark says which of the two was done and nothing else, and one that cannot be left costs no more than
//! that the others learn of it later, as they renew.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use latchkey_core::account::AccountName;

use super::Envelope;
use crate::folder_watch::FolderWatch;
use crate::paths::{create_private_dir, private_file};
use crate::ports::{Clock, Vault, VaultError};

/// As long as a file of marks becomes, in bytes; then it begins anew.
const LONGEST: u64 = 4096;

/// The mark of what was stored.
const STORED: u8 = b'+';
/// The mark of what was erased.
const ERASED: u8 = b'-';

/// A vault, and the marks of those who change it.
pub struct SharedVault {
    vault: Arc<dyn Vault>,
    dir: PathBuf,
    clock: Arc<dyn Clock>,
    /// Of the accounts that were read here.
    known: Mutex<BTreeMap<AccountName, Known>>,
}

/// The marks of an account as they are now. They are different after each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Marks {
    length: u64,
    /// Tells a file that began anew from one that grew.
    written: SystemTime,
}

/// What is known here of an account's marks; none where there were none.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Those under which it was read for whoever goes by it.
    caught_up: Option<Marks>,
    /// Those that were told of.
    told: Option<Marks>,
}

impl SharedVault {
    /// Leaves marks in this folder, which is made with the first.
    pub fn new(vault: Arc<dyn Vault>, dir: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self { vault, dir: dir.into(), clock, known: Mutex::default() }
    }

    fn file(&self, account: &AccountName) -> PathBuf {
        self.dir.join(account.as_str())
    }

    // None of these calls waits for another process, so none is worth a thread.
    fn marks(&self, account: &AccountName) -> Option<Marks> {
        fs::metadata(self.file(account)).ok().and_then(|found| Marks::of(&found))
    }

    /// Leaves a mark. Whoever was caught up here still is; what another process did meanwhile is not passed over.
    fn leave(&self, account: &AccountName, mark: u8) {
        let before = self.marks(account);
        let Ok(after) = append(&self.dir, &self.file(account), mark) else { return };
        if let Some(known) = self.known().get_mut(account).filter(|known| known.caught_up == before) {
            *known = Known::all(after);
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<AccountName, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there are changes by others of which nobody was told yet. From now on they were.
    fn news(&self) -> bool {
        let mut news = false;
        for (account, known) in &mut *self.known() {
            let now = self.marks(account);
            news |= now != known.caught_up && now != known.told;
            known.told = now;
        }
        news
    }
}

impl Known {
    fn all(marks: Option<Marks>) -> Self {
        Self { caught_up: marks, told: marks }
    }
}

impl Marks {
    fn of(file: &fs::Metadata) -> Option<Self> {
        Some(Self { length: file.len(), written: file.modified().ok()? })
    }
}

/// Makes a file one byte longer, or lets it begin anew.
fn append(dir: &Path, path: &Path, mark: u8) -> io::Result<Option<Marks>> {
    let open = || private_file().append(true).open(path);
    let mut file: File = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_private_dir(dir)?;
            open()?
        }
        opened => opened?,
    };
    if file.metadata()?.len() >= LONGEST {
        // Where it cannot be shortened, it grows on.
        let _ = file.set_len(0);
    }
    file.write_all(&[mark])?;
    Ok(Marks::of(&file.metadata()?))
}

#[async_trait]
impl Vault for SharedVault {
    fn name(&self) -> &'static str {
        self.vault.name()
    }

    async fn read(&self, account: &AccountName) -> Result<Option<Envelope>, VaultError> {
        self.vault.read(account).await
    }

    async fn write(&self, account: &AccountName, envelope: &Envelope) -> Result<(), VaultError> {
        let written = self.vault.write(account, envelope).await;
        // One that failed may have changed something all the same.
        self.leave(account, STORED);
        written
    }

    async fn erase(&self, account: &AccountName) -> Result<(), VaultError> {
        let erased = self.vault.erase(account).await;
        self.leave(account, ERASED);
        erased
    }

    async fn check_writable(&self) -> Result<(), VaultError> {
        self.vault.check_writable().await
    }

    async fn probe(&self) -> Result<(), VaultError> {
        self.vault.probe().await
    }

    async fn catch_up(&self, account: &AccountName) -> Result<Option<Envelope>, VaultError> {
        // Before the vault: what is changed while it is read is seen the next time.
        let marks = self.marks(account);
        let read = self.vault.read(account).await;
        self.known().insert(account.clone(), Known::all(marks));
        read
    }

    fn changed_elsewhere(&self, account: &AccountName) -> bool {
        let known = self.known().get(account).copied();
        known.is_some_and(|known| self.marks(account) != known.caught_up)
    }

    fn erased_here(&self, account: &AccountName) -> bool {
        fs::read(self.file(account)).is_ok_and(|marks| marks.last() == Some(&ERASED))
    }

    async fn changed(&self) {
        // Without a folder there is nothing to watch, and it is looked at now and then.
        let _ = create_private_dir(&self.dir);
        loop {
            let watch = FolderWatch::on(std::slice::from_ref(&self.dir));
            if self.news() {
                return;
            }
            watch.happens(&*self.clock).await;
        }
    }
}

#[cfg(test)]
mod tests;
