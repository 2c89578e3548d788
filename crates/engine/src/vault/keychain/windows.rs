//! The Credential Manager of Windows, after the documentation of its store crate. Tried under Wine (docs/platforms.md).
//!
//! A credential holds at most 2560 bytes, so a token set may take several (`chunks`).

use std::sync::Arc;
use std::time::Duration;

use keyring_core::Error;
use keyring_core::api::CredentialStore;
use keyring_core::error::PlatformError;
use latchkey_core::reason::VaultProblem;
use windows_native_keyring_store::Store;

use super::chunks::Limits;
use super::slot::{Backend, NotReady, Verdict};

/// What this keychain is called.
pub(super) const NAME: &str = "keychain (Windows Credential Manager)";

/// How much it takes.
pub(super) const LIMITS: Limits = Limits::WINDOWS;

/// The Credential Manager.
#[derive(Default)]
pub(super) struct Platform;

impl Backend for Platform {
    fn connect(&mut self) -> Result<Arc<CredentialStore>, Error> {
        let store = Store::new()?;
        Ok(store)
    }

    fn label(&self) -> Option<&'static str> {
        None
    }

    fn ready(&mut self, _user: &str, _patience: Duration) -> Result<(), NotReady> {
        Ok(())
    }

    fn judge(&self, _error: &PlatformError, no_access: bool) -> Verdict {
        // No access is `ERROR_NO_SUCH_LOGON_SESSION`: nobody is signed in to Windows, so the store is closed.
        Verdict::final_(if no_access { VaultProblem::Locked } else { VaultProblem::Refused })
    }
}
