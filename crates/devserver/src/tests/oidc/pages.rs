//! What every page has in common.

use reqwest::Method;

use super::super::client::{Reply, World};
use super::parties::{ALLOW, Browser};

/// Every page there is, with a name for it.
async fn every_page(world: &World) -> Vec<(&'static str, Reply)> {
    let form = [("client_id", "latchkey")];
    let device = async || {
        let begun = world.client.request(Method::POST, "/oauth/device_authorization").form(&form);
        format!("/device?user_code={}", Reply::of(begun).await.json()["user_code"].as_str().unwrap())
    };
    let (allowed, denied) = (device().await, device().await);
    let mut browser = Browser::new(world);
    let sign_in = browser.authorize(&[]).await;
    let wrong =
        browser.fill_in(&sign_in, &[("username", "<b>"), ("password", "x"), ("action", "allow")]).await;
    let connect = browser.get(&allowed).await;
    let connected = browser.fill_in(&connect, ALLOW).await;
    let consent = browser.authorize(&[("prompt", "consent")]).await;
    let connect_denied = browser.get(&denied).await;
    let not_connected = browser.fill_in(&connect_denied, &[("action", "deny")]).await;
    let sign_out = browser.get("/oauth/end_session").await;
    let stayed = browser.fill_in(&sign_out, &[("action", "deny")]).await;
    let signed_out = browser.fill_in(&sign_out, &[("action", "allow")]).await;
    vec![
        ("sign in", sign_in),
        ("wrong password", wrong),
        ("consent", consent),
        ("dead end", browser.authorize(&[("client_id", "<script>")]).await),
        ("user code", browser.get("/device").await),
        ("unknown user code", browser.get("/device?user_code=<script>").await),
        ("connect", connect),
        ("connected", connected),
        ("not connected", not_connected),
        ("sign out", sign_out),
        ("stayed", stayed),
        ("signed out", signed_out),
        ("sign-out dead end", browser.get("/oauth/end_session?id_token_hint=<script>").await),
    ]
}

#[tokio::test]
async fn no_page_has_a_script_or_anything_from_elsewhere() {
    let world = World::new().await;
    for (name, page) in every_page(&world).await {
        let html = page.text.to_lowercase();
        assert!(html.starts_with("<!doctype html>") && html.contains("<main>"), "{name}: {html}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{name}");
        for unwanted in
            ["<script", "javascript:", " onload", " onclick", " on", "<iframe", "<img", "<link", "url("]
        {
            let in_tag = unwanted == " on";
            let found = if in_tag {
                html.split('<').any(|tag| tag.split('>').next().unwrap().contains(" on"))
            } else {
                html.contains(unwanted)
            };
            assert!(!found, "{name}: {unwanted}");
        }
        assert!(!html.contains("http://") && !html.contains("https://"), "{name}: leads elsewhere");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{name}: {policy}");
        for part in ["form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{name}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{name}: {policy}");
        assert_eq!(page.header("cache-control"), "no-store", "{name}");
        assert!(html.contains("color-scheme"), "{name}: light and dark");
    }
}

#[tokio::test]
async fn the_policy_lets_the_style_of_the_page_in() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let world = World::new().await;
    let page = Browser::new(&world).authorize(&[]).await;
    let style = super::parties::between(&page.text, "<style>", "</style>");
    let hash = STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, style.as_bytes()));
    let policy = page.header("content-security-policy");
    assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{policy}");
    assert!(policy.contains("form-action 'self' http://127.0.0.1:51234;"), "{policy}");
}

#[tokio::test]
async fn the_sign_in_page_says_who_one_can_be_and_shows_only_the_password_everyone_knows() {
    let world = World::with(|options| {
        options.users.push(crate::User {
            username: "ada".into(),
            email: "ada@example.com".into(),
            name: "Ada".into(),
            password: "canary".into(),
        });
    })
    .await;
    let page = Browser::new(&world).authorize(&[]).await;
    assert!(page.text.contains("demo with the password demo, or ada"), "{}", page.text);
    assert!(!page.text.contains("canary"));
    for label in ["for=\"username\"", "for=\"password\"", "autocomplete=\"current-password\""] {
        assert!(page.text.contains(label), "{label}");
    }
}
