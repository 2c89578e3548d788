//! Many accounts at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::secret::Password;
use latchkey_engine::EngineHandle;
use latchkey_engine::sign_in::{Login, SignIn};
use latchkey_tests::engine_world::{PASSWORD, World, guarded};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

/// A line to the backend that counts how many requests are on it at once.
async fn counted(backend: u16, most: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let now = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (now, most) = (now.clone(), most.clone());
            tokio::spawn(async move {
                // A look whether the host answers sends nothing, and is no request.
                let mut first = [0];
                if client.peek(&mut first).await.is_ok_and(|read| read > 0) {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let server = TcpStream::connect(("127.0.0.1", backend)).await.unwrap();
                    let (mut from_client, mut to_client) = client.into_split();
                    let (mut from_server, mut to_server) = server.into_split();
                    let asking =
                        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
                    // Over before the answer is passed on: whoever has it may begin the next.
                    let _ = from_server.peek(&mut first).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
                    let _ = to_client.shutdown().await;
                    asking.abort();
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn fifty_accounts_that_wake_together_ask_at_most_five_at_once_and_all_come_through() {
    let world = World::new().await;
    let most = Arc::new(AtomicUsize::new(0));
    let port = counted(world.server().address().port(), most.clone()).await;
    let names: Vec<_> = (0..50).map(|number| AccountName::new(format!("work-{number}")).unwrap()).collect();
    let accounts: Vec<_> = names.iter().map(|name| world.account_named(name.clone(), port)).collect();
    let engine = EngineHandle::start(world.setup(), accounts);
    for name in &names {
        let login = Login { username: "demo".to_owned(), password: Password::new(PASSWORD) };
        engine.sign_in(name, SignIn::Password(login)).await.unwrap();
    }
    most.store(0, Ordering::SeqCst);
    let before = world.refreshes();

    world.clock.sleep(SignedDuration::from_hours(8));
    let mut watch = engine.watch();
    let mut waited = SignedDuration::ZERO;
    let step = SignedDuration::from_millis(100);
    while waited < SignedDuration::from_secs(6) {
        for name in &names {
            engine.status(name).await.unwrap();
        }
        world.clock.advance(step);
        waited += step;
    }
    let all = watch.wait_for(|all| all.values().all(|status| status.generation == 2));
    drop(guarded("fifty renewals", all).await.unwrap());
    assert_eq!(world.refreshes() - before, 50);
    let most = most.load(Ordering::SeqCst);
    assert!((1..=5).contains(&most), "{most} at once");
    let failed: u32 = engine.sessions().await.iter().map(|status| status.renewals.failed).sum();
    assert_eq!(failed, 0);
}
