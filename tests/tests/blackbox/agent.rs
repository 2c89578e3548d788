//! `latchkey agent` in a process of its own, and the programs that ask it.

use std::process::Command;
use std::time::Duration;

use jiff::SignedDuration;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::clock::SystemClock;
use latchkey_engine::ports::Clock as _;
use latchkey_tests::address::Address;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::{Process, signal};
use latchkey_tests::programs::{DevServerProcess, Done, Running, latchkey, latchkey_cli};
use latchkey_tests::wait::{PATIENCE, until};
use rustix::process::Signal;
use serde_json::Value;

use crate::backend::{REFRESH, asked, by_hand, living, signed_in_to_a_token_that_is_over};

/// A machine with an account that somebody is signed in to.
pub(crate) fn machine() -> (Desktop, DevServerProcess) {
    let desktop = Desktop::start(Keychain::Unlocked).with("LATCHKEY_VAULT", "keychain");
    let backend = DevServerProcess::start(&desktop, &["--access-lifetime", "5m"]);
    desktop.add_demo(backend.port);
    let _ = desktop.sign_in("demo", "demo").ends(0);
    (desktop, backend)
}

/// The agent, and its socket.
pub(crate) fn agent(desktop: &Desktop) -> (Running, String) {
    let agent = desktop.start_latchkey(&["agent"], "");
    let socket = agent.first_line();
    (agent, socket)
}

/// Asks an agent to end, and sees that it does.
pub(crate) fn ends(agent: Running) {
    signal(agent.id(), Signal::TERM);
    let _ = agent.done().ends(0);
}

/// Asks an agent to end that is in the middle of something, and sees that it only finishes that.
pub(crate) fn begins_to_end(agent: &Running, socket: &str) {
    signal(agent.id(), Signal::TERM);
    let ending = || {
        let mut curl = Command::new("curl");
        curl.args(["-s", "--unix-socket", socket, "-X", "POST", "http://latchkey/v1/sessions/demo/token"]);
        String::from_utf8_lossy(&curl.output().unwrap().stdout).contains("\"closing\"").then_some(())
    };
    until("the agent to be ending", PATIENCE, ending);
}

/// From now on the person is asked before a program gets a token of `demo`.
fn asks_for_consent(desktop: &Desktop) {
    let config = std::fs::read_to_string(desktop.config_file()).unwrap();
    let asking = config.replace("[accounts.demo]", "[accounts.demo]\nconsent = \"ask\"");
    std::fs::write(desktop.config_file(), asking).unwrap();
}

fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let claims = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

pub(crate) fn consumers(desktop: &Desktop) -> Vec<Value> {
    desktop.latchkey(&["consumers", "list", "--json"]).ends(0).json().as_array().unwrap().clone()
}

#[test]
fn a_program_gets_its_token_from_the_agent_and_is_remembered() {
    let (desktop, _backend) = machine();
    let (agent, socket) = agent(&desktop);
    let token = desktop.latchkey(&["token", "demo", "--min-valid", "30s"]).ends(0);
    let left = claims(token.value())["exp"].as_i64().unwrap() - SystemClock.now().wall.as_second();
    assert!(left >= 30, "{left} s are left");
    let mut curl = Command::new("curl");
    curl.args(["-s", "--unix-socket", &socket, "http://latchkey/v1/sessions"]);
    let sessions: Value = serde_json::from_slice(&curl.output().unwrap().stdout).unwrap();
    assert_eq!(sessions[0]["state"], "signed_in");
    let consumers = consumers(&desktop);
    // The command asks for whoever started it, which is this test.
    let us = std::env::current_exe().unwrap();
    let ours = consumers.iter().find(|one| one["program"].as_str() == us.to_str());
    let ours = ours.unwrap_or_else(|| panic!("{consumers:#?}"));
    assert_eq!((&ours["account"], &ours["pid"]), (&"demo".into(), &std::process::id().into()));
    // An agent that runs on writes it down beside what it answers.
    let log = || std::fs::read_to_string(desktop.events_file()).ok();
    let log = until("the log to tell of it", PATIENCE, || log().filter(|log| log.contains("token_taken")));
    assert!(!log.contains(token.value()));
    ends(agent);
}

