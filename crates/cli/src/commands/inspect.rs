//! `latchkey inspect`: what a JWT says, and whose word that is.

mod cookie;

use std::io::Read as _;

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::secret::AccessToken;
use latchkey_engine::inspection::{Inspection, SignatureStatus};
use latchkey_engine::snapshot::ClaimStatus;
use zeroize::Zeroizing;

use crate::args::Inspect;
use crate::failure::Failure;
use crate::output;
use crate::prompt;
use crate::render::when::When;
use crate::session::{Desk, told, with};

/// The longest input that is read: no token needs to be larger.
const MAX_INPUT: u64 = 64 * 1024;
/// The claims that are times (RFC 7519 §4.1, OpenID Connect Core §2).
const TIMES: [&str; 5] = ["exp", "nbf", "iat", "auth_time", "updated_at"];

pub(crate) async fn run(args: Inspect) -> Result<(), Failure> {
    if args.what == "-" {
        if args.opens_cookie() {
            return Err(Failure::wrong_use("a site's secret opens the cookie of an account: name that"));
        }
        let desk = Desk::without_accounts()?;
        let token = if prompt::can_ask() { bare(&prompt::token().await?)? } else { from_stdin()? };
        return print(&Inspection::of_stranger(&token), &args, &desk.when());
    }
    let name = AccountName::new(&args.what).map_err(|error| Failure::wrong_use(error.to_string()))?;
    let desk = Desk::open()?;
    let account = desk.account(&name)?;
    with(&desk, vec![account], async |open| {
        if args.opens_cookie() {
            return cookie::run(open, account, &args, &desk.when()).await;
        }
        let inspection = told(open.engine.inspect(&account.name).await, account)?;
        print(&inspection, &args, &desk.when())
    })
    .await
}

fn from_stdin() -> Result<AccessToken, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = std::io::stdin().take(MAX_INPUT + 1).read_to_string(&mut text);
    let fits =
        read.map_err(|error| Failure::failed(format!("standard input cannot be read: {}", error.kind())))?;
    if fits as u64 > MAX_INPUT {
        return Err(Failure::wrong_use("standard input holds more than 64 KiB, which is no token"));
    }
    bare(&text)
}

/// The token, where people copy the whole header.
fn bare(text: &str) -> Result<AccessToken, Failure> {
    let token = text.trim();
    let bare = token.rsplit([' ', '\t']).next().unwrap_or(token);
    if bare.is_empty() {
        return Err(Failure::wrong_use("there is no token on standard input"));
    }
    Ok(AccessToken::new(bare))
}

fn print(inspection: &Inspection, args: &Inspect, when: &When) -> Result<(), Failure> {
    if args.json {
        return output::json(inspection);
    }
    output::value(&page(inspection, when))
}

fn page(inspection: &Inspection, when: &When) -> String {
    let signature = match &inspection.signature {
        SignatureStatus::Verified { key, algorithm } => {
            format!("Signature: verified, {algorithm} with the issuer's key {key}")
        }
        SignatureStatus::Refused { why } => format!("Signature: refused, {why}"),
        SignatureStatus::NotChecked { why } => format!("Signature: not checked, {why}"),
    };
    if !inspection.jwt {
        return format!("This token is opaque: it says nothing to anyone but its issuer.\n{signature}");
    }
    let header = table(&inspection.header, |_| None);
    let claims = table(&inspection.claims, |claim| time(claim, when));
    format!("{signature}\n\nHeader\n{header}\n\nClaims\n{claims}")
}

fn table(members: &[ClaimStatus], also: impl Fn(&ClaimStatus) -> Option<String>) -> String {
    let width = members.iter().map(|member| member.name.chars().count()).max().unwrap_or_default();
    let line = |member: &ClaimStatus| {
        let also = also(member).map_or_else(String::new, |also| format!("  ({also})"));
        format!("  {:width$}  {}{also}", member.name, member.value)
    };
    members.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A time for people.
fn time(claim: &ClaimStatus, when: &When) -> Option<String> {
    let is_time = TIMES.contains(&claim.name.as_str());
    let seconds = claim.value.parse::<f64>().ok().filter(|_| is_time)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a number that is too large is no time, as the next line finds"
    )]
    let at = Timestamp::from_second(seconds as i64).ok()?;
    Some(when.relative(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, value: &str) -> ClaimStatus {
        ClaimStatus { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn a_token_is_shown_with_its_times_in_words() {
        let when = When::new("2026-11-20T12:00:00Z".parse().unwrap(), jiff::tz::TimeZone::UTC);
        let verified =
            SignatureStatus::Verified { key: "one (P-256, NzbLsXh8…)".into(), algorithm: "ES256".into() };
        let inspection = Inspection {
            jwt: true,
            header: vec![member("alg", "ES256"), member("typ", "at+jwt")],
            claims: vec![member("sub", "ada"), member("exp", "1795262700"), member("n", "1795262700")],
            signature: verified,
            previous: None,
        };
        insta::assert_snapshot!(page(&inspection, &when));
    }
}
