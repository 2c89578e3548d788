//! `latchkey session`: what a session holds, read again or changed.

use latchkey_engine::snapshot::SessionStatus;

use crate::args::SessionCommand;
use crate::commands::sign_in::tell;
use crate::failure::Failure;
use crate::output;
use crate::session::{Desk, tell_agent, told, with};

pub(crate) async fn run(command: SessionCommand) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let (name, json) = match &command {
        SessionCommand::Update(args) => (&args.account, args.json),
        SessionCommand::Revalidate(args) => (&args.account, args.json),
    };
    let account = desk.account(name)?;
    with(&desk, vec![account], async |open| {
        // So that what is different can be told.
        told(open.engine.status(name).await, account)?;
        let session = match &command {
            SessionCommand::Update(args) => open.engine.update_session(name, args.data.clone()).await,
            SessionCommand::Revalidate(_) => open.engine.revalidate(name).await,
        };
        let session = told(session, account)?;
        tell_agent(open.desk, account);
        if !json {
            output::value(page(&session).trim_end())?;
        }
        tell(&session, &desk.when(), json)
    })
    .await
}

/// What the session holds, and before it what is different.
fn page(session: &SessionStatus) -> String {
    let mut page = match &session.updated {
        Some(updated) => {
            let changes = updated.changes.iter().map(|change| format!("  {change}\n"));
            format!("Changed\n{}\n", changes.collect::<String>())
        }
        None => "Nothing changed\n\n".to_owned(),
    };
    let claims = session.access.iter().flat_map(|access| &access.claims);
    let lines: Vec<_> = claims.map(|claim| format!("  {:<18}  {}\n", claim.name, claim.value)).collect();
    if !lines.is_empty() {
        page.push_str("Session\n");
        page.extend(lines);
    }
    page
}
