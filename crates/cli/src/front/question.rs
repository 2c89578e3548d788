//! The command lines that can be answered without the full program.

use std::ffi::OsString;
use std::path::Path;

use latchkey_agent::protocol::TokenQuestion;

/// The longest account name (`latchkey_core::account`).
const MAX_NAME: usize = 64;

/// `latchkey token`, with nothing unusual about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) account: String,
    /// How long the token must stay valid, in seconds.
    pub(crate) min_valid: Option<u64>,
    wait: Option<u64>,
    pub(crate) form: Form,
}

/// In which form the token is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Raw,
    Header,
    Json,
}

impl Question {
    /// Reads the command line. `None` where it is not understood here, which says nothing about whether it is right.
    pub(crate) fn read(line: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut line = line.into_iter();
        // Under the name of a credential helper everything means something else.
        let name = line.next()?;
        if Path::new(&name).file_stem()?.to_str()?.contains("credential") {
            return None;
        }
        let mut arguments = line.map(|argument| argument.into_string().ok());
        if arguments.next()?? != "token" {
            return None;
        }
        let (mut account, mut min_valid, mut wait, mut form) = (None, None, None, None);
        while let Some(argument) = arguments.next() {
            let argument = argument?;
            if !argument.starts_with('-') {
                if !is_name(&argument) || account.replace(argument).is_some() {
                    return None;
                }
                continue;
            }
            let (option, value) = match argument.split_once('=') {
                Some((option, value)) => (option.to_owned(), value.to_owned()),
                None => (argument, arguments.next()??),
            };
            let twice = match option.as_str() {
                "--min-valid" => min_valid.replace(seconds(&value)?).is_some(),
                "--wait" => wait.replace(seconds(&value)?).is_some(),
                "--output" => form.replace(Form::read(&value)?).is_some(),
                _ => true,
            };
            if twice {
                return None;
            }
        }
        Some(Self { account: account?, min_valid, wait, form: form.unwrap_or(Form::Raw) })
    }

    /// What the agent is asked.
    pub(crate) fn asked(&self) -> TokenQuestion {
        TokenQuestion { min_valid: self.min_valid, wait: self.wait }
    }
}

impl Form {
    fn read(text: &str) -> Option<Self> {
        match text {
            "raw" => Some(Self::Raw),
            "header" => Some(Self::Header),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Whether an account can have this name, which becomes a part of a path.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= MAX_NAME
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// A duration of one number and one unit, as nearly all are written.
fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u32>().ok().map(|number| u64::from(number) * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Question> {
        Question::read(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_usual_forms_are_understood() {
        let demo = || Question { account: "demo".to_owned(), min_valid: None, wait: None, form: Form::Raw };
        assert_eq!(read("latchkey token demo"), Some(demo()));
        assert_eq!(read("/usr/bin/latchkey token --output raw demo"), Some(demo()));
        let asked = Question { min_valid: Some(90), wait: Some(0), form: Form::Header, ..demo() };
        assert_eq!(read("latchkey token demo --min-valid 90s --wait=0s --output header"), Some(asked));
        let asked = Question { min_valid: Some(7200), form: Form::Json, ..demo() };
        assert_eq!(read("latchkey token --output=json --min-valid 2h demo"), Some(asked));
    }

    #[test]
    fn whatever_else_is_left_to_the_full_program() {
        for line in [
            "",
            "latchkey",
            "latchkey token",
            "latchkey status demo",
            "latchkey token demo work",
            "latchkey token demo --output git",
            "latchkey token demo --output kubernetes",
            "latchkey token demo --min-valid",
            "latchkey token demo --min-valid 30",
            "latchkey token demo --min-valid 1m30s",
            "latchkey token demo --min-valid 99999999999d",
            "latchkey token demo --wait 1s --wait 2s",
            "latchkey token demo --help",
            "latchkey token -- demo",
            "latchkey token ../demo",
            "latchkey token demo/renew",
            "latchkey --version",
            "git-credential-latchkey token demo",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        assert_eq!(read(&format!("latchkey token {}", "a".repeat(65))), None);
    }
}
