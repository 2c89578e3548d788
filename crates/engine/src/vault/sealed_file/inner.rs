//! What is done with the files: plain blocking calls, one after the other.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use latchkey_core::account::AccountName;
use latchkey_core::reason::VaultProblem;
use zeroize::Zeroizing;

use super::disk::Disk;
use super::format::{self, Heading, Unreadable};
use super::key::{Cost, Key, Material};
use crate::ports::VaultError;
use crate::vault::Envelope;

/// How a sealed file's name ends. Names with `~` are ours as well; no account's name has one.
const ENDING: &str = ".sealed";
/// How the name of a file ends that is being written.
const UNFINISHED: &str = ".new";
/// The file of [`Inner::probe`].
const PROBE: &str = "~probe";
/// The file of [`Inner::check`].
const CHECK: &str = "~check";
/// What is written there: more than any usual token set takes.
const ROOM: usize = 64 * 1024;
/// The largest envelope that is stored, as with a keychain.
const LARGEST: usize = 1024 * 1024;

/// The files of one folder, and the keys that open them.
pub(super) struct Inner {
    pub(super) folder: PathBuf,
    pub(super) disk: Box<dyn Disk>,
    pub(super) material: Material,
    pub(super) cost: Cost,
    /// Keys that have opened or sealed a file; the first one seals.
    keys: Vec<Arc<Key>>,
    /// A key for a vault without files.
    fresh: Option<Arc<Key>>,
    /// The newest generation that was met of each account.
    newest: BTreeMap<AccountName, u64>,
}

/// A file that was opened.
struct Opened {
    generation: u64,
    plain: Zeroizing<Vec<u8>>,
}

impl Inner {
    pub(super) fn new(folder: PathBuf, disk: Box<dyn Disk>, material: Material, cost: Cost) -> Self {
        Self { folder, disk, material, cost, keys: Vec::new(), fresh: None, newest: BTreeMap::new() }
    }

    /// Whether there is no sealed file yet, so that any passphrase will do.
    pub(super) fn is_empty(&self) -> bool {
        self.sealed_names().is_ok_and(|names| names.is_empty())
    }

    pub(super) fn read(&mut self, account: &AccountName) -> Result<Option<Envelope>, VaultError> {
        let Some(Opened { generation, plain }) = self.load(account.as_str())? else { return Ok(None) };
        let envelope = Envelope::from_bytes(&plain, account)?;
        if envelope.generation != generation {
            return Err(damaged(account.as_str(), "its heading names another generation"));
        }
        let newest = self.newest.entry(account.clone()).or_default();
        if generation < *newest {
            // Nothing here can tell a restored backup from an attack, and a refusal would lock the person out.
            tracing::warn!(
                account = %account, kind = "older_generation", generation, before = *newest,
                "The sealed file holds an older generation than before: somebody put back a copy"
            );
        }
        *newest = generation;
        Ok(Some(envelope))
    }

    pub(super) fn write(&mut self, account: &AccountName, envelope: &Envelope) -> Result<(), VaultError> {
        let plain = envelope.to_bytes_for(account)?;
        if plain.len() > LARGEST {
            let detail = format!("{} bytes; at most {LARGEST} are stored", plain.len());
            return Err(VaultError { problem: VaultProblem::TooLarge, detail });
        }
        let before = self.load(account.as_str()).and_then(|before| match before {
            Some(Opened { plain, .. }) => Envelope::from_bytes(&plain, account).map(drop),
            None => Ok(()),
        });
        let spoilt = match before {
            Ok(()) => false,
            Err(error) if error.problem == VaultProblem::Damaged => true,
            Err(error) => return Err(error),
        };
        self.store(account.as_str(), envelope.generation, &plain, spoilt)?;
        self.newest.insert(account.clone(), envelope.generation);
        Ok(())
    }

    /// Leaves nothing of the account: also no file that was set aside.
    pub(super) fn erase(&mut self, account: &AccountName) -> Result<(), VaultError> {
        self.newest.remove(account);
        self.remove(account.as_str())
    }

