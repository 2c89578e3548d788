//! A year with a laptop, drawn from a seed, in virtual time: what it is like to stay signed in on one.
//!
//! - [`world`] is what happens to the machine and around it: working days, closed lids, trains without network,
//!   Wi-Fi sign-in pages, outages, clocks that are set, keychains that are locked, crashes.
//! - [`backend`] rotates refresh tokens as RFC 9700 §4.14.2 asks, and knows why it refuses one.
//! - [`policy_run`] lets one way of renewing live through that year: ours, which is the code of `core` itself
//!   ([`latchkey`]), or that of another program, after its published rules ([`peers`]).
//! - [`gaps`] says why people were without a token.
//! - [`fleet`] asks what ten thousand of them do to a backend that was away.
//! - [`figures`] are single questions with a number for an answer: how often a token is there while the backend fails.
//! - [`kill`] and [`recovery`] do without simulation what only real processes can show: kills, many that renew at once,
//!   services that are restarted.
//! - [`engine_run`] lets the real engine live through it on a simulated machine ([`host`]), with several processes and
//!   crashes, and looks after each step whether what must always hold does hold.

pub mod backend;
pub mod engine_run;
pub mod engine_tally;
pub mod figures;
pub mod fleet;
pub mod gaps;
pub mod host;
pub mod kill;
pub mod latchkey;
pub mod model_backend;
pub mod peers;
pub mod policy_run;
pub mod ports;
pub mod recovery;
pub mod seed;
pub mod table;
pub mod track;
pub mod world;
pub mod year;

/// Time in a simulation, in milliseconds. Zero is Monday 2026-01-05, midnight, UTC; the count goes on through
/// suspend and is never set, as a boot-time clock.
pub type Millis = i64;

/// A second.
pub const SECOND: Millis = 1000;
/// A minute.
pub const MINUTE: Millis = 60 * SECOND;
/// An hour.
pub const HOUR: Millis = 60 * MINUTE;
/// A day.
pub const DAY: Millis = 24 * HOUR;

/// Zero of a simulation in seconds of the epoch: midnight of Monday 2026-01-05, UTC.
const BEGIN: i64 = 1_767_571_200;
