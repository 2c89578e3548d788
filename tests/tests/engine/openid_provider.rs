//! The real provider and the scripted browser do what tests rely on.

use std::time::Duration;

use latchkey_tests::openid_provider::{AccessTokens, OpFault, OpenIdProvider, Settings, Support};
use latchkey_tests::scripted_browser::{Arrival, Person, ScriptedBrowser};
use reqwest::Url;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::plain_client::{PlainClient, ProofKey, REDIRECT_URI, Reply, claims, part, query, sha256};

const SCOPE: &str = "openid offline_access profile email roles";

fn alice() -> ScriptedBrowser {
    ScriptedBrowser::of(Person::who_allows("alice", "secret"))
}

/// A token reply, by way of the browser.
async fn signed_in(provider: &OpenIdProvider) -> (PlainClient, Reply) {
    let client = PlainClient::discover(provider.issuer()).await;
    let (parameters, verifier) = PlainClient::request(SCOPE);
    let callback = alice().callback(&client.authorization_url(&parameters)).await;
    assert!(callback.as_str().starts_with(REDIRECT_URI), "{callback}");
    assert_eq!(query(&callback, "state").as_deref(), Some("the-state"));
    assert_eq!(query(&callback, "iss").as_deref(), Some(provider.issuer()));
    let reply = client.redeem(&query(&callback, "code").unwrap(), &verifier).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    (client, reply)
}

#[tokio::test]
async fn a_code_becomes_tokens_and_each_refresh_rotates() {
    let provider = OpenIdProvider::start(&Settings::default());
    let (client, first) = signed_in(&provider).await;
    assert_eq!(first.json()["expires_in"], 60);
    let id = claims(&first.text_of("id_token"));
    assert_eq!((&id["sub"], &id["nonce"]), (&json!("alice"), &json!("the-nonce")));
    let about = client.user_info(&format!("Bearer {}", first.text_of("access_token"))).await.json();
    assert_eq!((&about["name"], &about["email"]), (&json!("User alice"), &json!("alice@example.test")));
    assert_eq!(about["realm_access"]["roles"], json!(["user", "editor"]));

    let spent = first.text_of("refresh_token");
    let second = client.refresh(&spent).await;
    assert_ne!(second.text_of("refresh_token"), spent);
    assert_eq!(provider.refreshes(), 1);

    // Reuse takes the family with it; only the server's own record says why.
    assert_eq!(client.refresh(&spent).await.text_of("error"), "invalid_grant");
    assert_eq!(client.refresh(&second.text_of("refresh_token")).await.status, 400);
    assert_eq!(provider.refusals()[0], "refresh token already used");
    assert_eq!((provider.refreshes(), provider.requests("/token")), (1, 4));
}

#[tokio::test]
async fn settings_change_the_server() {
    let provider = OpenIdProvider::start(&Settings {
        access_lifetime: Duration::from_secs(7),
        rotate: false,
        access_tokens: AccessTokens::Jwt,
        id_token_algorithm: "ES256",
        device: false,
        redirect_paths: vec!["/elsewhere".to_owned()],
        ..Settings::default()
    });
    let client = PlainClient::discover(provider.issuer()).await;
    assert!(client.metadata["device_authorization_endpoint"].is_null());
    let (parameters, _) = PlainClient::request(SCOPE);
    let refused = alice().browse(&client.authorization_url(&parameters), None).await.page();
    assert_eq!(refused.status, 400, "a path that is not registered is answered with a page");

    provider.register_redirect_path("/callback");
    let (client, reply) = signed_in(&provider).await;
    assert_eq!(reply.json()["expires_in"], 7);
    assert_eq!(part(&reply.text_of("id_token"), 0)["alg"], "ES256");
    let access = reply.text_of("access_token");
    assert_eq!(part(&access, 0)["typ"], "at+jwt");
    assert_eq!(claims(&access)["realm_access"]["roles"][1], "editor");
    assert_eq!(client.user_info(&format!("Bearer {access}")).await.status, 401, "bound to a resource");
    let kept = reply.text_of("refresh_token");
    assert_eq!(client.refresh(&kept).await.text_of("refresh_token"), kept);
}

