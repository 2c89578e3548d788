//! Whole journeys at node-oidc-provider, a certified server that nobody here wrote: a person at a browser, renewals, and
//! what goes wrong on the way. Its clock is the real one; the engine's stands still unless a test moves it.

use std::time::Duration;

use latchkey_engine::vault::Envelope;
use latchkey_tests::engine_world::{guarded, reason};
use latchkey_tests::oauth_world::{OauthEngine, OauthWorld};
use latchkey_tests::openid_provider::{AccessTokens, OpFault, OpenIdProvider, Settings, Support};
use latchkey_tests::scripted_browser::{Person, ScriptedBrowser};

use crate::plain_client::PlainClient;

const ACCOUNT: &str = "scope = \"openid offline_access profile email roles\"\n\
                       claims = { roles = \"/realm_access/roles\" }\n";

/// How long a second of the engine's takes here.
const SECOND: Duration = Duration::from_millis(10);

type World = OauthWorld<OpenIdProvider>;

fn world_of(settings: &Settings, keys: &str) -> World {
    let provider = OpenIdProvider::start(settings);
    let issuer = provider.issuer().to_owned();
    OauthWorld::at(provider, &issuer, &format!("{ACCOUNT}{keys}"))
}

fn alice() -> ScriptedBrowser {
    ScriptedBrowser::of(Person::who_allows("alice", "secret"))
}

/// An engine in which alice has signed in.
async fn signed_in(world: &World) -> OauthEngine {
    let engine = world.engine();
    let (status, page) = engine.signs_in_at(&mut alice()).await;
    assert_eq!(status.unwrap().state, "signed_in");
    assert!(page.text.contains("You are signed in") && page.url.query().is_none(), "{page:#?}");
    engine
}

async fn stored(world: &World) -> Envelope {
    world.stored().await.unwrap()
}

#[tokio::test]
async fn a_whole_life_sign_in_renewals_a_stolen_token_a_new_sign_in_and_a_sign_out() {
    let world = world_of(&Settings::default(), "");
    let (engine, mut browser) = (world.engine(), alice());
    let (mut secrets, mut shown) = (Vec::new(), Vec::new());

    let (status, page) = engine.signs_in_at(&mut browser).await;
    let status = status.unwrap();
    assert_eq!((status.state.as_str(), status.generation), ("signed_in", 1));
    assert!(page.text.contains("You are signed in"), "{page:#?}");
    let identity = status.identity.unwrap();
    assert_eq!(
        (identity.subject.as_deref(), identity.name.as_deref(), identity.email.as_deref()),
        (Some("alice"), Some("User alice"), Some("alice@example.test"))
    );
    assert_eq!(identity.roles, ["user", "editor"]);
    let stolen = world.stored_refresh_token().await;

    for generation in 2..=4 {
        secrets.extend(world.stored_secrets().await);
        let status = engine.renews().await.unwrap();
        assert_eq!((status.state.as_str(), status.generation), ("signed_in", generation));
        assert_eq!(status.refresh.as_ref().unwrap().rotates, Some(true));
        shown.push(format!("{status:?}"));
    }
    secrets.extend(world.stored_secrets().await);
    assert_eq!(world.provider.refreshes(), 3);

    // Somebody else uses the first refresh token: the server ends the family, and says so at the next renewal only.
    let thief = PlainClient::discover(world.provider.issuer()).await;
    assert_eq!(thief.refresh(&stolen).await.text_of("error"), "invalid_grant");
    assert_eq!(world.provider.refusals(), ["refresh token already used"]);
    let error = engine.renews().await.unwrap_err();
    assert_eq!(error.code(), "sign_in_needed");
    let status = engine.now().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("needs_sign_in", "refused"));
    assert!(status.reason.as_ref().unwrap().message.contains("grant request is invalid"), "in its words");
    assert_eq!(status.headline.kind, "sign_in_again_by");
    assert_eq!(world.notices.all().len(), 1, "the person is told once");
    let served = engine.token_at_once().await.unwrap();
    assert!(served.access.expose() == stored(&world).await.tokens.access.expose(), "it is served to its end");
    let asked = world.provider.requests("/token");
    assert!(engine.renews().await.is_err());
    world.access_token_expires(&engine).await;
    assert_eq!(engine.token_at_once().await.err().unwrap().code(), "sign_in_needed");
    assert_eq!(world.provider.requests("/token"), asked, "a refused token is not sent again");
    shown.extend([error.to_string(), format!("{:?}", engine.now().await)]);

    // The browser knows alice still; only consent is asked for.
    let (status, _) = engine.signs_in_at(&mut browser).await;
    assert_eq!(status.unwrap().state, "signed_in");
    assert!(engine.now().await.reason.is_none());
    engine.renews().await.unwrap();
    secrets.extend(world.stored_secrets().await);

    let last = stored(&world).await;
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
    assert!(world.stored().await.is_none());
    assert_eq!(world.provider.requests("/token/revocation"), 2);
    let refused = thief.refresh(last.tokens.refresh.unwrap().expose()).await;
    assert_eq!(refused.text_of("error"), "invalid_grant", "revoked, not just forgotten");
    assert_eq!(thief.user_info(&format!("Bearer {}", last.tokens.access.expose())).await.status, 401);
    world.holds_none_of(&secrets, &shown);
}

