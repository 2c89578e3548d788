//! How the engine behaves: real backend over a socket, manual clock, memory vault.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, which says where"
)]

mod account_changes;
mod agent;
mod agent_bad_input;
mod agent_consumers;
mod agent_prompts;
mod agent_reload;
mod agent_transcripts;
mod authorizing;
mod bad_provider;
mod clocks;
mod closing;
mod crashes;
mod dependencies;
mod documents;
mod environment;
mod handing_out;
mod hooks;
mod jose;
mod layering;
mod lifeline;
mod limits;
mod links;
mod lost_replies;
mod many_accounts;
mod nextauth;
mod nextauth_real;
mod nextauth_updates;
mod oauth_accounts;
mod oauth_conformance;
mod oauth_devserver;
mod oauth_journeys;
mod oauth_listener;
mod oauth_refusals;
mod oauth_renewing;
mod oauth_signing_in;
mod oauth_verdicts;
mod odd_replies;
mod openid_provider;
mod other_processes;
mod plain_client;
mod profiles;
mod proxy;
mod proxy_agent;
mod proxy_refusals;
mod refusals;
mod renewing;
mod sealing;
mod secrets;
mod signing_in;
mod signing_out;
mod simulation;
mod transient_faults;
mod two_engines;
mod vault_trouble;
mod waking;
