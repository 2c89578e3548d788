//! As Docker's credential helper (docker/docker-credential-helpers): a server's name or an object in, an object out, and
//! errors on standard output, where Docker reads them.

use latchkey_engine::config::may_carry_tokens;
use serde_json::{Map, Value};

use super::{not_in_the_clear, owner, question};
use crate::args::DockerAction;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::hand_out::plain_token;
use crate::output;
use crate::render::token as form;
use crate::session::Desk;

/// What tells Docker that there is nothing, rather than that something went wrong: it compares the text.
const NOT_FOUND: &str = "credentials not found in native keychain";

pub(super) async fn run(action: DockerAction) -> Result<(), Failure> {
    let outcome = match action {
        DockerAction::Get => get().await,
        DockerAction::List => list(),
        DockerAction::Version => {
            output::value(concat!("docker-credential-latchkey ", env!("CARGO_PKG_VERSION")))
        }
        DockerAction::Store => Err(Failure::failed(
            "Latchkey keeps no secrets of others: it hands out tokens of accounts that are signed in",
        )
        .hint("sign in with `latchkey sign-in ACCOUNT` in place of `docker login`")),
        DockerAction::Erase => {
            output::say("Nothing was kept for Docker. `latchkey sign-out ACCOUNT` signs out");
            Ok(())
        }
    };
    outcome.or_else(|failure| {
        let hint = failure.hint.map_or_else(String::new, |hint| format!("; {hint}"));
        if let Some(message) = failure.message {
            output::value(&format!("{message}{hint}"))?;
        }
        Err(Failure { exit: failure.exit, message: None, hint: None })
    })
}

async fn get() -> Result<(), Failure> {
    let text = question()?;
    let server = text.trim();
    let (scheme, address) = server.split_once("://").unwrap_or(("", server));
    let host = address.split('/').next().unwrap_or_default();
    let desk = Desk::open()?;
    // A registry without a scheme is asked over TLS, unless it is on this machine.
    let scheme = match scheme {
        "" if may_carry_tokens("http", host) => "http",
        "" => "https",
        scheme => scheme,
    };
    let Some(account) = owner(&desk, address, scheme == "http")? else {
        output::value(NOT_FOUND)?;
        return Err(Failure { exit: Exit::Failed, message: None, hint: None });
    };
    if !may_carry_tokens(scheme, host) {
        return Err(not_in_the_clear());
    }
    let token = plain_token(&desk, account).await?;
    output::json_line(&form::docker(&token, server, account.hosts.user()))
}

fn list() -> Result<(), Failure> {
    let desk = Desk::open()?;
    let mut servers = Map::new();
    for account in &desk.config.accounts {
        for place in &account.hosts.places {
            servers.insert(place.to_string(), Value::from(account.hosts.user()));
        }
    }
    output::json_line(&servers)
}
