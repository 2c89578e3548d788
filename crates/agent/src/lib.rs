//! The agent's local API: sessions and tokens for other programs of the same user, over a socket of this machine.
//!
//! HTTP/1.1 with JSON (docs/agent-protocol.md), because every language speaks it and `curl --unix-socket` shows it.
//!
//! **Architecture invariants:** a refresh token cannot be asked for here; whoever is not the same user is closed
//! on before a byte of theirs is read; no answer repeats what was sent. The client needs neither TLS nor an async
//! runtime, so that asking for a token costs little more than starting a program.

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

pub mod client;
pub mod protocol;
#[cfg(feature = "server")]
pub mod proxy;
pub mod refusal;
#[cfg(feature = "server")]
pub mod server;
pub mod socket;
