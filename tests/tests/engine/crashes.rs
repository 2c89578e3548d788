//! A process that dies in the middle of a renewal, and the next one, which finds what it left.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::journal::{Intent, Noted};
use latchkey_engine::ports::Vault as _;
use latchkey_tests::engine_world::{Doomed, Like, REFRESH, Step, World, reason};

fn graceful() -> Like {
    Like { grace: Duration::from_secs(30), ..Like::default() }
}

async fn signed_in_and_closed(like: Like) -> World {
    let world = World::like(like).await;
    world.signed_in().await.close().await;
    world
}

/// What the journal holds for tokens that are in the vault.
async fn open_intent(world: &World) -> Noted {
    let envelope = world.stored().await.unwrap();
    Noted::Sent(Intent {
        account: world.account.to_string(),
        generation: envelope.generation,
        fingerprint: world.fingerprint_of(envelope.tokens.refresh.unwrap().expose()),
        started: world.wall(),
    })
}

/// Wherever it dies: the session goes on where the backend has a grace window, and where it has none it is lost
/// only if the backend had answered and nothing was stored.
#[tokio::test]
async fn wherever_a_process_dies_the_next_one_goes_on_and_nothing_is_lost_that_could_be_saved() {
    for grace in [Duration::from_secs(30), Duration::ZERO] {
        for step in Step::ALL {
            let what = format!("{step:?}, grace {grace:?}");
            let world = signed_in_and_closed(Like { grace, ..Like::default() }).await;
            Doomed::at(&world, step).dies_renewing().await;
            let open = world.journal.noted(&world.account) != Noted::Nothing;
            assert_eq!(open, matches!(step, Step::Noted | Step::Received | Step::Stored), "{what}");

            let engine = world.engine();
            if step == Step::Received && grace.is_zero() {
                let status = engine.until_state("needs_sign_in").await;
                assert_eq!(reason(&status), "refused_after_lost_reply", "{what}");
                assert_eq!(engine.token().await.unwrap().generation, 1, "{what}: it still lives");
                continue;
            }
            let sent = matches!(step, Step::Received | Step::Stored | Step::Closed);
            if step == Step::Begun {
                engine.until_generation(1).await;
                assert_eq!(world.refreshes(), 0, "{what}: nothing was sent, and nothing is sent for it");
            } else {
                // Where the reply was lost the same token is sent at once, not when the plan says so.
                engine.until_generation(2).await;
                assert_eq!(
                    world.refreshes(),
                    usize::from(sent) + usize::from(step <= Step::Received),
                    "{what}"
                );
            }
            assert_eq!(engine.renews().await.unwrap().state, "signed_in", "{what}");
            assert_eq!(world.journal.noted(&world.account), Noted::Nothing, "{what}");
            assert!(!world.saw_reuse(), "{what}");
        }
    }
}

#[tokio::test]
async fn an_intent_for_tokens_that_were_replaced_is_closed_and_nothing_is_sent() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let before = open_intent(&world).await;
    engine.renews().await.unwrap();
    engine.close().await;
    world.journal.plant(&world.account, before);
    let engine = world.engine();
    engine.until_generation(2).await;
    assert_eq!((engine.settles().await.state.as_str(), world.refreshes()), ("signed_in", 1));
    assert_eq!(world.journal.noted(&world.account), Noted::Nothing);
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_is_an_unknown_outcome_and_stops_nothing() {
    let world = signed_in_and_closed(Like::default()).await;
    world.journal.plant(&world.account, Noted::Unreadable);
    world.engine().until_generation(2).await;
    assert_eq!((world.refreshes(), world.journal.noted(&world.account)), (1, Noted::Nothing));
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_is_told_once_and_stops_nothing() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.journal.is_full(true);
    for generation in 2..6 {
        assert_eq!(engine.renews().await.unwrap().generation, generation);
    }
    let told = world.logged().into_iter().filter(|kind| kind == "journal_unusable").count();
    assert_eq!((told, world.journal.written()), (1, 0));
}

