//! Whether the configuration can be read and says something sensible.

use super::{Finding, Grade, Topic};
use crate::config::Config;
use crate::paths::Paths;

pub(super) fn examine(paths: &Paths) -> (Config, Vec<Finding>) {
    let finding = |code, grade, message: String| Finding::new(Topic::Config, code, grade, message);
    let file = paths.config_file();
    match Config::load(paths) {
        Ok(config) if config.accounts.is_empty() => {
            let finding = finding("no_account", Grade::Ok, "No account is configured yet".to_owned())
                .hint("add one with `latchkey accounts add`");
            (config, vec![finding])
        }
        Ok(config) => {
            let count = config.accounts.len();
            let accounts = if count == 1 { "account" } else { "accounts" };
            let message = format!("{count} {accounts} in {}", file.display());
            (config, vec![finding("config_read", Grade::Ok, message)])
        }
        // Each of its lines says where, what and what to do.
        Err(error) => {
            let told = error.to_string();
            let findings =
                told.lines().map(|line| finding("config_unusable", Grade::Problem, line.to_owned()));
            (Config::default(), findings.collect())
        }
    }
}
