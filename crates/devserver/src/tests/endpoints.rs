//! The outside: what each endpoint takes and answers, and what it refuses.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{REFRESH, Reply, World};
use crate::{DevServer, Options, StartError, User};

#[tokio::test]
async fn a_login_answers_tokens_their_expiries_and_who_signed_in() {
    let world = World::new().await;
    for who in
        [json!({ "username": "demo" }), json!({ "email": "demo@example.com" }), json!({ "email": "DEMO" })]
    {
        let mut body = who;
        body["password"] = "demo".into();
        let reply = world.client.post("/auth/login", body).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("cache-control"), "no-store");
        let json = reply.json();
        assert_eq!(json["accessTokenExpiry"], 1_900_000_060);
        assert_eq!(json["refreshTokenExpiry"], 1_900_001_800);
        assert_eq!(json["sessionExpiry"], 1_900_028_800);
        assert_eq!(json["user"], json!({ "name": "Demo User", "email": "demo@example.com" }));
        assert_eq!(json["refreshToken"].as_str().unwrap().len(), 43, "32 bytes in base64url");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let world = World::new().await;
    let wrong = world.client.post("/auth/login", json!({ "username": "demo", "password": "no" })).await;
    let unknown = world.client.post("/auth/login", json!({ "username": "nobody", "password": "no" })).await;
    assert_eq!((wrong.status.as_u16(), unknown.status.as_u16()), (401, 401));
    assert_eq!(wrong.json()["error"], "invalid_credentials");
    assert!(wrong.json()["message"].is_string());
    assert_eq!(wrong.text, unknown.text);
}

#[tokio::test]
async fn the_published_key_verifies_an_access_token() {
    let world = World::new().await;
    let login = world.client.login().await;
    let token = login["accessToken"].as_str().unwrap();
    let keys = world.client.get("/.well-known/jwks.json").await.json();
    assert_eq!(keys["keys"][0]["use"], "sig");
    assert_eq!(keys["keys"][0]["alg"], "RS256");
    assert!(keys["keys"][0].get("d").is_none(), "the private half stays here");

    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let key_id = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&key_id).unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    // The tests' clock is not the machine's, which is all this library looks at.
    rules.validate_exp = false;
    rules.set_issuer(&[world.server.issuer()]);
    rules.set_audience(&["latchkey-demo"]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &rules).unwrap().claims;
    assert_eq!(claims["sub"], "demo");
    assert_eq!(claims["iat"], 1_900_000_000);
    assert_eq!(claims["exp"], login["accessTokenExpiry"]);
    assert_eq!(claims["realm_access"]["roles"], json!(["user"]));
    assert_eq!(claims["sid"], world.server.requests()[0].family.clone().unwrap());
    let next = world.client.refresh(&login["refreshToken"]).await.json();
    let next =
        jsonwebtoken::decode::<Value>(next["accessToken"].as_str().unwrap(), &key, &rules).unwrap().claims;
    assert_ne!(claims["jti"], next["jti"]);
    assert_eq!(claims["sid"], next["sid"]);
}

#[tokio::test]
async fn an_access_token_tells_who_its_user_is_until_it_expires() {
    let world = World::new().await;
    let login = world.client.login().await;
    let me = world.client.me(&login["accessToken"]).await;
    assert_eq!(me.status, 200);
    assert_eq!(me.json()["email"], "demo@example.com");
    world.wait(60);
    let me = world.client.me(&login["accessToken"]).await;
    assert_eq!(me.refusal(401, "invalid_token"), "access token expired");
    assert_eq!(me.header("www-authenticate"), "Bearer error=\"invalid_token\"");
}

