//! What the person decided about programs: for now in memory, for good in a file.
//!
//! The file holds paths, digests and verdicts, nothing secret. It is the user's alone, and who can write to it is
//! the user, who may decide.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::time::Stamp;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::{FOR_NOW, FileMark, IDLE};

/// How many rules there are at most. Somebody would have decided each by hand.
const MOST: usize = 1000;

/// One decision: a program, as it was then, and an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) account: String,
    pub(super) path: PathBuf,
    /// What the file was; whoever is refused stays refused whatever the file becomes.
    pub(super) sha256: Option<Digest>,
    pub(super) verdict: Verdict,
    /// Since when, and used when last, on the boot-time clock. Only of what is allowed for now.
    #[serde(skip)]
    pub(super) for_now: Option<ForNow>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Allowed,
    Paused,
    Denied,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ForNow {
    since: SignedDuration,
    used: SignedDuration,
}

impl ForNow {
    pub(super) fn begin(now: Stamp) -> Self {
        Self { since: now.boot, used: now.boot }
    }

    /// How long it still holds.
    pub(super) fn left(self, now: Stamp) -> SignedDuration {
        let idle = self.used.saturating_add(IDLE);
        self.since.saturating_add(FOR_NOW).min(idle).saturating_sub(now.boot)
    }
}

fn read(file: &Path) -> Result<Vec<Rule>, serde_json::Error> {
    serde_json::from_slice(&std::fs::read(file).map_err(serde_json::Error::io)?)
}

/// Whether there is such a file, and its decisions cannot be read.
pub(super) fn are_unreadable(file: &Path) -> bool {
    file.exists() && read(file).is_err()
}

/// All decisions.
#[derive(Default)]
pub(super) struct Rules {
    all: Vec<Rule>,
    file: Option<PathBuf>,
    /// The file as it was read or written last: another process may decide as well.
    known: Option<FileMark>,
}

impl Rules {
    pub(super) fn load(file: Option<PathBuf>) -> Self {
        let mut rules = Self { file, ..Self::default() };
        rules.follow();
        rules
    }

    /// Takes in what another process decided since. It is newer than what is known here of the same program.
    pub(super) fn follow(&mut self) {
        let Some(file) = &self.file else { return };
        let found = mark(file);
        if found.is_none() || found == self.known {
            return;
        }
        self.known = found;
        match read(file) {
            Ok(mut all) => {
                let for_now = std::mem::take(&mut self.all).into_iter().filter(|rule| rule.for_now.is_some());
                let decided = |rule: &Rule| {
                    all.iter().any(|other| other.account == rule.account && other.path == rule.path)
                };
                let left: Vec<_> = for_now.filter(|rule| !decided(rule)).collect();
                all.extend(left);
                self.all = all;
            }
            // Nobody is let in by a file that cannot be read; everyone is asked about again.
            Err(error) => tracing::warn!(
                kind = "consents_unreadable",
                "The decisions about programs cannot be read: {error}"
            ),
        }
    }

    /// The rule about a program of this path: one that refuses whatever the file is, or one that allows this file.
    pub(super) fn find(
        &self,
        account: &AccountName,
        path: &std::path::Path,
        file: Option<&Digest>,
    ) -> Option<&Rule> {
        let mut about = self.all.iter().filter(|rule| rule.account == account.as_str() && rule.path == path);
        about.find(|rule| match rule.verdict {
            Verdict::Denied | Verdict::Paused => true,
            Verdict::Allowed => rule.sha256.as_ref().is_some_and(|known| Some(known) == file),
        })
    }

    /// The rules about an account.
    pub(super) fn of<'a>(&'a self, account: &'a AccountName) -> impl Iterator<Item = &'a Rule> {
        self.all.iter().filter(move |rule| rule.account == account.as_str())
    }

    /// Forgets what was allowed for now and has run out.
    pub(super) fn forget_spent(&mut self, now: Stamp) {
        self.all.retain(|rule| rule.for_now.is_none_or(|for_now| for_now.left(now) > SignedDuration::ZERO));
    }

    /// Whether any program is allowed for now.
    pub(super) fn any_for_now(&self) -> bool {
        self.all.iter().any(|rule| rule.for_now.is_some())
    }

    /// Forgets all that was allowed for now; gives the accounts it was about.
    pub(super) fn forget_for_now(&mut self) -> Vec<AccountName> {
        let (ended, lasting) =
            std::mem::take(&mut self.all).into_iter().partition(|rule| rule.for_now.is_some());
        self.all = lasting;
        let ended: Vec<Rule> = ended;
        ended.iter().filter_map(|rule| AccountName::new(&rule.account).ok()).collect()
    }

