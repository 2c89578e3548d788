//! Signing in at an authorization server: in the browser and with a device code.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_engine::http::{Http, Request};
use latchkey_engine::ports::Clock as _;
use latchkey_engine::sign_in::SignIn;
use latchkey_engine::snapshot::SignInPrompt;
use latchkey_tests::bad_provider::{
    Authorization, Device, Discovery, Dpop, Endpoint, Revocation, Settings, Tokens, UserInfo,
};
use latchkey_tests::oauth_world::{Does, OauthWorld, visit};

#[tokio::test]
async fn signing_in_in_the_browser_brings_tokens_and_tells_the_person_there() {
    let world = OauthWorld::new().await;
    let status = world.engine().signs_in().await.unwrap();
    assert_eq!(
        (status.state.as_str(), status.generation, status.provider.as_str()),
        ("signed_in", 1, "oauth")
    );
    let stored = world.stored().await.unwrap();
    assert_eq!(stored.identity.subject.as_deref(), Some("alice"));
    assert!(stored.tokens.refresh.is_some() && stored.tokens.id.is_some() && stored.token_host.is_some());
    let page = world.browser.last_page().await;
    assert!(page.text.contains("You are signed in"), "{}", page.text);
    assert!(
        page.url.query().is_none() && page.url.path() == "/callback/done",
        "no code is left in the history"
    );
    assert_eq!(world.provider.count(Endpoint::Token), 1);
    let [sent] = &world.provider.requests_at(Endpoint::Token)[..] else { panic!("one request") };
    assert!(sent.get("code_verifier").is_some() && sent.get("client_secret").is_none());
}

#[tokio::test]
async fn no_secret_of_a_sign_in_or_a_renewal_is_ever_written_or_shown() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    engine.renews().await.unwrap();
    let shown = format!("{:?}", engine.now().await);
    let written = world.traced.texts().join("\n");
    for secret in world.provider.secrets() {
        assert!(
            !shown.contains(&secret) && !written.contains(&secret),
            "a secret of {} characters",
            secret.len()
        );
    }
}

#[tokio::test]
async fn without_a_browser_the_page_is_shown_and_works_wherever_it_is_opened() {
    let world = OauthWorld::new().await;
    world.browser.does(Does::Fail);
    let engine = world.engine();
    let ending = engine.begins(SignIn::Browser);
    let SignInPrompt::Browser { url, opened, expires_at } = engine.prompt().await else { panic!("a page") };
    assert!(!opened);
    let ends: jiff::Timestamp = expires_at.parse().unwrap();
    assert_eq!(ends.duration_since(world.clock.now().wall).as_mins(), 10);
    let back = world.browser.answer_to(&url.parse().unwrap()).await;
    visit(&back).await.unwrap();
    assert_eq!(ending.await.unwrap().unwrap().state, "signed_in");
    assert!(engine.now().await.sign_in.is_none(), "nothing is left to do");
}

#[tokio::test]
async fn a_person_who_declines_is_told_so_and_an_existing_session_stays() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    world.provider.misbehave(Authorization::Denied);
    let error = engine.signs_in().await.unwrap_err();
    assert_eq!(error.code(), "sign_in_denied");
    assert_eq!((engine.now().await.state.as_str(), engine.now().await.generation), ("signed_in", 1));
    assert_eq!(world.provider.count(Endpoint::Token), 1, "nothing was redeemed");
}

#[tokio::test]
async fn a_sign_in_that_is_given_up_leaves_nothing_listening() {
    let world = OauthWorld::new().await;
    world.browser.does(Does::Idle);
    let engine = world.engine();
    let ending = engine.begins(SignIn::Browser);
    engine.prompt().await;
    let back = world.browser.answer_to(&world.browser.opened().await).await;
    engine.gives_up();
    assert_eq!(ending.await.unwrap().unwrap_err().code(), "cancelled");
    gone(&back).await;
    assert_eq!(world.provider.count(Endpoint::Token), 0);
}

#[tokio::test]
async fn after_ten_minutes_nobody_waits_any_more() {
    let world = OauthWorld::new().await;
    world.browser.does(Does::Idle);
    let engine = world.engine();
    let ending = engine.begins(SignIn::Browser);
    engine.prompt().await;
    let back = world.browser.answer_to(&world.browser.opened().await).await;
    world.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(ending.await.unwrap().unwrap_err().code(), "sign_in_timed_out");
    gone(&back).await;
}

