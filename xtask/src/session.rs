//! What the session this command was started in offers: a display, and a keychain service on its bus.

use std::path::PathBuf;
use std::process::Command;

use crate::process;

/// The name a keychain has on the bus (freedesktop Secret Service).
pub(crate) const SECRETS: &str = "org.freedesktop.secrets";

/// What was found about the keychain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keychain {
    /// The service runs, or the bus can start it.
    There,
    NoBus,
    NoService,
}

/// Why the app cannot be opened in this session, if so. macOS and Windows always have both.
pub(crate) fn lacking() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    lacking_given(set("DISPLAY") || set("WAYLAND_DISPLAY"), keychain())
}

fn lacking_given(display: bool, keychain: Keychain) -> Option<String> {
    let keychain = match keychain {
        Keychain::There => None,
        Keychain::NoBus => Some("no session bus, so no keychain service"),
        Keychain::NoService => Some("no keychain service (org.freedesktop.secrets) on the session bus"),
    };
    let display = (!display).then_some("no display");
    let found: Vec<_> = [display, keychain].into_iter().flatten().collect();
    (!found.is_empty()).then(|| found.join(" and "))
}

/// Asks the session bus whether a keychain service runs or can be started.
pub(crate) fn keychain() -> Keychain {
    let told = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|value| !value.is_empty());
    let usual =
        std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|dir| PathBuf::from(dir).join("bus").exists());
    if !told && !usual {
        return Keychain::NoBus;
    }
    let mut answered = false;
    for method in ["ListNames", "ListActivatableNames"] {
        if let Some(names) = bus_names(method, |_| {}) {
            answered = true;
            if lists(&names, SECRETS) {
                return Keychain::There;
            }
        }
    }
    if answered { Keychain::NoService } else { Keychain::NoBus }
}

/// Asks a bus for names, with the first of the usual tools that is there and gets an answer. `environment` sets which
/// bus is meant.
pub(crate) fn bus_names(method: &str, environment: impl Fn(&mut Command)) -> Option<String> {
    const BUS: &str = "org.freedesktop.DBus";
    const PATH: &str = "/org/freedesktop/DBus";
    let full = format!("{BUS}.{method}");
    let tools: [(&str, Vec<&str>); 3] = [
        (
            "dbus-send",
            vec![
                "--session",
                "--print-reply",
                "--reply-timeout=3000",
                "--dest=org.freedesktop.DBus",
                PATH,
                &full,
            ],
        ),
        (
            "gdbus",
            vec!["call", "--session", "--timeout=3", "--dest", BUS, "--object-path", PATH, "--method", &full],
        ),
        ("busctl", vec!["--user", "--timeout=3", "call", BUS, PATH, BUS, method]),
    ];
    tools.into_iter().find_map(|(tool, arguments)| {
        let mut command = Command::new(tool);
        command.args(arguments);
        environment(&mut command);
        process::answer(&mut command)
    })
}

/// Whether the answer of any of the tools holds this name, which all of them put in quotes.
pub(crate) fn lists(names: &str, wanted: &str) -> bool {
    names.split(['"', '\'']).any(|name| name == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_lacks_something_says_what() {
        assert_eq!(lacking_given(true, Keychain::There), None);
        assert_eq!(lacking_given(false, Keychain::There).as_deref(), Some("no display"));
        assert_eq!(
            lacking_given(false, Keychain::NoBus).as_deref(),
            Some("no display and no session bus, so no keychain service")
        );
        assert!(lacking_given(true, Keychain::NoService).is_some_and(|text| text.contains(SECRETS)));
    }

    #[test]
    fn a_name_is_found_in_the_answer_of_each_tool() {
        let dbus_send = "   array [\n      string \"org.freedesktop.DBus\"\n      string \"org.freedesktop.secrets\"\n   ]";
        let gdbus = "(['org.freedesktop.DBus', 'org.freedesktop.secrets'],)";
        let busctl = "as 2 \"org.freedesktop.DBus\" \"org.freedesktop.secrets\"";
        for answer in [dbus_send, gdbus, busctl] {
            assert!(lists(answer, SECRETS));
            assert!(!lists(answer, "org.freedesktop.secret"));
        }
    }
}