#[tokio::test]
async fn a_command_that_only_looks_sends_nothing_and_one_that_wants_a_token_asks_again() {
    let world = signed_in_and_closed(graceful()).await;
    Doomed::at(&world, Step::Received).dies_renewing().await;
    let looking = world.command();
    let status = looking.now().await;
    assert_eq!((status.state.as_str(), world.refreshes()), ("signed_in", 1));
    assert!(status.next.unwrap().why.contains("never arrived"), "it says what comes next");
    looking.close().await;
    assert_eq!(world.refreshes(), 1);

    let asking = world.command();
    assert_eq!(
        asking.token().await.unwrap().generation,
        1,
        "the token in hand is good, and is not waited for"
    );
    asking.close().await;
    assert_eq!((world.refreshes(), world.stored().await.unwrap().generation), (2, 2));
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn an_intent_of_a_process_that_is_still_at_it_is_left_alone() {
    let world = signed_in_and_closed(graceful()).await;
    let mut doomed = Doomed::at(&world, Step::Received);
    let asking = doomed.engine.begins_to_renew();
    doomed.stands_still().await;
    let engine = world.engine();
    engine.until_generation(1).await;
    assert_eq!((engine.settles().await.state.as_str(), world.refreshes()), ("signed_in", 1));
    doomed.dies().await;
    asking.abort();
    // The crash is found by whoever renews next, under the lock.
    assert_eq!(engine.renews().await.unwrap().generation, 2);
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn a_refusal_of_what_another_process_had_sent_says_that_a_reply_was_lost() {
    let world = signed_in_and_closed(Like::default()).await;
    let engine = world.engine();
    engine.until_generation(1).await;
    Doomed::at(&world, Step::Received).dies_renewing().await;
    assert_eq!(engine.renews().await.unwrap_err().code(), "sign_in_needed");
    assert_eq!(reason(&engine.now().await), "refused_after_lost_reply");
}

#[tokio::test]
async fn a_lost_reply_is_remembered_until_there_is_a_verdict_and_over_a_restart() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.goes_wrong(Fault::new(REFRESH, FaultMode::DropBefore).times(2));
    engine.renews().await.unwrap_err();
    assert_ne!(world.journal.noted(&world.account), Noted::Nothing);
    engine.close().await;
    let mut sent = world.refreshes();
    let engine = world.engine();
    engine.until_generation(2).await;
    sent += 1;
    assert_eq!((world.refreshes(), world.journal.noted(&world.account)), (sent, Noted::Nothing));

    for (what, fault, open) in [
        ("never sent", None, false),
        ("busy", Some(Fault::new(REFRESH, FaultMode::Status).status(503)), false),
        ("a gateway", Some(Fault::new(REFRESH, FaultMode::Status).status(504)), true),
    ] {
        let mut world = World::new().await;
        let engine = world.signed_in().await;
        match fault {
            Some(fault) => world.goes_wrong(fault.times(-1)),
            None => world.backend_goes_away().await,
        }
        engine.renews().await.unwrap_err();
        assert_eq!(world.journal.noted(&world.account) != Noted::Nothing, open, "{what}");
    }
}

#[tokio::test]
async fn a_write_that_did_not_come_through_is_found_by_the_next_start() {
    let world = World::like(graceful()).await;
    let engine = world.signed_in().await;
    world.vault.fail_next_writes(u64::MAX, latchkey_core::reason::VaultProblem::Locked);
    engine.renews().await.unwrap_err();
    assert_ne!(world.journal.noted(&world.account), Noted::Nothing, "open until it is stored");
    engine.close().await;
    world.vault.fail_next_writes(0, latchkey_core::reason::VaultProblem::Locked);
    assert_eq!(world.vault.read(&world.account).await.ok().flatten().unwrap().generation, 1);
    let engine = world.engine();
    engine.until_generation(2).await;
    assert!(!world.saw_reuse());
    engine.time_passes(SignedDuration::from_secs(5)).await;
    assert_eq!(world.journal.noted(&world.account), Noted::Nothing);
}
