//! The authorization request: what is refused, where that is told, and who has to sign in.

use reqwest::Method;
use serde_json::json;

use super::super::client::{Reply, World};
use super::parties::{ALLOW, Browser, claims, redeem, request, sent_back};

#[tokio::test]
async fn a_request_from_nobody_known_sends_the_browser_nowhere() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    for change in [
        [("client_id", "")],
        [("client_id", "other")],
        [("redirect_uri", "")],
        [("redirect_uri", "https://127.0.0.1/cb")],
        [("redirect_uri", "http://example.com/cb")],
        [("redirect_uri", "http://127.0.0.1.example.com/cb")],
        [("redirect_uri", "http://user@127.0.0.1/cb")],
        [("redirect_uri", "http://127.0.0.1/cb#there")],
        [("redirect_uri", "javascript:alert(1)")],
        [("request_uri", "urn:ietf:params:oauth:request_uri:unknown")],
    ] {
        let reply = browser.authorize(&change).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (400, ""), "{change:?}");
        assert!(reply.text.contains("<h1>This sign-in cannot go on</h1>"), "{change:?}");
    }
    let twice = browser.get("/oauth/authorize?client_id=latchkey&client_id=other").await;
    assert_eq!(twice.status, 400);
}

#[tokio::test]
async fn any_port_and_path_of_this_machine_is_a_redirect_uri() {
    let world = World::new().await;
    for uri in [
        "http://127.0.0.1:1/",
        "http://127.0.0.1:65535/a/b?c=d",
        "http://[::1]:50000/cb",
        "http://localhost:3000/",
    ] {
        let reply = Browser::new(&world).authorize(&[("redirect_uri", uri)]).await;
        assert_eq!(reply.status, 200, "{uri}");
        let back = Browser::new(&world).fill_in(&reply, ALLOW).await;
        assert!(back.header("location").starts_with(uri), "{}", back.header("location"));
    }
}

#[tokio::test]
async fn what_the_client_did_wrong_is_told_to_the_client() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    for (change, error) in [
        ([("response_type", "")], "invalid_request"),
        ([("response_type", "token")], "unsupported_response_type"),
        ([("response_mode", "fragment")], "invalid_request"),
        ([("code_challenge", "")], "invalid_request"),
        ([("code_challenge", "too-short")], "invalid_request"),
        ([("code_challenge_method", "")], "invalid_request"),
        ([("code_challenge_method", "plain")], "invalid_request"),
        ([("scope", "rubbish")], "invalid_scope"),
        ([("prompt", "none login")], "invalid_request"),
        ([("max_age", "-1")], "invalid_request"),
        ([("dpop_jkt", "too-short")], "invalid_request"),
        ([("request", "a.b.c")], "request_not_supported"),
        ([("prompt", "none")], "login_required"),
    ] {
        let answer = sent_back(&browser.authorize(&change).await);
        assert_eq!(answer["error"], error, "{change:?}");
        assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), ("the state", world.server.issuer()));
        assert!(!answer["error_description"].is_empty() && !answer.contains_key("code"));
    }
}

#[tokio::test]
async fn denying_is_told_to_the_client_and_needs_no_password() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.authorize(&[]).await;
    let answer = sent_back(&browser.fill_in(&page, &[("action", "deny")]).await);
    assert_eq!((answer["error"].as_str(), answer["state"].as_str()), ("access_denied", "the state"));
    assert_eq!(browser.fill_in(&page, ALLOW).await.status, 400, "the page was used");
}

#[tokio::test]
async fn a_wrong_password_shows_the_page_again() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.authorize(&[]).await;
    for name in ["demo", "nobody"] {
        let again =
            browser.fill_in(&page, &[("username", name), ("password", "wrong"), ("action", "allow")]).await;
        assert_eq!(again.status, 403);
        assert!(again.text.contains("role=\"alert\"") && again.text.contains(&format!("value=\"{name}\"")));
        assert_eq!(browser.cookie, None);
    }
    assert!(sent_back(&browser.fill_in(&page, ALLOW).await).contains_key("code"));
}

#[tokio::test]
async fn a_page_left_open_for_too_long_is_told() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let page = browser.authorize(&[]).await;
    world.wait(600);
    let reply = browser.fill_in(&page, ALLOW).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("too old"));
}

#[tokio::test]
async fn a_second_sign_in_in_the_same_browser_needs_no_password() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let first = browser.sign_in(&[]).await;
    world.wait(100);
    for prompt in ["", "none"] {
        let answer = sent_back(&browser.authorize(&[("prompt", prompt)]).await);
        let tokens = redeem(&world, &answer["code"], &[]).await.json();
        assert_ne!(first["code"], answer["code"]);
        assert_eq!(claims(&tokens["id_token"])["auth_time"], 1_900_000_000, "when the password was entered");
    }
    assert_eq!(Browser::new(&world).authorize(&[]).await.status, 200, "another browser is not signed in");
    world.wait(8 * 3600);
    assert_eq!(browser.authorize(&[]).await.status, 200, "as long as a session, and no longer");
}

