//! How a session begins.

use std::time::Duration;

use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::EngineError;
use latchkey_tests::engine_world::{World, guarded, reason};

#[tokio::test]
async fn signing_in_stores_the_tokens_and_shows_who_it_is() {
    let world = World::new().await;
    let engine = world.engine();
    let before = engine.now().await;
    assert_eq!((before.state.as_str(), reason(&before)), ("signed_out", "never_signed_in"));

    let status = engine.signs_in().await.unwrap();
    assert_eq!((status.state.as_str(), status.generation), ("signed_in", 1));
    assert_eq!(status.identity.unwrap().email.as_deref(), Some("demo@example.com"));
    assert_eq!(status.headline.kind, "signed_in_until");
    assert!(
        status.clocks.access.is_some() && status.clocks.refresh.is_some() && status.clocks.session.is_some()
    );
    let stored = world.stored().await.unwrap();
    assert_eq!(stored.generation, 1);
    let token = engine.token().await.unwrap();
    assert!(token.access.expose() == stored.tokens.access.expose(), "the token handed out is the one stored");
    assert!(world.logged().contains(&"signed_in".to_owned()));
}

#[tokio::test]
async fn a_wrong_password_leaves_an_existing_session_alone() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let (before, token) = (engine.now().await, world.stored_refresh_token().await);

    let error = engine.signs_in_with("wrong").await.unwrap_err();
    assert!(matches!(error, EngineError::WrongCredentials { .. }), "{error:?}");
    let after = engine.now().await;
    assert_eq!((&after.state, after.generation, &after.next), (&before.state, 1, &before.next));
    assert!(world.stored_refresh_token().await == token, "the vault was not touched");
    assert_eq!(engine.renews().await.unwrap().generation, 2, "and it goes on renewing");
}

#[tokio::test]
async fn a_wrong_password_without_a_session_says_so_and_nothing_is_stored() {
    let world = World::new().await;
    let engine = world.engine();
    let error = engine.signs_in_with("wrong").await.unwrap_err();
    assert_eq!(error.code(), "wrong_credentials");
    assert_eq!(engine.now().await.state, "signed_out");
    assert!(world.stored().await.is_none());
    assert_eq!(engine.signs_in().await.unwrap().generation, 1);
}

#[tokio::test]
async fn a_login_page_in_place_of_the_backend_is_no_wrong_password() {
    let world = World::new().await;
    let engine = world.engine();
    for (fault, code) in [
        (Fault::new("/auth/login", FaultMode::Html), "backend_answered_oddly"),
        (Fault::new("/auth/login", FaultMode::Html).status(403), "backend_answered_oddly"),
        (Fault::new("/auth/login", FaultMode::Status).status(503), "backend_answered_oddly"),
        (Fault::new("/auth/login", FaultMode::DropBefore), "backend_unreachable"),
    ] {
        world.goes_wrong(fault);
        assert_eq!(engine.signs_in().await.unwrap_err().code(), code);
        assert_eq!(engine.now().await.state, "signed_out");
    }
    assert_eq!(engine.signs_in().await.unwrap().state, "signed_in");
}

#[tokio::test]
async fn a_locked_account_and_a_wish_for_a_second_factor_are_told_and_no_password_is_sent_again() {
    let world = World::new().await;
    let engine = world.engine();
    for (status, body, code, words) in [
        (423, r#"{"message":"Locked until noon"}"#, "sign_in_denied", "declined (“Locked until noon”)"),
        (423, "", "sign_in_denied", "declined"),
        (
            401,
            r#"{"error":"mfa_required","message":"A code is needed"}"#,
            "wrong_credentials",
            "“A code is needed”",
        ),
        (403, r#"{"message":"Use the app's code"}"#, "wrong_credentials", "“Use the app's code”"),
        (200, r#"{"mfaRequired":true,"ticket":"LKCANARY-ticket"}"#, "not_believed", "a second factor"),
    ] {
        world.goes_wrong(Fault::new("/auth/login", FaultMode::Status).status(status).body(body));
        let error = engine.signs_in().await.unwrap_err();
        assert_eq!(error.code(), code, "{status} {body}");
        let told = error.to_string();
        assert!(told.contains(words) && !told.contains("LKCANARY"), "{status} {body}: {told}");
        assert_eq!(engine.now().await.state, "signed_out");
    }
    let logins = world.server().requests().into_iter().filter(|request| request.path == "/auth/login");
    assert_eq!(logins.count(), 5, "each was sent once");
}

#[tokio::test]
async fn signing_in_again_replaces_the_session_and_its_generation_goes_on() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let first = world.stored_refresh_token().await;
    assert_eq!(engine.signs_in().await.unwrap().generation, 2);
    assert!(world.stored_refresh_token().await != first);
    assert_eq!(engine.renews().await.unwrap().generation, 3);
}

#[tokio::test]
async fn a_session_is_there_again_after_a_restart_without_asking_the_backend() {
    let world = World::new().await;
    let first = world.signed_in().await;
    first.close().await;
    let second = world.engine();
    let status = second.until_generation(1).await;
    assert_eq!(status.identity.unwrap().name.as_deref(), Some("Demo User"));
    assert!(
        second.token().await.unwrap().access.expose() == world.stored().await.unwrap().tokens.access.expose()
    );
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn a_sign_in_that_was_given_up_ends_without_touching_the_next_one() {
    let world = World::new().await;
    let engine = world.engine();
    engine.now().await;
    for wait in [Duration::from_secs(1), Duration::from_mins(10)] {
        world.goes_wrong(Fault::new("/auth/login", FaultMode::Delay).after(wait));
    }
    let given_up = async {
        engine.until_state("signing_in").await;
        engine.cancel_sign_in(&world.account).unwrap();
    };
    let (first, ()) = tokio::join!(engine.signs_in(), given_up);
    assert_eq!(first.unwrap_err(), EngineError::Cancelled);

    let first_is_over = async {
        while !world.logged().contains(&"late_answer".to_owned()) {
            engine.now().await;
        }
        engine.now().await
    };
    tokio::select! {
        biased;
        ended = engine.signs_in() => panic!("it was ended by the one before it: {ended:?}"),
        status = guarded("the end of the first", first_is_over) => assert_eq!(status.state, "signing_in"),
    }
    assert!(world.stored().await.is_none(), "what was given up is not stored");
}
