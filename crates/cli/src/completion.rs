//! Completing command lines: the shell runs this program for each press of the key, which answers from the command line's
//! own definition and, for accounts, from the configuration. No vault is opened.

use std::ffi::OsStr;

use clap::{Command, CommandFactory as _};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};
use latchkey_engine::config::Config;
use latchkey_engine::paths::Paths;

use crate::args::Cli;
use crate::failure::Failure;

/// The variable by which a shell's script asks for completions.
const VARIABLE: &str = "LATCHKEY_COMPLETE";

/// What the arguments are called that take the name of an account.
const ACCOUNT: &str = "account";

/// Answers a shell that asks for completions, and ends the process. Does nothing for anybody else.
pub(crate) fn answer_shell() {
    if std::env::var_os(VARIABLE).is_some() {
        CompleteEnv::with_factory(command).var(VARIABLE).complete();
    }
}

/// The script that makes a shell ask.
pub(crate) fn script(shell: &str) -> Result<Vec<u8>, Failure> {
    let shells = Shells::builtins();
    let unknown = || Failure::wrong_use("this shell is not known");
    let shell = shells.completer(shell).ok_or_else(unknown)?;
    let mut script = Vec::new();
    let written = shell.write_registration(VARIABLE, "latchkey", "latchkey", "latchkey", &mut script);
    written.map_err(|error| Failure::failed(error.to_string()))?;
    Ok(script)
}

fn command() -> Command {
    with_accounts(Cli::command())
}

/// Wherever an account is named, those that there are can be completed.
fn with_accounts(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        if argument.get_id() == ACCOUNT { argument.add(ArgValueCompleter::new(accounts)) } else { argument }
    });
    command.mut_subcommands(with_accounts)
}

/// A configuration that cannot be read completes nothing, and complains at the next command.
fn accounts(typed: &OsStr) -> Vec<CompletionCandidate> {
    let known = Paths::from_env().ok().and_then(|paths| Config::load(&paths).ok()).unwrap_or_default();
    let typed = typed.to_string_lossy();
    let fitting = known.accounts.iter().filter(|account| account.name.as_str().starts_with(&*typed));
    fitting.map(|account| CompletionCandidate::new(account.name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_asks_this_program() {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let script = String::from_utf8(script(shell).unwrap()).unwrap();
            assert!(script.contains(VARIABLE) && script.contains("latchkey"), "{script}");
        }
    }

    #[test]
    fn arguments_that_take_an_account_complete_its_name() {
        let mut open = vec![command()];
        let mut named = 0;
        while let Some(command) = open.pop() {
            for argument in command.get_arguments().filter(|argument| argument.get_id() == ACCOUNT) {
                assert!(argument.get::<ArgValueCompleter>().is_some(), "{}", command.get_name());
                named += 1;
            }
            open.extend(command.get_subcommands().cloned());
        }
        assert!(named >= 12, "{named}");
    }
}