    /// Whether a file could be written now. Makes the key as well, so that no renewal has to wait for it with a
    /// token in hand that is not stored.
    pub(super) fn check(&mut self) -> Result<(), VaultError> {
        self.prepare()?;
        self.sealing_key()?;
        // Another process that is checking just now does not miss its file.
        self.remove_leftovers(CHECK, true)?;
        let file = self.unused(CHECK)?;
        let outcome = self.disk.create(&file, &vec![0; ROOM]);
        // What is left of a write that failed would take the room that is missing.
        let removed = self.disk.remove(&file);
        outcome.and(removed).map_err(|error| self.unusable("cannot be written", &error))
    }

    /// Writes, reads and erases a file, as with an account.
    pub(super) fn probe(&mut self) -> Result<(), VaultError> {
        let plain = b"Latchkey looks whether the vault works";
        self.prepare()?;
        self.store(PROBE, 1, plain, false)?;
        let read = self.load(PROBE);
        self.remove(PROBE)?;
        match read? {
            Some(Opened { generation: 1, plain: kept }) if *kept == plain => Ok(()),
            Some(_) | None => Err(not_kept(PROBE)),
        }
    }

    fn load(&mut self, stem: &str) -> Result<Option<Opened>, VaultError> {
        let read = self.disk.read(&self.file(stem));
        let Some(bytes) = read.map_err(|error| self.unusable(&format!("{stem}{ENDING}"), &error))? else {
            return Ok(None);
        };
        let heading = Heading::of(&bytes).map_err(|why| unreadable(stem, why))?;
        let key = self.key_of(stem, &heading)?;
        let plain = format::open(&key, stem, &heading, &bytes).map_err(|why| unreadable(stem, why))?;
        Ok(Some(Opened { generation: heading.generation, plain }))
    }

    /// The order that loses nothing: the new file whole and durable under a name of its own, then at once in the place
    /// of the old one, then the name durable. `spoilt` keeps an old file that cannot be read beside the new one.
    fn store(&mut self, stem: &str, generation: u64, plain: &[u8], spoilt: bool) -> Result<(), VaultError> {
        self.prepare()?;
        let key = self.sealing_key()?;
        let bytes = format::seal(&key, stem, generation, plain)
            .map_err(|error| self.unusable("the system has no random bytes", &io::Error::other(error)))?;
        self.remove_leftovers(stem, false)?;
        let new = self.unused(stem)?;
        let written = self.disk.create(&new, &bytes).and_then(|()| self.disk.read(&new));
        match written {
            Ok(Some(kept)) if kept == bytes => {}
            Ok(_) => {
                let _ = self.disk.remove(&new);
                return Err(not_kept(stem));
            }
            Err(error) => {
                let _ = self.disk.remove(&new);
                return Err(self.unusable("cannot be written", &error));
            }
        }
        let (file, aside) = (self.file(stem), self.folder.join(format!("{stem}~damaged")));
        let kept = if spoilt { self.disk.rename(&file, &aside) } else { Ok(()) };
        kept.and_then(|()| self.disk.rename(&new, &file))
            .and_then(|()| self.disk.sync(&self.folder))
            .map_err(|error| self.unusable(&format!("{stem}{ENDING}"), &error))?;
        if let Some(fresh) = self.fresh.take_if(|fresh| Arc::ptr_eq(fresh, &key)) {
            self.keys.push(fresh);
        }
        Ok(())
    }

    fn remove(&self, stem: &str) -> Result<(), VaultError> {
        let failed = |error: &io::Error| self.unusable("cannot be erased", error);
        self.disk.remove(&self.file(stem)).map_err(|error| failed(&error))?;
        self.remove_leftovers(stem, true)?;
        self.disk.sync(&self.folder).map_err(|error| failed(&error))
    }

