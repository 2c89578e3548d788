//! `latchkey token`: a valid access token for the program that asks.

use latchkey_core::policy::in_words;
use latchkey_engine::TokenRequest;
use latchkey_engine::config::AccountConfig;

use crate::args::{Token, TokenForm};
use crate::failure::Failure;
use crate::hand_out::{self, Given, MIN_VALID, bound};
use crate::output;
use crate::render::token as form;
use crate::render::when::When;
use crate::session::Desk;

pub(crate) async fn run(args: Token) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(&args.account)?;
    // Before a token is fetched that nobody could read.
    let version = match args.output {
        TokenForm::Kubernetes => form::exec_version(std::env::var_os("KUBERNETES_EXEC_INFO"))?,
        TokenForm::Raw | TokenForm::Header | TokenForm::Json | TokenForm::Git | TokenForm::Docker => "",
    };
    let request = TokenRequest { min_valid: args.min_valid.unwrap_or(MIN_VALID), wait: args.wait };
    let token = hand_out::token(&desk, account, request).await?;
    if let Some(shortage) = shortage(&token, &args, &desk.when()) {
        output::warn(&shortage);
    }
    if token.is_bound() {
        output::warn(&bound(account));
    }
    print(&token, args.output, version, account)
}

fn print(token: &Given, output: TokenForm, version: &str, account: &AccountConfig) -> Result<(), Failure> {
    match output {
        TokenForm::Raw => output::value(&token.access),
        TokenForm::Header => output::value(&format!("Authorization: {} {}", token.scheme(), *token.access)),
        TokenForm::Json => output::json(&form::json(token, account)),
        TokenForm::Kubernetes => output::json_line(&form::kubernetes(token, version)),
        TokenForm::Git => output::draw(&form::git(token, account.hosts.user())),
        TokenForm::Docker => {
            let server = account.hosts.places.first().map(ToString::to_string).unwrap_or_default();
            output::json_line(&form::docker(token, &server, account.hosts.user()))
        }
    }
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
