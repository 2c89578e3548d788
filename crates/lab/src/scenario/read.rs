//! From a text to a scenario, or to what is wrong with it and where.

use latchkey_devserver::Rule;
use serde::{Deserialize, Deserializer, de};

use super::{Scenario, Step, VERSION, Yes};

/// What is wrong with a scenario, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {what}")]
pub struct ScenarioError {
    name: String,
    what: String,
}

/// The states that a client can be in.
const STATES: [&str; 7] =
    ["signed_out", "signing_in", "signed_in", "renewing", "saving", "waiting", "needs_sign_in"];

impl<'de> Deserialize<'de> for Yes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if bool::deserialize(deserializer)? {
            return Ok(Self);
        }
        Err(de::Error::custom("write `true`, or take the step out"))
    }
}

impl Scenario {
    /// Reads a scenario; `file` is how the person knows it.
    ///
    /// # Errors
    /// What is wrong with it: the line, the key, and what would be right.
    pub fn parse(text: &str, file: &str) -> Result<Self, ScenarioError> {
        let wrong = |what: String| ScenarioError { name: file.to_owned(), what };
        // Before the rest: another version may have other keys.
        if let Ok(table) = text.parse::<toml::Table>()
            && let Some(version) = table.get("version").and_then(toml::Value::as_integer)
            && version != i64::from(VERSION)
        {
            return Err(wrong(format!(
                "it has version {version}, and this program reads version {VERSION}; take a newer program, or write it anew"
            )));
        }
        let scenario: Self =
            toml::from_str(text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        scenario.check().map_err(wrong)?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), String> {
        let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(proper) {
            return Err(format!("name: `{}` is none; use small letters, digits and hyphens", self.name));
        }
        for rule in &self.backend.rules {
            rule.parse::<Rule>().map_err(|error| format!("backend.rules: {error}"))?;
        }
        if self.steps.is_empty() {
            return Err("steps: there are none; begin with `[[steps]]` and `sign_in = true`".to_owned());
        }
        for (place, step) in self.steps.iter().enumerate() {
            step.check().map_err(|what| format!("step {}: {what}", place + 1))?;
        }
        let judged = |step: &Step| matches!(step, Step::ExpectClient(_) | Step::ExpectBackend(_));
        if !self.steps.iter().any(judged) {
            return Err("steps: nothing is expected; add `expect_client` or `expect_backend`".to_owned());
        }
        Ok(())
    }
}

impl Step {
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Advance(long) | Self::Sleep(long) if !long.is_positive() => {
                Err("this much time cannot pass; write a duration such as `\"45s\"`".to_owned())
            }
            Self::Next(0) => Err("next: 1 or more".to_owned()),
            Self::Fault(fault) => {
                let planned = latchkey_devserver::Faults::default().add(fault.fault());
                planned.map(drop).map_err(|error| format!("fault: {error}"))
            }
            Self::ExpectClient(expect) => match &expect.state {
                Some(state) if !STATES.contains(&state.as_str()) => {
                    Err(format!("expect_client.state: `{state}` is none; there are {}", STATES.join(", ")))
                }
                Some(_) | None => Ok(()),
            },
            Self::SignIn(_)
            | Self::Advance(_)
            | Self::Next(_)
            | Self::Renew(_)
            | Self::ClearFaults(_)
            | Self::Backend(_)
            | Self::Network(_)
            | Self::Sleep(_)
            | Self::Clock(_)
            | Self::Revoke(_)
            | Self::Replay(_)
            | Self::Reject(_)
            | Self::Restart(_)
            | Self::SecondClient(_)
            | Self::Vault(_)
            | Self::ExpectBackend(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "version = 1\nname = \"a-b\"\ntitle = \"t\"\nabout = \"a\"\nstandard = []\n";

    fn refusal(rest: &str) -> String {
        Scenario::parse(&format!("{HEAD}{rest}"), "mine.toml").unwrap_err().to_string()
    }

    #[test]
    fn a_scenario_is_read_with_its_steps_in_order() {
        let text = format!(
            "{HEAD}[backend]\ngrace = \"10s\"\n[[steps]]\nsign_in = true\n[[steps]]\nadvance = \"1m 30s\"\n\
             [[steps]]\nfault = {{ at = \"refresh\", mode = \"drop_after\" }}\n\
             [[steps]]\nexpect_client = {{ state = \"signed_in\", within = \"5m\", refreshes = 2 }}\n"
        );
        let scenario = Scenario::parse(&text, "mine.toml").unwrap();
        assert_eq!(scenario.steps.len(), 4);
        assert_eq!(scenario.backend.grace.unwrap().as_secs(), 10);
        assert!(matches!(scenario.steps[1], Step::Advance(long) if long.as_secs() == 90));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_what_would_be_right() {
        let step = |step: &str| refusal(&format!("[[steps]]\n{step}\n"));
        let unknown = refusal("[[steps]]\nadvence = \"45s\"\n");
        assert!(unknown.starts_with("mine.toml: ") && unknown.contains("line 7"), "{unknown}");
        assert!(unknown.contains("advence") && unknown.contains("`advance`"), "{unknown}");
        let key = step("expect_client = { stat = \"signed_in\" }");
        assert!(key.contains("unknown field `stat`") && key.contains("`state`"), "{key}");
        let kind = step("next = \"three\"");
        assert!(kind.contains("line 7") && kind.contains("expected u32"), "{kind}");
        let state = step("expect_client = { state = \"happy\" }");
        assert!(state.contains("step 1") && state.contains("signed_in"), "{state}");
        let fault = step("fault = { at = \"tokens\", mode = \"html\" }");
        assert!(fault.contains("step 1") && fault.contains("refresh"), "{fault}");
        let mode = step("fault = { at = \"refresh\", mode = \"burn\" }");
        assert!(mode.contains("`drop_after`"), "{mode}");
        assert!(step("sign_in = true").contains("nothing is expected"));
        assert!(step("sign_in = false").contains("take the step out"));
        let two = refusal("[[steps]]\nsign_in = true\nrenew = true\n");
        assert!(two.contains("line 6") || two.contains("line 7"), "{two}");
        let rule = refusal("backend = { rules = [\"lax\"] }\n[[steps]]\nsign_in = true\n");
        assert!(rule.contains("no-rotation"), "{rule}");
        let version = Scenario::parse("version = 2\n", "mine.toml").unwrap_err().to_string();
        assert!(version.contains("version 2"), "{version}");
    }
}
