//! `latchkey doctor` on machines that are well and on machines that are not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use latchkey_tests::address::Address;
use latchkey_tests::canary::Canary;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::programs::Running;
use latchkey_tests::wait::{PATIENCE, until};
use serde_json::Value;

use crate::agent::{agent, ends};
use crate::backend::living;

/// What it finds, as its topic, account, code and grade. A vault that takes more than two seconds works as well: that it is
/// warned of is right on a machine with much else to do, and not what is looked at here.
#[track_caller]
fn found(desktop: &Desktop, code: i32) -> Vec<String> {
    let report = desktop.latchkey(&["doctor", "--json"]).ends(code).json();
    assert_eq!(report["healthy"], code == 0, "{report:#}");
    let found = report["findings"].as_array().unwrap().iter().map(in_short);
    found.map(|one| one.replace("vault - vault_slow warning", "vault - vault_works ok")).collect()
}

fn in_short(finding: &Value) -> String {
    let text = |member: &str| finding[member].as_str().unwrap_or("-").to_owned();
    assert!(!text("message").is_empty());
    format!("{} {} {} {}", text("topic"), text("account"), text("code"), text("grade"))
}

#[track_caller]
fn has(found: &[String], expected: &str) {
    assert!(found.iter().any(|one| one == expected), "no “{expected}” in {found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_it_says_so() {
    let desktop = Desktop::start(Keychain::Unlocked);
    let backend = living(Duration::from_mins(10)).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    has(&found(&desktop, 0), "agent - agent_absent warning");
    let (agent, _) = agent(&desktop);
    let found = found(&desktop, 0);
    assert!(found.iter().all(|one| one.ends_with(" ok")), "{found:#?}");
    for expected in [
        "agent - agent_serves ok",
        "vault - vault_works ok",
        "config - config_read ok",
        "folders - folder_usable ok",
        "folders - locks_work ok",
        "clock - clock_plausible ok",
        "account demo provider_reached ok",
        "account demo tokens_stored ok",
    ] {
        has(&found, expected);
    }
    let page = until("all to be well, a slow vault included", PATIENCE, || {
        let page = desktop.latchkey(&["doctor"]).ends(0);
        page.stdout.ends_with("\nAll is well\n").then_some(page)
    });
    assert!(page.stdout.contains("Tokens are stored, generation 2"), "{page:#?}");
    let mut canary = Canary::default();
    canary.watch("the envelope", &desktop.secret_of("demo").unwrap());
    assert!(canary.look("the page", page.stdout.as_bytes()).is_empty());
    assert!(!desktop.items().contains("check"), "the probe is gone: {}", desktop.items());
    // As a unit that nobody told where tokens are kept here.
    let other = desktop.latchkey_command(&["doctor"]).env("LATCHKEY_VAULT", "memory").output().unwrap();
    let said = String::from_utf8_lossy(&other.stdout);
    let elsewhere = format!("The agent (process {}) keeps tokens elsewhere", agent.id());
    assert!(said.contains(&elsewhere), "{said}");
    // Whoever signs in there is told at once, or would be sent to sign in again and again.
    let sign_in = ["sign-in", "demo", "--username", "demo", "--password-stdin"];
    let mut command = desktop.latchkey_command(&sign_in);
    command.env("LATCHKEY_VAULT", "memory");
    let _ = Running::start(command, "demo").done().ends(0).says(&elsewhere);
    let here = desktop.sign_in("demo", "demo").ends(0);
    assert!(!here.stderr.contains("elsewhere"), "{here:#?}");
    ends(agent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keychain_that_cannot_be_used_is_named_with_what_to_do() {
    for (keychain, code, words) in [
        (Keychain::Locked, "keychain_locked", "Unlock it"),
        (Keychain::Bare, "keychain_unavailable", "default"),
        (Keychain::Absent, "keychain_unavailable", "Start a keychain service"),
        (Keychain::NoBus, "keychain_unavailable", "LATCHKEY_VAULT"),
    ] {
        let desktop = Desktop::start(keychain);
        has(&found(&desktop, 1), &format!("vault - {code} problem"));
        let page = desktop.latchkey(&["doctor"]).ends(1);
        assert!(page.stdout.contains(words), "{keychain:?}: {page:#?}");
        assert!(page.stdout.ends_with("\n1 problem\n"), "{keychain:?}: {page:#?}");
        assert_eq!(page.stderr, "", "{keychain:?}: what is wrong is said once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vaults_without_a_keychain_are_looked_at_as_well() {
    let memory = Desktop::start(Keychain::NoBus).with("LATCHKEY_VAULT", "memory");
    has(&found(&memory, 0), "vault - vault_forgets warning");
    let unknown = Desktop::start(Keychain::NoBus).with("LATCHKEY_VAULT", "magic");
    has(&found(&unknown, 1), "vault - vault_not_opened problem");

    let desktop = Desktop::start(Keychain::NoBus).with("LATCHKEY_VAULT", "sealed-file");
    has(&found(&desktop, 1), "vault - vault_not_opened problem");
    let passphrase = desktop.path("passphrase");
    fs::write(&passphrase, "open sesame").unwrap();
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    let desktop = desktop.with("LATCHKEY_PASSPHRASE_FILE", &passphrase);
    has(&found(&desktop, 0), "vault - vault_works ok");
    let backend = living(Duration::from_mins(10)).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    has(&found(&desktop, 0), "account demo tokens_stored ok");
    fs::write(&passphrase, "open barley").unwrap();
    has(&found(&desktop, 1), "vault - keychain_wrong_passphrase problem");
    let page = desktop.latchkey(&["doctor"]).ends(1).stdout;
    assert!(!page.contains("barley") && !page.contains("sesame"), "{page}");
}

#[test]
fn what_is_wrong_with_settings_and_provider_is_found_together() {
    let (desktop, nobody) = (Desktop::start(Keychain::Unlocked), Address::of_its_own());
    desktop.add_demo(nobody.at().port());
    fs::set_permissions(desktop.path("state"), fs::Permissions::from_mode(0o755)).unwrap();
    let all = found(&desktop, 1);
    has(&all, "account demo provider_unreachable problem");
    has(&all, "account demo not_signed_in ok");
    has(&all, "folders - folder_open warning");
    let page = desktop.latchkey(&["doctor"]).ends(1);
    assert!(page.stdout.contains("nothing listens at its address"), "{page:#?}");

    fs::write(desktop.config_file(), "[accounts.demo]\nrenew_befor = \"1m\"\n").unwrap();
    has(&found(&desktop, 1), "config - config_unusable problem");
}
