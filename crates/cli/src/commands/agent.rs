//! `latchkey agent`: keeps every account signed in and serves other programs, until Ctrl-C.

use std::path::PathBuf;

use latchkey_agent::protocol::{About, VERSION};
use latchkey_agent::server::{Served, Server};
use latchkey_agent::socket::{self, Held, SocketError};
use latchkey_engine::config::AccountConfig;
use latchkey_engine::config_changes::follow;
use latchkey_engine::memory_image;

use crate::args::Agent;
use crate::failure::Failure;
use crate::session::{Desk, in_background};
use crate::{output, prompt};

/// Set where a socket is passed on (sd_listen_fds(3)).
const PASSED_ON: &str = "LISTEN_FDS";

pub(crate) async fn run(args: Agent) -> Result<(), Failure> {
    memory_image::keep_from_other_programs();
    let mut desk = Desk::open()?;
    // Before the vault is opened: who comes second should not be asked for a passphrase.
    let held = match socket::hold(&desk.paths.runtime_dir) {
        Err(taken @ SocketError::Taken { .. }) if args.wait => {
            output::say(&format!("Waiting: {taken}"));
            let held = next(desk.paths.runtime_dir.clone()).await?;
            // What was configured meanwhile.
            desk = Desk::open()?;
            held
        }
        held => held?,
    };
    // As long as the person types, nobody is to wait for this agent either, so it is let go of again.
    let held = Some(held).filter(|_| !may_ask());
    let mut serving = None;
    let outcome = in_background(&desk, async |open| {
        let held = held.map_or_else(|| socket::hold(&desk.paths.runtime_dir), Ok)?;
        let about = About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: VERSION,
            pid: std::process::id(),
            host: "agent".to_owned(),
            vault: open.vault.to_owned(),
        };
        let path = held.path.display().to_string();
        let log = open.log.clone();
        let debugged = move |accounts: Vec<AccountConfig>| {
            log.debug(&accounts);
            async {}
        };
        tokio::spawn(follow(open.engine.clone(), desk.paths.clone(), debugged));
        let served = Served { engine: open.engine.clone(), log: open.log.clone(), about };
        serving = Some(Server::start(held, served)?);
        output::value(&path)?;
        output::say(&format!("Keeping {} signed in; Ctrl-C ends it", accounts(open.accounts.len())));
        // Until the person interrupts.
        std::future::pending().await
    });
    let outcome = outcome.await;
    if let Some(server) = serving {
        server.stop().await;
    }
    outcome.or_else(|failure: Failure| if failure == Failure::interrupted() { Ok(()) } else { Err(failure) })
}

/// The socket, once nobody else serves. The waiting blocks a thread that nobody waits for: it ends with the process.
async fn next(folder: PathBuf) -> Result<Held, Failure> {
    let waited = tokio::task::spawn_blocking(move || socket::hold_next(&folder)).await;
    waited.map_err(|ended| Failure::failed(ended.to_string()))?.map_err(Failure::from)
}

/// Whether the person may be asked for a passphrase. What was passed on cannot be taken twice, and its callers wait anyway.
fn may_ask() -> bool {
    prompt::can_ask() && std::env::var_os(PASSED_ON).is_none()
}

fn accounts(count: usize) -> String {
    match count {
        0 => "no account".to_owned(),
        1 => "one account".to_owned(),
        count => format!("{count} accounts"),
    }
}

impl From<SocketError> for Failure {
    fn from(error: SocketError) -> Self {
        Self::failed(error.to_string())
    }
}
