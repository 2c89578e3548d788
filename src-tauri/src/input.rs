//! What comes from the page, checked before anything is done with it.
//!
//! The page is ours, but a page is where foreign text is shown, so its word is not taken: every text has a length,
//! and an account is only ever looked up by a name that can be one.

use std::str::FromStr;

use latchkey_core::account::AccountName;
use latchkey_core::secret::{AccessToken, Password};
use latchkey_engine::config::{Changes, KeyValue};
use latchkey_engine::consumers::Decision;
use latchkey_engine::sign_in::Login;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::command_error::CommandError;

/// The longest user name, in bytes: an e-mail address has at most 254 (RFC 5321 §4.5.3.1.3), others are shorter.
const LONGEST_USERNAME: usize = 512;

/// The longest password, in bytes.
const LONGEST_PASSWORD: usize = 4096;

/// The longest token, in bytes.
const LONGEST_TOKEN: usize = 64 * 1024;

/// The longest line of a form, in bytes.
const LONGEST_LINE: usize = 2048;

/// The longest path of a program, in bytes: `PATH_MAX` of Linux.
const LONGEST_PATH: usize = 4096;

/// More keys than any account has.
const MOST_KEYS: usize = 100;

/// A password on its way from the form to the engine: it becomes a secret as it is read.
#[cfg_attr(test, derive(specta::Type), specta(transparent))]
pub(crate) struct PasswordInput(#[cfg_attr(test, specta(type = String))] Password);

impl<'de> Deserialize<'de> for PasswordInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Password::new(text)))
    }
}

/// A token that a person wants to look into: it becomes a secret as it is read.
#[cfg_attr(test, derive(specta::Type), specta(transparent))]
pub(crate) struct TokenInput(#[cfg_attr(test, specta(type = String))] AccessToken);

impl<'de> Deserialize<'de> for TokenInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        // People copy the whole header, or a line of it.
        let bare = text.split_ascii_whitespace().next_back().unwrap_or_default();
        Ok(Self(AccessToken::new(bare)))
    }
}

/// What a person decides about a program.
#[derive(Clone, Copy, Deserialize)]
#[cfg_attr(test, derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub(crate) enum DecisionInput {
    /// It may, as long as it keeps asking.
    AllowForNow,
    /// It may, until its executable changes.
    AllowForGood,
    /// Not now.
    Pause,
    /// It may not.
    Deny,
}

impl From<DecisionInput> for Decision {
    fn from(decided: DecisionInput) -> Self {
        match decided {
            DecisionInput::AllowForNow => Self::AllowForNow,
            DecisionInput::AllowForGood => Self::AllowForGood,
            DecisionInput::Pause => Self::Pause,
            DecisionInput::Deny => Self::Deny,
        }
    }
}

/// A program by its id, or by its path where nothing else is known of it.
pub(crate) fn program(text: &str) -> Result<&str, CommandError> {
    match text.len() {
        1..=LONGEST_PATH => Ok(text),
        _ => Err(CommandError::new("invalid_input", "no program is called that", None)),
    }
}

/// The token that was given.
pub(crate) fn token(TokenInput(token): TokenInput) -> Result<AccessToken, CommandError> {
    match token.expose().len() {
        0 => Err(CommandError::new("invalid_input", "there is no token", None)),
        1..=LONGEST_TOKEN => Ok(token),
        _ => Err(CommandError::new("invalid_input", "this is longer than any token needs to be", None)),
    }
}

/// The account of this name.
pub(crate) fn account(name: &str) -> Result<AccountName, CommandError> {
    AccountName::from_str(name).map_err(|error| CommandError::new("invalid_input", error.to_string(), None))
}

/// A line of a form. `what` is what people call it.
pub(crate) fn line(what: &str, text: &str) -> Result<(), CommandError> {
    if text.len() > LONGEST_LINE || text.chars().any(char::is_control) {
        return Err(CommandError::new("invalid_input", format!("this {what} is none"), None));
    }
    Ok(())
}

