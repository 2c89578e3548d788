//! The names of the commands, for `build.rs` and for the test that holds the handlers and the capability to it.

/// Every command the window may call, in the order of `commands.rs`.
pub(crate) const COMMANDS: [&str; 18] = [
    "sessions",
    "sign_in",
    "sign_in_with_browser",
    "sign_in_with_device",
    "cancel_sign_in",
    "open_sign_in_page",
    "copy_sign_in_address",
    "copy_user_code",
    "sign_in_picture",
    "discover",
    "add_account",
    "sign_out",
    "renew",
    "log",
    "set_log_level",
    "app_info",
    "add_demo",
    "first_paint",
];
