use jiff::SignedDuration;
use proptest::prelude::*;
use static_assertions::assert_not_impl_any;

use super::*;

assert_not_impl_any!(Envelope: std::fmt::Debug, std::fmt::Display, serde::Serialize);

#[test]
fn the_document_looks_like_this() {
    let bytes = example("work").to_bytes().unwrap();
    let expected = concat!(
        r#"{"schema":3,"account":"work","generation":7,"#,
        r#""stored_at":"2026-11-20T12:00:01Z","received_at":"2026-11-20T12:00:00Z","#,
        r#""access_token":"access-canary","refresh_token":"refresh-canary","id_token":null,"#,
        r#""access":{"expires_at":"2026-11-20T12:05:00Z","source":"expires_in"},"refresh":null,"session":null,"#,
        r#""used":{"signed_in_at":"2026-11-20T12:00:00Z","rolled_at":"2026-11-20T12:00:00Z","#,
        r#""active_at":"2026-11-20T12:00:00Z"},"#,
        r#""identity":{"name":"Ada","email":null,"subject":"u1","roles":[],"picture":null},"#,
        r#""token_type":"Bearer","scope":null,"quarantined":null}"#
    );
    assert_eq!(std::str::from_utf8(&bytes).unwrap(), expected);
}

#[test]
fn the_buffer_never_grows_while_secrets_are_written_to_it() {
    let mut envelope = example("work");
    envelope.tokens.access = AccessToken::new("\u{1}\"\\é".repeat(1_000));
    let bytes = envelope.to_bytes().unwrap();
    let mut exact = Length(0);
    serde_json::to_writer(&mut exact, &Document::of(&envelope)).unwrap();
    assert_eq!(bytes.len(), exact.0);
    assert!(bytes.capacity() < exact.0 + 64);
}

#[test]
fn members_of_a_later_version_are_passed_over() {
    let bytes = changed(|document| {
        document.insert("mood".to_owned(), serde_json::json!({ "good": [1, 2] }));
    });
    assert!(same(&read(&bytes).ok().unwrap(), &example("work")));
}

#[test]
fn an_envelope_of_the_first_schema_is_still_read() {
    let bytes = changed(|document| {
        document.insert("schema".to_owned(), 1.into());
    });
    assert!(same(&read(&bytes).ok().unwrap(), &example("work")));
}

#[test]
fn members_that_may_be_missing_are_missing() {
    let bytes = changed(|document| {
        for name in [
            "refresh_token",
            "id_token",
            "refresh",
            "session",
            "identity",
            "token_type",
            "scope",
            "quarantined",
        ] {
            document.remove(name);
        }
    });
    let envelope = read(&bytes).ok().unwrap();
    assert!(envelope.tokens.refresh.is_none() && envelope.identity == Identity::default());
}

