//! The built programs, driven as a person drives them: on a desktop of their own for each test, with a real keychain.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, which says where"
)]

mod agent;
mod agent_socket;
mod backend;
mod canary;
mod certificates;
mod cli;
mod cli_bad_backend;
mod cli_bad_input;
mod cli_keychain;
mod cli_lab;
mod cli_lab_backend;
mod cli_nextauth;
mod cli_oauth;
mod cli_openid_provider;
mod cli_proxy_variables;
mod cli_signals;
mod crash;
mod doctor;
mod guide;
mod hooks;
mod keychain;
mod kill;
mod memory;
mod other_programs;
mod packages;
mod process_hygiene;
mod sealed_file;
mod user_units;
mod window;
mod window_access;
mod window_canary;
mod window_desktop;
mod window_edges;
mod window_endurance;
mod window_first_run;
mod window_keychain;
mod window_lab;
mod window_lifeline;
mod window_oauth;
mod window_pictures;
mod window_safety;
mod window_settings;
