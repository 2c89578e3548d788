//! What changed in a session that was read again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What changed in a session when it was read again, without anything that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SessionUpdate {
    /// When that was seen (RFC 3339, UTC).
    pub at: String,
    /// What is different.
    pub changes: Vec<SessionChange>,
}

/// One member of a session that is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SessionChange {
    /// Its name, with dots where it stands deeper.
    pub name: String,
    /// What it was; null if it was not there.
    pub before: Option<String>,
    /// What it is; null if it is gone.
    pub after: Option<String>,
}

impl fmt::Display for SessionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, before, after } = self;
        match (before, after) {
            (Some(before), Some(after)) => write!(f, "{name} {before} → {after}"),
            (None, Some(after)) => write!(f, "{name} is {after}"),
            (Some(_) | None, None) => write!(f, "{name} is gone"),
        }
    }
}

/// The members that differ, in the order they have now; those that are gone last.
pub(crate) fn changes(before: &[(String, String)], after: &[(String, String)]) -> Vec<SessionChange> {
    let find = |members: &[(String, String)], wanted: &str| {
        members.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
    };
    let now = after.iter().filter_map(|(name, value)| {
        let was = find(before, name);
        (was.as_ref() != Some(value)).then(|| SessionChange {
            name: name.clone(),
            before: was,
            after: Some(value.clone()),
        })
    });
    let gone = before
        .iter()
        .filter(|(name, _)| find(after, name).is_none())
        .map(|(name, value)| SessionChange { name: name.clone(), before: Some(value.clone()), after: None });
    now.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_and_nothing_else() {
        let members = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let before = members(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let after = members(&[("d", "4"), ("a", "1"), ("b", "5")]);
        let told: Vec<_> = changes(&before, &after).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["d is 4", "b 2 → 5", "c is gone"]);
        assert!(changes(&before, &before).is_empty());
    }
}
