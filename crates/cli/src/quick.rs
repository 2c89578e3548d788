//! The quick way of `latchkey token`: where an agent has the token, it takes a socket and nothing else.
//!
//! Scripts and credential helpers ask for a token again and again, so this is looked for before the command line, the
//! configuration or an async runtime is. Whatever is not as usual (other options, no agent, an account it does
//! not know) is left to the ordinary way, which says the same at greater length.

use std::ffi::OsString;
use std::process::ExitCode;

use latchkey_agent::client::{Client, ClientError};
use latchkey_agent::protocol::{TokenAnswer, TokenQuestion};
use latchkey_core::account::AccountName;
use latchkey_engine::event_log::LOG_VARIABLE;
use latchkey_engine::paths::Paths;
use zeroize::Zeroizing;

use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::{duration, output};

/// A question that can be asked quickly.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    account: AccountName,
    min_valid: Option<u64>,
    wait: Option<u64>,
    /// As a header rather than alone.
    header: bool,
}

/// Answers `latchkey token` from the agent, if that is what was asked and there is one. `None` leaves it to others.
pub(crate) fn token(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let question = Question::read(arguments)?;
    // Whoever wants to see what is done is shown the ordinary way.
    if std::env::var_os(LOG_VARIABLE).is_some() {
        return None;
    }
    let paths = Paths::from_env().ok()?;
    let asked = TokenQuestion { min_valid: question.min_valid, wait: question.wait };
    let outcome = match Client::new(&paths.runtime_dir).token(question.account.as_str(), asked) {
        Ok(answer) => question.print(answer)?,
        // It may have been added since the agent looked.
        Err(ClientError::Refused(why)) if why.code == "unknown_account" => return None,
        Err(ClientError::Refused(why)) => Err(Failure::from_agent(why, &question.account)),
        Err(ClientError::Socket(_) | ClientError::Lost(_) | ClientError::Unreadable) => return None,
    };
    Some(match outcome {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            output::failure(&failure);
            failure.exit.into()
        }
    })
}

impl Question {
    /// Reads the command line, if it has nothing unusual.
    fn read(arguments: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut arguments = arguments.into_iter().skip(1).map(|argument| argument.into_string().ok());
        if arguments.next()?? != "token" {
            return None;
        }
        let (mut account, mut min_valid, mut wait, mut header) = (None, None, None, None);
        while let Some(argument) = arguments.next() {
            let argument = argument?;
            if !argument.starts_with('-') {
                let name = AccountName::new(&argument).ok()?;
                if account.replace(name).is_some() {
                    return None;
                }
                continue;
            }
            let (option, value) = match argument.split_once('=') {
                Some((option, value)) => (option.to_owned(), value.to_owned()),
                None => (argument, arguments.next()??),
            };
            let seconds = || u64::try_from(duration::parse(&value).ok()?.as_secs()).ok();
            let twice = match option.as_str() {
                "--min-valid" => min_valid.replace(seconds()?).is_some(),
                "--wait" => wait.replace(seconds()?).is_some(),
                "--output" if value == "raw" => header.replace(false).is_some(),
                "--output" if value == "header" => header.replace(true).is_some(),
                _ => true,
            };
            if twice {
                return None;
            }
        }
        Some(Self { account: account?, min_valid, wait, header: header.unwrap_or_default() })
    }

    /// Prints the token; `None` where there is more to say about it.
    fn print(&self, answer: TokenAnswer) -> Option<Result<(), Failure>> {
        let token = Zeroizing::new(answer.access_token);
        let short = answer.falls_short || answer.min_valid_capped;
        if !answer.token_type.eq_ignore_ascii_case("bearer") || short && self.min_valid.is_some() {
            return None;
        }
        let text =
            if self.header { Zeroizing::new(format!("Authorization: Bearer {}", *token)) } else { token };
        Some(output::value(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Question> {
        Question::read(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_usual_forms_are_asked_quickly() {
        let demo = || Question {
            account: AccountName::new("demo").unwrap(),
            min_valid: None,
            wait: None,
            header: false,
        };
        assert_eq!(read("latchkey token demo"), Some(demo()));
        assert_eq!(read("latchkey token --output raw demo"), Some(demo()));
        let asked = Some(Question { min_valid: Some(90), wait: Some(0), header: true, ..demo() });
        assert_eq!(read("latchkey token demo --min-valid 1m30s --wait=0s --output header"), asked);
    }

    #[test]
    fn whatever_else_is_left_to_the_ordinary_way() {
        for line in [
            "latchkey",
            "latchkey token",
            "latchkey status demo",
            "latchkey token demo work",
            "latchkey token demo --output json",
            "latchkey token demo --min-valid",
            "latchkey token demo --min-valid 30",
            "latchkey token demo --wait 1s --wait 2s",
            "latchkey token demo --help",
            "latchkey token -- demo",
            "latchkey token ../demo",
            "latchkey --version",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
