//! How long a session of an account may last here.

use latchkey_core::limits::{Limits, Sensitivity};
use toml_edit::{Table, value};

use super::problem::{Flaw, Problems};
use super::section::Section;
use super::values;

/// Its keys.
pub(super) const KEYS: [&str; 5] = ["max_age", "rolling", "update_age", "idle_timeout", "sensitivity"];

/// The limits of an account, unchecked: what a command line or a form gives. Unset keys are not written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsToml {
    /// The longest a session lasts.
    pub max_age: Option<String>,
    /// Does activity move that end?
    pub rolling: Option<bool>,
    /// How often at most?
    pub update_age: Option<String>,
    /// The longest a session lasts that nobody uses.
    pub idle_timeout: Option<String>,
    /// `general` or `admin`: limits that fit what the account is used for.
    pub sensitivity: Option<String>,
}

/// Reads them: what is said, and what the named sensitivity stands for where nothing is.
pub(super) fn limits(section: &Section<'_, '_>, problems: &mut Problems<'_>) -> Limits {
    let mut duration = |key| section.text(key, problems, values::duration);
    let (max_age, update_age, idle_timeout) =
        (duration("max_age"), duration("update_age"), duration("idle_timeout"));
    let rolling = section.flag("rolling", problems);
    let said_rolling = section.value("rolling").is_some();
    let sensitivity = section.text("sensitivity", problems, |text| match text {
        "general" => Ok(Sensitivity::General),
        "admin" => Ok(Sensitivity::Admin),
        _ => Err(Flaw::new("there is no such sensitivity", "write `general` or `admin`")),
    });
    let usual = sensitivity.map(Sensitivity::limits).unwrap_or_default();
    Limits {
        max_age: max_age.or(usual.max_age),
        rolling: if said_rolling { rolling } else { usual.rolling },
        update_age: update_age.or(usual.update_age),
        idle_timeout: idle_timeout.or(usual.idle_timeout),
        sensitivity,
    }
}

impl LimitsToml {
    pub(super) fn write(&self, table: &mut Table) {
        if let Some(sensitivity) = &self.sensitivity {
            table.insert("sensitivity", value(sensitivity));
        }
        if let Some(max_age) = &self.max_age {
            table.insert("max_age", value(max_age));
        }
        if let Some(rolling) = self.rolling {
            table.insert("rolling", value(rolling));
        }
        for (key, text) in [("update_age", &self.update_age), ("idle_timeout", &self.idle_timeout)] {
            if let Some(text) = text {
                table.insert(key, value(text));
            }
        }
    }
}

impl From<&Limits> for LimitsToml {
    /// Writes down what differs from what holds without it.
    fn from(limits: &Limits) -> Self {
        let usual = limits.sensitivity.map(Sensitivity::limits).unwrap_or_default();
        let text = |own: Option<_>, usual: Option<_>| own.filter(|_| own != usual).map(values::duration_text);
        Self {
            max_age: text(limits.max_age, usual.max_age),
            rolling: (limits.rolling != usual.rolling).then_some(limits.rolling),
            update_age: text(limits.update_age, usual.update_age),
            idle_timeout: text(limits.idle_timeout, usual.idle_timeout),
            sensitivity: limits.sensitivity.map(|sensitivity| sensitivity.name().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use latchkey_core::account::AccountName;

    use super::*;
    use crate::config::{AccountConfig, AccountToml, Config};

    fn read(lines: &str) -> Result<Limits, String> {
        let demo = AccountToml::from(&AccountConfig::demo(4180)).table().to_string();
        let config = Config::parse(&format!("[accounts.demo]\n{lines}\n{demo}"), None);
        config.map(|mut config| config.accounts.remove(0).policy.limits).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_limited_unless_it_is_said() {
        assert_eq!(read("").unwrap(), Limits::default());
    }

    #[test]
    fn a_sensitivity_fills_in_what_is_not_said() {
        let limits = read("sensitivity = \"admin\"\nmax_age = \"8h\"").unwrap();
        assert_eq!(limits.max_age, Some(SignedDuration::from_hours(8)));
        assert_eq!(limits.idle_timeout, Sensitivity::Admin.limits().idle_timeout);
        let still = read("sensitivity = \"general\"\nrolling = false").unwrap();
        assert!(!still.rolling && still.max_age.is_some());
    }

    /// Use moves the end of eight hours too, which it could not once a day.
    #[test]
    fn a_shorter_session_of_a_sensitivity_is_moved_as_often_as_its_length_wants() {
        let limits = read("sensitivity = \"general\"\nmax_age = \"8h\"").unwrap();
        assert!(limits.rolling && limits.update_age.is_none(), "{limits:?}");
        let said = read("sensitivity = \"general\"\nmax_age = \"8h\"\nupdate_age = \"1h\"").unwrap();
        assert_eq!(said.update_age, Some(SignedDuration::from_hours(1)));
        let usual = read("sensitivity = \"general\"\nmax_age = \"30d\"").unwrap();
        assert_eq!(usual, Sensitivity::General.limits());
    }

    #[test]
    fn what_makes_no_sense_is_complained_about_by_its_key() {
        let told = read("sensitivity = \"secret\"\nmax_age = \"soon\"").unwrap_err();
        assert!(
            told.contains("accounts.demo.sensitivity") && told.contains("accounts.demo.max_age"),
            "{told}"
        );
    }

    #[test]
    fn what_is_written_is_read() {
        for lines in [
            "max_age = \"8h\"",
            "sensitivity = \"general\"\nrolling = false\nidle_timeout = \"30m\"",
            "max_age = \"1h\"\nrolling = true\nupdate_age = \"5m\"",
        ] {
            let limits = read(lines).unwrap();
            let written = AccountToml {
                limits: LimitsToml::from(&limits),
                ..AccountToml::from(&AccountConfig::demo(4180))
            };
            let name = AccountName::new("demo").unwrap();
            assert_eq!(written.check(&name).unwrap().policy.limits, limits, "{lines}");
        }
    }
}