#[tokio::test]
async fn faults_strike_as_often_as_planned() {
    let provider = OpenIdProvider::start(&Settings::default());
    let (client, reply) = signed_in(&provider).await;
    let token = reply.text_of("refresh_token");

    provider.fault(&OpFault::retry_after("/token", 503, 2).times(2));
    for _ in 0..2 {
        let refused = client.refresh(&token).await;
        assert_eq!((refused.status, refused.header("retry-after").as_str()), (503, "2"));
    }
    provider.fault(&OpFault::html("/token"));
    assert!(client.refresh(&token).await.text.contains("guest network"));
    provider.fault(&OpFault::body("/token", 401, ""));
    assert_eq!(client.refresh(&token).await.status, 401);
    provider.fault(&OpFault::cut("/token"));
    assert!(client.try_refresh(&token).await.is_none());
    assert_eq!(provider.refreshes(), 0, "none of these spends the token");

    provider.fault(&OpFault::delay("/token", Duration::from_millis(1)));
    let renewed = client.refresh(&token).await;
    assert_eq!((renewed.status, provider.refreshes()), (200, 1));
    provider.fault(&OpFault::drop_reply("/token"));
    assert!(client.try_refresh(&renewed.text_of("refresh_token")).await.is_none());
    assert_eq!(provider.refreshes(), 2, "spent, and nobody was told");

    provider.fault(&OpFault::status("/me", 500).always());
    provider.clear_faults();
    assert_eq!(client.user_info("Bearer nonsense").await.status, 401);
}

#[tokio::test]
async fn a_person_may_refuse() {
    let provider = OpenIdProvider::start(&Settings::default());
    let client = PlainClient::discover(provider.issuer()).await;
    let (parameters, _) = PlainClient::request(SCOPE);
    let mut browser = ScriptedBrowser::of(Person::who_denies("alice", "secret"));
    let callback = browser.callback(&client.authorization_url(&parameters)).await;
    assert_eq!(query(&callback, "error").as_deref(), Some("access_denied"));
    assert_eq!(query(&callback, "state").as_deref(), Some("the-state"));
}

/// Answers one request after the other, each on a connection of its own, with these; gives back what was asked.
async fn listener(answers: Vec<String>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let listening = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut head, mut buffer) = (String::new(), [0; 4096]);
            while !head.contains("\r\n\r\n") {
                let count = stream.read(&mut buffer).await.unwrap();
                head.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            }
            asked.push(head);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        asked
    });
    (port, listening)
}

#[tokio::test]
async fn a_callback_is_delivered_to_whoever_listens() {
    let provider = OpenIdProvider::start(&Settings::default());
    let client = PlainClient::discover(provider.issuer()).await;
    let end = "Content-Length: 4\r\nConnection: close\r\n\r\ndone";
    let answers = [
        format!("HTTP/1.1 303 See Other\r\nLocation: /signed-in\r\n{end}"),
        format!("HTTP/1.1 200 OK\r\n{end}"),
    ];
    let (port, listening) = listener(answers.to_vec()).await;
    let (mut parameters, _) = PlainClient::request(SCOPE);
    let uri = format!("http://127.0.0.1:{port}/callback");
    parameters
        .iter_mut()
        .filter(|(name, _)| *name == "redirect_uri")
        .for_each(|(_, old)| old.clone_from(&uri));
    let page = alice().sign_in(&client.authorization_url(&parameters)).await;
    assert_eq!((page.status, page.url.path(), page.text.as_str()), (200, "/signed-in", "done"));
    let asked = listening.await.unwrap();
    assert!(asked[0].starts_with("GET /callback?code="), "{asked:?}");
    assert!(asked[0].contains(&format!("host: 127.0.0.1:{port}\r\n")), "{asked:?}");
}

