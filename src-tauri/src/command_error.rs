//! What the window is told when something did not work.

use latchkey_core::wording::{Values, Wording};
use latchkey_engine::EngineError;
use latchkey_engine::config::ConfigError;
use serde::Serialize;

use crate::words::Tongue;

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

    /// An error of the engine's for a page that speaks this language. There is no `From`: each command has to say which.
    pub(crate) fn of(error: &EngineError, tongue: Tongue) -> Self {
        let told = error.wording().map(|Wording { code, mut values }| {
            for (name, value) in &mut values {
                tongue.say_value(name, value);
            }
            Told { code: code.to_owned(), values }
        });
        Self { code: error.code().to_owned(), message: error.to_string(), hint: error.hint(), told }
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        match &error {
            // Without a value that could be in another language.
            ConfigError::AccountExists { account, .. } => {
                Self::of(&EngineError::AccountExists(account.clone()), Tongue::En)
            }
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
    use latchkey_core::reason::Reason;

    use super::*;

    #[test]
    fn an_error_has_a_code_a_sentence_and_what_to_do() {
        let wrong = EngineError::WrongCredentials { said: Some("no such user".to_owned()) };
        let error = CommandError::of(&wrong, Tongue::De);
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
            serde_json::to_value(CommandError::of(&EngineError::Closing, Tongue::En)).unwrap()["hint"],
            serde_json::Value::Null
        );
    }

    #[test]
    fn why_it_did_not_work_is_said_in_the_language_of_the_page() {
        let why = "its ID token is refused: its signature is not the issuer's".to_owned();
        let error = EngineError::SignInFailed { reason: Reason::NotBelieved { why: why.clone() } };
        let told = |tongue| CommandError::of(&error, tongue).told.unwrap();
        assert_eq!(told(Tongue::En).values["why"], why);
        let german = "sein ID-Token wird abgelehnt: seine Signatur ist nicht die des Ausstellers";
        assert_eq!(
            (told(Tongue::De).values["why"].as_str(), told(Tongue::De).code.as_str()),
            (german, "not_believed")
        );
    }
}
