use super::*;
use proptest::prelude::*;
use serde_json::json;

/// RFC 7638 §3.1.
const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiF\
    V4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0\
    zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csF\
    Cur-kEgU8awapJzKnqDKgw";

fn read(jwk: &Value) -> Result<PublicKey, KeyFault> {
    PublicKey::of_jwk(jwk.as_object().unwrap())
}

fn rsa() -> Value {
    json!({ "kty": "RSA", "n": N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" })
}

/// RFC 7515 appendix A.3.
fn p256() -> Value {
    json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" })
}

fn with(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

#[test]
fn thumbprints_are_those_of_the_standards_examples() {
    let facts = read(&rsa()).unwrap().facts();
    assert_eq!(facts.thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "RFC 7638 §3.1");
    assert_eq!(facts.to_string(), "2011-04-29 (RSA 2048, NzbLsXh8…)");
    let ed25519 =
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    assert_eq!(
        read(&ed25519).unwrap().facts().thumbprint,
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "RFC 8037 appendix A.3"
    );
}

#[test]
fn a_key_is_used_for_verifying_only_if_all_it_says_of_itself_allows_it() {
    for (name, value, fault) in [
        ("use", json!("enc"), KeyFault::OtherUse),
        ("use", json!(["sig"]), KeyFault::Malformed("use")),
        ("key_ops", json!(["encrypt"]), KeyFault::OtherUse),
        ("key_ops", json!([]), KeyFault::OtherUse),
        ("key_ops", json!("verify"), KeyFault::Malformed("key_ops")),
        ("alg", json!("RSA-OAEP"), KeyFault::OtherAlgorithm),
        ("alg", json!("HS256"), KeyFault::OtherAlgorithm),
        ("alg", json!("ES256"), KeyFault::OtherAlgorithm),
        ("kty", json!("rsa"), KeyFault::OtherType),
        ("d", json!("AQAB"), KeyFault::Private),
        ("qi", json!(""), KeyFault::Private),
        ("k", json!("AQAB"), KeyFault::Private),
        ("kid", json!(7), KeyFault::Malformed("kid")),
    ] {
        assert_eq!(read(&with(rsa(), name, value.clone())).err(), Some(fault), "{name} {value}");
    }
    for (name, value) in [("use", json!("sig")), ("key_ops", json!(["sign", "verify"])), ("x5c", json!(7))] {
        assert!(read(&with(rsa(), name, value.clone())).is_ok(), "{name} {value}");
    }
}

#[test]
fn weak_and_broken_rsa_keys_are_refused() {
    let number = |octets: &[u8]| json!(BASE64_URL_SAFE_NO_PAD.encode(octets));
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(N).unwrap();
    let mut even = modulus.clone();
    even[255] &= 0xfe;
    for (what, name, value, fault) in [
        ("2047 bits", "n", number(&[&[0x7f], &modulus[1..]].concat()), KeyFault::Weak),
        ("1024 bits", "n", number(&modulus[128..]), KeyFault::Weak),
        ("1024 bits behind zeros", "n", number(&[&[0; 128], &modulus[128..]].concat()), KeyFault::Weak),
        ("8193 bits", "n", number(&[&[1], modulus.repeat(4).as_slice()].concat()), KeyFault::Weak),
        ("even", "n", number(&even), KeyFault::Weak),
        ("nothing", "n", json!(""), KeyFault::Weak),
        ("padding", "n", json!(format!("{N}==")), KeyFault::Malformed("n")),
        ("exponent 1", "e", number(&[1]), KeyFault::Weak),
        ("exponent 3", "e", number(&[3]), KeyFault::Weak),
        ("exponent 65535", "e", number(&[0xff, 0xff]), KeyFault::Weak),
        ("even exponent", "e", number(&[1, 0, 2]), KeyFault::Weak),
        ("large exponent", "e", number(&[1; 5]), KeyFault::Weak),
        ("no exponent", "e", json!(null), KeyFault::Malformed("e")),
    ] {
        assert_eq!(read(&with(rsa(), name, value)).err(), Some(fault), "{what}");
    }
    let longest = read(&with(rsa(), "n", number(&modulus.repeat(4)))).unwrap();
    assert!(longest.facts().to_string().contains("RSA 8192"), "{}", longest.facts());
    let zero_first = [&[0], modulus.as_slice()].concat();
    let sloppy = read(&with(rsa(), "n", number(&zero_first))).unwrap().facts();
    assert_eq!(sloppy, read(&rsa()).unwrap().facts(), "a leading zero octet changes nothing");
}

/// The generator of CVE-2017-15361 made only primes that are, for many small primes, a power of 65537.
#[test]
fn a_key_of_the_broken_generator_is_refused() {
    let mut power = vec![1_u8];
    for _ in 0..128 {
        // By 65537: the same number, and once more two octets higher.
        let (low, high) = ([&[0, 0], power.as_slice()].concat(), [power.as_slice(), &[0, 0]].concat());
        let mut carry = 0_u16;
        let sum = low.iter().zip(&high).rev().map(|(one, other)| {
            carry = u16::from(*one) + u16::from(*other) + (carry >> 8);
            carry.to_le_bytes()[0]
        });
        let mut sum: Vec<u8> = sum.collect();
        sum.reverse();
        power = sum;
    }
    let modulus = json!(BASE64_URL_SAFE_NO_PAD.encode(&power));
    assert_eq!(read(&with(rsa(), "n", modulus)).err(), Some(KeyFault::Weak));
    // Its neighbour is as long and as odd, and no such power.
    *power.last_mut().unwrap() += 2;
    let neighbour = json!(BASE64_URL_SAFE_NO_PAD.encode(&power));
    assert!(read(&with(rsa(), "n", neighbour)).is_ok());
}

#[test]
fn points_that_are_on_no_curve_are_refused() {
    let x = p256()["x"].clone();
    for (what, jwk, fault) in [
        ("not on the curve", with(p256(), "y", x.clone()), KeyFault::Weak),
        ("another curve's length", with(p256(), "crv", json!("P-384")), KeyFault::Malformed("x")),
        (
            "one octet short",
            with(p256(), "y", json!("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5Q")),
            KeyFault::Malformed("y"),
        ),
        ("curve not used", with(p256(), "crv", json!("secp256k1")), KeyFault::OtherType),
        ("Ed448", json!({ "kty": "OKP", "crv": "Ed448", "x": x }), KeyFault::OtherType),
        ("for another algorithm", with(p256(), "alg", json!("ES384")), KeyFault::OtherAlgorithm),
    ] {
        assert_eq!(read(&jwk).err(), Some(fault), "{what}");
    }
    assert_eq!(read(&p256()).unwrap().facts().kind, KeyKind::P256);
}

#[test]
fn a_key_that_names_an_algorithm_is_for_that_one_alone() {
    let serving = |jwk: Value| {
        let key = read(&jwk).unwrap();
        Algorithm::ALL
            .into_iter()
            .filter(|algorithm| key.serves(*algorithm))
            .map(Algorithm::name)
            .collect::<Vec<_>>()
    };
    assert_eq!(serving(rsa()), ["RS256"]);
    assert_eq!(serving(with(rsa(), "alg", json!("PS512"))), ["PS512"]);
    assert_eq!(serving(p256()), ["ES256"]);
    let mut unnamed = rsa();
    unnamed.as_object_mut().unwrap().remove("alg");
    assert_eq!(serving(unnamed), ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]);
}

proptest! {
    #[test]
    fn no_signature_brings_a_key_down(signed: Vec<u8>, signature: Vec<u8>) {
        for (jwk, algorithm) in [(rsa(), Algorithm::Rs256), (p256(), Algorithm::Es256)] {
            prop_assert!(!read(&jwk).unwrap().verifies(algorithm, &signed, &signature));
        }
    }
}

#[test]
fn a_keys_name_is_shown_as_harmless_text() {
    let key = read(&with(rsa(), "kid", json!("\u{1b}[2J../../etc\u{202e}"))).unwrap();
    assert_eq!(key.facts().kid.as_deref(), Some("[2J../../etc"));
}
