//! Several processes and one keychain.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_devserver::{DevServer, Fault, FaultMode};
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::wait::{PATIENCE, until};

use crate::agent::{agent, begins_to_end, ends};
use crate::backend::{REFRESH, asked, by_hand, living};

const PROCESSES: usize = 8;
const ROUNDS: usize = 5;

/// Between two bytes of a reply, by the backend's clock.
const A_BYTE: Duration = Duration::from_millis(4);

/// Somebody who is signed in to a backend whose access tokens live this long.
async fn signed_in(lifetime: Duration) -> (Desktop, DevServer) {
    let desktop = Desktop::start(Keychain::Unlocked);
    let backend = living(lifetime).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    (desktop, backend)
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_renew_at_once_spend_one_refresh_token_a_round() {
    let (desktop, backend) = signed_in(Duration::from_mins(10)).await;

    for round in 1..=ROUNDS {
        for done in desktop.renewed_together(PROCESSES) {
            assert_eq!(done.clone().ends(0).json()["generation"], round + 1, "{done:#?}");
        }
        assert_eq!(asked(&backend, REFRESH), round, "{:#?}", backend.requests());
    }
    assert!(
        backend.requests().iter().all(|request| request.status == Some(200)),
        "{:#?}",
        backend.requests()
    );
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    assert_eq!(desktop.status("demo")["state"], "signed_in");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_want_a_fresh_token_at_once_all_get_the_one_in_hand() {
    let (desktop, backend) = signed_in(Duration::from_mins(10)).await;
    let all: Vec<_> = (0..PROCESSES).map(|_| desktop.start_latchkey(&["token", "demo"], "")).collect();
    let mut tokens: Vec<_> = all.into_iter().map(|one| one.done().ends(0).stdout).collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "different tokens for the same moment");
    assert_eq!(asked(&backend, REFRESH), 0, "a fresh token needs no renewal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keychain_that_went_away_is_said_so_and_found_again() {
    let (mut desktop, backend) = signed_in(Duration::from_mins(10)).await;

    desktop.kill_keychain();
    let gone = desktop.latchkey(&["renew", "demo"]).ends(1);
    assert!(gone.stderr.contains("LATCHKEY_VAULT"), "{gone:#?}");
    assert_eq!(asked(&backend, REFRESH), 0, "what cannot be saved is not spent");

    desktop.start_keychain();
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    assert_eq!(desktop.status("demo")["generation"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_goes_on_renewing_when_the_bus_is_restarted_under_it() {
    let (mut desktop, backend) = signed_in(Duration::from_secs(8)).await;
    let agent = desktop.start_latchkey(&["agent"], "");
    let _ = agent.first_line();
    until("a renewal by the agent", PATIENCE, || (asked(&backend, REFRESH) > 0).then_some(()));
    desktop.restart_bus();
    let before = asked(&backend, REFRESH);
    // What fails meanwhile is tried again at longer and longer intervals.
    until("two renewals over the new bus", 2 * PATIENCE, || {
        (asked(&backend, REFRESH) > before + 1).then_some(())
    });
    // Asked to end, it stores the reply that is on its way first; and over the new bus, since the next program goes on
    // with it.
    ends(agent);
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    assert!(
        backend.requests().iter().all(|request| request.status == Some(200)),
        "{:#?}",
        backend.requests()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_asked_to_end_stores_the_reply_that_is_on_its_way_first() {
    let desktop = Desktop::start(Keychain::Unlocked);
    let (backend, clock, waiting) = by_hand().await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    backend.faults().add(Fault::new(REFRESH, FaultMode::Drip).after(A_BYTE)).unwrap();
    let (agent, socket) = agent(&desktop);
    let renewing = desktop.start_latchkey(&["renew", "demo"], "");
    until("the reply to be on its way", PATIENCE, || (*waiting.borrow() == 1).then_some(()));
    begins_to_end(&agent, &socket);
    // Only now it goes on, a byte each time that the clock does.
    let flows = tokio::spawn(async move {
        loop {
            if *waiting.borrow() == 1 {
                clock.advance(SignedDuration::try_from(A_BYTE).unwrap());
            }
            tokio::task::yield_now().await;
        }
    });
    let _ = agent.done().ends(0);
    flows.abort();
    let _ = renewing.done().ends(0);
    assert_eq!(asked(&backend, REFRESH), 1, "{:#?}", backend.requests());
    assert_eq!(desktop.status("demo")["generation"], 2);
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
}
