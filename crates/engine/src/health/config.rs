//! Whether the configuration can be read and says something sensible.

use latchkey_core::text::foreign;

use super::{Finding, Grade, Sentence, Topic};
use crate::config::{Config, ConfigError, Problem};
use crate::consumers::decisions_are_unreadable;
use crate::paths::Paths;

pub(super) fn examine(paths: &Paths) -> (Config, Vec<Finding>) {
    let (config, mut findings) = read(paths);
    findings.extend(logs_of_nobody(&config));
    findings.extend(decisions(paths));
    (config, findings)
}

/// Levels of the log for accounts that are not there: misspelt, or removed since.
fn logs_of_nobody(config: &Config) -> Vec<Finding> {
    let there = |name: &String| config.accounts.iter().any(|account| account.name.as_str() == name);
    let named = config.sinks.iter().flat_map(|sink| sink.accounts.keys().map(move |name| (sink, name)));
    let told = named.filter(|(_, name)| !there(name)).map(|(sink, name)| {
        let (place, name) = (foreign(&sink.name), foreign(name));
        let message = format!("log.{place}.accounts names `{name}`, and there is no such account");
        Finding::new(Topic::Config, "log_of_no_account", Grade::Warning, message)
            .hint("correct the name, or take it out; `latchkey accounts list` shows those there are")
            .says(Sentence::LogOfNoAccount, [("place", place), ("name", name)])
    });
    told.collect()
}

/// What was decided about programs for good.
fn decisions(paths: &Paths) -> Option<Finding> {
    let file = paths.consents_file();
    let message = format!(
        "What was decided about programs cannot be read in {}: those that were refused are refused no longer",
        file.display()
    );
    let finding = || {
        Finding::new(Topic::Config, "decisions_unreadable", Grade::Warning, message)
            .hint("put the file back from a copy, or remove it and decide anew with `latchkey consumers`")
            .says(Sentence::DecisionsUnreadable, [("file", file.display().to_string())])
    };
    decisions_are_unreadable(&file).then(finding)
}

fn read(paths: &Paths) -> (Config, Vec<Finding>) {
    let finding = |code, grade, message: String| Finding::new(Topic::Config, code, grade, message);
    let file = paths.config_file();
    match Config::load(paths) {
        Ok(config) if config.accounts.is_empty() => {
            let finding = finding("no_account", Grade::Ok, "No account is configured yet".to_owned())
                .hint("add one with `latchkey accounts add`")
                .says(Sentence::NoAccount, []);
            (config, vec![finding])
        }
        Ok(config) => {
            let count = config.accounts.len();
            let accounts = if count == 1 { "account" } else { "accounts" };
            let message = format!("{count} {accounts} in {}", file.display());
            let values = [("count", count.to_string()), ("file", file.display().to_string())];
            (config, vec![finding("config_read", Grade::Ok, message).says(Sentence::ConfigRead, values)])
        }
        // Each of its lines says where, what and what to do.
        Err(error) => {
            let told = error.to_string();
            let findings = told.lines().enumerate().map(|(place, line)| {
                let unusable = finding("config_unusable", Grade::Problem, line.to_owned());
                match &error {
                    ConfigError::Invalid { problems, .. } => match problems.get(place) {
                        Some(problem) => of_problem(unusable, line, problem),
                        None => unusable,
                    },
                    ConfigError::Unfit { path, what, remedy } => {
                        of_file(unusable, path.display().to_string(), what, remedy)
                    }
                    ConfigError::Io { .. }
                    | ConfigError::AccountExists { .. }
                    | ConfigError::NoSuchAccount { .. }
                    | ConfigError::NotEditable { .. } => unusable,
                }
            });
            (Config::default(), findings.collect())
        }
    }
}

/// A line says where, what and what to do.
fn of_problem(finding: Finding, line: &str, Problem { what, remedy, .. }: &Problem) -> Finding {
    let at = line.strip_suffix(&format!(": {what}; {remedy}")).unwrap_or(line).to_owned();
    of_file(finding, at, what, remedy)
}

fn of_file(finding: Finding, at: String, what: &str, remedy: &str) -> Finding {
    let values = [("at", at), ("what", what.to_owned()), ("remedy", remedy.to_owned())];
    finding.says(Sentence::ConfigUnusable, values)
}
