//! Cookie sessions of a site like those of Auth.js: what is renewed is the cookie, and reading the session renews it.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_core::secret::AccessToken;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::EngineError;
use latchkey_engine::sign_in::SignIn;
use latchkey_tests::engine_world::{Doomed, Engine, Like, Step, World, reason};
use serde_json::json;

pub(crate) const SESSION: &str = "/api/auth/session";

/// A backend that knows each token once.
fn strict() -> Like {
    Like { site: true, ..Like::default() }
}

/// A backend that still answers what it answered within half a minute.
pub(crate) fn graceful() -> Like {
    Like { grace: Duration::from_secs(30), ..strict() }
}

/// How often the session was read.
fn readings(world: &World) -> usize {
    world.server().requests().iter().filter(|request| request.path == SESSION).count()
}

fn goes_wrong(world: &World, mode: FaultMode) {
    world.goes_wrong(Fault::new(SESSION, mode));
}

/// What the session endpoint answers next.
fn says(world: &World, status: u16, body: &str) {
    world.goes_wrong(Fault::new(SESSION, FaultMode::Status).status(status).body(body.to_owned()));
}

#[tokio::test]
async fn a_site_is_signed_in_to_with_its_own_forms_and_says_who_and_until_when() {
    // The site's clock differs by far, and so its moments are told by ours, which stands still: the site's goes on, and
    // by that its end and the cookie's would be two on a slow machine.
    let world = World::like(Like { clock_ahead: SignedDuration::from_hours(1), ..strict() }).await;
    let engine = world.engine();
    let status = engine.signs_in().await.unwrap();
    assert_eq!(
        (status.state.as_str(), status.provider.as_str(), status.generation),
        ("signed_in", "nextauth", 1)
    );
    let identity = status.identity.unwrap();
    assert_eq!((identity.name.as_deref(), identity.subject.as_deref()), (Some("Demo User"), Some("demo")));
    let (access, session) = (status.clocks.access.unwrap(), status.clocks.session.unwrap());
    assert_eq!((&access, session.source.as_str()), (&session, "session_expiry"));
    let shown: Vec<_> = status.access.unwrap().claims.into_iter().map(|claim| claim.name).collect();
    assert_eq!(shown, ["user.id", "user.name", "user.email"]);
    // The token of such a session is its cookie, put together.
    assert!(engine.token().await.unwrap().access.expose().starts_with("eyJ"));
}

#[tokio::test]
async fn wrong_credentials_are_told_though_the_site_answers_200() {
    let world = World::like(strict()).await;
    let engine = world.engine();
    let error = engine.signs_in_with("wrong").await.unwrap_err();
    assert!(matches!(error, EngineError::WrongCredentials { said: None }), "{error:?}");
    assert_eq!(engine.now().await.state.as_str(), "signed_out");
    assert!(world.stored().await.is_none());
}

#[tokio::test]
async fn a_session_is_read_ahead_of_its_end_and_rolls_on() {
    let world = World::like(strict()).await;
    let engine = world.signed_in().await;
    let mut end = engine.now().await.clocks.session.unwrap().expires_at;
    for generation in 2..=4 {
        let status = engine.next_thing_happens().await;
        assert_eq!((status.state.as_str(), status.generation), ("signed_in", generation));
        let moved = status.clocks.session.unwrap().expires_at;
        assert!(moved > end, "the end moved: {end} to {moved}");
        end = moved;
    }
    assert!(!world.saw_reuse(), "each cookie was sent once");
}

