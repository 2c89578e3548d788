//! The keychain over a store made here, which fails and hangs when told to. The real one is driven by the
//! black-box tests.

use std::any::Any;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};

use keyring_core::api::{CredentialApi, CredentialStore, CredentialStoreApi};
use keyring_core::error::PlatformError;
use keyring_core::{Entry, Error};

use super::super::envelope::tests::{example, same};
use super::slot::{Backend, NotReady, Verdict};
use super::*;

#[tokio::test]
async fn it_keeps_one_envelope_for_each_account() {
    let world = World::default();
    let keychain = world.keychain();
    assert!(keychain.read(&work()).await.unwrap().is_none());
    keychain.write(&work(), &example("work")).await.unwrap();
    let mut next = example("work");
    next.generation += 1;
    keychain.write(&work(), &next).await.unwrap();
    assert!(same(&keychain.read(&work()).await.ok().flatten().unwrap(), &next));
    assert_eq!(world.items(), [("work".to_owned(), 1)]);
    keychain.erase(&work()).await.unwrap();
    keychain.erase(&work()).await.unwrap();
    assert_eq!(world.items(), []);
}

#[tokio::test]
async fn one_connection_serves_every_call() {
    let world = World::default();
    let keychain = world.keychain();
    for _ in 0..3 {
        keychain.write(&work(), &example("work")).await.unwrap();
        keychain.check_writable().await.unwrap();
    }
    assert_eq!(world.connections(), 1);
}

#[tokio::test]
async fn a_broken_connection_is_made_anew_and_the_call_goes_on() {
    let world = World::default();
    let keychain = world.keychain();
    keychain.write(&work(), &example("work")).await.unwrap();
    world.fail_next([Error::NoDefaultStore]);
    assert!(keychain.read(&work()).await.unwrap().is_some());
    assert_eq!(world.connections(), 2);
}

#[tokio::test]
async fn a_new_connection_is_tried_once_in_a_call() {
    let world = World::default();
    let keychain = world.keychain();
    keychain.write(&work(), &example("work")).await.unwrap();
    world.fail_next([Error::NoDefaultStore, Error::NoDefaultStore]);
    assert_eq!(problem(keychain.read(&work()).await), VaultProblem::Unavailable);
    assert_eq!(world.connections(), 2);
    assert!(keychain.read(&work()).await.unwrap().is_some());
}

#[tokio::test]
async fn an_error_of_a_sound_connection_does_not_cost_it() {
    let world = World::default();
    let keychain = world.keychain();
    let locked = || Error::NoStorageAccess("locked".into());
    world.fail_next([
        locked(),
        Error::TooLong("secret".to_owned(), 2560),
        Error::BadEncoding(b"canary".to_vec()),
    ]);
    assert_eq!(problem(keychain.read(&work()).await), VaultProblem::Locked);
    assert_eq!(problem(keychain.write(&work(), &example("work")).await), VaultProblem::TooLarge);
    let damaged = keychain.read(&work()).await.err().unwrap();
    assert_eq!(damaged.problem, VaultProblem::Damaged);
    assert!(
        !format!("{damaged:?}").contains("canary") && !format!("{damaged:?}").contains("99"),
        "{damaged:?}"
    );
    assert_eq!(world.connections(), 1);
}

#[tokio::test]
async fn a_keychain_that_is_not_ready_does_not_say_that_there_is_nothing() {
    let world = World::default();
    let keychain = world.keychain();
    let close = |why| *world.0.closed.lock().unwrap() = Some(why);
    close(NotReady::Failed(Error::NoStorageAccess("locked".into())));
    assert_eq!(problem(keychain.read(&work()).await), VaultProblem::Locked);
    close(NotReady::Asked);
    assert_eq!(problem(keychain.erase(&work()).await), VaultProblem::Slow);
    close(NotReady::Failed(Error::NoDefaultStore));
    assert!(keychain.read(&work()).await.unwrap().is_none(), "a look over a broken connection is repeated");
    assert_eq!(world.connections(), 2);
}

#[tokio::test]
async fn a_call_that_hangs_is_slow_and_so_are_those_behind_it_until_it_ends() {
    let world = World::default();
    let keychain = world.keychain_with(Duration::from_millis(30));
    keychain.write(&work(), &example("work")).await.unwrap();
    let (answer, question) = mpsc::channel();
    *world.0.hang.lock().unwrap() = Some(question);

    let mut late = example("work");
    late.generation = 8;
    assert_eq!(problem(keychain.write(&work(), &late).await), VaultProblem::Slow);
    assert_eq!(problem(keychain.read(&work()).await), VaultProblem::Slow);

    answer.send(()).unwrap();
    let patient = Keychain { jobs: keychain.jobs.clone(), patience: PATIENCE };
    let read = patient.read(&work()).await.ok().flatten().unwrap();
    assert_eq!(read.generation, 8, "the late write was carried out before the read");
}

