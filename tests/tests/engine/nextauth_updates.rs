//! Sessions that change at the provider: read again when an answer asks for it, changed from here, told to everyone.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::SignedDuration;
use latchkey_core::reason::VaultProblem;
use latchkey_core::secret::Secret;
use latchkey_devserver::{Fault, FaultMode, SITE_SECRET};
use latchkey_engine::http::{Http, Request};
use latchkey_engine::snapshot::SessionStatus;
use latchkey_engine::{EngineError, SiteSecret, TokenRequest};
use latchkey_tests::engine_world::{Engine, World, guarded};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::agent::Agent;
use super::nextauth::{SESSION, graceful};

/// The site says this of the user from now on.
pub(super) async fn site_says(world: &World, user: Value) {
    let url = format!("{}/__session", world.server().url()).parse().unwrap();
    let body = json!({ "username": "demo", "user": user });
    let reply = Http::new().unwrap().send(Request::post_value(&url, &body)).await.unwrap();
    assert_eq!(reply.status, 200);
}

async fn revalidates(engine: &Engine, world: &World) -> SessionStatus {
    guarded("revalidating", engine.revalidate(&world.account)).await.unwrap()
}

fn changes(status: &SessionStatus) -> Vec<String> {
    status.updated.iter().flat_map(|update| &update.changes).map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_session_that_is_read_again_tells_what_is_different() {
    let world = World::like(graceful()).await;
    let engine = world.signed_in().await;
    assert!(revalidates(&engine, &world).await.updated.is_none(), "nothing changed");
    site_says(&world, json!({ "role": "editor" })).await;
    let status = revalidates(&engine, &world).await;
    assert_eq!(changes(&status), ["user.role is editor"]);
    assert_eq!(status.identity.unwrap().roles, ["editor"]);
    site_says(&world, json!({ "role": "admin" })).await;
    assert_eq!(changes(&revalidates(&engine, &world).await), ["user.role editor → admin"]);
    assert!(world.logged().contains(&"session_updated".to_owned()));
}

#[tokio::test]
async fn readers_of_the_agents_events_are_told_once_what_is_different() {
    let world = World::like(graceful()).await;
    let engine = world.signed_in().await;
    let agent = Agent::on(world, engine);
    let (mut seen, reader) = agent.told("/v1/events", |data: Value| data);
    let mut next = async || guarded("an event", seen.recv()).await;
    next().await.unwrap();
    site_says(&agent.world, json!({ "role": "editor" })).await;
    let at = revalidates(&agent.engine, &agent.world).await.updated.unwrap().at;
    let told = json!({ "account": "demo", "at": at,
        "changes": [{ "name": "user.role", "before": null, "after": "editor" }] });
    while next().await.unwrap() != told {}
    let generation = agent.engine.renews().await.unwrap().generation;
    while next().await.unwrap()["generation"] != generation {}
    agent.ends().await;
    while let Some(event) = next().await {
        assert!(event["changes"].is_null(), "it is told once: {event}");
    }
    reader.join().unwrap();
}

#[tokio::test]
async fn an_answer_of_the_site_that_asks_for_it_is_followed_by_one_reading() {
    let world = World::like(graceful()).await;
    let engine = world.signed_in().await;
    site_says(&world, json!({ "role": "admin" })).await;
    let url = format!("{}/api/me", world.server().url()).parse().unwrap();
    let request = TokenRequest { min_valid: SignedDuration::ZERO, wait: SignedDuration::from_secs(10) };
    let authorized = engine.request_headers(&world.account, request, &Method::GET, &url).await.unwrap();
    let cookie = authorized.headers["cookie"].to_str().unwrap().to_owned();
    let reply = Http::new().unwrap().send(Request::get(&url).secret_header("cookie", &cookie)).await.unwrap();
    assert_eq!((reply.status, reply.headers["x-revalidate-session"].to_str().unwrap()), (200, "true"));
    engine.heard_from_resource(&world.account, &url, &reply.headers).unwrap();
    let status = engine.until("the change", |status| status.updated.is_some()).await;
    assert_eq!(changes(&status), ["user.role is admin"]);
    assert_eq!(status.generation, 2, "one reading");
}

#[tokio::test]
async fn cookies_go_to_the_site_and_to_nothing_else() {
    let world = World::like(graceful()).await;
    let engine = world.signed_in().await;
    let request = TokenRequest { min_valid: SignedDuration::ZERO, wait: SignedDuration::ZERO };
    for elsewhere in ["http://127.0.0.1:1/", "https://127.0.0.1/", "http://localhost:4180/"] {
        let url = elsewhere.parse().unwrap();
        let refused = engine.request_headers(&world.account, request, &Method::GET, &url).await;
        assert!(matches!(refused, Err(EngineError::ElsewhereThanTheSite { .. })), "{elsewhere}");
    }
}

#[tokio::test]
async fn many_who_ask_at_once_share_one_reading_and_one_more() {
    let world = World::like(graceful()).await;
    let engine = world.signed_in().await;
    world.goes_wrong(Fault::new(SESSION, FaultMode::Delay).after(Duration::from_millis(300)));
    let before = world.server().requests().iter().filter(|request| request.path == SESSION).count();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (engine, account) = (engine.clone(), world.account.clone());
        asking.spawn(async move { engine.revalidate(&account).await });
    }
    while let Some(asked) = asking.join_next().await {
        assert_eq!(asked.unwrap().unwrap().state.as_str(), "signed_in");
    }
    let readings =
        world.server().requests().iter().filter(|request| request.path == SESSION).count() - before;
    assert!((1..=2).contains(&readings), "{readings} readings for twenty");
}

