//! The lab's profile says of real servers what they are configured to do. The development backend is measured in
//! `crates/lab`, in virtual time; these here nobody of us wrote, and their clock is the real one.

use std::time::Duration;

use latchkey_core::secret::Password;
use latchkey_engine::config::{AccountConfig, Config, ProviderConfig};
use latchkey_engine::lab::{BackendFacts, Bounds, Grace, Lifetime, Profile, ReuseHandling, TwoAtOnce};
use latchkey_lab::ending::Ending;
use latchkey_lab::measuring::measure;
use latchkey_lab::runner::Person;
use latchkey_tests::openid_provider::{AccessTokens, CLIENT_ID, OpenIdProvider, Settings};
use latchkey_tests::site_server::{PASSWORD, SiteServer, SiteSettings, Version};

/// As short as it can be: what is taken after a second is taken for good by these servers.
const BOUNDS: Bounds = Bounds { grace: Duration::from_secs(1) };

fn alice(password: &str) -> Person {
    Person::Typed { username: "alice".to_owned(), password: Password::new(password) }
}

/// What is measured of node-oidc-provider with these settings.
async fn profile_of(settings: Settings) -> Profile {
    let provider = OpenIdProvider::start(&settings);
    let account = account(provider.issuer());
    if let ProviderConfig::Oauth(config) = &account.provider {
        provider.register_redirect_path(&config.redirect.path);
    }
    measure(&account, &alice("any"), BOUNDS, &Ending::default(), |_| ()).await.unwrap()
}

fn account(issuer: &str) -> AccountConfig {
    let text = format!(
        "[accounts.work]\nprovider = \"oauth\"\nissuer = \"{issuer}\"\nclient_id = \"{CLIENT_ID}\"\n\
         scope = \"openid offline_access\"\n"
    );
    Config::parse(&text, None).unwrap().accounts.remove(0)
}

fn refused_as_the_standard_says(facts: &BackendFacts) {
    let refusal = facts.refusal.as_ref().unwrap();
    assert_eq!(
        (refusal.status, refusal.error.as_deref(), refusal.is_json),
        (400, Some("invalid_grant"), true)
    );
}

#[tokio::test]
async fn a_provider_that_rotates_is_told_as_strict() {
    let profile =
        profile_of(Settings { access_lifetime: Duration::from_secs(90), ..Settings::default() }).await;
    let facts = &profile.facts;
    assert_eq!(facts.rotates, Some(true), "{profile:?}");
    assert_eq!((facts.reuse, facts.grace), (Some(ReuseHandling::FamilyRevoked), Some(Grace::None)));
    assert_eq!(facts.two_at_once, Some(TwoAtOnce::WinnerRevoked));
    assert_eq!(facts.old_access_dies, Some(false));
    assert_eq!(facts.access_secs, Some(90));
    assert_eq!(facts.refresh_lifetime, Some(Lifetime::NotTold));
    assert_eq!((facts.no_store, facts.revocation_works), (Some(true), Some(true)));
    refused_as_the_standard_says(facts);
    // An opaque token says nothing of its end.
    assert!(facts.exp_differs_secs.is_none());
}

#[tokio::test]
async fn a_provider_that_does_not_rotate_is_told_so_and_nothing_is_made_up_about_reuse() {
    let profile = profile_of(Settings { rotate: false, ..Settings::default() }).await;
    let facts = &profile.facts;
    assert_eq!(facts.rotates, Some(false), "{profile:?}");
    assert_eq!((facts.reuse, facts.grace), (None, None));
    assert_eq!(facts.two_at_once, Some(TwoAtOnce::BothServed));
    assert_eq!(facts.revocation_works, Some(true));
    refused_as_the_standard_says(facts);
}

#[tokio::test]
async fn access_tokens_that_are_jwts_are_looked_into_and_what_cannot_be_asked_with_them_is_said() {
    let settings = Settings { access_tokens: AccessTokens::Jwt, ..Settings::default() };
    let profile = profile_of(settings).await;
    assert_eq!(profile.facts.exp_differs_secs, Some(0), "{profile:?}");
    assert_eq!(profile.facts.old_access_dies, None);
    assert!(profile.unmeasured.iter().any(|missing| missing.fact == "old_access_dies"));
}

#[tokio::test]
async fn a_site_with_cookie_sessions_keeps_nothing_and_is_told_so() {
    let site = SiteServer::start(Version::V5, SiteSettings::default()).await;
    let profile =
        measure(&site.account(), &alice(PASSWORD), BOUNDS, &Ending::default(), |_| ()).await.unwrap();
    let facts = &profile.facts;
    assert_eq!(facts.rotates, Some(true), "{profile:?}");
    assert_eq!(
        (facts.reuse, facts.grace),
        (Some(ReuseHandling::Accepted), Some(Grace::AtLeast { secs: 1 })),
        "a copy of a cookie is good until its own end"
    );
    assert_eq!(facts.two_at_once, Some(TwoAtOnce::BothServed));
    assert_eq!(facts.revocation_works, Some(false), "the server keeps nothing that it could end");
}