/// What a server may demand or do differently, and how it shows in what is stored. Each signs in, renews twice and
/// signs out.
async fn serves_whole_life(settings: Settings, keys: &str, stored_like: impl Fn(&Envelope)) -> World {
    let world = world_of(&settings, keys);
    let engine = signed_in(&world).await;
    let mut secrets = Vec::new();
    for generation in 2..=3 {
        stored_like(&stored(&world).await);
        secrets.extend(world.stored_secrets().await);
        assert_eq!(engine.renews().await.unwrap().generation, generation);
    }
    stored_like(&stored(&world).await);
    assert_eq!((world.provider.refreshes(), world.provider.refusals().len()), (2, 0));
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
    let log = world.logged();
    assert!(log.contains(&"revoked".to_owned()) && !log.contains(&"revocation_failed".to_owned()), "{log:?}");
    world.holds_none_of(&secrets, &[]);
    world
}

#[tokio::test]
async fn where_tokens_have_to_be_bound_to_a_key_they_are() {
    let settings = Settings { dpop: Support::Required, ..Settings::default() };
    let bound = |stored: &Envelope| {
        assert_eq!(stored.token_type.as_deref(), Some("DPoP"));
        assert!(stored.dpop_key.is_some());
    };
    serves_whole_life(settings, "", bound).await;
}

#[tokio::test]
async fn where_requests_have_to_be_pushed_they_are() {
    let settings = Settings { par: Support::Required, ..Settings::default() };
    let world = serves_whole_life(settings, "", |_| {}).await;
    assert_eq!(world.provider.requests("/request"), 1);
    let page = world.browser.opened().await;
    assert!(page.query().unwrap().contains("request_uri=") && !page.as_str().contains("code_challenge"));
}

#[tokio::test]
async fn where_access_tokens_are_jwts_they_are_verified_and_their_claims_are_shown() {
    let settings = Settings { access_tokens: AccessTokens::Jwt, ..Settings::default() };
    let keys = "resource = \"urn:latchkey:api\"\nverify_access_token = true";
    let world = serves_whole_life(settings, keys, |stored| {
        assert_eq!(stored.tokens.access.expose().split('.').count(), 3);
    })
    .await;
    let engine = signed_in(&world).await;
    let status = engine.now().await;
    let claims = status.access.unwrap().claims;
    assert!(claims.iter().any(|claim| claim.value.contains("urn:latchkey:api")), "{claims:?}");
    assert_eq!(status.identity.unwrap().roles, ["user", "editor"], "from the access token");
}

#[tokio::test]
async fn a_server_that_demands_everything_at_once_is_served() {
    let settings = Settings {
        dpop: Support::Required,
        par: Support::Required,
        access_tokens: AccessTokens::Jwt,
        id_token_algorithm: "ES256",
        ..Settings::default()
    };
    let keys = "resource = \"urn:latchkey:api\"\nverify_access_token = true\ndpop = \"always\"";
    serves_whole_life(settings, keys, |stored| assert_eq!(stored.token_type.as_deref(), Some("DPoP"))).await;
}

#[tokio::test]
async fn id_tokens_are_verified_whatever_they_are_signed_with() {
    for id_token_algorithm in ["PS256", "ES256", "EdDSA"] {
        let world = world_of(&Settings { id_token_algorithm, ..Settings::default() }, "");
        let engine = signed_in(&world).await;
        assert_eq!(engine.renews().await.unwrap().generation, 2, "{id_token_algorithm}");
    }
}

