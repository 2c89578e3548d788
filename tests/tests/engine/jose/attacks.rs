//! What an attacker does to header, key and signature.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use latchkey_core::secret::Secret;
use latchkey_engine::jose::{Algorithm, Refusal};
use serde_json::{Value, json};

use super::minting::{
    SignIn, Signer, assert_tells_nothing, hmac_token, joined, key_set, left_half, rsa_public_key_bytes,
    signed_part,
};

const HEADER: &str = r#"{"alg":"ES256","kid":"one","typ":"JWT"}"#;

/// Judges tokens made from headers, each well signed by the issuer's key.
fn assert_headers(cases: &[(&str, &str, Refusal)]) {
    let sign_in = SignIn::new();
    let nonce = Secret::new(sign_in.nonce.expose().to_owned());
    for (row, header, expected) in cases {
        let token = sign_in.signer.token(header, sign_in.claims().to_string().as_bytes());
        let refusal = sign_in.judged(&token).unwrap_err();
        assert_eq!(refusal, *expected, "{row}: {header}");
        assert_tells_nothing(&refusal, &token, &nonce);
    }
}

#[test]
fn a_good_token_of_each_accepted_algorithm_is_believed() {
    let sign_in = SignIn::new();
    for algorithm in Algorithm::ALL {
        let signer = match algorithm {
            Algorithm::Es256 => Signer::p256(),
            Algorithm::Es384 => Signer::p384(),
            Algorithm::EdDsa => Signer::ed25519(),
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => Signer::Rsa,
        };
        let hash: &'static digest::Algorithm = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &digest::SHA256,
            Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => &digest::SHA384,
            Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::EdDsa => &digest::SHA512,
        };
        let claims = sign_in.with("at_hash", Some(json!(left_half(hash)))).to_string();
        let name = algorithm.name();
        let token = signer.token(&format!(r#"{{"alg":"{name}","kid":"one"}}"#), claims.as_bytes());
        assert_eq!(sign_in.judged_with(&token, &key_set(&[signer.jwk("one")])), Ok(()), "{name}");
        let other = if name == "RS256" { "PS256" } else { "RS256" };
        let mixed = token.replacen(token.split('.').next().unwrap(), &encoded(other), 1);
        assert!(sign_in.judged_with(&mixed, &key_set(&[signer.jwk("one")])).is_err(), "{name} as {other}");
    }
}

fn encoded(algorithm: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}","kid":"one"}}"#))
}

