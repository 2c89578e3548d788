//! Whether the keychain is open, and asking the person to open it.
//!
//! The store asks by itself and waits for the answer without end; when the service dies over it, no answer
//! ever comes. So it is only used once the keychain is known to be open. The question is put on a thread of
//! its own, which does nothing else: however late it ends, it writes nothing.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::Duration;

use jiff::SignedDuration;
use secret_service::blocking::{Item, SecretService};
use secret_service::{EncryptionType, Error};
use zbus::blocking::{Connection, fdo::DBusProxy};

use super::super::SERVICE;
use crate::clock::SystemClock;
use crate::ports::Clock as _;

/// How long nothing is asked after the person has dismissed a question: whoever does not want to unlock it now
/// must not be asked with every attempt to renew.
const PEACE: SignedDuration = SignedDuration::from_mins(5);

/// The name of the service on the bus.
const BUS_NAME: &str = "org.freedesktop.secrets";

/// Looks whether the keychain is open, and asks the person if it is not: one question at a time.
#[derive(Default)]
pub(super) struct Doorman {
    /// For looking only, so no secret goes over it and it needs no encryption.
    service: Option<SecretService<'static>>,
    question: Option<Question>,
    /// When was a question last dismissed (boot-time clock)?
    dismissed: Option<SignedDuration>,
}

/// A question that was put to the person.
struct Question {
    answer: Receiver<Result<(), Error>>,
    /// Who put it. When another process has taken over the service, nobody will ever answer.
    owner: Option<String>,
}

impl Doorman {
    /// Connects anew when it is next needed.
    pub(super) fn reconnect(&mut self) {
        self.service = None;
    }

    /// Whether the items under this name can be used now, or could be stored. `false` while the person has not
    /// answered yet; an error when they have dismissed the question, or nobody could be asked.
    pub(super) fn open(&mut self, user: &str, patience: Duration) -> Result<bool, Error> {
        let service = match self.service.take() {
            Some(service) => service,
            None => SecretService::connect(EncryptionType::Plain)?,
        };
        if !is_locked(self.service.insert(service), user)? {
            self.dismissed = None;
            return Ok(true);
        }
        if let Some(Err(error)) = self.pending() {
            return self.settle(Err(error));
        }
        if self.question.is_some() {
            return Ok(false);
        }
        if self.dismissed.is_some_and(|at| SystemClock.now().boot.saturating_sub(at) < PEACE) {
            return Err(Error::Locked);
        }
        self.ask(user, patience)
    }

    /// The answer to the question that is open, if it has come. A question nobody can answer is forgotten.
    fn pending(&mut self) -> Option<Result<(), Error>> {
        let question = self.question.take()?;
        match question.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) if question.owner == owner() => {
                self.question = Some(question);
                None
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }

    fn ask(&mut self, user: &str, patience: Duration) -> Result<bool, Error> {
        let (tell, answer) = channel();
        let owner = owner();
        let user = user.to_owned();
        let put = move || {
            let unlocked = SecretService::connect(EncryptionType::Plain).and_then(|s| unlock(&s, &user));
            // Nobody listens when the question was forgotten.
            let _ = tell.send(unlocked);
        };
        if std::thread::Builder::new().name("unlock".to_owned()).spawn(put).is_err() {
            return Err(Error::Locked);
        }
        match answer.recv_timeout(patience) {
            Ok(unlocked) => self.settle(unlocked),
            Err(RecvTimeoutError::Timeout) => {
                self.question = Some(Question { answer, owner });
                Ok(false)
            }
            Err(RecvTimeoutError::Disconnected) => Err(Error::Locked),
        }
    }

    fn settle(&mut self, unlocked: Result<(), Error>) -> Result<bool, Error> {
        let dismissed = matches!(unlocked, Err(Error::Prompt | Error::Locked));
        self.dismissed = dismissed.then(|| SystemClock.now().boot);
        unlocked.map(|()| true)
    }
}

/// Whether the items under this name are locked; without any, whether the collection is in which one would be
/// stored. (A locked KeePassXC shows no items at all. A service without a default collection is an error: it
/// says that there are no items, and could store none.)
fn is_locked(service: &SecretService<'_>, user: &str) -> Result<bool, Error> {
    let found = service.search_items(attributes(user))?;
    if found.locked.is_empty() && found.unlocked.is_empty() {
        return service.get_default_collection()?.is_locked();
    }
    Ok(!found.locked.is_empty())
}

/// Unlocks what [`is_locked`] has looked at. Waits for the person.
fn unlock(service: &SecretService<'_>, user: &str) -> Result<(), Error> {
    let found = service.search_items(attributes(user))?;
    if found.locked.is_empty() {
        return service.get_default_collection()?.unlock();
    }
    service.unlock_all(&found.locked.iter().collect::<Vec<&Item<'_>>>())
}

/// The attributes under which the store files an item.
fn attributes(user: &str) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", user)])
}

/// The process that is the service now, by its name on the bus.
fn owner() -> Option<String> {
    let bus = DBusProxy::new(&Connection::session().ok()?).ok()?;
    let owner = bus.get_name_owner(BUS_NAME.try_into().ok()?).ok()?;
    Some(owner.to_string())
}
