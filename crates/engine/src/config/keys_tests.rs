//! Changing single keys in files that people have written.

use std::fs;

use latchkey_core::account::AccountName;

use super::tests::folders;
use super::*;

const BY_HAND: &str = "\
# Kept in git.
[accounts.work]
provider = 'credentials'   # of course
refresh_url = \"https://api.example.com/refresh\"
login_url = \"https://api.example.com/login\"
# Not too early.
renew_before = \"5m\" # was 10m
refused_status = [401, 403]

  [accounts.work.map]
  email = \"/mail\" # odd

[accounts.broken]
provider = \"nonsense\"

# The rest of the app.
[app]
language = \"de\" # at home
";

#[expect(clippy::unnecessary_wraps, reason = "as a change has it")]
fn text(text: &str) -> Option<KeyValue> {
    Some(KeyValue::Text(text.to_owned()))
}

fn work() -> AccountName {
    AccountName::new("work").unwrap()
}

#[test]
fn the_keys_of_an_account_are_told_and_no_secret_is_among_them() {
    let (_root, paths) = folders();
    fs::write(
        paths.config_file(),
        "[accounts.work]\nprovider = \"oauth\"\nissuer = \"https://a.example\"\nclient_id = \"x\"\n\
         client_secret = \"the-secret\"\nredirect_port = 4000\nend_session = true\n\
         [accounts.work.endpoints]\ntoken = \"https://a.example/token\"\n",
    )
    .unwrap();
    let keys = account_keys(&paths, &work()).unwrap();
    insta::assert_snapshot!(serde_json::to_string(&keys).unwrap(), @r#"{"client_id":"x","client_secret":true,"end_session":true,"endpoints.token":"https://a.example/token","issuer":"https://a.example","provider":"oauth","redirect_port":4000}"#);
    assert!(matches!(
        account_keys(&paths, &AccountName::new("home").unwrap()),
        Err(ConfigError::NoSuchAccount { .. })
    ));
}

#[test]
fn a_change_leaves_comments_order_and_other_accounts_as_they_are() {
    let (_root, paths) = folders();
    fs::write(paths.config_file(), BY_HAND).unwrap();
    let changes = Changes::from([
        ("renew_before".to_owned(), text("2m")),
        ("refused_status".to_owned(), None),
        ("map.email".to_owned(), None),
        ("refresh_token.in".to_owned(), text("cookie")),
        ("refresh_token.name".to_owned(), text("rt")),
        ("user_info_url".to_owned(), text("https://api.example.com/me")),
        ("map.name".to_owned(), None),
    ]);
    let before = with_changes(&paths, &work(), &changes).unwrap();
    assert_eq!(fs::read_to_string(paths.config_file()).unwrap(), BY_HAND, "looking changed the file");
    assert_eq!(change_account(&paths, &work(), &changes).unwrap(), before);
    insta::assert_snapshot!(fs::read_to_string(paths.config_file()).unwrap());
}

#[test]
fn what_would_be_wrong_is_told_by_its_key_and_not_written() {
    let (_root, paths) = folders();
    fs::write(paths.config_file(), BY_HAND).unwrap();
    let changes = Changes::from([
        ("login_url".to_owned(), text("http://api.example.com/login")),
        ("renew_before".to_owned(), Some(KeyValue::Flag(true))),
        ("no_such_key".to_owned(), text("x")),
    ]);
    let error = change_account(&paths, &work(), &changes).unwrap_err();
    let ConfigError::Invalid { file: None, problems } = &error else { panic!("{error}") };
    let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["accounts.work.login_url", "accounts.work.renew_before", "accounts.work.no_such_key"]);
    assert_eq!(fs::read_to_string(paths.config_file()).unwrap(), BY_HAND);
    let nobody = AccountName::new("home").unwrap();
    assert!(matches!(change_account(&paths, &nobody, &changes), Err(ConfigError::NoSuchAccount { .. })));
}

#[test]
fn an_account_is_added_by_its_keys() {
    let (_root, paths) = folders();
    let changes = Changes::from([
        ("provider".to_owned(), text("credentials")),
        ("login_url".to_owned(), text("https://api.example.com/login")),
        ("refresh_url".to_owned(), text("https://api.example.com/refresh")),
        ("map.access_token".to_owned(), text("/data/jwt")),
        ("logout_url".to_owned(), None),
    ]);
    let added = add_by_keys(&paths, &work(), &changes).unwrap();
    assert_eq!(Config::load(&paths).unwrap().accounts, [added]);
    assert!(matches!(add_by_keys(&paths, &work(), &changes), Err(ConfigError::AccountExists { .. })));
}

#[test]
fn settings_of_the_app_are_written_where_they_differ() {
    let (_root, paths) = folders();
    fs::write(paths.config_file(), BY_HAND).unwrap();
    let quiet = |time: &str| Some(time.parse().unwrap());
    let wanted = AppConfig {
        language: Language::En,
        notifications: NotificationConfig {
            sign_in_soon: false,
            quiet_from: quiet("22:00"),
            quiet_to: quiet("07:00"),
            ..NotificationConfig::default()
        },
        ..AppConfig::default()
    };
    let usual = AppConfig::default();
    let before = Config::parse(&BY_HAND[BY_HAND.find("[app]").unwrap()..], None).unwrap().app;
    assert_eq!(set_app(&paths, &before, &wanted).unwrap(), wanted);
    let written = fs::read_to_string(paths.config_file()).unwrap();
    insta::assert_snapshot!(&written[written.find("# The rest").unwrap()..], @r#"
    # The rest of the app.
    [app]
    language = "en" # at home

    [app.notifications]
    sign_in_soon = false
    quiet_from = "22:00"
    quiet_to = "07:00"
    "#);
    // Back to what is usual: what was said is said again, what was not is taken out where it means nothing.
    set_app(&paths, &wanted, &usual).unwrap();
    let text = fs::read_to_string(paths.config_file()).unwrap();
    let app = &text[text.find("[app]").unwrap()..];
    assert_eq!(Config::parse(app, None).unwrap().app, usual);
    assert!(text.contains("# at home") && !text.contains("quiet"), "{text}");
}

#[test]
fn settings_of_the_app_make_the_file_and_nothing_is_written_for_what_is_usual() {
    let (_root, paths) = folders();
    set_app(&paths, &AppConfig::default(), &AppConfig { dates: Dates::Iso, ..AppConfig::default() }).unwrap();
    assert_eq!(fs::read_to_string(paths.config_file()).unwrap(), "[app]\ndates = \"iso\"\n");
    fs::write(paths.config_file(), "app = 3\n").unwrap();
    let error =
        set_app(&paths, &AppConfig::default(), &AppConfig { dates: Dates::Iso, ..AppConfig::default() })
            .unwrap_err();
    assert!(matches!(error, ConfigError::Unfit { .. }), "{error}");
}
