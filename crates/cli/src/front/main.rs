//! `latchkey` as it is installed: a small program before the full one, `latchkey-cli`.
//!
//! Scripts and credential helpers ask for a token again and again. Where an agent has it, that takes a socket and nothing
//! else: no configuration, no vault, no TLS, no async runtime. This program has none of them, so that starting it costs
//! next to nothing. Whatever it does not answer (other commands and options, no agent, an account that the agent does
//! not know) it leaves to the full program, which takes its place and says the same at greater length.
//!
//! **Invariant:** nothing of ours is used here but the agent's client (`tests/tests/engine/layering.rs`).

mod full;
mod question;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use latchkey_agent::client::{Client, ClientError};
use latchkey_agent::protocol::TokenAnswer;
use latchkey_agent::refusal::{Kind, Refusal};
use serde::Serialize;
use zeroize::Zeroizing;

use self::question::{Form, Question};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(ended_by_mistake));
    let question = Question::read(std::env::args_os());
    question.as_ref().and_then(answer).unwrap_or_else(full::run)
}

/// Answers from the agent, if there is one. `None` leaves it to the full program.
fn answer(question: &Question) -> Option<ExitCode> {
    // Whoever wants to see what is done is shown the ordinary way.
    if std::env::var_os("LATCHKEY_LOG").is_some() {
        return None;
    }
    keep_out_of_core_files();
    match Client::new(&runtime_folder()?).token(&question.account, question.asked()) {
        Ok(answer) => print(question, answer),
        Err(ClientError::Refused(why)) if !why.leaves_it_open() => {
            Some(refused(&Refusal::of(why, &question.account)))
        }
        Err(
            ClientError::Refused(_) | ClientError::Socket(_) | ClientError::Lost(_) | ClientError::Unreadable,
        ) => None,
    }
}

/// What `--output json` prints.
#[derive(Serialize)]
struct Document<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_at: &'a str,
    account: &'a str,
}

/// Prints the token; `None` where there is more to say about it.
fn print(question: &Question, answer: TokenAnswer) -> Option<ExitCode> {
    let token = Zeroizing::new(answer.access_token);
    let short = answer.falls_short || answer.min_valid_capped;
    if !answer.token_type.eq_ignore_ascii_case("bearer") || short && question.min_valid.is_some() {
        return None;
    }
    let text = match question.form {
        Form::Raw => token,
        Form::Header => Zeroizing::new(format!("Authorization: Bearer {}", *token)),
        Form::Json => {
            let document = Document {
                access_token: &token,
                token_type: &answer.token_type,
                expires_at: &answer.expires_at,
                account: &question.account,
            };
            Zeroizing::new(serde_json::to_string_pretty(&document).ok()?)
        }
    };
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(b"\n"));
    Some(match written.and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        // Who closed a pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => refused(&Refusal {
            kind: Kind::Failed,
            message: format!("the output cannot be written: {error}"),
            hint: None,
        }),
    })
}

fn refused(refusal: &Refusal) -> ExitCode {
    // A closed standard error is no reason to stop, so this does not use `eprintln!`, which panics.
    let mut stderr = io::stderr().lock();
    for line in refusal.message.lines() {
        let _ = writeln!(stderr, "error: {line}");
    }
    if let Some(hint) = &refusal.hint {
        let _ = writeln!(stderr, "hint: {hint}");
    }
    ExitCode::from(refusal.kind.exit_code())
}

/// The folder of the socket where a variable names it, as `latchkey_engine::paths` does; `None` where it takes more to
/// find it, or where a variable is wrong and somebody has to be told.
fn runtime_folder() -> Option<PathBuf> {
    let named =
        |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let (config, state) = (named("LATCHKEY_CONFIG_DIR"), named("LATCHKEY_STATE_DIR"));
    if config.into_iter().chain(state.clone()).any(|folder| folder.is_relative()) {
        return None;
    }
    let folder = named("LATCHKEY_RUNTIME_DIR").or_else(|| platform_folder(state, named));
    folder.filter(|folder| folder.is_absolute())
}

#[cfg(target_os = "linux")]
fn platform_folder(_: Option<PathBuf>, named: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    named("XDG_RUNTIME_DIR").filter(|folder| folder.is_absolute()).map(|folder| folder.join("latchkey"))
}

/// Untried.
#[cfg(target_os = "macos")]
fn platform_folder(state: Option<PathBuf>, named: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let state = state.or_else(|| Some(named("HOME")?.join("Library/Application Support/latchkey")))?;
    Some(state.join("run"))
}

#[cfg(windows)]
fn platform_folder(state: Option<PathBuf>, named: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let state = state.or_else(|| Some(named("LOCALAPPDATA")?.join(r"latchkey\data")))?;
    Some(state.join("run"))
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn platform_folder(_: Option<PathBuf>, _: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    None
}

/// A panic says where, and nothing of its message, which may be made of anything (`latchkey_engine::crash_message`).
fn ended_by_mistake(panic: &std::panic::PanicHookInfo<'_>) {
    let mut stderr = io::stderr();
    let place = panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    let _ = writeln!(stderr, "error: Latchkey met a mistake of its own{place}");
    let _ = writeln!(stderr, "hint: what is signed in stays so; please report this line");
    std::process::abort();
}

/// A token is about to be in this process (`latchkey_engine::memory_image`).
#[cfg(unix)]
fn keep_out_of_core_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Core);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
}

#[cfg(not(unix))]
fn keep_out_of_core_files() {}
