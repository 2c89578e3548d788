//! `latchkey accounts`: how each account signs in.

mod add;
mod check;
mod hosts;

use latchkey_core::account::AccountName;
use latchkey_engine::config::{self, AccountConfig};

use crate::args::Accounts;
use crate::commands::sign_out::tell_what_the_provider_missed;
use crate::failure::Failure;
use crate::names::no_account;
use crate::render::account::{document, row, sheet};
use crate::session::{Desk, Open, told, with};
use crate::{output, prompt};

pub(crate) async fn run(what: Accounts) -> Result<(), Failure> {
    match what {
        Accounts::Add(args) => add::run(&args).await,
        Accounts::List { json } => list(json),
        Accounts::Show { account, json } => show(&account, json),
        Accounts::Check { account, json } => check::run(&account, json).await,
        Accounts::Hosts(args) => hosts::run(&args),
        Accounts::Remove { account, yes } => remove(&account, yes).await,
    }
}

fn list(json: bool) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let accounts = &desk.config.accounts;
    if json {
        return output::json(&accounts.iter().map(document).collect::<Vec<_>>());
    }
    if no_account(accounts) {
        return Ok(());
    }
    let widest = accounts.iter().map(|account| account.name.as_str().len()).max().unwrap_or_default();
    accounts.iter().try_for_each(|account| output::value(&row(account, widest)))
}

fn show(name: &AccountName, json: bool) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(name)?;
    if json { output::json(&document(account)) } else { output::value(sheet(account).trim_end()) }
}

async fn remove(name: &AccountName, yes: bool) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(name)?;
    if !yes {
        let question = format!(
            "Remove `{name}`? Its tokens are erased, its provider is told, and how it signs in is forgotten."
        );
        if !prompt::confirm(&question, "agree with --yes").await? {
            output::say("Nothing was changed");
            return Ok(());
        }
    }
    // The configuration goes last: without it nobody would know whose tokens are left in the keychain.
    with(&desk, vec![account], async |open| erase(open, account).await).await.map_err(left_as_it_is)?;
    config::remove_account(&desk.paths, name)?;
    output::say(&format!("Removed `{name}`: its tokens are erased and the account is forgotten"));
    Ok(())
}

async fn erase(open: &Open<'_>, account: &AccountConfig) -> Result<(), Failure> {
    told(open.engine.remove_account(&account.name).await, account)?;
    tell_what_the_provider_missed(open, account);
    Ok(())
}

fn left_as_it_is(failure: Failure) -> Failure {
    let message = failure.message.map(|message| format!("nothing was removed: {message}"));
    Failure { message, ..failure }
}
