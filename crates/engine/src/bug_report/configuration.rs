//! What may be told of the configuration: its keys, and of its values what says how an account is set up.

use latchkey_core::text::mask;
use reqwest::Url;
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use crate::config::Config;
use crate::paths::Paths;

/// Tables whose values are somebody's own.
const OWN_VALUES: [&str; 1] = ["parameters"];

const REMOVED: &str = "(removed)";

/// The configuration, written anew; where it cannot be read, why.
pub(super) fn told(paths: &Paths) -> String {
    let path = paths.config_file();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return "there is none\n".to_owned(),
        Err(error) => return format!("it cannot be read: {error}\n"),
    };
    // Complaints hold nothing of the file but keys.
    let wrong =
        Config::parse(&text, Some(&path)).err().map(|error| format!("# {error}\n").replace('\n', "\n# "));
    let read = text.parse::<DocumentMut>().map_or_else(
        |_| "it is no TOML\n".to_owned(),
        |document| DocumentMut::from(table(document.as_table(), false)).to_string(),
    );
    format!("{}{read}", wrong.map_or_else(String::new, |wrong| format!("{}\n", wrong.trim_end_matches("# "))))
}

/// A table without comments, and without what is not to be told.
fn table(from: &dyn TableLike, own_values: bool) -> Table {
    let mut to = Table::new();
    for (key, item) in from.iter() {
        let secret = own_values || is_secret(key);
        let told = match item {
            Item::Value(value) => Item::Value(value_of(value, secret)),
            Item::Table(inner) => Item::Table(table(inner, OWN_VALUES.contains(&key))),
            // Nothing that is configured is written so.
            Item::ArrayOfTables(_) | Item::None => continue,
        };
        to.insert(&mask(key), told);
    }
    to.set_implicit(from.iter().all(|(_, item)| item.is_table()));
    to
}

fn is_secret(key: &str) -> bool {
    ["secret", "password", "passphrase", "token_value"].iter().any(|part| key.contains(part))
}

fn value_of(value: &Value, secret: bool) -> Value {
    match value {
        _ if secret => REMOVED.into(),
        Value::String(text) => plain(text.value()).into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => (*number.value()).into(),
        Value::Boolean(flag) => (*flag.value()).into(),
        Value::Datetime(_) => REMOVED.into(),
        Value::Array(list) => list.iter().map(|one| value_of(one, false)).collect(),
        Value::InlineTable(inner) => {
            let inner = table(inner, false);
            Value::InlineTable(inner.into_inline_table())
        }
    }
}

/// An address without who signs in there and what is asked of it; another text as long as it is no token.
fn plain(text: &str) -> String {
    if let Ok(mut url) = Url::parse(text)
        && url.has_host()
    {
        // Neither can fail for an address with a host.
        let _ = (url.set_username(""), url.set_password(None));
        url.set_query(None);
        url.set_fragment(None);
        return url.to_string();
    }
    mask(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let root = tempfile::tempdir().unwrap();
        let below = |name| root.path().join(name);
        let paths =
            Paths { config_dir: below("config"), state_dir: below("state"), runtime_dir: below("run") };
        paths.ensure().unwrap();
        std::fs::write(paths.config_file(), text).unwrap();
        told(&paths).replace(&*root.path().display().to_string(), "")
    }

    #[test]
    fn what_may_be_told_stays_and_what_may_not_goes() {
        let text = "# ada's\n[accounts.work]\nprovider = \"credentials\" # mine\n\
            login_url = \"https://ada:pw@api.example.com/login?key=s3cr3t#x\"\n\
            refresh_url = \"https://api.example.com/refresh\"\nrefused_status = [401, 403]\n\
            nextauth_secret = \"s3cr3t\"\nmap = { access_token = \"/jwt\" }\n";
        let told = of(text);
        assert!(told.contains("login_url = \"https://api.example.com/login\""), "{told}");
        assert!(told.contains("refused_status = [401, 403]") && told.contains("/jwt"), "{told}");
        for gone in ["s3cr3t", "ada", "pw", "mine"] {
            assert!(!told.contains(gone), "{gone}\n{told}");
        }
        assert!(told.contains("this key is unknown"), "what is wrong with it is told too\n{told}");
    }

    #[test]
    fn what_is_no_configuration_is_said_and_not_repeated() {
        let told = of("s3cr3t = = x");
        assert!(told.contains("it is no TOML"), "{told}");
        assert!(!told.contains("= = x"), "{told}");
    }
}
