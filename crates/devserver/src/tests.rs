//! The server over a real socket, with a clock that the tests move.

mod client;
mod endpoints;
mod faults;
mod oidc;
mod sessions;
mod state;
