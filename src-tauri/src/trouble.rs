//! Why the app did not open, for the person in front of it: a window that says what is wrong, where, and what to do.
//!
//! Nothing of the app is running then: no engine, no tray, no log. The page is another one of the same window.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use latchkey_engine::config::{ConfigError, Problem};
use latchkey_engine::paths::Paths;
use serde::Serialize;
use tauri::{AppHandle, Manager as _, Runtime, async_runtime};
use tracing::warn;

use crate::arguments::Arguments;
use crate::command_error::CommandError;
use crate::opening;
use crate::startup::{self, NotPrepared, Preparing};
use crate::words::Tongue;

/// What keeps the app from opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct Trouble {
    /// What it is about.
    pub(crate) about: About,
    /// What is wrong, in a sentence.
    pub(crate) message: String,
    /// What to do, where the sentence does not say it.
    pub(crate) hint: Option<String>,
    /// The file it is about.
    pub(crate) file: Option<String>,
    /// What is wrong in that file, in its order.
    pub(crate) problems: Vec<FileProblem>,
}

/// What keeps the app from opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) enum About {
    /// The configuration.
    Configuration,
    /// Where tokens are kept.
    Vault,
    /// Anything else.
    Start,
}

/// What is wrong in one place of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct FileProblem {
    /// The line, counted from one.
    line: Option<u32>,
    /// The column, counted from one.
    column: Option<u32>,
    /// Which key.
    key: String,
    /// What is wrong with it.
    what: String,
    /// What to do.
    remedy: String,
}

/// What the window says instead of opening, and how the app was to be opened.
pub(crate) struct Unopened {
    trouble: Mutex<Option<Trouble>>,
    /// Whoever tries again while somebody does waits for what comes of it.
    turn: tokio::sync::Mutex<()>,
    arguments: Arguments,
}

impl Unopened {
    pub(crate) fn new(trouble: Trouble, arguments: Arguments) -> Self {
        Self { trouble: Mutex::new(Some(trouble)), turn: tokio::sync::Mutex::default(), arguments }
    }
}

impl From<&NotPrepared> for Trouble {
    fn from(error: &NotPrepared) -> Self {
        let about = match error {
            NotPrepared::Config(_) => About::Configuration,
            NotPrepared::Vault(_) => About::Vault,
            NotPrepared::Paths(_)
            | NotPrepared::Fingerprints(_)
            | NotPrepared::Level(_)
            | NotPrepared::Http(_)
            | NotPrepared::NoDisplay => About::Start,
        };
        let (file, problems) = match error {
            NotPrepared::Config(ConfigError::Invalid { file, problems }) => {
                (file.as_ref(), problems.as_slice())
            }
            NotPrepared::Config(ConfigError::Unfit { path, .. } | ConfigError::Io { path, .. }) => {
                (Some(path), [].as_slice())
            }
            NotPrepared::Config(
                ConfigError::AccountExists { file, .. }
                | ConfigError::NoSuchAccount { file, .. }
                | ConfigError::NotEditable { file, .. },
            ) => (Some(file), [].as_slice()),
            NotPrepared::Paths(_)
            | NotPrepared::Fingerprints(_)
            | NotPrepared::Vault(_)
            | NotPrepared::Level(_)
            | NotPrepared::Http(_)
            | NotPrepared::NoDisplay => (None, [].as_slice()),
        };
        Self {
            about,
            message: error.to_string(),
            hint: error.hint().map(str::to_owned),
            file: file.map(|file| file.display().to_string()),
            problems: problems.iter().map(in_file).collect(),
        }
    }
}

fn in_file(Problem { place, key, what, remedy }: &Problem) -> FileProblem {
    let number = |number: usize| u32::try_from(number).ok();
    FileProblem {
        line: place.and_then(|(line, _)| number(line)),
        column: place.and_then(|(_, column)| number(column)),
        key: key.clone(),
        what: what.clone(),
        remedy: remedy.clone(),
    }
}

