//! Renewing at an authorization server: what is lost by nothing, and what is never handed out.

use jiff::SignedDuration;
use latchkey_engine::vault::Envelope;
use latchkey_tests::bad_provider::{
    Discovery, Dpop, Endpoint, Fault, IdToken, KeySet, Refresh, Settings, Signing, Tokens,
};
use latchkey_tests::engine_world::{guarded, reason};
use latchkey_tests::oauth_world::{OauthEngine, OauthWorld};

fn refresh_token(envelope: &Envelope) -> String {
    envelope.tokens.refresh.as_ref().unwrap().expose().to_owned()
}

fn access_token(envelope: &Envelope) -> String {
    envelope.tokens.access.expose().to_owned()
}

#[tokio::test]
async fn a_refresh_that_brings_somebody_elses_id_token_is_sealed_and_never_handed_out() {
    for fault in [Refresh::NewSub, Refresh::NewIss] {
        let world = OauthWorld::new().await;
        let engine = world.signed_in().await;
        let before = world.stored().await.unwrap();
        world.provider.misbehave(fault);

        let ended = engine.renews().await.map_err(|error| error.code());
        assert_eq!(ended.err(), Some("sign_in_needed"), "{}", fault.name());
        let status = engine.now().await;
        assert_eq!(
            (status.state.as_str(), reason(&status)),
            ("needs_sign_in", "distrusted"),
            "{}",
            fault.name()
        );
        let after = world.stored().await.unwrap();
        assert!(refresh_token(&after) != refresh_token(&before), "the new refresh token is durable");
        assert!(access_token(&after) == access_token(&before), "the new access token is nowhere");
        assert!(after.quarantined.is_some() && after.identity == before.identity);
        let handed_out = engine.token_at_once().await.unwrap();
        assert!(handed_out.access.expose() == access_token(&before), "the old one is served to its end");

        // Another start finds it sealed.
        engine.handle.close().await;
        let again = world.engine();
        assert_eq!(reason(&again.now().await), "distrusted", "{}", fault.name());
        assert!(again.token_at_once().await.unwrap().access.expose() == access_token(&before));
        assert_eq!(world.provider.refreshes(), 1, "the sealed token is not sent again");
    }
}

#[tokio::test]
async fn a_renewed_id_token_of_the_same_person_that_cannot_be_verified_is_not_kept_and_ends_nothing() {
    let faults: [Fault; 5] = [
        IdToken::AudWrong.into(),
        IdToken::AtHashWrong.into(),
        Signing::AlgNone.into(),
        Signing::AlgHs256Pub.into(),
        Signing::SignatureWrong.into(),
    ];
    for fault in faults {
        let world = OauthWorld::new().await;
        let engine = world.signed_in().await;
        let before = world.stored().await.unwrap();
        world.provider.misbehave(fault);
        assert_eq!(engine.renews().await.unwrap().generation, 2, "{}", fault.name());
        let after = world.stored().await.unwrap();
        assert!(access_token(&after) != access_token(&before), "{}", fault.name());
        assert!(
            after.tokens.id.unwrap().expose() == before.tokens.id.unwrap().expose(),
            "the one that was verified stays: {}",
            fault.name()
        );
        assert!(world.logged().contains(&"id_token_not_verified".to_owned()), "{}", fault.name());
    }
}

/// Somebody is signed in at a provider whose access tokens are JWTs that are to be verified. It does this wrong from then
/// on.
async fn verified(fault: Option<Fault>) -> (OauthWorld, OauthEngine) {
    let settings = Settings { jwt_access_tokens: true, ..Settings::default() };
    let world = OauthWorld::with(settings, "scope = \"api\"\nverify_access_token = true").await;
    let engine = world.signed_in().await;
    if let Some(fault) = fault {
        world.provider.misbehave(fault);
    }
    (world, engine)
}

