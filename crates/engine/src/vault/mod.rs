//! Where token sets are kept.
//!
//! The keychain of the operating system is the vault people use; a sealed file serves machines without one; the memory
//! vault forgets everything when the process ends and serves tests and trials. Which one it is, is chosen once and by
//! name: an engine that cannot reach the keychain says so and never falls back to something weaker.

mod envelope;
mod identity;
pub mod keychain;
pub mod memory;
pub mod sealed_file;
mod shared;
mod used;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::paths::Paths;
use crate::ports::{Clock, Vault};
use sealed_file::{Given, KeyProblem, Unopened};

#[cfg(test)]
pub(crate) use envelope::tests::example;
pub use envelope::{BootTime, Envelope, Expiry, SCHEMA};
pub use identity::{Identity, MAX_ROLES};
pub use shared::SharedVault;
pub use used::Used;

/// The environment variable that chooses the vault.
pub const VARIABLE: &str = "LATCHKEY_VAULT";

/// The vaults there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VaultKind {
    /// The keychain of the operating system.
    #[default]
    Keychain,
    /// Files in the state folder, sealed with a passphrase or a key file.
    SealedFile,
    /// The memory of this process: signed out when it ends.
    Memory,
}

impl VaultKind {
    /// Every vault, the one taken by default first.
    pub const ALL: [Self; 3] = [Self::Keychain, Self::SealedFile, Self::Memory];

    /// Its name in [`VARIABLE`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::SealedFile => "sealed-file",
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
        write!(f, "there is no vault `{}`. Set {VARIABLE} to", self.0.escape_debug())?;
        for (place, kind) in VaultKind::ALL.into_iter().enumerate() {
            let before = match place {
                0 => " ",
                place if place + 1 == VaultKind::ALL.len() => " or ",
                _ => ", ",
            };
            write!(f, "{before}`{}`", kind.name())?;
        }
        write!(f, ", or leave it unset for the keychain")
    }
}

impl std::error::Error for UnknownVault {}

/// Why the vault that was chosen cannot be opened. Nothing is asked of a keychain for that.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// There is none of this name.
    #[error(transparent)]
    Unknown(#[from] UnknownVault),
    /// There is nothing to open the sealed file with.
    #[error(transparent)]
    Key(#[from] KeyProblem),
}

/// The vault that the environment asks for.
pub struct Choice {
    /// Which one it is.
    pub kind: VaultKind,
    /// How far it is open.
    pub vault: Chosen,
}

/// A vault, or what is missing to it.
pub enum Chosen {
    /// It can be used.
    Open(Arc<dyn Vault>),
    /// A sealed file without a passphrase, for which somebody at a terminal may be asked.
    NeedsPassphrase(Unopened),
}

impl Choice {
    /// The vault, where nobody can be asked for a passphrase.
    ///
    /// # Errors
    /// [`NotOpened::Key`] when one is needed.
    pub fn without_asking(self) -> Result<Arc<dyn Vault>, NotOpened> {
        match self.vault {
            Chosen::Open(vault) => Ok(vault),
            Chosen::NeedsPassphrase(_) => Err(KeyProblem::NotGiven.into()),
        }
    }
}

/// Chooses the vault by the environment: [`VARIABLE`] and those of the sealed file. Nothing is asked of the keychain
/// before the first operation, so a keychain service that comes up after Latchkey is found when it is there.
pub fn choose(paths: &Paths, lookup: impl Fn(&str) -> Option<OsString>) -> Result<Choice, NotOpened> {
    let kind = VaultKind::from_variable(lookup(VARIABLE).as_deref())?;
    let vault = match kind {
        VaultKind::Keychain => Chosen::Open(Arc::new(keychain::Keychain::new())),
        VaultKind::Memory => Chosen::Open(Arc::new(memory::MemoryVault::new())),
        VaultKind::SealedFile => match sealed_file::given(paths.vault_dir(), lookup)? {
            Given::Opened(vault) => Chosen::Open(Arc::new(vault)),
            Given::Nothing(unopened) => Chosen::NeedsPassphrase(unopened),
        },
    };
    Ok(Choice { kind, vault })
}

/// The vault as one of several processes uses it: each sees what another changed. Nobody else changes the memory of
/// this one.
pub fn shared(
    kind: VaultKind,
    vault: Arc<dyn Vault>,
    paths: &Paths,
    clock: Arc<dyn Clock>,
) -> Arc<dyn Vault> {
    match kind {
        VaultKind::Keychain | VaultKind::SealedFile => {
            Arc::new(SharedVault::new(vault, paths.vault_changes_dir(), clock))
        }
        VaultKind::Memory => vault,
    }
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
        assert_eq!(chosen("sealed-file"), Ok(VaultKind::SealedFile));
    }

    #[test]
    fn an_unknown_vault_is_an_error_that_names_the_choices() {
        assert_eq!(
            chosen("file").unwrap_err(),
            "there is no vault `file`. Set LATCHKEY_VAULT to `keychain`, `sealed-file` or `memory`, or leave it unset for the keychain"
        );
        let odd = chosen("Memory\u{1b}[2J").unwrap_err();
        assert!(odd.contains("`sealed-file` or `memory`") && !odd.contains('\u{1b}'), "{odd}");
    }
}
