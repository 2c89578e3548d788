//! Each fault of the misbehaving provider shows, and none shows before it is asked for. The matches name every fault, so
//! that a new one comes with the proof that it does something.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_tests::bad_provider::{
    Authorization, Device, Discovery, Dpop, Endpoint, Fault, IdToken, KeySet, Logout, OTHER_ISSUER, Refresh,
    Revocation, Signing, Tokens, UserInfo,
};
use latchkey_tests::wait::{PATIENCE, until_async};
use reqwest::Url;
use serde_json::{Value, json};

use crate::bad_provider::{Pair, SCOPE};
use crate::plain_client::{PlainClient, ProofKey, Reply, claims, part, query, sent, sha256};

#[test]
fn each_fault_has_a_name_of_its_own() {
    let mut names: Vec<_> = Fault::all().into_iter().map(Fault::name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

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

#[tokio::test]
async fn the_redirect() {
    let pair = Pair::new().await;
    for fault in Authorization::ALL {
        pair.provider.behave();
        let (right, _) = pair.redirect().await;
        pair.provider.misbehave(*fault);
        let (wrong, _) = pair.redirect().await;
        let issuer = pair.provider.issuer();
        let shows = |url: &Url| {
            let is = |name: &str, value: &str| query(url, name).as_deref() == Some(value);
            let (state, iss) = (query(url, "state"), query(url, "iss"));
            match fault {
                Authorization::IssWrong => iss == Some(format!("{issuer}/")),
                Authorization::IssMissing => iss.is_none(),
                Authorization::IssOther => is("iss", OTHER_ISSUER),
                Authorization::StateWrong => is("state", "another-state") && query(url, "code").is_some(),
                Authorization::StateMissing => state.is_none(),
                Authorization::StateTwice => {
                    url.query_pairs().filter(|(name, _)| name == "state").count() == 2
                }
                Authorization::Denied => is("error", "access_denied") && is("state", "the-state"),
                Authorization::DeniedStateWrong => {
                    is("error", "access_denied") && is("state", "another-state")
                }
                Authorization::CodeMissing => query(url, "code").is_none() && query(url, "error").is_none(),
            }
        };
        assert!(!shows(&right) && shows(&wrong), "{}: {wrong}", fault.name());
    }
}

#[tokio::test]
async fn members_of_the_token_reply() {
    let pair = Pair::new().await;
    let shows = |fault: Tokens, reply: &Value| {
        let (lifetime, kind) = (&reply["expires_in"], &reply["token_type"]);
        match fault {
            Tokens::ExpiresInMissing => lifetime.is_null(),
            Tokens::ExpiresInZero => *lifetime == 0,
            Tokens::ExpiresInString => *lifetime == "60",
            Tokens::ExpiresInFloat => *lifetime == 60.5,
            Tokens::ExpiresInNegative => *lifetime == -1,
            Tokens::ExpiresInHuge => lifetime.as_f64() > Some(1e29),
            Tokens::TokenTypeLower => *kind == "bearer",
            Tokens::TokenTypeUpper => *kind == "BEARER",
            Tokens::TokenTypeMac => *kind == "mac",
            Tokens::TokenTypeMissing => kind.is_null(),
            Tokens::ScopeNarrower => reply["scope"] == "openid",
            Tokens::ScopeArray => reply["scope"] == json!(SCOPE.split(' ').collect::<Vec<_>>()),
            Tokens::IdTokenMissing => reply["id_token"].is_null(),
        }
    };
    for fault in Tokens::ALL {
        pair.provider.behave();
        let right = pair.tokens().await;
        pair.provider.misbehave(*fault);
        let wrong = pair.client.refresh(&right.text_of("refresh_token")).await;
        assert!(!shows(*fault, &right.json()) && shows(*fault, &wrong.json()), "{}: {wrong:?}", fault.name());
    }
}

#[tokio::test]
async fn the_refresh() {
    let pair = Pair::new().await;
    for fault in Refresh::ALL.iter().filter(|fault| **fault != Refresh::Hang) {
        let first = pair.tokens().await;
        let token = first.text_of("refresh_token");
        pair.provider.misbehave_times(*fault, 1);
        let reply = pair.client.try_refresh(&token).await;
        let (shows, spent) = refreshed(*fault, &token, pair.provider.issuer(), reply.as_ref());
        assert!(shows, "{}: {reply:?}", fault.name());
        let again = pair.client.refresh(&token).await;
        assert_eq!(again.status, if spent { 400 } else { 200 }, "{}: is it spent?", fault.name());
    }
}

#[tokio::test]
async fn a_torn_reply_begins_and_a_dropped_one_does_not() {
    let pair = Pair::new().await;
    for (fault, begins) in [(Refresh::Torn, true), (Refresh::DropReply, false)] {
        let token = pair.tokens().await.text_of("refresh_token");
        pair.provider.misbehave_times(fault, 1);
        let form =
            [("grant_type", "refresh_token"), ("client_id", "latchkey"), ("refresh_token", token.as_str())];
        let sent = pair.client.http.post(pair.provider.url(Endpoint::Token)).form(&form).send().await;
        assert_eq!(sent.as_ref().is_ok_and(|reply| reply.status() == 200), begins, "{}", fault.name());
        if let Ok(reply) = sent {
            assert!(reply.text().await.is_err());
        }
    }
}

#[tokio::test]
async fn some_replies_never_come_while_others_do() {
    let pair = Pair::new().await;
    let token = pair.tokens().await.text_of("refresh_token");
    let refresh =
        [("grant_type", "refresh_token"), ("client_id", "latchkey"), ("refresh_token", token.as_str())];
    let post = |endpoint| pair.client.http.post(pair.provider.url(endpoint)).form(&refresh);
    let revoke = [("client_id", "latchkey"), ("token", token.as_str())];
    for (fault, endpoint, request) in [
        (Fault::from(KeySet::Hang), Endpoint::Jwks, pair.client.http.get(pair.provider.url(Endpoint::Jwks))),
        (Refresh::Hang.into(), Endpoint::Token, post(Endpoint::Token)),
        (Revocation::Hang.into(), Endpoint::Revocation, post(Endpoint::Revocation).form(&revoke)),
    ] {
        let before = pair.provider.count(endpoint);
        pair.provider.misbehave_times(fault, 1);
        let waiting = tokio::spawn(request.send());
        let arrived = async || (pair.provider.count(endpoint) > before).then_some(());
        until_async("the request to arrive", PATIENCE, arrived).await;
        let other = pair.client.get(&pair.provider.url(Endpoint::Discovery)).await.unwrap();
        assert!(other.status == 200 && !waiting.is_finished(), "{}", fault.name());
        waiting.abort();
    }
    assert_eq!(pair.client.refresh(&token).await.text_of("error"), "invalid_grant", "the refresh took place");
}

/// Whether the reply is what the fault promises, and whether the token is spent then.
fn refreshed(fault: Refresh, old: &str, issuer: &str, reply: Option<&Reply>) -> (bool, bool) {
    let Some(reply) = reply else {
        return (matches!(fault, Refresh::DropReply | Refresh::Torn), true);
    };
    let (body, status) = (reply.json(), reply.status);
    let new = body["refresh_token"].as_str().is_some_and(|new| !new.is_empty() && new != old);
    let id = body["id_token"].as_str().map(claims).unwrap_or_default();
    let json = reply.header("content-type") == "application/json";
    let later = |expected: u16| status == expected && reply.header("retry-after") == "2";
    match fault {
        Refresh::NoRefreshToken => {
            (body.get("refresh_token").is_none() && body["access_token"].is_string(), false)
        }
        Refresh::EmptyRefreshToken => (body["refresh_token"] == "", false),
        Refresh::NullRefreshToken => (body.get("refresh_token") == Some(&Value::Null), false),
        Refresh::SameRefreshToken => (body["refresh_token"] == old, false),
        Refresh::Duplicate => (reply.text.matches("\"refresh_token\"").count() == 2 && new, true),
        Refresh::NewIss => (id["iss"] == OTHER_ISSUER && id["sub"] == "alice" && new, true),
        Refresh::NewSub => (id["iss"] == issuer && id["sub"] == "mallory" && new, true),
        Refresh::DropReply | Refresh::Torn | Refresh::Hang => (false, true),
        Refresh::Truncated => {
            (body.is_null() && reply.text.contains("\"refresh_token\":\"LKCANARY-rt-"), true)
        }
        Refresh::EmptyBody => (status == 200 && reply.text.is_empty(), true),
        Refresh::Created => (status == 201 && new, true),
        Refresh::Text => (!json && new, true),
        Refresh::Html => (status == 200 && reply.text.contains("guest network"), false),
        Refresh::NoContent => (status == 204 && reply.text.is_empty(), false),
        Refresh::Redirect => (status == 302 && !reply.header("location").starts_with(issuer), false),
        Refresh::TooMany => (later(429), false),
        Refresh::Unavailable => (later(503), false),
        Refresh::ServerErrorWithVerdict => (status == 500 && body["error"] == "invalid_grant", false),
        Refresh::VerdictWithOk => (status == 200 && body["error"] == "invalid_grant", false),
    }
}

#[tokio::test]
async fn proofs_of_possession() {
    let pair = Pair::new().await;
    let (token_url, about_url) = (pair.provider.url(Endpoint::Token), pair.provider.url(Endpoint::UserInfo));
    let key = ProofKey::new();
    let with = |nonce: &str| key.proof("POST", &token_url, &json!({ "nonce": nonce }));
    for fault in Dpop::ALL {
        pair.provider.behave();
        let (redirect, verifier) = pair.redirect().await;
        let code = query(&redirect, "code").unwrap();
        let bound = pair.client.redeem_with(&code, &verifier, Some(with("any"))).await;
        assert_eq!((bound.text_of("token_type").as_str(), bound.header("dpop-nonce").as_str()), ("DPoP", ""));
        let refresh = bound.text_of("refresh_token");
        pair.provider.misbehave(*fault);
        let first = pair.client.refresh_with(&refresh, Some(with("any"))).await.unwrap();
        let asks = first.status == 400 && first.text_of("error") == "use_dpop_nonce";
        let nonce = first.header("dpop-nonce");
        let retry = || async { pair.client.refresh_with(&refresh, Some(with(&nonce))).await.unwrap() };
        let shows = match fault {
            Dpop::NonceFirst => asks && retry().await.header("dpop-nonce") == nonce,
            Dpop::NonceEach => {
                let second = retry().await;
                let newer = second.header("dpop-nonce");
                let token = second.text_of("refresh_token");
                let old = pair.client.refresh_with(&token, Some(with(&nonce))).await.unwrap();
                asks && second.status == 200 && newer != nonce && old.text_of("error") == "use_dpop_nonce"
            }
            Dpop::NonceForever => asks && retry().await.text_of("error") == "use_dpop_nonce",
            Dpop::NonceResource => {
                let access = first.text_of("access_token");
                let ask = |nonce: &str| {
                    let more = json!({ "ath": sha256(&access), "nonce": nonce });
                    let request = pair.client.http.get(&about_url);
                    let request = request.header("authorization", format!("DPoP {access}"));
                    sent(request.header("dpop", key.proof("GET", &about_url, &more)))
                };
                let refused = ask("nonce").await.unwrap();
                let challenge = refused.header("www-authenticate");
                let asked = refused.status == 401 && challenge.contains("use_dpop_nonce");
                asked && ask(&refused.header("dpop-nonce")).await.unwrap().status == 200
            }
            Dpop::Bearer => first.text_of("token_type") == "Bearer",
        };
        assert!(shows, "{}: {first:?}", fault.name());
    }
}

#[tokio::test]
async fn the_device_flow() {
    let pair = Pair::new().await;
    let ask = || async {
        let asked = [("client_id", "latchkey"), ("scope", SCOPE)];
        pair.client.post("device_authorization_endpoint", &asked, None).await.unwrap().json()
    };
    for fault in Device::ALL {
        pair.provider.behave();
        assert_eq!(ask().await["interval"], 5);
        pair.provider.misbehave(*fault);
        let device = ask().await;
        let poll = pair.client.poll(device["device_code"].as_str().unwrap()).await.text_of("error");
        let shows = match fault {
            Device::SlowDown => poll == "slow_down",
            Device::Expired => poll == "expired_token",
            Device::Denied => poll == "access_denied",
            Device::UnknownError => poll == "out_of_paper",
            Device::IntervalMissing => device["interval"].is_null(),
            Device::IntervalZero => device["interval"] == 0,
            Device::IntervalHuge => device["interval"] == 3600,
            Device::IntervalNegative => device["interval"] == -5,
            Device::EvilScheme => device["verification_uri_complete"] == "javascript:alert(1)",
        };
        assert!(shows, "{}: {poll} {device}", fault.name());
    }
}

#[tokio::test]
async fn the_metadata() {
    let pair = Pair::new().await;
    let issuer = pair.provider.issuer();
    for fault in Discovery::ALL {
        pair.provider.behave();
        let right = PlainClient::discover(issuer).await.metadata;
        pair.provider.misbehave(*fault);
        let wrong = PlainClient::discover(issuer).await.metadata;
        let shows = |metadata: &Value| match fault {
            Discovery::IssuerMismatch => metadata["issuer"] != issuer,
            Discovery::HttpJwks => metadata["jwks_uri"] == "http://keys.example.test/jwks",
            Discovery::EvilScheme => metadata["authorization_endpoint"] == "file:///etc/passwd",
            Discovery::TokenEndpointMissing => metadata["token_endpoint"].is_null(),
            Discovery::HostChange => metadata["token_endpoint"] == "https://login.example.test/token",
            Discovery::PkceMissing => metadata["code_challenge_methods_supported"].is_null(),
            Discovery::PkcePlain => metadata["code_challenge_methods_supported"] == json!(["plain"]),
            Discovery::Html => metadata.is_null(),
        };
        assert!(!shows(&right) && shows(&wrong), "{}: {wrong}", fault.name());
    }
}

#[tokio::test]
async fn user_info_revocation_and_sign_out() {
    let pair = Pair::new().await;
    let reply = pair.tokens().await;
    let bearer = format!("Bearer {}", reply.text_of("access_token"));
    for (fault, subject) in [(UserInfo::SubWrong, json!("mallory")), (UserInfo::SubMissing, Value::Null)] {
        pair.provider.misbehave_times(fault, 1);
        assert_eq!(pair.client.user_info(&bearer).await.json()["sub"], subject);
    }

    let sign_out = format!(
        "{}?post_logout_redirect_uri=http://127.0.0.1:9/bye&state=s1",
        pair.provider.url(Endpoint::EndSession)
    );
    for (fault, landing) in [
        (None, "?state=s1"),
        (Some(Logout::StateMissing), ""),
        (Some(Logout::StateOther), "?state=another-state"),
    ] {
        if let Some(fault) = fault {
            pair.provider.misbehave_times(fault, 1);
        }
        let location = pair.client.get(&sign_out).await.unwrap().header("location");
        assert_eq!(location, format!("http://127.0.0.1:9/bye{landing}"));
    }

    let token = reply.text_of("refresh_token");
    let parameters = [("client_id", "latchkey"), ("token", token.as_str())];
    pair.provider.misbehave_times(Revocation::Unavailable, 1);
    let refused = pair.client.post("revocation_endpoint", &parameters, None).await.unwrap();
    assert_eq!((refused.status, refused.header("retry-after").as_str()), (503, "2"));
    assert_eq!(pair.client.user_info(&bearer).await.status, 200, "not revoked");
    let done = pair.client.post("revocation_endpoint", &parameters, None).await.unwrap();
    assert_eq!((done.status, done.text.as_str()), (200, ""));
    assert_eq!(pair.client.user_info(&bearer).await.status, 401);
}
