//! Where token sets are kept.
//!
//! The keychain of the operating system is the vault people use; the memory vault forgets everything when the
//! process ends and serves tests and trials. Which one it is, is chosen once and by name: an engine that
//! cannot reach the keychain says so and never falls back to something weaker.

mod envelope;
pub mod keychain;
pub mod memory;

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::ports::Vault;

pub use envelope::{Envelope, Expiry, Identity, MAX_ROLES, SCHEMA};

/// The environment variable that chooses the vault.
pub const VARIABLE: &str = "LATCHKEY_VAULT";

/// The vaults there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VaultKind {
    /// The keychain of the operating system.
    #[default]
    Keychain,
    /// The memory of this process: signed out when it ends.
    Memory,
}

impl VaultKind {
    /// Every vault, the one taken by default first.
    pub const ALL: [Self; 2] = [Self::Keychain, Self::Memory];

    /// Its name in [`VARIABLE`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::Memory => "memory",
        }
    }

    /// What the value of [`VARIABLE`] says. Unset or empty means the keychain.
    pub fn from_variable(value: Option<&OsStr>) -> Result<Self, UnknownVault> {
        match value {
            None => Ok(Self::default()),
            Some(value) if value.is_empty() => Ok(Self::default()),
            Some(value) => value.to_string_lossy().parse(),
        }
    }
}

impl FromStr for VaultKind {
    type Err = UnknownVault;
    fn from_str(name: &str) -> Result<Self, UnknownVault> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| UnknownVault(name.to_owned()))
    }
}

/// A name that is no vault's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownVault(String);

impl fmt::Display for UnknownVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not_built = if self.0 == "sealed-file" { " in this version" } else { "" };
        write!(f, "there is no vault `{}`{not_built}. Set {VARIABLE} to", self.0.escape_debug())?;
        for (place, kind) in VaultKind::ALL.into_iter().enumerate() {
            write!(f, "{} `{}`", if place == 0 { "" } else { " or" }, kind.name())?;
        }
        write!(f, ", or leave it unset for the keychain")
    }
}

impl std::error::Error for UnknownVault {}

/// Opens a vault. Nothing is asked of the keychain before the first operation, so a keychain service that
/// comes up after Latchkey is found when it is there.
pub fn open(kind: VaultKind) -> Arc<dyn Vault> {
    match kind {
        VaultKind::Keychain => Arc::new(keychain::Keychain::new()),
        VaultKind::Memory => Arc::new(memory::MemoryVault::new()),
    }
}

/// Opens the vault the environment asks for; `value` is that of [`VARIABLE`].
pub fn choose(value: Option<&OsStr>) -> Result<Arc<dyn Vault>, UnknownVault> {
    VaultKind::from_variable(value).map(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(value: &str) -> Result<VaultKind, String> {
        VaultKind::from_variable(Some(OsStr::new(value))).map_err(|error| error.to_string())
    }

    #[test]
    fn the_keychain_is_taken_unless_another_vault_is_named() {
        assert_eq!(VaultKind::from_variable(None), Ok(VaultKind::Keychain));
        assert_eq!(chosen(""), Ok(VaultKind::Keychain));
        assert_eq!(chosen("keychain"), Ok(VaultKind::Keychain));
        assert_eq!(chosen("memory"), Ok(VaultKind::Memory));
    }

    #[test]
    fn an_unknown_vault_is_an_error_that_names_the_choices() {
        assert_eq!(
            chosen("sealed-file").unwrap_err(),
            "there is no vault `sealed-file` in this version. Set LATCHKEY_VAULT to `keychain` or `memory`, or leave it unset for the keychain"
        );
        let odd = chosen("Memory\u{1b}[2J").unwrap_err();
        assert!(odd.contains("`keychain` or `memory`") && !odd.contains('\u{1b}'), "{odd}");
    }
}
