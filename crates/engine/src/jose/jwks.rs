//! An issuer's set of keys (RFC 7517 §5). One bad key never kills the set.

use serde_json::Value;

use super::compact::Header;
use super::jwk::{KeyFault, PublicKey};
use super::refusal::Refusal;

/// How many keys of a set are looked at. Issuers publish a handful.
const MAX_KEYS: usize = 100;
/// How many keys are tried for a token that names none.
const MAX_TRIED: usize = 10;

/// The keys of one issuer.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<PublicKey>,
    passed_over: Vec<KeyFault>,
}

/// The document is no set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no set of keys: a JSON object with a list `keys` is expected")]
pub struct NotAKeySet;

impl KeySet {
    /// Reads a set. Keys that are not for verifying here are passed over.
    ///
    /// # Errors
    /// [`NotAKeySet`] when there is no list of keys at all. A set without a single usable key is none.
    pub fn parse(document: &[u8]) -> Result<Self, NotAKeySet> {
        let document: Value = serde_json::from_slice(document).map_err(|_| NotAKeySet)?;
        let keys = document.get("keys").and_then(Value::as_array).ok_or(NotAKeySet)?;
        let mut set = Self::default();
        for key in keys.iter().take(MAX_KEYS) {
            let read = key.as_object().ok_or(KeyFault::Malformed("kty"));
            match read.and_then(PublicKey::of_jwk) {
                Ok(key) => set.keys.push(key),
                Err(fault) => set.passed_over.push(fault),
            }
        }
        Ok(set)
    }

    /// The keys that are used.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Why the others are not, for whoever looks into it.
    pub fn passed_over(&self) -> &[KeyFault] {
        &self.passed_over
    }

    /// The keys that may have signed a token with this header.
    ///
    /// Its `kid` is only compared (RFC 8725 §3.10). Without one, every key of its algorithm may have been it.
    pub(super) fn candidates(&self, header: &Header) -> Result<Vec<&PublicKey>, Refusal> {
        let named = |key: &&PublicKey| header.kid.is_none() || key.kid() == header.kid.as_deref();
        let serving = |key: &&PublicKey| key.serves(header.algorithm);
        let found: Vec<_> = self.keys.iter().filter(named).filter(serving).take(MAX_TRIED).collect();
        if found.is_empty() { Err(Refusal::UnknownKey) } else { Ok(found) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::algorithm::Algorithm;
    use crate::jose::jwk::KeyKind;
    use proptest::prelude::*;
    use serde_json::json;

    /// RFC 8037 appendix A.2.
    fn ed25519(kid: &str) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
    }

    #[test]
    fn one_bad_key_does_not_kill_the_set() {
        let private = json!({ "kty": "OKP", "crv": "Ed25519", "x": ed25519("")["x"],
            "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A" });
        let document = json!({ "keys": [
            null, 7, {}, { "kty": "oct", "k": "c2VjcmV0" }, { "kty": "AKP", "alg": "ML-DSA-44" }, private,
            ed25519("good"), { "kty": "RSA", "n": "!", "e": "AQAB" }, { "kty": "RSA", "n": "u-Sf", "e": "AQAB" },
        ], "unknown": true });
        let set = KeySet::parse(document.to_string().as_bytes()).unwrap();
        assert_eq!(set.keys().iter().map(|key| key.facts().kind).collect::<Vec<_>>(), [KeyKind::Ed25519]);
        assert_eq!(
            set.passed_over(),
            [
                KeyFault::Malformed("kty"),
                KeyFault::Malformed("kty"),
                KeyFault::Malformed("kty"),
                KeyFault::Private,
                KeyFault::OtherAlgorithm,
                KeyFault::Private,
                KeyFault::Malformed("n"),
                KeyFault::Weak
            ]
        );
    }

    #[test]
    fn a_document_without_a_list_of_keys_is_no_set() {
        for document in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#] {
            assert!(KeySet::parse(document.as_bytes()).is_err(), "{document}");
        }
        assert!(KeySet::parse(br#"{"keys":[]}"#).unwrap().keys().is_empty());
    }

    #[test]
    fn a_hundred_keys_of_a_set_are_read_and_no_more() {
        let keys: Vec<_> = (0..101).map(|number| ed25519(&format!("key {number}"))).collect();
        let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        assert_eq!(set.keys().len(), 100);
        assert_eq!(set.keys().last().unwrap().kid(), Some("key 99"));
    }

    #[test]
    fn a_token_that_names_no_key_is_tried_with_a_few_and_one_that_does_with_that_one() {
        let keys: Vec<_> = (0..20).map(|number| ed25519(&format!("key {number}"))).collect();
        let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        let header =
            |kid: Option<&str>, algorithm| Header { algorithm, kid: kid.map(str::to_owned), typ: None };
        let found = |header| set.candidates(&header).map(|found| found.len());
        assert_eq!(found(header(None, Algorithm::EdDsa)), Ok(10));
        assert_eq!(found(header(Some("key 7"), Algorithm::EdDsa)), Ok(1));
        assert_eq!(found(header(Some("KEY 7"), Algorithm::EdDsa)), Err(Refusal::UnknownKey));
        assert_eq!(found(header(Some("../../key 7\0"), Algorithm::EdDsa)), Err(Refusal::UnknownKey));
        assert_eq!(found(header(Some("key 7"), Algorithm::Es256)), Err(Refusal::UnknownKey));
    }

    proptest! {
        #[test]
        fn no_document_brings_it_down(document: Vec<u8>) {
            let _ = KeySet::parse(&document);
        }

        #[test]
        fn no_key_brings_it_down(
            kty in prop::sample::select(vec!["RSA", "EC", "OKP", "oct"]),
            crv in prop::sample::select(vec!["P-256", "P-384", "P-521", "Ed25519"]),
            numbers in prop::collection::vec("[A-Za-z0-9_-]{0,100}", 4),
        ) {
            let key = json!({ "kty": kty, "crv": crv, "x": numbers[0], "y": numbers[1], "n": numbers[2], "e": numbers[3] });
            let _ = KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes());
        }
    }
}
