//! What a crash leaves behind: no core file, in which every token of the process would stand.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::Process;
use latchkey_tests::programs;
use latchkey_tests::wait::{PATIENCE, until};
use rustix::process::Signal;

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
        let serves = runs_as(pid, "latchkey") && socket.exists();
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

fn has(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}
