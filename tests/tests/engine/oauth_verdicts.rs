//! What an authorization server says when it gives no tokens: which words end a session, which are waited out, and that
//! none of them can do harm where they are shown.

use latchkey_engine::sign_in::SignIn;
use latchkey_engine::snapshot::SessionStatus;
use latchkey_tests::bad_provider::{CLIENT_ID, Endpoint, Refresh, Settings};
use latchkey_tests::engine_world::{guarded, reason};
use latchkey_tests::oauth_world::{Does, OauthEngine, OauthWorld, visit};
use serde_json::json;

const JSON: &str = "application/json";
const HTML: &str = "text/html";
const PAGE: &str = "<!DOCTYPE html><html><body>Blocked. Reference 0x1b</body></html>";

/// Escape sequences, line ends, markup and letters that turn the direction of reading.
const HOSTILE: &str = "bad\u{1b}[2J\r\n<script>alert(1)</script>\u{202e}";

fn told(status: &SessionStatus) -> (&str, &str) {
    (status.state.as_str(), reason(status))
}

/// Renews once in vain; afterwards the token is there as before and the next renewal succeeds.
async fn waits(world: &OauthWorld, engine: &OauthEngine, answer: (u16, &str, &str), code: &str) {
    let before = world.stored_secrets().await;
    world.provider.answer_next(Endpoint::Token, answer.0, answer.1, answer.2);
    assert_eq!(engine.renews().await.unwrap_err().code(), "not_now", "{answer:?}");
    assert_eq!(told(&engine.now().await), ("waiting", code), "{answer:?}");
    assert!(world.stored_secrets().await == before, "{answer:?}");
    assert!(engine.token_at_once().await.is_ok(), "{answer:?}");
    assert_eq!(engine.renews().await.unwrap().state, "signed_in", "{answer:?}");
}

#[tokio::test]
async fn a_client_that_is_not_known_is_the_developers_business_and_keeps_the_session() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    for (status, error) in
        [(400, "invalid_client"), (401, "invalid_client"), (400, "unauthorized_client"), (404, "not_found")]
    {
        let body = json!({ "error": error }).to_string();
        waits(&world, &engine, (status, JSON, &body), "misconfigured").await;
    }
    waits(&world, &engine, (404, HTML, PAGE), "misconfigured").await;
    assert!(world.notices.all().is_empty());
}

#[tokio::test]
async fn what_does_not_suit_the_server_says_nothing_of_the_token_and_keeps_the_session() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    // RFC 6749 §5.2, RFC 8707 §2 and RFC 9449 §5 have words for it; RFC 9110 §15.5 has statuses.
    for error in ["unsupported_grant_type", "invalid_target", "invalid_dpop_proof"] {
        let body = json!({ "error": error }).to_string();
        waits(&world, &engine, (400, JSON, &body), "misconfigured").await;
    }
    for status in [405, 410, 415] {
        waits(&world, &engine, (status, JSON, ""), "misconfigured").await;
    }
    let body = json!({ "error": "unsupported_grant_type" }).to_string();
    world.provider.answer_next(Endpoint::Token, 400, JSON, &body);
    engine.renews().await.unwrap_err();
    let told = engine.now().await.reason.unwrap().message;
    assert!(told.contains("unsupported_grant_type") && told.contains("Your session is kept"), "{told}");
}

#[tokio::test]
async fn what_stands_between_here_and_the_server_is_waited_out_whatever_its_status() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    for status in [200, 401, 403, 407] {
        waits(&world, &engine, (status, HTML, PAGE), "not_the_provider").await;
    }
    for status in [408, 425, 429, 500, 502, 503, 504] {
        waits(&world, &engine, (status, HTML, PAGE), "provider_busy").await;
    }
    let refused = json!({ "error": "invalid_grant" }).to_string();
    waits(&world, &engine, (503, JSON, &refused), "provider_busy").await;
    waits(&world, &engine, (401, JSON, ""), "unclear_refusal").await;
    assert!(world.notices.all().is_empty());
}

#[tokio::test]
async fn a_refusal_counts_with_the_status_of_a_success_too_and_is_told_once() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    world.provider.misbehave(Refresh::VerdictWithOk);
    assert_eq!(engine.renews().await.unwrap_err().code(), "sign_in_needed");
    assert_eq!(told(&engine.now().await), ("needs_sign_in", "refused"));
    assert!(engine.renews().await.is_err());
    assert_eq!((world.provider.refreshes(), world.notices.all().len()), (1, 1));
}

