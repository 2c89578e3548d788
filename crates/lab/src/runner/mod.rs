//! Plays a scenario: step by step, each with everything that follows from it, and writes down what either side did.

mod judge;
mod observing;
mod play;
mod trace;

use std::path::Path;

use jiff::Timestamp;
use latchkey_core::secret::Password;
use latchkey_devserver::Rule;
use latchkey_engine::config::{AccountConfig, ProviderConfig};
use latchkey_engine::http::Http;
use latchkey_engine::lab::FormBrowser;
use latchkey_engine::ports::{Browser, NoBrowser};
use latchkey_engine::sign_in::{Login, SignIn};
use std::sync::Arc;

use crate::client::Client;
use crate::ending::{Ending, FAREWELL, until};
use crate::scenario::{ProviderKind, Scenario};
use crate::stage::{Stage, StageError};
pub use play::play;
pub use trace::{Entry, Fault, Judgement, Outcome, Run, Side, SideOutcome, Span, SpanKind};

/// Where a lab run begins in virtual time: a Monday morning, at a whole second.
pub const START: &str = "2027-03-01T08:00:00Z";

/// Against whose backend scenarios are played.
pub enum Against {
    /// One of ours, in virtual time, with these rules in the place of its own.
    Own {
        /// What it is told to do otherwise.
        rules: Vec<Rule>,
    },
    /// The backend of this account, behind a proxy, in real time. What is signed in to there is signed out of again, also
    /// where the end of the program comes first.
    Account(Box<AccountConfig>, Person, Arc<Ending>),
}

/// Who signs in at somebody's own backend.
#[derive(Clone)]
pub enum Person {
    /// This one, whose password is typed for them wherever it is asked for.
    Typed {
        /// The user name.
        username: String,
        /// The password.
        password: Password,
    },
    /// Whoever sits here, in their own browser.
    Here(Arc<dyn Browser>),
}

impl Person {
    /// How they sign in to an account of this kind, and with which browser.
    ///
    /// # Errors
    /// What the account needs, in words.
    pub fn sign_in(
        &self,
        provider: &ProviderConfig,
        http: &Http,
    ) -> Result<(SignIn, Arc<dyn Browser>), String> {
        match (self, provider) {
            (
                Self::Typed { username, password },
                ProviderConfig::Credentials(_) | ProviderConfig::Nextauth(_),
            ) => {
                let login = Login { username: username.clone(), password: password.clone() };
                Ok((SignIn::Password(login), Arc::new(NoBrowser)))
            }
            (Self::Typed { username, password }, ProviderConfig::Oauth(_)) => {
                let browser = FormBrowser::who_types(username, password.clone(), http.clone());
                Ok((SignIn::Browser, Arc::new(browser)))
            }
            (Self::Here(browser), ProviderConfig::Oauth(_)) => Ok((SignIn::Browser, browser.clone())),
            (Self::Here(_), ProviderConfig::Credentials(_) | ProviderConfig::Nextauth(_)) => {
                Err("this account signs in with a user name and a password".to_owned())
            }
        }
    }
}

/// Plays one scenario against a backend, with Latchkey as the client. `keys` is a folder for the lab's own keys.
///
/// # Errors
/// [`StageError`] when the stage could not be set up; what goes wrong later is part of the outcome.
pub async fn run(scenario: &Scenario, against: &Against, keys: &Path) -> Result<Outcome, StageError> {
    if let Against::Account(account, ..) = against {
        if let Some(why) = scenario.needs_own_backend() {
            return Ok(Outcome::skipped(scenario, why));
        }
        if scenario.backend.provider == ProviderKind::Oauth
            && !matches!(account.provider, ProviderConfig::Oauth(_))
        {
            return Ok(Outcome::skipped(scenario, "it needs an authorization server".to_owned()));
        }
    }
    let (mut stage, person) = set_up(scenario, against, keys).await?;
    let mut client = stage.latchkey()?;
    let Against::Account(_, _, ending) = against else {
        return Ok(play(scenario, &mut stage, &mut client, &person).await);
    };
    let _under_way = ending.waits_for();
    let outcome = until(ending, play(scenario, &mut stage, &mut client, &person)).await;
    // Or it would renew what is signed out of.
    drop(client);
    // What takes longer is given up: somebody waits for the answer.
    let _ = tokio::time::timeout(FAREWELL, stage.leaves_nothing()).await;
    outcome.ok_or(StageError::GivenUp)
}

/// The stage for a scenario, and who signs in on it.
///
/// # Errors
/// [`StageError`].
pub async fn set_up(
    scenario: &Scenario,
    against: &Against,
    keys: &Path,
) -> Result<(Stage, Person), StageError> {
    match against {
        Against::Own { rules } => {
            let start: Timestamp = START.parse().unwrap_or(Timestamp::UNIX_EPOCH);
            let stage = Stage::own(&scenario.backend, rules, start, keys).await?;
            let person = Person::Typed { username: "demo".to_owned(), password: Password::new("demo") };
            Ok((stage, person))
        }
        Against::Account(account, person, _) => {
            let (_, browser) = person.sign_in(&account.provider, &Http::new()?).map_err(StageError::Unfit)?;
            Ok((Stage::proxied(account, browser).await?, person.clone()))
        }
    }
}

/// Plays one scenario with another client in Latchkey's place; `make` puts it on the stage.
///
/// # Errors
/// [`StageError`].
pub async fn run_with<C: Client>(
    scenario: &Scenario,
    rules: Vec<Rule>,
    keys: &Path,
    make: impl FnOnce(&Stage) -> C,
) -> Result<Outcome, StageError> {
    let (mut stage, person) = set_up(scenario, &Against::Own { rules }, keys).await?;
    let mut client = make(&stage);
    Ok(play(scenario, &mut stage, &mut client, &person).await)
}

#[cfg(test)]
mod tests;
