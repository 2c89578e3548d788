//! The values in a sentence, by name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use latchkey_core::wording;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The values in a sentence, by name. They are few, and each session has some: a map would keep room for more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(Box<[(Cow<'static, str>, String)]>);

impl<N: Into<Cow<'static, str>>> FromIterator<(N, String)> for Values {
    fn from_iter<I: IntoIterator<Item = (N, String)>>(values: I) -> Self {
        Self(values.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

impl Values {
    /// Each name and its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, value.as_str()))
    }

    /// The same, for whoever says the words among them in another language.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut String)> {
        self.0.iter_mut().map(|(name, value)| (&**name, value))
    }
}

impl From<wording::Values> for Values {
    fn from(values: wording::Values) -> Self {
        values.into_iter().collect()
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::<String, String>::deserialize(from)?.into_iter().collect())
    }
}
