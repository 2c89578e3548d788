//! The authorization code and what is given for it.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};

use super::super::client::World;
use super::parties::{
    ALLOW, Browser, CALLBACK, VERIFIER, claims, header, redeem, refresh, sent_back, signed_in, user_info,
};

#[tokio::test]
async fn a_person_signs_in_and_the_app_gets_its_tokens() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.authorize(&[]).await;
    assert_eq!(page.status, 200);
    assert_eq!(world.outcome(), "showed the sign-in page");
    let answer = browser.fill_in(&page, ALLOW).await;
    assert!(answer.header("location").starts_with(&format!("{CALLBACK}?")));
    let answer = sent_back(&answer);
    assert_eq!(answer["state"], "the state");
    assert_eq!(answer["iss"], world.server.issuer());
    assert_eq!(world.outcome(), "signed in: demo; sent back with a code");

    let reply = redeem(&world, &answer["code"], &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    let tokens = reply.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 60);
    assert_eq!(tokens["refresh_expires_in"], 1800);
    assert_eq!(tokens["scope"], "email offline_access openid profile");
    assert_eq!(tokens["refresh_token"].as_str().unwrap().len(), 43, "32 bytes in base64url");

    let info = user_info(&world, &tokens["access_token"]).await;
    let expected = json!({
        "sub": "demo", "name": "Demo User", "preferred_username": "demo", "email": "demo@example.com",
        "email_verified": true, "roles": ["user"], "realm_access": { "roles": ["user"] },
    });
    assert_eq!(info.json(), expected);
    let next = refresh(&world, &tokens["refresh_token"], &[]).await;
    assert_eq!(next.status, 200, "{}", next.text);
}

#[tokio::test]
async fn the_tokens_say_what_the_standards_ask_and_the_published_key_verifies_them() {
    let world = World::new().await;
    let tokens = signed_in(&world, &[]).await;
    let keys: JwkSet =
        serde_json::from_value(world.client.get("/.well-known/jwks.json").await.json()).unwrap();
    let verified = |token: &Value, audience: &str| {
        let key = keys.find(header(token)["kid"].as_str().unwrap()).unwrap();
        let mut rules = Validation::new(Algorithm::RS256);
        // The tests' clock is not the machine's, which is all this library looks at.
        rules.validate_exp = false;
        rules.set_issuer(&[world.server.issuer()]);
        rules.set_audience(&[audience]);
        let key = DecodingKey::from_jwk(key).unwrap();
        jsonwebtoken::decode::<Value>(token.as_str().unwrap(), &key, &rules).unwrap().claims
    };

    let access = verified(&tokens["access_token"], "latchkey-demo");
    assert_eq!(header(&tokens["access_token"])["typ"], "at+jwt");
    assert_eq!((&access["sub"], &access["client_id"]), (&json!("demo"), &json!("latchkey")));
    assert_eq!((&access["iat"], &access["exp"]), (&json!(1_900_000_000), &json!(1_900_000_060)));
    assert_eq!((&access["scope"], &access["roles"]), (&tokens["scope"], &json!(["user"])));
    assert_eq!(access["realm_access"]["roles"], json!(["user"]));
    assert!(access["jti"].is_string());
    assert!(access.get("cnf").is_none(), "no key was shown");

    let id = verified(&tokens["id_token"], "latchkey");
    assert_eq!(id["nonce"], "the nonce");
    assert_eq!((&id["auth_time"], &id["exp"]), (&json!(1_900_000_000), &json!(1_900_000_060)));
    assert_eq!((&id["name"], &id["email"]), (&json!("Demo User"), &json!("demo@example.com")));
    assert_eq!(id["preferred_username"], "demo");
    let hash = digest::digest(&digest::SHA256, tokens["access_token"].as_str().unwrap().as_bytes());
    assert_eq!(id["at_hash"], URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
}

#[tokio::test]
async fn without_offline_access_there_is_no_refresh_token_and_without_openid_no_id_token() {
    let world = World::new().await;
    let tokens = signed_in(&world, &[("scope", "openid")]).await;
    assert!(tokens.get("refresh_token").is_none() && tokens.get("refresh_expires_in").is_none());
    assert!(claims(&tokens["id_token"]).get("name").is_none(), "profile was not asked for");
    assert_eq!(user_info(&world, &tokens["access_token"]).await.json()["sub"], "demo");

    let tokens = signed_in(&world, &[("scope", "offline_access profile")]).await;
    assert!(tokens.get("id_token").is_none() && tokens["refresh_token"].is_string());
    let info = user_info(&world, &tokens["access_token"]).await;
    info.refusal(403, "insufficient_scope");
    assert!(info.header("www-authenticate").contains("insufficient_scope"));
}

#[tokio::test]
async fn a_code_presented_wrongly_gets_nothing_and_is_not_used_up() {
    let world = World::new().await;
    let answer = Browser::new(&world).sign_in(&[]).await;
    let other = "another-verifier-that-is-long-enough-to-be-one";
    for (change, about) in [
        ([("code_verifier", other)], "does not match"),
        ([("code_verifier", "")], "missing"),
        ([("redirect_uri", "http://127.0.0.1:51235/callback")], "redirect_uri"),
        ([("redirect_uri", "")], "redirect_uri"),
    ] {
        let words = redeem(&world, &answer["code"], &change).await.refusal(400, "invalid_grant");
        assert!(words.contains(about), "{words}");
    }
    redeem(&world, &answer["code"], &[("client_id", "other")]).await.refusal(401, "invalid_client");
    redeem(&world, &answer["code"], &[("client_secret", "x")]).await.refusal(401, "invalid_client");
    redeem(&world, "rubbish", &[]).await.refusal(400, "invalid_grant");
    assert_eq!(redeem(&world, &answer["code"], &[]).await.status, 200);
}

#[tokio::test]
async fn a_code_used_twice_revokes_what_came_of_it() {
    let world = World::new().await;
    let answer = Browser::new(&world).sign_in(&[]).await;
    let tokens = redeem(&world, &answer["code"], &[]).await.json();
    let next = refresh(&world, &tokens["refresh_token"], &[]).await.json();
    // Far later than the code lived, and by someone who has the code alone.
    world.wait(1000);
    let replay = redeem(&world, &answer["code"], &[("code_verifier", "")]).await;
    assert_eq!(replay.refusal(400, "invalid_grant"), "authorization code already used; family revoked");
    assert!(world.server.requests().last().unwrap().family.is_some());
    let words = refresh(&world, &next["refresh_token"], &[]).await.refusal(400, "invalid_grant");
    assert_eq!(words, "family revoked earlier: its authorization code was used twice");
}

#[tokio::test]
async fn of_two_requests_with_one_code_at_most_one_gets_tokens_that_last() {
    let world = World::new().await;
    let answer = Browser::new(&world).sign_in(&[]).await;
    let (a, b) = tokio::join!(redeem(&world, &answer["code"], &[]), redeem(&world, &answer["code"], &[]));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let won = if a.status == 200 { a } else { b };
    user_info(&world, &won.json()["access_token"]).await.refusal(401, "invalid_token");
}

#[tokio::test]
async fn a_code_lives_a_minute() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let in_time = browser.sign_in(&[]).await;
    world.wait(59);
    assert_eq!(redeem(&world, &in_time["code"], &[]).await.status, 200);
    let late = browser.sign_in(&[]).await;
    world.wait(60);
    let words = redeem(&world, &late["code"], &[]).await.refusal(400, "invalid_grant");
    assert_eq!(words, "authorization code expired");
}

