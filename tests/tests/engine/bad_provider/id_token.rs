//! Faults of the ID token and of the keys it is signed with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_tests::bad_provider::{Endpoint, IdToken, KeySet, OTHER_ISSUER, Signing};
use serde_json::json;

use super::Pair;
use crate::plain_client::{Reply, claims, part, sha256};

#[tokio::test]
async fn claims_of_the_id_token() {
    let pair = Pair::new().await;
    let shows = |fault: IdToken, reply: &Reply| {
        let token = claims(&reply.text_of("id_token"));
        let (iat, exp) = (token["iat"].as_i64(), token["exp"].as_i64());
        let at_hash = sha256(&reply.text_of("access_token"));
        let half = URL_SAFE_NO_PAD.encode(&URL_SAFE_NO_PAD.decode(at_hash).unwrap()[..16]);
        match fault {
            IdToken::IssWrong => token["iss"] == OTHER_ISSUER,
            IdToken::IssMissing => token["iss"].is_null(),
            IdToken::SubMissing => token["sub"].is_null(),
            IdToken::AudWrong => token["aud"] == "another-client",
            IdToken::AudMissing => token["aud"].is_null(),
            IdToken::AudArray => token["aud"] == json!(["latchkey"]),
            IdToken::AudExtra => token["aud"] == json!(["latchkey", "another-client"]),
            IdToken::AzpWrong => token["azp"] == "another-client",
            IdToken::IatMissing => token["iat"].is_null(),
            IdToken::IatFuture => iat > exp,
            IdToken::NbfFuture => token["nbf"].as_i64() > exp,
            IdToken::ExpMissing => token["exp"].is_null(),
            IdToken::ExpString => token["exp"].is_string(),
            IdToken::ExpPast => exp.is_some() && exp < iat,
            IdToken::ExpMs => exp > Some(1_000_000_000_000),
            IdToken::NonceWrong => token["nonce"] == "another-nonce",
            IdToken::NonceMissing => token["nonce"].is_null(),
            IdToken::AtHashWrong => !token["at_hash"].is_null() && token["at_hash"] != half.as_str(),
            IdToken::AtHashMissing => token["at_hash"].is_null(),
            IdToken::CHashWrong => token["c_hash"].is_string(),
        }
    };
    for fault in IdToken::ALL {
        pair.provider.behave();
        let right = pair.tokens().await;
        assert!(!shows(*fault, &right), "{} before it is asked for", fault.name());
        pair.provider.misbehave(*fault);
        let wrong = pair.tokens().await;
        assert!(shows(*fault, &wrong), "{}", fault.name());
        assert!(pair.verified(&wrong.text_of("id_token")).await.is_some(), "the signature is right");
    }
}

#[tokio::test]
async fn header_and_signature_of_the_id_token() {
    let pair = Pair::new().await;
    for fault in Signing::ALL {
        pair.provider.behave();
        let good = pair.tokens().await.text_of("id_token");
        assert!(pair.verified(&good).await.is_some());
        pair.provider.misbehave_times(*fault, 1);
        let bad = pair.tokens().await.text_of("id_token");
        let (old, header) = (part(&good, 0), part(&bad, 0));
        let shows = match fault {
            Signing::KidAbsent => header["kid"].is_null() && header["alg"] == "RS256",
            Signing::KidUnknown => header["kid"] == "never-published",
            // The key that was known under this id before is no longer the one.
            Signing::KidReused => header == old && pair.verified(&good).await.is_none(),
            Signing::AlgNone => header["alg"] == "none" && bad.ends_with('.'),
            Signing::AlgHs256Pub => header["alg"] == "HS256" && bad.rsplit('.').next().unwrap().len() == 43,
            Signing::AlgEs256Bad => header["kid"] == "ec-0" && bad.ends_with(&"A".repeat(86)),
            Signing::AlgPsOnRs => header["alg"] == "PS256",
            Signing::SignatureWrong => header == old,
            Signing::Crit => header["crit"].is_array(),
            Signing::JwkEmbedded => header["jwk"]["n"].is_string() && header["kid"].is_null(),
        };
        assert!(shows, "{}: {header}", fault.name());
        // With one key under this id the signature itself is right, and something else has to be noticed.
        let right_by_itself = matches!(fault, Signing::KidReused | Signing::Crit);
        assert_eq!(pair.verified(&bad).await.is_some(), right_by_itself, "{}", fault.name());
    }
}

#[tokio::test]
async fn the_key_set() {
    for fault in KeySet::ALL.iter().filter(|fault| **fault != KeySet::Hang) {
        let pair = Pair::new().await;
        let old = pair.tokens().await.text_of("id_token");
        pair.provider.misbehave(*fault);
        let new = pair.tokens().await.text_of("id_token");
        let set = pair.client.get(&pair.provider.url(Endpoint::Jwks)).await.unwrap();
        let keys = set.json()["keys"].as_array().cloned().unwrap_or_default();
        let rsa = keys.iter().filter(|key| key["kty"] == "RSA" && key["e"].is_string()).count();
        let (old_good, new_good) = (pair.verified(&old).await.is_some(), pair.verified(&new).await.is_some());
        let shows = match fault {
            KeySet::RotateBeforeSign => !old_good && new_good && part(&old, 0) != part(&new, 0),
            KeySet::RotateAfter => old_good && new_good && rsa == 2,
            KeySet::ServerError => set.status == 500 && !new_good,
            KeySet::Html => set.status == 200 && set.text.contains("guest network") && !new_good,
            KeySet::Hang => unreachable!("its reply never comes"),
            KeySet::Empty => set.json() == json!({ "keys": [] }),
            KeySet::BadKey => keys.iter().any(|key| key["kty"] == "nonsense") && new_good,
            KeySet::Several => rsa == 2 && old_good && new_good,
        };
        assert!(shows, "{}: {}", fault.name(), set.text);
    }
}
