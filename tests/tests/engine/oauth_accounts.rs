//! What the keys of an account change, and what a server is said to be able to do.

use latchkey_core::disposition::Failure;
use latchkey_engine::config::ProviderConfig;
use latchkey_engine::http::Http;
use latchkey_engine::provider::oauth::{ServerDescription, describe};
use latchkey_tests::bad_provider::{CLIENT_ID, Discovery, Endpoint, IdToken, Settings};
use latchkey_tests::oauth_world::OauthWorld;

async fn described(world: &OauthWorld) -> Result<ServerDescription, Failure> {
    let ProviderConfig::Oauth(config) = &world.account().provider else { panic!("an authorization server") };
    describe(config, &Http::new().unwrap()).await
}

#[tokio::test]
async fn a_server_is_described_by_what_it_says_and_asked_nothing_else() {
    let world = OauthWorld::new().await;
    let can = described(&world).await.ok().unwrap();
    assert_eq!(can.issuer.as_deref(), Some(world.provider.issuer()));
    assert!(can.browser && can.device && can.pkce && can.pushed_requests && can.dpop && can.revocation);
    assert!(can.end_session && can.user_info && can.algorithms.contains(&"RS256".to_owned()));
    assert_eq!(can.redirect_uri, "http://127.0.0.1/callback");
    assert_eq!(world.provider.requests().len(), world.provider.count(Endpoint::Discovery));
    world.provider.misbehave(Discovery::IssuerMismatch);
    let Err(Failure::Misfit { why }) = described(&world).await else { panic!("another issuer") };
    assert!(why.contains("another issuer"), "{why}");
}

#[tokio::test]
async fn a_server_without_metadata_and_id_tokens_is_signed_in_at_by_its_endpoints() {
    let world = OauthWorld::whose_account_says(Settings::default(), |issuer| {
        format!(
            "client_id = \"{CLIENT_ID}\"\nscope = \"profile\"\n[accounts.work.endpoints]\n\
             authorization = \"{issuer}/authorize\"\ntoken = \"{issuer}/token\"\nuser_info = \"{issuer}/userinfo\""
        )
    })
    .await;
    // As GitHub does it: nothing that belongs to OpenID Connect comes back.
    world.provider.misbehave(IdToken::IssWrong);
    let engine = world.engine();
    let status = engine.signs_in().await.unwrap();
    assert_eq!(status.identity.unwrap().name.as_deref(), Some("User alice"));
    assert!(world.stored().await.unwrap().tokens.id.is_none(), "what cannot be checked is not kept");
    assert_eq!(engine.renews().await.unwrap().generation, 2);
    assert_eq!((world.provider.count(Endpoint::Discovery), world.provider.count(Endpoint::Jwks)), (0, 0));
    let [asked] = &world.provider.requests_at(Endpoint::Authorize)[..] else { panic!("one request") };
    assert!(asked.get("nonce").is_none() && asked.get("code_challenge").is_some());
}

#[tokio::test]
async fn roles_are_read_where_the_account_says() {
    let keys = "[accounts.work.claims]\nroles = \"/realm_access/roles\"";
    let world = OauthWorld::with(Settings::default(), keys).await;
    let engine = world.engine();
    assert_eq!(engine.signs_in().await.unwrap().identity.unwrap().roles, ["user", "editor"]);
    assert_eq!(engine.renews().await.unwrap().identity.unwrap().roles, ["user", "editor"], "and they stay");
}

#[tokio::test]
async fn further_parameters_and_the_resource_are_sent() {
    let keys = "resource = \"https://api.example.com\"\n[accounts.work.parameters]\nlogin_hint = \"alice\"";
    let world = OauthWorld::with(Settings::default(), keys).await;
    let engine = world.signed_in().await;
    engine.renews().await.unwrap();
    // The request was sent ahead: the browser carries its name alone.
    let [asked] = &world.provider.requests_at(Endpoint::PushedRequest)[..] else { panic!("one request") };
    assert_eq!((asked.get("login_hint"), asked.get("prompt")), (Some("alice"), Some("consent")));
    assert_eq!(asked.get("resource"), Some("https://api.example.com"));
    let resources = world.provider.requests_at(Endpoint::Token);
    assert!(resources.iter().all(|request| request.get("resource") == Some("https://api.example.com")));
}

#[tokio::test]
async fn a_refresh_that_misses_a_scope_is_asked_once_more_with_the_one_from_before() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    let refused = r#"{"error":"invalid_scope"}"#;
    world.provider.answer_next(Endpoint::Token, 400, "application/json", refused);
    assert_eq!(engine.renews().await.unwrap().generation, 2);
    let sent = world.provider.requests_at(Endpoint::Token);
    let scopes: Vec<_> = sent.iter().skip(1).map(|request| request.get("scope")).collect();
    assert_eq!(scopes, [None, Some("openid offline_access")]);
    for _ in 0..2 {
        world.provider.answer_next(Endpoint::Token, 400, "application/json", refused);
    }
    assert!(engine.renews().await.is_err());
    assert_eq!(engine.now().await.state, "waiting", "no verdict on the session");
}

#[tokio::test]
async fn an_access_token_that_should_be_a_jwt_and_is_none_is_refused() {
    let world = OauthWorld::with(Settings::default(), "verify_access_token = true").await;
    assert_eq!(world.engine().signs_in().await.unwrap_err().code(), "not_believed");
    assert_eq!(world.provider.count(Endpoint::Revocation), 2);
}

#[tokio::test]
async fn a_password_is_not_how_one_signs_in_there() {
    let world = OauthWorld::new().await;
    let engine = world.engine();
    let login = latchkey_engine::sign_in::Login {
        username: "alice".to_owned(),
        password: latchkey_core::secret::Password::new("x"),
    };
    let how = latchkey_engine::sign_in::SignIn::Password(login);
    assert_eq!(engine.begins(how).await.unwrap().unwrap_err().code(), "not_this_way");
    assert_eq!(world.provider.requests().len(), 0);
}