#[tokio::test]
async fn a_token_from_elsewhere_is_refused() {
    let (world, other) = (World::new().await, World::new().await);
    let foreign = other.client.login().await;
    assert_eq!(world.client.me(&foreign["accessToken"]).await.status, 401);
    assert_eq!(world.client.me(&json!("rubbish")).await.status, 401);
    assert_eq!(world.client.get("/auth/me").await.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn a_malformed_body_is_an_invalid_request_and_is_never_quoted() {
    let world = World::new().await;
    let send = |path: &'static str, kind: &'static str, body: &'static str| {
        Reply::of(world.client.request(Method::POST, path).header("content-type", kind).body(body))
    };
    let json = "application/json";
    for (path, kind, body) in [
        ("/auth/login", json, ""),
        ("/auth/login", json, "{\"username\": \"demo\", \"password\": \"canary"),
        ("/auth/login", json, "[\"canary\"]"),
        ("/auth/login", json, "{\"username\": \"demo\"}"),
        ("/auth/login", json, "{\"username\": \"demo\", \"password\": 5}"),
        ("/auth/login", json, "{\"password\": \"canary\"}"),
        ("/auth/login", "text/plain", "{\"username\": \"demo\", \"password\": \"canary\"}"),
        (REFRESH, json, "{\"token\": \"\"}"),
        (REFRESH, json, "{\"token\": {\"canary\": 1}}"),
        ("/auth/logout", json, "{}"),
        ("/__revoke", json, "{}"),
        ("/__fault", json, "{\"path\": \"/a\", \"mode\": \"explode\"}"),
    ] {
        let reply = send(path, kind, body).await;
        let words = reply.refusal(400, "invalid_request");
        assert!(!words.contains("canary") && !world.outcome().contains("canary"), "{words}");
    }
}

#[tokio::test]
async fn a_body_of_more_than_64_kib_is_refused() {
    let world = World::new().await;
    let fits = world.client.refresh(&json!("x".repeat(60 * 1024))).await;
    assert_eq!(fits.refusal(401, "invalid_grant"), "refresh token unknown");
    let too_long = world.client.refresh(&json!("x".repeat(65 * 1024))).await;
    too_long.refusal(413, "invalid_request");
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_apart() {
    let world = World::new().await;
    world.client.get("/auth/refresh-token").await.refusal(404, "not_found");
    world.client.get("/auth/login").await.refusal(405, "invalid_request");
    assert!(world.client.get("/").await.text.contains("Latchkey development backend"));
}

#[tokio::test]
async fn a_page_that_points_its_own_name_here_gets_nothing() {
    let world = World::new().await;
    let port = world.server.address().port();
    for (host, status) in [
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("192.168.1.4", 421),
        ("localhost", 200),
        ("127.0.0.2", 200),
        ("[::1]", 200),
    ] {
        let request =
            world.client.request(Method::GET, "/__requests").header("host", format!("{host}:{port}"));
        assert_eq!(Reply::of(request).await.status, status, "{host}");
    }
}

#[tokio::test]
async fn every_request_is_in_the_log_without_its_secrets() {
    let world = World::new().await;
    let mut follower = world.server.follow_requests();
    let login = world.client.login().await;
    world.client.refresh(&login["refreshToken"]).await;
    world.client.me(&login["accessToken"]).await;
    world.client.get("/nowhere?token=canary").await;
    world.client.post("/auth/login", json!({ "username": "demo", "password": "canary" })).await;

    let listed = world.client.get("/__requests").await;
    let all = world.server.requests();
    assert_eq!(all.len(), 6, "the listing counts too");
    assert_eq!(listed.json().as_array().unwrap().len(), 5);
    assert_eq!(all[0], follower.recv().await.unwrap());
    let summary: Vec<_> = all.iter().map(|r| (r.number, r.path.as_str(), r.status.unwrap())).collect();
    assert_eq!(
        summary,
        [
            (1, "/auth/login", 200),
            (2, REFRESH, 200),
            (3, "/auth/me", 200),
            (4, "/nowhere", 404),
            (5, "/auth/login", 401),
            (6, "/__requests", 200),
        ]
    );
    assert_eq!(all[0].outcome, "signed in: demo");
    assert!(all[0].family.is_some() && all[0].family == all[1].family && all[1].family == all[2].family);
    for secret in [&login["accessToken"], &login["refreshToken"], &json!("canary")] {
        let secret = secret.as_str().unwrap();
        assert!(!listed.text.contains(secret) && !format!("{all:?}").contains(secret));
    }
}

#[tokio::test]
async fn other_users_can_be_given() {
    let ada = User {
        username: "ada".into(),
        email: "ada@example.com".into(),
        name: "Ada".into(),
        password: "engine".into(),
    };
    let world = World::with(|options| options.users = vec![ada.clone()]).await;
    let reply = world.client.post("/auth/login", json!({ "email": ada.email, "password": "engine" })).await;
    assert_eq!(reply.json()["user"]["name"], "Ada");
    let demo = world.client.post("/auth/login", json!({ "username": "demo", "password": "demo" })).await;
    assert_eq!(demo.status, 401);
    assert_eq!(world.server.users(), [ada]);
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused_with_a_way_out() {
    for address in ["0.0.0.0:0", "192.168.1.4:4180", "[::]:0"] {
        let options = Options { listen: address.parse().unwrap(), ..Options::default() };
        let message = DevServer::start(options).await.unwrap_err().to_string();
        assert!(message.contains(address) && message.contains("127.0.0.1"), "{message}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_told_with_its_number_and_a_way_out() {
    let world = World::new().await;
    let listen = world.server.address();
    let error = DevServer::start(Options { listen, ..Options::default() }).await.unwrap_err();
    assert!(matches!(error, StartError::PortInUse { .. }));
    let message = error.to_string();
    assert!(message.contains(&listen.port().to_string()) && message.contains("another port"), "{message}");
}

#[tokio::test]
async fn after_a_shutdown_the_port_is_free_again() {
    let world = World::new().await;
    let listen = world.server.address();
    world.client.login().await;
    world.server.shutdown().await;
    let again = DevServer::start(Options { listen, ..Options::default() }).await.unwrap();
    assert_eq!(again.address(), listen);
}
