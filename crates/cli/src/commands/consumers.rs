//! `latchkey consumers`: which programs took tokens, and which may. The agent knows; without one there is nobody to ask.

use std::fmt::Write as _;

use latchkey_agent::client::{Client, ClientError};
use latchkey_agent::protocol::{ConsumerDecision, DecisionName};
use latchkey_core::account::AccountName;
use serde::Deserialize;
use serde_json::Value;

use crate::args::{Consumers, Which};
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::names::no_account;
use crate::output;
use crate::render::when::When;
use crate::session::Desk;

/// A session, as far as it matters here.
#[derive(Deserialize)]
struct Session {
    account: String,
    consumers: Vec<Value>,
}

/// A program in it.
#[derive(Deserialize)]
struct Row {
    program: Option<String>,
    pid: Option<u32>,
    fingerprint: Option<String>,
    taken_at: Option<String>,
    expires_at: Option<String>,
    current: bool,
    times: u32,
    consent: String,
    allowed_until: Option<String>,
}

pub(crate) fn run(what: Consumers) -> Result<(), Failure> {
    let desk = Desk::without_accounts()?;
    let client = Client::new(&desk.paths.runtime_dir);
    match what {
        Consumers::List { account, json } => {
            let sessions = sessions(client, account.as_ref())?;
            if json {
                return output::json(&documents(&sessions));
            }
            if no_account(&sessions) {
                return Ok(());
            }
            output::value(page(&sessions, &desk.when())?.trim_end())
        }
        Consumers::Allow { which, for_good } => {
            let decision = if for_good { DecisionName::AllowForGood } else { DecisionName::Allow };
            decide(client, &which, decision, "may have the tokens of")
        }
        Consumers::Deny(which) => decide(client, &which, DecisionName::Deny, "may not have the tokens of"),
        Consumers::Pause(which) => {
            decide(client, &which, DecisionName::Pause, "is held back from the tokens of")
        }
    }
}

fn decide(client: Client<'_>, which: &Which, decision: DecisionName, what: &str) -> Result<(), Failure> {
    let Which { account, program } = which;
    let question = ConsumerDecision { program: program.clone(), decision };
    let _: Vec<Value> = client
        .send(&format!("/v1/sessions/{account}/consumers"), &question)
        .map_err(|error| told(error, account))?;
    output::say(&format!("{program} {what} {account} from now on"));
    Ok(())
}

fn sessions(client: Client<'_>, account: Option<&AccountName>) -> Result<Vec<Session>, Failure> {
    match account {
        None => client.get("/v1/sessions").map_err(|error| unreachable(&error)),
        Some(account) => {
            let one = client.get(&format!("/v1/sessions/{account}"));
            one.map(|one| vec![one]).map_err(|error| told(error, account))
        }
    }
}

fn told(error: ClientError, account: &AccountName) -> Failure {
    match error {
        ClientError::Refused(why) => Failure::from_agent(why, account),
        ClientError::Socket(_) | ClientError::Lost(_) | ClientError::Unreadable => unreachable(&error),
    }
}

fn unreachable(error: &ClientError) -> Failure {
    let failure = Failure { exit: Exit::OutOfReach, message: Some(error.to_string()), hint: None };
    if error.nobody() { failure.hint("open the window, or start `latchkey agent`") } else { failure }
}

/// What `--json` prints: each program with its account.
fn documents(sessions: &[Session]) -> Vec<Value> {
    let mut all = Vec::new();
    for session in sessions {
        for program in &session.consumers {
            let mut program = program.clone();
            if let Value::Object(members) = &mut program {
                members.shift_insert(0, "account".to_owned(), session.account.as_str().into());
            }
            all.push(program);
        }
    }
    all
}

fn page(sessions: &[Session], when: &When) -> Result<String, Failure> {
    let mut page = String::new();
    for session in sessions {
        let _ = writeln!(page, "{}:", session.account);
        if session.consumers.is_empty() {
            let _ = writeln!(page, "  no program took a token since the agent started");
        }
        for program in &session.consumers {
            let program = Row::deserialize(program)
                .map_err(|_| Failure::failed(ClientError::Unreadable.to_string()))?;
            let _ = writeln!(page, "  {}", line(&program, when));
        }
    }
    Ok(page)
}

/// `/usr/bin/curl, process 4711: took a1b2 at 14:03:11, in 40 s it expires; allowed until 14:13:11`.
fn line(program: &Row, when: &When) -> String {
    let mut line = program.program.clone().unwrap_or_else(|| "a program that cannot be told".to_owned());
    if let Some(pid) = program.pid {
        let _ = write!(line, ", process {pid}");
    }
    let time = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
    let sep = if let (Some(fingerprint), Some(at)) = (&program.fingerprint, time(&program.taken_at)) {
        let _ = write!(line, ": took {fingerprint} at {}", when.clock(at));
        if program.times > 1 {
            let _ = write!(line, " ({} times in all)", program.times);
        }
        match time(&program.expires_at) {
            Some(end) if when.passed(end) => line.push_str(", which has expired"),
            Some(end) if program.current => {
                let _ = write!(line, ", the one in hand, good until {}", when.clock(end));
            }
            Some(end) => {
                let _ = write!(line, ", replaced since, good until {}", when.clock(end));
            }
            None => {}
        }
        "; "
    } else {
        ": "
    };
    let words = match program.consent.as_str() {
        "open" => return line,
        "asked" => "asks for leave",
        "lapsed" => "is asked about when it comes back",
        other => other,
    };
    let _ = write!(line, "{sep}{words}");
    if let Some(until) = time(&program.allowed_until) {
        let _ = write!(line, " until {}", when.clock(until));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::when::tests::noon;

    fn program(change: impl FnOnce(&mut Row)) -> String {
        let mut program = Row {
            program: Some("/usr/bin/curl".to_owned()),
            pid: Some(4711),
            fingerprint: Some("a1b2·c3d4".to_owned()),
            taken_at: Some("2026-11-20T11:59:00Z".to_owned()),
            expires_at: Some("2026-11-20T12:01:00Z".to_owned()),
            current: true,
            times: 3,
            consent: "open".to_owned(),
            allowed_until: None,
        };
        change(&mut program);
        line(&program, &noon())
    }

    #[test]
    fn a_line_says_who_took_what_until_when() {
        insta::assert_snapshot!(program(|_| {}), @"/usr/bin/curl, process 4711: took a1b2·c3d4 at 13:59:00 (3 times in all), the one in hand, good until 14:01:00");
        insta::assert_snapshot!(program(|one| {
            one.current = false;
            one.times = 1;
            one.consent = "allowed".to_owned();
            one.allowed_until = Some("2026-11-20T12:09:00Z".to_owned());
        }), @"/usr/bin/curl, process 4711: took a1b2·c3d4 at 13:59:00, replaced since, good until 14:01:00; allowed until 14:09:00");
        insta::assert_snapshot!(program(|one| {
            (one.fingerprint, one.taken_at, one.expires_at) = (None, None, None);
            one.consent = "asked".to_owned();
        }), @"/usr/bin/curl, process 4711: asks for leave");
        insta::assert_snapshot!(program(|one| {
            (one.program, one.pid) = (None, None);
            one.expires_at = Some("2026-11-20T11:59:30Z".to_owned());
        }), @"a program that cannot be told: took a1b2·c3d4 at 13:59:00 (3 times in all), which has expired");
    }
}
