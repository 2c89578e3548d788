//! `latchkey proxy`: a reverse proxy on this machine that adds what authorizes, until Ctrl-C.

use std::fmt::Write as _;
use std::sync::Arc;

use latchkey_agent::proxy::{Counts, Proxy as Server, ProxyError, ProxyOptions};
use latchkey_engine::EngineError;
use latchkey_engine::config::{AccountConfig, Url};

use crate::args::Proxy;
use crate::failure::Failure;
use crate::output::{self, LiveLine};
use crate::session::{Desk, Open, in_background_for, told};

/// The shortest time between two drawings of the status line.
const REDRAW: jiff::SignedDuration = jiff::SignedDuration::from_millis(250);

pub(crate) async fn run(args: Proxy) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(&args.account)?;
    let upstream = Url::parse(&args.upstream)
        .map_err(|_| Failure::wrong_use("the upstream is no address; write it as https://api.example.com"))?;
    let options = ProxyOptions { listen: args.listen, upstream, open: args.open };
    let mut serving = None;
    let outcome = in_background_for(&desk, vec![account], async |open| {
        signed_in(open, account).await?;
        let clock = Arc::new(desk.clock);
        let server = Server::start(options, open.engine.clone(), account.name.clone(), clock).await?;
        let counts = server.follow();
        output::value(server.base_url())?;
        output::say(&format!("Leading requests to {} as `{}`; Ctrl-C ends it", args.upstream, account.name));
        if args.open {
            output::warn("every program of this machine can act as this account through it");
        }
        serving = Some(server);
        watch(open, account, counts).await
    })
    .await;
    if let Some(server) = serving {
        server.stop().await;
    }
    outcome.or_else(|failure: Failure| if failure == Failure::interrupted() { Ok(()) } else { Err(failure) })
}

/// Whoever is not signed in is told before anything listens.
async fn signed_in(open: &Open<'_>, account: &AccountConfig) -> Result<(), Failure> {
    let session = told(open.engine.status(&account.name).await, account)?;
    if session.state == "signed_out" {
        let error = EngineError::SignInNeeded { reason: latchkey_core::reason::Reason::NeverSignedIn };
        return Err(Failure::of(&error, account));
    }
    Ok(())
}

/// Draws what is going on, on a terminal, until the person interrupts.
async fn watch(
    open: &Open<'_>,
    account: &AccountConfig,
    mut counts: tokio::sync::watch::Receiver<Counts>,
) -> Result<(), Failure> {
    let mut sessions = open.engine.watch();
    let generation = |sessions: &latchkey_engine::Sessions| {
        sessions.get(&account.name).map_or(0, |session| session.generation)
    };
    let first = generation(&sessions.borrow());
    let mut line = output::stderr_is_terminal().then(LiveLine::default);
    loop {
        if let Some(line) = &mut line {
            let renewals = generation(&sessions.borrow_and_update()).saturating_sub(first);
            line.draw(&status_line(&counts.borrow_and_update(), renewals));
        }
        open.desk.pause(REDRAW).await;
        tokio::select! {
            changed = counts.changed() => if changed.is_err() { return std::future::pending().await },
            changed = sessions.changed() => if changed.is_err() { return std::future::pending().await },
        }
    }
}

fn status_line(counts: &Counts, renewals: u32) -> String {
    let many =
        |count: u64, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    let mut line = format!("{}, {}", many(counts.requests, "request"), many(renewals.into(), "renewal"));
    // Writing to a text cannot fail.
    if counts.repeated > 0 {
        let _ = write!(line, ", {} sent again", counts.repeated);
    }
    if counts.open > 0 {
        let _ = write!(line, ", {} open", counts.open);
    }
    if let Some((method, status)) = &counts.last {
        let _ = write!(line, "; last: {method} {status}");
    }
    line
}

impl From<ProxyError> for Failure {
    fn from(error: ProxyError) -> Self {
        match error {
            ProxyError::NotLoopback | ProxyError::Upstream => Self::wrong_use(error.to_string()),
            ProxyError::Listen { .. } | ProxyError::Http(_) | ProxyError::NoRandomness(_) => {
                Self::failed(error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line_says_what_is_going_on() {
        let mut counts = Counts::default();
        assert_eq!(status_line(&counts, 0), "0 requests, 0 renewals");
        counts = Counts { requests: 12, repeated: 1, open: 2, last: Some(("GET".to_owned(), 200)) };
        assert_eq!(status_line(&counts, 1), "12 requests, 1 renewal, 1 sent again, 2 open; last: GET 200");
    }
}
