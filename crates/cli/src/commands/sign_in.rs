//! `latchkey sign-in`: user name and password are used once and kept nowhere; a page is the provider's own.

mod page;

use std::sync::Arc;

use latchkey_core::account::AccountName;
use latchkey_core::reason::VaultProblem;
use latchkey_engine::config::{AccountConfig, ProviderConfig};
use latchkey_engine::ports::NoBrowser;
use latchkey_engine::sign_in::{Login, SignIn as How};
use latchkey_engine::snapshot::SessionStatus;
use latchkey_engine::{EngineError, EngineHandle};

use crate::agent::warn_if_elsewhere;
use crate::args::SignIn;
use crate::failure::Failure;
use crate::render::status;
use crate::render::when::When;
use crate::session::{Desk, Open, tell_agent, told, vault_problem, with};
use crate::{output, prompt};

pub(crate) async fn run(args: SignIn) -> Result<(), Failure> {
    let mut desk = Desk::open()?;
    if args.no_browser {
        desk.browser = Arc::new(NoBrowser);
    }
    let account = desk.account(&args.account)?;
    fits(&args, account)?;
    let outcome = with(&desk, vec![account], async |open| sign_in(open, &args).await).await;
    outcome.map_err(|failure| {
        if failure == Failure::interrupted() {
            Failure::failed("the sign-in was given up; nothing was changed")
        } else {
            failure
        }
    })
}

/// Each provider has its own ways in.
fn fits(args: &SignIn, account: &AccountConfig) -> Result<(), Failure> {
    let name = &account.name;
    match &account.provider {
        ProviderConfig::Credentials(_) if args.device || args.no_browser => {
            Err(Failure::wrong_use(format!("`{name}` signs in with a user name and a password"))
                .hint(format!("`latchkey sign-in {name}` asks for them")))
        }
        ProviderConfig::Nextauth(_) if args.device || args.no_browser => {
            Err(Failure::wrong_use(format!("`{name}` is a site with a session cookie of its own")).hint(format!(
                "`latchkey sign-in {name}` asks for user name and password; where the site has none, sign in there in your browser and give its cookie with --cookie"
            )))
        }
        ProviderConfig::Credentials(_) | ProviderConfig::Oauth(_) if args.cookie => {
            Err(Failure::wrong_use(format!("`{name}` has no session cookie"))
                .hint(format!("`latchkey sign-in {name}` says what it needs")))
        }
        ProviderConfig::Oauth(_) if args.username.is_some() => {
            Err(Failure::wrong_use(format!("`{name}` signs in on a page of its provider"))
                .hint(format!("`latchkey sign-in {name}` opens it, and --device gives a code for it")))
        }
        ProviderConfig::Credentials(_) | ProviderConfig::Oauth(_) | ProviderConfig::Nextauth(_) => Ok(()),
    }
}

async fn sign_in(open: &Open<'_>, args: &SignIn) -> Result<(), Failure> {
    let account = open.account()?;
    if open.forgetful {
        output::warn("LATCHKEY_VAULT=memory forgets the tokens when this command ends");
    }
    // Nobody signs in for a vault that cannot keep what it buys. A damaged item is replaced.
    let before = told(open.engine.status(&account.name).await, account)?;
    let stands_in_the_way = |problem: &VaultProblem| *problem != VaultProblem::Damaged;
    if let Some(problem) = vault_problem(&before).filter(stands_in_the_way) {
        return Err(Failure::of(&EngineError::Vault { problem }, account));
    }
    // Whatever ends this command, Ctrl-C too, ends the attempt.
    let _given_up = GivenUpAtTheEnd { engine: &open.engine, account: &account.name };
    let signed_in = match &account.provider {
        ProviderConfig::Nextauth(site) if args.cookie => {
            let how = How::Cookie(prompt::session_cookie(site.session_cookie.as_deref()).await?);
            let outcome = open.engine.sign_in(&account.name, how).await;
            if let Err(EngineError::WrongCredentials { said: Some(said) }) = &outcome {
                let todo = "sign in there in your browser and copy the cookie anew; nothing was changed";
                return Err(Failure::failed(said.as_str()).hint(todo));
            }
            told(outcome, account)?
        }
        ProviderConfig::Credentials(_) | ProviderConfig::Nextauth(_) => {
            let login = How::Password(login(args).await?);
            told(open.engine.sign_in(&account.name, login).await, account)?
        }
        ProviderConfig::Oauth(_) => page::sign_in(open, account, args).await?,
    };
    tell_agent(open.desk, account);
    warn_if_elsewhere(open.desk, open.vault);
    tell(&signed_in, &open.desk.when(), args.json)
}

async fn login(args: &SignIn) -> Result<Login, Failure> {
    let username = match &args.username {
        Some(username) => username.clone(),
        None => prompt::username().await?,
    };
    let password = if args.password_stdin {
        prompt::password_from_stdin().await?
    } else {
        prompt::password(&username).await?
    };
    Ok(Login { username, password })
}

/// Gives up the sign-in under way, if it has not ended.
struct GivenUpAtTheEnd<'a> {
    engine: &'a EngineHandle,
    account: &'a AccountName,
}

impl Drop for GivenUpAtTheEnd<'_> {
    fn drop(&mut self) {
        // An engine that has closed has nothing under way.
        let _ = self.engine.cancel_sign_in(self.account);
    }
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
