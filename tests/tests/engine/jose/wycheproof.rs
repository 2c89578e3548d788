//! The public attack vectors of the Wycheproof project, all of them.

use std::collections::BTreeSet;

use latchkey_engine::jose::verify::{Type, signature};
use latchkey_engine::jose::{Algorithms, KeySet};
use serde_json::{Value, json};

const SIGNATURE: &str = include_str!("../../../vectors/wycheproof/json_web_signature_test.json");
const KEY: &str = include_str!("../../../vectors/wycheproof/json_web_key_test.json");
const CRYPTO: &str = include_str!("../../../vectors/wycheproof/json_web_crypto_test.json");

/// What became of the vectors of a file.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    vectors: usize,
    /// Called invalid, and verified.
    wrongly_accepted: BTreeSet<u64>,
    /// Called valid, and refused.
    refused: BTreeSet<u64>,
}

/// Judges each JWS of a file with the keys of its group.
fn run(file: &str) -> Outcome {
    let file: Value = serde_json::from_str(file).unwrap();
    let mut outcome = Outcome { vectors: 0, wrongly_accepted: BTreeSet::new(), refused: BTreeSet::new() };
    for group in file["testGroups"].as_array().unwrap() {
        // Groups with shared keys have no public part; what they have is then all that could be published.
        let published = group.get("public").unwrap_or(&group["private"]);
        let set =
            if published.get("keys").is_some() { published.clone() } else { json!({ "keys": [published] }) };
        let keys = KeySet::parse(set.to_string().as_bytes()).unwrap();
        for test in group["tests"].as_array().unwrap() {
            let id = test["tcId"].as_u64().unwrap();
            let Some(token) = test.get("jws").or_else(|| test.get("jwe")) else {
                panic!("{id} has no token")
            };
            // The JSON serialization is an object; as text it is what somebody would paste.
            let token = token.as_str().map_or_else(|| token.to_string(), str::to_owned);
            let accepted = signature(&token, &keys, &Algorithms::all(), Type::Jwt).is_ok();
            outcome.vectors += 1;
            match (test["result"].as_str().unwrap(), accepted) {
                ("invalid", true) => outcome.wrongly_accepted.insert(id),
                ("valid", false) => outcome.refused.insert(id),
                ("valid" | "invalid", _) => continue,
                (other, _) => panic!("{id}: {other}"),
            };
        }
    }
    outcome
}

fn ids(groups: &[&[u64]]) -> BTreeSet<u64> {
    groups.iter().copied().flatten().copied().collect()
}

#[test]
fn no_signature_vector_is_wrongly_accepted_and_each_refusal_is_meant() {
    let shared_secret: &[u64] = &[1, 348, 352, 357, 358, 359, 372, 373, 376, 377];
    let p521: &[u64] = &[347, 351];
    // The key says PS256 and the token PS384 (a slip in RFC 7520): a key is for one algorithm.
    let another_algorithm: &[u64] = &[346, 350];
    let outcome = run(SIGNATURE);
    let refused = ids(&[shared_secret, p521, another_algorithm]);
    assert_eq!(outcome, Outcome { vectors: 401, wrongly_accepted: BTreeSet::new(), refused });
}

#[test]
fn no_key_vector_is_wrongly_accepted_and_each_refusal_is_meant() {
    let shared_secret: &[u64] = &[2, 13, 14, 15];
    let outcome = run(KEY);
    assert_eq!(
        outcome,
        Outcome { vectors: 26, wrongly_accepted: BTreeSet::new(), refused: ids(&[shared_secret]) }
    );
}

#[test]
fn no_mixed_vector_is_wrongly_accepted_and_each_refusal_is_meant() {
    let (shared_secret, encrypted): (&[u64], &[u64]) = (&[1, 48], &[50, 67]);
    let outcome = run(CRYPTO);
    let refused = ids(&[shared_secret, encrypted]);
    assert_eq!(outcome, Outcome { vectors: 83, wrongly_accepted: BTreeSet::new(), refused });
}
