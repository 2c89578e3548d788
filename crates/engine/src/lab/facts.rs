//! What was measured of a backend. Each fact may be missing: then it could not be told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The values in a sentence of a profile, by name.
pub(super) type Values = BTreeMap<String, String>;

/// What becomes of a refresh token that was replaced and is presented again, outside of any grace window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ReuseHandling {
    /// It is refused, and all that descends from its sign-in is revoked (RFC 9700 §4.14.2).
    FamilyRevoked,
    /// It is refused, and the session goes on.
    Refused,
    /// It is exchanged again, as long as was waited for.
    Accepted,
}

/// How long a refresh token that was replaced is taken once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Grace {
    /// Not at all.
    None,
    /// So long: it was taken at the one age and refused at the other.
    Between(Between),
    /// At least so long: nobody waited for longer.
    AtLeast {
        /// Seconds.
        secs: u32,
    },
}

/// Two ages of a replaced refresh token, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Between {
    /// It was taken at this age.
    pub taken: u32,
    /// It was refused at this age.
    pub refused: u32,
}

impl Grace {
    /// For how long it is sure to be taken, in seconds.
    pub fn sure_secs(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Between(Between { taken, .. }) => taken,
            Self::AtLeast { secs } => secs,
        }
    }
}

/// Whether a refresh moves the end of the refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Lifetime {
    /// It does: who refreshes often enough stays signed in, up to a ceiling if there is one.
    Sliding,
    /// It does not: the end was set at the sign-in.
    Fixed,
    /// The backend does not say when a refresh token ends.
    NotTold,
}

/// How a refresh token that was never issued is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ErrorShape {
    /// The status.
    pub status: u16,
    /// The error code (RFC 6749 §5.2), if the body is JSON that names one.
    pub error: Option<String>,
    /// Whether the body is a JSON object.
    pub is_json: bool,
}

/// What becomes of two requests that present the same refresh token at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum TwoAtOnce {
    /// Both get the same tokens.
    SameAnswer,
    /// Both get tokens, each its own.
    BothServed,
    /// One gets tokens, which stay good; the other is refused.
    OneServed,
    /// One gets tokens, and they are revoked because of the other.
    WinnerRevoked,
    /// Neither gets any.
    NeitherServed,
}

/// The difference of two clocks, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Skew {
    /// How much the backend's is ahead of ours.
    pub ahead_ms: i32,
    /// By how much that may be wrong: servers tell whole seconds, and an answer takes its time.
    pub error_ms: i32,
}

/// All that was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(default)]
pub struct BackendFacts {
    /// Is the refresh token replaced at each refresh?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotates: Option<bool>,
    /// What becomes of one that was replaced?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reuse: Option<ReuseHandling>,
    /// For how long is it taken all the same?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<Grace>,
    /// Does a refresh end the access token from before?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_access_dies: Option<bool>,
    /// Does a refresh move the end of the refresh token?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_lifetime: Option<Lifetime>,
    /// How long does a refresh token live, in seconds, where the backend tells?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_secs: Option<i32>,
    /// How long does an access token live, in seconds, as the reply says?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_secs: Option<i32>,
    /// How much longer does the access token itself say that it lives, in seconds? Where it is a JWT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp_differs_secs: Option<i32>,
    /// How do the clocks differ?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skew: Option<Skew>,
    /// Do replies with tokens forbid that they are stored?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_store: Option<bool>,
    /// How is a token refused that was never issued?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<ErrorShape>,
    /// Is a refresh token dead once it was revoked?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_works: Option<bool>,
    /// What becomes of two refreshes at once?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub two_at_once: Option<TwoAtOnce>,
}

/// Why a fact is missing, in a sentence for the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Unmeasured {
    /// Which fact, by its name.
    pub fact: String,
    /// Why it could not be told.
    pub why: String,
    /// Which sentence that is: one of [`FINDING_CODES`](super::FINDING_CODES). Profiles from before have none.
    #[serde(default)]
    pub code: String,
    /// The values in it by name.
    #[serde(default)]
    pub values: Values,
}
