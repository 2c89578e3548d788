//! From the text of `config.toml` to accounts, or to all that is wrong with it.

use std::path::Path;
use std::sync::Arc;

use latchkey_core::account::AccountName;
use latchkey_core::policy::Policy;
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::account::{AccountConfig, Carrier, CredentialsConfig, Mapping, ProviderConfig};
use super::hosts;
use super::problem::{ConfigError, Flaw, Problems, shown};
use super::section::{Section, remedy_if_near, wrong_type};
use super::{AppConfig, Config, app, hooks, limits, nextauth, oauth, sinks, values};

/// The tables of the file.
const ROOT_KEYS: [&str; 3] = ["accounts", "app", "log"];

/// The keys that every account has.
const SHARED_KEYS: [&str; 10] = [
    "provider",
    "devserver",
    "debug",
    hooks::KEY,
    "hosts",
    "host_user",
    "consent",
    "renew_before",
    "assumed_lifetime",
    "grace_window",
];

/// The keys that only accounts of a REST login have.
const CREDENTIALS_KEYS: [&str; 8] = [
    "login_url",
    "refresh_url",
    "logout_url",
    "user_info_url",
    "refused_status",
    "username_field",
    "refresh_token",
    "map",
];

pub(super) fn config(text: &str, file: Option<&Path>) -> Result<Config, ConfigError> {
    let mut problems = Problems::new(text, file);
    let root = match DeTable::parse(text) {
        Ok(root) => root.into_inner(),
        Err(error) => {
            problems.push_syntax(error.span(), error.message());
            return problems.into_result(Config::default());
        }
    };
    for (key, value) in root.iter().filter(|(key, _)| !ROOT_KEYS.contains(&key.get_ref().as_ref())) {
        let flaw =
            Flaw::new("this key is unknown", remedy_for_root(key.get_ref(), value.get_ref().is_table()));
        problems.push(&key.span(), shown(key.get_ref()), flaw);
    }
    let app = root.get("app").map_or_else(AppConfig::default, |value| app::app(value, &mut problems));
    let accounts = match root.get("accounts").map(|value| (value, value.get_ref().as_table())) {
        None => Vec::new(),
        Some((_, Some(table))) => accounts(table, &mut problems),
        Some((value, None)) => {
            let flaw = wrong_type("a table for each account, such as `[accounts.work]`", value);
            problems.push(&value.span(), "accounts".to_owned(), flaw);
            Vec::new()
        }
    };
    let sinks = root.get("log").map_or_else(Vec::new, |value| sinks::sinks(value, &mut problems));
    problems.into_result(Config { app, accounts, sinks })
}

/// Where something belongs that stands at the root of the file and has no meaning there.
fn remedy_for_root(key: &str, is_table: bool) -> String {
    match app::KEYS.contains(&key) {
        true if is_table => return format!("write it as `[app.{key}]`"),
        true => return "move it into the table `[app]`".to_owned(),
        false => {}
    }
    remedy_if_near(key, &ROOT_KEYS).unwrap_or_else(|| {
        "write `[accounts.work]` for an account, `[app]` for settings, or `[log.archive]` for a place of the log"
            .to_owned()
    })
}

fn accounts(table: &DeTable<'_>, problems: &mut Problems<'_>) -> Vec<AccountConfig> {
    let mut in_order: Vec<_> = table.iter().collect();
    in_order.sort_by_key(|(key, _)| key.span().start);
    let mut seen = BTreeMap::new();
    let mut found = Vec::new();
    for (key, value) in in_order {
        let path = format!("accounts.{}", shown(key.get_ref()));
        let name = AccountName::new(key.get_ref().as_ref());
        match (&name, seen.insert(key.get_ref().to_ascii_lowercase(), shown(key.get_ref()))) {
            (Err(invalid), _) => {
                let flaw = Flaw::new(format!("this is no account name: {invalid}"), "choose another name");
                problems.push(&key.span(), path.clone(), flaw);
            }
            // Names become file names, and some file systems do not tell capitals.
            (Ok(_), Some(other)) => {
                let what = format!("this account differs from `{other}` by capitals only");
                problems.push(
                    &key.span(),
                    path.clone(),
                    Flaw::new(what, "choose another name for one of them"),
                );
            }
            (Ok(_), None) => {}
        }
        found.extend(account(name.ok(), value, path, problems));
    }
    found
}

