//! A development backend inside the test, which watches what it is asked.

use std::sync::Arc;
use std::time::Duration;

use latchkey_devserver::{DevServer, Options, User};
use latchkey_engine::clock::{ManualClock, SystemClock};
use latchkey_engine::ports::Clock as _;
use latchkey_lab::stage::ServerClock;
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
    let options = Options { listen: "127.0.0.1:0".parse().unwrap(), ..Options::default() };
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
