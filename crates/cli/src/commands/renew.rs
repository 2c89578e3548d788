//! `latchkey renew`: now, whatever the plan says.

use crate::args::Renew;
use crate::commands::sign_in::tell;
use crate::failure::Failure;
use crate::output;
use crate::session::{Desk, tell_agent, told, with};

pub(crate) async fn run(args: Renew) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(&args.account)?;
    with(&desk, vec![account], async |open| {
        let before = told(open.engine.status(&account.name).await, account)?.generation;
        let renewed = told(open.engine.renew(&account.name).await, account)?;
        tell_agent(open.desk, account);
        if !args.json {
            output::say(&match renewed.renewals.last_ms {
                Some(millis) => {
                    format!("Renewed in {millis} ms: generation {before} → {}", renewed.generation)
                }
                None => format!("Another process had just renewed: generation {}", renewed.generation),
            });
        }
        tell(&renewed, &desk.when(), args.json)
    })
    .await
}