/// The renewed access token is used though it was not verified, which is said with these words.
async fn is_used_unverified(world: &OauthWorld, engine: &OauthEngine, words: &str) {
    let before = world.stored().await.unwrap();
    assert_eq!(engine.renews().await.unwrap().state, "signed_in", "{words}");
    let after = world.stored().await.unwrap();
    assert!(access_token(&after) != access_token(&before), "{words}");
    assert!(engine.token_at_once().await.unwrap().access.expose() == access_token(&after), "{words}");
    let said = world.records().into_iter().find(|record| record.kind == "access_token_not_verified");
    assert!(said.is_some_and(|said| said.message.contains(words)), "{words}");
    assert!(world.notices.all().is_empty(), "{words}");
}

#[tokio::test]
async fn a_renewed_access_token_that_cannot_be_verified_at_the_moment_ends_nothing() {
    for (fault, words) in [
        (Fault::from(IdToken::ExpPast), "it expired 1h ago"),
        (IdToken::NbfFuture.into(), "it is valid only 1h from now"),
        (IdToken::IatFuture.into(), "it was issued 1h in the future"),
        (Signing::KidUnknown.into(), "no key of that name"),
    ] {
        let (world, engine) = verified(Some(fault)).await;
        is_used_unverified(&world, &engine, words).await;
    }
    let (world, engine) = verified(Some(KeySet::ServerError.into())).await;
    engine.handle.close().await;
    // A program that has just begun has no keys yet.
    is_used_unverified(&world, &world.engine(), "keys are not at hand").await;
    let (world, engine) = verified(None).await;
    // Everybody's clock is wrong, the provider's as well.
    world.clock.set_wall(jiff::Timestamp::UNIX_EPOCH);
    is_used_unverified(&world, &engine, "the clock of this machine is wrong").await;
}

#[tokio::test]
async fn a_renewed_access_token_that_is_not_its_issuers_ends_the_session() {
    let faults: [Fault; 8] = [
        IdToken::IssWrong.into(),
        IdToken::AzpWrong.into(),
        IdToken::ExpMissing.into(),
        IdToken::ExpMs.into(),
        Signing::AlgNone.into(),
        Signing::AlgHs256Pub.into(),
        Signing::SignatureWrong.into(),
        Signing::Crit.into(),
    ];
    for fault in faults {
        let (world, engine) = verified(Some(fault)).await;
        let before = world.stored().await.unwrap();
        let ended = engine.renews().await.map_err(|error| error.code());
        assert_eq!(ended.err(), Some("sign_in_needed"), "{}", fault.name());
        let status = engine.now().await;
        assert_eq!(
            (status.state.as_str(), reason(&status)),
            ("needs_sign_in", "distrusted"),
            "{}",
            fault.name()
        );
        let after = world.stored().await.unwrap();
        assert!(access_token(&after) == access_token(&before), "{}", fault.name());
    }
    let (_world, engine) = verified(None).await;
    assert_eq!(engine.renews().await.unwrap().state, "signed_in", "what is right is believed");
}

#[tokio::test]
async fn a_start_while_the_rest_is_still_being_judged_finds_the_new_refresh_token_and_the_old_access_token() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    engine.handle.close().await;
    let before = world.stored().await.unwrap();
    // A new process has no keys yet, and they do not come.
    world.provider.misbehave(KeySet::Hang);
    let engine = world.engine();
    let renewing = engine.begins_to_renew();
    let after = guarded("the refresh token to be stored", async {
        loop {
            match world.stored().await {
                Some(stored) if stored.generation == 2 => break stored,
                Some(_) | None => tokio::task::yield_now().await,
            }
        }
    });
    let after = after.await;
    assert!(refresh_token(&after) != refresh_token(&before) && access_token(&after) == access_token(&before));
    let second = world.engine();
    let handed_out = second.token_at_once().await.unwrap();
    assert!(handed_out.access.expose() == access_token(&before));
    renewing.abort();
}

