//! Whole flows against servers that somebody else wrote, and against the development backend.

use latchkey_devserver::{DevServer, Options, User};
use latchkey_engine::sign_in::SignIn;
use latchkey_engine::snapshot::SignInPrompt;
use latchkey_tests::bad_provider::Settings;
use latchkey_tests::oauth_world::{Does, OauthEngine, OauthWorld};
use latchkey_tests::openid_provider::{self, OpenIdProvider, Support};
use latchkey_tests::scripted_browser::{Person, ScriptedBrowser};

/// A world whose account is at this issuer.
async fn at(issuer: &str, client_id: &str, keys: &str) -> OauthWorld {
    let world = OauthWorld::whose_account_says(Settings::default(), |_| {
        format!("issuer = \"{issuer}\"\nclient_id = \"{client_id}\"\n{keys}")
    });
    let world = world.await;
    world.browser.does(Does::Idle);
    world
}

/// Somebody signs in at real pages.
async fn signs_in(engine: &OauthEngine, person: Person) -> String {
    let ending = engine.begins(SignIn::Browser);
    let SignInPrompt::Browser { url, .. } = engine.prompt().await else { panic!("a page") };
    let page = ScriptedBrowser::of(person).sign_in(&url).await;
    assert!(page.url.query().is_none(), "no code is left in the history");
    match ending.await.unwrap() {
        Ok(status) => status.state.as_str().to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

#[tokio::test]
async fn node_oidc_provider_signs_in_renews_and_revokes() {
    let plain = openid_provider::Settings::default();
    for settings in [
        plain.clone(),
        openid_provider::Settings { par: Support::Required, dpop: Support::Required, ..plain.clone() },
        openid_provider::Settings { id_token_algorithm: "ES256", rotate: false, ..plain.clone() },
        openid_provider::Settings { id_token_algorithm: "EdDSA", ..plain },
    ] {
        let provider = OpenIdProvider::start(&settings);
        let keys = "scope = \"openid profile email offline_access\"";
        let world = at(provider.issuer(), openid_provider::CLIENT_ID, keys).await;
        let engine = world.engine();
        assert_eq!(
            signs_in(&engine, Person::who_allows("alice", "secret")).await,
            "signed_in",
            "{settings:?}"
        );
        let identity = engine.now().await.identity.unwrap();
        assert_eq!(identity.subject.as_deref(), Some("alice"));
        assert_eq!(identity.name.as_deref(), Some("User alice"), "{settings:?}");
        assert_eq!(engine.renews().await.unwrap().generation, 2, "{settings:?}");
        assert_eq!(engine.renews().await.unwrap().generation, 3, "{settings:?}");
        assert_eq!(provider.refreshes(), 2);
        let bound = world.stored().await.unwrap().dpop_key.is_some();
        assert_eq!(bound, settings.dpop == Support::Required);
        assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
        assert_eq!(provider.requests("/token/revocation"), 2);
        assert!(!world.logged().contains(&"revocation_failed".to_owned()), "{:?}", world.logged());
    }
}

#[tokio::test]
async fn somebody_who_declines_at_node_oidc_provider_is_not_signed_in() {
    let provider = OpenIdProvider::start(&openid_provider::Settings::default());
    let world = at(provider.issuer(), openid_provider::CLIENT_ID, "").await;
    let engine = world.engine();
    assert_eq!(signs_in(&engine, Person::who_denies("alice", "secret")).await, "sign_in_denied");
    assert!(world.stored().await.is_none());
}

#[tokio::test]
async fn the_development_backend_signs_in_renews_and_revokes() {
    let options = Options { listen: "127.0.0.1:0".parse().unwrap(), ..Options::default() };
    let server = DevServer::start(options).await.unwrap();
    let user = User::demo();
    let world = at(server.issuer(), "latchkey", "").await;
    let engine = world.engine();
    let person = Person::who_allows(&user.username, &user.password);
    assert_eq!(signs_in(&engine, person).await, "signed_in");
    assert_eq!(engine.renews().await.unwrap().generation, 2);
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
    assert!(!world.logged().contains(&"revocation_failed".to_owned()), "{:?}", world.logged());
}
