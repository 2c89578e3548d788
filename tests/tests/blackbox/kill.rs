//! Commands that are killed, and commands that renew at once: the short cut of `cargo xtask soak`.

use std::time::Duration;

use latchkey_tests::simulation::kill::{GRACE, kills, together};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_renewal_loses_nothing_where_the_backend_has_a_grace_window() {
    let tally = kills(1, 13, GRACE).await;
    eprintln!("grace window of 30 s: {}", tally.line());
    assert!(tally.broken.is_empty(), "{:#?}", tally.broken);
    assert_eq!(tally.lost, 0, "{tally:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_renewal_costs_a_session_of_a_strict_backend_only_after_the_commit() {
    let tally = kills(2, 12, Duration::ZERO).await;
    eprintln!("strict backend: {}", tally.line());
    assert!(tally.broken.is_empty(), "{:#?}", tally.broken);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_after_a_kill_knows_that_a_reply_was_lost() {
    let tally = kills(3, 25, Duration::ZERO).await;
    eprintln!("strict backend: {}", tally.line());
    assert!(tally.lost > 0, "no kill hit the window: {tally:#?}");
    assert_eq!(tally.mistold, [""; 0], "{tally:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_stand_at_the_lock_together_make_one_request_a_round() {
    let wrong = together(20, 8).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}
