//! What a lifeline shows of the past: sleeps and gaps as they were, also after a start anew.

use jiff::SignedDuration;
use latchkey_engine::snapshot::{HistoryMark, MarkKind, past};
use latchkey_tests::engine_world::{World, reason};

const NIGHT: SignedDuration = SignedDuration::from_hours(8);

fn find(history: &[HistoryMark], kind: MarkKind) -> Option<&HistoryMark> {
    history.iter().rev().find(|mark| mark.kind == kind)
}

#[tokio::test]
async fn a_sleep_and_the_wait_for_the_network_after_it_are_shown_as_long_as_they_were() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.network.is_down(true);
    let lay_down = world.wall();
    world.clock.sleep(NIGHT);
    let woke = world.wall();
    let waiting = engine.until_state("waiting").await;
    let slept = find(&waiting.history, MarkKind::Slept).expect("the sleep is on the lifeline");
    assert_eq!((slept.at, slept.until), (lay_down, Some(woke)));
    let away = waiting.history.last().unwrap();
    assert_eq!((away.kind, away.at, away.until), (MarkKind::OutOfReach, woke, None), "it goes on");

    while world.wall().duration_since(woke) < SignedDuration::from_secs(5) {
        assert_eq!(reason(&engine.next_thing_happens().await), "network");
    }
    world.network.is_down(false);
    let status = engine.next_thing_happens().await;
    assert_eq!(status.state, "signed_in");
    let away = find(&status.history, MarkKind::OutOfReach).expect("it was out of reach");
    assert_eq!((away.at, away.until), (woke, Some(world.wall())));

    let account = status.account.parse().unwrap();
    let restored = past(&world.records(), &account);
    for kind in [MarkKind::Slept, MarkKind::OutOfReach, MarkKind::SignedIn, MarkKind::Renewed] {
        let (told, logged) = (find(&status.history, kind).unwrap(), find(&restored, kind).unwrap());
        assert_eq!((told.at, told.until), (logged.at, logged.until), "{kind} after a start anew");
    }
}

#[tokio::test]
async fn a_backend_that_is_away_is_one_gap_however_often_it_is_tried() {
    let mut world = World::new().await;
    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    let since = world.wall();
    engine.renews().await.unwrap_err();
    for _ in 0..4 {
        engine.next_thing_happens().await;
    }
    let gaps =
        |history: &[HistoryMark]| history.iter().filter(|mark| mark.kind == MarkKind::OutOfReach).count();
    assert_eq!(gaps(&engine.now().await.history), 1);
    world.backend_comes_back().await;
    let _ = engine.renews().await;
    let status = engine.until_generation(2).await;
    let gap = find(&status.history, MarkKind::OutOfReach).unwrap();
    assert_eq!((gaps(&status.history), gap.at, gap.until), (1, since, Some(world.wall())));
}

#[tokio::test]
async fn a_sign_out_ends_the_session_on_the_lifeline() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let status = engine.signs_out().await.unwrap();
    let mark = find(&status.history, MarkKind::SignedOut).unwrap();
    assert_eq!(mark.reason.as_deref(), Some("signed_out"));
}
