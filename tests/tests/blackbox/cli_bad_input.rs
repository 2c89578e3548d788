//! Arguments, configurations and folders that are wrong: said where, what, and what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use latchkey_tests::desktop::{Desktop, Keychain};

fn desktop() -> Desktop {
    Desktop::start(Keychain::Unlocked)
}

#[test]
fn an_account_that_is_not_there_is_wrong_use_and_met_with_the_name_that_was_meant() {
    let desktop = desktop();
    desktop.add_demo(4180);
    for command in [&["status", "dmeo"][..], &["token", "dmeo"], &["renew", "dmeo"], &["sign-out", "dmeo"]] {
        let _ = desktop.latchkey(command).ends(2).says("did you mean `demo`?");
    }
    let _ = desktop.sign_in("dmeo", "demo").ends(2).says("`dmeo`");
    let _ = desktop.latchkey(&["accounts", "add", "demo", "--devserver"]).ends(2).says("already");
}

#[test]
fn a_broken_configuration_is_told_by_line_and_key_and_not_quoted() {
    let desktop = desktop();
    desktop.add_demo(4180);
    let good = fs::read_to_string(desktop.config_file()).unwrap();
    for (broken, line, key) in [
        ("[accounts.work]\nprovider = \"credentials\"\nlogin_url = SeCrEt-in-the-file\n", 3, "login_url"),
        (
            "[accounts.work]\nprovider = \"credentials\"\nlogin_ulr = \"https://SeCrEt.example.com/\"\n",
            3,
            "login_ulr",
        ),
        ("[accounts.work]\nprovider = 7\n", 2, "provider"),
        ("[accounts.work\nprovider = \"SeCrEt\"\n", 1, ""),
        (
            "[accounts.work]\nprovider = \"credentials\"\nlogin_url = \"https://a:SeCrEt@example.com/\"\n",
            3,
            "login_url",
        ),
    ] {
        let text = format!("{good}{broken}");
        fs::write(desktop.config_file(), &text).unwrap();
        let line = good.lines().count() + line;
        let place = format!("{}:{line}:", desktop.config_file().display());
        let refused = desktop.latchkey(&["status"]).ends(2).says(&place).says(key);
        assert!(refused.stderr.contains("; "), "what to do is not said: {refused:#?}");
        assert!(!refused.stderr.contains("SeCrEt"), "the file is quoted: {refused:#?}");
        assert_eq!(fs::read_to_string(desktop.config_file()).unwrap(), text, "the file was touched");
        let _ = desktop.sign_in("demo", "demo").ends(2);
    }
}

#[test]
fn plain_http_to_another_machine_is_refused_before_anything_is_written() {
    let desktop = desktop();
    for url in [
        "http://api.example.com/login",
        "http://127.0.0.1.example.com/login",
        "http://[::ffff:10.0.0.1]/login",
    ] {
        let refused = desktop.latchkey(&[
            "accounts",
            "add",
            "work",
            "--provider",
            "credentials",
            "--login-url",
            url,
            "--refresh-url",
            "https://api.example.com/refresh",
        ]);
        let _ = refused.ends(2).says("login_url").says("https");
        assert!(!desktop.config_file().exists());
    }
    fs::write(
        desktop.config_file(),
        "[accounts.work]\nprovider = \"credentials\"\nlogin_url = \"https://api.example.com/login\"\nrefresh_url = \"http://api.example.com/refresh\"\n",
    )
    .unwrap();
    let _ = desktop
        .sign_in("work", "a password")
        .ends(2)
        .says("config.toml:4:")
        .says("refresh_url")
        .says("https");
}

#[test]
fn a_vault_that_is_none_is_refused_with_the_choices() {
    let desktop = desktop().with("LATCHKEY_VAULT", "bogus");
    desktop.add_demo(4180);
    let _ = desktop
        .sign_in("demo", "demo")
        .ends(2)
        .says("LATCHKEY_VAULT")
        .says("`keychain`, `sealed-file` or `memory`");
    let _ = desktop.latchkey(&["status"]).ends(2).says("`bogus`");
}

#[test]
fn a_log_level_that_is_none_is_refused_with_the_choices() {
    let desktop = desktop().with("LATCHKEY_LOG", "loud");
    desktop.add_demo(4180);
    let _ = desktop.latchkey(&["status"]).ends(2).says("LATCHKEY_LOG").says("trace");
}

#[test]
fn a_log_that_cannot_be_written_keeps_nobody_from_anything() {
    let desktop = desktop();
    desktop.add_demo(4180);
    fs::create_dir_all(desktop.events_file()).unwrap();
    for folder in [desktop.path("state"), desktop.path("state").join("log")] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    }
    let done = desktop.latchkey(&["status", "--json"]).ends(0);
    assert_eq!(done.json()[0]["account"], "demo");
}

#[test]
fn folders_that_others_may_write_to_are_refused() {
    let desktop = desktop();
    desktop.add_demo(4180);
    fs::set_permissions(desktop.path("config"), fs::Permissions::from_mode(0o777)).unwrap();
    let refused = desktop.latchkey(&["status"]).says("chmod go-w");
    assert!(matches!(refused.code, Some(1 | 2)), "{refused:#?}");
}

#[test]
fn an_empty_password_and_no_terminal_are_wrong_use() {
    let desktop = desktop();
    desktop.add_demo(4180);
    let _ = desktop.sign_in("demo", "").ends(2).says("no password");
    let _ = desktop.sign_in("demo", &"x".repeat(70_000)).ends(2);
    let _ = desktop.latchkey(&["sign-in", "demo"]).ends(2).says("--username");
    let _ = desktop.latchkey(&["accounts", "remove", "demo"]).ends(2).says("--yes");
}
