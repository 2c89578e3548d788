//! The server over a real socket, with a clock that the tests move.

mod client;
mod endpoints;
mod fault_table;
mod faults;
mod oidc;
mod proxy;
mod rules;
mod sessions;
mod state;
mod token_faults;
