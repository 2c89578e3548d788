//! What the window is told when something did not work.

use latchkey_core::wording::{Values, Wording};
use latchkey_engine::EngineError;
use latchkey_engine::config::ConfigError;
use serde::Serialize;

/// An error as the window gets it: a code for its table of texts, and words where the table has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct CommandError {
    /// Stable name.
    pub(crate) code: String,
    /// What happened, in a sentence.
    pub(crate) message: String,
    /// What to do about it, if it can be said.
    pub(crate) hint: Option<String>,
    /// Which sentence that is, where it is one of those that sessions have as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, specta(optional))]
    pub(crate) told: Option<Told>,
}

/// A sentence for whoever words it anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct Told {
    /// Which one.
    code: String,
    /// The values in it by name.
    #[cfg_attr(test, specta(type = std::collections::BTreeMap<String, String>))]
    values: Values,
}

impl CommandError {
    pub(crate) fn new(code: &str, message: impl Into<String>, hint: Option<&str>) -> Self {
        Self { code: code.to_owned(), message: message.into(), hint: hint.map(str::to_owned), told: None }
    }
}

impl From<EngineError> for CommandError {
    fn from(error: EngineError) -> Self {
        let told = error.wording().map(|Wording { code, values }| Told { code: code.to_owned(), values });
        Self { code: error.code().to_owned(), message: error.to_string(), hint: error.hint(), told }
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        match &error {
            ConfigError::AccountExists { account, .. } => EngineError::AccountExists(account.clone()).into(),
            // What was filled in, not what stands in the file: the field is in sight.
            ConfigError::Invalid { file: None, problems } => {
                let first = problems.first();
                let what = first.map_or_else(|| error.to_string(), |problem| problem.what.clone());
                Self::new("invalid_input", what, first.map(|problem| problem.remedy.as_str()))
            }
            ConfigError::Invalid { .. }
            | ConfigError::Unfit { .. }
            | ConfigError::Io { .. }
            | ConfigError::NoSuchAccount { .. }
            | ConfigError::NotEditable { .. } => Self::new("configuration", error.to_string(), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_a_code_a_sentence_and_what_to_do() {
        let error =
            CommandError::from(EngineError::WrongCredentials { said: Some("no such user".to_owned()) });
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            serde_json::json!({
                "code": "wrong_credentials",
                "message": "the provider did not accept this user name and password (“no such user”)",
                "hint": "check both and try again; nothing was changed",
                "told": { "code": "wrong_credentials", "values": { "said": "no such user" } },
            })
        );
        assert_eq!(
            serde_json::to_value(CommandError::from(EngineError::Closing)).unwrap()["hint"],
            serde_json::Value::Null
        );
    }
}
