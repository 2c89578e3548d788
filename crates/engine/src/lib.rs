//! Latchkey acts here.
//!
//! The engine runs the effects of the session machine (`latchkey-core`): it owns time, the network and the
//! vault. Shells (window, terminal) reach sessions only through [`EngineHandle`].
//!
//! **Architecture invariants:** one place sends HTTP ([`http`]), one place touches the keychain
//! ([`vault::keychain`]), one place reads the clock ([`clock`]). A renewed token set is durable before anyone
//! receives it (`workshop`). The refresh token never leaves this crate.

#![cfg_attr(
    any(test, feature = "fuzzing"),
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::missing_panics_doc,
        reason = "what must hold in `fuzzing` and does not is a panic; all else is looked at in a build without it"
    )
)]

mod actor;
pub mod authorization;
pub mod browser;
pub mod bug_report;
pub mod clock;
pub mod command_line;
pub mod config;
pub mod config_changes;
pub mod consumers;
pub mod crash_message;
mod engine;
pub mod error;
pub mod event_log;
#[cfg_attr(
    not(feature = "failpoints"),
    allow(unreachable_pub, reason = "its one public item needs the feature")
)]
pub mod failpoint;
pub mod fingerprint_key;
mod folder_watch;
pub mod forecast;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzzing;
pub mod health;
mod hooks;
pub mod http;
pub mod http_cache;
pub mod http_observer;
pub mod inspection;
pub mod jose;
pub mod journal;
pub mod lab;
pub mod memory_image;
pub mod network;
pub mod paths;
pub mod policy_advice;
pub mod ports;
mod prompts;
pub mod provider;
pub mod renewal_lock;
pub mod screen;
pub mod sign_in;
pub mod snapshot;
mod surroundings;
pub mod vault;
mod workshop;

pub use engine::{EngineHandle, IssuedToken, Sessions, Setup, TokenRequest};
pub use error::EngineError;
pub use workshop::SiteSecret;
