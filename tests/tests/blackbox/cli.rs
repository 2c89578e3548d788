//! The whole way in the terminal: from an empty machine to signed out, with real tokens in a real keychain.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use latchkey_engine::clock::SystemClock;
use latchkey_engine::ports::Clock as _;
use latchkey_tests::canary::Canary;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::programs::DevServerProcess;
use latchkey_tests::wait::{PATIENCE, until};
use serde_json::Value;

/// The desktop, and the account `demo` on a backend in a process of its own.
fn set_up(lifetime: &str) -> (Desktop, DevServerProcess) {
    let desktop = Desktop::start(Keychain::Unlocked).with("LATCHKEY_VAULT", "keychain");
    let backend = DevServerProcess::start(&desktop, &["--access-lifetime", lifetime]);
    desktop.add_demo(backend.port);
    (desktop, backend)
}

#[test]
fn a_person_signs_in_renews_restarts_and_signs_out() {
    let (desktop, _backend) = set_up("10m");
    let before = desktop.status("demo");
    assert_eq!((&before["state"], &before["generation"]), (&"signed_out".into(), &0.into()));
    let _ = desktop.latchkey(&["token", "demo"]).ends(3).says("latchkey sign-in demo");

    let signed_in = desktop.sign_in("demo", "demo").ends(0);
    assert_eq!(signed_in.stdout, "", "nothing was asked for, so nothing is printed");

    // Every command is a process of its own: what it knows, it knows from the keychain.
    let status = desktop.status("demo");
    for (place, value) in [
        ("/account", "demo"),
        ("/provider", "credentials"),
        ("/state", "signed_in"),
        ("/identity/email", "demo@example.com"),
    ] {
        assert_eq!(status.pointer(place), Some(&value.into()), "{place} of {status:#}");
    }
    assert_eq!(status["reason"], Value::Null);
    assert_eq!(status["generation"], 1);
    assert_eq!(status["next"]["action"], "renew");
    assert!(status["next"]["why"].is_string() && status["renewals"]["count"].is_number());
    for clock in ["access", "refresh", "session"] {
        let clock = &status["clocks"][clock];
        let ends: jiff::Timestamp = clock["expires_at"].as_str().unwrap().parse().unwrap();
        assert!(
            clock["expires_at"].as_str().unwrap().ends_with('Z')
                && ends.as_second() > 0
                && clock["source"].is_string()
        );
    }
    let page = desktop.latchkey(&["status"]).ends(0).stdout;
    for words in ["demo: signed in", "Signed in until", "Demo User <demo@example.com>", "next"] {
        assert!(page.contains(words), "`status` does not say “{words}”:\n{page}");
    }

    let _ = desktop.latchkey(&["renew", "demo"]).ends(0).says("generation 1 → 2");
    assert_eq!(desktop.status("demo")["generation"], 2);
    let kinds = kinds_in_the_log(&desktop);
    assert!(kinds.contains("signed_in") && kinds.contains("renewed"), "{kinds:?}");
    assert!(desktop.latchkey(&["log", "--account", "demo"]).ends(0).stdout.contains("enewed"));

    let _ = desktop.latchkey(&["sign-out", "demo"]).ends(0).says("signed out");
    assert_eq!(desktop.secret_of("demo"), None, "the keychain still has it");
    assert_eq!(desktop.status("demo")["state"], "signed_out");
    let _ = desktop.latchkey(&["token", "demo"]).ends(3);
    let _ = desktop.latchkey(&["renew", "demo"]).ends(3);
    let _ = desktop.latchkey(&["sign-out", "demo"]).ends(0).says("nobody was signed in");
}

