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
        output::say(&match renewed.renewals.last_ms {
            Some(millis) => {
                format!("Renewed in {millis} ms: generation {before} → {}", renewed.generation)
            }
            None => format!("Another process had just renewed: generation {}", renewed.generation),
        });
    }
    tell(renewed, &desk.when(), args.json)
}
