//! Changing single keys of the file: of an account, and of the app. Comments, order and everything else stay.
//!
//! Keys are called as the documentation calls them, those of a table below the account with a dot
//! (`map.access_token`), so that a form needs to know no more of a provider than its keys.

use std::collections::BTreeMap;

use latchkey_core::account::AccountName;
use serde::{Deserialize, Serialize};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use super::account::AccountConfig;
use super::edit::{add_table, check_table, lock, names, only, read};
use super::problem::ConfigError;
use super::{AppConfig, Config, file};
use crate::paths::Paths;

/// Keys whose values leave the file for nobody but the server they are meant for.
const SECRET_KEYS: [&str; 2] = ["client_secret", "secret"];

/// What a secret key is shown as: that it is set.
const SET: KeyValue = KeyValue::Flag(true);

/// The value of one key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(untagged)]
pub enum KeyValue {
    /// Yes or no.
    Flag(bool),
    /// A port.
    Number(u16),
    /// Statuses.
    Numbers(Vec<u16>),
    /// Hosts.
    Texts(Vec<String>),
    /// Everything else.
    Text(String),
}

/// The keys of an account as they stand in the file. A secret is not among them: only that it is set.
pub type Keys = BTreeMap<String, KeyValue>;

/// Keys with their new values; without one a key is removed.
pub type Changes = BTreeMap<String, Option<KeyValue>>;

/// The keys of an account.
pub fn account_keys(paths: &Paths, name: &AccountName) -> Result<Keys, ConfigError> {
    let (path, document) = read(paths)?;
    let found = table_of(&document, name);
    let table = found.ok_or_else(|| ConfigError::NoSuchAccount {
        file: path,
        account: name.clone(),
        known: names(&document),
    })?;
    let mut keys = Keys::new();
    for (key, item) in table.iter() {
        match item.as_table_like() {
            Some(inner) => {
                for (inner_key, value) in inner.iter().filter_map(|(key, item)| Some((key, item.as_value()?)))
                {
                    keys.extend(shown(value).map(|value| (format!("{key}.{inner_key}"), value)));
                }
            }
            None if SECRET_KEYS.contains(&key) => drop(keys.insert(key.to_owned(), SET)),
            None => keys.extend(item.as_value().and_then(shown).map(|value| (key.to_owned(), value))),
        }
    }
    Ok(keys)
}

/// What an account with these keys would be. Nothing is written.
pub fn from_keys(name: &AccountName, changes: &Changes) -> Result<AccountConfig, ConfigError> {
    let mut table = Table::new();
    apply(&mut table, changes);
    check_table(name, table)
}

/// What an account would be with these changes; one that is not there yet begins empty. Nothing is written.
pub fn with_changes(
    paths: &Paths,
    name: &AccountName,
    changes: &Changes,
) -> Result<AccountConfig, ConfigError> {
    let (_, document) = read(paths)?;
    changed(&document, name, changes)
}

/// Adds an account that has these keys.
pub fn add_by_keys(
    paths: &Paths,
    name: &AccountName,
    changes: &Changes,
) -> Result<AccountConfig, ConfigError> {
    let mut table = Table::new();
    apply(&mut table, changes);
    add_table(paths, name, table)
}

/// A change of an account that is sure to fit the file and lies beside it. Until it is written or let go of, nobody else
/// writes there.
pub struct PreparedChange {
    account: AccountConfig,
    file: file::Prepared,
    _lock: std::fs::File,
}

impl PreparedChange {
    /// The account as it will be.
    pub fn account(&self) -> &AccountConfig {
        &self.account
    }

    /// Puts it into the file.
    ///
    /// # Errors
    /// [`ConfigError::Io`].
    pub fn write(self) -> Result<AccountConfig, ConfigError> {
        self.file.put().map(|()| self.account)
    }
}

/// Changes keys of an account; gives it as it is from now on.
pub fn change_account(
    paths: &Paths,
    name: &AccountName,
    changes: &Changes,
) -> Result<AccountConfig, ConfigError> {
    prepare_change(paths, name, changes)?.write()
}

