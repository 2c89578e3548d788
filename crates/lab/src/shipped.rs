//! The scenarios that come with the program, and the traps they stand for.

use crate::scenario::{Scenario, ScenarioError};

/// Names and texts, in the order in which they are told.
const SHIPPED: [(&str, &str); 33] = [
    ("renews-ahead", include_str!("../scenarios/renews-ahead.toml")),
    ("lost-reply-strict", include_str!("../scenarios/lost-reply-strict.toml")),
    ("lost-reply-grace", include_str!("../scenarios/lost-reply-grace.toml")),
    ("torn-reply", include_str!("../scenarios/torn-reply.toml")),
    ("double-spend", include_str!("../scenarios/double-spend.toml")),
    ("stolen-first", include_str!("../scenarios/stolen-first.toml")),
    ("second-process", include_str!("../scenarios/second-process.toml")),
    ("killed-while-renewing", include_str!("../scenarios/killed-while-renewing.toml")),
    ("vault-fails-at-the-wrong-moment", include_str!("../scenarios/vault-fails-at-the-wrong-moment.toml")),
    ("outage-five-minutes", include_str!("../scenarios/outage-five-minutes.toml")),
    ("server-errors", include_str!("../scenarios/server-errors.toml")),
    ("captive-portal-at-wake", include_str!("../scenarios/captive-portal-at-wake.toml")),
    ("asleep-over-the-end", include_str!("../scenarios/asleep-over-the-end.toml")),
    ("slow-token-endpoint", include_str!("../scenarios/slow-token-endpoint.toml")),
    ("dripping-reply", include_str!("../scenarios/dripping-reply.toml")),
    ("reset-connection", include_str!("../scenarios/reset-connection.toml")),
    ("too-many-requests", include_str!("../scenarios/too-many-requests.toml")),
    ("waf-403", include_str!("../scenarios/waf-403.toml")),
    ("redirected", include_str!("../scenarios/redirected.toml")),
    ("misconfigured-client", include_str!("../scenarios/misconfigured-client.toml")),
    ("refused-then-recovered", include_str!("../scenarios/refused-then-recovered.toml")),
    ("admin-revokes", include_str!("../scenarios/admin-revokes.toml")),
    ("revoked-while-renewing", include_str!("../scenarios/revoked-while-renewing.toml")),
    ("ceiling-reached", include_str!("../scenarios/ceiling-reached.toml")),
    ("clock-an-hour-fast", include_str!("../scenarios/clock-an-hour-fast.toml")),
    ("server-clock-behind", include_str!("../scenarios/server-clock-behind.toml")),
    ("key-rotation", include_str!("../scenarios/key-rotation.toml")),
    ("unknown-kid", include_str!("../scenarios/unknown-kid.toml")),
    ("no-new-refresh-token", include_str!("../scenarios/no-new-refresh-token.toml")),
    ("odd-expiry", include_str!("../scenarios/odd-expiry.toml")),
    ("json-as-text", include_str!("../scenarios/json-as-text.toml")),
    ("late-401", include_str!("../scenarios/late-401.toml")),
    ("early-401", include_str!("../scenarios/early-401.toml")),
];

/// All shipped scenarios, in order.
///
/// # Errors
/// None in a program whose tests passed: one of them reads every scenario.
pub fn all() -> Result<Vec<Scenario>, ScenarioError> {
    SHIPPED.iter().map(|(name, text)| Scenario::parse(text, name)).collect()
}

