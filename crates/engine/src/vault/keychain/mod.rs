//! The operating system's keychain: the one place that touches it.
//!
//! The store is held between calls, because connecting for each operation wears keychain services down until
//! they crash; and it is rebuilt when its connection turns out to be broken, because a store whose service
//! was restarted never works again (`NoSession`). That is tried once in a call.
//!
//! Invariant: one operation at a time, in the order in which they were asked for. So a write that takes long
//! and is carried out after its caller has given up never lands on top of a later one.
//!
//! Invariant: an operation never waits for the person. Where the keychain must be unlocked first, that is asked
//! for apart (`linux/unlock.rs`), so a question nobody answers holds up no operation.

mod slot;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use async_trait::async_trait;
use latchkey_core::account::AccountName;
use latchkey_core::reason::VaultProblem;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::Envelope;
use crate::ports::{Vault, VaultError};
use slot::Slot;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;
#[cfg(windows)]
use windows as platform;

/// The service under which every item of ours is found.
const SERVICE: &str = "latchkey";

/// Where [`Vault::check_writable`] writes. The dot keeps it from being the name of an account.
const CHECK: &str = ".latchkey-write-check";

/// The largest envelope that is stored. The bus drops the connection over messages of some ten megabytes,
/// which would look like a broken service; no provider issues tokens of this size.
const LARGEST: usize = 1024 * 1024;

/// How long an operation may take before it counts as [`VaultProblem::Slow`]. It takes milliseconds, unless
/// the keychain asks the person something.
const PATIENCE: Duration = Duration::from_secs(10);

/// An operation, on its way to the thread of the keychain.
type Job = Box<dyn FnOnce(&mut Slot) + Send>;

/// The keychain.
pub struct Keychain {
    jobs: mpsc::Sender<Job>,
    patience: Duration,
}

impl Default for Keychain {
    fn default() -> Self {
        Self::new()
    }
}

impl Keychain {
    /// The keychain of this person on this machine. Connects with the first operation.
    pub fn new() -> Self {
        Self::with_patience(PATIENCE)
    }

    /// As [`Keychain::new`], with another time-out for each operation.
    pub fn with_patience(patience: Duration) -> Self {
        // The question to the person is left alone a little earlier, so that the answer can say so.
        let for_the_person = patience.saturating_sub(patience / 10);
        Self::over(Slot::new(Box::new(platform::Platform::default()), for_the_person), patience)
    }

    /// Starts the thread on which every operation runs, one after the other.
    ///
    /// It is not one of the runtime's, which waits for its own when it ends: a keychain that hangs would keep a
    /// terminal program from ending. And the store must not be dropped on a thread that drives futures, since
    /// D-Bus clients say good-bye with a blocking call.
    fn over(mut slot: Slot, patience: Duration) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let serve = move || {
            while let Ok(job) = queue.recv() {
                // A library that panics fails its operation: nobody answers, and the slot has dropped its store.
                let _ = catch_unwind(AssertUnwindSafe(|| job(&mut slot)));
            }
        };
        if let Err(error) = std::thread::Builder::new().name("keychain".to_owned()).spawn(serve) {
            // Every operation will say `Unavailable`, since nobody takes it from the queue.
            tracing::error!(%error, "no thread for the keychain");
        }
        Self { jobs, patience }
    }

    /// Has one operation carried out, and stops waiting for it after a while.
    ///
    /// One that was not begun by then is not carried out any more. One that was begun cannot be interrupted;
    /// those behind it are `Slow` as well until it ends.
    async fn call<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Slot) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (answer, answered) = oneshot::channel();
        let job = move |slot: &mut Slot| {
            if !answer.is_closed() {
                // Nobody listens any more after a time-out; what was read is wiped then.
                let _ = answer.send(operation(slot));
            }
        };
        self.jobs.send(Box::new(job)).map_err(|_| failed("the keychain has no thread".to_owned()))?;
        match tokio::time::timeout(self.patience, answered).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(failed("the keychain library gave up".to_owned()))),
            Err(_) => Err(slow(format!("no answer within {:?}", self.patience))),
        }
    }
}

fn failed(detail: String) -> VaultError {
    VaultError { problem: VaultProblem::Unavailable, detail }
}

fn slow(detail: String) -> VaultError {
    VaultError { problem: VaultProblem::Slow, detail }
}

#[async_trait]
impl Vault for Keychain {
    fn name(&self) -> &'static str {
        platform::NAME
    }

    async fn read(&self, account: &AccountName) -> Result<Option<Envelope>, VaultError> {
        let user = account.clone();
        let found = self.call(move |slot| slot.read(user.as_str())).await?;
        newest(&found, account)
    }

    async fn write(&self, account: &AccountName, envelope: &Envelope) -> Result<(), VaultError> {
        let bytes = envelope.to_bytes_for(account)?;
        if bytes.len() > LARGEST {
            let detail = format!("{} bytes; at most {LARGEST} are stored", bytes.len());
            return Err(VaultError { problem: VaultProblem::TooLarge, detail });
        }
        let user = account.clone();
        self.call(move |slot| slot.write(user.as_str(), &bytes)).await
    }

    async fn erase(&self, account: &AccountName) -> Result<(), VaultError> {
        let user = account.clone();
        self.call(move |slot| slot.erase(user.as_str())).await
    }

    async fn check_writable(&self) -> Result<(), VaultError> {
        self.call(|slot| {
            slot.write(CHECK, b"Latchkey checks whether the keychain can be written")?;
            slot.erase(CHECK)
        })
        .await
    }
}

/// The newest of the items found under one name: more than one are left behind by a copied or merged
/// keychain. A damaged one beside a whole one is passed over; one by a newer version may be the newest.
fn newest(found: &[Zeroizing<Vec<u8>>], account: &AccountName) -> Result<Option<Envelope>, VaultError> {
    let (mut newest, mut failure): (Option<Envelope>, Option<VaultError>) = (None, None);
    for bytes in found {
        match Envelope::from_bytes(bytes, account) {
            Ok(read) if newest.as_ref().is_some_and(|known| known.generation >= read.generation) => {}
            Ok(read) => newest = Some(read),
            Err(error) if error.problem == VaultProblem::Newer => return Err(error),
            Err(error) => failure = Some(error),
        }
    }
    match (newest, failure) {
        (None, Some(error)) => Err(error),
        (newest, _) => Ok(newest),
    }
}

#[cfg(test)]
mod tests;
