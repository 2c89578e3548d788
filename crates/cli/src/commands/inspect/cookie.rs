//! The session cookie of a site, opened with the site's secret.

use latchkey_core::secret::Secret;
use latchkey_engine::SiteSecret;
use latchkey_engine::config::{AccountConfig, Url, is_loopback};
use latchkey_engine::provider::nextauth::site_secret::{OpenedCookie, reseal};
use latchkey_engine::snapshot::ClaimStatus;
use serde_json::{Map, Value, json};

use super::{table, time};
use crate::args::Inspect;
use crate::failure::Failure;
use crate::render::when::When;
use crate::session::{Open, told};
use crate::{output, prompt};

/// Opens the cookie and prints what it says, or seals it again with other claims and prints that.
pub(super) async fn run(
    open: &Open<'_>,
    account: &AccountConfig,
    args: &Inspect,
    when: &When,
) -> Result<(), Failure> {
    let given = if args.site_secret_stdin {
        Some(prompt::password_from_stdin().await?)
    } else if args.site_secret {
        Some(prompt::site_secret().await?)
    } else {
        None
    };
    if !args.set.is_empty() {
        may_be_changed(account.provider.address().as_ref(), args.host.as_deref())?;
    }
    let given = given.map(|secret| Secret::new(secret.expose().to_owned()));
    let secret = SiteSecret { given: given.clone(), keep: args.keep_secret };
    let mut opened = told(open.engine.open_cookie(&account.name, secret).await, account)?;
    if args.set.is_empty() {
        return print(&opened, args, when);
    }
    let Some(secret) = given else {
        return Err(Failure::wrong_use("a cookie with other claims takes the site's secret once more")
            .hint("give it with --site-secret or --site-secret-stdin"));
    };
    opened.claims.extend(args.set.iter().cloned());
    let sealed = reseal(&opened, &secret).ok_or_else(|| Failure::failed("the cookie could not be sealed"))?;
    output::warn("This cookie signs in as whoever it names. It was not sent and is kept nowhere");
    output::value(&format!("{}={}", opened.cookie, sealed.expose()))
}

/// Cookies with other claims are for sites that one tests: on this machine, or named by the one who asks.
fn may_be_changed(site: Option<&Url>, named: Option<&str>) -> Result<(), Failure> {
    let Some(site) = site else { return Err(Failure::wrong_use("this account has no site")) };
    let host = site.host_str().unwrap_or_default();
    if is_loopback(site) || named == Some(host) {
        return Ok(());
    }
    Err(Failure::wrong_use("a cookie with other claims is for a site that you test")
        .hint(format!("if {host} is one, name it: --host {host}")))
}

fn print(opened: &OpenedCookie, args: &Inspect, when: &When) -> Result<(), Failure> {
    if args.json {
        return output::json(&json!({
            "cookie": opened.cookie,
            "sealed_by": opened.version.name(),
            "header": opened.header,
            "claims": opened.claims,
        }));
    }
    let header = table(&members(&opened.header), |_| None);
    let claims = table(&members(&opened.claims), |claim| time(claim, when));
    let cookie = &opened.cookie;
    output::value(&format!(
        "{cookie}, sealed by {}\n\nHeader\n{header}\n\nClaims\n{claims}",
        opened.version.name()
    ))
}

fn members(members: &Map<String, Value>) -> Vec<ClaimStatus> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let shown = |text: String| latchkey_core::text::foreign(&text);
    members
        .iter()
        .map(|(name, value)| ClaimStatus { name: shown(name.clone()), value: shown(text(value)) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_changed_for_this_machine_or_a_host_that_was_named() {
        let allowed =
            |site: &str, named: Option<&str>| may_be_changed(Url::parse(site).ok().as_ref(), named).is_ok();
        assert!(allowed("http://127.0.0.1:3000", None) && allowed("http://localhost:3000", None));
        assert!(!allowed("https://shop.example.com", None));
        assert!(!allowed("https://shop.example.com", Some("example.com")));
        assert!(allowed("https://staging.example.com", Some("staging.example.com")));
    }
}
