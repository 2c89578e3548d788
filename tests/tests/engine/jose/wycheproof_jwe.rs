//! The vectors of the Wycheproof project for encrypted tokens. Session cookies use a key directly, which none of these do:
//! so every token is refused as it is, and where its key is wrapped with AES the content is held against ours.

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use latchkey_engine::jose::jwe::{Encryption, NotOpened, Sealed, open_content};
use serde_json::Value;

const VECTORS: &str = include_str!("../../../vectors/wycheproof/json_web_encryption_test.json");

fn octets(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

fn vectors() -> Vec<(Value, Value)> {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let groups = file["testGroups"].as_array().unwrap().clone();
    let each = |group: Value| {
        let tests = group["tests"].as_array().unwrap().clone();
        tests.into_iter().map(move |test| (group["private"].clone(), test))
    };
    groups.into_iter().flat_map(each).collect()
}

#[test]
fn no_encrypted_token_with_a_key_of_its_own_is_taken_for_a_session_cookie() {
    let vectors = vectors();
    for (_, test) in &vectors {
        let refused = Sealed::of(test["jwe"].as_str().unwrap()).map(drop).err();
        assert!(matches!(refused, Some(NotOpened::Algorithm | NotOpened::NotCompact)), "{}", test["tcId"]);
    }
    assert_eq!(vectors.len(), 139);
}

/// The content of a token whose key is wrapped with AES (RFC 7518 §4.4).
fn opened(key: &Value, token: &str) -> Option<Vec<u8>> {
    let parts: Vec<_> = token.split('.').collect();
    let [protected, wrapped, iv, text, tag] = parts[..] else { return None };
    let header: Value = serde_json::from_slice(&octets(protected)?).ok()?;
    let encryption = match header["enc"].as_str()? {
        "A256GCM" => Encryption::A256Gcm,
        "A256CBC-HS512" => Encryption::A256CbcHs512,
        _ => return None,
    };
    let wrapping = AesKek::new(&AES_256, &octets(key["k"].as_str()?)?).ok()?;
    let mut room = vec![0; 128];
    let content_key = wrapping.unwrap(&octets(wrapped)?, &mut room).ok()?;
    let text = octets(text)?.into();
    open_content(encryption, content_key, protected.as_bytes(), &octets(iv)?, text, &octets(tag)?)
        .map(|open| open.to_vec())
}

#[test]
fn every_content_that_is_encrypted_as_cookies_are_comes_out_right_or_not_at_all() {
    let (mut valid, mut invalid) = (0, 0);
    for (key, test) in vectors() {
        let fits =
            key["alg"] == "A256KW" && matches!(test["enc"].as_str(), Some("A256GCM" | "A256CBC-HS512"));
        if !fits {
            continue;
        }
        let opened = opened(&key, test["jwe"].as_str().unwrap());
        if test["result"] == "valid" {
            valid += 1;
            let text = test["pt"].as_str().unwrap();
            let expected: Vec<u8> = (0..text.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
                .collect();
            assert_eq!(opened, Some(expected), "{}", test["tcId"]);
        } else {
            invalid += 1;
            assert_eq!(opened, None, "{}", test["tcId"]);
        }
    }
    assert_eq!((valid, invalid), (3, 21));
}