#[test]
fn a_newer_schema_is_told_apart_from_damage_whatever_else_it_holds() {
    for newer in
        [r#"{"schema":4,"account":"work"}"#, r#"{"account":"elsewhere","tokens":[],"schema":4000000000}"#]
    {
        assert_eq!(problem(newer.as_bytes()), VaultProblem::Newer, "{newer}");
    }
    for damaged in
        [r#"{"schema":0,"account":"work"}"#, r#"{"schema":1}"#, r#"{"schema":"1","account":"work"}"#]
    {
        assert_eq!(problem(damaged.as_bytes()), VaultProblem::Damaged, "{damaged}");
    }
}

#[test]
fn another_accounts_item_is_damaged() {
    let bytes = example("home").to_bytes().unwrap();
    assert_eq!(problem(&bytes), VaultProblem::Damaged);
}

#[test]
fn an_error_holds_nothing_of_the_damaged_bytes() {
    let whole = example("work").to_bytes().unwrap();
    let mut damaged: Vec<Vec<u8>> = (0..whole.len()).map(|end| whole[..end].to_vec()).collect();
    for (member, value) in [
        ("generation", serde_json::json!("refresh-canary")),
        ("stored_at", serde_json::json!("access-canary")),
        ("access", serde_json::json!({ "expires_at": "2026-11-20T12:00:00Z", "source": "refresh-canary" })),
        ("quarantined", serde_json::json!({ "code": "access-canary" })),
        ("refresh_token", serde_json::json!({ "refresh-canary": 1 })),
    ] {
        damaged.push(changed(|document| {
            document.insert(member.to_owned(), value);
        }));
    }
    damaged.push(b"\xff\xfe refresh-canary".to_vec());
    damaged.push(b"refresh-canary".to_vec());
    for bytes in damaged {
        let error = read(&bytes).err().unwrap();
        assert_eq!(error.problem, VaultProblem::Damaged);
        let told = format!("{error} {error:?}");
        assert!(!told.contains("canary") && !told.contains("Ada"), "{told}");
    }
}

#[test]
fn facts_count_from_now_on_whatever_the_boot_clock_was_when_it_was_stored() {
    let envelope = example("work");
    let now = Stamp { wall: "2026-11-20T12:02:00Z".parse().unwrap(), boot: SignedDuration::from_secs(10) };
    let facts = understood(&envelope, now);
    assert_eq!(facts.access.expires.left(now), SignedDuration::from_mins(3));
    assert_eq!(facts.received.age(now), SignedDuration::from_mins(2));
    assert_eq!(facts.lifetime(), SignedDuration::from_mins(5));
    assert_eq!(facts.access_fingerprint, FingerprintKey::new([1; 32]).of("access-canary"));
    assert!(facts.renewable());
}

fn understood(envelope: &Envelope, now: Stamp) -> TokenFacts {
    envelope.facts(&FingerprintKey::new([1; 32]), now, Some("this one"))
}

/// The wall clock was an hour ahead when the token of five minutes arrived, and is right now.
#[test]
fn a_clock_that_was_wrong_gives_no_token_a_longer_life() {
    let now = Stamp { wall: "2026-11-20T11:03:00Z".parse().unwrap(), boot: SignedDuration::from_mins(20) };
    let mut envelope = example("work");
    // After a restart nobody knows when it arrived. It would count as new at each reading, so it counts as over.
    for boot in [None, Some("another one")] {
        envelope.received_boot = boot.map(|boot| BootTime { boot_id: boot.to_owned(), millis: 1_200_000 });
        assert_eq!(understood(&envelope, now).access.expires.left(now), SignedDuration::ZERO);
        assert_eq!(understood(&envelope, now).received.age(now), SignedDuration::ZERO);
        // Clocks are set by a little all the time.
        let just_before = Stamp { wall: envelope.received_at - SignedDuration::from_secs(59), ..now };
        let left = understood(&envelope, just_before).access.expires.left(just_before);
        assert_eq!(left, SignedDuration::from_mins(5));
        // Where nothing else can be had for it, it stays what there is.
        let tokens = TokenSet { refresh: None, ..envelope.tokens.clone() };
        let last = Envelope { tokens, ..envelope.clone() };
        assert_eq!(understood(&last, now).access.expires.left(now), SignedDuration::from_mins(5));
    }
    let three_minutes_ago = BootTime { boot_id: "this one".to_owned(), millis: 17 * 60 * 1000 };
    envelope.received_boot = Some(three_minutes_ago);
    assert_eq!(understood(&envelope, now).access.expires.left(now), SignedDuration::from_mins(2));
    // An hour behind, and the token would long be over by the wall clock.
    let later = Stamp { wall: "2026-11-20T13:03:00Z".parse().unwrap(), ..now };
    assert_eq!(understood(&envelope, later).access.expires.left(later), SignedDuration::from_mins(2));
}

#[test]
fn an_end_that_nobody_can_mean_is_brought_back_into_the_calendar() {
    let now = Stamp { wall: "2026-11-20T12:00:00Z".parse().unwrap(), boot: SignedDuration::from_secs(10) };
    let mut envelope = example("work");
    envelope.access.expires_at = Timestamp::MAX;
    envelope.refresh = Some(Expiry { expires_at: Timestamp::MIN, source: Source::RefreshExpiresIn });
    let facts = understood(&envelope, now);
    assert_eq!(facts.access.expires.left(now), FARTHEST);
    assert!(facts.refresh.unwrap().expires.passed(now));
    // A clock that says 1900 makes an odd plan, but no panic.
    let before = Stamp { wall: Timestamp::from_second(-2_208_988_800).unwrap(), ..now };
    let _ = understood(&envelope, before);
}

proptest! {
    #[test]
    fn what_was_written_is_read(Shown(envelope) in any_envelope()) {
        let bytes = envelope.to_bytes().unwrap();
        let Ok(read) = Envelope::from_bytes(&bytes, &envelope.account) else { panic!("unreadable") };
        prop_assert!(same(&read, &envelope));
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes: Vec<u8>) {
        prop_assert!(read(&bytes).is_err());
    }
}

/// An envelope to store in tests.
pub(crate) fn example(account: &str) -> Envelope {
    Envelope {
        account: AccountName::new(account).unwrap(),
        generation: 7,
        stored_at: "2026-11-20T12:00:01Z".parse().unwrap(),
        received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        received_boot: None,
        tokens: TokenSet {
            access: AccessToken::new("access-canary"),
            refresh: Some(RefreshToken::new("refresh-canary")),
            id: None,
        },
        access: Expiry { expires_at: "2026-11-20T12:05:00Z".parse().unwrap(), source: Source::ExpiresIn },
        refresh: None,
        session: None,
        used: Used::beginning("2026-11-20T12:00:00Z".parse().unwrap()),
        identity: Identity {
            name: Some("Ada".to_owned()),
            subject: Some("u1".to_owned()),
            ..Identity::default()
        },
        token_type: Some("Bearer".to_owned()),
        scope: None,
        quarantined: None,
        dpop_key: None,
        token_host: None,
        session_data: None,
        site_secret: None,
        signed_out_at: None,
    }
}

/// Compared member by member: secrets have no `PartialEq`.
pub(crate) fn same(one: &Envelope, other: &Envelope) -> bool {
    let tokens = |e: &Envelope| {
        (
            e.tokens.access.expose().to_owned(),
            e.tokens.refresh.as_ref().map(|t| t.expose().to_owned()),
            e.tokens.id.as_ref().map(|t| t.expose().to_owned()),
            e.dpop_key.as_ref().map(|key| key.expose().to_owned()),
        )
    };
    tokens(one) == tokens(other)
        && (&one.account, one.generation, one.stored_at, one.received_at, &one.received_boot)
            == (&other.account, other.generation, other.stored_at, other.received_at, &other.received_boot)
        && (one.access, one.refresh, one.session) == (other.access, other.refresh, other.session)
        && (&one.identity, &one.token_type, &one.scope, &one.quarantined, &one.token_host)
            == (&other.identity, &other.token_type, &other.scope, &other.quarantined, &other.token_host)
        && (one.signed_out_at, one.used) == (other.signed_out_at, other.used)
}

fn account() -> AccountName {
    AccountName::new("work").unwrap()
}

fn read(bytes: &[u8]) -> Result<Envelope, VaultError> {
    Envelope::from_bytes(bytes, &account())
}

fn problem(bytes: &[u8]) -> VaultProblem {
    read(bytes).err().unwrap().problem
}

fn changed(change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) -> Vec<u8> {
    let bytes = example("work").to_bytes().unwrap();
    let mut document: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes).unwrap();
    change(&mut document);
    serde_json::to_vec(&document).unwrap()
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (-62_000_000_000_i64..250_000_000_000, 0..1_000_000_000_i32)
        .prop_map(|(seconds, nanos)| Timestamp::new(seconds, nanos).unwrap())
}

fn any_expiry() -> impl Strategy<Value = Expiry> {
    let source = prop_oneof![
        Just(Source::ExpiresIn),
        Just(Source::JwtExp),
        Just(Source::AccessTokenExpiry),
        Just(Source::RefreshExpiresIn),
        Just(Source::SessionExpiry),
        Just(Source::Policy),
        Just(Source::Assumed),
    ];
    (any_time(), source).prop_map(|(expires_at, source)| Expiry { expires_at, source })
}

fn any_reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        any::<Option<String>>().prop_map(|said| Reason::Refused { said }),
        any::<Option<String>>().prop_map(|said| Reason::RefusedAfterLostReply { said }),
        any::<(u16, Option<String>)>().prop_map(|(status, said)| Reason::Unclear { status, said }),
        Just(Reason::Vault { problem: VaultProblem::Locked }),
        Just(Reason::NotRenewable),
    ]
}

