//! `latchkey sign-out`: the tokens are erased here first, then the provider is told.

use latchkey_engine::config::AccountConfig;
use latchkey_engine::event_log::{LogRecord, account_label};

use crate::args::SignOut;
use crate::failure::Failure;
use crate::names::no_account;
use crate::output;
use crate::session::{Desk, Open, tell_agent, told, with};

/// A sign-out leaves a handful of records.
const RECENT: usize = 100;

pub(crate) async fn run(args: SignOut) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let accounts = match &args.account {
        Some(name) => vec![desk.account(name)?],
        None => desk.config.accounts.iter().collect(),
    };
    if no_account(&accounts) {
        return Ok(());
    }
    with(&desk, accounts, async |open| {
        // One that fails keeps nobody else signed in.
        let mut failed = None;
        for account in &open.accounts {
            if let Err(failure) = sign_out(open, account).await {
                if open.accounts.len() > 1 {
                    output::failure(&prefixed(failure, account));
                    failed = Some(Failure::failed("not every account is signed out"));
                } else {
                    failed = Some(failure);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    })
    .await
}

async fn sign_out(open: &Open<'_>, account: &AccountConfig) -> Result<(), Failure> {
    let before = told(open.engine.status(&account.name).await, account)?;
    told(open.engine.sign_out(&account.name).await, account)?;
    tell_agent(open.desk, account);
    tell_what_the_provider_missed(open, account);
    let name = &account.name;
    output::say(&if before.state == "signed_out" {
        format!("{name}: nobody was signed in")
    } else {
        format!("{name}: signed out; the tokens are erased")
    });
    Ok(())
}

/// The tokens are gone here whatever the provider says; that it may still honour them is worth a warning.
pub(super) fn tell_what_the_provider_missed(open: &Open<'_>, account: &AccountConfig) {
    let label = account_label(&account.name);
    let about_it = |record: &LogRecord| {
        record.kind == "revocation_failed" && record.account.as_deref() == Some(label.as_str())
    };
    if let Some(record) = open.log.last(RECENT).into_iter().rfind(about_it) {
        output::warn(&record.message);
    }
}

fn prefixed(failure: Failure, account: &AccountConfig) -> Failure {
    Failure { message: failure.message.map(|message| format!("{}: {message}", account.name)), ..failure }
}
