//! Starting the program once more: without variables that open its page, for somebody who wants a window of an app that
//! is on its way out, and when the app that was to come forward died of it.

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};

use tauri::{AppHandle, Env, Runtime, process};

use crate::arguments::LAST_TRY;
use crate::{quit, startup, window};

/// Whether somebody started the app while it was on its way out.
static WANTED: AtomicBool = AtomicBool::new(false);

/// Another start of the app ended, because this one runs. Its window is shown, by the next one if need be.
pub(crate) fn on_another_start<R: Runtime>(app: &AppHandle<R>) {
    if quit::is_under_way() {
        WANTED.store(true, Ordering::Relaxed);
    } else {
        window::show(app);
    }
}

/// The app has ended. Starts the next one if that is wanted; it shows its window, however this one was started.
pub(crate) fn if_wanted() -> io::Result<()> {
    if WANTED.load(Ordering::Relaxed) {
        Command::new(program()?).spawn()?;
    }
    Ok(())
}

/// Why the app cannot come forward although one runs.
#[derive(Debug, thiserror::Error)]
#[error("another program has the name {NAME_ON_THE_BUS} on the session bus and does not show a window")]
struct NotForward;

/// The name by which instances find each other, from the identifier in `tauri.conf.json`.
pub(crate) const NAME_ON_THE_BUS: &str = "dev.latchkey.desktop.SingleInstance";

/// What to do about it.
const HINT: &str = "end the Latchkey that runs, then start again; nobody is signed out";

/// The app could not be built. Where that is because the instance that was to come forward has just ended, its place is
/// free now.
pub(crate) fn after(error: &tauri::Error, last_try: bool) -> ExitCode {
    let died = matches!(error, tauri::Error::PluginInitialization(plugin, _) if plugin == "single-instance");
    match (died, last_try) {
        (true, false) => instead(&[], Some(LAST_TRY)),
        (true, true) => startup::fail(&NotForward, Some(HINT)),
        (false, _) => startup::fail(error, None),
    }
}

/// Starts it in the place of this process, without these variables. Changing the environment of a running process is
/// unsound where threads may read it; a new one has its own.
pub(crate) fn instead(without: &[&str], option: Option<&str>) -> ExitCode {
    let program = match program() {
        Ok(program) => program,
        Err(error) => return startup::fail(&error, None),
    };
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).args(option);
    for name in without {
        command.env_remove(name);
    }
    replace(command)
}

/// As it was started: a package may have put a newer one there since.
fn program() -> io::Result<PathBuf> {
    process::current_binary(&Env::default())
}

#[cfg(unix)]
fn replace(mut command: Command) -> ExitCode {
    startup::fail(&std::os::unix::process::CommandExt::exec(&mut command), None)
}

#[cfg(not(unix))]
fn replace(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => startup::fail(&error, None),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn instances_look_for_each_other_by_the_identifier_of_the_app() {
        let config: serde_json::Value = serde_json::from_str(include_str!("../tauri.conf.json")).unwrap();
        let identifier = config["identifier"].as_str().unwrap();
        assert_eq!(super::NAME_ON_THE_BUS.strip_suffix(".SingleInstance"), Some(identifier));
    }
}
