use std::collections::BTreeSet;

use latchkey_engine::config::{self, AccountConfig, AccountToml};
use serde_json::{Value, json};
use tauri::{Manager as _, WebviewUrl, WebviewWindowBuilder, async_runtime};

use crate::command_names::COMMANDS;
use crate::shell::Shell;
use crate::test_world::{OURS, World, ask, name, paths};

/// A port of this machine where nobody listens.
const NOBODY: u16 = 1;

#[test]
fn every_command_is_declared_has_a_handler_and_is_granted_to_the_main_window() {
    let world = World::new(Vec::new());
    // They would really start the demo, end the app, or write where this user's desktop looks.
    let real = ["add_demo", "quit", "export_report", "show_config_file", "show_guide", "try_again"];
    for command in COMMANDS.iter().filter(|command| !real.contains(command)) {
        if let Err(error) = world.ask(command, json!({})) {
            let error = error.to_string();
            assert!(!error.contains("not found") && !error.contains("not allowed"), "{command}: {error}");
        }
    }
    let sources = [
        include_str!("../commands.rs"),
        include_str!("lab.rs"),
        include_str!("log.rs"),
        include_str!("settings.rs"),
    ];
    assert_eq!(
        sources.iter().map(|source| source.matches("#[tauri::command").count()).sum::<usize>(),
        COMMANDS.len(),
        "a command is missing in command_names.rs"
    );
}

