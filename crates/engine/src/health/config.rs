//! Whether the configuration can be read and says something sensible.

use super::{Finding, Grade, Sentence, Topic};
use crate::config::{Config, ConfigError, Problem};
use crate::paths::Paths;

pub(super) fn examine(paths: &Paths) -> (Config, Vec<Finding>) {
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
