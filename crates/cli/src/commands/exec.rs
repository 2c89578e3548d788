//! `latchkey exec`: a program with a token in its environment, and with nothing else of Latchkey's.

use std::ffi::OsStr;
use std::process::Command;

use latchkey_engine::TokenRequest;

use crate::args::{EXPIRES_AT, Exec};
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::hand_out::{self, Given, MIN_VALID, bound};
use crate::output;
use crate::session::Desk;

/// What Latchkey is told by its environment begins with this. Some of it is secret, or tells where secrets are.
const OURS: &str = "LATCHKEY_";

pub(crate) async fn run(args: Exec) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(&args.account)?;
    let request = TokenRequest { min_valid: args.min_valid.unwrap_or(MIN_VALID), wait: args.wait };
    let token = hand_out::token(&desk, account, request).await?;
    if token.is_bound() {
        output::warn(&bound(account));
    }
    let mut words = args.command.iter();
    let Some(program) = words.next() else { return Err(Failure::wrong_use("there is no command to run")) };
    let mut command = Command::new(program);
    command.args(words);
    furnish(&mut command, std::env::vars_os().map(|(name, _)| name), &args.env, &token);
    Err(become_it(command, program))
}

/// The environment of the program: as it was, less what is Latchkey's own, with the token.
fn furnish(
    command: &mut Command,
    there: impl Iterator<Item = impl AsRef<OsStr>>,
    variable: &str,
    token: &Given,
) {
    for name in there {
        if name.as_ref().to_string_lossy().starts_with(OURS) {
            command.env_remove(name);
        }
    }
    command.env(variable, token.access.as_str()).env(EXPIRES_AT, token.expires_at.to_string());
}

/// Puts the program in the place of this process: its exit code and the signals it gets are its own then, and nothing
/// of Latchkey's memory is left beside it. Returns only where that failed.
#[cfg(unix)]
fn become_it(mut command: Command, program: &OsStr) -> Failure {
    use std::os::unix::process::CommandExt as _;
    not_run(&command.exec(), program)
}

/// Runs the program and ends as it does.
#[cfg(windows)]
fn become_it(mut command: Command, program: &OsStr) -> Failure {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => not_run(&error, program),
    }
}

/// As shells tell it: 127 where there is no such program, 126 where it cannot be run.
fn not_run(error: &std::io::Error, program: &OsStr) -> Failure {
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    let exit = if missing { Exit::NoSuchProgram } else { Exit::NotRun };
    let what = if missing { "there is no such program".to_owned() } else { error.to_string() };
    Failure {
        exit,
        message: Some(format!("`{}` cannot be run: {what}", program.to_string_lossy())),
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hand_out::tests::given;

    #[test]
    fn the_program_gets_the_token_and_nothing_else_of_ours() {
        let mut command = Command::new("true");
        let there = ["PATH", "LATCHKEY_PASSPHRASE_FILE", "LATCHKEY_ACCESS_TOKEN", "LATCHKEYS"];
        furnish(&mut command, there.iter(), "API_TOKEN", &given("bearer"));
        let set: Vec<_> = command.get_envs().map(|(name, value)| format!("{name:?}={value:?}")).collect();
        insta::assert_snapshot!(set.join("\n"), @r#"
        "API_TOKEN"=Some("abc")
        "LATCHKEY_ACCESS_TOKEN"=None
        "LATCHKEY_EXPIRES_AT"=Some("2026-11-20T12:00:00.5Z")
        "LATCHKEY_PASSPHRASE_FILE"=None
        "#);
    }
}
