//! Latchkey decides here.
//!
//! This crate holds what is true of a session whatever machine it runs on: the [`session`] machine, the
//! [`policy`] that plans renewals, what a failure means ([`disposition`]), and the types that keep secrets
//! from being printed ([`secret`]).
//!
//! **Architecture invariant:** nothing in here performs I/O, reads a clock or draws a random number. Time and
//! jitter come in with [`time::Now`]; everything that must be done in the world leaves as a
//! [`session::Effect`].
//!
//! **Architecture invariant:** the session machine never sees a token. It decides on [`token_set::TokenFacts`];
//! the tokens themselves stay with whoever runs the effects.

pub mod account;
pub mod advice;
pub mod disposition;
pub mod fingerprint;
pub mod freshness;
pub mod limits;
pub mod policy;
pub mod reason;
pub mod record;
pub mod secret;
pub mod session;
pub mod text;
pub mod time;
pub mod token_set;
pub mod wording;
