//! Encrypted tokens against the vectors of the standards, and against whoever changes them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let plain: String = text.split_whitespace().collect();
    (0..plain.len()).step_by(2).map(|at| u8::from_str_radix(&plain[at..at + 2], 16).unwrap()).collect()
}

fn octets(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// RFC 7516 appendix A.1, from the content encryption key on: its own key is encrypted with RSA, which is not read.
#[test]
fn the_content_of_the_first_example_of_rfc_7516_is_read() {
    let key = [
        177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110, 91, 112, 46,
        34, 105, 47, 130, 203, 46, 122, 234, 64, 252,
    ];
    let opened = open_content(
        Encryption::A256Gcm,
        &key,
        b"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ",
        &octets("48V1_ALb6US04U3b"),
        Zeroizing::new(octets(
            "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A",
        )),
        &octets("XFBoMYUZodetZdvTiFvSkQ"),
    );
    assert_eq!(&**opened.unwrap(), b"The true sign of intelligence is not knowledge but imagination.");
}

/// RFC 7518 appendix B.3.
#[test]
fn the_test_case_of_rfc_7518_is_read() {
    let key: Vec<u8> = (0..64).collect();
    let iv = hex("1af38c2dc2b96ffdd86694092341bc04");
    let text = hex(
        "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd822c301dd67c373bccb584ad3e9279c2
         e6d12a1374b77f077553df829410446b36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3
         a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950bbe2638d09dd7a4930930806d0703b1f6",
    );
    let tag = hex("4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5");
    let aad = b"The second principle of Auguste Kerckhoffs";
    let opened = open_content(Encryption::A256CbcHs512, &key, aad, &iv, Zeroizing::new(text), &tag).unwrap();
    let expected = "A cipher system must not be required to be secret, and it must be able to fall into the hands \
                    of the enemy without inconvenience";
    assert_eq!(std::str::from_utf8(&opened).unwrap(), expected);
}

fn header(encryption: Encryption) -> Map<String, Value> {
    [("alg".to_owned(), json!("dir")), ("enc".to_owned(), json!(encryption.name()))].into_iter().collect()
}

#[test]
fn what_was_changed_is_not_opened() {
    for encryption in [Encryption::A256Gcm, Encryption::A256CbcHs512] {
        let key = vec![7; encryption.key_length()];
        let sealed = seal(encryption, &key, &header(encryption), b"{\"sub\":\"ada\"}").unwrap();
        let open = |token: &str, key: &[u8]| Sealed::of(token).and_then(|sealed| sealed.open(key));
        assert_eq!(&**open(&sealed, &key).unwrap(), b"{\"sub\":\"ada\"}");
        assert_eq!(open(&sealed, &vec![8; key.len()]).err(), Some(NotOpened::WrongKey));
        assert_eq!(open(&sealed, &key[1..]).err(), Some(NotOpened::WrongKey));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(open(&changed, &key).is_err(), "{at}");
        }
    }
}

#[test]
fn no_token_chooses_another_algorithm() {
    let other = |members: Value| {
        let protected = BASE64_URL_SAFE_NO_PAD.encode(members.to_string());
        Sealed::of(&format!("{protected}..AAAA.AAAA.AAAA")).map(drop).err()
    };
    for members in [
        json!({ "alg": "none", "enc": "A256GCM" }),
        json!({ "alg": "A256KW", "enc": "A256GCM" }),
        json!({ "alg": "dir", "enc": "A128GCM" }),
        json!({ "alg": "dir", "enc": "A256GCM", "zip": "DEF" }),
        json!({ "alg": "dir", "enc": "A256GCM", "crit": ["exp"] }),
        json!({ "enc": "A256GCM" }),
        json!({ "alg": "dir" }),
    ] {
        assert_eq!(other(members.clone()), Some(NotOpened::Algorithm), "{members}");
    }
    for token in ["", "a.b.c", "a.b.c.d.e.f", "!.!.!.!.!", "e30.e30.e30.e30.e30.e30"] {
        assert_eq!(Sealed::of(token).map(drop).err(), Some(NotOpened::NotCompact), "{token}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_every_content_comes_back(text: String, content: Vec<u8>) {
        let _ = Sealed::of(&text).map(drop);
        for encryption in [Encryption::A256Gcm, Encryption::A256CbcHs512] {
            let key = vec![1; encryption.key_length()];
            let sealed = seal(encryption, &key, &header(encryption), &content).unwrap();
            let opened = Sealed::of(&sealed).unwrap().open(&key).unwrap();
            prop_assert_eq!(&*opened, &content);
        }
    }
}

#[test]
fn a_token_is_taken_apart_up_to_its_largest_size() {
    let encryption = Encryption::A256Gcm;
    let sealed = seal(encryption, &[7; 32], &header(encryption), b"").unwrap();
    let (rest, tag) = sealed.rsplit_once('.').unwrap();
    let text = |length: usize| format!("{rest}{}.{tag}", "A".repeat(length - sealed.len()));
    assert!(Sealed::of(&text(MAX_TOKEN)).is_ok());
    assert_eq!(Sealed::of(&text(MAX_TOKEN + 1)).err(), Some(NotOpened::NotCompact));
}