#[tokio::test]
async fn the_token_endpoint_says_what_is_wrong_with_a_request() {
    let world = World::new().await;
    let send = |kind: &'static str, body: &'static str| {
        let request = world.client.request(reqwest::Method::POST, "/oauth/token");
        super::super::client::Reply::of(request.header("content-type", kind).body(body))
    };
    let form = "application/x-www-form-urlencoded";
    for (kind, body, status, error) in [
        ("application/json", "{}", 400, "invalid_request"),
        (form, "", 401, "invalid_client"),
        (form, "client_id=latchkey", 400, "invalid_request"),
        (form, "client_id=latchkey&client_id=latchkey", 400, "invalid_request"),
        (form, "client_id=latchkey&grant_type=password", 400, "unsupported_grant_type"),
        (form, "client_id=latchkey&grant_type=authorization_code", 400, "invalid_request"),
        (form, "client_id=latchkey&grant_type=authorization_code&code=canary", 400, "invalid_grant"),
        (form, "client_id=latchkey&grant_type=refresh_token&refresh_token=canary", 400, "invalid_grant"),
    ] {
        let reply = send(kind, body).await;
        let words = reply.refusal(status, error);
        assert!(!words.contains("canary") && !world.outcome().contains("canary"), "{words}");
    }
    let request =
        world.client.request(reqwest::Method::POST, "/oauth/token").basic_auth("latchkey", Some("x"));
    let reply = super::super::client::Reply::of(request.form(&[("grant_type", "refresh_token")])).await;
    reply.refusal(401, "invalid_client");
    assert!(reply.header("www-authenticate").starts_with("Basic"));
}

#[tokio::test]
async fn no_token_is_taken_for_one_of_another_kind() {
    let world = World::new().await;
    let tokens = signed_in(&world, &[]).await;
    let rest = world.client.login().await;
    assert_eq!(world.client.me(&tokens["access_token"]).await.status, 401);
    assert_eq!(world.client.me(&tokens["id_token"]).await.status, 401);
    assert_eq!(user_info(&world, &rest["accessToken"]).await.status, 401);
    assert_eq!(user_info(&world, &tokens["id_token"]).await.status, 401);
    refresh(&world, &rest["refreshToken"], &[]).await.refusal(400, "invalid_grant");
    world.client.refresh(&tokens["refresh_token"]).await.refusal(401, "invalid_grant");
    assert_eq!(refresh(&world, &tokens["refresh_token"], &[]).await.status, 200, "neither was used up");
    assert_eq!(world.client.refresh(&rest["refreshToken"]).await.status, 200);
}

#[tokio::test]
async fn the_log_tells_the_way_of_a_sign_in_without_its_secrets() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.authorize(&[]).await;
    browser.fill_in(&page, &[("username", "demo"), ("password", "canary"), ("action", "allow")]).await;
    let answer = sent_back(&browser.fill_in(&page, ALLOW).await);
    let tokens = redeem(&world, &answer["code"], &[]).await.json();
    let requests = world.server.requests();
    let told: Vec<_> = requests.iter().map(|r| (r.path.as_str(), r.outcome.as_str())).collect();
    assert_eq!(
        told,
        [
            ("/oauth/authorize", "showed the sign-in page"),
            ("/oauth/authorize", "refused: wrong user name or password"),
            ("/oauth/authorize", "signed in: demo; sent back with a code"),
            ("/oauth/token", "exchanged a code: demo"),
        ]
    );
    assert!(requests[3].family.is_some());
    let log = format!("{requests:?}");
    let secrets = [&answer["code"], VERIFIER, "canary", browser.cookie.as_deref().unwrap()];
    for secret in secrets.into_iter().chain(tokens.as_object().unwrap().values().filter_map(Value::as_str)) {
        assert!(secret.len() < 10 || !log.contains(secret), "{secret}");
    }
    assert!(!log.contains("canary"));
}
