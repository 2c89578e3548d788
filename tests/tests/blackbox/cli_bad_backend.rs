//! Backends that misbehave: the command says what is wrong, ends with the right code, and loses nothing.

use std::fs::File;
use std::time::Duration;

use jiff::SignedDuration;
use latchkey_devserver::{DevServer, Fault, FaultMode};
use latchkey_tests::address::Address;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::{Process, print_into};
use latchkey_tests::programs::Done;
use latchkey_tests::wait::{PATIENCE, until};
use rustix::process::Signal;

use crate::backend::{LOGIN, LOGOUT, REFRESH, asked, by_hand, living, living_at};

/// What a backend may answer in place of a token reply: what the person is told of it at the login, and at the refresh,
/// with the exit code.
const ODD: [(FaultMode, &str, (i32, &str)); 5] = [
    (FaultMode::Html, "Wi-Fi sign-in page", (1, "Wi-Fi sign-in page")),
    // A success without a word is a reply that was lost on its way: the refresh may have been done.
    (FaultMode::Empty, "(200)", (4, "reply did not arrive")),
    (FaultMode::Status, "500", (1, "500")),
    (FaultMode::Big, "(200)", (1, "(200)")),
    (FaultMode::Redirect, "(302)", (1, "(302)")),
];

async fn set_up() -> (Desktop, DevServer) {
    let desktop = Desktop::start(Keychain::Unlocked);
    let backend = living(Duration::from_mins(10)).await;
    desktop.add_demo(backend.address().port());
    (desktop, backend)
}

