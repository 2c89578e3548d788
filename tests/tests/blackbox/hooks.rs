//! The programs that an account runs, and the places that the log goes to, from outside: the built program, and on the
//! other side whatever reads there.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::thread;

use latchkey_tests::canary::Canary;
use latchkey_tests::collector::Collector;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::signal;
use latchkey_tests::programs::{DevServerProcess, Running};
use latchkey_tests::wait::{PATIENCE, until};
use rustix::process::Signal;
use serde_json::Value;

use crate::agent::ends;

/// A machine with a backend, and this in its configuration.
fn machine(config: impl FnOnce(&Path) -> String) -> (Desktop, DevServerProcess) {
    let desktop = Desktop::start(Keychain::Unlocked).with("LATCHKEY_VAULT", "keychain");
    let backend = DevServerProcess::start(&desktop, &["--access-lifetime", "5m"]);
    desktop.add_demo(backend.port);
    let file = desktop.config_file();
    let (before, more) = (std::fs::read_to_string(&file).unwrap(), config(file.parent().unwrap()));
    std::fs::write(&file, format!("{before}\n{more}")).unwrap();
    (desktop, backend)
}

/// A file of the machine that programs of a test write to.
fn file(desktop: &Desktop, name: &str) -> PathBuf {
    desktop.config_file().parent().unwrap().join(name)
}

/// The objects in a file of JSON lines, whole lines only.
fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn agent(desktop: &Desktop) -> Running {
    let agent = desktop.start_latchkey(&["agent"], "");
    agent.first_line();
    agent
}

#[test]
fn a_program_hears_of_a_sign_in_a_renewal_and_a_sign_out_and_gets_no_token() {
    let hook = |folder: &Path| {
        let heard = folder.join("heard");
        format!("[[accounts.demo.on_event]]\nrun = [\"sh\", \"-c\", 'cat >> \"$1\"', \"sh\", {heard:?}]\n")
    };
    let (desktop, _backend) = machine(hook);
    let heard = file(&desktop, "heard");
    let _ = desktop.sign_in("demo", "demo").ends(0);
    assert_eq!(lines(&heard)[0]["event"], "signed_in", "a command tells before it ends");
    let agent = agent(&desktop);
    let mut canary = Canary::default();
    canary.watch("an access token", desktop.latchkey(&["token", "demo"]).ends(0).value());
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    canary.watch("a renewed access token", desktop.latchkey(&["token", "demo"]).ends(0).value());
    let events = || lines(&heard).iter().map(|one| one["event"].clone()).collect::<Vec<_>>();
    until("the renewal to be told", PATIENCE, || (events().len() == 2).then_some(()));
    ends(agent);
    let _ = desktop.latchkey(&["sign-out", "demo"]).ends(0);
    assert_eq!(events(), ["signed_in", "renewed", "signed_out"]);
    let renewed = &lines(&heard)[1];
    assert_eq!((&renewed["account"], &renewed["generation"]), (&"demo".into(), &2.into()));
    assert_eq!(canary.look("what the program was told", &std::fs::read(&heard).unwrap()), [""; 0]);
}

#[test]
fn a_program_that_hangs_is_ended_and_the_command_with_it_is_not_held_up_for_long() {
    let hook = |folder: &Path| {
        let pid = folder.join("pid");
        format!(
            "[[accounts.demo.on_event]]\nrun = [\"sh\", \"-c\", 'echo $$ > \"$1\"; exec sleep 1000', \"sh\", {pid:?}]\ntime_limit = \"5s\"\n"
        )
    };
    let (desktop, _backend) = machine(hook);
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let pid = std::fs::read_to_string(file(&desktop, "pid")).unwrap();
    let stat = format!("/proc/{}/stat", pid.trim());
    assert!(std::fs::read_to_string(stat).ok().is_none_or(|stat| stat.contains(") Z ")), "it still runs");
    assert!(std::fs::read_to_string(desktop.events_file()).unwrap().contains("hook_failed"));
    assert_eq!(desktop.status("demo")["state"], "signed_in");
}

