//! Black-box tests: real processes, a real keychain, a real window.
//!
//! What several tests need: an [`address`] and a [`desktop`] of their own, the built [`programs`] on it, the [`window`] through WebDriver,
//! and the [`canary`] that looks for secrets where none may be. `engine_world` is a world for tests of the engine.
//! [`upstream`] is a backend behind a proxy.
//! The other side of a sign-in: [`openid_provider`] is a real one, [`bad_provider`] does wrong what it is asked to, and
//! [`scripted_browser`] does what a person does. [`site_server`] is a site with NextAuth v4 or Auth.js v5.
//!
//! Whatever is missing on the machine fails the test with the name of the package; nothing is skipped in silence.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test fails by a panic, which says where"
)]

pub mod address;
pub mod attendant;
pub mod bad_provider;
pub mod canary;
pub mod collector;
pub mod desktop;
pub mod engine_world;
pub mod git_host;
pub mod oauth_world;
pub mod openid_provider;
pub mod pictures;
pub mod preview;
pub mod process;
pub mod programs;
pub mod proxied;
pub mod recorder;
pub mod scripted_browser;
pub mod simulation;
pub mod site_server;
pub mod upstream;
pub mod user_manager;
pub mod wait;
mod web_driver;
pub mod window;

/// The folder of the whole repository.
pub fn repository() -> &'static std::path::Path {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