/// A message for a person: one error, in words, without what the backend sent or where a program stands.
#[track_caller]
fn is_for_people(done: &Done) {
    assert!(done.stderr.starts_with("error: ") || done.stderr.contains("\nerror: "), "{done:#?}");
    for noise in ["<html", "<!doctype", "xxxx", "panicked", "reqwest", "Error {", "src/"] {
        assert!(!done.stderr.contains(noise), "the message shows “{noise}”: {done:#?}");
    }
    assert!(done.stderr.len() < 1000, "a message of {} bytes", done.stderr.len());
    assert_eq!(done.stdout, "", "an error is no value");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_changes_nothing() {
    let (desktop, backend) = set_up().await;
    let refused = desktop.sign_in("demo", "not this one").ends(1).says("did not accept");
    is_for_people(&refused);
    assert!(!refused.stderr.contains("not this one"));
    assert_eq!(desktop.status("demo")["state"], "signed_out");

    let _ = desktop.sign_in("demo", "demo").ends(0);
    let before = (desktop.secret_of("demo"), desktop.status("demo")["generation"].clone());
    let _ = desktop.sign_in("demo", "not this one").ends(1);
    assert_eq!(
        (desktop.secret_of("demo"), desktop.status("demo")["generation"].clone()),
        before,
        "the session is kept"
    );
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    assert_eq!(asked(&backend, LOGIN), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_not_there_is_said_so() {
    let (desktop, address) = (Desktop::start(Keychain::Unlocked), Address::of_its_own());
    let backend = living_at(&address, Duration::from_mins(10)).await;
    desktop.add_demo(address.at().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let kept = desktop.secret_of("demo");
    backend.shutdown().await;

    let renewal = desktop.latchkey(&["renew", "demo"]).ends(4);
    is_for_people(&renewal);
    is_for_people(&desktop.sign_in("demo", "demo").ends(4).says("latchkey devserver"));
    assert_eq!(desktop.secret_of("demo"), kept, "the session is kept");
    let token = desktop.latchkey(&["token", "demo"]).ends(0);
    assert!(token.value().starts_with("eyJ"), "the token in hand is as good as before");
    assert_eq!(desktop.status("demo")["generation"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_answers_at_the_login_are_told_and_sign_nobody_in() {
    let (desktop, backend) = set_up().await;
    let mut wrong = Vec::new();
    for (mode, words, _) in ODD {
        backend.faults().add(Fault::new(LOGIN, mode)).unwrap();
        let refused = desktop.sign_in("demo", "demo");
        is_for_people(&refused);
        if refused.code != Some(1) || !refused.stderr.contains(words) {
            wrong.push(format!("{mode:?}, not 1 and “{words}”: {refused:#?}"));
        }
        assert_eq!(backend.faults().clear(), 0, "{mode:?} was not asked for once");
        assert_eq!(desktop.secret_of("demo"), None, "{mode:?}");
    }
    assert_eq!(asked(&backend, LOGIN), ODD.len(), "a password is sent once, and after no redirect again");
    assert_eq!(asked(&backend, "/"), 0, "a redirect of a login is not followed");
    let _ = desktop.sign_in("demo", "demo").ends(0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_answers_at_the_refresh_are_told_and_keep_the_session() {
    let (desktop, backend) = set_up().await;
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let mut wrong = Vec::new();
    for (mode, _, (code, words)) in ODD {
        let before = (desktop.secret_of("demo"), desktop.status("demo")["generation"].clone());
        backend.faults().add(Fault::new(REFRESH, mode).times(-1)).unwrap();
        let failed = desktop.latchkey(&["renew", "demo"]);
        is_for_people(&failed);
        if failed.code != Some(code) || !failed.stderr.contains(words) {
            wrong.push(format!("{mode:?}, not {code} and “{words}”: {failed:#?}"));
        }
        assert!(desktop.latchkey(&["token", "demo"]).ends(0).value().starts_with("eyJ"), "{mode:?}");
        backend.faults().clear();
        let after = (desktop.secret_of("demo"), desktop.status("demo")["generation"].clone());
        assert_eq!(after, before, "{mode:?} cost the session");
        let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    }
    assert_eq!(asked(&backend, "/"), 0, "a redirect of a refresh is not followed");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_asks_for_a_sign_in_and_says_why() {
    let (desktop, backend) = set_up().await;
    let _ = desktop.sign_in("demo", "demo").ends(0);
    assert_eq!(backend.revoke("demo").await, Some(1));
    is_for_people(&desktop.latchkey(&["renew", "demo"]).ends(3).says("latchkey sign-in demo"));
    let status = desktop.status("demo");
    assert_eq!((&status["state"], &status["reason"]["code"]), (&"needs_sign_in".into(), &"refused".into()));
    let _ = desktop.sign_in("demo", "demo").ends(0);
    assert_eq!(desktop.status("demo")["state"], "signed_in");
}

#[test]
fn a_port_where_nobody_listens_is_out_of_reach() {
    let (desktop, nobody) = (Desktop::start(Keychain::Unlocked), Address::of_its_own());
    desktop.add_demo(nobody.at().port());
    is_for_people(&desktop.sign_in("demo", "demo").ends(4).says("nothing listens"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_is_given_up_on_its_way_signs_nobody_in_here_or_there() {
    let desktop = Desktop::start(Keychain::Unlocked);
    let (backend, clock, waiting) = by_hand().await;
    desktop.add_demo(backend.address().port());
    let wait = Duration::from_secs(10);
    backend.faults().add(Fault::new(LOGIN, FaultMode::Delay).after(wait)).unwrap();
    let [password, words] = ["password", "words"].map(|name| desktop.out(name));
    std::fs::write(&password, "demo").unwrap();
    let mut command =
        desktop.latchkey_command(&["sign-in", "demo", "--username", "demo", "--password-stdin"]);
    command.stdin(File::open(password).unwrap());
    print_into(&mut command, &words);
    let mut signing_in = Process::start(command, "nothing: it is built by cargo");

    until("the login to arrive", PATIENCE, || (*waiting.borrow() == 1).then_some(()));
    signing_in.signal(Signal::INT);
    let said = || std::fs::read_to_string(&words).unwrap();
    until("the close that waits", PATIENCE, || said().contains("Finishing what is under way").then_some(()));
    clock.advance(SignedDuration::try_from(wait).unwrap());
    assert_eq!(signing_in.ended(PATIENCE).code(), Some(1), "{}", said());
    assert!(said().contains("the sign-in was given up; nothing was changed"), "{}", said());
    assert_eq!(
        (desktop.secret_of("demo"), asked(&backend, LOGOUT)),
        (None, 1),
        "the backend keeps a session"
    );
    assert_eq!(desktop.status("demo")["state"], "signed_out");
}
