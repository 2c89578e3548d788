//! What must not come from the environment.
//!
//! Some variables open the page to whoever set them: another program may then read what it shows, press its buttons
//! and run scripts in it. A release does not honour them. (It is no boundary against somebody who can start programs
//! as this user: they can do the same in other ways. It keeps a variable that was left over, or set for another app,
//! from opening this one.) Debug builds keep them, because the tests drive the window with them.

use std::process::ExitCode;

use crate::relaunch;

/// Remote control and remote inspection, of Tauri and of the web views.
const OPENING: [&str; 5] = [
    "TAURI_WEBVIEW_AUTOMATION",
    "TAURI_AUTOMATION",
    "WEBKIT_INSPECTOR_SERVER",
    "WEBKIT_INSPECTOR_HTTP_SERVER",
    "WEBVIEW2_ADDITIONAL_BROWSER_ARGUMENTS",
];

/// Makes sure that none of them is set, if need be by starting the program once more without them. `Some` when the
/// program has thereby ended.
pub(crate) fn cleaned() -> Option<ExitCode> {
    if cfg!(debug_assertions) {
        return None;
    }
    let found = found(|name| std::env::var_os(name).is_some());
    (!found.is_empty()).then(|| relaunch::instead(&found, None))
}

fn found(is_set: impl Fn(&str) -> bool) -> Vec<&'static str> {
    OPENING.into_iter().filter(|name| is_set(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_opens_the_page_is_removed() {
        assert_eq!(found(|_| false), [""; 0]);
        assert_eq!(
            found(|name| name == "WEBKIT_INSPECTOR_SERVER" || name == "HOME"),
            ["WEBKIT_INSPECTOR_SERVER"]
        );
    }
}
