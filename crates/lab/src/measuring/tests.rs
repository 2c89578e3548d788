//! The profile says of a backend what it was told to do.

use latchkey_core::secret::Password;
use latchkey_devserver::{Fault, FaultMode, Rule};
use latchkey_engine::lab::{Between, Contract, Grace, Lifetime, ReuseHandling, TwoAtOnce};

use super::*;
use crate::scenario::{BackendSetup, ProviderKind};
use crate::stage::Backend;

fn demo() -> Person {
    Person::Typed { username: "demo".to_owned(), password: Password::new("demo") }
}

async fn stage(setup: &BackendSetup, rules: &[Rule]) -> Stage {
    let keys = tempfile::tempdir().unwrap();
    let start = "2027-03-01T08:00:00Z".parse().unwrap();
    Stage::own(setup, rules, start, keys.path()).await.unwrap()
}

async fn profile_of(setup: BackendSetup, rules: &[Rule]) -> Profile {
    let (stage, ending) = (stage(&setup, rules).await, Ending::default());
    measure_on(&stage, &demo(), Bounds::default(), &ending, |_| ()).await.unwrap()
}

/// How many sessions go on at the backend.
async fn going_on(stage: &Stage) -> usize {
    let Backend::Own(own) = &stage.backend else { panic!("a backend of ours") };
    own.server().unwrap().revoke("demo").await.unwrap()
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

#[tokio::test]
async fn nothing_that_was_signed_in_to_is_left_at_the_backend() {
    for setup in [grace(0), grace(20), BackendSetup { provider: ProviderKind::Oauth, ..grace(3) }] {
        for rule in [None, Some(Rule::NoRotation), Some(Rule::ReuseRefused), Some(Rule::ReuseAccepted)] {
            let stage = stage(&setup, rule.as_slice()).await;
            let ending = Ending::default();
            measure_on(&stage, &demo(), Bounds::default(), &ending, |_| ()).await.unwrap();
            assert_eq!(going_on(&stage).await, 0, "{rule:?}");
        }
    }
}

#[tokio::test]
async fn a_program_that_ends_measures_no_further_and_leaves_nothing_either() {
    for point in
        ["signing in", "how a wrong token is refused", "a replaced token, 4 s old", "two refreshes at once"]
    {
        let (stage, ending) = (stage(&grace(20), &[]).await, Ending::default());
        let (reached, mut heard) = mpsc::unbounded_channel();
        let tell = |what: &str| {
            if what == point {
                let _ = reached.send(());
            }
        };
        let person = demo();
        let measuring = measure_on(&stage, &person, Bounds::default(), &ending, tell);
        let comes = async {
            heard.recv().await.unwrap();
            ending.comes().await;
        };
        let (measured, ()) = tokio::join!(measuring, comes);
        assert!(matches!(measured, Err(NotMeasured::GivenUp)), "{point}");
        assert_eq!(going_on(&stage).await, 0, "{point}");
    }
}

/// Why a fact could not be told.
fn missing<'a>(profile: &'a Profile, fact: &str) -> &'a str {
    profile.unmeasured.iter().find(|missing| missing.fact == fact).map_or("", |missing| missing.code.as_str())
}

#[tokio::test]
async fn a_backend_that_goes_away_in_the_middle_is_not_said_to_do_wrong() {
    let (stage, ending) = (stage(&grace(0), &[]).await, Ending::default());
    let tell = |what: &str| {
        if what == "two refreshes at once" {
            stage.faults().add(Fault::new("refresh", FaultMode::DropBefore).times(-1)).unwrap();
        }
    };
    let profile = measure_on(&stage, &demo(), Bounds::default(), &ending, tell).await.unwrap();
    assert_eq!((profile.facts.two_at_once, missing(&profile, "two_at_once")), (None, "no_verdict_on_two"));
}

#[tokio::test]
async fn a_lifetime_that_nobody_told_is_not_said_to_have_been_measured() {
    let opaque = r#"{ "accessToken": "opaque", "refreshToken": "next" }"#;
    let odd = Fault::new("refresh", FaultMode::Status).status(200).body(opaque);
    let bare = Fault::new("token", FaultMode::ExpiryMissing).times(-1);
    let oauth = BackendSetup { provider: ProviderKind::Oauth, ..grace(0) };
    for (setup, fault, lifetime, told) in
        [(grace(0), odd, None, "lifetime_not_told"), (oauth, bare, Some(60), "")]
    {
        let (stage, ending) = (stage(&setup, &[]).await, Ending::default());
        stage.faults().add(fault).unwrap();
        let profile = measure_on(&stage, &demo(), Bounds::default(), &ending, |_| ()).await.unwrap();
        assert_eq!((profile.facts.access_secs, missing(&profile, "access_secs")), (lifetime, told));
        assert_eq!(profile.facts.exp_differs_secs, None, "nothing was said that it could differ from");
    }
}
