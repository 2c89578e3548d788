//! Who is signed in, as far as the provider tells.

use serde::{Deserialize, Serialize};

/// Who is signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Identity {
    /// What people call them.
    #[serde(default)]
    pub name: Option<String>,
    /// Their address.
    #[serde(default)]
    pub email: Option<String>,
    /// What the provider calls them (`sub`).
    #[serde(default)]
    pub subject: Option<String>,
    /// Their roles or groups, at most [`MAX_ROLES`].
    #[serde(default)]
    pub roles: Vec<String>,
    /// Where there is a picture of them (`https` only). It is never fetched here.
    #[serde(default)]
    pub picture: Option<String>,
}

/// How many roles are kept: what is shown to people, not what a token grants.
pub const MAX_ROLES: usize = 50;

impl Identity {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is known, by names.
    pub(crate) fn members(&self) -> Vec<(String, String)> {
        let Self { name, email, subject, roles, picture } = self;
        let roles = Some(roles.join(", ")).filter(|roles| !roles.is_empty());
        let known =
            [("name", name), ("email", email), ("subject", subject), ("roles", &roles), ("picture", picture)];
        known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect()
    }

    /// What is known here, and from an earlier reply what is not.
    #[must_use]
    pub fn or(self, earlier: Self) -> Self {
        Self {
            name: self.name.or(earlier.name),
            email: self.email.or(earlier.email),
            subject: self.subject.or(earlier.subject),
            roles: if self.roles.is_empty() { earlier.roles } else { self.roles },
            picture: self.picture.or(earlier.picture),
        }
    }
}