#[tokio::test]
async fn the_client_can_ask_for_the_password_or_a_decision_all_the_same() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    browser.sign_in(&[]).await;
    let old_cookie = browser.cookie.clone();
    world.wait(100);
    for change in [("prompt", "login"), ("prompt", "select_account"), ("max_age", "100"), ("max_age", "0")] {
        let page = browser.authorize(&[change]).await;
        assert_eq!(page.status, 200, "{change:?}");
        assert!(page.text.contains("name=\"password\""), "{change:?}");
        let without = browser.fill_in(&page, &[("action", "allow")]).await;
        assert_eq!(without.status, 200, "the cookie is not enough: {change:?}");
    }
    assert_eq!(
        sent_back(&browser.authorize(&[("prompt", "none"), ("max_age", "100")]).await)["error"],
        "login_required"
    );
    assert!(sent_back(&browser.authorize(&[("max_age", "101")]).await).contains_key("code"));

    let page = browser.authorize(&[("prompt", "consent")]).await;
    assert!(
        page.text.contains("Signed in as <strong>demo</strong>") && !page.text.contains("name=\"password\"")
    );
    assert!(sent_back(&browser.fill_in(&page, &[("action", "allow")]).await).contains_key("code"));

    let page = browser.authorize(&[("prompt", "login")]).await;
    let answer = sent_back(&browser.fill_in(&page, ALLOW).await);
    let tokens = redeem(&world, &answer["code"], &[]).await.json();
    assert_eq!(claims(&tokens["id_token"])["auth_time"], 1_900_000_100);
    assert_ne!(browser.cookie, old_cookie, "a sign-in brings a new cookie");
    browser.cookie = old_cookie;
    assert_eq!(browser.authorize(&[]).await.status, 200, "and the old one is void");
}

#[tokio::test]
async fn a_login_hint_is_written_in_and_stays_text() {
    let world = World::new().await;
    let page = Browser::new(&world).authorize(&[("login_hint", "\"><script>alert(1)</script>")]).await;
    assert!(page.text.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""), "{}", page.text);
    assert!(!page.text.contains("<script"));
}

#[tokio::test]
async fn a_request_may_be_posted_and_a_redirect_uri_keeps_its_query() {
    let world = World::new().await;
    let uri = "http://127.0.0.1:51234/callback?kept=yes";
    let form = request(&[("redirect_uri", uri)]);
    let page = Reply::of(world.client.request(Method::POST, "/oauth/authorize").form(&form)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let answer = sent_back(&Browser::new(&world).fill_in(&page, ALLOW).await);
    assert_eq!(answer["kept"], "yes");
    assert_eq!(redeem(&world, &answer["code"], &[("redirect_uri", uri)]).await.status, 200);
}

#[tokio::test]
async fn a_pushed_request_is_used_once_within_a_minute() {
    let world = World::new().await;
    let push = |form: std::collections::BTreeMap<String, String>| {
        Reply::of(world.client.request(Method::POST, "/oauth/par").form(&form))
    };
    let reference = async || {
        let reply = push(request(&[])).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.json()["expires_in"], 60);
        reply.json()["request_uri"].as_str().unwrap().to_owned()
    };
    let open = async |browser: &mut Browser, request_uri: &str, client_id: &str| {
        browser.get(&format!("/oauth/authorize?client_id={client_id}&request_uri={request_uri}")).await
    };
    let mut browser = Browser::new(&world);
    let request_uri = reference().await;
    assert!(request_uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    let page = open(&mut browser, &request_uri, "latchkey").await;
    let answer = sent_back(&browser.fill_in(&page, ALLOW).await);
    assert_eq!(answer["state"], "the state");
    assert_eq!(redeem(&world, &answer["code"], &[]).await.status, 200);
    assert_eq!(open(&mut browser, &request_uri, "latchkey").await.status, 400, "used");

    let late = reference().await;
    world.wait(60);
    assert_eq!(open(&mut browser, &late, "latchkey").await.status, 400, "expired");
    let foreign = reference().await;
    assert_eq!(open(&mut browser, &foreign, "other").await.status, 400, "of another client");

    for (change, status, error) in [
        (("client_id", "other"), 401, "invalid_client"),
        (("request_uri", "urn:x"), 400, "invalid_request"),
        (("redirect_uri", "http://example.com/"), 400, "invalid_request"),
        (("code_challenge", ""), 400, "invalid_request"),
        (("scope", "rubbish"), 400, "invalid_scope"),
    ] {
        push(request(&[change])).await.refusal(status, error);
    }
}

#[tokio::test]
async fn a_form_that_another_page_sent_is_not_taken() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    browser.sign_in(&[]).await;
    let url = world.server.url().to_owned();
    let page = browser.authorize(&[("prompt", "consent")]).await;
    let interaction = super::parties::between(&page.text, "name=\"interaction\" value=\"", "\"").to_owned();
    for (origin, status) in
        [("http://127.0.0.1:1", 403), ("null", 403), ("https://example.com", 403), (url.as_str(), 302)]
    {
        let request = world.client.request(Method::POST, "/oauth/authorize").header("origin", origin);
        let form = json!({ "interaction": interaction, "action": "allow" });
        assert_eq!(browser.send(request.form(&form)).await.status, status, "{origin}");
    }
    for path in ["/device", "/oauth/end_session"] {
        let request = world.client.request(Method::POST, path).header("origin", "null");
        assert_eq!(browser.send(request.form(&[("action", "allow")])).await.status, 403, "{path}");
    }
}
