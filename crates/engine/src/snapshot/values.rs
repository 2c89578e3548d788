//! The values in a sentence, by name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use latchkey_core::wording;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The values in a sentence, by name. They are few, and each session has some: a map would keep room for more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(Box<[(Cow<'static, str>, String)]>);

impl From<wording::Values> for Values {
    fn from(values: wording::Values) -> Self {
        Self(values.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let values = BTreeMap::<String, String>::deserialize(from)?;
        Ok(Self(values.into_iter().map(|(name, value)| (name.into(), value)).collect()))
    }
}
