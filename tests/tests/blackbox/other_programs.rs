//! Tokens for other programs, each asked by the real program where there is one: git, kubectl, Docker's protocol, and
//! whatever `latchkey exec` runs.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use latchkey_agent::client::Client;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::git_host::GitHost;
use latchkey_tests::process::{Process, signal};
use latchkey_tests::programs::{DevServerProcess, Done, Running, latchkey};
use rustix::process::Signal;
use serde_json::{Value, json};

/// A machine without a keychain where `demo` is signed in, and on whose PATH Latchkey is, under all of its names.
fn signed_in() -> (Desktop, DevServerProcess) {
    let desktop = Desktop::start(Keychain::NoBus).with("LATCHKEY_VAULT", "sealed-file");
    let (key, programs) = (desktop.path("key"), desktop.path("programs"));
    fs::write(&key, [7; 32]).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(&programs).unwrap();
    for name in ["latchkey", "git-credential-latchkey", "docker-credential-latchkey"] {
        symlink(latchkey(), programs.join(name)).unwrap();
    }
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let desktop = desktop.with("LATCHKEY_KEY_FILE", key).with("PATH", path).with("GIT_TERMINAL_PROMPT", "0");
    let backend = DevServerProcess::start(&desktop, &["--access-lifetime", "10m"]);
    desktop.add_demo(backend.port);
    let _ = desktop.sign_in("demo", "demo").ends(0);
    (desktop, backend)
}

fn run(desktop: &Desktop, program: &str, arguments: &[&str], stdin: &str) -> Done {
    let mut command = desktop.command(program);
    command.args(arguments);
    Running::start(command, stdin).done()
}

fn token(desktop: &Desktop) -> String {
    desktop.latchkey(&["token", "demo"]).ends(0).value().to_owned()
}

/// A folder with one repository, which has one file.
fn repositories(desktop: &Desktop) -> PathBuf {
    let root = desktop.path("repositories");
    let work = desktop.path("work");
    for folder in [&root, &work] {
        fs::create_dir(folder).unwrap();
    }
    fs::write(work.join("README"), "hello").unwrap();
    let work = work.to_str().unwrap();
    let bare = root.join("team/app.git");
    for arguments in [
        &["-C", work, "init", "-q"][..],
        &["-C", work, "add", "README"],
        &["-C", work, "-c", "user.name=T", "-c", "user.email=t@example.test", "commit", "-q", "-m", "one"],
        &["clone", "-q", "--bare", work, bare.to_str().unwrap()],
    ] {
        let _ = run(desktop, "git", arguments, "").ends(0);
    }
    root
}

/// Whether this git takes whole headers from helpers (2.46).
fn git_takes_headers(desktop: &Desktop) -> bool {
    let said = run(desktop, "git", &["version"], "").stdout;
    let mut numbers = said.split([' ', '.']).filter_map(|part| part.trim().parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(2), Some(46))
}

