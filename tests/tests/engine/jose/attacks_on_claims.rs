//! Tokens that are well signed and must not be believed all the same.

use jiff::SignedDuration;
use latchkey_core::secret::{AccessToken, IdToken, Secret};
use latchkey_engine::jose::access_token::{self, Profile};
use latchkey_engine::jose::id_token::{self, Expected, Occasion};
use latchkey_engine::jose::pkce::Nonce;
use latchkey_engine::jose::{Algorithms, Refusal};
use serde_json::{Value, json};

use super::minting::{CLIENT, ISSUER, NOW, SignIn, assert_tells_nothing, issuer, key_set};

/// A row of the catalogue, a claim, its value (left out, where there is none), and what becomes of the token.
type Case<'a> = (&'a str, &'a str, Option<Value>, Result<(), Refusal>);

/// Judges good claims with one of them replaced.
fn assert_claims(sign_in: &SignIn, cases: &[Case<'_>]) {
    let nonce = Secret::new(sign_in.nonce.expose().to_owned());
    for (row, name, value, expected) in cases {
        let token = sign_in.signed(&sign_in.with(name, value.clone()));
        let judged = sign_in.judged(&token);
        assert_eq!(judged, *expected, "{row}: {name} = {value:?}");
        if let Err(refusal) = judged {
            assert_tells_nothing(&refusal, &token, &nonce);
        }
    }
}

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[test]
fn an_expired_token_is_refused_and_clocks_may_differ_by_a_minute() {
    let at = |seconds: i64| Some(json!(NOW.as_second() + seconds));
    assert_claims(
        &SignIn::new(),
        &[
            ("J18", "exp", None, Err(Refusal::MissingClaim("exp"))),
            ("J18", "exp", Some(json!("1790000300")), Err(Refusal::MalformedClaim("exp"))),
            ("J18", "exp", Some(json!(1_790_000_300.5)), Ok(())),
            ("J18", "exp", Some(json!(-1)), Err(Refusal::MalformedClaim("exp"))),
            ("J18", "exp", Some(json!(u64::MAX)), Err(Refusal::MalformedClaim("exp"))),
            ("J18", "exp", Some(json!(1_790_000_300_000_u64)), Err(Refusal::MalformedClaim("exp"))),
            ("J19", "exp", at(-59), Ok(())),
            ("J19", "exp", at(-61), Err(Refusal::Expired(secs(61)))),
            ("J20", "nbf", at(30), Ok(())),
            ("J20", "nbf", at(1_200), Err(Refusal::NotYetValid(secs(1_200)))),
            ("J20", "iat", at(30), Ok(())),
            ("J20", "iat", at(1_200), Err(Refusal::IssuedInFuture(secs(1_200)))),
            ("J20", "iat", at(-300), Ok(())),
            ("J20", "iat", at(-301), Err(Refusal::IssuedLongAgo(secs(301)))),
            ("J20", "iat", at(-1_200), Err(Refusal::IssuedLongAgo(secs(1_200)))),
            ("J20", "iat", None, Err(Refusal::MissingClaim("iat"))),
        ],
    );
    let sign_in = SignIn::new();
    let overflowing = sign_in.claims().to_string().replace("1790000300", "1e400");
    let token = sign_in.signer.token(r#"{"alg":"ES256"}"#, overflowing.as_bytes());
    assert_eq!(sign_in.judged(&token), Err(Refusal::UnreadableClaims), "J18");
}

#[test]
fn a_wrong_iss_is_refused_down_to_a_slash() {
    let wrong = Err(Refusal::WrongIssuer);
    let malformed = Err(Refusal::MalformedClaim("iss"));
    assert_claims(
        &SignIn::new(),
        &[
            ("J21", "iss", None, Err(Refusal::MissingClaim("iss"))),
            ("J21", "iss", Some(json!([ISSUER])), malformed.clone()),
            ("J21", "iss", Some(json!({ "url": ISSUER })), malformed),
            ("J21", "iss", Some(json!(format!("{ISSUER}/"))), wrong.clone()),
            ("J21", "iss", Some(json!(ISSUER.to_uppercase())), wrong.clone()),
            ("J21", "iss", Some(json!(format!("{ISSUER}/tenant-2"))), wrong.clone()),
            ("J21", "iss", Some(json!("https://evil.example")), wrong),
        ],
    );
}

#[test]
fn a_token_for_somebody_else_is_refused() {
    let mut sign_in = SignIn::new();
    assert_claims(
        &sign_in,
        &[
            ("J22", "aud", None, Err(Refusal::WrongAudience)),
            ("J22", "aud", Some(json!([])), Err(Refusal::WrongAudience)),
            ("J22", "aud", Some(json!("other")), Err(Refusal::WrongAudience)),
            ("J22", "aud", Some(json!(7)), Err(Refusal::MalformedClaim("aud"))),
            ("J22", "aud", Some(json!({ CLIENT: true })), Err(Refusal::MalformedClaim("aud"))),
            ("J22", "aud", Some(json!([CLIENT, "other"])), Err(Refusal::UntrustedAudience)),
            ("J22", "aud", Some(json!([CLIENT])), Ok(())),
            ("J23", "azp", Some(json!("other")), Err(Refusal::WrongClient("azp"))),
            ("J23", "azp", Some(json!([CLIENT])), Err(Refusal::MalformedClaim("azp"))),
            ("J23", "azp", None, Ok(())),
        ],
    );
    sign_in.trusted = vec!["other".to_owned()];
    assert_claims(&sign_in, &[("J22", "aud", Some(json!([CLIENT, "other"])), Ok(()))]);
    let mut claims = sign_in.with("azp", None);
    claims["aud"] = json!([CLIENT, "other"]);
    assert_eq!(sign_in.judged(&sign_in.signed(&claims)), Err(Refusal::MissingClaim("azp")), "J23");
}

#[test]
fn a_wrong_nonce_is_refused() {
    let sign_in = SignIn::new();
    let another = Nonce::generate().unwrap();
    let cut = sign_in.nonce.expose()[..42].to_owned();
    assert_claims(
        &sign_in,
        &[
            ("J24", "nonce", Some(json!(another.expose())), Err(Refusal::WrongNonce)),
            ("J24", "nonce", Some(json!(cut)), Err(Refusal::WrongNonce)),
            ("J24", "nonce", Some(json!("")), Err(Refusal::WrongNonce)),
            ("J24", "nonce", Some(json!([sign_in.nonce.expose()])), Err(Refusal::MalformedClaim("nonce"))),
            ("J24", "nonce", None, Err(Refusal::MissingClaim("nonce"))),
        ],
    );
}

#[test]
fn a_claim_that_stands_twice_is_refused_whatever_its_name() {
    let sign_in = SignIn::new();
    let good = sign_in.claims().to_string();
    for twice in [r#""nonce":"x","#, r#""azp":"other","#, r#""exp":1,"#, r#""custom":{"a":1,"a":2},"#] {
        let payload = good.replacen('{', &format!("{{{twice}"), 1);
        let token = sign_in.signer.token(r#"{"alg":"ES256"}"#, payload.as_bytes());
        assert_eq!(sign_in.judged(&token), Err(Refusal::Duplicate("claims")), "J8: {twice}");
    }
}

#[test]
fn a_bad_at_hash_is_refused() {
    let wrong = || Err(Refusal::WrongAccessToken);
    let sign_in = SignIn::new();
    let good = sign_in.claims()["at_hash"].as_str().unwrap().to_owned();
    assert_claims(
        &sign_in,
        &[
            ("J25", "at_hash", Some(json!("77QmUPtjPfzWtF2AnpK9RQ")), wrong()),
            ("J25", "at_hash", Some(json!(format!("{good}=="))), wrong()),
            ("J25", "at_hash", Some(json!("")), wrong()),
            ("J25", "at_hash", Some(json!(7)), Err(Refusal::MalformedClaim("at_hash"))),
            ("J25", "at_hash", None, Ok(())),
        ],
    );
}

#[test]
fn another_kind_of_token_or_person_is_refused() {
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    assert_claims(
        &SignIn::new(),
        &[
            ("J26", "events", Some(event), Err(Refusal::LogoutToken)),
            ("J27", "sub", None, Err(Refusal::MissingClaim("sub"))),
            ("J27", "sub", Some(json!("")), Err(Refusal::MalformedClaim("sub"))),
            ("J27", "sub", Some(json!("s".repeat(10 << 10))), Err(Refusal::MalformedClaim("sub"))),
            ("J27", "sub", Some(json!("a\u{1b}[2J")), Err(Refusal::MalformedClaim("sub"))),
            ("J27", "sub", Some(json!("s".repeat(255))), Ok(())),
        ],
    );
}

#[test]
fn a_payload_that_is_no_object_is_refused() {
    let sign_in = SignIn::new();
    let good = sign_in.claims().to_string();
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (what, payload) in [
        ("array", b"[]".to_vec()),
        ("nothing", Vec::new()),
        ("depth", deep.into_bytes()),
        ("byte order mark", format!("\u{feff}{good}").into_bytes()),
        ("UTF-16", utf16),
        (
            "Latin-1",
            good.replace("LKCANARY-subject", "\u{1}")
                .into_bytes()
                .iter()
                .map(|b| if *b == 1 { 0xe9 } else { *b })
                .collect(),
        ),
        ("two objects", format!("{good}{good}").into_bytes()),
    ] {
        let token = sign_in.signer.token(r#"{"alg":"ES256"}"#, &payload);
        assert_eq!(sign_in.judged(&token), Err(Refusal::UnreadableClaims), "J28: {what}");
    }
}

#[test]
fn code_hash_and_time_of_sign_in_count_where_they_were_asked_for() {
    let sign_in = SignIn::new();
    let keys = key_set(&[sign_in.signer.jwk("one")]);
    let issuer = issuer();
    let judged = |claims: &Value, code: Option<&str>, max_age: Option<i64>| {
        let occasion = Occasion::SignIn { nonce: None, max_age: max_age.map(secs) };
        let expected = Expected {
            issuer: &issuer,
            client_id: CLIENT,
            trusted_audiences: &[],
            access_token: None,
            code,
            occasion,
        };
        id_token::verify(&IdToken::new(sign_in.signed(claims)), &keys, &expected, NOW).map(|_| ())
    };
    // OpenID Connect Core appendix A.4: a code and its hash.
    let hashed = sign_in.with("c_hash", Some(json!("LDktKdoQak3Pk0cnXxCltA")));
    assert_eq!(
        judged(&hashed, Some("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"), None),
        Ok(())
    );
    assert_eq!(judged(&hashed, Some("another"), None), Err(Refusal::WrongCode));
    let signed_in = |ago: i64| sign_in.with("auth_time", Some(json!(NOW.as_second() - ago)));
    assert_eq!(judged(&signed_in(3_000), None, None), Ok(()));
    assert_eq!(judged(&signed_in(360), None, Some(300)), Ok(()));
    assert_eq!(judged(&signed_in(361), None, Some(300)), Err(Refusal::SignInTooOld(secs(361))));
    assert_eq!(judged(&signed_in(-1_200), None, None), Err(Refusal::IssuedInFuture(secs(1_200))));
    assert_eq!(judged(&sign_in.claims(), None, Some(300)), Err(Refusal::MissingClaim("auth_time")));
}

#[test]
fn an_issuer_is_held_to_the_algorithms_it_announces() {
    let sign_in = SignIn::new();
    let mut issuer = issuer();
    issuer.algorithms = Algorithms::announced(["RS256", "HS256", "none"]);
    let expected = Expected {
        issuer: &issuer,
        client_id: CLIENT,
        trusted_audiences: &[],
        access_token: None,
        code: None,
        occasion: Occasion::SignIn { nonce: None, max_age: None },
    };
    let token = IdToken::new(sign_in.signed(&sign_in.claims()));
    let refusal =
        id_token::verify(&token, &key_set(&[sign_in.signer.jwk("one")]), &expected, NOW).err().unwrap();
    assert_eq!(refusal.to_string(), "it is signed with ES256, which the issuer does not announce");
}

#[test]
fn an_access_token_is_judged_by_its_own_rules() {
    const API: &str = "https://api.example";
    let sign_in = SignIn::new();
    let keys = key_set(&[sign_in.signer.jwk("one")]);
    let issuer = issuer();
    let good = json!({ "iss": ISSUER, "sub": "s", "aud": [API, "b"], "client_id": CLIENT, "jti": "j",
        "exp": NOW.as_second() + 60, "iat": NOW.as_second() - 3_000 });
    let judged_for = |audience, typ: &str, name: &str, value: Option<Value>, profile| {
        let mut claims = good.clone();
        let members = claims.as_object_mut().unwrap();
        match value {
            Some(value) => members.insert(name.to_owned(), value),
            None => members.remove(name),
        };
        let header = json!({ "alg": "ES256", "kid": "one", "typ": typ }).to_string();
        let token = sign_in.signer.token(&header, claims.to_string().as_bytes());
        let expected = access_token::Expected { issuer: &issuer, audience, client_id: CLIENT, profile };
        access_token::verify(&AccessToken::new(token), &keys, &expected, NOW).map(|_| ())
    };
    let judged = |typ: &str, name: &str, value, profile| judged_for(Some(API), typ, name, value, profile);
    let standard = Profile::Rfc9068;
    assert_eq!(judged("at+jwt", "", None, standard), Ok(()));
    assert_eq!(judged("application/at+JWT", "", None, standard), Ok(()));
    for typ in ["JWT", "", "jwt+at"] {
        assert_eq!(judged(typ, "", None, standard), Err(Refusal::OtherType("JWT access token (`at+jwt`)")));
    }
    for name in ["sub", "iat", "jti", "client_id", "iss", "exp"] {
        assert_eq!(judged("at+jwt", name, None, standard), Err(Refusal::MissingClaim(name)));
    }
    assert_eq!(judged("at+jwt", "aud", None, standard), Err(Refusal::WrongAudience));
    assert_eq!(
        judged("at+jwt", "client_id", Some(json!("other")), standard),
        Err(Refusal::WrongClient("client_id"))
    );
    assert_eq!(judged_for(None, "at+jwt", "aud", None, standard), Err(Refusal::MissingClaim("aud")));
    let own = Profile::IssuersOwn;
    assert_eq!(judged("JWT", "jti", None, own), Ok(()));
    assert_eq!(judged("JWT", "azp", Some(json!("other")), own), Err(Refusal::WrongClient("azp")));
    assert_eq!(judged("at+jwt", "", None, own), Err(Refusal::OtherType("plain JWT")));
}