#[test]
fn an_account_that_asks_lets_nobody_by_until_the_person_says_so() {
    let (desktop, _backend) = machine();
    let (agent, _) = agent(&desktop);
    asks_for_consent(&desktop);
    let refused = || desktop.latchkey(&["token", "demo", "--wait", "0s"]);
    // Until then it may also be that the account is just being opened anew.
    let noticed = || refused().stderr.contains("latchkey consumers allow").then_some(());
    until("the agent to notice", PATIENCE, noticed);
    let _ = refused().ends(1).says("latchkey consumers allow");
    let us = std::env::current_exe().unwrap();
    let us = us.to_str().unwrap();
    let _ = desktop.latchkey(&["consumers", "allow", "demo", us, "--for-good"]).ends(0);
    let _ = desktop.latchkey(&["token", "demo"]).ends(0);
    ends(agent);
    // What was decided for good outlives the agent.
    let (agent, _) = self::agent(&desktop);
    let _ = desktop.latchkey(&["token", "demo"]).ends(0);
    let _ = desktop.latchkey(&["consumers", "deny", "demo", us]).ends(0);
    let _ = desktop.latchkey(&["token", "demo"]).ends(1).says("may not have");
    ends(agent);
}

#[test]
fn an_account_that_is_added_is_served_without_a_restart_and_a_killed_agent_is_done_without() {
    let (desktop, backend) = machine();
    let (agent, socket) = agent(&desktop);
    let login = format!("{}/auth/login", backend.url);
    let refresh = format!("{}/auth/refreshToken", backend.url);
    let add = [
        "accounts",
        "add",
        "work",
        "--provider",
        "credentials",
        "--login-url",
        &login,
        "--refresh-url",
        &refresh,
    ];
    let _ = desktop.latchkey(&add).ends(0);
    let _ = desktop.sign_in("work", "demo").ends(0);
    let known = || {
        let mut curl = Command::new("curl");
        curl.args(["-s", "--unix-socket", &socket, "http://latchkey/v1/sessions/work"]);
        let session: Value = serde_json::from_slice(&curl.output().unwrap().stdout).unwrap();
        (session["state"] == "signed_in").then_some(())
    };
    until("the agent to know the account", PATIENCE, known);
    signal(agent.id(), Signal::KILL);
    drop(agent.done());
    let _ = desktop.latchkey(&["token", "work"]).ends(0);
    // What it left behind is replaced.
    let (again, _) = self::agent(&desktop);
    let _ = desktop.latchkey(&["token", "work"]).ends(0);
    ends(again);
}

#[test]
fn a_second_agent_says_who_serves() {
    let (desktop, _backend) = machine();
    let (agent, _) = agent(&desktop);
    let second = desktop.latchkey(&["agent"]).ends(1);
    assert!(second.stderr.contains(&format!("process {}", agent.id())), "{second:?}");
    ends(agent);
}

/// A process that is gone answers nobody, and an older one knows no newer question: that is no verdict on the session.
#[test]
fn an_agent_that_hangs_up_or_is_of_another_version_costs_nobody_a_token() {
    let (desktop, _backend) = machine();
    for answer in [
        "200 OK\r\ncontent-length: 900\r\n\r\n{\"access_token\": \"ey",
        "400 Bad Request\r\n\r\n{\"error\": {\"code\": \"bad_request\", \"message\": \"of another version\"}}",
        "404 Not Found\r\n\r\n{\"error\": {\"code\": \"other_version\", \"message\": \"only 2\", \"new\": 1}}",
    ] {
        done_without(&desktop, answer);
    }
}

/// Whoever answers this in the agent's place.
fn done_without(desktop: &Desktop, answer: &str) {
    let socket = desktop.path("runtime").join("agent.sock");
    let script = r#"
        use Socket;
        socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die;
        bind($s, sockaddr_un(shift @ARGV)) && listen($s, 5) or die;
        $| = 1; print "listens\n";
        while (accept(my $c, $s)) {
            sysread($c, my $x, 4096);
            syswrite($c, "HTTP/1.0 $ARGV[0]");
            close($c);
        }
    "#;
    let mut perl = desktop.command("perl");
    perl.args(["-e", script]).arg(&socket).arg(answer).stdout(std::process::Stdio::piped());
    let mut liar = Process::start(perl, "perl");
    std::io::Read::read_exact(&mut liar.child().stdout.take().unwrap(), &mut [0; 8]).unwrap();
    let token = desktop.latchkey(&["token", "demo"]).ends(0);
    assert!(claims(token.value())["exp"].is_number(), "a whole one, from the vault");
    assert!(token.stderr.contains("doing without the agent"), "{token:?}");
    drop(liar);
    std::fs::remove_file(socket).unwrap();
}