#[tokio::test(flavor = "multi_thread")]
async fn git_clones_with_the_token_of_the_account_that_the_host_belongs_to() {
    let (desktop, backend) = signed_in();
    let root = repositories(&desktop);
    for offers_bearer in [false, true] {
        let host = GitHost::start(root.clone(), format!("{}/auth/me", backend.url), offers_bearer).await;
        let clone = |into: &str| {
            let helper = format!("credential.http://{}.helper=latchkey", host.name);
            let url = format!("http://{}/team/app.git", host.name);
            run(
                &desktop,
                "git",
                &["-c", &helper, "-c", "credential.helper=", "-c", &helper, "clone", "-q", &url, into],
                "",
            )
        };
        // Nobody's host is nobody's token.
        let into = format!("clone-{offers_bearer}");
        let _ = clone(&into).ends(128);
        assert!(host.seen().is_empty(), "{:?}", host.seen());

        let _ = desktop.latchkey(&["accounts", "hosts", "demo", &host.name]).ends(0);
        let _ = clone(&into).ends(0);
        assert_eq!(fs::read_to_string(desktop.path("home").join(&into).join("README")).unwrap(), "hello");
        let headers = offers_bearer && git_takes_headers(&desktop);
        let expected = if headers { "Bearer" } else { "Basic oauth2" };
        assert!(host.seen().iter().all(|who| who == expected), "{:?}", host.seen());

        // What the host refuses is replaced, so that the next try finds another.
        let refused = token(&desktop);
        host.refuses(&refused);
        let _ = clone("refused").ends(128);
        assert_ne!(token(&desktop), refused);
        let _ = clone(&format!("again-{offers_bearer}")).ends(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn git_stops_where_only_a_sign_in_helps_and_is_told_so() {
    let (desktop, backend) = signed_in();
    let host = GitHost::start(repositories(&desktop), format!("{}/auth/me", backend.url), false).await;
    let _ = desktop.latchkey(&["sign-out", "demo"]).ends(0);
    let helper = "credential.helper=!latchkey credential git --account demo";
    let url = format!("http://{}/team/app.git", host.name);
    let done = run(&desktop, "git", &["-c", helper, "clone", "-q", &url, "x"], "").ends(128);
    let _ = done.says("latchkey sign-in demo").says("told us to quit");
}

#[test]
fn git_gets_nothing_over_plain_http_and_nothing_for_strangers() {
    let (desktop, _backend) = signed_in();
    let _ = desktop.latchkey(&["accounts", "hosts", "demo", "git.example.com/team"]).ends(0);
    let asked = |question: &str| run(&desktop, "git-credential-latchkey", &["get"], question);
    assert!(
        asked("protocol=https\nhost=git.example.com\npath=team/x\n\n").ends(0).stdout.contains("password=ey")
    );
    for stranger in [
        "protocol=https\nhost=git.example.com\npath=other\n\n",
        "protocol=https\nhost=example.com\n\n",
        // As git writes the host of `https://git.example.com%2fteam%2f.evil.test/`.
        "protocol=https\nhost=git.example.com/team/.evil.test\npath=x\n\n",
        "protocol=https\nhost=git.example.com\\\npath=team\n\n",
        "\n",
        "",
    ] {
        assert_eq!(asked(stranger).ends(0).stdout, "", "{stranger}");
    }
    let clear = asked("protocol=http\nhost=git.example.com:80\npath=team\n\n").ends(2).says("plain HTTP");
    assert_eq!(clear.stdout, "");
    let long = format!("host={}\n", "x".repeat(100_000));
    let _ = asked(&long).ends(2).says("longer than 64 KiB");
    for action in ["store", "capability"] {
        let done =
            run(&desktop, "git-credential-latchkey", &[action], "protocol=https\nhost=x\npassword=y\n\n");
        assert_eq!(done.ends(0).stdout, "");
    }
}

#[test]
fn docker_gets_what_its_protocol_says() {
    let (desktop, _backend) = signed_in();
    let ask = |action: &str, stdin: &str| run(&desktop, "docker-credential-latchkey", &[action], stdin);
    // docker/docker-credential-helpers: this very text means that there is none.
    let none = ask("get", "https://registry.test/v1/").ends(1);
    assert_eq!(none.value(), "credentials not found in native keychain");
    let _ = desktop
        .latchkey(&["accounts", "hosts", "demo", "registry.test", "127.0.0.1:5000", "--user", "me"])
        .ends(0);
    let read_otherwise = ask("get", "https://registry.test\\@evil.test").ends(1);
    assert_eq!(read_otherwise.value(), "credentials not found in native keychain");
    for server in ["https://registry.test/v1/", "registry.test", "127.0.0.1:5000\n"] {
        let answer = ask("get", server).ends(0).json();
        let expected = json!({ "ServerURL": server.trim(), "Username": "me", "Secret": token(&desktop) });
        assert_eq!(answer, expected);
    }
    assert_eq!(ask("list", "").ends(0).json(), json!({ "registry.test": "me", "127.0.0.1:5000": "me" }));
    let refused =
        ask("store", r#"{"ServerURL":"registry.test","Username":"u","Secret":"LKCANARY-s"}"#).ends(1);
    assert!(refused.stdout.contains("latchkey sign-in") && !format!("{refused:?}").contains("LKCANARY"));
    assert!(ask("erase", "registry.test").ends(0).says("latchkey sign-out").stdout.is_empty());
    let _ = desktop.latchkey(&["sign-out", "demo"]).ends(0);
    let signed_out = ask("get", "registry.test").ends(3);
    assert!(signed_out.stdout.contains("latchkey sign-in demo"), "Docker shows what is on standard output");
}

#[test]
fn kubectl_gets_its_token_from_the_credential_plugin() {
    let (desktop, _backend) = signed_in();
    let (key, cert) = (desktop.path("tls.key"), desktop.path("tls.crt"));
    let names = "subjectAltName=IP:127.0.0.1";
    let made = run(
        &desktop,
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=test",
            "-addext",
            names,
            "-keyout",
            key.to_str().unwrap(),
            "-out",
            cert.to_str().unwrap(),
        ],
        "",
    );
    let _ = made.ends(0);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/kubernetes/server.mjs");
    let mut server = Command::new("node");
    server.arg(script).args([&key, &cert]);
    let server = Running::start(server, "");
    let address = format!("https://127.0.0.1:{}", server.first_line().trim());
    // `v1` came with 1.22; Debian 12 has 1.20.
    let told = run(&desktop, "kubectl", &["version", "--client", "--output", "json"], "").ends(0).json();
    let minor =
        told["clientVersion"]["minor"].as_str().unwrap().trim_end_matches('+').parse::<u32>().unwrap();
    let versions: &[&str] = if minor < 22 { &["v1beta1"] } else { &["v1", "v1beta1"] };
    for version in versions {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{ "name": "c", "cluster": {
                "server": address, "certificate-authority": cert,
            } }],
            "users": [{ "name": "u", "user": { "exec": {
                "apiVersion": format!("client.authentication.k8s.io/{version}"), "command": "latchkey",
                "args": ["token", "demo", "--output", "kubernetes"], "interactiveMode": "Never",
            } } }],
            "contexts": [{ "name": "x", "context": { "cluster": "c", "user": "u" } }],
        });
        let file = desktop.path("kubeconfig");
        fs::write(&file, config.to_string()).unwrap();
        let done = run(
            &desktop,
            "kubectl",
            &["--kubeconfig", file.to_str().unwrap(), "get", "--raw", "/whoami"],
            "",
        );
        assert_eq!(done.ends(0).value(), token(&desktop), "{version}");
    }
}

