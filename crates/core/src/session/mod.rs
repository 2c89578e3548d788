//! The session machine: see the README beside this file for its diagram.
//!
//! [`step`] is the only way a session changes. It decides and never acts: what is to be done leaves as
//! [`Effect`]s, in the order in which they are to be done, and the answers come back as [`Input`]s.

mod change;
mod effect;
mod input;
#[cfg(test)]
pub(crate) mod samples;
mod state;
#[cfg(test)]
mod tests;
mod told;
mod transition;

pub use effect::{Effect, EffectId, Look, Notice, Revoke};
pub use input::{Asker, Authenticated, Expired, Failed, Input, Loaded, Renewal, Revocation, Sealed, Wiped};
pub use state::{Held, Session, State, Tally};
pub use told::{Action, Headline, Next};
pub use transition::{Step, open, step};
