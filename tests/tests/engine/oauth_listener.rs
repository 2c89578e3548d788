//! The listener to which the browser comes back: whoever else finds it gets nothing and stops nobody.

use latchkey_engine::EngineError;
use latchkey_engine::config::Url;
use latchkey_engine::sign_in::SignIn;
use latchkey_engine::snapshot::SessionStatus;
use latchkey_tests::address::Address;
use latchkey_tests::bad_provider::{Authorization, Endpoint, Settings};
use latchkey_tests::engine_world::guarded;
use latchkey_tests::oauth_world::{Does, OauthEngine, OauthWorld, visit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A sign-in that waits for the browser.
struct Waits {
    world: OauthWorld,
    engine: OauthEngine,
    /// The right answer.
    back: Url,
    ending: tokio::task::JoinHandle<Result<SessionStatus, EngineError>>,
}

impl Waits {
    async fn new() -> Self {
        Self::with("").await
    }

    async fn with(keys: &str) -> Self {
        let world = OauthWorld::with(Settings::default(), keys).await;
        world.browser.does(Does::Idle);
        let engine = world.engine();
        let ending = engine.begins(SignIn::Browser);
        engine.prompt().await;
        let back = world.browser.answer_to(&world.browser.opened().await).await;
        Self { world, engine, back, ending }
    }

    fn address(&self) -> String {
        format!("{}:{}", self.back.host_str().unwrap(), self.back.port().unwrap())
    }

    /// The answer with another query.
    fn with_query(&self, change: impl Fn(&str) -> String) -> Url {
        let mut url = self.back.clone();
        let query = change(url.query().unwrap());
        url.set_query(Some(&query));
        url
    }

    /// Sends these bytes and reads to the end; `ADDRESS` and `TARGET` are filled in.
    async fn says(&self, bytes: &str) -> String {
        let target = format!("{}?{}", self.back.path(), self.back.query().unwrap());
        let bytes = bytes.replace("ADDRESS", &self.address()).replace("TARGET", &target);
        let mut stream = TcpStream::connect(self.address()).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = guarded("an answer", stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The genuine browser comes back.
    async fn succeeds(self) -> OauthWorld {
        let seen = visit(&self.back).await.unwrap();
        assert_eq!(seen.status, 303);
        assert_eq!(guarded("the sign-in", self.ending).await.unwrap().unwrap().state, "signed_in");
        assert_eq!(self.world.provider.count(Endpoint::Token), 1, "one redemption");
        self.world
    }
}

#[tokio::test]
async fn a_name_that_was_turned_into_this_machine_is_not_ours() {
    let waits = Waits::new().await;
    let port = waits.back.port().unwrap();
    for host in [
        "Host: evil.example\r\n".to_owned(),
        String::new(),
        format!("Host: localhost:{port}\r\n"),
        "Host: 127.0.0.1\r\n".to_owned(),
        "Host: 127.0.0.1:1\r\n".to_owned(),
        format!("Host: 127.0.0.1:{port}.evil.example\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n"),
    ] {
        let answer = waits.says(&format!("GET TARGET HTTP/1.1\r\n{host}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403") || answer.starts_with("HTTP/1.1 400"), "{host}: {answer}");
    }
    waits.succeeds().await;
}

#[tokio::test]
async fn one_method_and_one_path_and_nothing_else() {
    let waits = Waits::new().await;
    for (request, status) in [
        ("POST TARGET HTTP/1.1\r\nHost: ADDRESS\r\ncontent-length: 0\r\n\r\n", "405"),
        ("PUT TARGET HTTP/1.1\r\nHost: ADDRESS\r\ncontent-length: 0\r\n\r\n", "405"),
        ("OPTIONS TARGET HTTP/1.1\r\nHost: ADDRESS\r\n\r\n", "405"),
        ("HEAD TARGET HTTP/1.1\r\nHost: ADDRESS\r\n\r\n", "405"),
        ("CONNECT ADDRESS HTTP/1.1\r\nHost: ADDRESS\r\n\r\n", "404"),
        ("GET /favicon.ico HTTP/1.1\r\nHost: ADDRESS\r\n\r\n", "404"),
        ("GET / HTTP/1.1\r\nHost: ADDRESS\r\n\r\n", "404"),
        ("GET /callback/ HTTP/1.1\r\nHost: ADDRESS\r\n\r\n", "404"),
        ("GET /exit HTTP/1.1\r\nHost: ADDRESS\r\n\r\n", "404"),
        ("GET /callback/done HTTP/1.1\r\nHost: ADDRESS\r\n\r\n", "400"),
        ("GET /callback HTTP/1.1\r\nHost: ADDRESS\r\n\r\n", "400"),
        ("GET TARGET\r\n\r\n", ""),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""),
    ] {
        let answer = waits.says(request).await;
        let fits = answer.starts_with(&format!("HTTP/1.1 {status}"))
            || status.is_empty() && !answer.contains(" 200");
        assert!(fits, "{request}: {answer}");
    }
    let long = format!("GET TARGET HTTP/1.1\r\nHost: ADDRESS\r\nx: {}\r\n\r\n", "a".repeat(64 * 1024));
    let answer = waits.says(&long).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    waits.succeeds().await;
}

#[tokio::test]
async fn without_the_right_state_nothing_counts_and_the_sign_in_goes_on() {
    let waits = Waits::new().await;
    let state = waits.back.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    for query in [
        "error=access_denied".to_owned(),
        "error=access_denied&state=guess".to_owned(),
        "code=injected".to_owned(),
        "code=injected&state=guess".to_owned(),
        format!("code=injected&state={state}&state=guess"),
        format!("code=a&code=b&state={state}"),
    ] {
        let seen = visit(&waits.with_query(|_| query.clone())).await.unwrap();
        assert_eq!(seen.status, 400, "{query}");
        assert!(!waits.ending.is_finished());
    }
    waits.succeeds().await;
}

#[tokio::test]
async fn states_that_the_provider_gets_wrong_are_no_answers() {
    for fault in [
        Authorization::StateWrong,
        Authorization::StateMissing,
        Authorization::StateTwice,
        Authorization::DeniedStateWrong,
    ] {
        let world = OauthWorld::new().await;
        world.provider.misbehave(fault);
        let engine = world.engine();
        let ending = engine.begins(SignIn::Browser);
        assert_eq!(world.browser.last_page().await.status, 400, "{}", fault.name());
        assert!(!ending.is_finished() && world.provider.count(Endpoint::Token) == 0, "{}", fault.name());
        engine.gives_up();
        assert_eq!(ending.await.unwrap().unwrap_err().code(), "cancelled");
    }
}

#[tokio::test]
async fn a_page_that_is_loaded_twice_is_redeemed_once_and_another_code_is_not() {
    let waits = Waits::new().await;
    let (first, second) = tokio::join!(visit(&waits.back), visit(&waits.back));
    assert_eq!((first.unwrap().status, second.unwrap().status), (303, 303));
    let injected = waits.with_query(|query| query.replacen("code=", "code=x", 1));
    let _ = visit(&injected).await;
    assert_eq!(waits.ending.await.unwrap().unwrap().state, "signed_in");
    assert_eq!(waits.world.provider.count(Endpoint::Token), 1);
    assert_eq!(waits.engine.renews().await.unwrap().generation, 2, "the provider saw no second use");
}

#[tokio::test]
async fn neither_a_thousand_connections_nor_slow_ones_keep_the_browser_out() {
    let waits = Waits::new().await;
    let mut held = Vec::new();
    for number in 0..1000 {
        let mut stream = guarded("a connection", TcpStream::connect(waits.address())).await.unwrap();
        if number % 2 == 0 {
            let _ = stream.write_all(b"GET /callback?co").await;
        }
        held.push(stream);
    }
    waits.succeeds().await;
    drop(held);
}

#[tokio::test]
async fn what_the_browser_is_shown_runs_nothing_and_tells_nobody() {
    let waits = Waits::new().await;
    let seen = visit(&waits.back).await.unwrap();
    let last = visit(&seen.location.clone().unwrap()).await.unwrap();
    assert_eq!((last.status, last.url.query()), (200, None));
    for page in [&seen, &last] {
        let header = |name: &str| {
            page.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
        };
        assert!(header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!((header("referrer-policy"), header("cache-control")), ("no-referrer", "no-store"));
        assert!(!page.text.contains("<script") && header("access-control-allow-origin").is_empty());
    }
    assert!(last.text.contains("You are signed in"));
    waits.ending.await.unwrap().unwrap();
}

#[tokio::test]
async fn it_listens_on_this_machine_alone_and_where_the_account_says() {
    let waits = Waits::with("redirect_path = \"/oauth/back\"").await;
    assert_eq!((waits.back.host_str(), waits.back.path()), (Some("127.0.0.1"), "/oauth/back"));
    waits.succeeds().await;
    let waits = Waits::with("redirect_host = \"localhost\"\nredirect_path = \"/\"").await;
    assert_eq!((waits.back.host_str(), waits.back.path()), (Some("localhost"), "/"));
    waits.succeeds().await;
}

#[tokio::test]
async fn a_fixed_port_that_is_taken_is_named() {
    // Nobody else gets the port while it is free in between.
    let address = Address::of_its_own();
    let taken = tokio::net::TcpListener::bind(address.at()).await.unwrap();
    let port = address.at().port();
    let world = OauthWorld::with(Settings::default(), &format!("redirect_port = {port}")).await;
    let error = world.engine().signs_in().await.unwrap_err();
    assert!(error.code() == "port_taken" && error.to_string().contains(&port.to_string()), "{error}");
    drop(taken);
    assert_eq!(world.engine().signs_in().await.unwrap().state, "signed_in");
}

#[tokio::test]
async fn two_sign_ins_at_once_know_nothing_of_each_other() {
    let (one, other) = (Waits::new().await, Waits::new().await);
    // An answer that is delivered to the other's listener is not the other's.
    let mut crossed = one.back.clone();
    crossed.set_port(other.back.port()).unwrap();
    assert_eq!(visit(&crossed).await.unwrap().status, 400);
    let (one, other) = (one.succeeds().await, other.succeeds().await);
    assert!(one.stored_refresh_token().await != other.stored_refresh_token().await);
}
