//! The user units under systemd itself: the socket wakes the agent, and stays systemd's whoever serves meanwhile. Where no
//! user manager can run there is nothing to be seen.

use std::os::unix::fs::MetadataExt as _;

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::signal;
use latchkey_tests::programs::DevServerProcess;
use latchkey_tests::user_manager::UserManager;
use latchkey_tests::wait::{PATIENCE, until};
use rustix::process::Signal;

use crate::agent::{agent, consumers, ends};

/// A desktop whose sockets are where systemd puts them, and `demo` signed in.
fn machine() -> (Desktop, DevServerProcess) {
    let desktop = Desktop::start(Keychain::Unlocked);
    let runtime = desktop.path("run").join("latchkey");
    let desktop = desktop.with("LATCHKEY_RUNTIME_DIR", runtime);
    let backend = DevServerProcess::start(&desktop, &["--access-lifetime", "5m"]);
    desktop.add_demo(backend.port);
    let _ = desktop.sign_in("demo", "demo").ends(0);
    (desktop, backend)
}

#[test]
fn the_first_program_that_asks_wakes_the_agent_and_so_does_the_next_after_it_was_stopped_or_killed() {
    let (desktop, _backend) = machine();
    let Some(systemd) = UserManager::start(&desktop) else { return };
    systemd.has(&["start", "latchkey.socket"]);
    let folder = desktop.path("run").join("latchkey");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("agent.sock"))), (0o700, 0o600));
    assert!(systemd.is("latchkey.service", "inactive"), "nobody asked yet");
    let _ = desktop.latchkey(&["token", "demo"]).ends(0);
    assert_eq!(consumers(&desktop).len(), 1, "it was the agent that gave it");
    systemd.until("latchkey.service", "active");
    systemd.has(&["stop", "latchkey.service"]);
    assert!(systemd.is("latchkey.service", "inactive"), "to be stopped is no failure");
    assert_eq!(consumers(&desktop).len(), 0, "another agent was woken");
    let killed = systemd.process_of("latchkey.service");
    signal(killed.unwrap(), Signal::KILL);
    until("systemd to see it", PATIENCE, || (systemd.process_of("latchkey.service") != killed).then_some(()));
    let _ = desktop.latchkey(&["token", "demo"]).ends(0);
    assert_eq!(consumers(&desktop).len(), 1, "who asks meanwhile waits for the next one");
    systemd.has(&["stop", "latchkey.socket", "latchkey.service"]);
    assert!(!folder.join("agent.sock").exists());
}

#[test]
fn an_agent_started_by_hand_leaves_the_socket_to_systemd_and_one_that_was_first_gives_it_up() {
    let (desktop, _backend) = machine();
    let Some(systemd) = UserManager::start(&desktop) else { return };
    let (by_hand, socket) = agent(&desktop);
    systemd.has(&["start", "latchkey.socket"]);
    let _ = desktop.latchkey(&["token", "demo"]).ends(0);
    // Systemd's socket is where callers come from then on.
    systemd.until("latchkey.service", "active");
    ends(by_hand);
    assert_eq!(consumers(&desktop).len(), 1);
    let _ = desktop.latchkey(&["agent"]).ends(1);
    systemd.has(&["stop", "latchkey.service"]);
    let _ = desktop.latchkey(&["agent"]).ends(1).says("latchkey.socket");
    assert!(std::path::Path::new(&socket).exists());
    let _ = desktop.latchkey(&["token", "demo"]).ends(0);
    systemd.until("latchkey.service", "active");
}

#[test]
fn a_service_that_comes_second_serves_once_the_agent_before_it_has_ended() {
    let (desktop, _backend) = machine();
    let Some(systemd) = UserManager::start(&desktop) else { return };
    let (by_hand, _) = agent(&desktop);
    systemd.has(&["start", "latchkey.service"]);
    systemd.until("latchkey.service", "active");
    let waits = systemd.process_of("latchkey.service");
    assert_eq!(consumers(&desktop).len(), 0, "the first one serves");
    ends(by_hand);
    let socket = desktop.path("run").join("latchkey").join("agent.sock");
    until("it to serve", PATIENCE, || socket.exists().then_some(()));
    let _ = desktop.latchkey(&["token", "demo"]).ends(0);
    assert_eq!(consumers(&desktop).len(), 1);
    assert!(waits.is_some() && systemd.process_of("latchkey.service") == waits, "it waited for its turn");
    systemd.has(&["stop", "latchkey.service"]);
    assert!(systemd.is("latchkey.service", "inactive"));
}
