//! The development backend as an OpenID provider, through the engine: what a developer sees who tries OAuth with nothing
//! installed.

use std::time::Duration;

use latchkey_devserver::{DevServer, Fault, FaultMode, Options};
use latchkey_engine::inspection::SignatureStatus;
use latchkey_tests::engine_world::reason;
use latchkey_tests::oauth_world::{OauthEngine, OauthWorld};
use latchkey_tests::scripted_browser::{Person, ScriptedBrowser};

use crate::plain_client::PlainClient;

/// How long a second of the engine's takes here: the backend wants a second of its own between two questions of a device.
const SECOND: Duration = Duration::from_millis(300);

type World = OauthWorld<DevServer>;

async fn world_of(options: Options, keys: &str) -> World {
    let listen = "127.0.0.1:0".parse().unwrap();
    let backend = DevServer::start(Options { listen, ..options }).await.unwrap();
    let issuer = backend.issuer().to_owned();
    OauthWorld::at(backend, &issuer, &format!("scope = \"openid offline_access profile email\"\n{keys}"))
}

fn demo() -> ScriptedBrowser {
    ScriptedBrowser::of(Person::who_allows("demo", "demo"))
}

async fn signed_in(world: &World) -> OauthEngine {
    let engine = world.engine();
    let (status, page) = engine.signs_in_at(&mut demo()).await;
    let status = status.unwrap();
    assert_eq!((status.state.as_str(), status.generation), ("signed_in", 1));
    let identity = status.identity.unwrap();
    assert_eq!(identity.email.as_deref(), Some("demo@example.com"));
    assert!(!identity.roles.is_empty(), "{identity:?}");
    assert!(page.text.contains("You are signed in"), "{page:#?}");
    engine
}

/// What the backend says of itself, in words.
fn outcomes(world: &World) -> Vec<String> {
    world.provider.requests().into_iter().map(|request| request.outcome).collect()
}

#[tokio::test]
async fn a_whole_life_sign_in_renewals_a_reuse_a_new_sign_in_and_a_sign_out() {
    // What is bound to a key is of no use to a thief: reuse shows with bearer tokens only.
    let world = world_of(Options::default(), "dpop = \"never\"").await;
    let engine = signed_in(&world).await;
    let (mut secrets, stolen) = (world.stored_secrets().await, world.stored_refresh_token().await);
    for generation in 2..=4 {
        assert_eq!(engine.renews().await.unwrap().generation, generation);
        secrets.extend(world.stored_secrets().await);
    }

    let thief = PlainClient::discover(world.provider.issuer()).await;
    assert_eq!(thief.refresh(&stolen).await.text_of("error"), "invalid_grant");
    assert_eq!(engine.renews().await.unwrap_err().code(), "sign_in_needed");
    let status = engine.now().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("needs_sign_in", "refused"));
    let told = status.reason.unwrap().message;
    assert!(told.contains("one of its refresh tokens was used twice"), "the backend's words: {told}");
    assert!(engine.token_at_once().await.is_ok(), "the access token is served to its end");

    let (status, _) = engine.signs_in_at(&mut demo()).await;
    assert_eq!(status.unwrap().state, "signed_in");
    engine.renews().await.unwrap();
    secrets.extend(world.stored_secrets().await);
    let last = world.stored_refresh_token().await;
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
    assert!(world.stored().await.is_none());
    assert_eq!(thief.refresh(&last).await.text_of("error"), "invalid_grant", "it is revoked there");
    world.holds_none_of(&secrets, &[told]);
}

#[tokio::test]
async fn tokens_are_bound_to_a_key_and_of_no_use_without_it() {
    for require_dpop_nonce in [false, true] {
        let world = world_of(Options { require_dpop_nonce, ..Options::default() }, "").await;
        let engine = signed_in(&world).await;
        let stored = world.stored().await.unwrap();
        assert_eq!(stored.token_type.as_deref(), Some("DPoP"));
        let thief = PlainClient::discover(world.provider.issuer()).await;
        assert!(thief.refresh(&world.stored_refresh_token().await).await.status >= 400);
        assert_eq!(engine.renews().await.unwrap().generation, 2, "the thief has spent nothing");
        assert_eq!(engine.renews().await.unwrap().generation, 3);
        assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
        assert!(!world.logged().contains(&"revocation_failed".to_owned()), "{:#?}", outcomes(&world));
    }
}

#[tokio::test]
async fn a_device_code_is_allowed_or_declined() {
    let options = Options { device_interval: Duration::from_secs(1), ..Options::default() };
    let world = world_of(options, "").await;
    let engine = world.engine();
    let mut denying = ScriptedBrowser::of(Person::who_denies("demo", "demo"));
    let (ending, _) = engine.enters_device_code(&mut denying).await;
    assert_eq!(world.until_ended(ending, SECOND).await.unwrap_err().code(), "sign_in_denied");
    assert!(world.stored().await.is_none());

    let (ending, _) = engine.enters_device_code(&mut demo()).await;
    let status = world.until_ended(ending, SECOND).await.unwrap();
    assert_eq!((status.state.as_str(), status.generation), ("signed_in", 1));
    assert_eq!(engine.renews().await.unwrap().generation, 2, "{:#?}", outcomes(&world));
    assert!(!outcomes(&world).iter().any(|outcome| outcome.contains("slow_down")), "{:#?}", outcomes(&world));
}

