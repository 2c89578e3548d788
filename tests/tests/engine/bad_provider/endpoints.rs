//! Faults everywhere but in the token reply.

use latchkey_tests::bad_provider::{
    Authorization, Device, Discovery, Dpop, Endpoint, Logout, OTHER_ISSUER, Revocation, UserInfo,
};
use reqwest::Url;
use serde_json::{Value, json};

use super::{Pair, SCOPE};
use crate::plain_client::{ProofKey, query, sent, sha256};

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
    let url = pair.provider.url(Endpoint::Discovery);
    for fault in Discovery::ALL {
        pair.provider.behave();
        let right = pair.client.get(&url).await.unwrap().json();
        pair.provider.misbehave(*fault);
        let wrong = pair.client.get(&url).await.unwrap().json();
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
