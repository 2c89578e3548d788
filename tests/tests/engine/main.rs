//! How the engine behaves: real backend over a socket, manual clock, memory vault.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, which says where"
)]

mod clocks;
mod closing;
mod crashes;
mod handing_out;
mod layering;
mod lost_replies;
mod many_accounts;
mod odd_replies;
mod refusals;
mod renewing;
mod sealing;
mod secrets;
mod signing_in;
mod signing_out;
mod transient_faults;
mod two_engines;
mod vault_trouble;
mod waking;