/// An agent that ends finishes what is under way first. Whoever asks meanwhile is served as if it had ended.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_just_ending_costs_nobody_a_token() {
    let desktop = Desktop::start(Keychain::Unlocked).with("LATCHKEY_VAULT", "keychain");
    let (backend, clock, waiting) = by_hand().await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let (agent, socket) = agent(&desktop);
    backend.faults().add(Fault::new(REFRESH, FaultMode::Delay).after(Duration::from_secs(10))).unwrap();
    let renewing = desktop.start_latchkey(&["renew", "demo"], "");
    until("the renewal to arrive", PATIENCE, || (*waiting.borrow() == 1).then_some(()));
    begins_to_end(&agent, &socket);
    for arguments in [&["token", "demo"][..], &["token", "demo", "--output", "git"]] {
        let token = desktop.latchkey(arguments).ends(0);
        assert_eq!(token.stderr, "", "nobody need know");
    }
    clock.advance(SignedDuration::from_secs(10));
    let _ = renewing.done().ends(0);
    let _ = agent.done().ends(0);
    assert_eq!(desktop.status("demo")["generation"], 2);
}

/// How many connections a socket has, taken or still waiting (proc_net(5): a state of 03 is connected).
fn connections(socket: &str) -> usize {
    let all = std::fs::read_to_string("/proc/net/unix").unwrap();
    all.lines().filter(|line| line.ends_with(socket) && line.split(' ').nth(5) == Some("03")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_killed_in_the_middle_of_an_answer_keeps_nobody_waiting() {
    let (desktop, address) = (Desktop::start(Keychain::Unlocked), Address::of_its_own());
    let backend = signed_in_to_a_token_that_is_over(&desktop, &address).await;
    // The agent's renewal gets no answer, so whoever asks the agent waits.
    let silence = Fault::new(REFRESH, FaultMode::Delay).after(Duration::from_mins(10));
    backend.faults().add(silence).unwrap();
    let (agent, socket) = agent(&desktop);
    until("the agent's renewal", PATIENCE, || backend.faults().planned().is_empty().then_some(()));
    let asking = [&["status", "--watch", "--json"][..], &["token", "demo"], &["renew", "demo"]];
    let [watching, taking, renewing] = asking.map(|arguments| desktop.start_latchkey(arguments, ""));
    let _ = watching.first_line();
    until("three who wait", PATIENCE, || (connections(&socket) == 3).then_some(()));
    signal(agent.id(), Signal::KILL);
    drop(agent.done());
    let _ = watching.done().ends(1).says("the agent has ended").says("start to watch again");
    assert!(claims(taking.done().ends(0).value())["exp"].is_number(), "from the vault");
    let _ = renewing.done().ends(0).says("doing without the agent");
    let status = desktop.status("demo");
    assert_eq!(status["state"], "signed_in", "what was on its way is sent once more: {status:#}");
}

/// What both terminal programs say, which must be the same.
fn both(desktop: &Desktop, arguments: &[&str]) -> Done {
    let run = |program: std::path::PathBuf| {
        let mut command = desktop.command(program);
        command.args(arguments);
        Running::start(command, "").done()
    };
    let (small, full) = (run(latchkey()), run(latchkey_cli()));
    let said = |done: &Done| (done.code, done.stdout.clone(), done.stderr.clone());
    assert_eq!(said(&small), said(&full), "{arguments:?}");
    small
}

#[test]
fn the_small_program_says_what_the_full_one_says() {
    let (desktop, _backend) = machine();
    let (agent, _) = agent(&desktop);
    for form in ["raw", "header", "json", "git", "kubernetes", "docker"] {
        let done = both(&desktop, &["token", "demo", "--output", form, "--min-valid", "30s"]).ends(0);
        assert!(done.stdout.contains("ey"), "{form}");
    }
    // More than half of what these tokens live: there is something to say about it.
    let _ = both(&desktop, &["token", "demo", "--min-valid", "4m"]).ends(0).says("half of it counted");
    let _ = both(&desktop, &["token", "nobody"]).ends(2).says("no account `nobody`");
    let _ = both(&desktop, &["token", "demo", "--min-valid", "30"]).ends(2).says("a unit is missing");
    let _ = both(&desktop, &["--version"]).ends(0);
    let _ = desktop.latchkey(&["sign-out", "demo"]).ends(0);
    let _ = both(&desktop, &["token", "demo"]).ends(3).says("latchkey sign-in demo");
    ends(agent);
    let _ = both(&desktop, &["token", "demo"]).ends(3).says("latchkey sign-in demo");
}

#[test]
fn a_small_program_that_stands_alone_says_what_is_missing() {
    let desktop = Desktop::start(Keychain::NoBus);
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("latchkey");
    std::fs::copy(latchkey(), &alone).unwrap();
    let mut command = desktop.command(alone);
    command.args(["token", "demo"]);
    let _ = Running::start(command, "").done().ends(1).says("install Latchkey again");
}

#[test]
fn a_token_that_git_refuses_is_replaced_once_by_processes_that_say_so_at_once() {
    let (desktop, _backend) = machine();
    let (agent, _socket) = agent(&desktop);
    let token = desktop.latchkey(&["token", "demo"]).ends(0);
    let question = format!("protocol=https\nhost=git.test\nusername=x\npassword={}\n\n", token.value());
    let erase = ["credential", "git", "--account", "demo", "erase"];
    let all: Vec<_> = (0..4).map(|_| desktop.start_latchkey(&erase, &question)).collect();
    for one in all {
        assert_eq!(one.done().ends(0).stdout, "");
    }
    let session = desktop.latchkey(&["status", "demo", "--json"]).ends(0).json();
    assert_eq!((&session[0]["generation"], &session[0]["renewals"]["count"]), (&2.into(), &1.into()));
    // Who was not given it by Latchkey, or long ago, changes nothing.
    let _ = desktop.start_latchkey(&erase, &question.replace("password=", "password=x")).done().ends(0);
    let session = desktop.latchkey(&["status", "demo", "--json"]).ends(0).json();
    assert_eq!(session[0]["generation"], 2);
    ends(agent);
}

/// From within a pid namespace, who asks from outside has no number. A machine may keep people from making one; then
/// there is nothing to be seen.
#[test]
fn a_program_outside_the_agents_pid_namespace_is_nobody_and_gets_nothing_where_the_person_is_asked() {
    let apart = ["--user", "--map-current-user", "--pid", "--fork", "--kill-child"];
    let (desktop, _backend) = machine();
    if !desktop.command("unshare").args(apart).arg("true").status().is_ok_and(|status| status.success()) {
        return;
    }
    asks_for_consent(&desktop);
    let mut command = desktop.command("unshare");
    command.args(apart).arg(latchkey()).arg("agent");
    let agent = Running::start(command, "");
    let socket = agent.first_line();
    let ask = |account: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-s", "--unix-socket", &socket]);
        curl.arg(format!("http://latchkey/v1/sessions/{account}"));
        curl
    };
    let seen: Value = serde_json::from_slice(&ask("demo").output().unwrap().stdout).unwrap();
    assert_eq!(seen["state"], "signed_in", "it is reached from outside");
    let mut token = ask("demo/token");
    token.args(["-X", "POST", "-H", "content-type: application/json", "-d", "{}"]);
    let answer: Value = serde_json::from_slice(&token.output().unwrap().stdout).unwrap();
    assert_eq!(answer["error"]["code"], "consumer_unknown", "{answer}");
}

/// As a laptop's lid or a debugger does it, but without a change of the boot clock.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_stopped_over_an_expiry_renews_once_and_in_no_burst() {
    let desktop = Desktop::start(Keychain::Unlocked);
    let backend = living(Duration::from_secs(10)).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let (agent, _) = agent(&desktop);
    until("a renewal by the agent", PATIENCE, || (asked(&backend, REFRESH) > 0).then_some(()));
    signal(agent.id(), Signal::STOP);
    let before = asked(&backend, REFRESH);
    let last = backend.requests().last().unwrap().at;
    let long_over = last + SignedDuration::from_secs(25);
    until("the token to be long over", 2 * PATIENCE, || (SystemClock.now().wall > long_over).then_some(()));
    assert_eq!(asked(&backend, REFRESH), before, "it was stopped");
    signal(agent.id(), Signal::CONT);
    until("two renewals", PATIENCE, || (asked(&backend, REFRESH) >= before + 2).then_some(()));
    let renewals: Vec<_> =
        backend.requests().into_iter().filter(|request| request.path == REFRESH).skip(before).collect();
    assert!(renewals.iter().all(|request| request.status == Some(200)), "{renewals:#?}");
    let apart = renewals[1].at.duration_since(renewals[0].at);
    assert!(apart > SignedDuration::from_secs(3), "the second came {apart:?} after the first");
    ends(agent);
}