#[tokio::test]
async fn what_cannot_be_stored_is_judged_all_the_same() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    let before = world.stored().await.unwrap();
    world.provider.misbehave(Refresh::NewSub);
    // The envelope, and the sealed one in its place.
    world.vault.fail_next_writes(2, latchkey_core::reason::VaultProblem::Locked);
    assert!(engine.renews().await.is_err());
    assert!(engine.token_at_once().await.unwrap().access.expose() == access_token(&before));
    let _ = engine.renews().await;
    assert_eq!(reason(&engine.now().await), "distrusted");
    assert!(access_token(&world.stored().await.unwrap()) == access_token(&before));
}

#[tokio::test]
async fn while_the_keys_are_out_of_reach_the_same_person_goes_on() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    engine.handle.close().await;
    // A new process has no keys yet.
    let engine = world.engine();
    world.provider.misbehave(KeySet::ServerError);
    assert_eq!(engine.renews().await.unwrap().generation, 2);
    world.provider.misbehave(Refresh::NewSub);
    assert!(engine.renews().await.is_err());
    assert_eq!(reason(&engine.now().await), "distrusted", "but not another one");
}

#[tokio::test]
async fn odd_replies_to_a_refresh_lose_no_session() {
    for (fault, kept) in [
        (Refresh::NoRefreshToken, true),
        (Refresh::EmptyRefreshToken, true),
        (Refresh::NullRefreshToken, true),
        (Refresh::SameRefreshToken, true),
        (Refresh::Created, false),
        (Refresh::Text, false),
    ] {
        let world = OauthWorld::new().await;
        let engine = world.signed_in().await;
        let before = world.stored_refresh_token().await;
        world.provider.misbehave_times(fault, 1);
        assert_eq!(engine.renews().await.unwrap().generation, 2, "{}", fault.name());
        assert_eq!(world.stored_refresh_token().await == before, kept, "{}", fault.name());
        assert_eq!(engine.renews().await.unwrap().generation, 3, "{}", fault.name());
    }
}

#[tokio::test]
async fn what_is_no_verdict_ends_nothing_and_no_redirect_is_followed() {
    for fault in [
        Refresh::Html,
        Refresh::NoContent,
        Refresh::Redirect,
        Refresh::TooMany,
        Refresh::Unavailable,
        Refresh::ServerErrorWithVerdict,
    ] {
        let world = OauthWorld::new().await;
        let engine = world.signed_in().await;
        let before = world.stored_refresh_token().await;
        world.provider.misbehave(fault);
        assert!(engine.renews().await.is_err(), "{}", fault.name());
        assert_eq!(engine.now().await.state, "waiting", "{}", fault.name());
        assert!(world.stored_refresh_token().await == before && engine.token_at_once().await.is_ok());
        assert_eq!(world.provider.count(Endpoint::Elsewhere), 0, "{}", fault.name());
        world.provider.behave();
        assert_eq!(engine.renews().await.unwrap().state, "signed_in", "{}", fault.name());
    }
}

#[tokio::test]
async fn a_reply_that_can_be_read_in_two_ways_is_asked_for_once_more() {
    for fault in
        [Refresh::Duplicate, Refresh::Truncated, Refresh::EmptyBody, Refresh::DropReply, Refresh::Torn]
    {
        let grace = std::time::Duration::from_secs(30);
        let world = OauthWorld::with(Settings { grace, ..Settings::default() }, "").await;
        let engine = world.signed_in().await;
        world.provider.misbehave_times(fault, 1);
        assert_eq!(engine.renews().await.unwrap().generation, 2, "{}", fault.name());
        assert_eq!(world.provider.refreshes(), 2, "{}", fault.name());
        assert_eq!(engine.renews().await.unwrap().generation, 3, "{}", fault.name());
    }
}

#[tokio::test]
async fn expiries_in_every_form_are_understood_and_nonsense_is_assumed() {
    for (fault, source) in [
        (Tokens::ExpiresInString, "expires_in"),
        (Tokens::ExpiresInFloat, "expires_in"),
        (Tokens::ExpiresInMissing, "assumed"),
        (Tokens::ExpiresInNegative, "assumed"),
        (Tokens::ExpiresInHuge, "assumed"),
    ] {
        let world = OauthWorld::new().await;
        let engine = world.signed_in().await;
        world.provider.misbehave(fault);
        let status = engine.renews().await.unwrap();
        assert_eq!(status.clocks.access.unwrap().source, source, "{}", fault.name());
    }
}

