//! `latchkey token`: a valid access token for the program that asks.

use jiff::{SignedDuration, Timestamp};
use latchkey_core::policy::in_words;
use latchkey_engine::{IssuedToken, TokenRequest};
use serde::Serialize;

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

pub(crate) async fn run(args: Token) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(&args.account)?;
    let request = TokenRequest { min_valid: args.min_valid.unwrap_or(MIN_VALID), wait: args.wait };
    with(&desk, vec![account], async |open| {
        let token = told(open.engine.token(&account.name, request).await, account)?;
        if let Some(shortage) = shortage(&token, &args, &desk.when()) {
            output::warn(&shortage);
        }
        let kind = token.token_type.as_deref().unwrap_or("Bearer");
        match args.output {
            TokenForm::Raw => output::value(token.access.expose()),
            TokenForm::Header => {
                output::value(&format!("Authorization: {} {}", scheme(kind), token.access.expose()))
            }
            TokenForm::Json => output::json(&TokenDocument {
                access_token: token.access.expose(),
                token_type: kind,
                expires_at: token.expires_at,
                account: account.name.as_str(),
            }),
        }
    })
    .await
}

/// Servers say `bearer` in many ways; some resource servers know only one (RFC 6750 §2.1, RFC 9449 §7.1).
fn scheme(token_type: &str) -> &str {
    let known = ["Bearer", "DPoP"].into_iter().find(|known| token_type.eq_ignore_ascii_case(known));
    known.unwrap_or(token_type)
}

/// How the token falls short of what was asked. What nobody asked for cannot be missed.
fn shortage(token: &IssuedToken, args: &Token, when: &When) -> Option<String> {
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