#[tokio::test]
async fn a_grant_that_an_administrator_ended_needs_a_sign_in_which_brings_the_session_back() {
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;
    world.provider.revoke_everything();
    assert_eq!(engine.renews().await.unwrap_err().code(), "sign_in_needed");
    engine.handle.close().await;
    let again = world.engine();
    assert_eq!(told(&again.now().await), ("needs_sign_in", "refused"), "also for the next process");
    assert_eq!(again.signs_in().await.unwrap().state, "signed_in");
    assert!(again.renews().await.is_ok());
}

#[tokio::test]
async fn a_server_that_has_nowhere_to_be_told_of_a_sign_out_is_not_said_to_know() {
    let world = OauthWorld::whose_account_says(Settings::default(), |issuer| {
        format!(
            "client_id = \"{CLIENT_ID}\"\nscope = \"profile\"\n[accounts.work.endpoints]\n\
             authorization = \"{issuer}/authorize\"\ntoken = \"{issuer}/token\""
        )
    })
    .await;
    let engine = world.signed_in().await;
    assert_eq!(engine.signs_out().await.unwrap().state, "signed_out");
    let said = || world.logged().into_iter().filter(|kind| kind.ends_with("revoked")).collect::<Vec<_>>();
    guarded("what is said", async {
        while said().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(said(), ["not_revoked"]);
    assert!(world.stored().await.is_none());
}

#[tokio::test]
async fn hostile_words_do_no_harm_wherever_they_are_shown() {
    let harmless = |text: &str| {
        assert!(text.contains("bad"), "{text}");
        assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
    };
    let world = OauthWorld::new().await;
    let engine = world.signed_in().await;

    // In the browser's answer: on the last page as well.
    world.browser.does(Does::Idle);
    let ending = engine.begins(SignIn::Browser);
    engine.prompt().await;
    let mut back = world.browser.answer_to(&world.browser.opened().await).await;
    let kept: Vec<_> = back.query_pairs().into_owned().filter(|(name, _)| name != "code").collect();
    back.query_pairs_mut()
        .clear()
        .extend_pairs(kept)
        .append_pair("error", "server_error")
        .append_pair("error_description", HOSTILE);
    let sent_on = visit(&back).await.unwrap();
    let page = visit(&sent_on.location.unwrap()).await.unwrap();
    harmless(&page.text);
    assert!(!page.text.contains("<script"), "{}", page.text);
    let error = guarded("the sign-in", ending).await.unwrap().unwrap_err();
    assert_eq!(error.code(), "sign_in_refused");
    harmless(&error.to_string());

    // In a refusal of the token endpoint.
    let body = json!({ "error": "invalid_grant", "error_description": HOSTILE }).to_string();
    world.provider.answer_next(Endpoint::Token, 400, JSON, &body);
    harmless(&engine.renews().await.unwrap_err().to_string());
    harmless(&engine.now().await.reason.unwrap().message);
}

#[tokio::test]
async fn a_code_is_sent_once_whatever_the_token_endpoint_says() {
    let refused = json!({ "error": "invalid_grant" }).to_string();
    for (answer, code) in [
        ((400, JSON, refused.as_str()), "sign_in_refused"),
        ((200, HTML, PAGE), "backend_answered_oddly"),
        ((503, JSON, refused.as_str()), "backend_answered_oddly"),
        ((200, JSON, ""), "backend_answered_oddly"),
        ((200, JSON, r#"{"access_token":"LKCANARY-at"#), "backend_answered_oddly"),
    ] {
        let world = OauthWorld::new().await;
        world.provider.answer_next(Endpoint::Token, answer.0, answer.1, answer.2);
        let engine = world.engine();
        assert_eq!(engine.signs_in().await.unwrap_err().code(), code, "{answer:?}");
        assert_eq!(world.provider.count(Endpoint::Token), 1, "{answer:?}");
        assert!(world.stored().await.is_none(), "{answer:?}");
        assert!(!world.browser.last_page().await.text.contains("You are signed in"), "{answer:?}");
        assert_eq!(engine.now().await.state, "signed_out", "{answer:?}");
    }
}

#[tokio::test]
async fn the_words_of_github_and_slack_are_understood_though_they_come_with_status_200() {
    for (error, (state, code)) in [
        ("bad_refresh_token", ("needs_sign_in", "refused")),
        ("invalid_refresh_token", ("needs_sign_in", "refused")),
        ("incorrect_client_credentials", ("waiting", "misconfigured")),
    ] {
        let world = OauthWorld::new().await;
        let engine = world.signed_in().await;
        let body = json!({ "error": error, "error_description": "The refresh token passed is incorrect or expired." });
        world.provider.answer_next(Endpoint::Token, 200, JSON, &body.to_string());
        engine.renews().await.unwrap_err();
        assert_eq!(told(&engine.now().await), (state, code), "{error}");
    }
}
