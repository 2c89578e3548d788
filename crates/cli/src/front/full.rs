//! The full program, which stands beside this one.

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use latchkey_agent::refusal::{Kind, Refusal};

/// Its file name, without the ending that a platform gives it.
const NAME: &str = "latchkey-cli";

/// Becomes the full program, with the same command line. Comes back with a code where there is none.
pub(crate) fn run() -> ExitCode {
    let error = match beside().and_then(hand_over) {
        Ok(code) => return code,
        Err(error) => error,
    };
    super::refused(&Refusal {
        kind: Kind::Failed,
        message: format!("`{NAME}`, which belongs beside this program, cannot be started: {error}"),
        hint: Some("install Latchkey again".to_owned()),
    })
}

/// Where it is: links to this program, such as `git-credential-latchkey`, may stand anywhere.
fn beside() -> io::Result<PathBuf> {
    let this = std::env::current_exe()?;
    // Elsewhere the system says how this was started, which may have been by a link.
    let this = if cfg!(target_os = "linux") { this } else { this.canonicalize()? };
    Ok(this.with_file_name(format!("{NAME}{}", std::env::consts::EXE_SUFFIX)))
}

/// The process stays the same: whoever started it waits for it, signals it and passes sockets on to it as before.
#[cfg(unix)]
fn hand_over(program: PathBuf) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    let mut line = std::env::args_os();
    let name = line.next().unwrap_or_else(|| program.clone().into_os_string());
    Err(Command::new(program).arg0(name).args(line).exec())
}

/// There is nothing like `exec` there, so this waits for it. What this program is called goes with it as a word of the
/// command line where that means something. Tried under Wine.
#[cfg(not(unix))]
fn hand_over(program: PathBuf) -> io::Result<ExitCode> {
    let mut line = std::env::args_os();
    let name = line.next().map(PathBuf::from).unwrap_or_default();
    let mut command = Command::new(program);
    match name.file_stem().and_then(|name| name.to_str()) {
        Some("git-credential-latchkey") => command.args(["credential", "git"]),
        Some("docker-credential-latchkey") => command.args(["credential", "docker"]),
        _ => &mut command,
    };
    let status = command.args(line).status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