#[tokio::test]
async fn an_access_token_of_an_unknown_type_is_not_handed_out_and_its_refresh_token_is_kept() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    let before = world.stored().await.unwrap();
    world.provider.misbehave_times(Tokens::TokenTypeMac, 1);
    let _ = engine.renews().await;
    let after = world.stored().await.unwrap();
    assert!(refresh_token(&after) != refresh_token(&before));
    assert!(access_token(&after) == access_token(&before) || after.generation > 2);
}

#[tokio::test]
async fn a_refresh_token_goes_to_the_host_that_issued_it_and_to_no_other() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    world.provider.misbehave(Discovery::HostChange);
    world.clock.advance_wall(SignedDuration::ZERO);
    engine.handle.close().await;
    let engine = world.engine();
    assert!(engine.renews().await.is_err());
    let status = engine.now().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "misfit"));
    assert_eq!(world.provider.refreshes(), 0);
    assert!(world.stored().await.unwrap().quarantined.is_none(), "the token is kept");
}

#[tokio::test]
async fn a_server_that_does_not_describe_itself_now_is_asked_once_in_a_renewal_and_not_before_each_request() {
    let settings = Settings { access_lifetime: std::time::Duration::from_hours(48), ..Settings::default() };
    let world = OauthWorld::with(settings, "").await;
    let engine = world.signed_in().await;
    world.clock.advance(SignedDuration::from_hours(25));
    for _ in 0..9 {
        world.provider.answer_next(Endpoint::Discovery, 503, "text/plain", "later");
    }
    let before = world.provider.count(Endpoint::Discovery);
    assert_eq!(engine.renews().await.unwrap().generation, 2, "what it said before is good enough");
    assert_eq!(world.provider.count(Endpoint::Discovery), before + 1);
    world.clock.advance(SignedDuration::from_mins(2));
    assert_eq!(engine.renews().await.unwrap().generation, 3);
    assert_eq!(world.provider.count(Endpoint::Discovery), before + 2, "and it is asked again later");
}

#[tokio::test]
async fn tokens_whose_key_is_gone_need_a_new_sign_in() {
    let world = OauthWorld::with(Settings { dpop_required: true, ..Settings::default() }, "").await;
    let engine = world.signed_in().await;
    let stored = world.stored().await.unwrap();
    engine.handle.close().await;
    let account = stored.account.clone();
    latchkey_engine::ports::Vault::write(&world.vault, &account, &Envelope { dpop_key: None, ..stored })
        .await
        .unwrap();
    let engine = world.engine();
    assert!(engine.renews().await.is_err());
    assert_eq!(reason(&engine.now().await), "key_lost");
    assert_eq!(world.provider.refreshes(), 0);
    engine.signs_in().await.unwrap();
    assert!(engine.renews().await.is_ok());
}

#[tokio::test]
async fn a_server_that_asks_for_a_nonce_for_ever_is_waited_out() {
    let world = OauthWorld::with(Settings { dpop_required: true, ..Settings::default() }, "").await;
    let engine = world.signed_in().await;
    world.provider.misbehave(Dpop::NonceForever);
    assert!(engine.renews().await.is_err());
    let status = engine.now().await;
    assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "provider_busy"));
    assert_eq!(world.provider.refreshes(), 2, "asked twice and no more");
}

#[tokio::test]
async fn a_bound_session_does_not_become_an_unbound_one() {
    let world = OauthWorld::with(Settings { dpop_required: true, ..Settings::default() }, "").await;
    let engine = world.signed_in().await;
    let before = world.stored().await.unwrap();
    world.provider.misbehave_times(Dpop::Bearer, 1);
    let _ = engine.renews().await;
    let after = world.stored().await.unwrap();
    assert!(refresh_token(&after) != refresh_token(&before), "the refresh token is kept");
    assert_eq!(after.token_type.as_deref(), Some("DPoP"));
}