#[test]
fn alg_none_is_refused_signed_or_not() {
    assert_headers(&[
        ("J1", r#"{"alg":"none"}"#, Refusal::Unsigned),
        ("J2", r#"{"alg":"nOnE","kid":"one"}"#, Refusal::Unsigned),
        ("J3", r#"{"kid":"one"}"#, Refusal::HeaderMember("alg")),
        ("J4", r#"{"alg":"es256","kid":"one"}"#, Refusal::UnknownAlgorithm),
    ]);
    let sign_in = SignIn::new();
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"NONE","kid":"one"}"#] {
        let unsigned = format!("{}.", signed_part(header, sign_in.claims().to_string().as_bytes()));
        assert_eq!(sign_in.judged(&unsigned), Err(Refusal::Unsigned), "{header}");
    }
}

/// J5: CVE-2015-9235, CVE-2016-10555.
#[test]
fn a_public_key_is_no_shared_secret() {
    let sign_in = SignIn::new();
    let keys = key_set(&[Signer::Rsa.jwk("one")]);
    for (form, secret) in rsa_public_key_bytes() {
        for algorithm in ["HS256", "HS384", "HS512"] {
            let token = hmac_token(algorithm, &secret, sign_in.claims().to_string().as_bytes());
            assert_eq!(
                sign_in.judged_with(&token, &keys),
                Err(Refusal::Symmetric),
                "{algorithm} with {form}"
            );
        }
    }
}

/// J6: CVE-2018-0114.
#[test]
fn a_token_that_brings_its_key_along_is_refused() {
    let (sign_in, attacker) = (SignIn::new(), Signer::p256());
    for (name, value) in [
        ("jwk", attacker.jwk("one")),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header: Value = serde_json::from_str(HEADER).unwrap();
        header[name] = value;
        let token = attacker.token(&header.to_string(), sign_in.claims().to_string().as_bytes());
        assert_eq!(sign_in.judged(&token), Err(Refusal::HeaderMember(name)), "{name}");
    }
}

#[test]
fn headers_that_ask_for_what_is_not_understood_or_can_be_read_in_two_ways_are_refused() {
    assert_headers(&[
        ("J7", r#"{"alg":"ES256","kid":"one","crit":["exp"],"exp":1}"#, Refusal::HeaderMember("crit")),
        ("J7", r#"{"alg":"ES256","kid":"one","crit":[]}"#, Refusal::HeaderMember("crit")),
        ("J7", r#"{"alg":"ES256","kid":"one","crit":["alg"]}"#, Refusal::HeaderMember("crit")),
        ("J7", r#"{"alg":"ES256","kid":"one","crit":["b64"],"b64":false}"#, Refusal::HeaderMember("crit")),
        ("J7", r#"{"alg":"ES256","kid":"one","b64":false}"#, Refusal::HeaderMember("b64")),
        ("J8", r#"{"alg":"ES256","kid":"one","kid":"two"}"#, Refusal::Duplicate("header")),
        ("J8", r#"{"alg":"none","alg":"ES256","kid":"one"}"#, Refusal::Duplicate("header")),
        ("J8", r#"{"alg":"ES256","kid":"one","x":{"y":1,"y":2}}"#, Refusal::Duplicate("header")),
        ("J26", r#"{"alg":"ES256","kid":"one","typ":"at+jwt"}"#, Refusal::OtherType("plain JWT")),
        ("J26", r#"{"alg":"ES256","kid":"one","typ":"logout+jwt"}"#, Refusal::OtherType("plain JWT")),
        (
            "J26",
            r#"{"alg":"ES256","kid":"one","typ":"application/dpop+jwt"}"#,
            Refusal::OtherType("plain JWT"),
        ),
        ("J26", r#"{"alg":"ES256","kid":"one","typ":""}"#, Refusal::OtherType("plain JWT")),
        ("J30", r#"{"alg":"ES256","kid":"one","zip":"DEF"}"#, Refusal::HeaderMember("zip")),
        ("J30", r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#, Refusal::Encrypted),
    ]);
    let sign_in = SignIn::new();
    for header in [r#"{"alg":"ES256","kid":"one"}"#, r#"{"alg":"ES256","kid":"one","typ":"application/JWT"}"#]
    {
        let token = sign_in.signer.token(header, sign_in.claims().to_string().as_bytes());
        assert_eq!(sign_in.judged(&token), Ok(()), "{header}");
    }
}

#[test]
fn a_kid_is_only_compared() {
    let long = json!({ "alg": "ES256", "kid": "k".repeat(1 << 20) }).to_string();
    assert_headers(&[
        ("J9", r#"{"alg":"ES256","kid":"../../../../etc/passwd"}"#, Refusal::UnknownKey),
        ("J9", r#"{"alg":"ES256","kid":"one' OR '1'='1"}"#, Refusal::UnknownKey),
        ("J9", r#"{"alg":"ES256","kid":"one\u0000"}"#, Refusal::UnknownKey),
        ("J9", r#"{"alg":"ES256","kid":""}"#, Refusal::UnknownKey),
        ("J9", r#"{"alg":"ES256","kid":1}"#, Refusal::HeaderMember("kid")),
        ("J9", long.as_str(), Refusal::TooLarge),
    ]);
}

#[test]
fn a_token_that_names_no_key_is_tried_with_those_of_its_algorithm() {
    let sign_in = SignIn::new();
    let token = sign_in.signer.token(r#"{"alg":"ES256"}"#, sign_in.claims().to_string().as_bytes());
    let other = Signer::p256;
    for keys in [
        vec![sign_in.signer.jwk("one")],
        vec![Signer::ed25519().jwk("a"), other().jwk("b"), sign_in.signer.jwk("one"), other().jwk("c")],
    ] {
        assert_eq!(sign_in.judged_with(&token, &key_set(&keys)), Ok(()), "J10");
    }
    assert_eq!(sign_in.judged_with(&token, &key_set(&[other().jwk("one")])), Err(Refusal::BadSignature));
    assert_eq!(sign_in.judged_with(&token, &key_set(&[Signer::p384().jwk("one")])), Err(Refusal::UnknownKey));
}

#[test]
fn a_key_that_is_for_something_else_verifies_nothing() {
    let sign_in = SignIn::new();
    let token = sign_in.signed(&sign_in.claims());
    for (row, name, value) in [
        ("J15", "use", json!("enc")),
        ("J15", "key_ops", json!(["encrypt"])),
        ("J16", "alg", json!("ES384")),
        ("J14", "d", json!("AQAB")),
    ] {
        let mut jwk = sign_in.signer.jwk("one");
        jwk[name] = value;
        assert_eq!(sign_in.judged_with(&token, &key_set(&[jwk])), Err(Refusal::UnknownKey), "{row} {name}");
    }
    let mut for_pss = Signer::Rsa.jwk("one");
    for_pss["alg"] = json!("PS512");
    let token = Signer::Rsa.token(r#"{"alg":"RS256","kid":"one"}"#, sign_in.claims().to_string().as_bytes());
    assert_eq!(sign_in.judged_with(&token, &key_set(&[for_pss])), Err(Refusal::UnknownKey), "J16");
}

/// J17: CVE-2022-21449 and what surrounds it.
#[test]
fn an_ecdsa_signature_is_two_numbers_of_32_octets() {
    let sign_in = SignIn::new();
    let signed = signed_part(HEADER, sign_in.claims().to_string().as_bytes());
    let good = sign_in.signer.sign("ES256", signed.as_bytes());
    let (r, s) = good.split_at(32);
    let integer = |number: &[u8]| [&[2, 33, 0], number].concat();
    let der = [&[0x30, 70], integer(r).as_slice(), integer(s).as_slice()].concat();
    for (what, signature) in [
        ("nothing", Vec::new()),
        ("zeros", vec![0; 64]),
        ("r = 0", [&[0; 32], s].concat()),
        ("s = 0", [r, &[0; 32]].concat()),
        ("r = s = order", [P256_ORDER, P256_ORDER].concat()),
        ("DER", der),
        ("63 octets", good[..63].to_vec()),
        ("65 octets", [&good, &[0][..]].concat()),
        ("a zero first", [&[0], good.as_slice()].concat()),
        ("r and s exchanged", [s, r].concat()),
    ] {
        assert_eq!(sign_in.judged(&joined(&signed, &signature)), Err(Refusal::BadSignature), "{what}");
    }
    let mirrored = [r, &order_less(s)].concat();
    assert_eq!(sign_in.judged(&joined(&signed, &good)), Ok(()));
    assert_eq!(sign_in.judged(&joined(&signed, &mirrored)), Ok(()), "RFC 7518 §3.4 asks for no low s");
}

/// The order of P-256 (SEC 2 §2.4.2).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn order_less(s: &[u8]) -> Vec<u8> {
    let mut difference = vec![0; 32];
    let mut borrowed = 0;
    for place in (0..32).rev() {
        let left = i16::from(P256_ORDER[place]) - i16::from(s[place]) - borrowed;
        borrowed = i16::from(left < 0);
        difference[place] = u8::try_from(left + 256 * borrowed).unwrap();
    }
    difference
}

#[test]
fn what_is_not_exactly_three_parts_of_base64url_is_refused() {
    let sign_in = SignIn::new();
    let good = sign_in.signed(&sign_in.claims());
    let parts: Vec<_> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    for (row, token, expected) in [
        ("J29", String::new(), Refusal::NotCompact),
        ("J29", header.to_owned(), Refusal::NotCompact),
        ("J29", format!("{header}.{payload}"), Refusal::NotCompact),
        ("J29", format!("{good}.{signature}"), Refusal::NotCompact),
        ("J29", format!("{good}="), Refusal::NotCompact),
        ("J29", format!("{good} "), Refusal::NotCompact),
        ("J29", format!("{good}\n"), Refusal::NotCompact),
        ("J29", format!(" {good}"), Refusal::NotCompact),
        ("J29", format!("{header}.{payload}.{}+{}", &signature[..8], &signature[9..]), Refusal::NotCompact),
        ("J29", format!("{header}.\u{ff21}{}.{signature}", &payload[1..]), Refusal::NotCompact),
        ("J29", "a.".repeat(8 << 20), Refusal::TooLarge),
        ("J30", format!("{good}.{payload}.{signature}"), Refusal::Encrypted),
        ("J31", "opaque".to_owned(), Refusal::NotCompact),
        ("J31", "two words.and.dots".to_owned(), Refusal::NotCompact),
        ("J31", "\u{0}\u{fffd}.\u{1f511}.x".to_owned(), Refusal::NotCompact),
    ] {
        let shown: String = token.chars().take(80).collect();
        assert_eq!(sign_in.judged(&token), Err(expected), "{row}: {shown:?}");
    }
    // Bits of the last character that belong to no octet: the same token in another spelling.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let respelled = alphabet.chars().nth(alphabet.find(last).unwrap() | 1).unwrap();
    assert_eq!(sign_in.judged(&format!("{}{respelled}", &good[..good.len() - 1])), Err(Refusal::NotCompact));
}

/// J33: as valid as can be, but signed by somebody else.
#[test]
fn another_issuers_key_of_the_same_name_verifies_nothing() {
    let (here, there) = (SignIn::new(), SignIn::new());
    assert_eq!(here.judged(&there.signed(&here.claims())), Err(Refusal::BadSignature));
}

#[test]
fn any_change_of_a_token_makes_it_worthless() {
    let sign_in = SignIn::new();
    let good = sign_in.signed(&sign_in.claims());
    for place in 0..good.len() {
        let mut changed = good.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        assert!(sign_in.judged(&String::from_utf8(changed).unwrap()).is_err(), "character {place}");
    }
}
