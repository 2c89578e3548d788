//! `latchkey accounts check`: whether an account's server is there and fits it. Nobody signs in.

use latchkey_core::account::AccountName;
use latchkey_engine::config::{AccountConfig, ProviderConfig};
use latchkey_engine::http::Http;
use latchkey_engine::provider::nextauth::{self, SiteDescription};
use latchkey_engine::provider::oauth::{ServerDescription, describe};
use serde::Serialize;

use crate::failure::Failure;
use crate::output;
use crate::render::{server, site};
use crate::session::{Desk, told};

pub(super) async fn run(name: &AccountName, json: bool) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(name)?;
    match described(account).await? {
        Some(server) if json => output::json(&server),
        Some(server) => output::value(server.lines().trim_end()),
        None => Err(Failure::wrong_use(format!(
            "`{name}` has a REST login, which cannot be asked what it can do"
        ))
        .hint(format!("try it with `latchkey sign-in {name}`"))),
    }
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