fn any_envelope() -> impl Strategy<Value = Shown> {
    let texts = any::<(String, Option<String>, Option<String>, Option<String>, Option<String>)>();
    let identity = any::<(Option<String>, Option<String>, Option<String>)>();
    let roles = any::<(Vec<String>, Option<String>, Option<String>, Option<String>)>();
    let expiries = (any_expiry(), proptest::option::of(any_expiry()), proptest::option::of(any_expiry()));
    let times = (any_time(), any_time(), proptest::option::of(any_time()));
    let name = "[a-zA-Z0-9][a-zA-Z0-9._-]{0,20}";
    let quarantined = proptest::option::of(any_reason());
    (name, any::<u64>(), times, texts, expiries, identity, roles, quarantined).prop_map(
        |(account, generation, times, texts, expiries, identity, roles, quarantined)| {
            Shown(Envelope {
                account: AccountName::new(account).unwrap(),
                generation,
                stored_at: times.0,
                received_at: times.1,
                received_boot: times
                    .2
                    .map(|at| BootTime { boot_id: at.to_string(), millis: at.as_millisecond() }),
                tokens: TokenSet {
                    access: AccessToken::new(texts.0),
                    refresh: texts.1.map(RefreshToken::new),
                    id: texts.2.map(IdToken::new),
                },
                access: expiries.0,
                refresh: expiries.1,
                session: expiries.2,
                used: Used { active_at: times.0, ..Used::beginning(times.1) },
                identity: Identity {
                    name: identity.0,
                    email: identity.1,
                    subject: identity.2,
                    roles: roles.0,
                    picture: roles.1,
                },
                token_type: texts.3,
                scope: texts.4,
                quarantined,
                dpop_key: roles.2.map(DpopKey::new),
                token_host: roles.3,
                session_data: None,
                site_secret: None,
                signed_out_at: times.2,
            })
        },
    )
}

/// proptest must be able to show what failed.
struct Shown(Envelope);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0.to_bytes().unwrap()))
    }
}
