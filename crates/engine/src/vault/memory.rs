//! A vault that forgets everything when the process ends: for tests, and for trying Latchkey without leaving
//! a trace (`LATCHKEY_VAULT=memory`).
//!
//! It keeps bytes, not envelopes, so whoever uses it goes through the same writing and reading as with a
//! keychain.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use latchkey_core::account::AccountName;
use latchkey_core::reason::VaultProblem;
use zeroize::Zeroizing;

use super::Envelope;
use crate::ports::{Vault, VaultError};

/// The vault. Its clones are the same vault, as a keychain is the same for two processes.
#[derive(Clone, Default)]
pub struct MemoryVault(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    items: BTreeMap<AccountName, Zeroizing<Vec<u8>>>,
    writes: u64,
    failing_writes: Option<(u64, VaultProblem)>,
    failing_reads: Option<VaultProblem>,
    failing_erases: Option<VaultProblem>,
    failing_checks: Option<VaultProblem>,
}

impl MemoryVault {
    /// An empty vault.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next `n` writes fail like this. Checks go on saying that it can be written: so it looks when a
    /// keychain fails just after it was asked.
    pub fn fail_next_writes(&self, n: u64, problem: VaultProblem) {
        self.state().failing_writes = Some((n, problem));
    }

    /// Reads fail like this from now on, or no more.
    pub fn fail_reads(&self, problem: Option<VaultProblem>) {
        self.state().failing_reads = problem;
    }

    /// Erasing fails like this from now on, or no more.
    pub fn fail_erases(&self, problem: Option<VaultProblem>) {
        self.state().failing_erases = problem;
    }

    /// Checks say from now on that it cannot be written, or no more.
    pub fn fail_checks(&self, problem: Option<VaultProblem>) {
        self.state().failing_checks = problem;
    }

    /// How many writes have succeeded.
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// Puts any bytes in the place of an envelope, as a damaged keychain would hold them.
    pub fn plant(&self, account: &AccountName, bytes: impl Into<Vec<u8>>) {
        self.state().items.insert(account.clone(), Zeroizing::new(bytes.into()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way, so what a panicking test left is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn scripted(problem: VaultProblem) -> VaultError {
    VaultError { problem, detail: "scripted".to_owned() }
}

fn fail_if(problem: Option<VaultProblem>) -> Result<(), VaultError> {
    problem.map_or(Ok(()), |problem| Err(scripted(problem)))
}

#[async_trait]
impl Vault for MemoryVault {
    fn name(&self) -> &'static str {
        "memory (forgotten when Latchkey ends)"
    }

    async fn read(&self, account: &AccountName) -> Result<Option<Envelope>, VaultError> {
        let state = self.state();
        fail_if(state.failing_reads)?;
        state.items.get(account).map(|bytes| Envelope::from_bytes(bytes, account)).transpose()
    }

    async fn write(&self, account: &AccountName, envelope: &Envelope) -> Result<(), VaultError> {
        let mut state = self.state();
        if let Some((left, problem)) = state.failing_writes {
            state.failing_writes = left.checked_sub(1).filter(|left| *left > 0).map(|left| (left, problem));
            if left > 0 {
                return Err(scripted(problem));
            }
        }
        state.items.insert(account.clone(), envelope.to_bytes_for(account)?);
        state.writes = state.writes.saturating_add(1);
        Ok(())
    }

    async fn erase(&self, account: &AccountName) -> Result<(), VaultError> {
        let mut state = self.state();
        fail_if(state.failing_erases)?;
        state.items.remove(account);
        Ok(())
    }

    async fn check_writable(&self) -> Result<(), VaultError> {
        fail_if(self.state().failing_checks)
    }
}

#[cfg(test)]
mod tests {
    use super::super::envelope::tests::{example, same};
    use super::*;

    fn account() -> AccountName {
        AccountName::new("work").unwrap()
    }

    #[tokio::test]
    async fn it_keeps_one_envelope_for_each_account() {
        let vault = MemoryVault::new();
        assert!(vault.read(&account()).await.unwrap().is_none());
        vault.write(&account(), &example("work")).await.unwrap();
        let mut next = example("work");
        next.generation += 1;
        vault.clone().write(&account(), &next).await.unwrap();
        assert!(same(&vault.read(&account()).await.ok().flatten().unwrap(), &next));
        assert_eq!(vault.writes(), 2);
        vault.erase(&account()).await.unwrap();
        vault.erase(&account()).await.unwrap();
        assert!(vault.read(&account()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn writes_fail_as_often_as_scripted_and_leave_what_was_there() {
        let vault = MemoryVault::new();
        vault.write(&account(), &example("work")).await.unwrap();
        vault.fail_next_writes(2, VaultProblem::Locked);
        let mut next = example("work");
        next.generation += 1;
        for _ in 0..2 {
            vault.check_writable().await.unwrap();
            let error = vault.write(&account(), &next).await.unwrap_err();
            assert_eq!(error.problem, VaultProblem::Locked);
            assert_eq!(vault.read(&account()).await.ok().flatten().unwrap().generation, 7);
        }
        vault.write(&account(), &next).await.unwrap();
        assert_eq!(vault.writes(), 2);
    }

    #[tokio::test]
    async fn reads_erases_and_checks_fail_until_told_otherwise() {
        let vault = MemoryVault::new();
        let slow = Some(VaultProblem::Slow);
        vault.fail_reads(slow);
        vault.fail_erases(slow);
        vault.fail_checks(slow);
        assert_eq!(vault.read(&account()).await.err().map(|e| e.problem), slow);
        assert_eq!(vault.erase(&account()).await.err().map(|e| e.problem), slow);
        assert_eq!(vault.check_writable().await.err().map(|e| e.problem), slow);
        vault.fail_reads(None);
        assert!(vault.read(&account()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn planted_bytes_are_read_like_any_others() {
        let vault = MemoryVault::new();
        vault.plant(&account(), *b"{");
        assert_eq!(vault.read(&account()).await.err().map(|e| e.problem), Some(VaultProblem::Damaged));
    }

    #[tokio::test]
    async fn an_envelope_is_not_stored_under_another_accounts_name() {
        let vault = MemoryVault::new();
        assert!(vault.write(&account(), &example("home")).await.is_err());
        assert_eq!(vault.writes(), 0);
    }
}