#[test]
fn tokens_are_in_the_keychain_and_in_no_file() {
    let (desktop, _backend) = set_up("10m");
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);

    let items = desktop.items();
    assert!(items.contains("attribute.service = latchkey"), "{items}");
    assert!(items.contains("attribute.username = demo"), "{items}");
    let item: Value = serde_json::from_str(&desktop.secret_of("demo").expect("the item of demo")).unwrap();
    let access = desktop.latchkey(&["token", "demo"]).ends(0).value().to_owned();
    let texts = texts_of(&item);
    assert!(texts.contains(&access), "the item does not hold the token that is handed out");

    let mut canary = Canary::default();
    // Times and names are in the log with good reason; whatever is as long as a token and no sentence is a token.
    for (place, text) in texts.iter().filter(|text| text.len() >= 32 && !text.contains(' ')).enumerate() {
        canary.watch(&format!("token {place}"), text);
    }
    assert!(canary.secrets() >= 2, "an access and a refresh token are to be looked for");
    for folder in ["config", "state", "runtime", "home"] {
        let (files, found) = canary.look_into(&desktop.path(folder));
        assert!(found.is_empty(), "{found:#?}");
        assert!(files > 0 || matches!(folder, "home" | "runtime"), "{folder} is empty: was it looked into?");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tokens_a_lifetime_apart_differ_and_both_are_the_backends() {
    // Used for half of that at least, and renewed then.
    let (desktop, backend) = set_up("8s");
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let keys: JwkSet = get(&format!("{}/.well-known/jwks.json", backend.url)).await;
    let token = |options: &[&str]| {
        let asked = SystemClock.now().wall;
        let done = desktop.latchkey(&[&["token", "demo", "--min-valid", "4s"], options].concat()).ends(0);
        (done.value().to_owned(), asked)
    };

    let first = token(&[]);
    let mine = verified(&first, &keys, &backend.url);
    let second = until("another token", PATIENCE, || Some(token(&[])).filter(|(token, _)| *token != first.0));
    let later = verified(&second, &keys, &backend.url);
    assert!(later["exp"].as_i64() > mine["exp"].as_i64());
    assert_eq!(mine["sid"], later["sid"], "the session went on");

    let (header, asked) = token(&["--output", "header"]);
    let third = header.strip_prefix("Authorization: Bearer ").expect("a header").to_owned();
    verified(&(third, asked), &keys, &backend.url);
    let (document, asked) = token(&["--output", "json"]);
    let document: Value = serde_json::from_str(&document).unwrap();
    verified(&(document["access_token"].as_str().unwrap().to_owned(), asked), &keys, &backend.url);
    assert_eq!(document["account"], "demo");
}

#[test]
fn a_password_is_taken_from_no_argument() {
    let desktop = Desktop::start(Keychain::NoBus);
    let help = desktop.latchkey(&["sign-in", "--help"]).ends(0).stdout;
    let options: Vec<_> = help.split_whitespace().filter(|word| word.starts_with("--password")).collect();
    assert!(
        !options.is_empty() && options.iter().all(|option| option.starts_with("--password-stdin")),
        "{help}"
    );
    for arguments in [
        &["sign-in", "demo", "--password", "x"][..],
        &["sign-in", "demo", "--username", "demo", "--password=x"],
    ] {
        let _ = desktop.latchkey(arguments).ends(2);
    }
}

#[test]
fn an_account_is_shown_and_removed_with_its_tokens() {
    let (desktop, _backend) = set_up("10m");
    let _ = desktop.sign_in("demo", "demo").ends(0);
    assert_eq!(desktop.latchkey(&["accounts", "list", "--json"]).ends(0).json().as_array().unwrap().len(), 1);
    assert!(desktop.latchkey(&["accounts", "show", "demo"]).ends(0).stdout.contains("/auth/login"));
    let _ = desktop.latchkey(&["accounts", "remove", "demo", "--yes"]).ends(0);
    assert_eq!(desktop.secret_of("demo"), None);
    assert_eq!(desktop.latchkey(&["status", "--json"]).ends(0).json(), Value::Array(Vec::new()));
    let _ = desktop.latchkey(&["status", "demo"]).ends(2);
}

fn kinds_in_the_log(desktop: &Desktop) -> BTreeSet<String> {
    let log = desktop.latchkey(&["log", "--json"]).ends(0).json();
    log.as_array().unwrap().iter().map(|record| record["kind"].as_str().unwrap().to_owned()).collect()
}

/// Every text in a document.
fn texts_of(document: &Value) -> BTreeSet<String> {
    match document {
        Value::String(text) => BTreeSet::from([text.clone()]),
        Value::Array(many) => many.iter().flat_map(texts_of).collect(),
        Value::Object(many) => many.values().flat_map(texts_of).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => BTreeSet::new(),
    }
}

/// The claims of a token that was asked for at this time, as a resource server reads them that gets it at once. The test
/// itself may come to it later than the token lives.
fn verified((token, asked): &(String, Timestamp), keys: &JwkSet, issuer: &str) -> Value {
    let name = decode_header(token).unwrap().kid.expect("a token names its key");
    let key = DecodingKey::from_jwk(keys.find(&name).expect("the key is in the set")).unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_issuer(&[issuer]);
    rules.set_audience(&["latchkey-demo"]);
    rules.validate_exp = false;
    let claims = decode::<Value>(token, &key, &rules).unwrap().claims;
    assert!(claims["exp"].as_i64().unwrap() > asked.as_second(), "it had ended: {claims}");
    claims
}

async fn get<T: serde::de::DeserializeOwned>(url: &str) -> T {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(url).send().await.unwrap().json().await.unwrap()
}

#[test]
fn a_command_takes_down_what_the_configuration_says_unless_the_environment_says_otherwise() {
    let (desktop, _backend) = set_up("10m");
    let told = || std::fs::read_to_string(desktop.events_file()).unwrap();
    let _ = desktop.sign_in("demo", "demo").ends(0);
    assert!(!told().contains("\"debug\""), "{}", told());
    let config = std::fs::read_to_string(desktop.config_file()).unwrap();
    std::fs::write(desktop.config_file(), format!("{config}\n[app]\nlog_level = \"debug\"\n")).unwrap();
    let renewed = desktop.latchkey(&["renew", "demo"]).ends(0);
    assert!(told().contains("\"debug\""), "{}", told());
    assert!(
        !renewed.stderr.contains("debug"),
        "only who asks for one command wants to see it: {}",
        renewed.stderr
    );
    let before = told().matches("\"debug\"").count();
    let mut quiet = desktop.latchkey_command(&["renew", "demo"]);
    assert!(quiet.env("LATCHKEY_LOG", "warn").output().unwrap().status.success());
    assert_eq!(told().matches("\"debug\"").count(), before);
}
