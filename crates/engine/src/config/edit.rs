//! Adding and removing accounts without touching what else the file says: comments and order stay.

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use std::path::{Path, PathBuf};
use toml_edit::visit_mut::{VisitMut, visit_table_mut};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, value};

use super::account::AccountConfig;
use super::hosts::Hosts;
use super::problem::{ConfigError, Problems};
use super::{AccountToml, Config, file};
use crate::paths::{Paths, create_private_dir, private_file};

/// Adds an account at the end of the file, which is made where there is none.
///
/// The account is checked before the file is touched; a name that is there already is refused.
pub fn add_account(
    paths: &Paths,
    name: &AccountName,
    account: &AccountToml,
) -> Result<AccountConfig, ConfigError> {
    add_table(paths, name, account.table())
}

/// Adds an account as it is to stand in the file.
pub(super) fn add_table(
    paths: &Paths,
    name: &AccountName,
    table: Table,
) -> Result<AccountConfig, ConfigError> {
    let checked = check_table(name, table.clone())?;
    let _lock = lock(paths)?;
    let (path, mut document) = read(paths)?;
    let same = |other: &String| other.eq_ignore_ascii_case(name.as_str());
    if let Some(other) = names(&document).into_iter().find(same) {
        // Which of the two ways to write it stands there.
        let account = AccountName::new(other).unwrap_or_else(|_| name.clone());
        return Err(ConfigError::AccountExists { file: path, account });
    }
    let refused = || ConfigError::NotEditable { file: path.clone(), account: name.clone(), doing: "added" };
    insert(&mut document, name, table).ok_or_else(refused)?;
    let edited = document.to_string();
    // Whatever way the file is written in: what is not read back as it was meant is not written.
    let alone = only(&edited, name).ok_or_else(refused)?;
    if alone != checked {
        return Err(refused());
    }
    file::write(&path, &edited)?;
    Ok(checked)
}

/// Removes an account with the comment right above it. The rest of the file need not be right for that.
pub fn remove_account(paths: &Paths, name: &AccountName) -> Result<(), ConfigError> {
    let _lock = lock(paths)?;
    let (path, mut document) = read(paths)?;
    let known = names(&document);
    let unknown = || ConfigError::NoSuchAccount { file: path.clone(), account: name.clone(), known };
    let accounts = document.get_mut("accounts").and_then(Item::as_table_like_mut);
    let removed = accounts.and_then(|accounts| accounts.remove(name.as_str())).ok_or_else(unknown)?;
    if let Item::Table(table) = &removed {
        keep_what_is_not_its_own(&mut document, table);
    }
    let edited = document.to_string();
    let gone = |left: DocumentMut| names(&left).iter().all(|left| left != name.as_str());
    if !parse(&edited, &path).is_ok_and(gone) {
        return Err(ConfigError::NotEditable { file: path, account: name.clone(), doing: "removed" });
    }
    file::write(&path, &edited)
}

/// Sets which hosts an account's tokens are for, and which user name those want; nothing else of it changes.
pub fn set_hosts(paths: &Paths, name: &AccountName, hosts: &Hosts) -> Result<(), ConfigError> {
    let places: Array = hosts.places.iter().map(ToString::to_string).collect();
    let values = [
        ("hosts", (!places.is_empty()).then(|| value(places))),
        ("host_user", hosts.user.as_ref().map(value)),
    ];
    change(paths, name, values, |account| account.hosts == *hosts)
}

/// Notes how long the account's provider takes a refresh token that it has replaced, in whole seconds.
///
/// # Errors
/// [`ConfigError`]: no such account, or a file that cannot be edited.
pub fn set_grace_window(paths: &Paths, name: &AccountName, secs: u32) -> Result<(), ConfigError> {
    let window = SignedDuration::from_secs(secs.into());
    let values = [("grace_window", Some(value(format!("{secs}s"))))];
    change(paths, name, values, |account| account.policy.grace_window == Some(window))
}

/// Sets or takes out some keys of an account; afterwards it must say what was meant.
fn change<const COUNT: usize>(
    paths: &Paths,
    name: &AccountName,
    values: [(&str, Option<Item>); COUNT],
    is_meant: impl Fn(&AccountConfig) -> bool,
) -> Result<(), ConfigError> {
    let _lock = lock(paths)?;
    let (path, mut document) = read(paths)?;
    let known = names(&document);
    let unknown = || ConfigError::NoSuchAccount { file: path.clone(), account: name.clone(), known };
    let refused = || ConfigError::NotEditable { file: path.clone(), account: name.clone(), doing: "changed" };
    let accounts = document.get_mut("accounts").and_then(Item::as_table_like_mut);
    let account = accounts.and_then(|accounts| accounts.get_mut(name.as_str())).ok_or_else(unknown)?;
    let account = account.as_table_like_mut().ok_or_else(refused)?;
    for (key, set) in values {
        match set {
            Some(set) => drop(account.insert(key, set)),
            None => drop(account.remove(key)),
        }
    }
    let edited = document.to_string();
    // Whatever is wrong with it otherwise, this is what it must say afterwards.
    if !only(&edited, name).is_some_and(|account| is_meant(&account)) {
        return Err(refused());
    }
    file::write(&path, &edited)
}

/// What a file with nothing but this account says, or what is wrong with it. Complaints give keys, no lines.
pub(super) fn check_table(name: &AccountName, table: Table) -> Result<AccountConfig, ConfigError> {
    let mut document = DocumentMut::new();
    let mut accounts = Table::new();
    accounts.set_implicit(true);
    accounts.insert(name.as_str(), Item::Table(table));
    document.insert("accounts", Item::Table(accounts));
    let config = Config::parse(&document.to_string(), None)?;
    // A text that reads without a complaint holds the one account that was put into it.
    config.accounts.into_iter().next().ok_or(ConfigError::Invalid { file: None, problems: Vec::new() })
}