impl Trouble {
    /// The same in the language of the window.
    fn in_tongue(mut self, tongue: Tongue) -> Self {
        self.message = tongue.say_line(&self.message);
        self.hint = self.hint.map(|hint| tongue.say(&hint));
        for problem in &mut self.problems {
            problem.what = tongue.say(&problem.what);
            problem.remedy = tongue.say(&problem.remedy);
        }
        self
    }
}

/// What keeps the app from opening now.
pub(crate) fn now<R: Runtime>(app: &AppHandle<R>, tongue: Tongue) -> Option<Trouble> {
    let unopened = app.try_state::<Unopened>()?;
    let trouble = unopened.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
    trouble.map(|trouble| trouble.in_tongue(tongue))
}

/// Opens the app behind the window that is there, if nothing is wrong any more. What is set up is read beside the thread that
/// draws: making a key of a passphrase takes its while, and the window can be closed meanwhile.
pub(crate) async fn try_again<R: Runtime>(app: &AppHandle<R>, tongue: Tongue) -> Option<Trouble> {
    let unopened = app.try_state::<Unopened>()?;
    let _turn = unopened.turn.lock().await;
    // Whoever presses twice finds it open.
    now(app, tongue)?;
    let prepared = async_runtime::spawn_blocking(|| Preparing::begin().end()).await.ok()?;
    let still = match prepared {
        Ok(prepared) => {
            // What the page asks next is held until the sessions are there.
            if let Some(opening) = opening::of(app) {
                opening.begins();
            }
            startup::open(app, unopened.arguments.clone(), prepared);
            None
        }
        Err(error) => Some(Trouble::from(&error)),
    };
    (*unopened.trouble.lock().unwrap_or_else(PoisonError::into_inner)).clone_from(&still);
    still.map(|trouble| trouble.in_tongue(tongue))
}

/// Shows the configuration in the file manager, or the folder it would be in.
pub(crate) fn show_config_file() -> Result<(), CommandError> {
    reveal(Paths::from_env().ok().map(|paths| {
        let file = paths.config_file();
        if file.exists() { file } else { paths.config_dir }
    }))
}

/// Shows a file in the file manager.
pub(crate) fn reveal(path: Option<PathBuf>) -> Result<(), CommandError> {
    let shown = path.and_then(|path| {
        tauri_plugin_opener::reveal_item_in_dir(path)
            .inspect_err(|error| warn!(kind = "not_shown", "no file manager could be opened: {error}"))
            .ok()
    });
    shown.ok_or_else(|| {
        let hint = "open the folder of the file yourself; its name stands beside it";
        CommandError::new("no_file_manager", "no file manager could be opened", Some(hint))
    })
}

#[cfg(test)]
mod tests {
    use latchkey_engine::config::Config;

    use super::*;

    #[test]
    fn what_is_wrong_in_the_configuration_is_told_place_by_place_and_without_its_values() {
        let text = "[accounts.work]\nprovider = \"SeCrEt\"\n";
        let error = Config::parse(text, Some("/home/ada/config.toml".as_ref())).unwrap_err();
        let trouble = Trouble::from(&NotPrepared::Config(error));
        assert_eq!(
            (trouble.about, trouble.file.as_deref()),
            (About::Configuration, Some("/home/ada/config.toml"))
        );
        let [problem] = trouble.problems.as_slice() else { panic!("{trouble:?}") };
        assert_eq!((problem.line, problem.key.as_str()), (Some(2), "accounts.work.provider"));
        assert!(!format!("{trouble:?}").contains("SeCrEt") && trouble.hint.is_some());
        let german = trouble.in_tongue(Tongue::De);
        assert_eq!(german.problems[0].what, "diesen Anbieter gibt es nicht");
        assert!(german.hint.is_some_and(|hint| hint.starts_with("berichtigen Sie die Datei")));
    }
}
