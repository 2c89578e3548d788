//! `latchkey proxy`: a reverse proxy on this machine that adds what authorizes, until Ctrl-C.

use std::fmt::Write as _;
use std::sync::Arc;

use latchkey_agent::proxy::{Authority, Counts, Proxy as Server, ProxyError, ProxyOptions};
use latchkey_engine::EngineError;
use latchkey_engine::config::{AccountConfig, Url};
use latchkey_engine::snapshot::SessionStatus;
use tokio::sync::watch;

use crate::agent;
use crate::args::Proxy;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
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
    let mut way = Way { desk: &desk, account, args: &args, serving: None };
    let told = agent::sessions(&desk, &[account]).and_then(|mut sessions| sessions.pop());
    let outcome = match told {
        Some(session) => {
            let mut interrupt = Interrupt::listen();
            tokio::select! {
                outcome = way.by_agent(options, &session) => outcome,
                () = interrupt.wished() => Err(Failure::interrupted()),
            }
        }
        None => {
            in_background_for(&desk, vec![account], async |open| way.by_engine(options, open).await).await
        }
    };
    if let Some(server) = way.serving {
        server.stop().await;
    }
    outcome.or_else(|failure: Failure| if failure == Failure::interrupted() { Ok(()) } else { Err(failure) })
}

/// One proxy, and whom it asks.
struct Way<'a> {
    desk: &'a Desk,
    account: &'a AccountConfig,
    args: &'a Proxy,
    serving: Option<Server>,
}

impl Way<'_> {
    /// With the engine of this process.
    async fn by_engine(&mut self, options: ProxyOptions, open: &Open<'_>) -> Result<(), Failure> {
        let name = &self.account.name;
        let session = told(open.engine.status(name).await, self.account)?;
        self.signed_in(&session)?;
        let (mut sessions, name) = (open.engine.watch(), name.clone());
        let (generations, seen) = watch::channel(session.generation);
        tokio::spawn(async move {
            while sessions.changed().await.is_ok() {
                let now = sessions.borrow_and_update().get(&name).map_or(0, |session| session.generation);
                generations.send_replace(now);
            }
        });
        self.serve(options, open.engine.clone().into(), seen).await
    }

    /// With the agent: one engine renews for all, and its ledger tells of this proxy.
    async fn by_agent(&mut self, options: ProxyOptions, session: &SessionStatus) -> Result<(), Failure> {
        self.signed_in(session)?;
        let (generations, seen) = watch::channel(session.generation);
        if let Some(mut sessions) = agent::follow(self.desk) {
            let name = self.account.name.clone();
            tokio::spawn(async move {
                while let Some(session) = sessions.recv().await {
                    if session.account == name.as_str() {
                        generations.send_replace(session.generation);
                    }
                }
            });
        }
        self.serve(options, Authority::agent(self.desk.paths.runtime_dir.clone()), seen).await
    }

    /// Whoever is not signed in is told before anything listens.
    fn signed_in(&self, session: &SessionStatus) -> Result<(), Failure> {
        if session.state == "signed_out" {
            let error = EngineError::SignInNeeded { reason: latchkey_core::reason::Reason::NeverSignedIn };
            return Err(Failure::of(&error, self.account));
        }
        Ok(())
    }

    async fn serve(
        &mut self,
        options: ProxyOptions,
        authority: Authority,
        generations: watch::Receiver<u32>,
    ) -> Result<(), Failure> {
        let (name, clock) = (&self.account.name, Arc::new(self.desk.clock));
        let server = Server::start(options, authority, name.clone(), clock).await?;
        let counts = server.follow();
        output::value(server.base_url())?;
        output::say(&format!("Leading requests to {} as `{name}`; Ctrl-C ends it", self.args.upstream));
        if self.args.open {
            output::warn("every program of this machine can act as this account through it");
        }
        self.serving = Some(server);
        draw(self.desk, counts, generations).await
    }
}

/// Draws what is going on, on a terminal, until the person interrupts.
async fn draw(
    desk: &Desk,
    mut counts: watch::Receiver<Counts>,
    mut generations: watch::Receiver<u32>,
) -> Result<(), Failure> {
    let first = *generations.borrow();
    let mut line = output::stderr_is_terminal().then(LiveLine::default);
    loop {
        if let Some(line) = &mut line {
            let renewals = generations.borrow_and_update().saturating_sub(first);
            line.draw(&status_line(&counts.borrow_and_update(), renewals));
        }
        desk.pause(REDRAW).await;
        tokio::select! {
            changed = counts.changed() => if changed.is_err() { return std::future::pending().await },
            // An agent that has ended tells of no renewals.
            Ok(()) = generations.changed() => {}
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