/// One at a time: two processes that read, change and write would lose an account.
pub(super) fn lock(paths: &Paths) -> Result<std::fs::File, ConfigError> {
    // No account's name begins like that, and each account has a lock of its name here.
    let path = paths.locks_dir().join(".config.lock");
    let take = || {
        create_private_dir(&paths.locks_dir())?;
        create_private_dir(&paths.config_dir)?;
        let file = private_file().append(true).open(&path)?;
        file.lock()?;
        Ok(file)
    };
    take().map_err(|source| file::failed(&path, "locked", source))
}

/// What stands in the file, to be edited; and which file that is.
pub(super) fn read(paths: &Paths) -> Result<(PathBuf, DocumentMut), ConfigError> {
    let path = paths.config_file();
    let document = parse(&file::read(&path)?.unwrap_or_default(), &path)?;
    Ok((path, document))
}

fn parse(text: &str, path: &Path) -> Result<DocumentMut, ConfigError> {
    text.parse().or_else(|error: toml_edit::TomlError| {
        let mut problems = Problems::new(text, Some(path));
        // What the reader makes of the text does not count: it takes some that cannot be edited, such as `1e400`, and
        // whoever went on with an empty document would write that over the file.
        problems.push_syntax(error.span(), error.message());
        problems.into_result(DocumentMut::new())
    })
}

pub(super) fn names(document: &DocumentMut) -> Vec<String> {
    let accounts = document.get("accounts").and_then(Item::as_table_like);
    accounts.map(|table| table.iter().map(|(name, _)| name.to_owned()).collect()).unwrap_or_default()
}

/// The account as the edited text has it, whatever is wrong with the others.
pub(super) fn only(text: &str, name: &AccountName) -> Option<AccountConfig> {
    let mut document: DocumentMut = text.parse().ok()?;
    let accounts = document.get_mut("accounts")?.as_table_like_mut()?;
    let others: Vec<_> =
        accounts.iter().map(|(key, _)| key.to_owned()).filter(|key| key != name.as_str()).collect();
    for other in others {
        accounts.remove(&other);
    }
    let rest: Vec<_> =
        document.iter().map(|(key, _)| key.to_owned()).filter(|key| key != "accounts").collect();
    for key in rest {
        document.remove(&key);
    }
    Config::parse(&document.to_string(), None).ok()?.accounts.into_iter().next()
}

fn insert(document: &mut DocumentMut, name: &AccountName, mut table: Table) -> Option<()> {
    // Comments after the last table belong above the new one, as if it had been written at the end by hand.
    let mut above = document.trailing().as_str().unwrap_or_default().to_owned();
    if !above.is_empty() && !above.ends_with('\n') {
        above.push('\n');
    }
    if !document.is_empty() || !above.is_empty() {
        above.push('\n');
    }
    let accounts = document.entry("accounts").or_insert_with(|| {
        let mut accounts = Table::new();
        accounts.set_implicit(true);
        Item::Table(accounts)
    });
    match accounts {
        Item::Table(accounts) => {
            table.decor_mut().set_prefix(above);
            accounts.insert(name.as_str(), Item::Table(table));
            document.set_trailing("");
        }
        other @ (Item::Value(_) | Item::None | Item::ArrayOfTables(_)) => {
            let accounts: &mut dyn TableLike = other.as_table_like_mut()?;
            accounts.insert(name.as_str(), Item::Value(table.into_inline_table().into()));
        }
    }
    Some(())
}

/// The comment right above a table goes with it. What an empty line parts from that, such as the head of the
/// file, moves to what follows.
fn keep_what_is_not_its_own(document: &mut DocumentMut, removed: &Table) {
    let prefix = removed.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
    let Some((kept, _)) = prefix.rsplit_once("\n\n") else { return };
    if kept.trim().is_empty() {
        return;
    }
    let mut next = Next { after: last_position(removed), found: None };
    next.visit_document_mut(document);
    let Some(position) = next.found else {
        let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing(format!("{kept}\n{trailing}"));
        return;
    };
    Above { position, kept }.visit_document_mut(document);
}

fn last_position(table: &Table) -> isize {
    let inner = table.iter().filter_map(|(_, item)| item.as_table()).map(last_position).max();
    table.position().unwrap_or_default().max(inner.unwrap_or_default())
}

/// Finds the first table after a position.
struct Next {
    after: isize,
    found: Option<isize>,
}

impl VisitMut for Next {
    fn visit_table_mut(&mut self, table: &mut Table) {
        if let Some(here) = table.position().filter(|here| *here > self.after && !table.is_implicit()) {
            self.found = Some(self.found.map_or(here, |found| found.min(here)));
        }
        visit_table_mut(self, table);
    }
}

/// Puts a comment above the table at a position.
struct Above<'a> {
    position: isize,
    kept: &'a str,
}

impl VisitMut for Above<'_> {
    fn visit_table_mut(&mut self, table: &mut Table) {
        if table.position() == Some(self.position) && !table.is_implicit() {
            let own = table.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
            let gap = if own.starts_with('\n') { "\n" } else { "\n\n" };
            let prefix = format!("{}{gap}{own}", self.kept);
            table.decor_mut().set_prefix(prefix);
        }
        visit_table_mut(self, table);
    }
}
