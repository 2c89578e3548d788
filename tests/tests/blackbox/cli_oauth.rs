//! Signing in on a provider's page from the terminal: by an issuer alone, with a browser and with a code.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{ChildStdout, Stdio};
use std::time::Duration;

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::Process;
use latchkey_tests::programs::DevServerProcess;
use latchkey_tests::scripted_browser::{Person, ScriptedBrowser};
use rustix::process::Signal;

/// How long a command may take once the person has done their part.
const PATIENCE: Duration = Duration::from_mins(1);

/// The desktop, and the account `work` at the development backend, added by its issuer alone.
fn set_up() -> (Desktop, DevServerProcess) {
    let desktop = Desktop::start(Keychain::Unlocked).with("LATCHKEY_VAULT", "keychain");
    let backend = DevServerProcess::start(&desktop, &["--access-lifetime", "10m"]);
    let added = desktop
        .latchkey(&["accounts", "add", "work", "--issuer", &backend.url, "--client-id", "latchkey"])
        .ends(0)
        .says("with the browser, and with a code");
    assert_eq!(added.stdout, "", "nothing was asked for, so nothing is printed");
    (desktop, backend)
}

fn person(answers: fn(&str, &str) -> Person) -> ScriptedBrowser {
    ScriptedBrowser::of(answers("demo", "demo"))
}

/// A sign-in that waits for the person.
struct SigningIn {
    process: Process,
    stdout: BufReader<ChildStdout>,
    /// The one line that a program reads.
    address: String,
}

impl SigningIn {
    fn begin(desktop: &Desktop, how: &str) -> Self {
        let mut command = desktop.latchkey_command(&["sign-in", "work", how]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::start(command, "nothing: it is built by cargo");
        let mut stdout = BufReader::new(process.child().stdout.take().unwrap());
        let mut address = String::new();
        stdout.read_line(&mut address).unwrap();
        Self { process, stdout, address: address.trim_end().to_owned() }
    }

    /// How it ended, and what it said.
    fn ends(mut self, code: i32) -> String {
        let ended = self.process.ended(PATIENCE);
        let (mut rest, mut said) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).unwrap();
        self.process.child().stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(ended.code(), Some(code), "{said}");
        assert_eq!(rest, "", "the address is all that is printed");
        said
    }
}

#[tokio::test]
async fn a_person_signs_in_with_a_browser_renews_and_signs_out() {
    let (desktop, backend) = set_up();
    let signing_in = SigningIn::begin(&desktop, "--no-browser");
    assert!(signing_in.address.starts_with(&format!("{}/", backend.url)), "{}", signing_in.address);
    let last = person(Person::who_allows).sign_in(&signing_in.address).await;
    assert_eq!(last.status, 200);
    let said = signing_in.ends(0);
    assert!(said.contains("work: Signed in") && said.contains("Ctrl-C gives up"), "{said}");

    let status = desktop.status("work");
    assert_eq!((&status["provider"], &status["state"]), (&"oauth".into(), &"signed_in".into()), "{status:#}");
    assert!(status["sign_in"].is_null() && status["identity"]["subject"].is_string(), "{status:#}");
    let header = desktop.latchkey(&["token", "work", "--output", "header"]).ends(0);
    assert!(header.value().starts_with("Authorization: DPoP ey"), "the backend binds tokens");
    let _ = desktop.latchkey(&["renew", "work"]).ends(0).says("generation 1 → 2");
    let _ = desktop.latchkey(&["sign-out", "work"]).ends(0).says("signed out");
    assert_eq!(desktop.secret_of("work"), None, "the keychain still has it");
}

#[tokio::test]
async fn a_code_is_entered_on_another_device() {
    let (desktop, _backend) = set_up();
    let signing_in = SigningIn::begin(&desktop, "--device");
    let code = signing_in.address.rsplit('=').next().unwrap().to_owned();
    let _ = person(Person::who_allows).enter_device_code(&signing_in.address, &code).await;
    let said = signing_in.ends(0);
    assert!(said.contains(&format!("\n    {code}\n")), "the code stands alone: {said}");
    assert!(!said.contains('█'), "there is no terminal to draw a picture on");
    assert_eq!(desktop.status("work")["generation"], 1);
}