/// Nothing listens there; the listener is let go of by a task of its own.
async fn gone(back: &reqwest::Url) {
    for _ in 0..1000 {
        if visit(back).await.is_err_and(|error| error.is_connect()) {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("something still listens");
}

#[tokio::test]
async fn the_server_says_what_it_can_and_what_it_cannot_is_not_tried() {
    for (fault, code) in [
        (Discovery::IssuerMismatch, "misfit"),
        (Discovery::HttpJwks, "misfit"),
        (Discovery::EvilScheme, "misfit"),
        (Discovery::TokenEndpointMissing, "misfit"),
        (Discovery::PkcePlain, "misfit"),
        (Discovery::Html, "backend_answered_oddly"),
    ] {
        let world = OauthWorld::new().await;
        world.provider.misbehave(fault);
        let error = world.engine().signs_in().await.unwrap_err();
        assert_eq!((error.code(), world.browser.count()), (code, 0), "{}", fault.name());
        assert!(world.stored().await.is_none());
    }
    let world = OauthWorld::new().await;
    world.provider.misbehave(Discovery::PkceMissing);
    assert_eq!(world.engine().signs_in().await.unwrap().state, "signed_in", "state and nonce remain");
}

#[tokio::test]
async fn a_request_is_sent_ahead_where_it_can_be_and_anew_while_nobody_has_opened_it() {
    let world = OauthWorld::with(Settings { par_required: true, ..Settings::default() }, "").await;
    world.browser.does(Does::Fail);
    let engine = world.engine();
    let ending = engine.begins(SignIn::Browser);
    let SignInPrompt::Browser { url: first, .. } = engine.prompt().await else { panic!("a page") };
    assert!(first.contains("request_uri=") && !first.contains("code_challenge"), "{first}");
    // The clock's sleepers are two: the account's alarm is not set while a sign-in is under way.
    world.clock.advance(SignedDuration::from_secs(56));
    let mut url = first.clone();
    while url == first {
        tokio::task::yield_now().await;
        let SignInPrompt::Browser { url: shown, .. } = engine.prompt().await else { panic!("a page") };
        url = shown;
    }
    world.clock.advance(SignedDuration::from_secs(10));
    let back = world.browser.answer_to(&url.parse().unwrap()).await;
    visit(&back).await.unwrap();
    assert_eq!(ending.await.unwrap().unwrap().state, "signed_in");
    assert!(world.provider.count(Endpoint::PushedRequest) >= 2);
}

#[tokio::test]
async fn tokens_are_bound_to_a_key_where_the_server_binds_them() {
    for fault in [None, Some(Dpop::NonceFirst), Some(Dpop::NonceEach)] {
        let world = OauthWorld::with(Settings { dpop_required: true, ..Settings::default() }, "").await;
        if let Some(fault) = fault {
            world.provider.misbehave(fault);
        }
        let engine = world.signed_in().await;
        let stored = world.stored().await.unwrap();
        assert!(stored.dpop_key.is_some() && stored.token_type.as_deref() == Some("DPoP"));
        assert_eq!(engine.renews().await.unwrap().generation, 2);
        let after = world.stored().await.unwrap();
        assert!(
            after.dpop_key.unwrap().expose() == stored.dpop_key.unwrap().expose(),
            "a refresh token is good with its own key only"
        );
    }
}

#[tokio::test]
async fn a_device_code_is_shown_and_asked_for_no_faster_than_allowed() {
    let world = OauthWorld::with(Settings { pending_polls: 3, ..Settings::default() }, "").await;
    world.provider.misbehave_times(Device::SlowDown, 1);
    let engine = world.engine();
    let ending = engine.begins(SignIn::Device);
    let SignInPrompt::Device { user_code, verification_uri, .. } = engine.prompt().await else {
        panic!("a code")
    };
    assert!(!user_code.is_empty() && verification_uri.starts_with(world.provider.issuer()));
    while !ending.is_finished() {
        world.clock.advance(SignedDuration::from_secs(1));
        // The provider's clock is ours; a question needs a moment of real time.
        tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await.unwrap_err();
    }
    assert_eq!(ending.await.unwrap().unwrap().state, "signed_in");
    let polls = world.provider.requests_at(Endpoint::Token);
    let gaps: Vec<_> = polls.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at).as_secs()).collect();
    assert!(gaps[0] >= 10 && gaps.iter().all(|gap| *gap >= 5), "{gaps:?}");
}

#[tokio::test]
async fn a_code_stays_to_be_seen_while_the_session_before_comes_to_its_end() {
    let settings = Settings { access_lifetime: Duration::from_hours(1), ..Settings::default() };
    let world = OauthWorld::with(settings, "max_age = \"2min\"").await;
    let engine = world.signed_in().await;
    let _ending = engine.begins(SignIn::Device);
    engine.prompt().await;
    world.clock.advance(SignedDuration::from_mins(2));
    for _ in 0..40 {
        engine.now().await;
    }
    let status = engine.now().await;
    assert_eq!((status.state.as_str(), status.access.is_some()), ("signing_in", false));
    assert!(status.sign_in.is_some(), "the code is still good, and somebody is reading it");
}

