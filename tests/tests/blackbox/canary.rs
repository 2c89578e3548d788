//! No secret leaves the vault: not in a file, an output, an argument or an environment, in any form it could leak in.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::time::Duration;

use latchkey_devserver::{DevServer, Fault, FaultMode, User};
use latchkey_tests::canary::Canary;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::Process;
use latchkey_tests::programs::{Done, latchkey};
use latchkey_tests::recorder::Recorder;
use latchkey_tests::wait::{PATIENCE, until};

use crate::backend::{LOGIN, REFRESH, living, random_text, with_users};

/// The desktop at the loudest level, a backend whose every reply is taken down, and the password of its one user.
pub(crate) struct Watched {
    pub(crate) desktop: Desktop,
    pub(crate) backend: DevServer,
    pub(crate) recorder: Recorder,
    pub(crate) password: String,
}

impl Watched {
    pub(crate) async fn start(desktop: Desktop, lifetime: Duration) -> Self {
        let password = random_text("pw-");
        let user = User { password: password.clone(), ..User::demo() };
        let backend = with_users(lifetime, vec![user]).await;
        let recorder = Recorder::before(backend.address()).await;
        let desktop = desktop.with("LATCHKEY_LOG", "trace");
        desktop.add_demo(recorder.port);
        Self { desktop, backend, recorder, password }
    }

    /// Every secret there was so far.
    pub(crate) fn canary(&self) -> Canary {
        let mut canary = Canary::default();
        canary.watch("the password", &self.password);
        for (place, token) in self.recorder.tokens().iter().enumerate() {
            let kind = if token.starts_with("eyJ") { "access" } else { "refresh" };
            canary.watch(&format!("{kind} token {place}"), token);
        }
        canary
    }

    /// Looks into every file of the desktop; also those of the keychain, which keeps its secrets encrypted.
    #[track_caller]
    pub(crate) fn files_hold_none(&self, canary: &Canary) {
        let (files, found) = canary.look_into(self.desktop.root());
        assert!(found.is_empty(), "{found:#?}");
        assert!(files >= 4, "only {files} files: was the right folder looked into?");
        assert!(
            fs::metadata(self.desktop.events_file()).is_ok_and(|log| log.len() > 1000),
            "the log is not there"
        );
    }
}

