//! A store made here, which fails, hangs, asks and lies when told to.

use std::any::Any;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use keyring_core::api::{CredentialApi, CredentialStore, CredentialStoreApi};
use keyring_core::error::PlatformError;
use keyring_core::{Entry, Error};

use super::super::slot::{Backend, NotReady, Verdict};
use super::*;
use crate::clock::ManualClock;

/// What every connection of a test sees.
#[derive(Clone, Default)]
pub(super) struct World(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) clock: ManualClock,
    /// How long a person takes to agree to a reading; zero where nobody is asked.
    pub(super) confirming: Mutex<jiff::SignedDuration>,
    /// Whether the store drops the last byte of what it is given, as one that counts wrongly does.
    pub(super) drops_a_byte: AtomicBool,
    pub(super) reads: AtomicUsize,
    pub(super) items: Mutex<BTreeMap<String, Vec<Vec<u8>>>>,
    pub(super) failures: Mutex<VecDeque<Option<Error>>>,
    pub(super) hang: Mutex<Option<mpsc::Receiver<()>>>,
    pub(super) closed: Mutex<Option<NotReady>>,
    pub(super) connections: AtomicUsize,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            clock: ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap()),
            confirming: Mutex::default(),
            drops_a_byte: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
            items: Mutex::default(),
            failures: Mutex::default(),
            hang: Mutex::default(),
            closed: Mutex::default(),
            connections: AtomicUsize::new(0),
        }
    }
}

impl World {
    pub(super) fn keychain(&self) -> Keychain {
        self.keychain_with(PATIENCE)
    }

    pub(super) fn keychain_with(&self, patience: Duration) -> Keychain {
        let clock = Arc::new(self.0.clock.clone());
        Keychain::over(Slot::new(Box::new(self.clone()), patience, clock), patience)
    }

    pub(super) fn fail_next(&self, failures: impl IntoIterator<Item = Error>) {
        self.0.failures.lock().unwrap().extend(failures.into_iter().map(Some));
    }

    pub(super) fn fail_after_the_next_operation(&self, failure: Error) {
        self.0.failures.lock().unwrap().extend([None, Some(failure)]);
    }

    pub(super) fn plant(&self, user: &str, bytes: &[u8]) {
        self.0.items.lock().unwrap().entry(user.to_owned()).or_default().push(bytes.to_vec());
    }

    pub(super) fn items(&self) -> Vec<(String, usize)> {
        self.0.items.lock().unwrap().iter().map(|(user, items)| (user.clone(), items.len())).collect()
    }

    pub(super) fn connections(&self) -> usize {
        self.0.connections.load(SeqCst)
    }
}

impl Backend for World {
    fn connect(&mut self) -> Result<Arc<CredentialStore>, Error> {
        self.0.connections.fetch_add(1, SeqCst);
        Ok(Arc::new(self.clone()))
    }

    fn label(&self) -> Option<&'static str> {
        Some("label")
    }

    fn ready(&mut self, _user: &str, _patience: Duration) -> Result<(), NotReady> {
        self.0.closed.lock().unwrap().take().map_or(Ok(()), Err)
    }

    fn judge(&self, _error: &PlatformError, _no_access: bool) -> Verdict {
        Verdict::final_(VaultProblem::Locked)
    }
}

impl CredentialStoreApi for World {
    fn vendor(&self) -> String {
        "test".to_owned()
    }

    fn id(&self) -> String {
        "test".to_owned()
    }

    fn build(&self, service: &str, user: &str, mods: Option<&HashMap<&str, &str>>) -> Result<Entry, Error> {
        assert_eq!(service, "latchkey");
        assert_eq!(mods.unwrap()["label"], format!("Latchkey: {}", user.trim_start_matches('.')));
        Ok(Entry::new_with_credential(Arc::new(Item {
            world: self.clone(),
            user: user.to_owned(),
            only: None,
        })))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Every item under a name, or `only` one of them.
struct Item {
    world: World,
    user: String,
    only: Option<Vec<u8>>,
}

impl Item {
    /// Runs on the items of this name, unless a failure or a question comes first.
    fn on<T>(&self, act: impl FnOnce(&mut Vec<Vec<u8>>) -> T) -> Result<T, Error> {
        let question = self.world.0.hang.lock().unwrap().take();
        if let Some(question) = question {
            question.recv().expect("nobody answers: the library panics");
        }
        if let Some(Some(failure)) = self.world.0.failures.lock().unwrap().pop_front() {
            return Err(failure);
        }
        let mut all = self.world.0.items.lock().unwrap();
        let items = all.entry(self.user.clone()).or_default();
        let done =
            if items.len() > 1 && self.only.is_none() { Err(self.each(items)) } else { Ok(act(items)) };
        all.retain(|_, items| !items.is_empty());
        done
    }

    fn each(&self, items: &[Vec<u8>]) -> Error {
        let one = |bytes: &Vec<u8>| Item {
            world: self.world.clone(),
            user: self.user.clone(),
            only: Some(bytes.clone()),
        };
        Error::Ambiguous(items.iter().map(|bytes| Entry::new_with_credential(Arc::new(one(bytes)))).collect())
    }

    fn place(&self, items: &[Vec<u8>]) -> Option<usize> {
        self.only.as_ref().map_or(Some(0), |only| items.iter().position(|bytes| bytes == only))
    }
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> Result<(), Error> {
        let dropped = usize::from(self.world.0.drops_a_byte.load(SeqCst));
        let secret = &secret[..secret.len() - dropped];
        self.on(|items| match self.place(items).and_then(|place| items.get_mut(place)) {
            Some(bytes) => *bytes = secret.to_vec(),
            None => items.push(secret.to_vec()),
        })
    }

    fn get_secret(&self) -> Result<Vec<u8>, Error> {
        self.world.0.reads.fetch_add(1, SeqCst);
        self.world.0.clock.advance(*self.world.0.confirming.lock().unwrap());
        self.on(|items| self.place(items).and_then(|place| items.get(place).cloned()))?.ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> Result<(), Error> {
        let delete = |items: &mut Vec<Vec<u8>>| {
            let place = self.place(items).filter(|place| *place < items.len());
            place.map(|place| items.remove(place))
        };
        self.on(delete)?.map(drop).ok_or(Error::NoEntry)
    }

    fn get_credential(&self) -> Result<Option<Arc<keyring_core::api::Credential>>, Error> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some(("latchkey".to_owned(), self.user.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
