//! An engine that dies in the middle of a renewal, as a process does that is killed: nothing is closed, nothing is
//! flushed, and the operating system gives its lock back.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use latchkey_core::account::AccountName;
use latchkey_engine::Setup;
use latchkey_engine::journal::{Intent, Noted};
use latchkey_engine::ports::{Journal, Vault, VaultError};
use latchkey_engine::vault::Envelope;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::{Engine, World, guarded};

/// How far a renewal comes before the engine dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The intent is about to be written.
    Begun,
    /// The intent is written, nothing is sent.
    Noted,
    /// The reply is here, nothing is stored.
    Received,
    /// The new tokens are stored, the intent is open.
    Stored,
    /// The intent is closed.
    Closed,
}

impl Step {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Begun, Self::Noted, Self::Received, Self::Stored, Self::Closed];
}

/// An engine with a runtime of its own, which stops for ever at a step.
pub struct Doomed {
    /// The engine.
    pub engine: Engine,
    runtime: Option<Runtime>,
    reached: watch::Receiver<bool>,
}

impl Doomed {
    /// An engine of this world that stops at this step.
    pub fn at(world: &World, step: Step) -> Self {
        let (tell, reached) = watch::channel(false);
        let halt = Halt { step, tell };
        let setup = world.setup();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let engine = {
            let _inside = runtime.enter();
            world.engine_with(Setup {
                vault: Arc::new(HaltingVault { inner: setup.vault, halt: halt.clone() }),
                journal: Arc::new(HaltingJournal { inner: setup.journal, halt }),
                ..setup
            })
        };
        Self { engine, runtime: Some(runtime), reached }
    }

    /// Renews until the step, and dies there.
    pub async fn dies_renewing(mut self) {
        let asking = self.engine.begins_to_renew();
        self.stands_still().await;
        self.dies().await;
        asking.abort();
    }

    /// Waits until it stands still at its step.
    pub async fn stands_still(&mut self) {
        guarded("the step", self.reached.wait_for(|reached| *reached)).await.unwrap();
    }

    /// Dies where it is.
    pub async fn dies(&mut self) {
        let runtime = self.runtime.take().unwrap();
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(30))).await.unwrap();
    }
}

#[derive(Clone)]
struct Halt {
    step: Step,
    tell: watch::Sender<bool>,
}

impl Halt {
    async fn here(&self, step: Step) {
        if self.step == step {
            self.tell.send_replace(true);
            std::future::pending::<()>().await;
        }
    }
}

struct HaltingJournal {
    inner: Arc<dyn Journal>,
    halt: Halt,
}

#[async_trait]
impl Journal for HaltingJournal {
    async fn read(&self, account: &AccountName) -> Noted {
        self.inner.read(account).await
    }

    async fn write(&self, account: &AccountName, intent: &Intent) -> std::io::Result<()> {
        self.halt.here(Step::Begun).await;
        self.inner.write(account, intent).await?;
        self.halt.here(Step::Noted).await;
        Ok(())
    }

    async fn close(&self, account: &AccountName) -> std::io::Result<()> {
        self.halt.here(Step::Stored).await;
        self.inner.close(account).await?;
        self.halt.here(Step::Closed).await;
        Ok(())
    }
}

struct HaltingVault {
    inner: Arc<dyn Vault>,
    halt: Halt,
}

#[async_trait]
impl Vault for HaltingVault {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn read(&self, account: &AccountName) -> Result<Option<Envelope>, VaultError> {
        self.inner.read(account).await
    }

    async fn write(&self, account: &AccountName, envelope: &Envelope) -> Result<(), VaultError> {
        self.halt.here(Step::Received).await;
        self.inner.write(account, envelope).await
    }

    async fn erase(&self, account: &AccountName) -> Result<(), VaultError> {
        self.inner.erase(account).await
    }

    async fn check_writable(&self) -> Result<(), VaultError> {
        self.inner.check_writable().await
    }
}