#[tokio::test]
async fn whoever_declines_is_told_so_and_nobody_is_signed_in() {
    let (desktop, _backend) = set_up();
    let signing_in = SigningIn::begin(&desktop, "--no-browser");
    let _ = person(Person::who_denies).sign_in(&signing_in.address).await;
    let said = signing_in.ends(1);
    assert!(said.contains("error: the sign-in was declined"), "{said}");
    assert_eq!(desktop.status("work")["state"], "signed_out");
}

#[test]
fn a_sign_in_is_given_up_and_leaves_nothing_behind() {
    let (desktop, _backend) = set_up();
    for how in ["--no-browser", "--device"] {
        let signing_in = SigningIn::begin(&desktop, how);
        signing_in.process.signal(Signal::INT);
        let said = signing_in.ends(1);
        assert!(said.contains("the sign-in was given up; nothing was changed"), "{said}");
        assert_eq!(desktop.status("work")["state"], "signed_out");
    }
    assert_eq!(desktop.secret_of("work"), None);
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_written() {
    let (desktop, backend) = set_up();
    let add = |arguments: &[&str]| desktop.latchkey(&[&["accounts", "add", "other"], arguments].concat());
    let _ = add(&["--issuer", &backend.url]).ends(2).says("a client ID is needed");
    let _ = add(&["--issuer", "http://login.example.com", "--client-id", "x"]).ends(2).says("https");
    let _ = add(&["--issuer", "http://127.0.0.1:1", "--client-id", "x"]).ends(4).says("nothing was added");
    // It answers, and calls itself by another name.
    let other_name = backend.url.replace("127.0.0.1", "localhost");
    let _ = add(&["--issuer", &other_name, "--client-id", "x"]).ends(1).says("issuer");
    assert_eq!(desktop.latchkey(&["accounts", "list"]).ends(0).stdout.lines().count(), 1);

    let _ = desktop
        .start_latchkey(&["sign-in", "work", "--username", "me", "--password-stdin"], "secret")
        .done()
        .ends(2)
        .says("signs in on a page of its provider");
    desktop.add_demo(backend.port);
    let _ = desktop.latchkey(&["sign-in", "demo", "--device"]).ends(2).says("a user name and a password");
    let place = |path: &str| format!("{}/oauth/{path}", backend.url);
    let (page, token) = (place("authorize"), place("token"));
    let named = ["--client-id", "latchkey", "--authorization-url", &page, "--token-url", &token];
    let _ = add(&named).ends(0);
    let _ = desktop.latchkey(&["sign-in", "other", "--device"]).ends(2).says("gives no codes");
    let check = desktop.latchkey(&["accounts", "check", "work", "--json"]).ends(0).json();
    assert_eq!((&check["issuer"], &check["device"]), (&backend.url.clone().into(), &true.into()));
}

#[tokio::test]
async fn a_developer_looks_into_a_token() {
    let (desktop, _backend) = set_up();
    let signing_in = SigningIn::begin(&desktop, "--no-browser");
    let _ = person(Person::who_allows).sign_in(&signing_in.address).await;
    let _ = signing_in.ends(0);
    let seen = desktop.latchkey(&["inspect", "work"]).ends(0);
    assert!(seen.stdout.starts_with("Signature: verified, RS256"), "{seen:#?}");
    assert!(seen.stdout.contains("sub ") && seen.stdout.contains("(in "), "{seen:#?}");
    let token = desktop.latchkey(&["token", "work"]).ends(0).value().to_owned();
    let told = desktop.start_latchkey(&["inspect", "--json"], &format!("Authorization: DPoP {token}\n"));
    let told = told.done().ends(0);
    assert_eq!(told.json()["signature"]["kind"], "not_checked", "{told:#?}");
    assert_eq!(told.json()["jwt"], true);
    assert!(!told.stdout.contains(token.rsplit('.').next().unwrap()), "the signature stays out");
    let _ = desktop.start_latchkey(&["inspect"], "\n").done().ends(2).says("no token");
}
