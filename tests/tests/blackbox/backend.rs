//! A development backend inside the test, which watches what it is asked.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use latchkey_devserver::{DevServer, Options, User};
use latchkey_engine::clock::{ManualClock, SystemClock};
use latchkey_engine::ports::Clock as _;
use latchkey_lab::stage::ServerClock;
use latchkey_tests::address::Address;
use latchkey_tests::desktop::Desktop;
use latchkey_tests::wait::{PATIENCE, until};
use tokio::sync::watch;

/// The path of the refresh.
pub(crate) const REFRESH: &str = "/auth/refreshToken";

/// The path of the login.
pub(crate) const LOGIN: &str = "/auth/login";

/// The path of the sign-out.
pub(crate) const LOGOUT: &str = "/auth/logout";

/// A backend on a free port whose access tokens live so long.
pub(crate) async fn living(access: Duration) -> DevServer {
    with_users(access, vec![User::demo()]).await
}

/// The same at an address that nobody else is given when the backend is gone.
pub(crate) async fn living_at(address: &Address, access: Duration) -> DevServer {
    let options = Options { listen: address.at(), access_lifetime: access, ..Options::default() };
    DevServer::start(options).await.unwrap()
}

/// Signs in to `demo`, whose access token is over when this returns. The tokens that come next live for long: a machine
/// with much else to do may take its time over them.
pub(crate) async fn signed_in_to_a_token_that_is_over(desktop: &Desktop, address: &Address) -> DevServer {
    let options = |access_lifetime| Options {
        listen: address.at(),
        access_lifetime,
        state: Some(desktop.out("backend")),
        ..Options::default()
    };
    let before = DevServer::start(options(Duration::from_secs(1))).await.unwrap();
    desktop.add_demo(address.at().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let over = SystemClock.now().wall + SignedDuration::from_secs(1);
    before.shutdown().await;
    until("the token to be over", PATIENCE, || (SystemClock.now().wall > over).then_some(()));
    DevServer::start(options(Duration::from_mins(10))).await.unwrap()
}

/// A backend with these people.
pub(crate) async fn with_users(access: Duration, users: Vec<User>) -> DevServer {
    let listen = "127.0.0.1:0".parse().unwrap();
    DevServer::start(Options { listen, access_lifetime: access, users, ..Options::default() }).await.unwrap()
}

/// A backend whose delayed answers come when the test moves its clock, and how many of them wait for it.
pub(crate) async fn by_hand() -> (DevServer, ManualClock, watch::Receiver<usize>) {
    let clock = ManualClock::new(SystemClock.now().wall);
    let server_clock = ServerClock::beside(clock.clone());
    let waiting = server_clock.sleepers();
    // Its clock stands still while the machine's goes on.
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        access_lifetime: Duration::from_mins(10),
        ..Options::default()
    };
    (DevServer::start_with_clock(options, Arc::new(server_clock)).await.unwrap(), clock, waiting)
}

/// How often this path was asked for.
pub(crate) fn asked(backend: &DevServer, path: &str) -> usize {
    backend.requests().iter().filter(|request| request.path == path).count()
}

/// Random letters that nobody could meet by chance.
pub(crate) fn random_text(prefix: &str) -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).unwrap();
    bytes.iter().fold(prefix.to_owned(), |text, byte| format!("{text}{byte:02x}"))
}