/// The same but for the last step, for whoever has to do before it what cannot be undone.
///
/// # Errors
/// [`ConfigError`]: no such account, keys that mean nothing, a file that cannot be edited or written.
pub fn prepare_change(
    paths: &Paths,
    name: &AccountName,
    changes: &Changes,
) -> Result<PreparedChange, ConfigError> {
    let lock = lock(paths)?;
    let (path, mut document) = read(paths)?;
    if table_of(&document, name).is_none() {
        let known = names(&document);
        return Err(ConfigError::NoSuchAccount { file: path, account: name.clone(), known });
    }
    let account = changed(&document, name, changes)?;
    let refused = || ConfigError::NotEditable { file: path.clone(), account: name.clone(), doing: "changed" };
    let accounts = document.get_mut("accounts").and_then(Item::as_table_like_mut).ok_or_else(refused)?;
    let table = accounts.get_mut(name.as_str()).and_then(Item::as_table_like_mut).ok_or_else(refused)?;
    apply(table, changes);
    let edited = document.to_string();
    // Whatever way the file is written in: what is not read back as it was meant is not written.
    if only(&edited, name).as_ref() != Some(&account) {
        return Err(refused());
    }
    Ok(PreparedChange { account, file: file::prepare(&path, &edited)?, _lock: lock })
}

/// Sets what is wanted otherwise than it was `before`. What somebody wrote into the file meanwhile stays; gives all of it as
/// it is from now on.
///
/// # Errors
/// [`ConfigError`]: a table `[app]` that is wrong or cannot be edited.
pub fn set_app(paths: &Paths, before: &AppConfig, wanted: &AppConfig) -> Result<AppConfig, ConfigError> {
    let _lock = lock(paths)?;
    let (path, mut document) = read(paths)?;
    let (was, usual) = (app_keys(before), app_keys(&AppConfig::default()));
    let keys = app_keys(wanted).into_iter().zip(was).zip(usual);
    let changed: Vec<_> =
        keys.filter(|((key, was), _)| key != was).map(|((key, _), usual)| (key, usual)).collect();
    for ((table, key, value), (_, _, usual)) in &changed {
        set_app_key(&mut document, *table, key, value.clone(), usual.as_ref()).ok_or_else(|| {
            ConfigError::Unfit {
                path: path.clone(),
                what: "`app` in it is no table",
                remedy: "write it as `[app]`, or remove it",
            }
        })?;
    }
    let edited = document.to_string();
    let mut alone = document;
    let rest: Vec<_> = alone.iter().map(|(key, _)| key.to_owned()).filter(|key| key != "app").collect();
    for key in rest {
        alone.remove(&key);
    }
    let read = Config::parse(&alone.to_string(), None)?.app;
    let said = app_keys(&read);
    if !changed.iter().all(|(key, _)| said.contains(key)) {
        let (what, remedy) = ("`app` in it cannot be changed without rewriting it", "edit it by hand");
        return Err(ConfigError::Unfit { path, what, remedy });
    }
    file::write(&path, &edited)?;
    Ok(read)
}

/// Each key of `[app]` with the table it stands in below that.
fn app_keys(app: &AppConfig) -> Vec<(Option<&'static str>, &'static str, Option<KeyValue>)> {
    let text = |text: &str| Some(KeyValue::Text(text.to_owned()));
    let told = &app.notifications;
    let flag = |flag| Some(KeyValue::Flag(flag));
    let below = Some("notifications");
    vec![
        (None, "language", text(app.language.name())),
        (None, "dates", text(app.dates.name())),
        (None, "log_level", text(app.log_level.as_str())),
        (below, "sign_in_needed", flag(told.sign_in_needed)),
        (below, "window_forward", flag(told.window_forward)),
        (below, "sign_in_soon", flag(told.sign_in_soon)),
        (below, "not_saved", flag(told.not_saved)),
        (below, "quiet_from", told.quiet_from.map(|time| KeyValue::Text(time.to_string()))),
        (below, "quiet_to", told.quiet_to.map(|time| KeyValue::Text(time.to_string()))),
    ]
}