#[track_caller]
fn holds_none(canary: &Canary, command: &str, done: &Done) {
    let printed = [done.stdout.as_bytes(), done.stderr.as_bytes()].concat();
    let found = canary.look(&format!("the output of `{command}`"), &printed);
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_tells_no_secret_at_the_loudest_level() {
    let desktop = Desktop::start(Keychain::Unlocked);
    let watched = Watched::start(desktop, Duration::from_mins(1)).await;
    let (desktop, faults) = (&watched.desktop, watched.backend.faults());
    let mut outputs = Vec::new();
    let mut run = |arguments: &[&str]| outputs.push((arguments.join(" "), desktop.latchkey(arguments)));

    // While the password is on its way, it is in no argument and no environment.
    faults.add(Fault::new(LOGIN, FaultMode::Delay).after(Duration::from_secs(2))).unwrap();
    let on_its_way = faults.clone();
    let arguments = ["sign-in", "demo", "--username", "demo", "--password-stdin"];
    let signing_in = desktop.start_latchkey(&arguments, &watched.password);
    until("the login to arrive", PATIENCE, || on_its_way.planned().is_empty().then_some(()));
    let found = watched.canary().look_at_process(signing_in.id());
    assert!(found.is_empty(), "{found:#?}");
    let signed_in = signing_in.done().ends(0);

    run(&["renew", "demo"]);
    for mode in [
        FaultMode::Torn,
        FaultMode::Html,
        FaultMode::Status,
        FaultMode::Empty,
        FaultMode::Redirect,
        FaultMode::DropBefore,
    ] {
        faults.add(Fault::new(REFRESH, mode)).unwrap();
        run(&["renew", "demo", "--json"]);
        run(&["status", "--json"]);
        faults.clear();
        // A torn reply may have cost the session: then there is something to be said about that as well.
        let again = desktop.sign_in("demo", &watched.password).ends(0);
        holds_none(&watched.canary(), "sign-in", &again);
    }
    let wrong = desktop.sign_in("demo", &random_text("wrong-")).ends(1);
    run(&["status"]);
    run(&["accounts", "show", "demo", "--json"]);
    assert!(watched.backend.revoke("demo").await.is_some());
    run(&["renew", "demo"]);
    run(&["status", "--json"]);
    let last = desktop.sign_in("demo", &watched.password).ends(0);
    run(&["sign-out", "demo"]);
    run(&["log", "--json", "--lines", "10000"]);
    // It is looked into with all other files.
    let report = desktop.path("state").join("report.txt");
    run(&["log", "--export", report.to_str().unwrap()]);
    assert!(fs::read_to_string(&report).unwrap().contains("signed_in"), "the report holds no records");

    let canary = watched.canary();
    assert!(canary.secrets() > 10, "only {} secrets went through", canary.secrets());
    watched.files_hold_none(&canary);
    for (command, done) in &outputs {
        holds_none(&canary, command, done);
    }
    for done in [signed_in, wrong, last] {
        holds_none(&canary, "sign-in", &done);
    }
    assert_eq!(desktop.secret_of("demo"), None);
}

#[test]
fn the_canary_finds_what_is_planted() {
    let secret = random_text("refresh-");
    let mut canary = Canary::default();
    canary.watch("the secret", &secret);
    let desktop = Desktop::start(Keychain::NoBus);
    assert!(canary.look_into(desktop.root()).1.is_empty());

    let bytes = secret.as_bytes();
    let hex = bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}"));
    let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let encoded = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
    let plants: [(&str, Vec<u8>); 8] = [
        ("plain", secret.clone().into_bytes()),
        ("cut short", format!("token={}…", &secret[..16]).into_bytes()),
        ("in a line", format!("{{\"token\":\"{secret}\"}}").into_bytes()),
        ("hex", hex.into_bytes()),
        ("debug", format!("{bytes:?}").into_bytes()),
        ("base64 at one place", encoded(&format!("a{secret}")).into_bytes()),
        ("base64 at another", encoded(&format!("ab{secret}")).into_bytes()),
        ("wide letters", wide),
    ];
    for (name, planted) in plants {
        let file = desktop.path("state").join("planted");
        fs::write(&file, planted).unwrap();
        let found = canary.look_into(desktop.root()).1;
        assert!(!found.is_empty(), "{name} was not found");
        assert!(found.iter().all(|line| !line.contains(&secret)), "a report tells the secret");
    }
    fs::write(desktop.path("state").join("planted"), "nothing").unwrap();
    fs::write(desktop.path("state").join(&secret), "").unwrap();
    assert!(!canary.look_into(desktop.root()).1.is_empty(), "the name of a file was not looked at");
    fs::remove_file(desktop.path("state").join(&secret)).unwrap();

    let mut sleeper = desktop.command("sleep");
    sleeper.arg("60").env("LEAK", &secret);
    let sleeper = latchkey_tests::process::Process::start(sleeper, "coreutils");
    until("the environment of the process", PATIENCE, || {
        (!canary.look_at_process(sleeper.id()).is_empty()).then_some(())
    });
}

/// A password that is typed at once: by a program that types for somebody, or pasted.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_typed_as_soon_as_it_is_asked_for_is_not_shown() {
    let desktop = Desktop::start(Keychain::Unlocked);
    let backend = living(Duration::from_mins(1)).await;
    desktop.add_demo(backend.address().port());
    let mut command = desktop.command("script");
    let sign_in = format!("{} sign-in demo --username demo", latchkey().display());
    command.args(["-q", "-e", "-c", &sign_in, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut asking = Process::start(command, "bsdutils");
    let (mut typed, mut shown) =
        (asking.child().stdin.take().unwrap(), asking.child().stdout.take().unwrap());
    let (mut said, mut part) = (String::new(), [0; 256]);
    while let Ok(length @ 1..) = shown.read(&mut part) {
        let asked = said.contains("Password");
        said.push_str(&String::from_utf8_lossy(&part[..length]));
        if !asked && said.contains("Password") {
            typed.write_all(b"typed-canary\n").unwrap();
        }
    }
    assert!(said.contains("did not accept"), "{said}");
    assert!(!said.contains("typed-canary"), "{said}");
}
