//! Two engines on the same vault and the same lock, as two processes have them.

use latchkey_tests::engine_world::World;

#[tokio::test]
async fn a_second_engine_adopts_what_the_first_renewed_and_asks_nobody() {
    let world = World::new().await;
    let first = world.signed_in().await;
    let second = world.engine();
    second.until_generation(1).await;

    first.renews().await.unwrap();
    assert_eq!(world.refreshes(), 1);
    let status = second.renews().await.unwrap();
    assert_eq!(status.generation, 2);
    assert_eq!(world.refreshes(), 1, "the second took over what the first had stored");
    assert!(world.logged().contains(&"adopted".to_owned()));
    assert!(second.token().await.unwrap().access.expose() == first.token().await.unwrap().access.expose());
}

#[tokio::test]
async fn each_engine_spends_the_token_that_the_other_stored_and_never_an_older_one() {
    let world = World::new().await;
    let (first, second) = (world.signed_in().await, world.engine());
    second.until_generation(1).await;
    for round in 1..=4 {
        first.renews().await.unwrap();
        second.renews().await.unwrap();
        // This one is an exchange of its own, with the token that the first engine has stored.
        assert_eq!(second.renews().await.unwrap().generation, round * 2 + 1);
        assert_eq!(first.renews().await.unwrap().generation, round * 2 + 1);
        assert_eq!(world.refreshes(), round as usize * 2);
    }
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn two_engines_renewing_at_the_same_instant_make_one_request_each_round() {
    let world = World::new().await;
    let (first, second) = (world.signed_in().await, world.engine());
    second.until_generation(1).await;
    for round in 1..=8 {
        let (one, other) = tokio::join!(first.renews(), second.renews());
        assert_eq!((one.unwrap().generation, other.unwrap().generation), (round + 1, round + 1));
        assert_eq!(world.refreshes(), round as usize);
    }
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn two_engines_whose_plans_come_due_together_make_one_request_each_round() {
    let world = World::new().await;
    let (first, second) = (world.signed_in().await, world.engine());
    second.until_generation(1).await;
    for round in 1..=5 {
        world.clock.advance(jiff::SignedDuration::from_secs(50));
        first.until_generation(round + 1).await;
        second.until_generation(round + 1).await;
        assert_eq!(world.refreshes(), round as usize);
    }
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn a_sign_out_in_one_engine_is_found_by_the_other_which_sends_nothing() {
    let world = World::new().await;
    let (first, second) = (world.signed_in().await, world.engine());
    second.until_generation(1).await;
    first.signs_out().await.unwrap();
    assert_eq!(second.renews().await.unwrap_err().code(), "sign_in_needed");
    let status = second.now().await;
    assert_eq!((status.state.as_str(), status.reason.unwrap().code.as_str()), ("signed_out", "vault_empty"));
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn a_sign_in_in_one_engine_is_taken_over_by_the_other_when_it_looks() {
    let world = World::new().await;
    let (first, second) = (world.engine(), world.engine());
    assert_eq!(second.now().await.state, "signed_out");
    first.signs_in().await.unwrap();
    second.reload(&world.account).unwrap();
    second.until_generation(1).await;
    assert_eq!(second.token().await.unwrap().generation, 1);
}