    /// Notes that a program which is allowed for now asked again.
    pub(super) fn touch(&mut self, account: &AccountName, path: &std::path::Path, now: Stamp) {
        let ours = |rule: &Rule| rule.account == account.as_str() && rule.path == path;
        for rule in self.all.iter_mut().filter(|rule| ours(rule)) {
            if let Some(for_now) = &mut rule.for_now {
                for_now.used = now.boot;
            }
        }
    }

    /// Puts a rule in the place of those about the same program and account.
    pub(super) fn put(&mut self, rule: Rule) {
        self.follow();
        self.remove(&rule.account, &rule.path);
        self.all.push(rule);
        self.all.drain(..self.all.len().saturating_sub(MOST));
        self.save();
    }

    /// Forgets what was decided about an account.
    pub(super) fn forget(&mut self, account: &AccountName) {
        self.follow();
        let before = self.all.len();
        self.all.retain(|rule| rule.account != account.as_str());
        if self.all.len() != before {
            self.save();
        }
    }

    fn remove(&mut self, account: &str, path: &Path) {
        self.all.retain(|rule| rule.account != account || rule.path != path);
    }

    /// Writes what holds for good. A file that cannot be written makes a decision hold until the process ends.
    fn save(&mut self) {
        let Some(file) = &self.file else { return };
        let lasting: Vec<_> = self.all.iter().filter(|rule| rule.for_now.is_none()).collect();
        let write = || {
            let folder = file.parent().unwrap_or(std::path::Path::new("."));
            let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
            temporary.write_all(&serde_json::to_vec_pretty(&lasting)?)?;
            temporary.persist(file)?;
            Ok::<_, std::io::Error>(mark(file))
        };
        match write() {
            Ok(written) => self.known = written,
            Err(error) => tracing::warn!(
                kind = "consents_not_saved",
                "A decision about a program holds only until Latchkey ends: {} cannot be written: {error}",
                file.display()
            ),
        }
    }
}

fn mark(file: &Path) -> Option<FileMark> {
    std::fs::metadata(file).ok().map(|found| FileMark::of(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_decisions_are_kept_and_the_oldest_is_forgotten_first() {
        let mut rules = Rules::default();
        for number in 0..1_001 {
            let path = PathBuf::from(format!("/usr/bin/{number}"));
            let account = "demo".to_owned();
            rules.put(Rule { account, path, sha256: None, verdict: Verdict::Denied, for_now: None });
        }
        assert_eq!(rules.all.len(), 1_000);
        assert_eq!(rules.all[0].path, PathBuf::from("/usr/bin/1"));
    }

    #[test]
    fn what_was_decided_about_an_account_that_is_forgotten_is_gone_for_good_and_nothing_else_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("consents.json");
        let mut here = Rules::load(Some(file.clone()));
        for account in ["demo", "work"] {
            let (account, path) = (account.to_owned(), PathBuf::from("/bin/a"));
            here.put(Rule { account, path, sha256: None, verdict: Verdict::Denied, for_now: None });
        }
        here.forget(&AccountName::new("demo").unwrap());
        let left = Rules::load(Some(file.clone())).all;
        assert_eq!(left.iter().map(|rule| rule.account.as_str()).collect::<Vec<_>>(), ["work"]);
        std::fs::remove_file(&file).unwrap();
        here.forget(&AccountName::new("demo").unwrap());
        assert!(!file.exists(), "there was nothing to forget");
    }

    #[test]
    fn what_is_allowed_for_now_lasts_until_another_process_decides_about_that_very_program_and_account() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("consents.json");
        let rule = |account: &str, path: &str, verdict, for_now| {
            let (account, path) = (account.to_owned(), PathBuf::from(path));
            Rule { account, path, sha256: None, verdict, for_now }
        };
        let now = Stamp { wall: jiff::Timestamp::UNIX_EPOCH, boot: SignedDuration::ZERO };
        let mut here = Rules::load(Some(file.clone()));
        here.put(rule("demo", "/bin/a", Verdict::Allowed, Some(ForNow::begin(now))));
        let mut elsewhere = Rules::load(Some(file));
        let mut decides = |account, path, lasts| {
            elsewhere.put(rule(account, path, Verdict::Denied, None));
            here.follow();
            assert_eq!(here.any_for_now(), lasts, "{account} {path}");
        };
        decides("demo", "/bin/b", true);
        decides("work", "/bin/a", true);
        decides("demo", "/bin/a", false);
        assert_eq!(here.all.len(), 3);
    }
}
