//! `latchkey sign-in`: user name and password are used once and kept nowhere.

use latchkey_core::reason::VaultProblem;
use latchkey_engine::EngineError;
use latchkey_engine::sign_in::{Login, SignIn as How};
use latchkey_engine::snapshot::SessionStatus;

use crate::args::SignIn;
use crate::failure::Failure;
use crate::render::status;
use crate::render::when::When;
use crate::session::{Desk, Open, told, vault_problem, with};
use crate::{output, prompt};

pub(crate) async fn run(args: SignIn) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(&args.account)?;
    with(&desk, vec![account], async |open| sign_in(open, &args).await).await
}

async fn sign_in(open: &Open<'_>, args: &SignIn) -> Result<(), Failure> {
    let account = open.account()?;
    if open.forgetful {
        output::warn("LATCHKEY_VAULT=memory forgets the tokens when this command ends");
    }
    // Nobody types a password for a vault that cannot keep what it buys. A damaged item is replaced.
    let before = told(open.engine.status(&account.name).await, account)?;
    let stands_in_the_way = |problem: &VaultProblem| *problem != VaultProblem::Damaged;
    if let Some(problem) = vault_problem(&before).filter(stands_in_the_way) {
        return Err(Failure::of(&EngineError::Vault { problem }, account));
    }
    let username = match &args.username {
        Some(username) => username.clone(),
        None => prompt::username().await?,
    };
    let password = if args.password_stdin {
        prompt::password_from_stdin().await?
    } else {
        prompt::password(&username).await?
    };
    let signed_in =
        told(open.engine.sign_in(&account.name, How::Password(Login { username, password })).await, account)?;
    tell(&signed_in, &open.desk.when(), args.json)
}

/// What a person wants to know of a session that was just signed in or renewed.
pub(super) fn tell(session: &SessionStatus, when: &When, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(session);
    }
    output::say(&format!("{}: {}", session.account, status::headline(&session.headline, when)));
    if let Some(next) = &session.next {
        output::say(&format!("Next: {}", status::upcoming(next, when)));
    }
    Ok(())
}
