//! What a running agent says of sessions, so that a command need not open the vault, which may ask for a passphrase.

use std::io::{BufRead as _, BufReader};

use latchkey_agent::client::{Client, ClientError};
use latchkey_agent::protocol::{About, ProblemDetail, RenewQuestion};
use latchkey_core::fingerprint::Fingerprint;
use latchkey_engine::config::AccountConfig;
use latchkey_engine::snapshot::SessionStatus;
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::output;
use crate::session::Desk;

/// The sessions of these accounts, in their order; none where no agent runs, or it does not know all of them yet.
pub(crate) fn sessions(desk: &Desk, accounts: &[&AccountConfig]) -> Option<Vec<SessionStatus>> {
    let told: Vec<SessionStatus> =
        answered(Client::new(&desk.paths.runtime_dir).get("/v1/sessions")).ok()??;
    let of = |account: &&AccountConfig| {
        told.iter().find(|session| session.account == account.name.as_str()).cloned()
    };
    accounts.iter().map(of).collect()
}

/// Has a renewal done: the session before and after; none where no agent runs that knows the account.
pub(crate) fn renewal(
    desk: &Desk,
    account: &AccountConfig,
) -> Result<Option<(SessionStatus, SessionStatus)>, Failure> {
    let Some(before) = sessions(desk, &[account]).and_then(|mut sessions| sessions.pop()) else {
        return Ok(None);
    };
    let path = format!("/v1/sessions/{}/renew", account.name);
    let renewed = answered(Client::new(&desk.paths.runtime_dir).post(&path));
    match renewed {
        Ok(renewed) => Ok(renewed.map(|renewed| (before, renewed))),
        Err(why) => Err(Failure::from_agent(why, &account.name)),
    }
}

/// Has a token replaced that a server refused, if it is still the one in hand. Whether there was an agent to do it.
pub(crate) fn replaced(desk: &Desk, account: &AccountConfig, rejected: Fingerprint) -> Result<bool, Failure> {
    let path = format!("/v1/sessions/{}/renew", account.name);
    let question = RenewQuestion { rejected: Some(rejected.to_string()) };
    let answer = Client::new(&desk.paths.runtime_dir).send::<SessionStatus>(&path, &question);
    match answered(answer) {
        Ok(session) => Ok(session.is_some()),
        Err(why) => Err(Failure::from_agent(why, &account.name)),
    }
}

/// Sessions as they change, read on a thread of its own until the agent ends. None where no agent runs.
pub(crate) fn follow(desk: &Desk) -> Option<mpsc::UnboundedReceiver<SessionStatus>> {
    let events = Client::new(&desk.paths.runtime_dir).open("/v1/events").ok()?;
    let (sender, changes) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut event = String::new();
        for line in BufReader::new(events).lines().map_while(Result::ok) {
            // An event is a name and a line of data (the agent writes no longer ones).
            if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut event);
            } else if let Some(data) = line.strip_prefix("data: ").filter(|_| event == "session")
                && let Ok(session) = serde_json::from_str(data)
                && sender.send(session).is_err()
            {
                return;
            }
        }
    });
    Some(changes)
}

/// What whoever keeps tokens here should know of an agent that keeps them elsewhere, and what to do about it: each of the two
/// knows nothing of what the other has.
pub(crate) fn elsewhere(about: &About, vault: &str) -> Option<(String, &'static str)> {
    let About { host, pid, vault: its, .. } = about;
    let message =
        || format!("The {host} (process {pid}) keeps tokens elsewhere: {its}, and here it is {vault}");
    let hint = "give both the same LATCHKEY_VAULT; a unit has it in a drop-in (`systemctl --user edit latchkey.service`)";
    (its != vault).then(|| (message(), hint))
}

/// Warns whoever has signed in of an agent that will not know of it.
pub(crate) fn warn_if_elsewhere(desk: &Desk, vault: &str) {
    let about = Client::new(&desk.paths.runtime_dir).get::<About>("/v1/about");
    if let Some((message, hint)) = about.ok().and_then(|about| elsewhere(&about, vault)) {
        output::warn(&format!(
            "{message}. Programs and commands ask it, and nobody is signed in there: {hint}"
        ));
    }
}

/// What an agent answers; nothing where there is none to answer. What it refuses is an error.
pub(crate) fn answered<T>(answer: Result<T, ClientError>) -> Result<Option<T>, ProblemDetail> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ClientError::Refused(why)) if why.code == "unknown_account" => Ok(None),
        Err(ClientError::Refused(why)) if !why.leaves_it_open() => Err(why),
        Err(error) => {
            if !error.nobody() {
                output::warn(&format!("{error}; doing without the agent"));
            }
            Ok(None)
        }
    }
}
