//! The names of the commands, for `build.rs` and for the test that holds the handlers and the capability to it.

/// Every command the window may call, in the order of `commands.rs`.
pub(crate) const COMMANDS: [&str; 9] = [
    "sessions",
    "sign_in",
    "sign_out",
    "renew",
    "log",
    "set_log_level",
    "app_info",
    "add_demo",
    "first_paint",
];
