//! The vault of machines without a keychain: chosen by name, opened by a file, and as careful as a keychain.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use latchkey_devserver::{DevServer, Options, User};
use latchkey_engine::clock::SystemClock;
use latchkey_engine::ports::Clock as _;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::programs::Done;
use latchkey_tests::wait::{PATIENCE, until};

use crate::backend::{LOGIN, REFRESH, asked, living, random_text};
use crate::canary::Watched;

/// A machine without a keychain where the sealed file was chosen.
fn machine() -> Desktop {
    Desktop::start(Keychain::NoBus).with("LATCHKEY_VAULT", "sealed-file")
}

fn private_file(desktop: &Desktop, name: &str, bytes: &[u8]) -> PathBuf {
    let path = desktop.path(name);
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// With a passphrase in a file.
pub(crate) fn with_passphrase(desktop: Desktop, passphrase: &str) -> Desktop {
    let path = private_file(&desktop, "passphrase", format!("{passphrase}\n").as_bytes());
    desktop.with("LATCHKEY_PASSPHRASE_FILE", path)
}

/// With a key file, and `demo` signed in.
async fn signed_in_by_key_file() -> (Desktop, DevServer, PathBuf) {
    let desktop = machine();
    let key = private_file(&desktop, "key", &[0xa7; 32]);
    let desktop = desktop.with("LATCHKEY_KEY_FILE", &key);
    let backend = living(Duration::from_mins(10)).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    (desktop, backend, key)
}

fn sealed(desktop: &Desktop) -> PathBuf {
    desktop.path("state").join("vault").join("demo.sealed")
}

#[track_caller]
fn says(done: &Done, words: &[&str]) {
    for words in words {
        assert!(done.stderr.contains(words), "the message does not say “{words}”: {done:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_from_one_process_to_the_next() {
    let desktop = with_passphrase(machine(), "open sesame");
    let watched = Watched::start(desktop, Duration::from_mins(10)).await;
    let desktop = &watched.desktop;
    let _ = desktop.sign_in("demo", &watched.password).ends(0);
    for generation in 2..=4 {
        let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
        assert_eq!(desktop.status("demo")["generation"], generation);
    }
    let found = fs::metadata(sealed(desktop)).unwrap();
    let folder = fs::metadata(sealed(desktop).parent().unwrap()).unwrap();
    assert_eq!([found.mode() & 0o777, folder.mode() & 0o777], [0o600, 0o700]);
    watched.files_hold_none(&watched.canary());

    let _ = desktop.latchkey(&["sign-out", "demo"]).ends(0);
    assert!(fs::read_dir(sealed(desktop).parent().unwrap()).unwrap().next().is_none());
    watched.files_hold_none(&watched.canary());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_opens_what_it_has_sealed() {
    let (desktop, backend, key) = signed_in_by_key_file().await;
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    fs::write(&key, [0xa8; 32]).unwrap();
    says(&desktop.latchkey(&["renew", "demo"]).ends(1), &["does not open the sealed file"]);
    fs::write(&key, [0xa7; 32]).unwrap();
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    assert_eq!(asked(&backend, REFRESH), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_lost_the_key_is_told_how_to_begin_anew_and_can() {
    let (desktop, _backend, key) = signed_in_by_key_file().await;
    fs::write(&key, [0xa8; 32]).unwrap();
    says(&desktop.sign_in("demo", "demo").ends(1), &["if that is lost", "latchkey sign-out"]);
    let _ = desktop.latchkey(&["sign-out", "--all"]).ends(0);
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let _ = desktop.latchkey(&["token", "demo"]).ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_passphrase_spends_nothing_and_changes_nothing() {
    let desktop = with_passphrase(machine(), "open sesame");
    let backend = living(Duration::from_mins(10)).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let before = fs::read(sealed(&desktop)).unwrap();

    private_file(&desktop, "passphrase", b"open barley");
    for command in [&["renew", "demo"][..], &["token", "demo", "--wait", "1s"], &["status"]] {
        let refused = desktop.latchkey(command).ends(1);
        says(&refused, &["does not open the sealed file", "the one it was sealed with"]);
    }
    let refused = desktop.sign_in("demo", "demo").ends(1);
    says(&refused, &["does not open the sealed file"]);
    assert_eq!((asked(&backend, LOGIN), asked(&backend, REFRESH)), (1, 0));
    assert_eq!(fs::read(sealed(&desktop)).unwrap(), before);

    private_file(&desktop, "passphrase", b"open sesame");
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_anything_to_open_it_with_the_person_is_told_what_to_set() {
    let desktop = machine();
    let backend = living(Duration::from_mins(10)).await;
    desktop.add_demo(backend.address().port());
    let refused = desktop.sign_in("demo", "demo").ends(2);
    says(&refused, &["LATCHKEY_PASSPHRASE_FILE", "LATCHKEY_KEY_FILE"]);

    let path = private_file(&desktop, "passphrase", b"open sesame");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let desktop = desktop.with("LATCHKEY_PASSPHRASE_FILE", &path);
    says(&desktop.sign_in("demo", "demo").ends(2), &["can be read by others", "chmod 600"]);
    let desktop = desktop.with("LATCHKEY_KEY_FILE", &path);
    says(&desktop.sign_in("demo", "demo").ends(2), &["unset"]);
    assert_eq!(asked(&backend, LOGIN), 0);
    assert!(!sealed(&desktop).parent().unwrap().exists(), "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_files_cannot_grow_no_token_is_spent() {
    let desktop = with_passphrase(machine(), "open sesame");
    let backend = living(Duration::from_mins(10)).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let before = fs::read(sealed(&desktop)).unwrap();

    // A limit of a few kilobytes on every file, as a full disk or a quota makes; the signal for it is ignored.
    let mut limited = desktop.command("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" renew demo"]);
    limited.arg(latchkey_tests::programs::latchkey());
    let said = limited.output().unwrap();
    let stderr = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot be read or written"), "{stderr}");
    assert_eq!(asked(&backend, REFRESH), 0, "what cannot be saved is not spent");
    assert_eq!(fs::read(sealed(&desktop)).unwrap(), before);

    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    assert_eq!(desktop.status("demo")["generation"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_at_any_time_leaves_a_session_behind() {
    const KILLS: i64 = 12;
    let desktop = with_passphrase(machine(), "open sesame");
    // With a grace window no kill can cost the session; without one those between reply and writing would.
    let backend = DevServer::start(Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        access_lifetime: Duration::from_mins(10),
        grace: Duration::from_mins(10),
        users: vec![User::demo()],
        ..Options::default()
    })
    .await
    .unwrap();
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let mut generation = 1;
    for kill in 0..KILLS {
        let seen = asked(&backend, REFRESH);
        let renewing = desktop.start_latchkey(&["renew", "demo"], "");
        until("the refresh to arrive", PATIENCE, || (asked(&backend, REFRESH) > seen).then_some(()));
        let soon = SystemClock.now().boot + SignedDuration::from_micros(kill * 1500);
        SystemClock.sleep_until(soon).await;
        drop(renewing);
        let now = desktop.status("demo");
        assert_eq!(now["state"], "signed_in", "kill {kill}: {now:#}");
        let stored = now["generation"].as_u64().unwrap();
        assert!(stored == generation || stored == generation + 1, "kill {kill}: {generation} → {stored}");
        generation = stored;
    }
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    let left: Vec<_> = fs::read_dir(sealed(&desktop).parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "what was cut off is cleaned up: {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_renew_at_once_spend_one_refresh_token() {
    let desktop = with_passphrase(machine(), &random_text("pass-"));
    let backend = living(Duration::from_mins(10)).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    for done in desktop.renewed_together(6) {
        assert_eq!(done.ends(0).json()["generation"], 2);
    }
    assert_eq!(asked(&backend, REFRESH), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_said_so_and_a_sign_in_replaces_it() {
    let desktop = with_passphrase(machine(), "open sesame");
    let backend = living(Duration::from_mins(10)).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let whole = fs::read(sealed(&desktop)).unwrap();
    fs::write(sealed(&desktop), &whole[..whole.len() - 100]).unwrap();
    says(&desktop.latchkey(&["renew", "demo"]).ends(1), &["cannot be read", "sign in"]);
    assert_eq!(asked(&backend, REFRESH), 0);
    let _ = desktop.sign_in("demo", "demo").ends(0);
    assert_eq!(desktop.status("demo")["state"], "signed_in");
}
