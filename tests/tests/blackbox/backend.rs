//! A development backend inside the test, which watches what it is asked.

use std::time::Duration;

use latchkey_devserver::{DevServer, Options, User};

/// The path of the refresh.
pub(crate) const REFRESH: &str = "/auth/refreshToken";

/// The path of the login.
pub(crate) const LOGIN: &str = "/auth/login";

/// A backend on a free port whose access tokens live so long.
pub(crate) async fn living(access: Duration) -> DevServer {
    with_users(access, vec![User::demo()]).await
}

/// A backend with these people.
pub(crate) async fn with_users(access: Duration, users: Vec<User>) -> DevServer {
    let listen = "127.0.0.1:0".parse().unwrap();
    DevServer::start(Options { listen, access_lifetime: access, users, ..Options::default() }).await.unwrap()
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
