//! Every fault there is, at the server itself and at a proxy before one: it strikes where it was planned, the request
//! log names it, and the backend has done what was asked or has not.

use std::{future::Future, time::Duration};

use serde_json::{Value, json};

use super::client::{REFRESH, Reply, World};
use crate::{Fault, FaultMode, LabProxy, ProxyOptions, RequestRecord};

/// A refresh that this fault strikes, as it is planned over HTTP while the server runs.
fn planned(mode: FaultMode) -> Value {
    // A clock that is farther ahead than refresh tokens live would refuse them as expired.
    json!(Fault::new("refresh", mode).after(Duration::from_millis(1)).from_nth(2).ahead(60))
}

/// Sends what the fault strikes, while the clock that is moved by hand goes on.
async fn with_time(world: &World, asking: impl Future<Output = ()>) {
    let time = async {
        loop {
            world.clock.slept_on().await;
            world.clock.advance(Duration::from_millis(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = asking => {}
        () = time => {}
    }
}

/// Two refreshes of a signed-in user, of which the second is struck; the token that it was sent with.
async fn struck(world: &World, seen: &World, mode: FaultMode) -> Value {
    let login = seen.client.login().await;
    assert_eq!(seen.client.post("/__fault", planned(mode)).await.status, 200, "{mode:?}");
    let next = seen.client.refresh(&login["refreshToken"]).await.json();
    let token = next["refreshToken"].clone();
    with_time(world, async {
        let _ = seen.client.try_refresh(token.as_str().unwrap()).await;
    })
    .await;
    token
}

/// What is wrong with the log of who struck, if anything is.
fn told(requests: &[RequestRecord], mode: FaultMode) -> Option<String> {
    let of_refresh: Vec<_> = requests.iter().filter(|record| record.path == REFRESH).collect();
    let [first, second] = of_refresh[..] else { return Some(format!("{mode:?}: {of_refresh:?}")) };
    let right = first.fault.is_none()
        && second.fault.as_deref() == Some(mode.name())
        && second.outcome.ends_with(&format!("fault: {}", mode.happened()));
    (!right).then(|| format!("{mode:?}: {first:?} {second:?}"))
}

/// Whether a token is spent or dead, whatever was answered.
async fn is_gone(world: &World, token: &Value) -> bool {
    world.client.refresh(token).await.status != 200
}

#[tokio::test]
async fn every_fault_strikes_at_the_server_and_is_named_in_its_log() {
    let world = World::new().await;
    for mode in FaultMode::ALL {
        let before = world.server.requests().len();
        let token = struck(&world, &world, *mode).await;
        let wrong = told(&world.server.requests()[before..], *mode);
        assert_eq!(wrong, None);
        assert_eq!(is_gone(&world, &token).await, mode.commits(), "{mode:?}");
        assert!(world.server.faults().planned().is_empty(), "{mode:?} was planned for one request");
    }
}

#[tokio::test]
async fn every_fault_strikes_at_the_proxy_and_is_named_in_its_log() {
    let behind = World::new().await;
    let options = ProxyOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        endpoints: vec![("refresh".into(), REFRESH.into())],
        ..ProxyOptions::before(behind.server.url().parse().unwrap())
    };
    let proxy = LabProxy::start(options).await.unwrap();
    let seen = behind.through(proxy.url(), None).await;
    for mode in FaultMode::ALL {
        let before = proxy.requests().len();
        let token = struck(&behind, &seen, *mode).await;
        let passed = proxy.requests();
        assert_eq!(told(&passed[before..], *mode), None);
        // The backend behind has no fault of its own, and no family that the proxy could revoke.
        let asked = mode.commits() && *mode != FaultMode::RevokedFamily;
        assert_eq!(is_gone(&behind, &token).await, asked, "{mode:?}");
        assert!(behind.server.requests().iter().all(|record| record.fault.is_none()), "{mode:?}");
    }
}

#[tokio::test]
async fn a_fault_with_a_probability_tells_the_seed_it_was_drawn_from() {
    let world = World::new().await;
    let fault = json!({ "path": "refresh", "mode": "empty", "count": -1, "probability": 0.5 });
    let drawn = Reply::of(world.client.request(reqwest::Method::POST, "/__fault").json(&fault)).await.json();
    let again = &drawn["planned"][0];
    assert!(again["seed"].is_u64(), "{drawn}");
    let strikes = async || {
        let mut struck = Vec::new();
        for _ in 0..12 {
            struck.push(world.client.refresh(&json!("none")).await.text.is_empty());
        }
        struck
    };
    let first = strikes().await;
    world.server.faults().clear();
    assert_eq!(world.client.post("/__fault", again.clone()).await.status, 200);
    assert_eq!(strikes().await, first, "the same seed strikes the same requests");
}
