//! The ways a session ends: revocation, and signing out of the browser.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::client::{Reply, World};
use super::parties::{Browser, redeem, refresh, sent_back, signed_in, user_info};

async fn revoke(world: &World, token: &Value) -> Reply {
    let form =
        [("client_id", "latchkey"), ("token", token.as_str().unwrap()), ("token_type_hint", "access_token")];
    Reply::of(world.client.request(Method::POST, "/oauth/revoke").form(&form)).await
}

fn end_session(params: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    format!("/oauth/end_session?{query}")
}

#[tokio::test]
async fn revoking_a_refresh_token_ends_all_that_came_of_the_sign_in() {
    let world = World::new().await;
    let first = signed_in(&world, &[]).await;
    let second = refresh(&world, &first["refresh_token"], &[]).await.json();
    let other = signed_in(&world, &[]).await;
    // Even with one that was consumed: whoever revokes wants an end.
    let reply = revoke(&world, &first["refresh_token"]).await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""));
    let words = refresh(&world, &second["refresh_token"], &[]).await.refusal(400, "invalid_grant");
    assert_eq!(words, "family revoked earlier: the user signed out");
    assert_eq!(user_info(&world, &second["access_token"]).await.status, 401);
    assert_eq!(refresh(&world, &other["refresh_token"], &[]).await.status, 200);
}

#[tokio::test]
async fn revoking_an_access_token_ends_it_alone() {
    let world = World::new().await;
    let tokens = signed_in(&world, &[]).await;
    assert_eq!(revoke(&world, &tokens["access_token"]).await.status, 200);
    let words = user_info(&world, &tokens["access_token"]).await.refusal(401, "invalid_token");
    assert_eq!(words, "the access token was revoked");
    let next = refresh(&world, &tokens["refresh_token"], &[]).await.json();
    assert_eq!(user_info(&world, &next["access_token"]).await.status, 200);
}

#[tokio::test]
async fn revoking_what_is_unknown_is_fine_and_a_token_of_the_rest_login_is_unknown() {
    let world = World::new().await;
    let rest = world.client.login().await;
    for token in [&json!("rubbish"), &json!("a.b.c"), &rest["refreshToken"], &rest["accessToken"]] {
        assert_eq!(revoke(&world, token).await.status, 200);
    }
    assert_eq!(world.client.refresh(&rest["refreshToken"]).await.status, 200);
    let no_client = world.client.request(Method::POST, "/oauth/revoke").form(&[("token", "x")]);
    Reply::of(no_client).await.refusal(401, "invalid_client");
    let no_token = world.client.request(Method::POST, "/oauth/revoke").form(&[("client_id", "latchkey")]);
    Reply::of(no_token).await.refusal(400, "invalid_request");
}

#[tokio::test]
async fn signing_out_of_the_browser_ends_what_was_not_meant_to_outlive_it() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let code = browser.sign_in(&[]).await["code"].clone();
    let offline = redeem(&world, &code, &[]).await.json();
    let code = browser.sign_in(&[("scope", "openid")]).await["code"].clone();
    let online = redeem(&world, &code, &[]).await.json();
    let elsewhere = signed_in(&world, &[("scope", "openid")]).await;

    // An ID token is a hint long after it expired.
    world.wait(30);
    let hint = online["id_token"].as_str().unwrap();
    let back = "http://127.0.0.1:40000/signed-out";
    let page = browser
        .get(&end_session(&[("id_token_hint", hint), ("post_logout_redirect_uri", back), ("state", "s t&=")]))
        .await;
    assert!(page.text.contains("Signed in as <strong>demo</strong>"), "{}", page.text);
    assert_eq!(user_info(&world, &online["access_token"]).await.status, 200, "nothing happened yet");

    let stayed = browser.fill_in(&page, &[("action", "deny")]).await;
    assert_eq!(stayed.status, 200);
    assert!(browser.cookie.is_some());
    let answer = browser.fill_in(&page, &[("action", "allow")]).await;
    assert!(answer.header("location").starts_with(back));
    assert_eq!(sent_back(&answer)["state"], "s t&=");
    assert_eq!(world.outcome(), "signed out of the browser; sessions ended with it: 1");

    assert_eq!(user_info(&world, &online["access_token"]).await.status, 401);
    assert_eq!(user_info(&world, &elsewhere["access_token"]).await.status, 200, "of another browser");
    assert_eq!(refresh(&world, &offline["refresh_token"], &[]).await.status, 200, "it may stay signed in");
    assert_eq!(browser.cookie, None);
    assert_eq!(sent_back(&browser.authorize(&[("prompt", "none")]).await)["error"], "login_required");
}

#[tokio::test]
async fn the_hint_alone_ends_the_browser_session_it_names() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let code = browser.sign_in(&[("scope", "openid")]).await["code"].clone();
    let tokens = redeem(&world, &code, &[]).await.json();
    world.wait(50);
    let mut elsewhere = Browser::new(&world);
    let page = elsewhere.get(&end_session(&[("id_token_hint", tokens["id_token"].as_str().unwrap())])).await;
    let done = elsewhere.fill_in(&page, &[("action", "allow")]).await;
    assert!(done.status == 200 && done.text.contains("You are signed out"));
    assert_eq!(user_info(&world, &tokens["access_token"]).await.status, 401);
    assert_eq!(browser.authorize(&[]).await.status, 200, "the person is asked again");
}

#[tokio::test]
async fn signing_out_leads_nowhere_but_to_an_app_on_this_machine() {
    let world = World::new().await;
    let rest = world.client.login().await;
    let mut browser = Browser::new(&world);
    let good = "http://127.0.0.1:1/";
    for params in [
        vec![("post_logout_redirect_uri", good)],
        vec![("post_logout_redirect_uri", good), ("client_id", "other")],
        vec![("post_logout_redirect_uri", "http://example.com/"), ("client_id", "latchkey")],
        vec![("id_token_hint", "rubbish")],
        vec![("id_token_hint", rest["accessToken"].as_str().unwrap())],
    ] {
        let reply = browser.get(&end_session(&params)).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (400, ""), "{params:?}");
        let form: Vec<_> = params.iter().copied().chain([("action", "allow")]).collect();
        assert_eq!(browser.post("/oauth/end_session", &form).await.status, 400, "{params:?}");
    }
    let posted = [("post_logout_redirect_uri", good), ("client_id", "latchkey")];
    let page = browser.post("/oauth/end_session", &posted).await;
    assert_eq!(sent_back(&browser.fill_in(&page, &[("action", "allow")]).await).len(), 0);
}