    /// Removes what an interrupted write has left; with `all` what was set aside as well.
    fn remove_leftovers(&self, stem: &str, all: bool) -> Result<(), VaultError> {
        let leftover = |name: &String| {
            let rest = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('~'));
            rest.is_some_and(|rest| all || rest.strip_suffix(UNFINISHED).is_some())
        };
        let failed = |error: &io::Error| self.unusable("cannot be cleaned", error);
        for name in
            self.disk.names(&self.folder).map_err(|error| failed(&error))?.iter().filter(|n| leftover(n))
        {
            self.disk.remove(&self.folder.join(name)).map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// The key to seal with: the one of the files that are there, so that a vault has one passphrase.
    fn sealing_key(&mut self) -> Result<Arc<Key>, VaultError> {
        if let Some(key) = self.keys.first() {
            return Ok(key.clone());
        }
        for name in self.sealed_names()? {
            let read = self.disk.read(&self.folder.join(&name));
            let bytes = read.map_err(|error| self.unusable(&name, &error))?.unwrap_or_default();
            if let Ok(heading) = Heading::of(&bytes) {
                return self.key_of(name.trim_end_matches(ENDING), &heading);
            }
        }
        let key = if let Some(fresh) = self.fresh.take() {
            fresh
        } else {
            let made = self.material.new_recipe(self.cost).and_then(|recipe| self.material.key(recipe));
            Arc::new(made.map_err(|_| no_key())?)
        };
        Ok(self.fresh.insert(key).clone())
    }

    fn key_of(&mut self, stem: &str, heading: &Heading) -> Result<Arc<Key>, VaultError> {
        let wrong = || {
            let detail = format!("{stem}{ENDING} was sealed with another passphrase or key file");
            VaultError { problem: VaultProblem::WrongPassphrase, detail }
        };
        let known = self.keys.iter().find(|key| key.recipe == heading.recipe).cloned();
        let key = match known {
            Some(key) => key,
            None if self.material.fits(heading.recipe) => {
                Arc::new(self.material.key(heading.recipe).map_err(|_| no_key())?)
            }
            None => return Err(wrong()),
        };
        if !key.made(&heading.check) {
            return Err(wrong());
        }
        if !self.keys.iter().any(|known| Arc::ptr_eq(known, &key)) {
            self.keys.push(key.clone());
        }
        Ok(key)
    }

    fn prepare(&self) -> Result<(), VaultError> {
        self.disk.prepare(&self.folder).map_err(|error| self.unusable("cannot be used", &error))
    }

    fn sealed_names(&self) -> Result<Vec<String>, VaultError> {
        let names = self.disk.names(&self.folder).map_err(|error| self.unusable("cannot be read", &error))?;
        let mut sealed: Vec<_> =
            names.into_iter().filter(|name| name.ends_with(ENDING) && !name.contains('~')).collect();
        sealed.sort();
        Ok(sealed)
    }

    fn file(&self, stem: &str) -> PathBuf {
        self.folder.join(format!("{stem}{ENDING}"))
    }

    /// A name that no other process has taken.
    fn unused(&self, stem: &str) -> Result<PathBuf, VaultError> {
        let random = getrandom::u64()
            .map_err(|error| self.unusable("the system has no random bytes", &io::Error::other(error)))?;
        Ok(self.folder.join(format!("{stem}~{random:016x}{UNFINISHED}")))
    }

    fn unusable(&self, what: &str, error: &io::Error) -> VaultError {
        let detail = format!("{}: {what}: {error}", self.folder.display());
        VaultError { problem: VaultProblem::FileUnusable, detail }
    }
}

fn unreadable(stem: &str, why: Unreadable) -> VaultError {
    match why {
        Unreadable::Damaged => damaged(stem, "it is torn, changed, or another account's"),
        Unreadable::Newer => {
            let detail = format!("{stem}{ENDING} has a newer format");
            VaultError { problem: VaultProblem::Newer, detail }
        }
    }
}

fn damaged(stem: &str, how: &str) -> VaultError {
    VaultError { problem: VaultProblem::Damaged, detail: format!("{stem}{ENDING} cannot be opened: {how}") }
}

fn not_kept(stem: &str) -> VaultError {
    let detail = format!("{stem}{ENDING} was read back otherwise than it was written");
    VaultError { problem: VaultProblem::NotKept, detail }
}

fn no_key() -> VaultError {
    let detail = "the key cannot be made: there is not enough memory, or no randomness".to_owned();
    VaultError { problem: VaultProblem::FileUnusable, detail }
}