#[tokio::test]
async fn where_refresh_tokens_are_not_rotated_the_one_there_is_stays() {
    let world = world_of(&Settings { rotate: false, ..Settings::default() }, "");
    let engine = signed_in(&world).await;
    let first = world.stored_refresh_token().await;
    for generation in 2..=4 {
        let status = engine.renews().await.unwrap();
        assert_eq!((status.generation, status.refresh.unwrap().rotates), (generation, Some(false)));
        assert!(world.stored_refresh_token().await == first);
    }
}

#[tokio::test]
async fn without_offline_access_there_is_nothing_to_renew_and_the_session_says_so() {
    let provider = OpenIdProvider::start(&Settings::default());
    let issuer = provider.issuer().to_owned();
    let world: World = OauthWorld::at(provider, &issuer, "scope = \"openid\"");
    let engine = signed_in(&world).await;
    let status = engine.now().await;
    assert!(status.refresh.is_none() && status.headline.kind == "sign_in_again_by", "{status:#?}");
    world.access_token_expires(&engine).await;
    assert_eq!(reason(&engine.until_state("needs_sign_in").await), "not_renewable");
    assert_eq!(engine.token_at_once().await.err().unwrap().code(), "sign_in_needed");
}

#[tokio::test]
async fn a_device_code_that_is_entered_and_allowed_signs_in_and_the_family_lives_on() {
    let world = world_of(&Settings::default(), "");
    let engine = world.engine();
    let (ending, page) = engine.enters_device_code(&mut alice()).await;
    assert_eq!(page.status, 200, "{page:#?}");
    let status = world.until_ended(ending, SECOND).await.unwrap();
    assert_eq!((status.state.as_str(), status.generation), ("signed_in", 1));
    assert_eq!(status.identity.unwrap().subject.as_deref(), Some("alice"));
    // One more question after the first success would end the family.
    assert_eq!(engine.renews().await.unwrap().generation, 2);
    assert_eq!(engine.renews().await.unwrap().generation, 3);
    world.holds_none_of(&world.stored_secrets().await, &[]);
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
}

#[tokio::test]
async fn a_device_code_that_is_declined_signs_nobody_in() {
    let world = world_of(&Settings::default(), "");
    let engine = world.engine();
    let mut denying = ScriptedBrowser::of(Person::who_denies("alice", "secret"));
    let (ending, _) = engine.enters_device_code(&mut denying).await;
    let error = world.until_ended(ending, SECOND).await.unwrap_err();
    assert_eq!(error.code(), "sign_in_denied");
    let asked = world.provider.requests("/token");
    world.clock.advance(jiff::SignedDuration::from_mins(5));
    assert_eq!(engine.now().await.state, "signed_out");
    assert_eq!(world.provider.requests("/token"), asked, "a code that was declined is not asked for again");
}

#[tokio::test]
async fn a_person_who_declines_in_the_browser_is_told_so_there() {
    let world = world_of(&Settings::default(), "");
    let engine = world.engine();
    let mut denying = ScriptedBrowser::of(Person::who_denies("alice", "secret"));
    let (status, page) = engine.signs_in_at(&mut denying).await;
    assert_eq!(status.unwrap_err().code(), "sign_in_denied");
    assert!(page.text.contains("declined"), "{page:#?}");
    assert_eq!(world.provider.requests("/token"), 0);
    // The same person may think again.
    let (status, _) = engine.signs_in_at(&mut alice()).await;
    assert_eq!(status.unwrap().state, "signed_in");
}

#[tokio::test]
async fn a_reply_that_was_lost_is_asked_for_once_and_the_refusal_says_that_it_was_lost() {
    let world = world_of(&Settings::default(), "");
    let engine = signed_in(&world).await;
    world.provider.fault(&OpFault::drop_reply("/token"));
    assert_eq!(engine.renews().await.unwrap_err().code(), "sign_in_needed");
    let status = engine.now().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("needs_sign_in", "refused_after_lost_reply"));
    assert_eq!(world.provider.refusals(), ["refresh token already used"], "one repeat and no more");
    assert!(engine.token_at_once().await.is_ok());
    assert_eq!(engine.signs_in_at(&mut alice()).await.0.unwrap().state, "signed_in");
}

#[tokio::test]
async fn a_request_that_was_cut_off_is_repeated_and_nothing_is_lost() {
    let world = world_of(&Settings::default(), "");
    let engine = signed_in(&world).await;
    world.provider.fault(&OpFault::cut("/token"));
    assert_eq!(engine.renews().await.unwrap().generation, 2);
    assert_eq!((world.provider.refreshes(), world.provider.refusals().len()), (1, 0));
}

