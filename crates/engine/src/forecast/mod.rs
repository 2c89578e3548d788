//! What a policy comes to: a month with a laptop in a moment, decided by the very session machine that decides in life.
//!
//! Nothing is sent and no clock is read. The provider of a forecast does what it promises: tokens live as long as it says,
//! and each renewal replaces the refresh token. Sessions that are lost by anything else are not foreseen.

mod life;
mod run;

use jiff::SignedDuration;
use latchkey_core::policy::Policy;
use serde::Serialize;

use crate::snapshot::Values;

pub use life::{Life, LifeProblem, NAMES};
pub use run::foresee;

/// How many days are looked at.
pub const DAYS: usize = 31;
/// How many parts of a day its strip has: half an hour each.
pub const CELLS: usize = 48;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What the account asks of its renewals, and allows a session.
    pub policy: Policy,
    /// How long the provider's tokens live.
    pub provider: Lifetimes,
}

/// How long a provider's tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// An access token.
    pub access: SignedDuration,
    /// A refresh token, from its issue: each renewal brings another.
    pub refresh: SignedDuration,
    /// A session, from its sign-in, whatever is renewed; none where the provider sets no end.
    pub session: Option<SignedDuration>,
}

impl Default for Lifetimes {
    /// An hour, thirty days, and no end: what providers mostly do.
    fn default() -> Self {
        Self {
            access: SignedDuration::from_hours(1),
            refresh: SignedDuration::from_hours(30 * 24),
            session: None,
        }
    }
}

/// What a month would be like.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Forecast {
    /// Which pattern of life.
    pub life: String,
    /// Each time that the person would find themselves signed out, in order.
    pub sign_outs: Vec<SignedOut>,
    /// How often somebody signs in, the first time included.
    pub sign_ins: u32,
    /// Renewals that the provider sees.
    pub renewals: u32,
    /// Requests of all kinds that the provider sees.
    pub requests: u32,
    /// Seconds in which somebody was at work and had a network but no valid token.
    pub without_token_s: u32,
    /// Seconds in which somebody was at work and had a network.
    pub at_work_s: u32,
    /// The days, the first a Monday.
    pub days: Vec<Day>,
}

/// One end of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SignedOut {
    /// Which day, counted from one.
    pub day: u32,
    /// When, in minutes since its midnight.
    pub minute: u32,
    /// Why, as a stable name.
    pub code: String,
    /// Why, in a sentence with what to do.
    pub message: String,
    /// The values in that sentence, as in [`crate::snapshot::ReasonStatus::values`].
    #[cfg_attr(feature = "bindings", specta(type = std::collections::BTreeMap<String, String>))]
    pub values: Values,
    /// Whether the lid was closed or there was no network: it is noticed at the next use.
    pub away: bool,
}

/// A day of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Day {
    /// Its name.
    pub name: String,
    /// Its half hours, from midnight on.
    pub cells: Vec<Cell>,
}

/// What half an hour was like. What comes later in this list hides what comes before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Nobody is there and nobody is signed in.
    #[default]
    Out,
    /// Nobody is there, and the session goes on.
    Asleep,
    /// Somebody is at work without a network.
    Offline,
    /// Somebody is at work and signed in.
    SignedIn,
    /// The session ended.
    SignedOut,
}

impl Cell {
    /// As one character of a strip.
    pub fn drawn(self) -> char {
        match self {
            Self::Out => ' ',
            Self::Asleep => '·',
            Self::Offline => '░',
            Self::SignedIn => '█',
            Self::SignedOut => '×',
        }
    }
}
