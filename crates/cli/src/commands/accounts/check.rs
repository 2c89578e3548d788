//! `latchkey accounts check`: whether an account's server is there and fits it. Nobody signs in.

use latchkey_core::account::AccountName;
use latchkey_engine::config::{AccountConfig, ProviderConfig};
use latchkey_engine::http::Http;
use latchkey_engine::provider::oauth::{ServerDescription, describe};

use crate::failure::Failure;
use crate::output;
use crate::render::server::lines;
use crate::session::{Desk, told};

pub(super) async fn run(name: &AccountName, json: bool) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(name)?;
    match described(account).await? {
        Some(server) if json => output::json(&server),
        Some(server) => output::value(lines(&server).trim_end()),
        None => Err(Failure::wrong_use(format!(
            "`{name}` has a REST login, which cannot be asked what it can do"
        ))
        .hint(format!("try it with `latchkey sign-in {name}`"))),
    }
}

/// What the account's server says of itself; nothing for a REST login, which says nothing.
pub(super) async fn described(account: &AccountConfig) -> Result<Option<ServerDescription>, Failure> {
    match &account.provider {
        ProviderConfig::Credentials(_) => Ok(None),
        ProviderConfig::Oauth(oauth) => {
            told(describe(oauth, &Http::new()?).await.map_err(Into::into), account).map(Some)
        }
    }
}