#[tokio::test]
async fn it_ends_with_whoever_started_it() {
    let provider = OpenIdProvider::start(&Settings::default());
    let address = provider.issuer().trim_start_matches("http://").to_owned();
    assert!(TcpStream::connect(&address).await.is_ok());
    drop(provider);
    assert!(TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn a_device_is_allowed_or_denied() {
    let provider = OpenIdProvider::start(&Settings::default());
    let client = PlainClient::discover(provider.issuer()).await;
    for (person, outcome) in [
        (Person::who_allows("alice", "secret"), None),
        (Person::who_denies("alice", "secret"), Some("access_denied")),
    ] {
        for complete in [false, true] {
            let asked = [("client_id", "latchkey"), ("scope", SCOPE)];
            let device = client.post("device_authorization_endpoint", &asked, None).await.unwrap();
            let code = device.text_of("device_code");
            assert_eq!(client.poll(&code).await.text_of("error"), "authorization_pending");
            let wrong = alice().enter_device_code(&device.text_of("verification_uri"), "WRON-GONE").await;
            assert!(wrong.text.contains("incorrect"), "{wrong:?}");
            let uri = if complete { "verification_uri_complete" } else { "verification_uri" };
            let mut browser = ScriptedBrowser::of(person.clone());
            browser.enter_device_code(&device.text_of(uri), &device.text_of("user_code")).await;
            let reply = client.poll(&code).await;
            match outcome {
                None => assert_eq!(claims(&reply.text_of("id_token"))["sub"], "alice", "{reply:?}"),
                Some(error) => assert_eq!(reply.text_of("error"), error),
            }
        }
    }
}

#[tokio::test]
async fn a_sign_out_is_confirmed_and_comes_back() {
    let provider = OpenIdProvider::start(&Settings::default());
    let client = PlainClient::discover(provider.issuer()).await;
    let (parameters, verifier) = PlainClient::request(SCOPE);
    let mut browser = alice();
    let callback = browser.callback(&client.authorization_url(&parameters)).await;
    let reply = client.redeem(&query(&callback, "code").unwrap(), &verifier).await;
    let back = [
        ("id_token_hint", reply.text_of("id_token")),
        ("post_logout_redirect_uri", "http://127.0.0.1:9/signed-out".to_owned()),
        ("state", "bye".to_owned()),
    ];
    let url = Url::parse_with_params(&client.endpoint("end_session_endpoint"), &back).unwrap();
    let Arrival::Elsewhere(landing) = browser.end_session(url.as_str()).await else { panic!("no redirect") };
    assert_eq!(landing.as_str(), "http://127.0.0.1:9/signed-out?state=bye");
    assert!(provider.events().iter().any(|event| event.event == "end_session.success"));

    // The refresh token outlives the sign-out; only its revocation ends it.
    let renewed = client.refresh(&reply.text_of("refresh_token")).await;
    assert_eq!(renewed.status, 200);
    let token = renewed.text_of("refresh_token");
    let parameters = [("client_id", "latchkey"), ("token", token.as_str())];
    assert_eq!(client.post("revocation_endpoint", &parameters, None).await.unwrap().status, 200);
    assert_eq!(client.refresh(&token).await.text_of("error"), "invalid_grant");
}

#[tokio::test]
async fn pushed_requests_and_proofs_may_be_required() {
    let settings = Settings { par: Support::Required, dpop: Support::Required, ..Settings::default() };
    let provider = OpenIdProvider::start(&settings);
    let client = PlainClient::discover(provider.issuer()).await;
    let (parameters, verifier) = PlainClient::request(SCOPE);
    let pushed = client.post("pushed_authorization_request_endpoint", &parameters, None).await.unwrap();
    assert_eq!(pushed.status, 201, "{pushed:?}");
    let request = [("client_id", "latchkey".to_owned()), ("request_uri", pushed.text_of("request_uri"))];
    let callback = alice().callback(&client.authorization_url(&request)).await;

    let key = ProofKey::new();
    let token_endpoint = client.endpoint("token_endpoint");
    let code = query(&callback, "code").unwrap();
    assert_eq!(client.redeem(&code, &verifier).await.status, 400, "without a proof");
    let proof = key.proof("POST", &token_endpoint, &json!({}));
    let reply = client.redeem_with(&code, &verifier, Some(proof)).await;
    assert_eq!(reply.text_of("token_type"), "DPoP", "{reply:?}");

    let access = reply.text_of("access_token");
    let proof = key.proof("GET", &client.endpoint("userinfo_endpoint"), &json!({ "ath": sha256(&access) }));
    let request = client.http.get(client.endpoint("userinfo_endpoint"));
    let request = request.header("authorization", format!("DPoP {access}")).header("dpop", proof);
    assert_eq!(request.send().await.unwrap().status(), 200);

    let refresh = reply.text_of("refresh_token");
    let other = ProofKey::new().proof("POST", &token_endpoint, &json!({}));
    assert_eq!(client.refresh_with(&refresh, Some(other)).await.unwrap().status, 400);
    let same = key.proof("POST", &token_endpoint, &json!({}));
    assert_eq!(client.refresh_with(&refresh, Some(same)).await.unwrap().status, 200);
}
