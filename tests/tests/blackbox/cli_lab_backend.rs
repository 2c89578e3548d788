//! The lab in front of a backend that runs: faults while it does, the proxy with TLS, and the profile with its contract.

use std::time::Duration;

use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::config::Url;
use latchkey_engine::http::{Http, Request};
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::signal;
use latchkey_tests::programs::{self, DevServerProcess, Running};
use latchkey_tests::wait::{PATIENCE, until};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::backend::{LOGIN, REFRESH, by_hand};
use crate::cli_lab::set_up;

/// What the test control of a backend answers.
async fn control(backend: &DevServerProcess, path: &str, body: Option<Value>) -> Value {
    let url: Url = format!("{}{path}", backend.url).parse().unwrap();
    let request = body.map_or_else(|| Request::get(&url), |body| Request::post_value(&url, &body));
    let reply = Http::new().unwrap().send(request).await.unwrap();
    serde_json::from_slice(&reply.body).unwrap()
}

/// The faults that struck, by their names, oldest first.
async fn struck(backend: &DevServerProcess) -> Vec<String> {
    let requests = control(backend, "/__requests", None).await;
    let faults = requests.as_array().unwrap().iter().filter_map(|request| request["fault"].as_str());
    faults.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_switched_from_the_terminal_and_over_http_while_the_backend_runs() {
    let (desktop, backend) = set_up(&["--grace", "30s"]);
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let lab = |words: &[&str]| desktop.latchkey(&[&["lab"], words, &["--url", &backend.url]].concat());

    let _ = lab(&["fault", "refresh", "drop_after"]).ends(0).says("drop_after at refresh, once");
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    assert_eq!(struck(&backend).await, ["drop_after"]);
    assert_eq!(desktop.status("demo")["generation"], 2, "the grace window gave the lost tokens once more");

    let fault = json!({ "path": "refresh", "mode": "status", "status": 503, "count": -1 });
    assert_eq!(control(&backend, "/__fault", Some(fault)).await["planned"][0]["count"], -1);
    assert!(lab(&["faults"]).ends(0).stdout.contains("status at refresh, until it is cleared"));
    assert_ne!(desktop.latchkey(&["renew", "demo"]).code, Some(0));
    assert_eq!(struck(&backend).await, ["drop_after", "status"]);
    assert_eq!(desktop.status("demo")["generation"], 2);
    let log = desktop.latchkey(&["log", "--account", "demo"]).ends(0).stdout;
    assert!(log.contains("503"), "what struck is not in the log:\n{log}");

    let _ = lab(&["clear"]).ends(0).says("Cleared: 1");
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);

    let seeded = lab(&["fault", "*", "html", "--count", "-1", "--probability", "0.2"]).ends(0);
    let seeded = seeded.says("with probability 0.2 from seed ");
    let seed = seeded.stderr.trim_end().rsplit(' ').next().unwrap();
    assert_eq!(lab(&["faults", "--json"]).json()[0]["seed"].to_string(), seed);
}

#[test]
fn a_proxy_with_tls_is_trusted_by_those_alone_who_name_its_authority() {
    let (desktop, backend) = set_up(&["--grace", "30s"]);
    let authority = desktop.out("lab-ca.pem");
    let file = authority.to_str().unwrap();
    let before = ["--upstream", &backend.url, "--endpoint", "refresh=/auth/refreshToken"];
    let listens = ["lab", "proxy", "--listen", "127.0.0.1:0", "--tls", "--ca-file", file, "--json"];
    let proxy = desktop.start_latchkey(&[&listens[..], &before].concat(), "");
    let started: Value = serde_json::from_str(&proxy.first_line()).unwrap();
    assert_eq!(started["authority"], std::fs::read_to_string(&authority).unwrap());
    let url = started["url"].as_str().unwrap();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");

    let [login, refresh, me] = ["login", "refreshToken", "me"].map(|path| format!("{url}/auth/{path}"));
    let urls = ["--login-url", &login, "--refresh-url", &refresh, "--user-info-url", &me];
    let _ = desktop
        .latchkey(&[&["accounts", "add", "far", "--provider", "credentials"], &urls[..]].concat())
        .ends(0);
    let _ = desktop.sign_in("far", "demo").ends(4).says("certificate");
    let fault = ["lab", "fault", "refresh", "drop_after", "--url", url];
    let _ = desktop.latchkey(&fault).ends(4).says("SSL_CERT_FILE=lab-ca.pem");

    let desktop = desktop.with("SSL_CERT_FILE", file);
    let _ = desktop.sign_in("far", "demo").ends(0);
    let _ = desktop.latchkey(&fault).ends(0);
    let _ = desktop.latchkey(&["renew", "far"]).ends(0);
    assert_eq!(desktop.status("far")["generation"], 2);
    assert_eq!(desktop.latchkey(&["lab", "faults", "--url", url]).ends(0).stdout, "");
}

