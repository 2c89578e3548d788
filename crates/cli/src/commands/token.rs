//! `latchkey token`: a valid access token for the program that asks.

use jiff::{SignedDuration, Timestamp};
use latchkey_agent::client::{Client, ClientError};
use latchkey_agent::protocol::{TokenAnswer, TokenQuestion};
use latchkey_core::policy::in_words;
use latchkey_engine::config::AccountConfig;
use latchkey_engine::{IssuedToken, TokenRequest};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::args::{Token, TokenForm};
use crate::failure::Failure;
use crate::output;
use crate::render::when::When;
use crate::session::{Desk, told, with};

/// How long a token must stay valid if nobody says.
const MIN_VALID: SignedDuration = SignedDuration::from_secs(30);

/// What `--output json` prints.
#[derive(Serialize)]
struct TokenDocument<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_at: Timestamp,
    account: &'a str,
}

/// A token, whoever handed it out.
struct Given {
    access: Zeroizing<String>,
    token_type: String,
    expires_at: Timestamp,
    falls_short: bool,
    min_valid_capped: bool,
}

pub(crate) async fn run(args: Token) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(&args.account)?;
    let request = TokenRequest { min_valid: args.min_valid.unwrap_or(MIN_VALID), wait: args.wait };
    if let Some(token) = from_agent(&desk, account, request)? {
        return print(&token, &args, account, &desk.when());
    }
    with(&desk, vec![account], async |open| {
        let token = Given::from(told(open.engine.token(&account.name, request).await, account)?);
        print(&token, &args, account, &desk.when())
    })
    .await
}

/// The token from a running agent; none where there is no agent, or one that does not know the account yet.
fn from_agent(desk: &Desk, account: &AccountConfig, request: TokenRequest) -> Result<Option<Given>, Failure> {
    let seconds = |duration: SignedDuration| u64::try_from(duration.as_secs()).unwrap_or_default();
    let question =
        TokenQuestion { min_valid: Some(seconds(request.min_valid)), wait: Some(seconds(request.wait)) };
    match Client::new(&desk.paths.runtime_dir).token(account.name.as_str(), question) {
        Ok(answer) => Given::try_from(answer).map(Some),
        Err(ClientError::Refused(why)) if why.code != "unknown_account" => {
            Err(Failure::from_agent(why, account))
        }
        Err(ClientError::Refused(_)) => Ok(None),
        Err(error) if error.nobody() => Ok(None),
        Err(error) => {
            output::warn(&format!("{error}; doing without the agent"));
            Ok(None)
        }
    }
}

fn print(token: &Given, args: &Token, account: &AccountConfig, when: &When) -> Result<(), Failure> {
    if let Some(shortage) = shortage(token, args, when) {
        output::warn(&shortage);
    }
    if scheme(&token.token_type) == "DPoP" {
        output::warn(&bound(account));
    }
    match args.output {
        TokenForm::Raw => output::value(&token.access),
        TokenForm::Header => {
            output::value(&format!("Authorization: {} {}", scheme(&token.token_type), *token.access))
        }
        TokenForm::Json => output::json(&TokenDocument {
            access_token: &token.access,
            token_type: &token.token_type,
            expires_at: token.expires_at,
            account: account.name.as_str(),
        }),
    }
}

impl From<IssuedToken> for Given {
    fn from(token: IssuedToken) -> Self {
        Self {
            access: Zeroizing::new(token.access.expose().to_owned()),
            token_type: token.token_type.unwrap_or_else(|| "Bearer".to_owned()),
            expires_at: token.expires_at,
            falls_short: token.falls_short,
            min_valid_capped: token.min_valid_capped,
        }
    }
}

impl TryFrom<TokenAnswer> for Given {
    type Error = Failure;

    fn try_from(answer: TokenAnswer) -> Result<Self, Failure> {
        let unreadable = |_| Failure::failed(ClientError::Unreadable.to_string());
        Ok(Self {
            expires_at: answer.expires_at.parse().map_err(unreadable)?,
            access: Zeroizing::new(answer.access_token),
            token_type: answer.token_type,
            falls_short: answer.falls_short,
            min_valid_capped: answer.min_valid_capped,
        })
    }
}

/// Servers say `bearer` in many ways; some resource servers know only one (RFC 6750 §2.1, RFC 9449 §7.1).
fn scheme(token_type: &str) -> &str {
    let known = ["Bearer", "DPoP"].into_iter().find(|known| token_type.eq_ignore_ascii_case(known));
    known.unwrap_or(token_type)
}

/// What whoever takes a bound token should know: without the key it opens nothing (RFC 9449 §7.1).
fn bound(account: &AccountConfig) -> String {
    format!(
        "this token is bound to a key that only Latchkey has (DPoP), so other programs cannot use it; where the server \
         takes plain tokens too, set `dpop = \"never\"` for `{}` and sign in again",
        account.name
    )
}

/// How the token falls short of what was asked. What nobody asked for cannot be missed.
fn shortage(token: &Given, args: &Token, when: &When) -> Option<String> {
    let asked = in_words(args.min_valid?);
    if token.falls_short {
        let left = when.relative(token.expires_at);
        return Some(format!(
            "this token expires {left}, sooner than the {asked} asked for; no better one is to be had now"
        ));
    }
    token.min_valid_capped.then(|| {
        format!(
            "--min-valid {asked} is more than half of what this account's tokens live; half of it counted"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_written_as_resource_servers_know_it() {
        for (said, written) in [("bearer", "Bearer"), ("BEARER", "Bearer"), ("dpop", "DPoP"), ("mac", "mac")]
        {
            assert_eq!(scheme(said), written);
        }
    }
}