#[tokio::test]
async fn a_server_that_struggles_is_waited_for_as_long_as_it_asks() {
    let world = world_of(&Settings::default(), "");
    let engine = signed_in(&world).await;
    for (fault, code) in [
        (OpFault::retry_after("/token", 503, 7), "provider_busy"),
        (OpFault::retry_after("/token", 429, 7), "provider_busy"),
        (OpFault::html("/token"), "not_the_provider"),
    ] {
        let before = world.stored_refresh_token().await;
        world.provider.fault(&fault);
        assert_eq!(engine.renews().await.unwrap_err().code(), "not_now", "{fault:?}");
        let status = engine.now().await;
        assert_eq!((status.state.as_str(), reason(&status)), ("waiting", code), "{fault:?}");
        assert!(world.stored_refresh_token().await == before && engine.token_at_once().await.is_ok());
        let next: jiff::Timestamp = status.next.unwrap().at.unwrap().parse().unwrap();
        let now = latchkey_engine::ports::Clock::now(&world.clock).wall;
        let wait = next.duration_since(now).as_secs_f64();
        if code == "provider_busy" {
            assert!((7.0..60.0).contains(&wait), "`Retry-After` is kept: {wait} s");
        }
        assert_eq!(engine.renews().await.unwrap().state, "signed_in", "a person need not wait");
    }
    assert_eq!((world.provider.refreshes(), world.provider.refusals().len()), (3, 0));
    assert!(world.notices.all().is_empty());
}

#[tokio::test]
async fn a_code_whose_reply_was_lost_is_not_sent_again() {
    let world = world_of(&Settings::default(), "");
    let engine = world.engine();
    world.provider.fault(&OpFault::drop_reply("/token"));
    let (status, page) = engine.signs_in_at(&mut alice()).await;
    assert_eq!(status.unwrap_err().code(), "backend_unreachable");
    assert!(!page.text.contains("You are signed in"), "{page:#?}");
    assert_eq!(world.provider.requests("/token"), 1, "a code that comes twice is taken for stolen");
    assert_eq!(engine.signs_in_at(&mut alice()).await.0.unwrap().state, "signed_in");
}

#[tokio::test]
async fn a_sign_out_while_a_renewal_is_under_way_leaves_nothing_here_or_there() {
    let world = world_of(&Settings::default(), "");
    let engine = signed_in(&world).await;
    let stored = world.stored_secrets().await;
    world.provider.fault(&OpFault::delay("/token", Duration::from_millis(400)));
    let renewing = engine.begins_to_renew();
    engine.until_state("renewing").await;
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
    let _ = guarded("the renewal's end", renewing).await;
    assert_eq!(engine.now().await.state, "signed_out");
    assert!(world.stored().await.is_none());
    // The renewal had replaced the token by then: its successor is what is revoked, and the grant with it.
    assert_eq!(world.provider.refreshes(), 1);
    assert!(world.provider.events().iter().any(|event| event.event == "grant.revoked"));
    world.holds_none_of(&stored, &[]);
}

#[tokio::test]
async fn where_the_account_wants_it_the_session_at_the_provider_ends_too() {
    let world = world_of(&Settings::default(), "end_session = true");
    let (engine, mut browser) = (world.engine(), alice());
    assert!(engine.signs_in_at(&mut browser).await.0.is_ok());
    let before = world.browser.count();
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
    // Told first, opened then.
    let page = world.browser.opened_after(before).await;
    assert_eq!(browser.end_session(page.as_str()).await.page().status, 200);
    assert!(world.provider.events().iter().any(|event| event.event == "end_session.success"));
}

#[tokio::test]
async fn two_engines_that_renew_at_once_spend_one_refresh_token() {
    let world = world_of(&Settings::default(), "");
    let (one, other) = (signed_in(&world).await, world.engine());
    assert_eq!(other.now().await.state, "signed_in");
    let (first, second) = guarded("both", async { tokio::join!(one.renews(), other.renews()) }).await;
    assert_eq!((first.unwrap().generation, second.unwrap().generation), (2, 2));
    assert_eq!((world.provider.refreshes(), world.provider.refusals().len()), (1, 0));
    assert_eq!(other.renews().await.unwrap().generation, 3, "the family lives");
}