#[test]
fn a_measured_backend_is_held_to_its_contract() {
    let (desktop, _backend) = set_up(&[]);
    let contract = desktop.out("backend.toml");
    let file = contract.to_str().unwrap();
    let measured = ["lab", "profile", "demo", "--grace-bound", "2s", "--export", file, "--json"];
    let profile = desktop.latchkey(&measured).ends(0).json();
    assert_eq!(
        (&profile["facts"]["rotates"], &profile["facts"]["reuse"]),
        (&json!(true), &json!("family_revoked"))
    );
    let hold = ["lab", "run", "--account", "demo", "--contract", file];
    let _ = desktop.latchkey(&hold).ends(0).says("the backend keeps to it");

    // The backend is replaced by one that behaves otherwise.
    let other = DevServerProcess::start(&desktop, &["--rule", "cacheable"]);
    let _ = desktop.latchkey(&["accounts", "remove", "demo", "--yes"]).ends(0);
    desktop.add_demo(other.port);
    let broken = desktop.latchkey(&hold).ends(1);
    let _ = broken.says("no_store: expected true, measured false").says("does not keep to");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_interrupts_the_lab_need_not_wait_and_finds_nothing_left() {
    let (backend, _clock, waiting) = by_hand().await;
    let desktop = Desktop::start(Keychain::Absent);
    let temporary = desktop.out("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let desktop = desktop.with("TMPDIR", &temporary);
    let [login, refresh] =
        ["login", "refreshToken"].map(|path| format!("http://{}/auth/{path}", backend.address()));
    let urls = ["--login-url", &login, "--refresh-url", &refresh];
    let add = ["accounts", "add", "far", "--provider", "credentials"];
    let _ = desktop.latchkey(&[&add[..], &urls].concat()).ends(0);
    let measuring = ["profile", "far"];
    for (logins, what) in (1..).zip([&["run", "late-401", "--account", "far"][..], &measuring]) {
        let silence = Fault::new(LOGIN, FaultMode::Delay).after(Duration::from_mins(10));
        backend.faults().add(silence).unwrap();
        let person = ["--username", "demo", "--password-stdin"];
        let running = desktop.start_latchkey(&[&["lab"], what, &person].concat(), "demo");
        until("the login to arrive", PATIENCE, || (*waiting.borrow() == logins).then_some(()));
        let left = || std::fs::read_dir(&temporary).unwrap().count();
        assert_eq!(left(), usize::from(what[0] == "run"), "what {what:?} has while it runs");
        signal(running.id(), Signal::INT);
        let _ = running.done().ends(1).says("error: interrupted");
        assert_eq!(left(), 0, "{what:?} leaves its folder");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_interrupts_a_measurement_leaves_no_session_at_the_backend() {
    let (backend, _clock, waiting) = by_hand().await;
    let desktop = Desktop::start(Keychain::Absent);
    let url = |path: &str| format!("http://{}/auth/{path}", backend.address());
    let [login, refresh, logout] = ["login", "refreshToken", "logout"].map(url);
    let urls = ["--login-url", &login, "--refresh-url", &refresh, "--logout-url", &logout];
    let add = ["accounts", "add", "far", "--provider", "credentials"];
    let _ = desktop.latchkey(&[&add[..], &urls].concat()).ends(0);
    // The first refresh is answered; with the second one the backend falls silent.
    let silence = Fault::new(REFRESH, FaultMode::Delay).after(Duration::from_mins(10)).from_nth(2);
    backend.faults().add(silence).unwrap();
    let person = ["--username", "demo", "--password-stdin"];
    let running = desktop.start_latchkey(&[&["lab", "profile", "far"][..], &person].concat(), "demo");
    until("the second refresh to arrive", PATIENCE, || (*waiting.borrow() == 1).then_some(()));
    signal(running.id(), Signal::INT);
    let _ = running.done().ends(1).says("error: interrupted");
    assert_eq!(backend.revoke("demo").await, Some(0), "sessions that go on");
}

/// The commands of a workflow of GitHub Actions: what stands behind `run:`, on that line or folded below it.
fn commands(workflow: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut commands = Vec::new();
    let mut lines = workflow.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(command) = line.trim_start().strip_prefix("run:") else { continue };
        let mut words = vec![command.trim().trim_start_matches('>').to_owned()];
        while let Some(more) = lines.next_if(|more| indent(more) > indent(line)) {
            words.push(more.trim().to_owned());
        }
        commands.push(words.join(" ").trim().to_owned());
    }
    commands
}

#[test]
fn the_workflow_in_the_documents_runs_as_it_stands() {
    let desktop = Desktop::start(Keychain::NoBus).with("LATCHKEY_VAULT", "memory").with("PASSWORD", "demo");
    let backend = DevServerProcess::start(&desktop, &[]);
    let workflow =
        std::fs::read_to_string(latchkey_tests::repository().join("docs/examples/lab.yml")).unwrap();
    assert!(workflow.contains("LATCHKEY_VAULT: memory"));
    let paths = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect::<Vec<_>>();
    let own = programs::latchkey().parent().unwrap().to_owned();
    let path = std::env::join_paths([own].into_iter().chain(paths)).unwrap();
    let shell = |command: &str| {
        let mut shell = desktop.command("sh");
        shell.args(["-c", command]).env("PATH", &path);
        Running::start(shell, "").done_within(Duration::from_mins(5)).ends(0)
    };
    let port = format!("127.0.0.1:{}", backend.port);
    // All of them take minutes in real time; these two have a verdict for each side.
    let mine = |command: &str| {
        command
            .replace("127.0.0.1:8080", &port)
            .replace("--username ci", "--username demo")
            .replace("--all", "double-spend late-401")
    };
    let commands = commands(&workflow);
    let [_install, add, play, hold] = &commands[..] else { panic!("{commands:#?}") };
    let _ = shell(&mine(add));
    assert!(shell(&mine(play)).stderr.contains("2 passed"));
    for report in ["lab.html", "junit.xml"] {
        assert!(
            workflow.contains(&format!("            {report}\n"))
                && desktop.path("home").join(report).is_file()
        );
    }
    let made_once = "latchkey lab profile backend --export backend.toml";
    assert!(workflow.contains(made_once));
    let _ = shell(&format!(
        "printf %s \"$PASSWORD\" | {made_once} --username demo --password-stdin --grace-bound 2s"
    ));
    assert!(shell(&mine(hold)).stderr.contains("the backend keeps to it"));
}
