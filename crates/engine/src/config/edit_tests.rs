//! Adding and removing accounts in files that people have written.

use std::fs;
use std::sync::Arc;

use latchkey_core::account::AccountName;
use proptest::prelude::*;

use super::tests::folders;
use super::values;
use super::*;

const BY_HAND: &str = "\
# All my accounts.
# Kept in git.

# The one at work.
[accounts.work]
provider = 'credentials'   # of course
refresh_url = \"https://api.example.com/refresh\"
login_url = \"https://api.example.com/login\"

  [accounts.work.map]
  email = \"/mail\"

# Mine.
[accounts.home]
provider = \"credentials\"
login_url = \"https://home.example.com/login\"
refresh_url = \"https://home.example.com/refresh\"
# [accounts.old] is gone
";

#[test]
fn adding_keeps_every_byte_that_was_there() {
    let (_root, paths) = folders();
    fs::write(paths.config_file(), BY_HAND).unwrap();
    let demo = AccountConfig::demo(4180);
    assert_eq!(add_account(&paths, &demo.name, &AccountToml::from(&demo)).unwrap(), demo);
    let text = fs::read_to_string(paths.config_file()).unwrap();
    assert!(text.starts_with(BY_HAND), "{text}");
    insta::assert_snapshot!(&text[BY_HAND.len()..], @r#"

    [accounts.demo]
    provider = "credentials"
    login_url = "http://127.0.0.1:4180/auth/login"
    refresh_url = "http://127.0.0.1:4180/auth/refreshToken"
    logout_url = "http://127.0.0.1:4180/auth/logout"
    user_info_url = "http://127.0.0.1:4180/auth/me"
    devserver = true
    "#);
    assert_eq!(Config::load(&paths).unwrap().accounts.last(), Some(&demo));
}

#[test]
fn the_first_account_makes_the_file() {
    let (_root, paths) = folders();
    let demo = AccountConfig::demo(4180);
    add_account(&paths, &demo.name, &AccountToml::from(&demo)).unwrap();
    assert_eq!(Config::load(&paths).unwrap().accounts, [demo]);
    assert!(fs::read_to_string(paths.config_file()).unwrap().starts_with("[accounts.demo]\n"));
}

#[test]
fn removing_takes_the_account_and_its_comment_and_nothing_else() {
    let (_root, paths) = folders();
    fs::write(paths.config_file(), BY_HAND).unwrap();
    remove_account(&paths, &name("work")).unwrap();
    insta::assert_snapshot!(fs::read_to_string(paths.config_file()).unwrap(), @r#"
    # All my accounts.
    # Kept in git.

    # Mine.
    [accounts.home]
    provider = "credentials"
    login_url = "https://home.example.com/login"
    refresh_url = "https://home.example.com/refresh"
    # [accounts.old] is gone
    "#);
    remove_account(&paths, &name("home")).unwrap();
    insta::assert_snapshot!(fs::read_to_string(paths.config_file()).unwrap(), @"
    # All my accounts.
    # Kept in git.
    # [accounts.old] is gone
    ");
    assert_eq!(Config::load(&paths).unwrap(), Config::default());
}

#[test]
fn what_was_added_and_removed_again_leaves_the_file_as_it_was() {
    let (_root, paths) = folders();
    fs::write(paths.config_file(), BY_HAND.trim_end_matches("# [accounts.old] is gone\n")).unwrap();
    let before = fs::read_to_string(paths.config_file()).unwrap();
    add_account(&paths, &name("demo"), &AccountToml::from(&AccountConfig::demo(1))).unwrap();
    remove_account(&paths, &name("demo")).unwrap();
    assert_eq!(fs::read_to_string(paths.config_file()).unwrap(), before);
}

#[test]
fn a_refused_change_leaves_the_file_untouched() {
    let (root, paths) = folders();
    fs::write(paths.config_file(), BY_HAND).unwrap();
    let demo = AccountToml::from(&AccountConfig::demo(4180));
    let said = |error: ConfigError| error.to_string().replace(root.path().to_str().unwrap(), "<root>");
    let clear = AccountToml {
        login_url: Some("http://example.com/login".to_owned()),
        devserver: false,
        ..demo.clone()
    };
    let shown = [
        said(add_account(&paths, &name("work"), &demo).unwrap_err()),
        said(add_account(&paths, &name("WORK"), &demo).unwrap_err()),
        said(add_account(&paths, &name("bare"), &AccountToml::default()).unwrap_err()),
        said(add_account(&paths, &name("clear"), &clear).unwrap_err()),
        said(remove_account(&paths, &name("wrok")).unwrap_err()),
    ];
    insta::assert_snapshot!(shown.join("\n"), @r#"
    <root>/config/config.toml: there is an account `work` already; choose another name, or remove that one first
    <root>/config/config.toml: there is an account `work` already; choose another name, or remove that one first
    accounts.bare.provider: this key is missing; add `provider = "credentials"`
    accounts.clear.login_url: `http` would send passwords and tokens over the network in clear text; use `https`; `http` is for this machine only (127.0.0.1, [::1], localhost)
    <root>/config/config.toml: there is no account `wrok`; there are: work, home
    "#);
    assert_eq!(fs::read_to_string(paths.config_file()).unwrap(), BY_HAND);
    fs::write(paths.config_file(), "[accounts.x\n").unwrap();
    for refused in [add_account(&paths, &name("a"), &demo).err(), remove_account(&paths, &name("x")).err()] {
        assert!(refused.unwrap().to_string().contains("config.toml:1:12: "));
    }
    assert_eq!(fs::read_to_string(paths.config_file()).unwrap(), "[accounts.x\n");
}

/// One reader of TOML takes a number that the other, which edits, does not.
#[test]
fn a_file_that_can_be_read_and_not_edited_is_refused_and_left_as_it_is() {
    let (_root, paths) = folders();
    let text = format!("{BY_HAND}[accounts.broken]\nprovider = 1e400\n");
    fs::write(paths.config_file(), &text).unwrap();
    let demo = AccountToml::from(&AccountConfig::demo(4180));
    let keys = Changes::from([("renew_before".to_owned(), None)]);
    for refused in [
        add_account(&paths, &name("demo"), &demo).err(),
        remove_account(&paths, &name("home")).err(),
        change_account(&paths, &name("home"), &keys).err(),
        set_grace_window(&paths, &name("home"), 7).err(),
        set_app(&paths, &AppConfig::default(), &AppConfig { language: Language::De, ..AppConfig::default() })
            .err(),
    ] {
        let said = refused.unwrap().to_string();
        assert!(said.contains("config.toml:20:12: provider: this is no TOML"), "{said}");
    }
    assert_eq!(fs::read_to_string(paths.config_file()).unwrap(), text);
}

#[test]
fn a_broken_account_can_be_removed_and_another_added_beside_it() {
    let (_root, paths) = folders();
    fs::write(paths.config_file(), "[accounts.broken]\nprovider = 7\n").unwrap();
    add_account(&paths, &name("demo"), &AccountToml::from(&AccountConfig::demo(1))).unwrap();
    assert!(Config::load(&paths).is_err());
    remove_account(&paths, &name("broken")).unwrap();
    assert_eq!(Config::load(&paths).unwrap().accounts, [AccountConfig::demo(1)]);
}

#[test]
fn accounts_in_other_forms_of_toml_are_edited_as_well() {
    let urls = "login_url = \"https://a.example/l\", refresh_url = \"https://a.example/r\"";
    for text in [
        format!("accounts = {{ a = {{ provider = \"credentials\", {urls} }} }}\n"),
        format!("[accounts]\na = {{ provider = \"credentials\", {urls} }}\n"),
        format!("accounts.a = {{ provider = \"credentials\", {urls} }}\n"),
        format!("[accounts]\na.provider = \"credentials\"\na.{}\n", urls.replace(", ", "\na.")),
    ] {
        let (_root, paths) = folders();
        fs::write(paths.config_file(), &text).unwrap();
        assert_eq!(Config::load(&paths).unwrap().accounts.len(), 1, "{text}");
        let demo = AccountConfig::demo(1);
        add_account(&paths, &demo.name, &AccountToml::from(&demo)).unwrap();
        assert_eq!(Config::load(&paths).unwrap().account(&demo.name), Some(&demo), "{text}");
        remove_account(&paths, &name("a")).unwrap();
        assert_eq!(Config::load(&paths).unwrap().accounts, [demo], "{text}");
    }
}

#[cfg(unix)]
#[test]
fn a_linked_file_stays_a_link_and_the_new_one_is_private() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (root, paths) = folders();
    let real = root.path().join("real.toml");
    fs::write(&real, BY_HAND).unwrap();
    symlink(&real, paths.config_file()).unwrap();
    remove_account(&paths, &name("home")).unwrap();
    assert!(fs::symlink_metadata(paths.config_file()).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Config::load(&paths).unwrap().accounts.len(), 1);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 4, "no temporary file is left");
}

#[test]
fn those_who_add_at_once_lose_nothing() {
    let (_root, paths) = folders();
    std::thread::scope(|scope| {
        for count in 0..12 {
            let paths = &paths;
            scope.spawn(move || {
                let demo = AccountToml::from(&AccountConfig::demo(4180));
                add_account(paths, &name(&format!("a{count}")), &demo).unwrap();
            });
        }
    });
    assert_eq!(Config::load(&paths).unwrap().accounts.len(), 12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_account_that_was_added_is_read_the_same(account in account()) {
        let (_root, paths) = folders();
        fs::write(paths.config_file(), BY_HAND).unwrap();
        let added = add_account(&paths, &account.name, &AccountToml::from(&account)).unwrap();
        prop_assert_eq!(&added, &account);
        let config = Config::load(&paths).unwrap();
        prop_assert_eq!(config.account(&account.name), Some(&account));
        prop_assert_eq!(config.accounts.len(), 3);
    }
}

fn account() -> impl Strategy<Value = AccountConfig> {
    let seconds = || (1_i64..31_622_400).prop_map(jiff::SignedDuration::from_secs);
    let place = || {
        "(/[a-zA-Z\"\\\\ é.]{1,8}){1,3}|header:[A-Za-z-]{1,12}".prop_map(|text| values::place(&text).unwrap())
    };
    let carrier = ("[a-zA-Z][a-zA-Z_-]{0,8}", 0..3).prop_map(|(name, which)| match which {
        0 => Carrier::Body(name + " \"é"),
        1 => Carrier::Header(format!("X-{name}")),
        _ => Carrier::Cookie(name),
    });
    let statuses = prop::collection::btree_set(prop::sample::select(vec![400_u16, 401, 403, 422]), 0..3);
    let policy = (prop::option::of(seconds()), prop::option::of(seconds()));
    (
        "x[a-zA-Z0-9._-]{0,20}",
        any::<u16>(),
        any::<bool>(),
        carrier,
        statuses,
        policy,
        prop::option::of(place()),
    )
        .prop_map(
            |(name, port, devserver, carrier, statuses, (renew_before, assumed_lifetime), moved)| {
                let mut account = AccountConfig { devserver, ..AccountConfig::demo(port) };
                account.name = AccountName::new(name).unwrap();
                account.policy.renew_before = renew_before;
                account.policy.assumed_lifetime = assumed_lifetime;
                let ProviderConfig::Credentials(credentials) = &mut account.provider else {
                    panic!("a REST login")
                };
                let credentials = Arc::make_mut(credentials);
                credentials.refresh_token = carrier;
                credentials.refused_status = statuses;
                if devserver {
                    credentials.logout_url = None;
                    credentials.username_field = "e-mail \"address\"".to_owned();
                }
                if let Some(place) = moved {
                    credentials.map.session_expiry = place;
                }
                account
            },
        )
}

fn name(text: &str) -> AccountName {
    AccountName::new(text).unwrap()
}

#[tokio::test]
async fn a_file_is_edited_while_an_account_named_like_its_lock_is_renewed() {
    use crate::ports::RenewalLock as _;
    let (_root, paths) = folders();
    for name in ["config", "fingerprint"] {
        let account = AccountName::new(name).unwrap();
        let _edited = edit::lock(&paths).unwrap();
        crate::fingerprint_key::load_or_create(&paths).unwrap();
        let renewed =
            crate::renewal_lock::FileLock::new(paths.locks_dir(), Arc::new(crate::clock::SystemClock));
        renewed.acquire(&account, std::time::Duration::ZERO).await.unwrap();
    }
}
