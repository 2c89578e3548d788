//! Token sets in sealed files, for machines without a keychain: taken only where `LATCHKEY_VAULT=sealed-file` says so.
//!
//! One file for each account, `vault/<account>.sealed` in the state folder, for this user alone. `format` says what
//! stands in it, `key` how a passphrase or a key file becomes its key, `source` where those come from, `inner` in which
//! order files are written, so that a crash at any instruction leaves the old one or the new one.
//!
//! Each file holds the recipe of its key, so there is no other file whose loss would cost them all; a new file takes
//! over the recipe of those that are there. The key is made once in a process: deriving it at every write would leave
//! a new token unsaved for as long as that takes.
//!
//! What it cannot do: a copy of an older file that is put back opens like any other. That is told in the log when the
//! process has met a newer one, and accepted, since a restored backup looks the same.

mod disk;
mod format;
mod inner;
mod key;
mod source;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use latchkey_core::account::AccountName;
use latchkey_core::reason::VaultProblem;
use latchkey_core::secret::Password;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::Envelope;
use crate::ports::{Vault, VaultError};
use disk::SystemDisk;
use inner::Inner;
use key::{Cost, Material};

pub use source::{KEY_FILE, KeyProblem, PASSPHRASE_FILE};

/// The vault. Its clones are the same vault.
#[derive(Clone)]
pub struct SealedFile(Arc<Mutex<Inner>>);

/// A vault for which nobody has given a passphrase yet.
pub struct Unopened {
    folder: PathBuf,
}

/// What the variables give.
pub(super) enum Given {
    Opened(SealedFile),
    Nothing(Unopened),
}

/// The vault in this folder, with the key that the variables name.
pub(super) fn given(folder: PathBuf, lookup: impl Fn(&str) -> Option<OsString>) -> Result<Given, KeyProblem> {
    Ok(match source::given(lookup)? {
        Some(material) => Given::Opened(SealedFile::new(on_disk(folder, material))),
        None => Given::Nothing(Unopened { folder }),
    })
}

impl Unopened {
    /// Whether nothing is sealed yet: then the passphrase is being chosen, and is better asked for twice.
    pub fn is_new(&self) -> bool {
        self.inner(&Password::new("")).is_empty()
    }

    /// With a passphrase. Whether it is the right one shows when the first file is opened.
    pub fn with(&self, passphrase: &Password) -> SealedFile {
        SealedFile::new(self.inner(passphrase))
    }

    fn inner(&self, passphrase: &Password) -> Inner {
        let bytes = Zeroizing::new(passphrase.expose().as_bytes().to_vec());
        on_disk(self.folder.clone(), Material::Passphrase(bytes))
    }
}

/// The files of this folder.
fn on_disk(folder: PathBuf, material: Material) -> Inner {
    Inner::new(folder, Box::new(SystemDisk), material, Cost::RECOMMENDED)
}

impl SealedFile {
    fn new(inner: Inner) -> Self {
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Does it on a thread that may wait. Once begun it is carried out, whoever goes on waiting for it.
    async fn call<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Inner) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        // Whoever waits for a turn waits without a thread: a start reads the files of all accounts.
        let mut inner = Arc::clone(&self.0).lock_owned().await;
        // What a panic left is on the disk, where every order of events is provided for.
        tokio::task::spawn_blocking(move || operation(&mut inner)).await.unwrap_or_else(|_| {
            let detail = "the operation was given up".to_owned();
            Err(VaultError { problem: VaultProblem::FileUnusable, detail })
        })
    }
}

#[async_trait]
impl Vault for SealedFile {
    fn name(&self) -> &'static str {
        "sealed file"
    }

    async fn read(&self, account: &AccountName) -> Result<Option<Envelope>, VaultError> {
        let account = account.clone();
        self.call(move |inner| inner.read(&account)).await
    }

    async fn write(&self, account: &AccountName, envelope: &Envelope) -> Result<(), VaultError> {
        let (account, envelope) = (account.clone(), envelope.clone());
        self.call(move |inner| inner.write(&account, &envelope)).await
    }

    async fn erase(&self, account: &AccountName) -> Result<(), VaultError> {
        let account = account.clone();
        self.call(move |inner| inner.erase(&account)).await
    }

    async fn check_writable(&self) -> Result<(), VaultError> {
        self.call(Inner::check).await
    }

    async fn probe(&self) -> Result<(), VaultError> {
        self.call(Inner::probe).await
    }
}

#[cfg(test)]
mod tests;
