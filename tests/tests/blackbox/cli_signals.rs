//! What a signal from outside does to a command that is in the middle of something.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::{Process, print_into, signal};
use latchkey_tests::programs::{Running, latchkey};
use latchkey_tests::wait::{PATIENCE, until};
use rustix::process::Signal;

use crate::agent::{ends, machine};
use crate::backend::{REFRESH, asked, by_hand};

/// A window that is closed, or a connection that breaks: shell and system both tell of it, so it comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_goes_away_takes_no_token_with_it() {
    let desktop = Desktop::start(Keychain::Unlocked).with("LATCHKEY_VAULT", "keychain");
    let (backend, clock, waiting) = by_hand().await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    backend.faults().add(Fault::new(REFRESH, FaultMode::Delay).after(Duration::from_secs(10))).unwrap();
    let words = desktop.out("words");
    // Whoever runs the tests may have begun them to outlive a terminal.
    let mut command = desktop.command("perl");
    command.args(["-e", "$SIG{HUP} = 'DEFAULT'; exec @ARGV"]).arg(latchkey()).args(["renew", "demo"]);
    print_into(&mut command, &words);
    let mut renewing = Process::start(command, "nothing: it is built by cargo");
    until("the renewal to arrive", PATIENCE, || (*waiting.borrow() == 1).then_some(()));
    renewing.signal(Signal::HUP);
    let said = || std::fs::read_to_string(&words).unwrap();
    let finishing = || said().contains("Finishing what is under way").then_some(());
    until("the close that waits", PATIENCE, || {
        assert!(renewing.runs(), "it ended with a token on its way: {}", said());
        finishing()
    });
    renewing.signal(Signal::HUP);
    clock.advance(SignedDuration::from_secs(10));
    assert_eq!(renewing.ended(PATIENCE).code(), Some(1), "{}", said());
    let status = desktop.status("demo");
    assert_eq!((&status["state"], &status["generation"]), (&"signed_in".into(), &2.into()), "{status:#}");
    assert_eq!(asked(&backend, REFRESH), 1, "the answer was not lost");
}

/// As nohup(1) starts it.
#[test]
fn an_agent_that_is_to_outlive_its_terminal_does() {
    let (desktop, _backend) = machine();
    let mut command = desktop.command("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" agent"]).arg(latchkey());
    let agent = Running::start(command, "");
    let _ = agent.first_line();
    signal(agent.id(), Signal::HUP);
    let _ = desktop.latchkey(&["token", "demo"]).ends(0);
    let _ = desktop.latchkey(&["consumers", "list"]).ends(0);
    ends(agent);
}
