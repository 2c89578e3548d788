//! What can be wrong with a configuration, in words a person can act on.
//!
//! **Invariant:** no text in here holds anything of the file but keys.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use latchkey_core::account::AccountName;
use latchkey_core::text::foreign;

/// Why a configuration cannot be used or changed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// What it says is wrong: at least one problem, in the order of the file.
    #[error("{}", Lines { file: file.as_deref(), problems })]
    Invalid {
        /// The file; none for an account that was put together elsewhere.
        file: Option<PathBuf>,
        /// What is wrong.
        problems: Vec<Problem>,
    },
    /// The file is not one to read, whatever it says.
    #[error("{}: {what}; {remedy}", path.display())]
    Unfit {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The system does not let it be read or written.
    #[error("{} cannot be {doing}: {source}; see that you can read and write it and its folder", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried ("read", "written").
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// An account of this name is there already.
    #[error("{}: there is an account `{account}` already; choose another name, or remove that one first", file.display())]
    AccountExists {
        /// The file.
        file: PathBuf,
        /// The account.
        account: AccountName,
    },
    /// There is no account of this name.
    #[error("{}: there is no account `{account}`; {}", file.display(), known_accounts(known))]
    NoSuchAccount {
        /// The file.
        file: PathBuf,
        /// The account.
        account: AccountName,
        /// Those that are there.
        known: Vec<String>,
    },
    /// The file is written in a way that cannot be changed without rewriting it.
    #[error("{}: the account `{account}` cannot be {doing} without rewriting the file; edit it by hand", file.display())]
    NotEditable {
        /// The file.
        file: PathBuf,
        /// The account.
        account: AccountName,
        /// What was tried ("added", "removed").
        doing: &'static str,
    },
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: line and column, counted from one, in characters.
    pub place: Option<(usize, usize)>,
    /// Which key, with its tables (`accounts.work.login_url`); empty where no key can be told.
    pub key: String,
    /// What is wrong with it.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

struct Lines<'a> {
    file: Option<&'a Path>,
    problems: &'a [Problem],
}

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, problem) in self.problems.iter().enumerate() {
            if count > 0 {
                writeln!(f)?;
            }
            if let Some(file) = self.file {
                write!(f, "{}:", file.display())?;
                if let Some((line, column)) = problem.place {
                    write!(f, "{line}:{column}:")?;
                }
                write!(f, " ")?;
            }
            if !problem.key.is_empty() {
                write!(f, "{}: ", problem.key)?;
            }
            write!(f, "{}; {}", problem.what, problem.remedy)?;
        }
        Ok(())
    }
}

/// What is wrong with one value: said without the value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) what: String,
    pub(super) remedy: String,
}

impl Flaw {
    pub(super) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

/// The problems of a text, while it is being read.
pub(super) struct Problems<'a> {
    text: &'a str,
    file: Option<&'a Path>,
    found: Vec<(usize, Problem)>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(text: &'a str, file: Option<&'a Path>) -> Self {
        Self { text, file, found: Vec::new() }
    }

    pub(super) fn push(&mut self, at: &Range<usize>, key: String, flaw: Flaw) {
        let place = self.file.map(|_| place(self.text, at.start));
        self.found.push((at.start, Problem { place, key, what: flaw.what, remedy: flaw.remedy }));
    }

    /// What a TOML parser complains about, and where.
    pub(super) fn push_syntax(&mut self, at: Option<Range<usize>>, message: &str) {
        let at = at.unwrap_or(0..0);
        let key = key_of_line(self.text, at.start);
        let flaw = if message.contains("duplicate key") {
            Flaw::new("stands here for a second time", "remove one of the two, or give it another name")
        } else {
            let what = format!("this is no TOML: {}", without_quotes(message));
            Flaw::new(what, "a line reads `key = \"text\"`, `key = 1`, `key = true` or `[table]`")
        };
        self.push(&at, key, flaw);
    }

    pub(super) fn into_result<T>(mut self, good: T) -> Result<T, ConfigError> {
        if self.found.is_empty() {
            return Ok(good);
        }
        self.found.sort_by_key(|(at, _)| *at);
        let problems = self.found.into_iter().map(|(_, problem)| problem).collect();
        Err(ConfigError::Invalid { file: self.file.map(Path::to_path_buf), problems })
    }
}

/// Line and column of a byte, counted from one, in characters.
pub(super) fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// A name from the file, fit to be shown: quoted where it is no plain key.
pub(super) fn shown(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let harmless = foreign(key);
    if key.is_empty() || !key.chars().all(plain) { format!("\"{harmless}\"") } else { harmless }
}

/// The key a broken line starts with, where it can be told from a value.
fn key_of_line(text: &str, byte: usize) -> String {
    let start = text.get(..byte).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let head = match line.trim_start().strip_prefix('[') {
        Some(header) => header.trim_start_matches('[').split(']').next(),
        None => line.split_once('=').map(|(head, _)| head),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    head.map(str::trim).filter(|key| key.chars().all(plain)).map(foreign).unwrap_or_default()
}

/// The parser's words without what it quotes of the file.
fn without_quotes(message: &str) -> String {
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    foreign(&lines.join(", "))
}

fn known_accounts(known: &[String]) -> String {
    if known.is_empty() {
        return "none is configured: add one with `latchkey accounts add`".to_owned();
    }
    let names: Vec<_> = known.iter().map(|name| shown(name)).collect();
    format!("there are: {}", names.join(", "))
}
