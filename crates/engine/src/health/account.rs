//! Whether an account's provider can be reached and has the same time, and what is stored for it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use latchkey_core::disposition::Failure;
use latchkey_core::policy::in_words;

use super::{Finding, Grade, Sentence, Topic, vault};
use crate::config::{AccountConfig, ProviderConfig, Url};
use crate::http::{Http, Reply, Request};
use crate::network::{proxy_for, unusable_proxy};
use crate::ports::{Clock, Vault};

/// `Date` has whole seconds, and the way takes some time: less than this means nothing.
const SAME_TIME: SignedDuration = SignedDuration::from_secs(2);
/// What providers commonly forgive (`iat`, `nbf`).
const FORGIVEN: SignedDuration = SignedDuration::from_secs(60);
/// What hardly any provider forgives.
const UNFORGIVEN: SignedDuration = SignedDuration::from_secs(300);

pub(super) async fn examine(
    account: &AccountConfig,
    vault: Option<Arc<dyn Vault>>,
    clock: &dyn Clock,
    http: &Http,
    patience: Duration,
) -> Vec<Finding> {
    let mut findings = match token_url(&account.provider) {
        Some(url) => reach(&url, clock, http, patience).await,
        None => Vec::new(),
    };
    // What is wrong with the vault itself has been said.
    if let Some(vault) = vault {
        findings.push(stored(account, &*vault).await);
    }
    for finding in &mut findings {
        finding.account = Some(account.name.clone());
    }
    findings
}

/// Where the account's tokens come from, or who says where.
fn token_url(provider: &ProviderConfig) -> Option<Url> {
    match provider {
        ProviderConfig::Credentials(credentials) => Some(credentials.refresh_url.clone()),
        ProviderConfig::Oauth(oauth) => oauth.exchange_url(),
        ProviderConfig::Nextauth(nextauth) => Some(nextauth.site.clone()),
    }
}

/// Asks for the root of the host and for nothing more: whatever is answered, somebody is there.
async fn reach(url: &Url, clock: &dyn Clock, http: &Http, patience: Duration) -> Vec<Finding> {
    let root = url.join("/").unwrap_or_else(|_| url.clone());
    let host = url.host_str().unwrap_or_default();
    let begun = clock.now();
    let reply = tokio::time::timeout(patience, http.send(Request::get(&root))).await;
    let took = clock.now().boot.saturating_sub(begun.boot);
    let there = || {
        let message = format!("{host} answers in {}", in_words(took));
        let values = [("host", host.to_owned()), ("took_ms", took.as_millis().to_string())];
        Finding::new(Topic::Account, "provider_reached", Grade::Ok, message)
            .says(Sentence::ProviderReached, values)
    };
    let out_of_reach = |what: &str, sentence, (name, value): (&'static str, String)| {
        let message = format!("{host} cannot be reached: {what}");
        Finding::new(Topic::Account, "provider_unreachable", Grade::Problem, message)
            .hint("see that you are online and that the account's address is right; sessions are kept meanwhile")
            .says(sentence, [("host", host.to_owned()), (name, value)])
    };
    let none = || ("what", String::new());
    match reply {
        Ok(Ok(reply)) => [there()].into_iter().chain(skew(host, &reply, clock)).collect(),
        // A request of this kind is sent as it is; the last two are about what a provider says of itself.
        Ok(Err(
            Failure::Answered(_) | Failure::Misfit { .. } | Failure::KeyLost | Failure::SessionError { .. },
        )) => vec![there()],
        Ok(Err(Failure::NoReply)) => {
            vec![out_of_reach("it took the request and gave no answer", Sentence::ProviderSilent, none())]
        }
        Err(_) => {
            let what = format!("it gave no answer within {patience:?}");
            let allowed = ("patience_ms", patience.as_millis().to_string());
            vec![out_of_reach(&what, Sentence::ProviderSlow, allowed)]
        }
        // Where a proxy is asked, or was to be, nobody here need know the name.
        Ok(Err(Failure::NotSent { what }))
            if proxy_for(url).is_some() || unusable_proxy(url).is_some() || is_known(url, patience).await =>
        {
            vec![out_of_reach(&what, Sentence::ProviderUnreachable, ("what", what.clone()))]
        }
        Ok(Err(Failure::NotSent { .. })) => {
            vec![out_of_reach("nobody knows this name (DNS)", Sentence::ProviderUnknown, none())]
        }
    }
}

/// Whether the name of the host has an address.
async fn is_known(url: &Url, patience: Duration) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return true;
    }
    let port = url.port_or_known_default().unwrap_or(443);
    let found = tokio::time::timeout(patience, tokio::net::lookup_host((bare, port))).await;
    found.is_ok_and(|found| found.is_ok_and(|mut addresses| addresses.next().is_some()))
}

fn skew(host: &str, reply: &Reply, clock: &dyn Clock) -> Option<Finding> {
    let ahead = reply.skew(clock.now().wall)?;
    let by = ahead.abs();
    if by <= SAME_TIME {
        let finding =
            Finding::new(Topic::Account, "same_time", Grade::Ok, format!("{host} has the same time"));
        return Some(finding.says(Sentence::SameTime, [("host", host.to_owned())]));
    }
    let how = if ahead.is_positive() { "ahead" } else { "behind" };
    let message = format!("The clock of {host} is {} {how}", in_words(by));
    let values = [("host", host.to_owned()), ("by_ms", by.as_millis().to_string()), ("how", how.to_owned())];
    let grade = match by {
        by if by > UNFORGIVEN => Grade::Problem,
        by if by > FORGIVEN => Grade::Warning,
        _ => Grade::Ok,
    };
    let finding = Finding::new(Topic::Account, "other_time", grade, message);
    Some(if grade == Grade::Ok {
        finding.says(Sentence::OtherTime, values)
    } else {
        finding.hint("see whether the clock of this machine is right").says(Sentence::ClocksDiffer, values)
    })
}

async fn stored(account: &AccountConfig, vault: &dyn Vault) -> Finding {
    let name = &account.name;
    let finding = |code, grade, message: String| Finding::new(Topic::Account, code, grade, message);
    match vault.read(name).await {
        Ok(None) => finding("not_signed_in", Grade::Ok, "Nobody is signed in".to_owned())
            .says(Sentence::NotSignedIn, []),
        Ok(Some(envelope)) => match &envelope.quarantined {
            None => {
                let message = format!("Tokens are stored, generation {}", envelope.generation);
                finding("tokens_stored", Grade::Ok, message)
                    .says(Sentence::TokensStored, [("generation", envelope.generation.to_string())])
            }
            Some(reason) => {
                let mut values = reason.values();
                values.insert("reason", reason.code().to_owned());
                values.insert("generation", envelope.generation.to_string());
                values.insert("name", name.to_string());
                let message = format!(
                    "The refresh token of generation {} is not sent any more: {}",
                    envelope.generation,
                    reason.message()
                );
                finding("refresh_token_refused", Grade::Warning, message)
                    .hint(format!("sign in with `latchkey sign-in {name}`"))
                    .says(Sentence::RefreshTokenRefused, values)
            }
        },
        Err(error) => Finding { topic: Topic::Account, ..vault::failed(&error) },
    }
}
