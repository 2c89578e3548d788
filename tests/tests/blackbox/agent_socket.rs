//! Whose the agent's socket is: the agent's own, or systemd's.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::{Process, signal};
use latchkey_tests::programs::{Running, latchkey};
use latchkey_tests::wait::{PATIENCE, until};
use rustix::process::Signal;

use crate::agent::{agent, consumers, ends, machine};

/// As systemd does it (sd_listen_fds(3)): the socket is there first, and the first caller finds somebody. What is in its way
/// is removed (systemd.socket(5)).
fn passed_on(desktop: &Desktop, socket: &Path) -> Running {
    let script = r#"
        use Socket;
        $^F = 10;
        socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die;
        unlink $ARGV[0];
        bind($s, sockaddr_un(shift @ARGV)) && listen($s, 5) or die;
        die "not the third" unless fileno($s) == 3;
        $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1;
        exec @ARGV;
    "#;
    let mut perl = desktop.command("perl");
    perl.args(["-e", script]).arg(socket).arg(latchkey()).arg("agent");
    let agent = Running::start(perl, "");
    assert_eq!(agent.first_line(), socket.to_str().unwrap());
    agent
}

#[test]
fn an_agent_takes_a_socket_that_is_passed_on_and_leaves_it_there() {
    let (desktop, _backend) = machine();
    let socket = desktop.path("runtime").join("agent.sock");
    let agent = passed_on(&desktop, &socket);
    let _ = desktop.latchkey(&["token", "demo"]).ends(0);
    assert_eq!(consumers(&desktop).len(), 1, "it was the agent that gave it");
    ends(agent);
    assert!(socket.exists(), "it is not the agent's to remove");
}

/// As systemd does for latchkey.socket until the first program asks. An agent started otherwise would take the socket away
/// for good: nobody could reach systemd there any more.
#[test]
fn an_agent_does_not_take_a_socket_away_from_who_keeps_it_for_another() {
    let (desktop, _backend) = machine();
    let socket = desktop.path("runtime").join("agent.sock");
    let kept = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let _ = desktop.latchkey(&["agent"]).ends(1).says("latchkey.socket");
    assert!(socket.exists());
    // Who comes now reaches it still.
    let _caller = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    kept.set_nonblocking(true).unwrap();
    assert!(kept.accept().is_ok());
    assert_eq!(kept.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "the agent woke it");
}

/// As `systemctl --user start latchkey.socket` does it beside an agent or a window. Callers reach systemd's socket from then on:
/// an agent that did not serve it, for the other's sake, would leave them waiting.
#[test]
fn an_agent_serves_the_socket_that_took_the_place_of_anothers_and_that_one_leaves_it_there() {
    let (desktop, _backend) = machine();
    let (displaced, socket) = agent(&desktop);
    let serving = passed_on(&desktop, Path::new(&socket));
    let _ = desktop.latchkey(&["token", "demo"]).ends(0);
    assert_eq!(consumers(&desktop).len(), 1, "it was an agent that gave it");
    ends(displaced);
    assert_eq!(consumers(&desktop).len(), 1, "the other one was not asked");
    ends(serving);
}

/// Ctrl-Z in its terminal. Its socket takes callers still, who would wait until their patience ends.
#[test]
fn an_agent_that_waits_for_its_turn_serves_once_the_first_has_ended_and_what_was_configured_meanwhile() {
    let (desktop, backend) = machine();
    let (first, socket) = agent(&desktop);
    let waits = desktop.start_latchkey(&["agent", "--wait"], "");
    let waiting = format!(" {} ", waits.id());
    until("it to wait", PATIENCE, || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|lock| lock.contains("-> FLOCK") && lock.contains(&waiting)).then_some(())
    });
    let port = backend.port.to_string();
    let _ = desktop.latchkey(&["accounts", "add", "later", "--devserver", "--devserver-port", &port]).ends(0);
    ends(first);
    assert_eq!(waits.first_line(), socket);
    let _ = desktop.sign_in("later", "demo").ends(0);
    let _ = desktop.latchkey(&["token", "later"]).ends(0);
    assert_eq!(consumers(&desktop).len(), 1, "it was the agent that gave it");
    signal(waits.id(), Signal::TERM);
    let _ = waits.done().ends(0).says("Waiting: another agent");
}

#[test]
fn commands_do_without_an_agent_that_is_stopped_and_say_how_it_goes_on() {
    let (desktop, _backend) = machine();
    let (agent, _) = agent(&desktop);
    signal(agent.id(), Signal::STOP);
    let stat = format!("/proc/{}/stat", agent.id());
    until("it to be stopped", PATIENCE, || {
        std::fs::read_to_string(&stat).unwrap().contains(") T ").then_some(())
    });
    let way_on = format!("`kill -CONT {}`", agent.id());
    let _ = desktop.latchkey(&["token", "demo"]).ends(0).says(&way_on);
    let _ = desktop.latchkey(&["consumers", "list"]).ends(4).says(&way_on);
    let found = desktop.latchkey(&["doctor"]).ends(1).stdout;
    assert!(found.contains(&way_on), "{found}");
    signal(agent.id(), Signal::CONT);
    assert_eq!(consumers(&desktop).len(), 0, "it did not give the token that was asked for meanwhile");
    ends(agent);
}

/// Callers would wait for an answer as long as the person types.
#[test]
fn an_agent_that_asks_for_a_passphrase_keeps_nobody_waiting_meanwhile() {
    let desktop = Desktop::start(Keychain::NoBus).with("LATCHKEY_VAULT", "sealed-file");
    let socket = desktop.path("runtime").join("agent.sock");
    let mut command = desktop.command("script");
    command.args(["-q", "-c"]).arg(format!("{} agent", latchkey().display())).arg("/dev/null");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut agent = Process::start(command, "bsdutils");
    let (mut typed, mut shown) = (agent.child().stdin.take().unwrap(), agent.child().stdout.take().unwrap());
    for question in ["New passphrase", "once more"] {
        let (mut said, mut part) = (String::new(), [0; 256]);
        while !said.contains(question) {
            let length = shown.read(&mut part).unwrap();
            assert!(length > 0, "it ended: {said}");
            said.push_str(&String::from_utf8_lossy(&part[..length]));
        }
        assert!(!socket.exists(), "{said}");
        typed.write_all(b"open sesame\n").unwrap();
    }
    until("the agent to serve", PATIENCE, || socket.exists().then_some(()));
}