/// Sets one key, unless the file says the same already or says nothing where that is as usual.
fn set_app_key(
    document: &mut DocumentMut,
    table: Option<&str>,
    key: &str,
    value: Option<KeyValue>,
    usual: Option<&KeyValue>,
) -> Option<()> {
    let there = |document: &DocumentMut| {
        let app = document.get("app")?.as_table_like()?;
        let table = match table {
            Some(table) => app.get(table)?.as_table_like()?,
            None => app,
        };
        Some(table.get(key)?.as_value().and_then(shown))
    };
    match there(document) {
        Some(said) if said == value => return Some(()),
        None if value.as_ref() == usual || value.is_none() => return Some(()),
        Some(_) | None => {}
    }
    let app = document.entry("app").or_insert_with(|| Item::Table(Table::new())).as_table_like_mut()?;
    let path = table.map_or_else(|| key.to_owned(), |table| format!("{table}.{key}"));
    apply(app, &Changes::from([(path, value)]));
    Some(())
}

fn table_of<'d>(document: &'d DocumentMut, name: &AccountName) -> Option<&'d dyn TableLike> {
    document.get("accounts")?.as_table_like()?.get(name.as_str())?.as_table_like()
}

/// The account alone, as it would be.
fn changed(
    document: &DocumentMut,
    name: &AccountName,
    changes: &Changes,
) -> Result<AccountConfig, ConfigError> {
    let mut table = Table::new();
    for (key, item) in table_of(document, name).into_iter().flat_map(TableLike::iter) {
        table.insert(key, item.clone());
    }
    apply(&mut table, changes);
    check_table(name, table)
}

fn apply(table: &mut dyn TableLike, changes: &Changes) {
    for (path, value) in changes {
        match path.split_once('.') {
            None => set(table, path, value.as_ref()),
            Some((outer, key)) => {
                if table.get(outer).is_none() {
                    if value.is_none() {
                        continue;
                    }
                    table.insert(outer, Item::Table(Table::new()));
                }
                // Where something else stands, the check says so.
                let Some(inner) = table.get_mut(outer).and_then(Item::as_table_like_mut) else { continue };
                set(inner, key, value.as_ref());
                if inner.is_empty() {
                    table.remove(outer);
                }
            }
        }
    }
}

/// Sets a value and keeps the comment behind the one before it.
fn set(table: &mut dyn TableLike, key: &str, value: Option<&KeyValue>) {
    let Some(value) = value else {
        table.remove(key);
        return;
    };
    let mut value = written(value);
    match table.get_mut(key) {
        Some(Item::Value(before)) => {
            *value.decor_mut() = before.decor().clone();
            *before = value;
        }
        Some(_) | None => drop(table.insert(key, Item::Value(value))),
    }
}

fn written(value: &KeyValue) -> Value {
    match value {
        KeyValue::Flag(flag) => (*flag).into(),
        KeyValue::Number(number) => i64::from(*number).into(),
        KeyValue::Numbers(numbers) => {
            numbers.iter().map(|number| i64::from(*number)).collect::<Array>().into()
        }
        KeyValue::Texts(texts) => texts.iter().map(String::as_str).collect::<Array>().into(),
        KeyValue::Text(text) => text.as_str().into(),
    }
}

/// A value as a form shows it; none of a kind that no key has.
fn shown(value: &Value) -> Option<KeyValue> {
    let number = |number: i64| u16::try_from(number).ok();
    Some(match value {
        Value::Boolean(flag) => KeyValue::Flag(*flag.value()),
        Value::String(text) => KeyValue::Text(text.value().clone()),
        Value::Integer(one) => KeyValue::Number(number(*one.value())?),
        Value::Array(all) if all.iter().any(Value::is_str) => {
            KeyValue::Texts(all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        Value::Array(all) => {
            KeyValue::Numbers(all.iter().filter_map(Value::as_integer).filter_map(number).collect())
        }
        Value::Float(_) | Value::Datetime(_) | Value::InlineTable(_) => return None,
    })
}
