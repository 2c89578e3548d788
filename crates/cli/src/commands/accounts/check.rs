//! `latchkey accounts check`: whether an account's server is there and fits it. Nobody signs in.

use latchkey_core::account::AccountName;
use latchkey_engine::config::{AccountConfig, ProviderConfig};
use latchkey_engine::http::Http;
use latchkey_engine::policy_advice::{PolicyAdvice, policy_advice};
use latchkey_engine::provider::nextauth::{self, SiteDescription};
use latchkey_engine::provider::oauth::{ServerDescription, describe};
use serde::Serialize;

use crate::failure::Failure;
use crate::output;
use crate::render::{server, site};
use crate::session::{Desk, told, with};

pub(super) async fn run(name: &AccountName, json: bool) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(name)?;
    let server = described(account).await?;
    // Without a vault that opens, the policy is held against itself alone.
    let known =
        with(&desk, vec![account], async |open| told(open.engine.policy_advice(name).await, account)).await;
    let advice = known.unwrap_or_else(|_| policy_advice(account, None));
    if json {
        return output::json(&Checked { server: server.as_ref(), policy: &advice });
    }
    match &server {
        Some(server) => output::value(server.lines().trim_end())?,
        None => output::say(&format!(
            "`{name}` has a REST login, which cannot be asked what it can do: try it with `latchkey sign-in {name}`"
        )),
    }
    if advice.is_empty() {
        output::say("Its policy contradicts neither itself nor what is known of its tokens");
    }
    advice
        .iter()
        .try_for_each(|one| output::value(&format!("{}: {} ({})", one.severity, one.message, one.code)))
}

/// What `--json` prints: what the server says of itself, and beside it what is to be thought about in the policy.
#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    server: Option<&'a Described>,
    policy: &'a [PolicyAdvice],
}

/// What an account's server says of itself.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Described {
    Server(ServerDescription),
    Site(SiteDescription),
}

impl Described {
    /// A block of lines for a person.
    pub(super) fn lines(&self) -> String {
        match self {
            Self::Server(server) => server::lines(server),
            Self::Site(site) => site::lines(site),
        }
    }
}

/// What the account's server says of itself; nothing for a REST login, which says nothing.
pub(super) async fn described(account: &AccountConfig) -> Result<Option<Described>, Failure> {
    match &account.provider {
        ProviderConfig::Credentials(_) => Ok(None),
        ProviderConfig::Oauth(oauth) => {
            let server = describe(oauth, &Http::new()?).await.map_err(Into::into);
            told(server, account).map(|server| Some(Described::Server(server)))
        }
        ProviderConfig::Nextauth(config) => {
            let site = nextauth::describe(config, &Http::new()?).await.map_err(Into::into);
            told(site, account).map(|site| Some(Described::Site(site)))
        }
    }
}
