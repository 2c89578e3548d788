//! `latchkey lab proxy`: faults before somebody's own backend, until Ctrl-C.

use std::io::Write as _;

use latchkey_devserver::{LabProxy, ProxyOptions};
use serde::Serialize;

use crate::args;
use crate::commands::devserver::follow;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;

/// What `--json` prints first.
#[derive(Serialize)]
struct Started<'a> {
    url: &'a str,
    upstream: &'a str,
    authority: Option<&'a str>,
}

pub(super) async fn run(args: args::LabProxy) -> Result<(), Failure> {
    let odd = |what: &str| Failure::wrong_use(format!("`{what}` is none: write `NAME=/path`"));
    let upstream = args.upstream.parse().map_err(|_| {
        Failure::wrong_use(format!(
            "`{}` is no address; write one such as https://login.example.com",
            args.upstream
        ))
    })?;
    let mut options = ProxyOptions { listen: args.listen, tls: args.tls, ..ProxyOptions::before(upstream) };
    for endpoint in &args.endpoint {
        let (name, path) = endpoint.split_once('=').ok_or_else(|| odd(endpoint))?;
        options.endpoints.push((name.to_owned(), path.to_owned()));
    }
    let mut interrupt = Interrupt::listen();
    let proxy =
        LabProxy::start(options).await.map_err(|error| super::super::devserver::not_started(&error))?;
    if let (Some(file), Some(authority)) = (&args.ca_file, proxy.authority()) {
        let written = std::fs::File::create(file).and_then(|mut file| file.write_all(authority.as_bytes()));
        written.map_err(|error| Failure::failed(format!("{} cannot be written: {error}", file.display())))?;
    }
    let requests = proxy.follow_requests();
    let started = Started { url: proxy.url(), upstream: &args.upstream, authority: proxy.authority() };
    if args.json {
        output::json_line(&started)?;
    } else {
        output::value(proxy.url())?;
    }
    if !args.json {
        // Whoever is to speak to it names its authority; on this system it is done with this variable.
        let trusting = args
            .ca_file
            .as_ref()
            .map_or_else(String::new, |file| format!("SSL_CERT_FILE={} ", file.display()));
        output::say(&format!(
            "Everything goes to {} and back.\nA fault: {trusting}latchkey lab fault refresh drop_after --url {}\nCtrl-C ends it",
            args.upstream,
            proxy.url()
        ));
        if args.tls && args.ca_file.is_none() {
            output::say(
                "Its authority is trusted by nobody yet: --ca-file FILE writes it for those who are to",
            );
        }
    }
    tokio::select! {
        () = follow(requests, args.json) => {}
        () = interrupt.wished() => {}
    }
    proxy.shutdown().await;
    Ok(())
}