/// An account; nothing if its name is none.
fn account(
    name: Option<AccountName>,
    value: &Spanned<DeValue<'_>>,
    path: String,
    problems: &mut Problems<'_>,
) -> Option<AccountConfig> {
    let table = value.get_ref().as_table();
    let has = |key: &&str| table.is_some_and(|table| table.contains_key(*key));
    let likely = match table.and_then(|table| table.get("provider")) {
        Some(said) => said.get_ref().as_str().and_then(|said| kind(said).ok()).unwrap_or(Kind::Credentials),
        None if ["issuer", "client_id", "preset"].iter().any(has) => Kind::Oauth,
        None if has(&"site") => Kind::Nextauth,
        None => Kind::Credentials,
    };
    let known: Vec<_> = SHARED_KEYS.iter().chain(&limits::KEYS).chain(likely.keys()).copied().collect();
    let others: Vec<_> = Kind::ALL.iter().flat_map(|kind| kind.keys()).copied().collect();
    let section = Section::open(value, path, &known, &others, problems)?;
    let example = format!("\"{}\"", likely.name());
    let kind = section.required("provider", example, problems, kind)?;
    let devserver = section.flag("devserver", problems);
    let debug = section.flag("debug", problems);
    let on_event = hooks::read(&section, problems);
    let hosts = hosts::read(&section, problems);
    let consent = section.text("consent", problems, values::consent).unwrap_or_default();
    let policy = Policy {
        renew_before: section.text("renew_before", problems, values::duration),
        assumed_lifetime: section.text("assumed_lifetime", problems, values::duration),
        limits: limits::limits(&section, problems),
        grace_window: section.text("grace_window", problems, values::duration_or_none),
    };
    let provider = match kind {
        Kind::Credentials => {
            ProviderConfig::Credentials(Arc::new(credentials(&section, devserver, problems)?))
        }
        Kind::Oauth => ProviderConfig::Oauth(Arc::new(oauth::oauth(&section, devserver, problems)?)),
        Kind::Nextauth => {
            ProviderConfig::Nextauth(Arc::new(nextauth::nextauth(&section, devserver, problems)?))
        }
    };
    Some(AccountConfig { name: name?, provider, policy, devserver, hosts, consent, debug, on_event })
}

/// The providers there are.
#[derive(Clone, Copy)]
enum Kind {
    Credentials,
    Oauth,
    Nextauth,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Credentials, Self::Oauth, Self::Nextauth];

    fn name(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Oauth => "oauth",
            Self::Nextauth => "nextauth",
        }
    }

    /// The keys that only accounts of this provider have.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Credentials => &CREDENTIALS_KEYS,
            Self::Oauth => &oauth::KEYS,
            Self::Nextauth => &nextauth::KEYS,
        }
    }
}

fn kind(text: &str) -> Result<Kind, Flaw> {
    let remedy = "write `provider = \"credentials\"`, `provider = \"oauth\"` or `provider = \"nextauth\"`";
    let found = Kind::ALL.into_iter().find(|kind| kind.name() == text);
    found.ok_or_else(|| Flaw::new("there is no such provider", remedy))
}

fn credentials(
    section: &Section<'_, '_>,
    devserver: bool,
    problems: &mut Problems<'_>,
) -> Option<CredentialsConfig> {
    let url = |text: &str| values::address(text, devserver);
    let example = "\"https://…\"";
    let login_url = section.required("login_url", example, problems, url);
    let refresh_url = section.required("refresh_url", example, problems, url);
    let logout_url = section.text("logout_url", problems, url);
    let user_info_url = section.text("user_info_url", problems, url);
    let refused_status = refused_status(section, problems);
    let username_field = section
        .text("username_field", problems, |text| match text {
            "password" => Err(Flaw::new("the password travels in this member", "name another one")),
            _ => values::member(text),
        })
        .unwrap_or_else(|| "username".to_owned());
    let refresh_token = carrier(section, problems);
    let map = mapping(section, problems);
    Some(CredentialsConfig {
        login_url: login_url?,
        refresh_url: refresh_url?,
        logout_url,
        user_info_url,
        refused_status,
        username_field,
        refresh_token,
        map,
    })
}

fn refused_status(section: &Section<'_, '_>, problems: &mut Problems<'_>) -> BTreeSet<u16> {
    let Some(numbers) = section.numbers("refused_status", problems) else { return BTreeSet::from([401]) };
    values::refused_status(&numbers).unwrap_or_else(|flaw| {
        section.complain("refused_status", flaw, problems);
        BTreeSet::new()
    })
}

/// What a name becomes, and how it is checked.
type Make = (fn(String) -> Carrier, fn(&str) -> Result<String, Flaw>);

fn carrier(section: &Section<'_, '_>, problems: &mut Problems<'_>) -> Carrier {
    let Some(section) = section.section("refresh_token", &["in", "name"], problems) else {
        return Carrier::default();
    };
    let ways: [(&str, Make); 3] = [
        ("body", (Carrier::Body, values::member)),
        ("header", (Carrier::Header, values::request_header)),
        ("cookie", (Carrier::Cookie, values::cookie)),
    ];
    let way = section.text("in", problems, |text| {
        let found = ways.iter().find(|(name, _)| *name == text);
        found.ok_or_else(|| {
            Flaw::new("a refresh token cannot travel there", "write `body`, `header` or `cookie`")
        })
    });
    let Some((_, (make, read))) = way.or(ways.first().filter(|_| section.value("in").is_none())) else {
        return Carrier::default();
    };
    match way {
        Some(("header" | "cookie", _)) => section.required("name", "\"…\"", problems, read).map(make),
        Some(_) | None => section.text("name", problems, read).map(make),
    }
    .unwrap_or_default()
}

fn mapping(section: &Section<'_, '_>, problems: &mut Problems<'_>) -> Mapping {
    let mut map = Mapping::default();
    let Some(section) = section.section("map", &Mapping::KEYS, problems) else { return map };
    for (key, place) in map.places_mut() {
        if let Some(given) = section.text(key, problems, values::place) {
            *place = given;
        }
    }
    if map.access_token == map.refresh_token {
        let what = "access token and refresh token cannot stand in the same place";
        let key = if section.value("refresh_token").is_some() { "refresh_token" } else { "access_token" };
        section.complain(key, Flaw::new(what, "name the place of each"), problems);
    }
    map
}
