//! The profile says of a backend what it was told to do.

use latchkey_core::secret::Password;
use latchkey_devserver::Rule;
use latchkey_engine::lab::{Between, Contract, Grace, Lifetime, ReuseHandling, TwoAtOnce};

use super::*;
use crate::scenario::{BackendSetup, ProviderKind};

async fn profile_of(setup: BackendSetup, rules: &[Rule]) -> Profile {
    let keys = tempfile::tempdir().unwrap();
    let start = "2027-03-01T08:00:00Z".parse().unwrap();
    let stage = Stage::own(&setup, rules, start, keys.path()).await.unwrap();
    let person = Person::Typed { username: "demo".to_owned(), password: Password::new("demo") };
    measure_on(&stage, &person, Bounds::default(), |_| ()).await.unwrap()
}

fn grace(seconds: i64) -> BackendSetup {
    BackendSetup { grace: Some(SignedDuration::from_secs(seconds)), ..BackendSetup::default() }
}

#[tokio::test]
async fn a_strict_backend_is_told_as_strict() {
    let profile = profile_of(grace(0), &[]).await;
    let facts = &profile.facts;
    assert_eq!(facts.rotates, Some(true));
    assert_eq!(facts.reuse, Some(ReuseHandling::FamilyRevoked));
    assert_eq!(facts.grace, Some(Grace::None));
    assert_eq!(facts.two_at_once, Some(TwoAtOnce::WinnerRevoked));
    assert_eq!(facts.old_access_dies, Some(false));
    assert_eq!(facts.refresh_lifetime, Some(Lifetime::Sliding));
    assert_eq!((facts.access_secs, facts.refresh_secs), (Some(60), Some(1800)));
    assert_eq!(facts.exp_differs_secs, Some(0));
    assert_eq!(facts.no_store, Some(true));
    assert_eq!(facts.revocation_works, Some(true));
    let refusal = facts.refusal.as_ref().unwrap();
    assert_eq!((refusal.status, refusal.error.as_deref()), (401, Some("invalid_grant")));
    let skew = facts.skew.unwrap();
    assert!(skew.ahead_ms.abs() <= skew.error_ms + 1000, "{skew:?}");
    assert_eq!(profile.unmeasured, []);
}

#[tokio::test]
async fn a_grace_window_is_found_to_a_second() {
    let facts = profile_of(grace(30), &[]).await.facts;
    assert_eq!(facts.grace, Some(Grace::Between(Between { taken: 29, refused: 30 })));
    assert_eq!(facts.reuse, Some(ReuseHandling::FamilyRevoked));
    assert_eq!(facts.two_at_once, Some(TwoAtOnce::SameAnswer));
}

#[tokio::test]
async fn a_backend_that_breaks_the_rules_is_found_out_and_breaks_its_contract() {
    let strict = Contract::of(&profile_of(grace(0), &[]).await);
    for (rule, broken) in [
        (Rule::NoRotation, "rotates"),
        (Rule::ReuseRefused, "reuse"),
        (Rule::ReuseAccepted, "reuse"),
        (Rule::FixedRefreshLifetime, "refresh_lifetime"),
        (Rule::OldAccessDies, "old_access_dies"),
        (Rule::Cacheable, "no_store"),
        (Rule::NoRevocation, "revocation_works"),
    ] {
        let profile = profile_of(grace(0), &[rule]).await;
        let differences = strict.differences(&profile);
        assert!(differences.iter().any(|difference| difference.fact == broken), "{rule}: {differences:?}");
    }
}

#[tokio::test]
async fn an_authorization_server_is_measured_like_a_rest_login() {
    let setup = BackendSetup { provider: ProviderKind::Oauth, ..grace(10) };
    let facts = profile_of(setup, &[]).await.facts;
    assert_eq!(facts.grace, Some(Grace::Between(Between { taken: 9, refused: 10 })));
    assert_eq!(facts.refusal.as_ref().map(|refusal| refusal.status), Some(400));
    assert_eq!((facts.old_access_dies, facts.revocation_works), (Some(false), Some(true)));
}