#[tokio::test]
async fn a_cookie_whose_answer_was_torn_is_not_lost() {
    let world = World::like(strict()).await;
    let engine = world.signed_in().await;
    let before = readings(&world);
    goes_wrong(&world, FaultMode::Torn);
    assert_eq!(engine.renews().await.unwrap().generation, 2, "the head of the answer had the cookie");
    assert_eq!(readings(&world), before + 1);
    assert_eq!(engine.renews().await.unwrap().generation, 3, "and it is the one the site knows");
    assert_eq!(engine.now().await.identity.unwrap().subject.as_deref(), Some("demo"));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_once_more_while_the_backend_remembers_it() {
    let world = World::like(graceful()).await;
    let engine = world.signed_in().await;
    let before = readings(&world);
    goes_wrong(&world, FaultMode::DropAfter);
    assert_eq!(engine.renews().await.unwrap().generation, 2);
    assert_eq!(readings(&world), before + 2);
    assert_eq!(engine.renews().await.unwrap().generation, 3, "what rotates in the cookie is the live one");
}

#[tokio::test]
async fn an_answer_that_was_lost_at_the_sign_in_is_asked_for_once_more_too() {
    let world = World::like(graceful()).await;
    goes_wrong(&world, FaultMode::DropAfter);
    let engine = world.signed_in().await;
    assert_eq!(engine.renews().await.unwrap().generation, 2);
}

/// P64 of tests/catalogue.md.
#[tokio::test]
async fn what_is_no_word_of_the_site_is_waited_out() {
    for mode in
        [FaultMode::Html, FaultMode::Redirect, FaultMode::Status, FaultMode::Big, FaultMode::DropBefore]
    {
        let world = World::like(graceful()).await;
        let engine = world.signed_in().await;
        world.goes_wrong(Fault::new(SESSION, mode).times(2));
        assert!(engine.renews().await.is_err(), "{mode:?}");
        assert_eq!(engine.now().await.state.as_str(), "waiting", "{mode:?}");
        assert_eq!(engine.token_at_once().await.unwrap().generation, 1, "{mode:?}");
        world.all_is_well_again();
        engine.until_generation_after_waiting(2).await;
    }
    for (status, body) in
        [(401, "null"), (403, "{}"), (500, "{}"), (200, "[]"), (200, "{\"message\":\"no\"}")]
    {
        let world = World::like(graceful()).await;
        let engine = world.signed_in().await;
        says(&world, status, body);
        assert!(engine.renews().await.is_err(), "{status} {body}");
        assert_eq!(engine.now().await.state.as_str(), "waiting", "{status} {body}");
        engine.until_generation_after_waiting(2).await;
    }
}

trait AfterWaiting {
    async fn until_generation_after_waiting(&self, generation: u32);
}

impl AfterWaiting for Engine {
    async fn until_generation_after_waiting(&self, generation: u32) {
        for _ in 0..20 {
            let status = self.next_thing_happens().await;
            if status.generation == generation && status.state == "signed_in" {
                return;
            }
        }
        panic!("generation {generation} never came: {:?}", self.now().await);
    }
}

/// P64 of tests/catalogue.md.
#[tokio::test]
async fn an_empty_answer_of_the_site_ends_the_session() {
    for body in ["{}", "null"] {
        let world = World::like(strict()).await;
        let engine = world.signed_in().await;
        says(&world, 200, body);
        assert_eq!(engine.renews().await.unwrap_err().code(), "sign_in_needed", "{body}");
        let status = engine.now().await;
        assert_eq!((status.state.as_str(), reason(&status)), ("needs_sign_in", "refused"), "{body}");
        assert!(world.stored().await.unwrap().quarantined.is_some(), "sealed, not thrown away");
        assert_eq!(world.notices.all().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_after_the_end_of_the_session_says_that_it_reached_its_ceiling() {
    let world = World::like(strict()).await;
    let engine = world.signed_in().await;
    world.goes_wrong(Fault::new(SESSION, FaultMode::Status).status(200).body("null".to_owned()).times(-1));
    engine.access_token_expires().await;
    // The clock here was moved, so the refusal is given a few more looks.
    let mut status = engine.settles().await;
    for _ in 0..8 {
        if status.state != "needs_sign_in" {
            status = engine.next_thing_happens().await;
        }
    }
    assert_eq!((status.state.as_str(), reason(&status)), ("needs_sign_in", "ceiling_reached"));
}

/// What the guides' code says whatever went wrong between a site and its backend.
#[tokio::test]
async fn a_site_whose_backend_struggles_for_a_moment_keeps_its_session() {
    let world = World::like(strict()).await;
    let engine = world.signed_in().await;
    let end = engine.now().await.clocks.session.unwrap().expires_at;
    let session = json!({ "user": { "name": "Demo" }, "expires": end, "error": "RefreshAccessTokenError" });
    let struggling = Fault::new(SESSION, FaultMode::Status).status(200).body(session.to_string());
    world.goes_wrong(struggling.times(3));
    assert_eq!(engine.renews().await.unwrap_err().code(), "not_now");
    assert!(engine.token_at_once().await.is_ok(), "the cookie is the site's, and good");
    let status = engine.time_passes(SignedDuration::from_mins(1)).await;
    assert_eq!((status.state.as_str(), status.generation), ("signed_in", 2));
}

#[tokio::test]
async fn a_backend_that_renews_no_more_is_told_by_its_own_word() {
    let world = World::like(strict()).await;
    let engine = world.signed_in().await;
    world.server().revoke("demo").await.unwrap();
    assert_eq!(engine.renews().await.unwrap_err().code(), "not_now", "it may be a moment of weakness");
    let status = engine.time_passes(SignedDuration::from_mins(4)).await;
    assert_eq!((status.state.as_str(), reason(&status)), ("needs_sign_in", "session_error"));
    let message = status.reason.unwrap().message;
    assert!(message.contains("RefreshTokenError"), "{message}");
    engine.close().await;
    let again = world.engine().until_state("needs_sign_in").await;
    assert_eq!(reason(&again), "session_error", "also after a restart");
}

#[tokio::test]
async fn a_site_that_does_not_move_the_end_is_seen_as_static() {
    let world = World::like(strict()).await;
    let engine = world.signed_in().await;
    let status = engine.now().await;
    let end = status.clocks.session.unwrap().expires_at;
    world.goes_wrong(
        Fault::new(SESSION, FaultMode::Status)
            .status(200)
            .body(format!("{{\"user\":{{\"name\":\"Demo\"}},\"expires\":\"{end}\"}}")),
    );
    let status = engine.next_thing_happens().await;
    let next = status.next.unwrap();
    let end = status.clocks.session.unwrap().expires_at;
    assert_eq!(next.at.as_deref(), Some(end.as_str()));
    assert_eq!(next.why, "the session ends then, and the last renewal did not move that end");
}

#[tokio::test]
async fn signing_out_tells_the_site_at_once_or_when_it_is_back() {
    let mut world = World::like(strict()).await;
    let engine = world.signed_in().await;
    engine.signs_out().await.unwrap();
    engine
        .until("nothing is kept", |status| status.next.as_ref().is_none_or(|next| next.action == "sign_in"))
        .await;
    assert!(world.kept().await.is_none(), "nothing is left");
    assert!(world.server().requests().iter().any(|request| request.outcome == "signed out"));

    let engine = world.signed_in().await;
    world.backend_goes_away().await;
    engine.signs_out().await.unwrap();
    assert!(world.stored().await.is_none(), "signed out here without the network");
    world.backend_comes_back().await;
    engine.time_passes(SignedDuration::from_mins(5)).await;
    assert!(world.kept().await.is_none());
    assert!(world.server().requests().iter().any(|request| request.outcome == "signed out"));
}

#[tokio::test]
async fn two_processes_take_over_each_others_cookies() {
    let world = World::like(strict()).await;
    let one = world.signed_in().await;
    let other = world.engine();
    other.until_generation(1).await;
    assert_eq!(one.renews().await.unwrap().generation, 2);
    // Its own cookie is old: sent, the backend would end the family.
    assert_eq!(other.renews().await.unwrap().generation, 2, "adopted");
    assert_eq!(other.renews().await.unwrap().generation, 3);
    assert_eq!(one.renews().await.unwrap().generation, 3);
    assert!(!world.saw_reuse());
}

#[tokio::test]
async fn a_browsers_cookie_can_be_taken_over() {
    let world = World::like(graceful()).await;
    let engine = world.signed_in().await;
    let cookie = engine.token().await.unwrap().access.expose().to_owned();
    engine.signs_out().await.unwrap();
    let refused = engine.sign_in(&world.account, SignIn::Cookie(AccessToken::new("no session"))).await;
    assert!(matches!(refused, Err(EngineError::SignInFailed { .. })), "a blank is no part of a cookie");
    let refused = engine.sign_in(&world.account, SignIn::Cookie(AccessToken::new("eyJ.wrong"))).await;
    assert!(matches!(refused, Err(EngineError::WrongCredentials { .. })));
    // Signing out ended the family behind that cookie, so it says so; another one is good.
    let refused = engine.sign_in(&world.account, SignIn::Cookie(AccessToken::new(cookie))).await;
    assert!(refused.is_err());
    let other = World::like(graceful()).await;
    let lent = other.signed_in().await.token().await.unwrap();
    let taken = other.engine();
    let status = taken.sign_in(&other.account, SignIn::Cookie(lent.access)).await.unwrap();
    assert_eq!(status.identity.unwrap().subject.as_deref(), Some("demo"));
    assert!(taken.renews().await.is_ok());
}

/// Killed at any point, with a session in several cookies and a backend that knows each of its tokens once: what the
/// vault holds is a whole session, and where the backend has a grace window it is one that goes on.
#[tokio::test]
async fn wherever_a_process_dies_the_jar_is_whole() {
    for grace in [Duration::from_secs(30), Duration::ZERO] {
        for step in Step::ALL {
            let what = format!("{step:?}, grace {grace:?}");
            let world = World::like(Like { grace, ..strict() }).await;
            let engine = world.signed_in().await;
            let grown = json!({ "pad": "x".repeat(9_000) });
            engine.update_session(&world.account, grown).await.unwrap();
            engine.close().await;
            let before = world.stored().await.unwrap();
            assert!(before.tokens.access.expose().len() > 9_000);
            Doomed::at(&world, step).dies_renewing().await;
            let after = world.stored().await.unwrap();
            let kept = u64::from(step >= Step::Stored);
            assert_eq!(after.generation, before.generation + kept, "{what}");
            let engine = world.engine();
            if step == Step::Received && grace.is_zero() {
                let status = engine.time_passes(SignedDuration::from_mins(4)).await;
                assert_eq!(
                    (status.state.as_str(), reason(&status)),
                    ("needs_sign_in", "session_error"),
                    "{what}"
                );
                continue;
            }
            engine.until("signed in", |status| status.state == "signed_in" && status.generation >= 2).await;
            let status = engine.renews().await.unwrap();
            assert_eq!(status.state.as_str(), "signed_in", "{what}");
            assert!(engine.token().await.unwrap().access.expose().len() > 9_000, "{what}");
        }
    }
}
