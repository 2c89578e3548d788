//! The short name of an account.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest account name, in characters: it stands in file names and in the side list of the window.
pub const MAX_NAME: usize = 64;

/// The short name by which people and programs call an account (`work`).
///
/// Starts with a letter or digit; letters, digits, `.`, `-` and `_` follow. It is therefore safe as a file
/// name and as a keychain user name on every platform.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

/// Why a text is no account name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an account name starts with a letter or digit, has letters, digits, `.`, `-` and `_` only, and at most 64 of them"
)]
pub struct InvalidName;

impl AccountName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`InvalidName`] when a character or the length does not fit.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        let head = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        let tail = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if head && tail && name.len() <= MAX_NAME { Ok(Self(name)) } else { Err(InvalidName) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AccountName {
    type Error = InvalidName;
    fn try_from(name: String) -> Result<Self, InvalidName> {
        Self::new(name)
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

impl std::str::FromStr for AccountName {
    type Err = InvalidName;
    fn from_str(name: &str) -> Result<Self, InvalidName> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_used_as_a_file_name() {
        for good in ["work", "a", "Work-2.eu_west", "9lives"] {
            assert!(AccountName::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".hidden", "..", "a/b", "a b", "a\0", "ü", "-x", &"x".repeat(65)] {
            assert_eq!(AccountName::new(bad), Err(InvalidName), "{bad:?}");
        }
    }
}