/// The text of one of them, to be read or to begin another one with.
pub fn text(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// What keeps a trap from being stepped into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptBy {
    /// A shipped scenario of this name.
    Scenario(&'static str),
    /// A test of this name, in this file.
    Test {
        /// The file, from the root of the project.
        file: &'static str,
        /// The function.
        name: &'static str,
    },
}

/// A mistake that programs of this kind have made.
#[derive(Clone, Copy, Debug)]
pub struct Trap {
    /// Which one, from 1.
    pub number: u8,
    /// What goes wrong, in a line.
    pub about: &'static str,
    /// What keeps Latchkey from it.
    pub kept_by: KeptBy,
}

const fn scenario(number: u8, about: &'static str, name: &'static str) -> Trap {
    Trap { number, about, kept_by: KeptBy::Scenario(name) }
}

const fn test(number: u8, about: &'static str, file: &'static str, name: &'static str) -> Trap {
    Trap { number, about, kept_by: KeptBy::Test { file, name } }
}

/// The sixteen traps, each with what keeps Latchkey from it. A test looks that each of those is there.
pub const TRAPS: [Trap; 16] = [
    scenario(1, "after the lock, the token that was read before it is sent", "second-process"),
    scenario(2, "a new token that cannot be stored is only logged", "vault-fails-at-the-wrong-moment"),
    scenario(3, "a page with status 200 discards the refresh token", "captive-portal-at-wake"),
    scenario(4, "every 4xx is taken for a dead token", "waf-403"),
    test(
        5,
        "a failed renewal leaves those who wait for it with nothing",
        "tests/tests/engine/renewing.rs",
        "a_renewal_that_fails_is_told_to_everyone_who_waits_for_it",
    ),
    test(
        6,
        "a caller who goes away takes the new token along",
        "tests/tests/engine/renewing.rs",
        "the_token_is_stored_although_the_caller_went_away_in_the_middle_of_the_exchange",
    ),
    scenario(7, "a late 401 for an old token expires the new one", "late-401"),
    test(
        8,
        "a slow answer is applied to a session that has moved on",
        "crates/core/src/session/tests/table.rs",
        "a_late_answer_changes_nothing_and_is_recorded",
    ),
    test(
        9,
        "an error text holds a token or a password",
        "tests/tests/engine/secrets.rs",
        "a_whole_life_of_a_session_shows_no_token_and_no_password_anywhere",
    ),
    test(
        10,
        "a version is a number that somebody compares wrongly",
        "tests/tests/engine/agent_bad_input.rs",
        "a_program_of_another_version_is_told_which_are_spoken",
    ),
    test(
        11,
        "a line without end, or a peer that never writes",
        "tests/tests/engine/agent.rs",
        "bad_requests_get_a_short_answer_that_repeats_nothing_or_a_closed_connection",
    ),
    test(
        12,
        "a test sleeps and hopes",
        "tests/tests/engine/layering.rs",
        "only_what_clocks_are_made_of_sleeps_and_no_test_does",
    ),
    test(
        13,
        "a session that cannot be read clears the cookie",
        "tests/tests/engine/nextauth.rs",
        "what_is_no_word_of_the_site_is_waited_out",
    ),
    test(
        14,
        "kinds of keychain are told by their texts, and the store in use is a secret",
        "tests/tests/blackbox/doctor.rs",
        "a_keychain_that_cannot_be_used_is_named_with_what_to_do",
    ),
    test(
        15,
        "the window reads the texts of errors",
        "ui/src/ipc/errors.test.ts",
        "an unknown code falls back to the host's words",
    ),
    test(
        16,
        "a picture drifts away from the code",
        "crates/core/src/session/tests/table.rs",
        "the_diagram_shows_every_change_of_state_and_no_other",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_scenario_is_read_and_called_like_its_file() {
        let scenarios = all().unwrap();
        assert!(scenarios.len() >= 20);
        for (scenario, (name, _)) in scenarios.iter().zip(SHIPPED) {
            assert_eq!(scenario.name, name);
            assert!(!scenario.standard.is_empty(), "{name} names no standard");
            assert!(scenario.title.len() <= 80 && !scenario.about.trim().is_empty(), "{name}");
        }
    }

    #[test]
    fn each_trap_is_kept_from_by_something_that_is_there() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        assert!(TRAPS.iter().map(|trap| trap.number).eq(1..=16));
        for trap in TRAPS {
            match trap.kept_by {
                KeptBy::Scenario(name) => assert!(text(name).is_some(), "{name}"),
                KeptBy::Test { file, name } => {
                    let source = std::fs::read_to_string(root.join(file)).unwrap();
                    let (rust, script) = (format!("fn {name}()"), format!("it(\"{name}\""));
                    assert!(source.contains(&rust) || source.contains(&script), "{file} has no {name}");
                }
            }
        }
    }

    #[test]
    fn the_document_tells_of_every_trap_and_what_keeps_from_it() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let document = std::fs::read_to_string(root.join("docs/lab.md")).unwrap();
        for Trap { number, about, kept_by } in TRAPS {
            let by = match kept_by {
                KeptBy::Scenario(name) => format!("scenario `{name}`"),
                KeptBy::Test { file, name } => format!("`{name}` in [{file}](../{file})"),
            };
            let row = format!("| {number} | {about} | {by} |");
            assert!(document.contains(&row), "docs/lab.md lacks\n{row}");
        }
    }
}
