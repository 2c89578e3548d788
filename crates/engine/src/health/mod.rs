//! What is well on this machine, what is not, and what to do about it.
//!
//! Looks and tells; the only things it changes are a probe in the vault, one in each folder and one lock, all of which
//! it takes away again. Invariant: a finding holds no secret; it names folders, addresses and generations.

mod account;
mod clock;
mod config;
mod folders;
mod sentence;
mod vault;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use latchkey_core::account::AccountName;
use latchkey_core::wording::Values;
use serde::Serialize;
use tokio::task::JoinSet;

pub use sentence::Sentence;

use crate::config::Config;
use crate::http::Http;
use crate::paths::Paths;
use crate::ports::{Clock, Vault};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// It works, and something about it is better known.
    Warning,
    /// It does not work.
    Problem,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Where tokens are kept.
    Vault,
    /// The accounts, as the person wrote them.
    Config,
    /// The folders Latchkey works in, and the locks in them.
    Folders,
    /// The clock of this machine.
    Clock,
    /// Whoever renews ahead of time and answers programs.
    Agent,
    /// One account: its provider and what is stored for it.
    Account,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Finding {
    /// What it is about.
    pub topic: Topic,
    /// Which account, where it is about one.
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub account: Option<AccountName>,
    /// Stable name for programs.
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub code: &'static str,
    /// How bad it is.
    pub grade: Grade,
    /// What was found, in a sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Which sentence that is, for whoever words it anew.
    pub sentence: Sentence,
    /// The values in it by name.
    #[cfg_attr(feature = "bindings", specta(type = std::collections::BTreeMap<String, String>))]
    pub values: Values,
}

/// Everything that was looked at, topic by topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Report {
    /// Whether there is no problem; warnings may be there.
    pub healthy: bool,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// What is looked at.
pub struct Subject {
    /// Where files are.
    pub paths: Paths,
    /// The vault that was chosen, or why it could not be opened.
    pub vault: Result<Arc<dyn Vault>, NotOpened>,
    /// Whether tokens in that vault are gone when Latchkey ends.
    pub forgetful: bool,
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
    /// How long a provider may take to answer, and so may its name: [`PATIENCE`] unless in a test.
    pub patience: Duration,
}

/// Why there is no vault to look at.
pub struct NotOpened {
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How long people wait for an examination without wondering.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at everything. Takes at most some seconds, however slow a keychain or a provider is.
pub async fn examine(subject: Subject) -> Report {
    let Subject { paths, vault, forgetful, clock, patience } = subject;
    let vault_works = vault::examine(vault.as_ref(), forgetful, &*clock).await;
    let usable = vault.ok().filter(|_| vault_works.grade != Grade::Problem);
    let (config, mut findings) = config::examine(&paths);
    findings.push(vault_works);
    findings.extend(folders::examine(&paths));
    findings.push(clock::examine(&paths, clock.now().wall));
    match Http::new() {
        Ok(http) => findings.extend(accounts(config, usable, clock, http, patience).await),
        Err(error) => {
            findings.push(Finding::new(Topic::Config, "http_unusable", Grade::Problem, error.to_string()));
        }
    }
    Report::of(findings)
}

/// All accounts at once, since each may have to wait for its provider.
async fn accounts(
    config: Config,
    vault: Option<Arc<dyn Vault>>,
    clock: Arc<dyn Clock>,
    http: Http,
    patience: Duration,
) -> Vec<Finding> {
    let mut looking = JoinSet::new();
    for (place, account) in config.accounts.into_iter().enumerate() {
        let (vault, clock, http) = (vault.clone(), clock.clone(), http.clone());
        looking
            .spawn(async move { (place, account::examine(&account, vault, &*clock, &http, patience).await) });
    }
    let mut found = looking.join_all().await;
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().flat_map(|(_, findings)| findings).collect()
}

impl Report {
    fn of(mut findings: Vec<Finding>) -> Self {
        // Accounts stay in the order of the configuration.
        findings.sort_by_key(|finding| finding.topic);
        Self { healthy: findings.iter().all(|finding| finding.grade != Grade::Problem), findings }
    }

    /// With what somebody else found.
    #[must_use]
    pub fn and(self, finding: Option<Finding>) -> Self {
        Self::of(self.findings.into_iter().chain(finding).collect())
    }

    /// How many findings are of this grade.
    pub fn count(&self, grade: Grade) -> usize {
        self.findings.iter().filter(|finding| finding.grade == grade).count()
    }
}

impl Finding {
    /// What was found, in words that stay English; `code` is its stable name for programs.
    pub fn new(topic: Topic, code: &'static str, grade: Grade, message: impl Into<String>) -> Self {
        let (message, sentence, values) = (message.into(), Sentence::AsSaid, Values::default());
        Self { topic, account: None, code, grade, message, hint: None, sentence, values }
    }

    /// The same for whoever does not speak English.
    #[must_use]
    fn says(mut self, sentence: Sentence, values: impl Into<Values>) -> Self {
        self.sentence = sentence;
        self.values = values.into();
        self
    }

    /// With one value more.
    #[must_use]
    fn also(mut self, name: &'static str, value: String) -> Self {
        self.values.insert(name, value);
        self
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
