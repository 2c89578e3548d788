//! The operating system's keychain: the one place that touches it.
//!
//! The store is held between calls, because connecting for each operation wears keychain services down until
//! they crash; and it is rebuilt when its connection turns out to be broken, because a store whose service
//! was restarted never works again (`NoSession`). That is tried once in a call.
//!
//! Invariant: one operation at a time, in the order in which they were asked for. So a write that takes long
//! and is carried out after its caller has given up never lands on top of a later one.
//!
//! What was written is read back where reading is known to ask nobody (`docs/decisions/0010`): a store that keeps
//! something else than it was given has failed to store it.
//!
//! Invariant: an operation never waits for the person. Where the keychain must be unlocked first, that is asked
//! for apart (`linux/unlock.rs`), so a question nobody answers holds up no operation.

mod chunks;
mod slot;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use latchkey_core::account::AccountName;
use latchkey_core::reason::VaultProblem;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::Envelope;
use crate::clock::SystemClock;
use crate::ports::{Vault, VaultError};
use chunks::{Chunks, Items as _, Limits};
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
/// What it writes there.
const CHECKING: &[u8] = b"Latchkey checks whether the keychain can be written";

/// How long an operation may take before it counts as [`VaultProblem::Slow`]. It takes milliseconds, unless
/// the keychain asks the person something.
const PATIENCE: Duration = Duration::from_secs(10);

/// An operation, on its way to the thread of the keychain.
type Job = Box<dyn FnOnce(&mut Slot) + Send>;

/// The keychain.
pub struct Keychain {
    jobs: mpsc::Sender<Job>,
    patience: Duration,
    limits: Limits,
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
        let backend = Box::<platform::Platform>::default();
        Self::over(Slot::new(backend, for_the_person, Arc::new(SystemClock)), patience)
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
        Self { jobs, patience, limits: platform::LIMITS }
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
        let (user, limits) = (account.clone(), self.limits);
        let found = self.call(move |slot| Chunks::new(slot, limits).read(user.as_str())).await?;
        newest(&found, account)
    }

    async fn write(&self, account: &AccountName, envelope: &Envelope) -> Result<(), VaultError> {
        let bytes = envelope.to_bytes_for(account)?;
        let (user, limits) = (account.clone(), self.limits);
        self.call(move |slot| write(slot, limits, user.as_str(), &bytes)).await
    }

    async fn erase(&self, account: &AccountName) -> Result<(), VaultError> {
        let (user, limits) = (account.clone(), self.limits);
        self.call(move |slot| Chunks::new(slot, limits).erase(user.as_str())).await
    }

    async fn check_writable(&self) -> Result<(), VaultError> {
        self.call(|slot| {
            slot.write(CHECK, CHECKING)?;
            slot.erase(CHECK)
        })
        .await
    }

    async fn probe(&self) -> Result<(), VaultError> {
        self.call(|slot| {
            slot.write(CHECK, CHECKING)?;
            let read = slot.read(CHECK);
            slot.erase(CHECK)?;
            if is(&read?, CHECKING) { Ok(()) } else { Err(not_kept()) }
        })
        .await
    }
}

/// Writes, and looks whether it was kept, unless looking could ask the person something.
fn write(slot: &mut Slot, limits: Limits, user: &str, bytes: &[u8]) -> Result<(), VaultError> {
    Chunks::new(slot, limits).write(user, bytes)?;
    if !slot.reads_freely() {
        return Ok(());
    }
    match Chunks::new(slot, limits).read(user) {
        Ok(found) if is(&found, bytes) => Ok(()),
        Ok(_) => Err(not_kept()),
        Err(error) => {
            // The store has taken it; that it cannot be read just now says nothing about that.
            tracing::debug!(detail = error.detail, "what was stored could not be read back");
            Ok(())
        }
    }
}

fn is(found: &[Zeroizing<Vec<u8>>], expected: &[u8]) -> bool {
    matches!(found, [only] if only.as_slice() == expected)
}

fn not_kept() -> VaultError {
    let detail = "the item was read back otherwise than it was written".to_owned();
    VaultError { problem: VaultProblem::NotKept, detail }
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