#[tokio::test]
async fn data_for_the_session_is_sent_as_the_sites_own_pages_do() {
    let world = World::like(graceful()).await;
    let engine = world.signed_in().await;
    let update = |data| guarded("an update", engine.update_session(&world.account, data));
    let status = update(json!({ "theme": "dark", "apiToken": "LKCANARY-not-shown" })).await.unwrap();
    assert_eq!(changes(&status), ["data.theme is dark", "data.apiToken is (hidden)"]);
    assert_eq!(status.generation, 2);
    let status = update(json!({ "theme": null })).await.unwrap();
    assert_eq!(changes(&status), ["data.theme is gone"]);
    assert!(!world.traced.texts().iter().any(|text| text.contains("LKCANARY-not-shown")));
    let other = World::new().await;
    let engine = other.signed_in().await;
    assert_eq!(engine.update_session(&other.account, json!({})).await, Err(EngineError::NotThisWay));
}

#[tokio::test]
async fn a_rest_login_asks_again_who_is_signed_in() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let before = engine.now().await;
    world.goes_wrong(
        Fault::new("/auth/me", FaultMode::Status)
            .status(200)
            .body("{\"user\":{\"name\":\"Renamed\"}}".to_owned()),
    );
    let status = revalidates(&engine, &world).await;
    assert_eq!(status.identity.as_ref().unwrap().name.as_deref(), Some("Renamed"));
    assert_eq!(changes(&status), ["name Demo User → Renamed"]);
    assert_eq!(status.generation, before.generation, "no token was spent for that");
    engine.close().await;
    let again = world.engine().until_generation(1).await;
    assert_eq!(again.identity.unwrap().name.as_deref(), Some("Renamed"), "and it is kept");
}

/// Something that is asked who is signed in. It lets who asks first wait until it is told to go on, and then names
/// somebody else; to all others it names the right one.
async fn slow_to_say_who() -> (SocketAddr, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (address, (asked, is_asked), (go_on, held)) =
        (listener.local_addr().unwrap(), oneshot::channel(), oneshot::channel());
    tokio::spawn(async move {
        let mut first = Some((asked, held));
        while let Ok((mut stream, _)) = listener.accept().await {
            let first = first.take();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await.unwrap();
                let mut name = "Demo User";
                if let Some((asked, held)) = first {
                    asked.send(()).unwrap();
                    let _: () = held.await.unwrap();
                    name = "Somebody Else";
                }
                let body = json!({ "user": { "name": name } }).to_string();
                let answer =
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{answer}{body}").as_bytes()).await.unwrap();
            });
        }
    });
    (address, is_asked, go_on)
}

#[tokio::test]
async fn what_was_asked_about_one_person_is_not_said_of_the_next() {
    let mut world = World::new().await;
    let (address, is_asked, go_on) = slow_to_say_who().await;
    world.asks_who_it_is_at(address);
    let engine = world.signed_in().await;
    let asking = tokio::spawn({
        let (engine, account) = (engine.clone(), world.account.clone());
        async move { engine.revalidate(&account).await }
    });
    guarded("the question", is_asked).await.unwrap();
    engine.signs_out().await.unwrap();
    engine.signs_in().await.unwrap();
    go_on.send(()).unwrap();
    let told = guarded("revalidating", asking).await.unwrap().unwrap();
    assert_eq!(told.identity.unwrap().name.as_deref(), Some("Demo User"));
    assert_eq!(world.stored().await.unwrap().identity.name.as_deref(), Some("Demo User"));
    assert!(!world.logged().contains(&"session_updated".to_owned()), "and no program is told of a change");
}

#[tokio::test]
async fn who_wants_a_session_read_again_is_told_at_once_what_stands_in_the_way() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    world.vault.fail_next_writes(u64::MAX, VaultProblem::Locked);
    engine.renews().await.unwrap_err();
    let told = guarded("an answer", engine.revalidate(&world.account)).await;
    assert_eq!(told.unwrap_err().code(), "keychain_locked");
}

#[tokio::test]
async fn an_answer_of_the_provider_that_asks_for_it_is_no_loop() {
    let world = World::new().await;
    let engine = world.signed_in().await;
    let asks = |path| {
        Fault::new(path, FaultMode::Delay)
            .header("x-revalidate-session", "true")
            .after(Duration::ZERO)
            .times(-1)
    };
    world.goes_wrong(asks("/auth/refreshToken"));
    world.goes_wrong(asks("/auth/me"));
    let asked = || world.server().requests().iter().filter(|request| request.path == "/auth/me").count();
    let before = asked();
    engine.renews().await.unwrap();
    guarded("it was asked", async {
        while asked() == before {
            engine.now().await;
        }
    })
    .await;
    for _ in 0..5 {
        engine.settles().await;
    }
    assert_eq!(asked(), before + 1, "the question's own answer asks for nothing more");
}

#[tokio::test]
async fn the_development_site_can_be_looked_into() {
    let world = World::like(graceful()).await;
    let engine = world.signed_in().await;
    let secret = SiteSecret { given: Some(Secret::new(SITE_SECRET.to_owned())), keep: false };
    let opened = engine.open_cookie(&world.account, secret).await.ok().unwrap();
    assert_eq!((opened.version.name(), opened.claims["sub"].as_str()), ("Auth.js v5", Some("demo")));
    let none = engine.open_cookie(&world.account, SiteSecret { given: None, keep: false }).await;
    assert!(matches!(none, Err(EngineError::CookieNotOpened { .. })), "it was not asked to be kept");
}
