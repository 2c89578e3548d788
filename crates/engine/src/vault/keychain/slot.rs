//! The held store, and what is done with it: plain blocking calls, one after the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use keyring_core::api::CredentialStore;
use keyring_core::error::PlatformError;
use keyring_core::{Entry, Error};
use latchkey_core::reason::VaultProblem;
use zeroize::Zeroizing;

use super::SERVICE;
use super::chunks::Items;
use crate::ports::{Clock, VaultError};

/// What differs by platform.
pub(super) trait Backend: Send {
    /// A new connection; the one before it, if there was one, is forgotten.
    fn connect(&mut self) -> Result<Arc<CredentialStore>, Error>;

    /// The modifier under which the store takes an item's label, if it takes one.
    fn label(&self) -> Option<&'static str>;

    /// An error unless an operation on the items under this name could go ahead now without asking the person
    /// anything: then `NoEntry` really means that there is none. May ask for unlocking, and wait so long for it.
    fn ready(&mut self, user: &str, patience: Duration) -> Result<(), NotReady>;

    /// What an error of the platform means. `no_access` tells `NoStorageAccess` from `PlatformFailure`.
    fn judge(&self, error: &PlatformError, no_access: bool) -> Verdict;
}

/// Why an operation cannot go ahead.
pub(super) enum NotReady {
    /// The keychain said so.
    Failed(Error),
    /// It is locked, and the person has been asked to unlock it but has not answered yet.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "other systems ask while a call waits"))]
    Asked,
}

impl From<Error> for NotReady {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What to tell.
    pub(super) problem: VaultProblem,
    /// Whether a new connection may help.
    pub(super) broken: bool,
}

impl Verdict {
    /// The service has spoken; asking it over a new connection changes nothing.
    pub(super) const fn final_(problem: VaultProblem) -> Self {
        Self { problem, broken: false }
    }

    /// The connection is of no use any more.
    pub(super) const BROKEN: Self = Self { problem: VaultProblem::Unavailable, broken: true };
}

/// Nobody reads a question and agrees to it in less than this.
const QUICKER_THAN_ANYONE: SignedDuration = SignedDuration::from_millis(100);

/// The store, once there is one.
pub(super) struct Slot {
    backend: Box<dyn Backend>,
    store: Option<Arc<CredentialStore>>,
    patience: Duration,
    clock: Arc<dyn Clock>,
    /// How long did the last reading of an item take?
    last_read: Option<SignedDuration>,
}

impl Slot {
    pub(super) fn new(backend: Box<dyn Backend>, patience: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { backend, store: None, patience, clock, last_read: None }
    }

    /// Whether an item was read so quickly that no person can have been asked about it: a store that has every
    /// reading confirmed is not read more often than is needed.
    pub(super) fn reads_freely(&self) -> bool {
        self.last_read.is_some_and(|took| took < QUICKER_THAN_ANYONE)
    }
}

