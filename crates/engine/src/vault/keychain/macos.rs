//! The login keychain of macOS. Untried: written after the documentation of its store crate, and nobody has
//! run it yet.
//!
//! The legacy keychain is used because the protected one needs a provisioning profile. Its errors arrive as bare
//! `OSStatus` numbers, of which the store tells only "no access" from the rest.

use std::sync::Arc;
use std::time::Duration;

use apple_native_keyring_store::keychain::Store;
use keyring_core::Error;
use keyring_core::api::CredentialStore;
use keyring_core::error::PlatformError;
use latchkey_core::reason::VaultProblem;

use super::chunks::Limits;
use super::slot::{Backend, NotReady, Verdict};

/// What this keychain is called.
pub(super) const NAME: &str = "keychain (macOS)";

/// How much it takes.
pub(super) const LIMITS: Limits = Limits::ROOMY;

/// The login keychain.
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
        // The keychain is no service with a connection that could break.
        Verdict::final_(if no_access { VaultProblem::Unavailable } else { VaultProblem::Refused })
    }
}
