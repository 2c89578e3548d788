//! The names of the commands, for `build.rs` and for the test that holds the handlers and the capability to it.

/// Every command the window may call, in the order of `commands.rs`.
pub(crate) const COMMANDS: [&str; 21] = [
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
    "inspect",
    "inspect_token",
    "copy_access_token",
    "log",
    "set_log_level",
    "app_info",
    "add_demo",
    "first_paint",
];
