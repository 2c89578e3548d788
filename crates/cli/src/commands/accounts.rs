//! `latchkey accounts`: how each account signs in.

use latchkey_core::account::AccountName;
use latchkey_engine::config::{self, AccountConfig, AccountToml};

use crate::args::{Accounts, AddAccount, Provider};
use crate::commands::sign_out::tell_what_the_provider_missed;
use crate::failure::{Failure, devserver_command};
use crate::names::NO_ACCOUNT;
use crate::render::account::{document, row, sheet};
use crate::session::{Desk, Open, told, with};
use crate::{output, prompt};

pub(crate) async fn run(what: Accounts) -> Result<(), Failure> {
    match what {
        Accounts::Add(args) => add(&args),
        Accounts::List { json } => list(json),
        Accounts::Show { account, json } => show(&account, json),
        Accounts::Remove { account, yes } => remove(&account, yes).await,
    }
}

fn list(json: bool) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let accounts = &desk.config.accounts;
    if json {
        return output::json(&accounts.iter().map(document).collect::<Vec<_>>());
    }
    if accounts.is_empty() {
        output::say(NO_ACCOUNT);
    }
    let widest = accounts.iter().map(|account| account.name.as_str().len()).max().unwrap_or_default();
    accounts.iter().try_for_each(|account| output::value(&row(account, widest)))
}

fn show(name: &AccountName, json: bool) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(name)?;
    if json { output::json(&document(account)) } else { output::value(sheet(account).trim_end()) }
}

fn add(args: &AddAccount) -> Result<(), Failure> {
    if args.template {
        return output::value(config::template().trim_end());
    }
    let Some(name) = &args.account else { return Err(Failure::wrong_use("the account needs a name")) };
    let desk = Desk::open()?;
    let added = config::add_account(&desk.paths, name, &described(args)?)?;
    output::say(&format!("Added `{name}` to {}", desk.paths.config_file().display()));
    if args.devserver {
        let backend = devserver_command(&added);
        output::say(&format!("Its backend is `{backend}`, to be run in another terminal"));
        output::say(&format!("Next: `latchkey sign-in {name} --username demo`; the password is demo"));
    } else {
        output::say(&format!("Next: `latchkey sign-in {name}`"));
    }
    Ok(())
}

/// The account as the arguments describe it, unchecked.
fn described(args: &AddAccount) -> Result<AccountToml, Failure> {
    let mut account = if args.devserver {
        AccountToml::from(&AccountConfig::demo(args.devserver_port))
    } else {
        AccountToml {
            provider: Some(match args.provider.unwrap_or(Provider::Credentials) {
                Provider::Credentials => "credentials".to_owned(),
            }),
            login_url: args.login_url.clone(),
            refresh_url: args.refresh_url.clone(),
            logout_url: args.logout_url.clone(),
            user_info_url: args.user_info_url.clone(),
            username_field: args.username_field.clone(),
            refused_status: (!args.refused_status.is_empty()).then(|| args.refused_status.clone()),
            ..AccountToml::default()
        }
    };
    account.renew_before.clone_from(&args.renew_before);
    for (key, place) in &args.map {
        if account.map.insert(key.clone(), place.clone()).is_some() {
            return Err(Failure::wrong_use(format!("--map names `{key}` twice")));
        }
    }
    Ok(account)
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
