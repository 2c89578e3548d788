//! Configurations of any bytes: a complaint holds nothing of the file but keys, and an edit changes what it is meant to.

use std::fs;
use std::path::Path;

use latchkey_core::account::AccountName;
use toml_edit::{DocumentMut, Item, Value};

use super::{
    AccountConfig, AccountToml, Changes, Config, KeyValue, account_keys, add_account, change_account,
    remove_account,
};
use crate::fuzzing::assert_harmless;
use crate::paths::Paths;

/// Stands for a secret in the file. No bare key can hold it.
const CANARY: &str = "S3cr3t/c4nary$";

/// What stands in `config.toml`: read, and edited as the terminal and the window do.
pub fn config(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        match Config::parse(text, Some(Path::new("config.toml"))) {
            Ok(config) => is_written_as_it_is_read(&config),
            Err(error) => holds_nothing_of(text, &error.to_string()),
        }
    }
    let root = tempfile::tempdir().unwrap();
    let folder = |name: &str| root.path().join(name);
    let paths =
        Paths { config_dir: folder("config"), state_dir: folder("state"), runtime_dir: folder("run") };
    paths.ensure().unwrap();
    fs::write(paths.config_file(), input).unwrap();
    is_edited_as_it_is_meant(&paths, input);
}

fn is_written_as_it_is_read(config: &Config) {
    for account in &config.accounts {
        let again = AccountToml::from(account).check(&account.name).unwrap();
        assert!(again == *account, "the account `{}` is written as another", account.name);
    }
}

fn is_edited_as_it_is_meant(paths: &Paths, input: &[u8]) {
    let before = Config::load(paths).ok();
    let demo = AccountConfig::demo(4180);
    let name = AccountName::new("a-new-one").unwrap();
    let meant = AccountConfig { name: name.clone(), ..demo.clone() };
    let Ok(added) = add_account(paths, &name, &AccountToml::from(&demo)) else {
        assert_eq!(fs::read(paths.config_file()).unwrap(), input, "what was refused was written");
        return;
    };
    assert!(added == meant);
    let beside = Config::load(paths).ok();
    assert_eq!(
        before.is_some(),
        beside.is_some(),
        "an account beside them changes whether the others can be read"
    );
    if let (Some(before), Some(beside)) = (&before, beside) {
        assert!(beside.account(&name) == Some(&meant) && beside.app == before.app);
        assert!(before.accounts.iter().all(|account| beside.account(&account.name) == Some(account)));
    }
    let dates = KeyValue::Text("7m".to_owned());
    let changes = Changes::from([("renew_before".to_owned(), Some(dates.clone()))]);
    change_account(paths, &name, &changes).unwrap();
    assert!(account_keys(paths, &name).unwrap().get("renew_before") == Some(&dates));
    remove_account(paths, &name).unwrap();
    assert!(Config::load(paths).ok() == before, "an account that came and went has changed the others");
}

fn holds_nothing_of(text: &str, said: &str) {
    for line in said.lines() {
        assert_harmless(line);
    }
    let in_a_key = text.parse::<DocumentMut>().is_ok_and(|document| has_key(document.as_item()));
    assert!(in_a_key || !said.contains(CANARY), "a value is told: {said}");
}

/// Whether the canary is part of a key, which complaints do tell.
fn has_key(item: &Item) -> bool {
    let in_tables = |table: &dyn toml_edit::TableLike| {
        table.iter().any(|(key, item)| key.contains(CANARY) || has_key(item))
    };
    match item {
        Item::Table(table) => in_tables(table),
        Item::ArrayOfTables(tables) => tables.iter().any(|table| in_tables(table)),
        Item::Value(Value::InlineTable(table)) => in_tables(table),
        Item::Value(Value::Array(values)) => values.iter().any(|value| has_key(&Item::Value(value.clone()))),
        Item::None | Item::Value(_) => false,
    }
}
