//! What a process of ours lets others have: its memory, what it has open, what it says when it cannot go on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use latchkey_tests::canary::Canary;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::Process;
use latchkey_tests::programs::{Running, latchkey};
use latchkey_tests::wait::{PATIENCE, until};

use crate::backend::{REFRESH, living};

/// Nobody, where this runs as root: root may read every memory.
const NOBODY: u32 = 65534;

fn as_somebody(command: &mut Command) -> &mut Command {
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Whether another program of the same user may look into this process.
fn is_readable(pid: u32) -> bool {
    let mut cat = Command::new("cat");
    cat.arg(format!("/proc/{pid}/environ")).stdout(Stdio::null()).stderr(Stdio::null());
    as_somebody(&mut cat).status().unwrap().success()
}

#[test]
fn nobody_of_the_same_user_reads_the_memory_of_an_agent() {
    // Folders that whoever this is may enter.
    let home = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let program = home.path().join("latchkey");
    // The small program, and the full one that it starts.
    for name in ["latchkey", "latchkey-cli"] {
        fs::copy(latchkey().with_file_name(name), program.with_file_name(name)).unwrap();
    }
    let mut command = Command::new(&program);
    command.arg("agent").env_clear().current_dir(home.path()).env("LATCHKEY_VAULT", "memory");
    for name in ["CONFIG", "STATE", "RUNTIME"] {
        command.env(format!("LATCHKEY_{name}_DIR"), home.path().join(name.to_lowercase()));
    }
    as_somebody(&mut command);
    let agent = Running::start(command, "");
    assert!(agent.first_line().ends_with("agent.sock"), "it serves");
    assert!(!is_readable(agent.id()), "another program of the same user can read its memory");

    let mut sleep = Command::new("sleep");
    sleep.arg("600").stdout(Stdio::null());
    as_somebody(&mut sleep);
    let sleep = Process::start(sleep, "coreutils");
    until("a process that hides nothing", PATIENCE, || is_readable(sleep.id()).then_some(()));
}

/// A program that takes down what it was given: its arguments, its environment, what is open in it.
pub(crate) fn note_taker(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (program, notes) = (folder.join(name), folder.join("notes"));
    let script = format!(
        "#!/bin/sh\n{{ for argument; do echo \"argument $argument\"; done; env; ls -l /proc/$$/fd; }} > '{0}.part'\n\
         mv '{0}.part' '{0}'\n",
        notes.display()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (program, notes)
}

/// The numbers of what is open in a program that takes notes.
fn open(notes: &str) -> Vec<u32> {
    let lines = notes.lines().filter_map(|line| line.split_once(" -> "));
    let mut numbers: Vec<_> =
        lines.filter_map(|(before, _)| before.rsplit(' ').next()?.parse().ok()).collect();
    numbers.sort_unstable();
    assert!(numbers.contains(&0), "{notes}");
    numbers
}

/// What is open in it where nobody but this test started it: its own, and what the test was given itself.
fn open_in_any_case(desktop: &Desktop, program: &Path, notes: &Path) -> Vec<u32> {
    assert!(desktop.command(program).status().unwrap().success());
    let open = open(&fs::read_to_string(notes).unwrap());
    fs::remove_file(notes).unwrap();
    open
}

/// Every secret of the account, but not the access token.
fn secrets_of(desktop: &Desktop, account: &str) -> Canary {
    let mut canary = Canary::default();
    let envelope: serde_json::Value = serde_json::from_str(&desktop.secret_of(account).unwrap()).unwrap();
    let refresh = find(&envelope, "refresh").expect("a refresh token in the envelope");
    canary.watch("the refresh token", &refresh);
    canary
}

/// The first text whose name holds this one, at any depth.
fn find(value: &serde_json::Value, name: &str) -> Option<String> {
    if let Some(members) = value.as_object() {
        return members.iter().find_map(|(key, value)| match value.as_str() {
            Some(text) if key.contains(name) && text.len() > 16 => Some(text.to_owned()),
            Some(_) | None => find(value, name),
        });
    }
    value.as_array()?.iter().find_map(|value| find(value, name))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_given_its_token_and_nothing_that_is_open() {
    let desktop = Desktop::start(Keychain::Unlocked);
    let backend = living(Duration::from_mins(10)).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let (program, notes) = note_taker(&desktop.path("home"), "note-taker");
    let usual = open_in_any_case(&desktop, &program, &notes);
    let _ = desktop.latchkey(&["exec", "demo", "--", program.to_str().unwrap(), "word"]).ends(0);
    let notes = fs::read_to_string(notes).unwrap();
    let token = desktop.latchkey(&["token", "demo"]).ends(0);
    assert_eq!(notes.matches(token.value()).count(), 1, "once, in its environment");
    assert!(notes.contains(&format!("LATCHKEY_ACCESS_TOKEN={}", token.value())));
    assert_eq!(open(&notes), usual, "inherited: {notes}");
    let found = secrets_of(&desktop, "demo").look("what the program was given", notes.as_bytes());
    assert!(found.is_empty(), "{found:#?}");
    let ours: Vec<_> = notes.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    let ours: Vec<_> = ours.into_iter().filter(|name| name.starts_with("LATCHKEY_")).collect();
    assert!(ours.len() <= 5, "more of ours than where things are, the token and its end: {ours:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_given_the_page_and_nothing_that_is_open() {
    let desktop = Desktop::start(Keychain::Unlocked);
    let (program, notes) = note_taker(&desktop.path("home"), "note-taker");
    let usual = open_in_any_case(&desktop, &program, &notes);
    let desktop = desktop.with("BROWSER", program).with("DISPLAY", ":65535");
    let backend = living(Duration::from_mins(10)).await;
    let words = ["accounts", "add", "work", "--issuer", backend.url(), "--client-id", "latchkey"];
    let _ = desktop.latchkey(&words).ends(0);
    let waiting = desktop.start_latchkey(&["sign-in", "work"], "");
    let notes = until("the browser to be opened", PATIENCE, || fs::read_to_string(&notes).ok());
    assert!(notes.contains(&format!("argument {}", backend.url())), "{notes}");
    assert_eq!(open(&notes), usual, "inherited: {notes}");
    assert!(!notes.contains("code_verifier"), "{notes}");
    drop(waiting);
}

#[tokio::test(flavor = "multi_thread")]
async fn however_few_files_can_be_opened_nobody_is_signed_out() {
    let desktop = Desktop::start(Keychain::Unlocked);
    // It gives no second answer: a token that is spent and not stored would end the session.
    let backend = living(Duration::from_mins(10)).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let (mut failed, mut renewed) = (0, 0);
    for files in 4..40 {
        let mut limited = desktop.command("sh");
        limited.args(["-c", &format!("ulimit -n {files}; exec \"$0\" renew demo")]).arg(latchkey());
        match limited.output().unwrap().status.code() {
            Some(0) => renewed += 1,
            Some(3) => panic!("with {files} files it asks for a sign-in"),
            Some(_) | None => failed += 1,
        }
    }
    assert!(
        failed > 3 && renewed > 3,
        "{failed} failed and {renewed} renewed: the limits are not where it matters"
    );
    assert_eq!(desktop.status("demo")["state"], "signed_in");
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    let outcomes: Vec<_> = backend.requests().into_iter().filter(|request| request.path == REFRESH).collect();
    assert!(outcomes.iter().all(|request| request.status == Some(200)), "{outcomes:#?}");
}
