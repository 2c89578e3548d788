//! What the user guide has people type, typed: on a machine on which nothing was done before.

use std::fs;

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::programs::{DevServerProcess, Done, Running, latchkey};
use latchkey_tests::wait::{PATIENCE, until};

/// The commands below these words on a page of the guide, a line each.
fn commands(page: &str, below: &str) -> Vec<String> {
    let text = fs::read_to_string(latchkey_tests::repository().join("docs/guide").join(page)).unwrap();
    let (_, rest) = text.split_once(below).unwrap_or_else(|| panic!("{page} does not say “{below}”"));
    let lines = rest.lines().skip_while(|line| !line.starts_with("    "));
    lines.take_while(|line| line.starts_with("    ")).map(|line| line.trim_start().to_owned()).collect()
}

/// Types them into a shell that finds the built programs and stops at what fails.
fn typed(desktop: &Desktop, lines: &[String]) -> Done {
    let mut shell = desktop.command("sh");
    let programs = latchkey().parent().unwrap().display().to_string();
    shell.arg("-e").env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap()));
    Running::start(shell, &lines.join("\n")).done()
}

#[test]
fn a_machine_without_a_keychain_gets_a_sealed_vault_as_the_guide_says() {
    let desktop = Desktop::start(Keychain::NoBus);
    let lines = commands("administrator.md", "gets a sealed file");
    assert!(lines.iter().any(|line| line.contains("LATCHKEY_VAULT=sealed-file")), "{lines:?}");
    let done = typed(&desktop, &lines).ends(0);
    assert!(done.stdout.contains("The sealed file wrote, read and erased a probe"), "{done:#?}");
}

/// Without whoever renews nothing would come of the faults.
#[test]
fn the_faults_of_the_guide_end_the_session_as_it_says() {
    let desktop = Desktop::start(Keychain::Unlocked);
    let mut backend = None;
    let mut agent = None;
    let lines = [
        commands("developer.md", "## A backend to play with"),
        commands("developer.md", "Now break something"),
    ];
    for line in lines.concat() {
        // What stands behind a `#` is said to people. The address is the test's own, since others listen at the usual one.
        let words: Vec<&str> = line.split('#').next().unwrap().split_whitespace().skip(1).collect();
        let (url, port) = backend
            .as_ref()
            .map_or_else(Default::default, |backend: &DevServerProcess| (backend.url.clone(), backend.port));
        match words[..] {
            ["devserver", ..] => {
                backend = Some(DevServerProcess::start(&desktop, &["--access-lifetime", "4s"]));
            }
            ["accounts", "add", "demo", "--devserver"] => desktop.add_demo(port),
            ["sign-in", "demo", "--username", "demo"] => drop(desktop.sign_in("demo", "demo").ends(0)),
            ["agent"] => {
                let started = desktop.start_latchkey(&["agent"], "");
                let _ = started.first_line();
                agent = Some(started);
            }
            ["lab", "fault", ..] => drop(desktop.latchkey(&[&words[..], &["--url", &url]].concat()).ends(0)),
            ["status", ..] | ["log", "--follow", ..] => {}
            _ => panic!("the guide has another command: {line}"),
        }
    }
    let reason = until("the reply to be lost", PATIENCE, || {
        let status = desktop.status("demo");
        (status["state"] == "needs_sign_in").then(|| status["reason"]["code"].clone())
    });
    assert_eq!(reason, "refused_after_lost_reply");
    drop((agent, backend));
}
