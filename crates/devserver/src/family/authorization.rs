//! What an OAuth family was authorized for.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an OAuth family was authorized for. A family of the REST login has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Authorization {
    /// Which client is it for?
    pub(crate) client_id: String,
    /// What may it do? A refresh may ask for less, never for more (RFC 6749 §6).
    pub(crate) scope: Scope,
    /// When did the person prove who they are? Epoch seconds.
    pub(crate) auth_time: i64,
    /// Which key are its refresh tokens bound to? The thumbprint of RFC 7638.
    pub(crate) dpop_key: Option<String>,
    /// In which browser session was it granted?
    pub(crate) browser_session: String,
}

impl Authorization {
    /// Whether it outlives the browser session it was granted in (OpenID Connect Core §11).
    pub(crate) fn is_offline(&self) -> bool {
        self.scope.has("offline_access")
    }
}

/// A set of scope values (RFC 6749 §3.3). In the state file and in replies it is one text, with spaces between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope(BTreeSet<String>);

impl Scope {
    /// The values in this text; an unknown one is not refused here.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.split_ascii_whitespace().map(str::to_owned).collect())
    }

    /// Those of its values that are also in `other`.
    pub(crate) fn within(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    pub(crate) fn has(&self, value: &str) -> bool {
        self.0.contains(value)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, value) in self.0.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            write!(f, "{space}{value}")?;
        }
        Ok(())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::of(&text))
    }
}