#[test]
fn the_capability_names_each_command_and_beyond_them_events_and_the_zoom() {
    let capability: Value = serde_json::from_str(include_str!("../../capabilities/main.json")).unwrap();
    let granted: BTreeSet<&str> =
        capability["permissions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let commands: Vec<String> =
        COMMANDS.iter().map(|name| format!("allow-{}", name.replace('_', "-"))).collect();
    let events =
        ["core:event:allow-listen", "core:event:allow-unlisten", "core:webview:allow-set-webview-zoom"];
    assert_eq!(granted, commands.iter().map(String::as_str).chain(events).collect());
    assert_eq!(capability["windows"], json!(["main"]));
    assert_eq!(capability.get("remote"), None);
}

#[test]
fn another_window_and_a_foreign_page_may_call_nothing() {
    let world = World::new(Vec::new());
    let other = WebviewWindowBuilder::new(&world.app, "other", WebviewUrl::default()).build().unwrap();
    for command in COMMANDS {
        for answer in [
            ask(&other, OURS, command, json!({})),
            ask(&world.main, "https://example.com", command, json!({})),
        ] {
            let error = answer.unwrap_err().to_string();
            assert!(error.contains("not allowed"), "{command}: {error}");
        }
    }
    assert!(world.ask("no_such_command", json!({})).is_err());
    assert!(world.ask("plugin:window|create", json!({})).is_err());
}

#[test]
fn an_error_reaches_the_page_as_code_message_and_hint() {
    let world = World::new(vec![AccountConfig::demo(NOBODY)]);
    assert_eq!(
        world.ask("renew", json!({ "account": "nobody" })),
        Err(json!({
            "code": "unknown_account",
            "message": "there is no account `nobody`",
            "hint": "`latchkey accounts list` shows the accounts there are",
        }))
    );
    let typed = json!({ "account": "demo", "username": "demo", "password": "demo" });
    let error = world.ask("sign_in", typed).unwrap_err();
    assert_eq!(error["code"], "backend_unreachable", "{error}");
    assert_eq!(world.ask("renew", json!({ "account": "demo" })).unwrap_err()["code"], "sign_in_needed");
}

#[test]
fn words_that_can_be_nothing_we_know_are_refused() {
    let world = World::new(Vec::new());
    for command in ["renew", "sign_out"] {
        let error = world.ask(command, json!({ "account": "x".repeat(100_000) })).unwrap_err();
        assert_eq!(error["code"], "invalid_input");
    }
    let long = json!({ "account": "demo", "username": "demo", "password": "x".repeat(100_000) });
    assert_eq!(world.ask("sign_in", long).unwrap_err()["code"], "invalid_input");
    assert!(world.ask("set_log_level", json!({ "level": "loud" })).is_err());
    assert!(world.ask("log", json!({ "after": -1, "limit": 10 })).is_err());
}

#[test]
fn the_log_level_can_be_changed_while_the_app_runs() {
    let world = World::new(Vec::new());
    assert_eq!(world.ask("set_log_level", json!({ "level": "trace" })), Ok(Value::Null));
    let info = world.ask("app_info", json!({})).unwrap();
    assert_eq!(
        info,
        json!({ "version": env!("CARGO_PKG_VERSION"), "vault": "memory (forgotten when Latchkey ends)", "log_level": "trace", "served_by": "nobody" })
    );
    assert_eq!(world.ask("log", json!({ "after": null, "limit": u32::MAX })), Ok(json!([])));
}

#[cfg(feature = "devserver")]
#[test]
fn the_demo_is_configured_served_and_signed_in_and_can_be_used_like_any_account() {
    let world = World::new(Vec::new());
    let (port, _held) = port_of_its_own();
    configure(&world, &AccountConfig::demo(port));
    let added = world.ask("add_demo", json!({})).unwrap();
    assert_eq!((&added["account"], &added["state"]), (&json!("demo"), &json!("signed_in")), "{added}");
    // A second time is fine and changes nothing.
    assert_eq!(world.ask("add_demo", json!({})).unwrap()["generation"], added["generation"]);

    let demo = json!({ "account": "demo" });
    assert_eq!(world.ask("renew", demo.clone()), Ok(Value::Null));
    assert_eq!(world.ask("sign_out", demo), Ok(Value::Null));
    let wrong = json!({ "account": "demo", "username": "demo", "password": "wrong" });
    assert_eq!(world.ask("sign_in", wrong).unwrap_err()["code"], "wrong_credentials");
}

#[test]
fn an_account_of_somebodys_own_that_is_called_demo_gets_no_demo_password() {
    let world = World::new(Vec::new());
    configure(&world, &AccountConfig { devserver: false, ..AccountConfig::demo(NOBODY) });
    assert_eq!(world.ask("add_demo", json!({})).unwrap_err()["code"], "account_exists");
}

fn configure(world: &World, account: &AccountConfig) {
    config::add_account(&paths(&world.folder), &name("demo"), &AccountToml::from(account)).unwrap();
}

#[test]
fn a_server_that_is_not_there_is_said_and_an_address_that_is_none_too() {
    let world = World::new(Vec::new());
    let asked = |issuer: &str| world.ask("discover", json!({ "issuer": issuer })).unwrap_err();
    assert_eq!(asked("http://127.0.0.1:1")["code"], "backend_unreachable");
    for bad in ["", "http://login.example.com", "ftp://x", "file:///etc/passwd"] {
        assert_eq!(asked(bad)["code"], "invalid_input", "{bad}");
        assert!(asked(bad)["hint"].is_string(), "{bad}");
    }
    assert_eq!(asked(&"x".repeat(100_000))["code"], "invalid_input");
}

fn keys() -> Value {
    json!({
        "provider": "oauth", "issuer": "https://login.example.com", "client_id": "latchkey", "scope": "openid",
    })
}

#[test]
fn an_account_is_written_down_and_opened_and_its_name_is_taken_then() {
    let world = World::new(Vec::new());
    let account = json!({ "account": "work", "changes": keys() });
    assert_eq!(world.ask("add_account", account.clone()), Ok(Value::Null));
    let written = std::fs::read_to_string(paths(&world.folder).config_file()).unwrap();
    assert!(written.contains("[accounts.work]") && written.contains("client_id = \"latchkey\""), "{written}");
    assert_eq!(world.ask("add_account", account).unwrap_err()["code"], "account_exists");
    for command in ["open_sign_in_page", "copy_sign_in_address", "copy_user_code"] {
        assert_eq!(world.ask(command, json!({ "account": "work" })).unwrap_err()["code"], "no_sign_in");
    }
    assert_eq!(world.ask("sign_in_picture", json!({ "account": "work" })), Ok(Value::Null));
    assert_eq!(world.ask("cancel_sign_in", json!({ "account": "work" })), Ok(Value::Null));
}

#[test]
fn a_setting_that_was_changed_by_hand_meanwhile_stays_and_is_followed_with_the_next() {
    let world = World::new(Vec::new());
    std::fs::write(paths(&world.folder).config_file(), "[app]\nlanguage = \"de\"\n").unwrap();
    let mut wanted = world.ask("settings", json!({})).unwrap()["app"].clone();
    wanted["notifications"]["sign_in_soon"] = json!(false);
    let set = world.ask("set_settings", json!({ "wanted": wanted })).unwrap();
    wanted["language"] = json!("de");
    assert_eq!(set, wanted, "the window shows what is set, and asks for that next time");
    assert_eq!(world.ask("settings", json!({})).unwrap()["app"], wanted);
    let written = std::fs::read_to_string(paths(&world.folder).config_file()).unwrap();
    assert_eq!(written, "[app]\nlanguage = \"de\"\n\n[app.notifications]\nsign_in_soon = false\n");
}

#[test]
fn a_fault_is_planned_in_words_that_have_an_end() {
    let world = World::new(Vec::new());
    for (path, mode) in
        [("x".repeat(100_000), "drop"), ("/auth/login\n".to_owned(), "drop"), ("/".to_owned(), "a\0")]
    {
        let fault = json!({ "path": path, "mode": mode, "status": null, "count": 1 });
        assert_eq!(world.ask("lab_fault", json!({ "fault": fault })).unwrap_err()["code"], "invalid_input");
    }
}

#[test]
fn an_account_that_was_opened_meanwhile_as_it_was_written_down_is_added_all_the_same() {
    let world = World::new(Vec::new());
    let work = config::from_keys(&name("work"), &serde_json::from_value(keys()).unwrap()).unwrap();
    let shell = world.app.state::<Shell>();
    // As whoever follows the configuration does.
    async_runtime::block_on(async { shell.engine.add_account(&work, Vec::new()).unwrap() });
    assert_eq!(world.ask("add_account", json!({ "account": "work", "changes": keys() })), Ok(Value::Null));
}

#[cfg(feature = "devserver")]
#[test]
fn nobody_is_signed_out_for_a_change_that_cannot_be_written_down() {
    let world = World::new(Vec::new());
    let (port, _held) = port_of_its_own();
    configure(&world, &AccountConfig::demo(port));
    world.ask("add_demo", json!({})).unwrap();
    // What keeps two processes from writing at once cannot be had.
    let lock = paths(&world.folder).locks_dir().join(".config.lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    let elsewhere = format!("http://127.0.0.1:{NOBODY}/auth/login");
    let moved = json!({ "account": "demo", "changes": { "login_url": elsewhere } });
    assert_eq!(world.ask("change_account", moved.clone()).unwrap_err()["code"], "configuration");
    assert_eq!(world.ask("sessions", json!({ "language": "en" })).unwrap()[0]["state"], "signed_in");
    std::fs::remove_dir(&lock).unwrap();
    assert_eq!(world.ask("change_account", moved), Ok(Value::Null));
    assert_eq!(world.ask("sessions", json!({ "language": "en" })).unwrap()[0]["state"], "signed_out");
}

#[cfg(feature = "devserver")]
#[test]
fn the_demo_that_is_asked_for_twice_at_once_begins_once() {
    let world = World::new(Vec::new());
    let (shell, (port, _held)) = (world.app.state::<Shell>(), port_of_its_own());
    let both = async { tokio::join!(shell.demo_at(port), shell.demo_at(port)) };
    let (first, second) = async_runtime::block_on(both);
    assert_eq!([first.unwrap().account, second.unwrap().account], ["demo", "demo"]);
}

/// A port that nobody else is given as long as the socket lives: it is bound, and who listens at this very one reuses
/// addresses.
#[cfg(feature = "devserver")]
fn port_of_its_own() -> (u16, tokio::net::TcpSocket) {
    let held = tokio::net::TcpSocket::new_v4().unwrap();
    held.set_reuseaddr(true).unwrap();
    held.bind((std::net::Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    (held.local_addr().unwrap().port(), held)
}

#[test]
fn a_pasted_token_is_read_on_this_machine_and_what_is_none_is_said_so() {
    let world = World::new(Vec::new());
    let look = |token: &str| world.ask("inspect_token", json!({ "token": token, "language": "en" }));
    let header_and_claims = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwic3ViIjoiYWRhIn0";
    let found = look(&format!("Authorization: Bearer {header_and_claims}.c2ln")).unwrap();
    assert_eq!(found["jwt"], true);
    assert_eq!(found["claims"][1], json!({ "name": "sub", "value": "ada" }));
    assert_eq!(found["signature"]["kind"], "not_checked");
    assert!(!found.to_string().contains("c2ln"), "the signature would make it a token again");
    assert_eq!(look("2YotnFZFEjr1zCsicMWpAA").unwrap()["jwt"], false);
    assert_eq!(look(" \n").unwrap_err()["code"], "invalid_input");
}

#[test]
fn a_german_window_hears_of_tokens_and_scenarios_in_german() {
    let world = World::new(Vec::new());
    let asked = json!({ "token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.c2ln", "language": "de" });
    let why = &world.ask("inspect_token", asked).unwrap()["signature"]["why"];
    assert_eq!(why, "es nennt keinen Aussteller");
    for (language, title) in
        [("de", "Ein Administrator beendet die Sitzung"), ("en", "An administrator ends the session")]
    {
        let scenarios = world.ask("lab_scenarios", json!({ "language": language })).unwrap();
        let one = scenarios.as_array().unwrap().iter().find(|one| one["name"] == "admin-revokes").unwrap();
        assert_eq!(one["title"], title);
    }
}

#[test]
fn a_german_window_hears_in_german_why_something_did_not_work() {
    let world = World::new(vec![AccountConfig::demo(NOBODY)]);
    let typed = json!({ "account": "demo", "username": "demo", "password": "demo" });
    for (language, why) in
        [("de", "unter seiner Adresse antwortet kein Programm"), ("en", "nothing listens at its address")]
    {
        assert!(world.ask("sessions", json!({ "language": language })).is_ok());
        let error = world.ask("sign_in", typed.clone()).unwrap_err();
        assert_eq!(error["told"]["values"]["what"], why, "{error}");
    }
}

#[test]
fn no_token_of_an_account_that_is_not_there_is_copied() {
    let world = World::new(Vec::new());
    let error = world.ask("copy_access_token", json!({ "account": "work" })).unwrap_err();
    assert_eq!(error["code"], "unknown_account");
}

#[cfg(feature = "devserver")]
#[test]
fn quitting_while_a_backend_is_measured_leaves_no_session_there() {
    use latchkey_devserver::{DevServer, Fault, FaultMode, Options};

    let world = World::new(Vec::new());
    let shell = world.app.state::<Shell>();
    async_runtime::block_on(async {
        let options = Options { listen: ([127, 0, 0, 1], 0).into(), state: None, ..Options::default() };
        let backend = DevServer::start(options).await.unwrap();
        let url = backend.url();
        let account = format!(
            "[accounts.far]\nprovider = \"credentials\"\nlogin_url = \"{url}/auth/login\"\n\
             refresh_url = \"{url}/auth/refreshToken\"\nlogout_url = \"{url}/auth/logout\"\n"
        );
        std::fs::write(paths(&world.folder).config_file(), account).unwrap();
        // The first refresh is answered; with the second one the backend falls silent.
        let silence = Fault::new("refresh", FaultMode::Delay).after(std::time::Duration::from_mins(10));
        backend.faults().add(silence.from_nth(2)).unwrap();
        let mut requests = backend.follow_requests();
        let password = serde_json::from_value(json!("demo")).unwrap();
        let measuring = shell.lab_profile("far", Some("demo".to_owned()), Some(password));
        let quitting = async {
            while requests.recv().await.unwrap().path != "/auth/refreshToken" {}
            shell.close().await;
        };
        let (measured, ()) = tokio::join!(measuring, quitting);
        assert_eq!(serde_json::to_value(measured.unwrap_err()).unwrap()["code"], "lab_failed");
        assert_eq!(backend.revoke("demo").await, Some(0));
    });
}
