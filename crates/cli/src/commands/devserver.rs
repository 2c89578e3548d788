//! `latchkey devserver`: the development backend, until Ctrl-C.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use jiff::SignedDuration;
use latchkey_core::policy::in_words;
use latchkey_devserver::{DevServer, Options, RequestRecord, Rules};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use crate::args::Devserver;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::render::when::When;

/// What `--json` prints first.
#[derive(Serialize)]
struct Started<'a> {
    url: &'a str,
    issuer: &'a str,
    users: Vec<Person<'a>>,
}

/// A made-up person; the password is made up as well, and printed for whoever has to sign in.
#[derive(Serialize)]
struct Person<'a> {
    username: &'a str,
    email: &'a str,
    password: &'a str,
}

pub(crate) async fn run(args: Devserver) -> Result<(), Failure> {
    let lifetimes = lifetimes(&args);
    let options = Options {
        listen: args.listen,
        access_lifetime: args.access_lifetime,
        refresh_lifetime: args.refresh_lifetime,
        session_lifetime: args.session_lifetime,
        grace: args.grace,
        device_interval: args.device_interval,
        require_dpop_nonce: args.require_dpop_nonce,
        rules: Rules::default().with(args.rule),
        state: args.state,
        ..Options::default()
    };
    // Before the address is printed: whoever waits for it may end the server at once.
    let mut interrupt = Interrupt::listen();
    let server = DevServer::start(options).await.map_err(|error| not_started(&error))?;
    let requests = server.follow_requests();
    // Whoever reads the address may have seen enough; the server goes on.
    let printed = if args.json { output::json_line(&started(&server)) } else { output::value(server.url()) };
    if let Err(failure) = printed
        && failure.message.is_some()
    {
        return Err(failure);
    }
    for notice in server.notices() {
        output::warn(notice);
    }
    if !args.json {
        output::say(&welcome(&server, &lifetimes));
    }
    tokio::select! {
        () = follow(requests, args.json) => {}
        () = interrupt.wished() => {}
    }
    server.shutdown().await;
    Ok(())
}

fn started(server: &DevServer) -> Started<'_> {
    let users = server.users().iter().map(|user| Person {
        username: &user.username,
        email: &user.email,
        password: &user.password,
    });
    Started { url: server.url(), issuer: server.issuer(), users: users.collect() }
}

fn welcome(server: &DevServer, lifetimes: &str) -> String {
    let way = way(server.address(), server.url());
    let users =
        server.users().iter().map(|user| format!("{} with the password {}", user.username, user.password));
    let users = users.collect::<Vec<_>>().join(", or as ");
    format!(
        "{lifetimes}\nSign in as {users}. An account for it: latchkey accounts add demo {way}\nCtrl-C ends it"
    )
}

/// The options of an account for a backend that listens there: `--devserver` knows only the usual address.
fn way(address: SocketAddr, url: &str) -> String {
    match (address.ip(), address.port()) {
        (IpAddr::V4(Ipv4Addr::LOCALHOST), 4180) => "--devserver".to_owned(),
        (IpAddr::V4(Ipv4Addr::LOCALHOST), port) => format!("--devserver --devserver-port {port}"),
        _ => format!("--login-url {url}/auth/login --refresh-url {url}/auth/refreshToken"),
    }
}

fn lifetimes(args: &Devserver) -> String {
    let words = |lifetime| in_words(SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::MAX));
    let grace = if args.grace.is_zero() { String::new() } else { format!(", grace {}", words(args.grace)) };
    let (access, refresh) = (words(args.access_lifetime), words(args.refresh_lifetime));
    let session = words(args.session_lifetime);
    format!("Lifetimes: access token {access}, refresh token {refresh}, session {session}{grace}")
}

/// Says each request as it comes, as a line or as JSON; it never ends by itself.
pub(super) async fn follow(mut requests: tokio::sync::broadcast::Receiver<RequestRecord>, json: bool) {
    loop {
        match requests.recv().await {
            Ok(record) if json => {
                if let Ok(line) = serde_json::to_string(&record) {
                    output::say(&line);
                }
            }
            Ok(record) => output::say(&told(&record)),
            Err(RecvError::Lagged(missed)) => {
                output::warn(&format!("{missed} requests came too fast to be shown"));
            }
            // The server holds the sender, so this is the end of the server.
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// A request as a line for the person.
fn told(record: &RequestRecord) -> String {
    line(record, &When::new(record.at, jiff::tz::TimeZone::system()))
}

fn line(record: &RequestRecord, when: &When) -> String {
    let status = record.status.map_or_else(|| "---".to_owned(), |status| status.to_string());
    let (method, path) = (&record.method, shown(&record.path));
    let family = record.family.as_ref().map_or_else(String::new, |family| format!("  family {family}"));
    format!("{}  {status}  {method:<4} {path:<20}  {}{family}", when.clock(record.at), record.outcome)
}

/// The path as the client sent it, without anything that draws on a terminal.
fn shown(path: &str) -> String {
    path.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Why a server did not start.
pub(super) fn not_started(error: &latchkey_devserver::StartError) -> Failure {
    use latchkey_devserver::StartError;
    let cause = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    let message = format!("{error}{cause}");
    // Kinds that come later are failures, until somebody says otherwise.
    let asked_wrongly = matches!(error, StartError::NotLoopback { .. } | StartError::Option(_));
    if asked_wrongly { Failure::wrong_use(message) } else { Failure::failed(message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_that_is_proposed_leads_to_this_backend() {
        let way = |address: &str| way(address.parse().unwrap(), &format!("http://{address}"));
        insta::assert_snapshot!(way("127.0.0.1:4180"), @"--devserver");
        insta::assert_snapshot!(way("127.0.0.1:9"), @"--devserver --devserver-port 9");
        insta::assert_snapshot!(way("[::1]:4180"), @"--login-url http://[::1]:4180/auth/login --refresh-url http://[::1]:4180/auth/refreshToken");
        assert!(way("127.0.0.2:4180").contains("http://127.0.0.2:4180/auth/login"));
    }

    #[test]
    fn a_request_is_one_line_whatever_the_client_sends() {
        let at: jiff::Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let when = When::new(at, jiff::tz::TimeZone::UTC);
        let mut record = RequestRecord {
            number: 1,
            at,
            method: "POST".into(),
            path: "/auth/refreshToken".into(),
            status: Some(200),
            outcome: "rotated".into(),
            family: Some("f1".into()),
            fault: None,
            refresh: true,
        };
        insta::assert_snapshot!(line(&record, &when), @"12:00:00  200  POST /auth/refreshToken    rotated  family f1");
        record.path = "/\u{1b}[2J\n".into();
        record.status = None;
        record.family = None;
        insta::assert_snapshot!(line(&record, &when), @"12:00:00  ---  POST /?[2J?                rotated");
    }
}
