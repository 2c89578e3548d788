//! What a crash leaves behind: no core file, in which every token of the process would stand.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::Process;
use latchkey_tests::programs::{self, Running};
use latchkey_tests::wait::{PATIENCE, until};
use rustix::process::Signal;

use crate::backend::{living, random_text};

/// Runs a program for which this machine would write core files, and ends it as a crash does.
fn crashed(desktop: &Desktop, program: &str, arguments: &[&str], ready: impl Fn(u32) -> bool) -> bool {
    let mut command: Command = desktop.command("sh");
    command.args(["-c", "ulimit -c unlimited && exec \"$0\" \"$@\"", program]).args(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = Process::start(command, "dash");
    let pid = process.id();
    until("the program to run", PATIENCE, || ready(pid).then_some(()));
    process.signal(Signal::ABORT);
    process.ended(PATIENCE).core_dumped()
}

fn soft_core_limit(pid: u32) -> Option<String> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max core file size"))?;
    line.split_whitespace().nth(4).map(str::to_owned)
}

fn runs_as(pid: u32, name: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name)
}

#[test]
fn an_agent_that_crashes_leaves_no_core_file() {
    let desktop = Desktop::start(Keychain::Unlocked);
    let elsewhere = crashed(&desktop, "sleep", &["600"], |pid| runs_as(pid, "sleep"));
    if !elsewhere {
        eprintln!("this machine writes no core files anyway; only the limit is looked at");
    }
    let program = programs::latchkey().display().to_string();
    let socket = desktop.path("runtime").join("agent.sock");
    let dumped = crashed(&desktop, &program, &["agent"], |pid| {
        let serves = runs_as(pid, "latchkey-cli") && socket.exists();
        assert!(!serves || soft_core_limit(pid).as_deref() == Some("0"), "{:?}", soft_core_limit(pid));
        serves
    });
    assert!(!dumped, "a core file was written");
    let cores = fs::read_dir(desktop.path("home")).unwrap().flatten();
    let ours: Vec<_> = cores
        .filter(|file| fs::read(file.path()).is_ok_and(|bytes| has(&bytes, program.as_bytes())))
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
}

/// A panic in the middle of a renewal, with a token in its message: what is said has none, and the session goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_says_where_and_not_with_what() {
    let doomed = std::env::var_os("LATCHKEY_DOOMED_BIN");
    let doomed = doomed
        .expect("LATCHKEY_DOOMED_BIN is not set: `cargo xtask test --only blackbox` builds that program");
    let desktop = Desktop::start(Keychain::Unlocked);
    let backend = living(Duration::from_mins(10)).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let token = random_text("eyJhbGciOiJIUzI1NiJ9.");
    let mut command = desktop.command(doomed);
    command.args(["renew", "demo"]).env("FAILPOINTS", format!("before_send=panic(it was {token})"));
    // Where it was is deeper than where the message is made.
    command.env("RUST_BACKTRACE", "1");
    let done = Running::start(command, "").done();
    assert_eq!(done.code, None, "it went on: {done:#?}");
    assert!(done.stderr.contains("failpoint.rs") && done.stderr.contains("it was ["), "{done:#?}");
    assert!(!done.stderr.contains(&token[10..]) && !done.stdout.contains(&token[10..]), "{done:#?}");
    let renewed = desktop.latchkey(&["renew", "demo", "--json"]).ends(0);
    assert_eq!(renewed.json()["generation"], 2);
}

fn has(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}