#[tokio::test]
async fn a_reply_that_was_lost_is_recovered_in_a_grace_window_and_told_without_one() {
    for (grace, recovered) in [(Duration::from_secs(30), true), (Duration::ZERO, false)] {
        let world = world_of(Options { grace, ..Options::default() }, "").await;
        let engine = signed_in(&world).await;
        world.provider.faults().add(Fault::new("token", FaultMode::DropAfter)).unwrap();
        assert_eq!(engine.renews().await.is_ok(), recovered, "{:#?}", outcomes(&world));
        let status = engine.now().await;
        let told = (status.state.as_str(), reason(&status));
        let expected =
            if recovered { ("signed_in", "") } else { ("needs_sign_in", "refused_after_lost_reply") };
        assert_eq!(told, expected);
        assert_eq!(engine.renews().await.is_ok(), recovered);
    }
}

#[tokio::test]
async fn what_is_no_answer_of_the_token_endpoint_is_waited_out() {
    let world = world_of(Options::default(), "").await;
    let engine = signed_in(&world).await;
    let of = |mode| Fault::new("token", mode);
    for (fault, code) in [
        (of(FaultMode::Status).status(503).header("Retry-After", "2"), "provider_busy"),
        (of(FaultMode::Html), "not_the_provider"),
        (of(FaultMode::Redirect), "not_the_provider"),
        (of(FaultMode::Big), "not_the_provider"),
    ] {
        let before = world.stored_refresh_token().await;
        world.provider.faults().add(fault).unwrap();
        assert_eq!(engine.renews().await.unwrap_err().code(), "not_now", "{code}");
        assert_eq!(reason(&engine.now().await), code, "{:#?}", outcomes(&world));
        assert!(world.stored_refresh_token().await == before);
        assert_eq!(engine.renews().await.unwrap().state, "signed_in");
    }
}

#[tokio::test]
async fn keys_that_the_backend_replaces_are_fetched_anew() {
    let world = world_of(Options::default(), "verify_access_token = true").await;
    let engine = signed_in(&world).await;
    world.provider.rotate_keys(true).await.unwrap();
    // Nobody asks an issuer for its keys again and again.
    world.clock.advance(jiff::SignedDuration::from_mins(1));
    assert_eq!(engine.renews().await.unwrap().state, "signed_in", "{:#?}", engine.now().await);
}

#[tokio::test]
async fn a_key_that_is_not_known_yet_ends_no_session() {
    let world = world_of(Options::default(), "verify_access_token = true").await;
    let engine = signed_in(&world).await;
    // Within a minute the keys are asked for once: the second key is as one that is published late.
    for generation in [2, 3] {
        world.provider.rotate_keys(true).await.unwrap();
        let renewed = engine.renews().await.map_err(|error| error.to_string());
        assert_eq!(renewed.map(|status| status.generation), Ok(generation));
    }
    world.clock.advance(jiff::SignedDuration::from_mins(1));
    assert_eq!(engine.renews().await.unwrap().generation, 4);
}

#[tokio::test]
async fn where_the_account_wants_it_the_session_at_the_backend_ends_too() {
    let world = world_of(Options::default(), "end_session = true").await;
    let engine = world.engine();
    let mut browser = demo();
    assert!(engine.signs_in_at(&mut browser).await.0.is_ok());
    let before = world.browser.count();
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
    let page = world.browser.opened_after(before).await;
    assert_eq!(page.path(), "/oauth/end_session");
    let last = browser.end_session(page.as_str()).await.page();
    assert_eq!(last.status, 200, "{last:#?}");
}

#[tokio::test]
async fn a_developer_sees_what_an_access_token_says_and_whose_word_that_is() {
    let world = world_of(Options::default(), "").await;
    let signed_out = world.engine().inspects().await.unwrap_err();
    assert_eq!(signed_out.code(), "sign_in_needed");
    let engine = signed_in(&world).await;
    let inspection = engine.inspects().await.unwrap();
    let claim =
        |name: &str| inspection.claims.iter().find(|claim| claim.name == name).map(|c| c.value.clone());
    assert_eq!(claim("iss").as_deref(), Some(world.provider.issuer()));
    assert!(inspection.header.iter().any(|member| member.name == "alg" && member.value == "RS256"));
    let SignatureStatus::Verified { algorithm, key } = &inspection.signature else {
        panic!("{inspection:?}")
    };
    assert!(algorithm == "RS256" && key.contains("RSA 2048"), "{inspection:?}");

    // The key it was signed with is not the issuer's any more, and nobody remembers that it was.
    world.provider.rotate_keys(true).await.unwrap();
    let later = world.engine().inspects().await.unwrap();
    assert!(matches!(later.signature, SignatureStatus::Refused { .. }), "{:?}", later.signature);
    let secrets = world.stored_secrets().await;
    let shown = format!("{inspection:?}{later:?}");
    assert!(secrets.iter().all(|secret| !shown.contains(secret)), "a look into a token is no token");
}
