//! Latchkey acts here.
//!
//! The engine runs the effects of the session machine (`latchkey-core`): it owns time, the network and the
//! vault. Shells (window, terminal) reach sessions only through [`EngineHandle`].
//!
//! **Architecture invariants:** one place sends HTTP ([`http`]), one place touches the keychain
//! ([`vault::keychain`]), one place reads the clock ([`clock`]). A renewed token set is durable before anyone
//! receives it (`renewal`). The refresh token never leaves this crate.

mod actor;
pub mod clock;
pub mod config;
mod engine;
pub mod error;
pub mod event_log;
pub mod fingerprint_key;
pub mod health;
pub mod http;
mod jwt;
pub mod paths;
pub mod ports;
pub mod provider;
mod renewal;
pub mod renewal_lock;
pub mod snapshot;
pub mod vault;

pub use engine::{EngineHandle, IssuedToken, Sessions, Setup, TokenRequest};
pub use error::EngineError;