#[tokio::test]
async fn a_library_that_panics_costs_the_call_and_not_the_keychain() {
    let world = World::default();
    let keychain = world.keychain();
    keychain.write(&work(), &example("work")).await.unwrap();
    let (answer, question) = mpsc::channel::<()>();
    drop(answer);
    *world.0.hang.lock().unwrap() = Some(question);
    assert_eq!(problem(keychain.read(&work()).await), VaultProblem::Unavailable);
    assert!(keychain.read(&work()).await.unwrap().is_some());
    assert_eq!(world.connections(), 2);
}

#[tokio::test]
async fn of_two_items_the_newer_is_read_and_a_write_leaves_one() {
    let world = World::default();
    let keychain = world.keychain();
    let mut newer = example("work");
    newer.generation = 9;
    for envelope in [&example("work"), &newer, &example("work")] {
        world.plant("work", &envelope.to_bytes().unwrap());
    }
    world.plant("work", b"damaged");
    assert_eq!(keychain.read(&work()).await.ok().flatten().unwrap().generation, 9);
    newer.generation = 10;
    keychain.write(&work(), &newer).await.unwrap();
    assert_eq!(world.items(), [("work".to_owned(), 1)]);
    assert_eq!(keychain.read(&work()).await.ok().flatten().unwrap().generation, 10);
    world.plant("work", br#"{"schema":4000000000,"account":"work"}"#);
    assert_eq!(problem(keychain.read(&work()).await), VaultProblem::Newer);
    keychain.erase(&work()).await.unwrap();
    assert_eq!(world.items(), []);
}

#[tokio::test]
async fn checking_leaves_nothing_behind_and_fails_as_a_write_would() {
    let world = World::default();
    let keychain = world.keychain();
    keychain.check_writable().await.unwrap();
    assert_eq!(world.items(), []);
    world.fail_next([Error::NoStorageAccess("locked".into())]);
    assert_eq!(problem(keychain.check_writable().await), VaultProblem::Locked);
    assert!(AccountName::new(CHECK).is_err(), "no account can have the name of the check");
}

#[tokio::test]
async fn what_is_too_large_is_not_sent() {
    let world = World::default();
    let mut large = example("work");
    large.scope = Some("x".repeat(LARGEST));
    assert_eq!(problem(world.keychain().write(&work(), &large).await), VaultProblem::TooLarge);
    assert_eq!(world.connections(), 0);
}

fn work() -> AccountName {
    AccountName::new("work").unwrap()
}

fn problem<T>(result: Result<T, VaultError>) -> VaultProblem {
    result.err().unwrap().problem
}

/// What every connection of a test sees.
#[derive(Clone, Default)]
struct World(Arc<Shared>);

#[derive(Default)]
struct Shared {
    items: Mutex<BTreeMap<String, Vec<Vec<u8>>>>,
    failures: Mutex<VecDeque<Error>>,
    hang: Mutex<Option<mpsc::Receiver<()>>>,
    closed: Mutex<Option<NotReady>>,
    connections: AtomicUsize,
}

impl World {
    fn keychain(&self) -> Keychain {
        self.keychain_with(PATIENCE)
    }

    fn keychain_with(&self, patience: Duration) -> Keychain {
        Keychain::over(Slot::new(Box::new(self.clone()), patience), patience)
    }

    fn fail_next(&self, failures: impl IntoIterator<Item = Error>) {
        self.0.failures.lock().unwrap().extend(failures);
    }

    fn plant(&self, user: &str, bytes: &[u8]) {
        self.0.items.lock().unwrap().entry(user.to_owned()).or_default().push(bytes.to_vec());
    }

    fn items(&self) -> Vec<(String, usize)> {
        self.0.items.lock().unwrap().iter().map(|(user, items)| (user.clone(), items.len())).collect()
    }

    fn connections(&self) -> usize {
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
        if let Some(failure) = self.world.0.failures.lock().unwrap().pop_front() {
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
        self.on(|items| match self.place(items).and_then(|place| items.get_mut(place)) {
            Some(bytes) => *bytes = secret.to_vec(),
            None => items.push(secret.to_vec()),
        })
    }

    fn get_secret(&self) -> Result<Vec<u8>, Error> {
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