#[tokio::test]
async fn a_device_that_is_refused_is_told_so_once() {
    for (fault, code) in [
        (Device::Denied, "sign_in_denied"),
        (Device::Expired, "sign_in_timed_out"),
        (Device::UnknownError, "sign_in_refused"),
    ] {
        let world = OauthWorld::new().await;
        world.provider.misbehave(fault);
        let engine = world.engine();
        let ending = engine.begins(SignIn::Device);
        engine.prompt().await;
        world.clock.advance(SignedDuration::from_secs(5));
        assert_eq!(ending.await.unwrap().unwrap_err().code(), code);
        assert_eq!(world.provider.count(Endpoint::Token), 1);
    }
    let world = OauthWorld::new().await;
    world.provider.misbehave(Device::EvilScheme);
    let engine = world.engine();
    let _ending = engine.begins(SignIn::Device);
    let SignInPrompt::Device { verification_uri, verification_uri_complete, .. } = engine.prompt().await
    else {
        panic!("a code")
    };
    assert!(!verification_uri.starts_with("javascript") && verification_uri_complete.is_none());
    engine.gives_up();
}

#[tokio::test]
async fn user_info_completes_the_identity_and_that_of_somebody_else_is_not_used() {
    // The ID token has no name where the account looks for one, so the provider is asked.
    let keys = "[accounts.work.claims]\nname = \"/nowhere\"";
    for fault in [None, Some(UserInfo::SubWrong), Some(UserInfo::SubMissing)] {
        let world = OauthWorld::with(Settings::default(), keys).await;
        if let Some(fault) = fault {
            world.provider.misbehave(fault);
        }
        let nickname = r#"{"sub":"alice","nowhere":"Ally"}"#;
        if fault.is_none() {
            world.provider.answer_next(Endpoint::UserInfo, 200, "application/json", nickname);
        }
        let identity = world.engine().signs_in().await.unwrap().identity.unwrap();
        assert_eq!(identity.name.as_deref(), fault.is_none().then_some("Ally"), "{fault:?}");
        assert_eq!(identity.subject.as_deref(), Some("alice"), "{fault:?}");
        assert_eq!(world.provider.count(Endpoint::UserInfo), 1);
    }
    let mallory = r#"{"sub":"mallory","nowhere":"Mallory"}"#;
    let world = OauthWorld::with(Settings::default(), keys).await;
    world.provider.answer_next(Endpoint::UserInfo, 200, "application/json", mallory);
    assert_eq!(world.engine().signs_in().await.unwrap().identity.unwrap().name, None);
}

#[tokio::test]
async fn less_than_was_asked_for_is_said() {
    let world =
        OauthWorld::with(Settings::default(), "scope = \"openid profile email offline_access\"").await;
    world.provider.misbehave(Tokens::ScopeNarrower);
    world.engine().signs_in().await.unwrap();
    assert!(world.logged().contains(&"scope_narrowed".to_owned()), "{:?}", world.logged());
}

#[tokio::test]
async fn signing_out_revokes_both_tokens_and_opens_the_providers_page_if_the_account_says_so() {
    let world = OauthWorld::with(Settings::default(), "end_session = true").await;
    let engine = world.signed_in().await;
    let before = world.browser.count();
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
    let page = world.browser.opened_after(before).await;
    let revoked = world.provider.requests_at(Endpoint::Revocation);
    let hints: Vec<_> = revoked.iter().filter_map(|request| request.get("token_type_hint")).collect();
    assert_eq!(hints, ["refresh_token", "access_token"]);
    assert!(world.stored().await.is_none());
    assert!(page.as_str().contains("/end_session?client_id="), "{page}");

    let world = OauthWorld::new().await;
    world.provider.misbehave(Revocation::Unavailable);
    let engine = world.signed_in().await;
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out", "whatever the provider says");
    let left = world.stored().await;
    assert!(
        left.is_none_or(|left| left.signed_out_at.is_some()),
        "kept to be revoked later, and for nothing else"
    );
    assert!(world.logged().contains(&"revocation_failed".to_owned()));
}

#[tokio::test]
async fn a_request_that_is_sent_ahead_names_the_client_once_however_that_proves_who_it_is() {
    for (method, basic) in [("client_secret_basic", true), ("client_secret_post", false)] {
        let world = OauthWorld::with(Settings::default(), "client_secret = \"not-so-secret\"").await;
        let asked = Request::get(&world.provider.url(Endpoint::Discovery).parse().unwrap());
        let metadata = Http::new().unwrap().send(asked).await.ok().unwrap();
        let mut metadata: serde_json::Value = serde_json::from_slice(&metadata.body).unwrap();
        metadata["token_endpoint_auth_methods_supported"] = [method].into();
        world.provider.answer_next(Endpoint::Discovery, 200, "application/json", &metadata.to_string());
        // How it ends is no matter: this provider knows no client with a secret.
        let _ = world.engine().signs_in().await;
        let [sent] = &world.provider.requests_at(Endpoint::PushedRequest)[..] else { panic!("one request") };
        let named = sent.parameters.iter().filter(|(name, value)| name == "client_id" && value == "latchkey");
        assert_eq!(named.count(), 1, "a request has it, wherever it is sent (RFC 9126 §2.1): {method}");
        assert_eq!(sent.authorization.as_ref().is_some_and(|said| said.starts_with("Basic ")), basic);
    }
}
