//! `latchkey lab`: exercising refresh.

mod faults;
mod profile;
mod proxy;
mod run;

use std::sync::Arc;

use latchkey_core::secret::Password;
use latchkey_engine::config::{AccountConfig, ProviderConfig};
use latchkey_lab::ending::Ending;
use latchkey_lab::runner::Person;
use latchkey_lab::shipped;
use serde::Serialize;

use crate::args::{Exercise, Who};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::session::Desk;
use crate::{names, output, prompt};

pub(crate) async fn run(what: Exercise) -> Result<(), Failure> {
    match what {
        Exercise::List { json } => list(json),
        Exercise::Show { name } => show(&name),
        Exercise::Run(args) => until_interrupted(|ending| Box::pin(run::run(args, ending))).await,
        Exercise::Profile(args) => until_interrupted(|ending| Box::pin(profile::run(args, ending))).await,
        Exercise::Fault(args) => faults::plan(args).await,
        Exercise::Faults { at, json } => faults::list(&at, json).await,
        Exercise::Clear { at } => faults::clear(&at).await,
        Exercise::Proxy(args) => proxy::run(args).await,
    }
}

/// Does this until Ctrl-C, and then takes down what it put up: backends, proxies and their folders, and what it signed
/// in to. Whoever insists waits for none of it.
async fn until_interrupted<W: Future<Output = Result<(), Failure>>>(
    work: impl FnOnce(Arc<Ending>) -> W,
) -> Result<(), Failure> {
    let (mut interrupt, ending) = (Interrupt::listen(), Arc::<Ending>::default());
    let work = work(ending.clone());
    tokio::pin!(work);
    tokio::select! {
        biased;
        outcome = &mut work => return outcome,
        () = interrupt.wished() => {}
    }
    let mut insisted = Interrupt::listen_again();
    tokio::select! {
        biased;
        _ = &mut work => {}
        () = ending.comes() => {}
        () = insisted.wished() => {}
    }
    Err(Failure::interrupted())
}

/// A scenario in a list.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    title: &'a str,
    standard: &'a [String],
    version: u32,
}

fn list(json: bool) -> Result<(), Failure> {
    let scenarios = shipped::all().map_err(|error| Failure::failed(error.to_string()))?;
    if json {
        let listed: Vec<_> = scenarios
            .iter()
            .map(|scenario| Listed {
                name: &scenario.name,
                title: &scenario.title,
                standard: &scenario.standard,
                version: scenario.version,
            })
            .collect();
        return output::json(&listed);
    }
    let widest = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or_default();
    let lines = scenarios.iter().map(|scenario| format!("{:<widest$}  {}", scenario.name, scenario.title));
    output::value(&lines.collect::<Vec<_>>().join("\n"))
}

fn show(name: &str) -> Result<(), Failure> {
    match shipped::text(name) {
        Some(text) => output::value(text.trim_end()),
        None => Err(unknown(name)),
    }
}

/// No scenario is called that.
fn unknown(name: &str) -> Failure {
    let scenarios = shipped::all().unwrap_or_default();
    let known: Vec<_> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let failure = Failure::wrong_use(format!("there is no scenario `{name}`"));
    match names::nearest(name, &known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`latchkey lab list` shows them"),
    }
}

/// Who signs in at an account's backend.
async fn person(desk: &Desk, account: &AccountConfig, who: &Who) -> Result<Person, Failure> {
    if account.devserver && who.username.is_none() {
        return Ok(Person::Typed { username: "demo".to_owned(), password: Password::new("demo") });
    }
    match (&who.username, &account.provider) {
        (None, ProviderConfig::Oauth(_)) => Ok(Person::Here(desk.browser.clone())),
        (
            username,
            ProviderConfig::Credentials(_) | ProviderConfig::Oauth(_) | ProviderConfig::Nextauth(_),
        ) => {
            let username = match username {
                Some(username) => username.clone(),
                None => prompt::username().await?,
            };
            let password = if who.password_stdin {
                prompt::password_from_stdin().await?
            } else {
                prompt::password(&username).await?
            };
            Ok(Person::Typed { username, password })
        }
    }
}