impl Items for Slot {
    /// Every item under this name: none, one, or more where a keychain was copied or merged.
    fn read(&mut self, user: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, VaultError> {
        let begun = self.clock.now().boot;
        let found = self.run(user, |entry| match entry.get_secret() {
            Ok(bytes) => Ok(vec![Zeroizing::new(bytes)]),
            Err(Error::NoEntry) => Ok(Vec::new()),
            Err(Error::Ambiguous(entries)) => {
                entries.iter().map(|entry| entry.get_secret().map(Zeroizing::new)).collect()
            }
            Err(error) => Err(error),
        })?;
        // Nobody is asked about an item that is not there.
        if !found.is_empty() {
            self.last_read = Some(self.clock.now().boot.saturating_sub(begun));
        }
        Ok(found)
    }

    /// Puts these bytes in the place of whatever is under this name.
    fn write(&mut self, user: &str, bytes: &[u8]) -> Result<(), VaultError> {
        self.run(user, |entry| match entry.set_secret(bytes) {
            // One is written before the others go, so there is one at every moment.
            Err(Error::Ambiguous(entries)) => match entries.split_first() {
                Some((kept, others)) => {
                    kept.set_secret(bytes)?;
                    others.iter().try_for_each(delete)
                }
                None => Ok(()),
            },
            result => result,
        })
    }

    /// Leaves nothing under this name.
    fn erase(&mut self, user: &str) -> Result<(), VaultError> {
        self.run(user, |entry| match delete(entry) {
            Err(Error::Ambiguous(entries)) => entries.iter().try_for_each(delete),
            result => result,
        })
    }
}

impl Slot {
    /// Runs an operation on the held store, and once more on a new one if the held one is broken. Operations
    /// may be repeated: each leaves the same behind, done once or twice.
    fn run<T>(
        &mut self,
        user: &str,
        mut operation: impl FnMut(&Entry) -> Result<T, Error>,
    ) -> Result<T, VaultError> {
        loop {
            // Taken out, so that a store that panics is not met again.
            let held = self.store.take();
            let may_rebuild = held.is_some();
            let (store, outcome) = self.attempt(held, user, &mut operation);
            let error = match outcome {
                Ok(done) => {
                    self.store = store;
                    return Ok(done);
                }
                Err(NotReady::Asked) => {
                    self.store = store;
                    return Err(super::slow("the keychain asks the person to unlock it".to_owned()));
                }
                Err(NotReady::Failed(error)) => error,
            };
            let verdict = self.judge(&error);
            if !verdict.broken {
                self.store = store;
            } else if may_rebuild {
                tracing::debug!("the connection to the keychain is broken and is made anew");
                continue;
            }
            return Err(VaultError { problem: verdict.problem, detail: words(&error) });
        }
    }

    fn attempt<T>(
        &mut self,
        held: Option<Arc<CredentialStore>>,
        user: &str,
        operation: &mut impl FnMut(&Entry) -> Result<T, Error>,
    ) -> (Option<Arc<CredentialStore>>, Result<T, NotReady>) {
        let store = match held.map_or_else(|| self.backend.connect(), Ok) {
            Ok(store) => store,
            Err(error) => return (None, Err(error.into())),
        };
        let done = self
            .backend
            .ready(user, self.patience)
            .and_then(|()| Ok(operation(&entry(&*store, &*self.backend, user)?)?));
        (Some(store), done)
    }

    fn judge(&self, error: &Error) -> Verdict {
        match error {
            Error::PlatformFailure(inner) => self.backend.judge(inner, false),
            Error::NoStorageAccess(inner) => self.backend.judge(inner, true),
            Error::NoDefaultStore => Verdict::BROKEN,
            Error::TooLong(..) => Verdict::final_(VaultProblem::TooLarge),
            Error::BadEncoding(_) | Error::BadDataFormat(..) => Verdict::final_(VaultProblem::Damaged),
            // `NoEntry` and `Ambiguous` get here when another program changes the items at the same time.
            Error::NoEntry
            | Error::Ambiguous(_)
            | Error::BadStoreFormat(_)
            | Error::Invalid(..)
            | Error::NotSupportedByStore(_)
            | _ => Verdict::final_(VaultProblem::Refused),
        }
    }
}

fn entry(store: &CredentialStore, backend: &dyn Backend, user: &str) -> Result<Entry, Error> {
    let label = format!("Latchkey: {}", user.trim_start_matches('.'));
    let modifiers: HashMap<&str, &str> =
        backend.label().map(|name| (name, label.as_str())).into_iter().collect();
    store.build(SERVICE, user, Some(&modifiers))
}

/// Deletes an item; one that is gone already is no error.
fn delete(entry: &Entry) -> Result<(), Error> {
    match entry.delete_credential() {
        Err(Error::NoEntry) => Ok(()),
        result => result,
    }
}

/// What the store said, without the bytes that two of its errors carry or may quote.
fn words(error: &Error) -> String {
    if matches!(error, Error::BadEncoding(_) | Error::BadDataFormat(..)) {
        return "the item is not in the form of the store".to_owned();
    }
    latchkey_core::text::foreign(&error.to_string())
}