#[test]
fn a_check_of_the_account_says_what_is_odd_about_its_programs() {
    let hook = |folder: &Path| {
        let open = folder.join("open");
        std::fs::write(&open, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let programs = ["no-program-of-this-name", open.to_str().unwrap()];
        programs.map(|program| format!("[[accounts.demo.on_event]]\nrun = [{program:?}]\n")).concat()
    };
    let (desktop, _backend) = machine(hook);
    let checked = desktop.latchkey(&["accounts", "check", "demo"]).ends(0);
    assert!(checked.stdout.contains("(program_not_found)"), "{checked:?}");
    assert!(checked.stdout.contains("(program_changeable_by_others)"), "{checked:?}");
}

#[test]
fn a_renewal_reaches_every_place_of_the_log_and_no_token_does() {
    let collector = Collector::start();
    let places = |folder: &Path| {
        let (file, read, journal) = (folder.join("records"), folder.join("read"), folder.join("journal"));
        let url = &collector.url;
        format!(
            "[log.archive]\nto = \"file\"\npath = {file:?}\nlevel = \"trace\"\n\
             [log.mine]\nto = \"program\"\nrun = [\"sh\", \"-c\", 'cat >> \"$1\"', \"sh\", {read:?}]\nlevel = \"debug\"\n\
             [log.journal]\nto = \"journald\"\nsocket = {journal:?}\n\
             [log.here]\nto = \"stderr\"\n\
             [log.collector]\nto = \"otlp\"\nendpoint = {url:?}\nlevel = \"trace\"\n"
        )
    };
    let (desktop, _backend) = machine(places);
    let socket = UnixDatagram::bind(file(&desktop, "journal")).unwrap();
    let journal = thread::spawn(move || {
        let (mut all, mut bytes) = (String::new(), vec![0; 65_536]);
        while !all.contains("LATCHKEY_KIND=renewed\n") {
            let length = socket.recv(&mut bytes).unwrap();
            all.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
        all
    });
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let agent = agent(&desktop);
    let mut canary = Canary::default();
    canary.watch("an access token", desktop.latchkey(&["token", "demo"]).ends(0).value());
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    canary.watch("a renewed access token", desktop.latchkey(&["token", "demo"]).ends(0).value());
    let journal = journal.join().unwrap();
    let spans = || {
        let documents = collector.taken("/v1/traces");
        documents.iter().any(|one| one.to_string().contains("\"name\":\"renew\"")).then_some(documents)
    };
    let spans = until("the span of the renewal", PATIENCE, spans);
    // The end of a process waits for no place for long: what is looked for is there before it.
    let measured = || {
        let metrics = collector.taken("/v1/metrics");
        let last = metrics.last()?.to_string();
        let names = ["latchkey.renewal.remaining_lifetime", "latchkey.renewal.duration"];
        names.iter().all(|name| last.contains(name)).then_some(metrics)
    };
    let metrics = until("the renewal to be measured", PATIENCE, measured);
    signal(agent.id(), Signal::TERM);
    let terminal = agent.done().ends(0).stderr;
    assert!(terminal.contains("demo renewed: Renewed in"), "{terminal}");
    let kinds =
        |name: &str| lines(&file(&desktop, name)).iter().map(|one| one["kind"].clone()).collect::<Vec<_>>();
    until("the program to have read it", PATIENCE, || {
        kinds("read").contains(&"renewed".into()).then_some(())
    });
    assert!(kinds("records").contains(&"renewed".into()) && kinds("records").contains(&"signed_in".into()));
    let mut found = canary.look("the journal", journal.as_bytes());
    found.extend(canary.look("the terminal", terminal.as_bytes()));
    for name in ["records", "read"] {
        found.extend(canary.look(name, &std::fs::read(file(&desktop, name)).unwrap()));
    }
    let everything = ["/v1/traces", "/v1/metrics", "/v1/logs"].map(|path| collector.taken(path)).concat();
    for document in spans.iter().chain(&metrics).chain(&everything) {
        found.extend(canary.look("the collector", document.to_string().as_bytes()));
    }
    assert_eq!(found, [""; 0]);
}
