//! What a site says of itself, for people who set an account up. Nobody signs in for it.

use latchkey_core::disposition::Failure;
use latchkey_core::text;
use serde::Serialize;
use serde_json::Value;

use super::site::{at, csrf_token, no_site};
use crate::config::NextauthConfig;
use crate::http::{Http, Request};
use crate::provider::reply;

/// How many providers are listed.
const MOST: usize = 50;

/// What a site can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SiteDescription {
    /// Where its auth endpoints are.
    pub auth_url: String,
    /// Which NextAuth it is: `v4` or `v5`, told by the names of its cookies; none if it named them itself.
    pub version: Option<String>,
    /// How people sign in there.
    pub providers: Vec<SiteProvider>,
    /// Does the account's `credentials_provider` exist there?
    pub signs_in_here: bool,
}

/// One way to sign in to a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SiteProvider {
    /// What the site's configuration calls it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is: `credentials`, `oauth`, `oidc`, `email`, …
    pub kind: String,
}

/// Asks a site what it can do.
///
/// # Errors
/// A [`Failure`] when no NextAuth can be reached there.
pub async fn describe(config: &NextauthConfig, http: &Http) -> Result<SiteDescription, Failure> {
    let mut last = None;
    for base in config.auth_addresses() {
        let reply = http.send(Request::get(&at(&base, "csrf"))).await?;
        if csrf_token(&reply).is_none() {
            last = Some(no_site(&reply, true));
            continue;
        }
        let set = reply.headers.get_all("set-cookie").iter().filter_map(|header| header.to_str().ok());
        let version = set.filter_map(|header| header.split_once('=')).find_map(|(name, _)| {
            let named = |part: &str| name.contains(part);
            if named("authjs.") { Some("v5") } else { named("next-auth.").then_some("v4") }
        });
        let listed = http.send(Request::get(&at(&base, "providers"))).await?;
        let providers = reply::object(&listed).map(|json| providers(&json)).unwrap_or_default();
        let signs_in_here = providers
            .iter()
            .any(|provider| provider.kind == "credentials" && provider.id == config.credentials_provider);
        return Ok(SiteDescription {
            auth_url: base.to_string(),
            version: version.map(str::to_owned),
            providers,
            signs_in_here,
        });
    }
    Err(last.unwrap_or(Failure::Misfit { why: "the account names no address".to_owned() }))
}

fn providers(json: &Value) -> Vec<SiteProvider> {
    let listed = json.as_object().into_iter().flatten().take(MOST);
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(text::foreign);
    listed
        .map(|(id, value)| SiteProvider {
            id: text::foreign(id),
            name: text(value, "name").unwrap_or_default(),
            kind: text(value, "type").unwrap_or_default(),
        })
        .collect()
}
