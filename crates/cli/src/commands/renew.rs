//! `latchkey renew`: now, whatever the plan says.

use latchkey_engine::snapshot::SessionStatus;

use crate::agent;
use crate::args::Renew;
use crate::commands::sign_in::tell;
use crate::failure::Failure;
use crate::output;
use crate::session::{Desk, told, with};

pub(crate) async fn run(args: Renew) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(&args.account)?;
    if let Some((before, renewed)) = agent::renewal(&desk, account)? {
        return say(&desk, &args, before.generation, &renewed);
    }
    with(&desk, vec![account], async |open| {
        let before = told(open.engine.status(&account.name).await, account)?.generation;
        let renewed = told(open.engine.renew(&account.name).await, account)?;
        say(&desk, &args, before, &renewed)
    })
    .await
}

fn say(desk: &Desk, args: &Renew, before: u32, renewed: &SessionStatus) -> Result<(), Failure> {
    if !args.json {
        output::say(&outcome(before, renewed.generation, renewed.renewals.last_ms));
    }
    tell(renewed, &desk.when(), args.json)
}

/// What became of the tokens of a generation.
fn outcome(before: u32, now: u32, took_ms: Option<u32>) -> String {
    match took_ms {
        Some(millis) => format!("Renewed in {millis} ms: generation {before} → {now}"),
        None if now == before => {
            format!("Nothing was renewed: generation {now} has no refresh token to do it with")
        }
        None => format!("Another process had just renewed: generation {now}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_cannot_be_renewed_is_not_said_to_be() {
        assert_eq!(
            outcome(1, 1, None),
            "Nothing was renewed: generation 1 has no refresh token to do it with"
        );
        assert_eq!(outcome(1, 2, Some(80)), "Renewed in 80 ms: generation 1 → 2");
        assert_eq!(outcome(1, 2, None), "Another process had just renewed: generation 2");
    }
}
