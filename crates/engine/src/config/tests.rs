//! The file as a person writes it: what is read, and what is said of mistakes.

use std::fs;
use std::path::Path;

use super::*;
use crate::paths::Paths;

const GOOD: &str = r#"
[accounts.demo]
provider = "credentials"
login_url = "http://127.0.0.1:4180/auth/login"
refresh_url = "http://127.0.0.1:4180/auth/refreshToken"
"#;

#[test]
fn a_full_account_is_read_as_it_is_written() {
    let config = parse(
        r#"
        [accounts.work]
        provider = "credentials"
        login_url = "https://api.example.com/login"
        refresh_url = "https://api.example.com/refresh"
        logout_url = "https://api.example.com/logout"
        user_info_url = "https://api.example.com/me"
        renew_before = "12s"
        assumed_lifetime = "1h30m"
        grace_window = "0s"
        refused_status = [401, 403]
        username_field = "email"
        [accounts.work.refresh_token]
        in = "cookie"
        name = "rt"
        [accounts.work.map]
        access_token = "/data/jwt"
        access_token_expiry = "header:X-Expires"
        "#,
    )
    .unwrap();
    let told = toml_edit::DocumentMut::from(AccountToml::from(&config.accounts[0]).table());
    insta::assert_snapshot!(told, @r#"
    provider = "credentials"
    login_url = "https://api.example.com/login"
    refresh_url = "https://api.example.com/refresh"
    logout_url = "https://api.example.com/logout"
    user_info_url = "https://api.example.com/me"
    renew_before = "12s"
    assumed_lifetime = "1h30m"
    grace_window = "0s"
    username_field = "email"
    refused_status = [401, 403]

    [refresh_token]
    in = "cookie"
    name = "rt"

    [map]
    access_token = "/data/jwt"
    access_token_expiry = "header:X-Expires"
    "#);
}

#[test]
fn what_is_not_set_has_the_values_of_the_documentation() {
    let config = parse(GOOD).unwrap();
    let [account] = &config.accounts[..] else { panic!("one account") };
    let ProviderConfig::Credentials(credentials) = &account.provider else { panic!("a REST login") };
    assert_eq!(credentials.refresh_token, Carrier::Body("token".to_owned()));
    assert_eq!((&credentials.map, credentials.username_field.as_str()), (&Mapping::default(), "username"));
    assert!(credentials.refused_status.iter().eq(&[401]) && credentials.logout_url.is_none());
    assert_eq!(account.policy.assumed_lifetime, None);
    assert!(account.policy.renew_before.is_none() && !account.devserver);
    assert_eq!(config.account(&account.name), Some(account));
}

#[test]
fn accounts_keep_the_order_of_the_file() {
    let text = ["zeta", "alpha", "midway"].map(|name| GOOD.replace("demo", name)).concat();
    let names: Vec<_> = parse(&text).unwrap().accounts.into_iter().map(|one| one.name.to_string()).collect();
    assert_eq!(names, ["zeta", "alpha", "midway"]);
}

#[test]
fn the_template_is_right_as_it_is_and_with_every_key_switched_on() {
    let usual = parse(template()).unwrap();
    let key = |line: &str| {
        line.strip_prefix("# ").is_some_and(|rest| rest.starts_with('[') || rest.contains(" = "))
    };
    let on: Vec<_> = template().lines().map(|line| if key(line) { &line[2..] } else { line }).collect();
    let all = parse(&on.join("\n")).unwrap();
    let rest = |config: &Config| match &config.accounts[0].provider {
        ProviderConfig::Credentials(credentials) => (**credentials).clone(),
        ProviderConfig::Oauth(_) | ProviderConfig::Nextauth(_) => panic!("a REST login"),
    };
    let issuer = |config: &Config| match &config.accounts[1].provider {
        ProviderConfig::Oauth(oauth) => (**oauth).clone(),
        ProviderConfig::Credentials(_) | ProviderConfig::Nextauth(_) => panic!("an authorization server"),
    };
    let told = |one: OauthConfig| {
        let Redirect { host, path, .. } = one.redirect;
        let flags = (one.pkce_announced, one.other_audiences, one.end_session, one.verify_access_token);
        (one.scope, host, path, (one.dpop, one.par), flags, one.parameters, one.claims)
    };
    assert_eq!(told(issuer(&all)), told(issuer(&usual)), "what the template says holds by itself does");
    let (all, few) = (&rest(&all), &rest(&usual));
    assert!(all.logout_url.is_some() && few.logout_url.is_none());
    let told = |one: &CredentialsConfig| {
        (one.refused_status.clone(), one.username_field.clone(), one.refresh_token.clone(), one.map.clone())
    };
    assert_eq!(told(all), told(few), "what the template says holds by itself does");
    let renewed = |config: &Config| config.accounts[0].policy.lifetime_untold(true);
    assert_eq!(renewed(&parse(&on.join("\n")).unwrap()), renewed(&usual));
}

#[test]
fn the_examples_of_programs_and_places_for_the_log_are_right() {
    let page = include_str!("../../../../docs/hooks-and-logs.md");
    let (mut text, mut inside) =
        ("[accounts.work]\nprovider = \"nextauth\"\nsite = \"https://a.example\"\n".to_owned(), false);
    for line in page.lines() {
        let example = line.strip_prefix("    ");
        inside = example.is_some_and(|line| inside || line.starts_with('[')) || inside && line.is_empty();
        text.extend(example.filter(|_| inside).map(|line| format!("{line}\n")));
    }
    let config = parse(&text).unwrap();
    assert_eq!((config.accounts[0].on_event.len(), config.sinks.len()), (2, 6), "{text}");
    let event = page.split_once("    {\"version\"").unwrap().1.split("\n\n").next().unwrap();
    let event: serde_json::Value = serde_json::from_str(&format!("{{\"version\"{event}")).unwrap();
    assert_eq!(event["event"], "renewed");
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_remedy_and_without_the_value() {
    let mut shown = String::new();
    for (title, text) in mistakes() {
        let error = Config::parse(&text, Some(Path::new("config.toml"))).map(|_| ()).unwrap_err();
        let said = error.to_string();
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.lines().all(|line| line.starts_with("config.toml:") && line.contains("; ")), "{said}");
        shown.extend(["# ", title, "\n", &said, "\n\n"]);
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn without_a_file_there_are_no_accounts() {
    let (_root, paths) = folders();
    assert_eq!(Config::load(&paths).unwrap(), Config::default());
    fs::remove_dir(&paths.config_dir).unwrap();
    assert_eq!(Config::load(&paths).unwrap(), Config::default());
}

#[test]
fn a_byte_order_mark_and_windows_lines_are_read_and_lines_are_counted_right() {
    let (_root, paths) = folders();
    let bad = format!("\u{feff}{}colour = 1\n", GOOD.trim_start()).replace('\n', "\r\n");
    fs::write(paths.config_file(), &bad).unwrap();
    let said = Config::load(&paths).unwrap_err().to_string();
    assert!(said.contains("config.toml:5:1: accounts.demo.colour: "), "{said}");
    fs::write(paths.config_file(), bad.replace("colour = 1", "")).unwrap();
    assert_eq!(Config::load(&paths).unwrap().accounts.len(), 1);
}

#[test]
fn a_file_that_is_no_configuration_is_refused() {
    let (root, paths) = folders();
    let said =
        || Config::load(&paths).unwrap_err().to_string().replace(root.path().to_str().unwrap(), "<root>");
    let mut shown = Vec::new();
    fs::write(paths.config_file(), "#".repeat(1_000_001)).unwrap();
    shown.push(said());
    fs::write(paths.config_file(), b"# fine\nx = \"\xff\"").unwrap();
    shown.push(said());
    fs::remove_file(paths.config_file()).unwrap();
    fs::create_dir(paths.config_file()).unwrap();
    shown.push(said());
    insta::assert_snapshot!(shown.join("\n"), @"
    <root>/config/config.toml: this is larger than 1 MB; put a file of accounts in its place
    <root>/config/config.toml:2:6: this is no UTF-8 text; save the file in the encoding UTF-8
    <root>/config/config.toml: this is no regular file; put a file of accounts in its place
    ");
}

#[cfg(unix)]
#[test]
fn what_others_could_have_written_is_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (root, paths) = folders();
    let said =
        || Config::load(&paths).unwrap_err().to_string().replace(root.path().to_str().unwrap(), "<root>");
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let file = paths.config_file();
    fs::write(&file, GOOD).unwrap();
    let mut shown = Vec::new();
    for mode in [0o666, 0o620] {
        set(&file, mode);
        shown.push(said());
    }
    set(&file, 0o644);
    set(&paths.config_dir, 0o777);
    shown.push(said());
    set(&paths.config_dir, 0o700);
    assert!(Config::load(&paths).is_ok());
    let elsewhere = root.path().join("dotfiles");
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(&file, elsewhere.join("latchkey.toml")).unwrap();
    symlink(elsewhere.join("latchkey.toml"), &file).unwrap();
    set(&elsewhere, 0o700);
    assert!(Config::load(&paths).is_ok(), "a link is followed");
    set(&elsewhere, 0o777);
    shown.push(said());
    fs::remove_file(elsewhere.join("latchkey.toml")).unwrap();
    shown.push(said());
    insta::assert_snapshot!(shown.join("\n"), @"
    <root>/config/config.toml: others may write to this file; run `chmod go-w` on it
    <root>/config/config.toml: others may write to this file; run `chmod go-w` on it
    <root>/config: others may write to this folder; run `chmod go-w` on it
    <root>/dotfiles: others may write to this folder; run `chmod go-w` on it
    <root>/config/config.toml: this is a link to a file that is not there; put the file back, or remove the link
    ");
}

fn mistakes() -> Vec<(&'static str, String)> {
    let with = |line: &str| format!("{}{line}\n", GOOD.trim_start());
    let without =
        |key: &str| GOOD.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
    let url = |text: &str| GOOD.replace("http://127.0.0.1:4180/auth/login", text);
    vec![
        (
            "unknown keys",
            with(
                "login_ulr = \"hunter2\"\nRenew-Before = \"1m\"\ncolour = \"hunter2\"\npassword = \"hunter2\"",
            ),
        ),
        ("unknown table", format!("{GOOD}[settings]\nx = 1\n")),
        ("misspelt table", format!("{GOOD}[account.work]\nx = 1\n[logs.archive]\n")),
        ("settings of the app at the root", format!("log_level = \"debug\"\n{GOOD}[notifications]\nx = 1\n")),
        ("the level of the log in the wrong place", format!("{GOOD}[log]\nlevel = \"hunter2\"\n")),
        ("missing keys", "[accounts.demo]\nprovider = \"credentials\"".to_owned()),
        ("missing provider", without("provider")),
        ("unknown provider", GOOD.replace("credentials", "hunter2")),
        ("a site without its address", GOOD.replace("credentials", "nextauth")),
        ("keys of another provider", with("issuer = \"https://hunter2.example.com\"")),
        (
            "wrong types",
            with(
                "devserver = \"hunter2\"\nrenew_before = 90\nrefused_status = 401\nusername_field = [\"hunter2\"]\nmap = 1.5",
            ),
        ),
        ("wrong type in a list", with("refused_status = [401, \"hunter2\"]")),
        (
            "texts that are none",
            with(
                "max_age = 30\nconsent = true\nhosts = \"hunter2\"\n[[accounts.demo.on_event]]\nrun = \"hunter2\"\nevents = \"hunter2\"",
            ),
        ),
        ("accounts that are none", "accounts = [\"hunter2\"]".to_owned()),
        ("account that is none", "[accounts]\ndemo = \"hunter2\"".to_owned()),
        ("duplicate account", format!("{GOOD}{GOOD}")),
        ("duplicate key", with("provider = \"hunter2\"")),
        ("accounts apart by capitals", format!("{GOOD}{}", GOOD.replace("demo", "Demo"))),
        ("bad account name", GOOD.replace("accounts.demo", "accounts.\"../hunter\"")),
        ("http to elsewhere", url("http://hunter2.example.com/")),
        ("user info", url("https://me:hunter2@example.com/")),
        ("fragment", url("https://example.com/#hunter2")),
        ("no URL", url("hunter2")),
        ("other scheme", url("ftp://127.0.0.1/hunter2")),
        ("white space in a URL", url("https://example.com/ hunter2")),
        ("dev server elsewhere", url("https://hunter2.example.com/") + "devserver = true"),
        ("durations", with("renew_before = \"hunter2\"\nassumed_lifetime = \"0s\"")),
        ("long duration", with("renew_before = \"9000h\"")),
        ("statuses", with("refused_status = [401, 429]")),
        ("status out of range", with("refused_status = [500]")),
        ("user name in the password's place", with("username_field = \"password\"")),
        ("carrier", with("[accounts.demo.refresh_token]\nin = \"hunter2\"\nhow = 1")),
        ("carrier without a name", with("[accounts.demo.refresh_token]\nin = \"header\"")),
        (
            "carrier in a header of HTTP",
            with("[accounts.demo.refresh_token]\nin = \"header\"\nname = \"Content-Length\""),
        ),
        (
            "carrier in a bad cookie",
            with("[accounts.demo.refresh_token]\nin = \"cookie\"\nname = \"hunter2;\""),
        ),
        (
            "places",
            with(
                "[accounts.demo.map]\naccess_token = \"hunter2\"\nemail = \"/hunter2~\"\nname = \"header:hunter2 x\"\nsubject = \"\"",
            ),
        ),
        ("one place for two tokens", with("[accounts.demo.map]\naccess_token = \"/refreshToken\"")),
        ("torn line", with("renew_before = \"hunter2")),
        ("no quotes", with("renew_before = hunter2")),
        ("no value", with("hunter2")),
        ("torn table", with("[accounts.other\nx = \"hunter2\"")),
    ]
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Some(Path::new("config.toml")))
}

pub(super) fn folders() -> (tempfile::TempDir, Paths) {
    let root = tempfile::tempdir().unwrap();
    let dir = |name| root.path().join(name);
    let paths = Paths { config_dir: dir("config"), state_dir: dir("state"), runtime_dir: dir("run") };
    paths.ensure().unwrap();
    (root, paths)
}