/// The keys of an account as they were filled in. Whether they mean anything is the configuration's to say.
pub(crate) fn changes(changes: &Changes) -> Result<(), CommandError> {
    if changes.len() > MOST_KEYS {
        return Err(CommandError::new("invalid_input", "these are more keys than an account has", None));
    }
    for (key, value) in changes {
        line("key", key)?;
        match value {
            Some(KeyValue::Text(text)) => line("text", text)?,
            Some(KeyValue::Numbers(numbers)) if numbers.len() > MOST_KEYS => return Err(too_long()),
            Some(KeyValue::Texts(texts)) if texts.len() > MOST_KEYS => return Err(too_long()),
            Some(KeyValue::Texts(texts)) => texts.iter().try_for_each(|text| line("text", text))?,
            Some(KeyValue::Numbers(_) | KeyValue::Number(_) | KeyValue::Flag(_)) | None => {}
        }
    }
    Ok(())
}

fn too_long() -> CommandError {
    CommandError::new("invalid_input", "this list is too long", None)
}

/// What was typed into the form.
pub(crate) fn login(username: String, password: PasswordInput) -> Result<Login, CommandError> {
    let PasswordInput(password) = password;
    if username.len() > LONGEST_USERNAME || password.expose().len() > LONGEST_PASSWORD {
        return Err(CommandError::new("invalid_input", "the user name or the password is too long", None));
    }
    Ok(Login { username, password })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_can_be_no_accounts_is_refused_without_repeating_it() {
        assert_eq!(account("work").unwrap().as_str(), "work");
        for bad in ["", "<img src=x>", "../../etc", &"x".repeat(100_000)] {
            let error = account(bad).unwrap_err();
            assert_eq!(error.code, "invalid_input");
            assert!(error.message.len() < 200 && !error.message.contains("img"));
        }
    }

    #[test]
    fn a_line_is_one_line_and_has_an_end() {
        assert!(line("scope", "openid profile").is_ok() && line("scope", "").is_ok());
        for bad in ["a\nb", "a\0", &"x".repeat(LONGEST_LINE + 1)] {
            assert_eq!(line("scope", bad).unwrap_err().code, "invalid_input");
        }
    }

    #[test]
    fn keys_of_an_account_are_lines_and_not_without_number() {
        let one =
            |key: &str, text: &str| Changes::from([(key.to_owned(), Some(KeyValue::Text(text.to_owned())))]);
        assert!(changes(&one("login_url", "https://api.example.com")).is_ok());
        assert!(changes(&one("login_url", "a\nb")).is_err());
        assert!(changes(&one(&"x".repeat(LONGEST_LINE + 1), "")).is_err());
        let many = (0..=MOST_KEYS).map(|number| (number.to_string(), None)).collect();
        assert!(changes(&many).is_err());
    }

    #[test]
    fn a_login_has_an_end() {
        let password = |length| PasswordInput(Password::new("x".repeat(length)));
        assert!(login("ada".to_owned(), password(LONGEST_PASSWORD)).is_ok());
        assert!(login("ada".to_owned(), password(LONGEST_PASSWORD + 1)).is_err());
        assert!(login("a".repeat(LONGEST_USERNAME + 1), password(4)).is_err());
    }

    #[test]
    fn a_token_is_taken_out_of_its_header_and_has_an_end() {
        let read = |text: &str| token(serde_json::from_value(text.into()).unwrap());
        assert!(read("Authorization: Bearer a.b.c\n").is_ok_and(|token| token.expose() == "a.b.c"));
        assert_eq!(read(" \n ").err().unwrap().code, "invalid_input");
        assert_eq!(read(&"x".repeat(LONGEST_TOKEN + 1)).err().unwrap().code, "invalid_input");
    }

    #[test]
    fn a_password_is_read_from_a_string_and_nothing_else() {
        let read = |text: &str| serde_json::from_str::<PasswordInput>(text);
        assert!(read("\"hunter2\"").is_ok_and(|input| input.0.expose() == "hunter2"));
        assert!(read("[\"hunter2\"]").is_err() && read("null").is_err());
    }
}