#[test]
fn a_program_runs_with_the_token_and_ends_as_it_likes() {
    let (desktop, _backend) = signed_in();
    let shown = run(&desktop, "latchkey", &["exec", "demo", "--", "env"], "").ends(0).stdout;
    let ours: Vec<_> = shown.lines().filter(|line| line.starts_with("LATCHKEY")).collect();
    assert_eq!(ours.len(), 2, "{ours:?}");
    assert!(ours.contains(&format!("LATCHKEY_ACCESS_TOKEN={}", token(&desktop)).as_str()));
    let named =
        run(&desktop, "latchkey", &["exec", "demo", "--env", "API", "--", "sh", "-c", "echo $API"], "");
    assert_eq!(named.ends(0).value(), token(&desktop));
    let _ = run(&desktop, "latchkey", &["exec", "demo", "--env", "LATCHKEY_EXPIRES_AT", "--", "true"], "")
        .ends(2)
        .says("when the token expires");
    let _ = run(&desktop, "latchkey", &["exec", "demo", "--", "sh", "-c", "exit 7"], "").ends(7);
    let _ = run(&desktop, "latchkey", &["exec", "demo", "--", "no-such-program"], "")
        .ends(127)
        .says("no such program");
    let _ = run(&desktop, "latchkey", &["exec", "demo", "--", "/etc/passwd"], "").ends(126);
    let piped = run(&desktop, "latchkey", &["exec", "demo", "cat"], "from the caller");
    assert_eq!(piped.ends(0).stdout, "from the caller");

    // Signals are the program's own.
    let mut command = desktop.command("latchkey");
    command.args(["exec", "demo", "--", "sh", "-c", "echo ready; sleep 600"]).stdout(Stdio::piped());
    let mut sleeping = Process::start(command, "nothing: it is built by cargo");
    let mut line = String::new();
    let out = sleeping.child().stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
    sleeping.signal(Signal::TERM);
    assert_eq!(sleeping.ended(latchkey_tests::wait::PATIENCE).signal(), Some(Signal::TERM.as_raw()));
    let _ = desktop.latchkey(&["sign-out", "demo"]).ends(0);
    let _ = run(&desktop, "latchkey", &["exec", "demo", "--", "touch", "ran"], "").ends(3);
    assert!(!desktop.path("home").join("ran").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_prints_its_address_answers_and_ends_with_ctrl_c() {
    let (desktop, backend) = signed_in();
    let upstream = format!("{}/auth", backend.url);
    let proxy = desktop.start_latchkey(&["proxy", "demo", "--upstream", &upstream], "");
    let address = proxy.first_line();
    let me: Value = get(&format!("{address}me")).await.json().await.unwrap();
    assert_eq!(me["username"], "demo");
    let without = address.rsplitn(3, '/').last().unwrap().to_owned();
    assert_eq!(get(&format!("{without}/me")).await.status(), 403);
    signal(proxy.id(), Signal::INT);
    let _ = proxy.done().ends(0);

    let _ =
        desktop.latchkey(&["proxy", "demo", "--upstream", "http://api.example.com"]).ends(2).says("https");
    let _ = desktop.latchkey(&["proxy", "demo", "--upstream", &upstream, "--listen", "0.0.0.0:0"]).ends(2);
    let _ = desktop.latchkey(&["sign-out", "demo"]).ends(0);
    let _ =
        desktop.latchkey(&["proxy", "demo", "--upstream", &upstream]).ends(3).says("latchkey sign-in demo");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_beside_an_agent_asks_that_and_is_remembered_there() {
    let (desktop, backend) = signed_in();
    let agent = desktop.start_latchkey(&["agent"], "");
    assert!(agent.first_line().contains("agent.sock"));
    let upstream = format!("{}/auth", backend.url);
    let proxy = desktop.start_latchkey(&["proxy", "demo", "--upstream", &upstream], "");
    let address = proxy.first_line();
    let address = format!("{address}me");
    let me: Value = get(&address).await.json().await.unwrap();
    assert_eq!(me["username"], "demo");
    let consumers = desktop.latchkey(&["consumers", "list", "--json"]).ends(0).json();
    let pid = proxy.id();
    let remembered = consumers.as_array().unwrap().iter().any(|one| one["pid"] == pid);
    assert!(remembered, "{consumers:#}");

    // What the agent renews the proxy sends, and without an agent it says so and sends nothing.
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    assert_eq!(get(&address).await.status(), 200);
    signal(agent.id(), Signal::TERM);
    let _ = agent.done().ends(0);
    let gone = get(&address).await;
    assert_eq!(gone.status(), 503);
    assert!(gone.text().await.unwrap().contains("no_agent"));
    signal(proxy.id(), Signal::INT);
    let _ = proxy.done().ends(0);
}

#[allow(clippy::disallowed_methods, reason = "the program behind the proxy sends what it likes")]
async fn get(address: &str) -> reqwest::Response {
    reqwest::get(address).await.unwrap()
}

#[test]
fn the_log_is_followed_while_the_agent_writes_it() {
    let (desktop, _backend) = signed_in();
    let agent = desktop.start_latchkey(&["agent"], "");
    assert!(agent.first_line().contains("agent.sock"));
    let mut command =
        desktop.latchkey_command(&["log", "--follow", "--json", "--account", "demo", "--lines", "1"]);
    command.stdout(Stdio::piped());
    let mut following = Process::start(command, "nothing: it is built by cargo");
    let mut lines = std::io::BufReader::new(following.child().stdout.take().unwrap());
    // What was there before it came is told first: from then on it misses nothing.
    let mut before = String::new();
    std::io::BufRead::read_line(&mut lines, &mut before).unwrap();
    assert!(!before.contains("\"renewed\""), "{before}");
    // The agent renews, and nobody else writes of it.
    let runtime = desktop.path("runtime");
    let renewed: Value = Client::new(&runtime).post("/v1/sessions/demo/renew").unwrap();
    assert_eq!(renewed["generation"], 2, "{renewed}");
    let mut kinds = Vec::new();
    while !kinds.iter().any(|kind| kind == "renewed") {
        let mut line = String::new();
        assert!(std::io::BufRead::read_line(&mut lines, &mut line).unwrap() > 0, "{kinds:?}");
        let record: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(record["account"], "demo");
        kinds.push(record["kind"].as_str().unwrap().to_owned());
    }
    following.signal(Signal::INT);
    assert!(following.ended(latchkey_tests::wait::PATIENCE).success());
}

#[test]
fn a_running_agent_tells_what_it_knows_and_the_vault_is_not_opened_again() {
    let (desktop, _backend) = signed_in();
    let keyless = |arguments: &[&str]| {
        let mut command = desktop.latchkey_command(arguments);
        command.env_remove("LATCHKEY_KEY_FILE");
        Running::start(command, "").done()
    };
    let _ = keyless(&["status", "demo"]).ends(2).says("LATCHKEY_KEY_FILE");
    let agent = desktop.start_latchkey(&["agent"], "");
    assert!(agent.first_line().contains("agent.sock"));
    let status = keyless(&["status", "--json"]).ends(0).json();
    assert_eq!((&status[0]["state"], &status[0]["generation"]), (&json!("signed_in"), &json!(1)));
    assert!(keyless(&["status"]).ends(0).stdout.contains("Demo User <demo@example.com>"));
    let _ = keyless(&["renew", "demo"]).ends(0).says("generation 1 → 2");
    assert!(keyless(&["token", "demo"]).ends(0).stdout.starts_with("ey"));
}

#[test]
fn completions_name_commands_and_accounts() {
    let (desktop, _backend) = signed_in();
    let script = desktop.latchkey(&["completions", "bash"]).ends(0).stdout;
    assert!(script.contains("complete"), "{script}");
    let complete = |words: &[&str]| {
        let mut command = desktop.command("latchkey");
        command.env("LATCHKEY_COMPLETE", "fish").arg("--").args(words);
        Running::start(command, "").done().ends(0).stdout
    };
    assert!(complete(&["latchkey", "tok"]).contains("token"));
    assert_eq!(complete(&["latchkey", "token", "de"]).trim(), "demo");
    assert_eq!(complete(&["latchkey", "accounts", "show", "x"]).trim(), "");
}
