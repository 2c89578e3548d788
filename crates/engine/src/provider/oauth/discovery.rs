//! Asking an issuer for its metadata, and keeping them as long as it allows.

use jiff::SignedDuration;
use latchkey_core::disposition::{Answer, Body, Failure};
use latchkey_core::time::Stamp;
use reqwest::Url;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::MutexGuard;

use super::Oauth;
use super::metadata::{Metadata, Pkce};
use super::request::misfit;
use crate::config::{IssuerUrl, OauthConfig};
use crate::http::{Http, Reply, Request};
use crate::http_cache::{Bounds, kept_for};
use crate::provider::{SignInFailure, reply};

/// How long metadata are kept.
const KEPT: Bounds = Bounds {
    at_least: SignedDuration::from_mins(5),
    usually: SignedDuration::from_hours(1),
    at_most: SignedDuration::from_hours(24),
};

/// How long what a server said before is good enough when it does not answer.
const ASKED_AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Metadata, and until when they are taken for fresh.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) metadata: Metadata,
    until: Stamp,
}

/// What an authorization server can do, as it says itself: what `accounts add` and the window's form show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ServerDescription {
    /// Who it is.
    pub issuer: Option<String>,
    /// Can people sign in in a browser?
    pub browser: bool,
    /// Can people sign in with a code on another device (RFC 8628)?
    pub device: bool,
    /// Does it announce that it checks PKCE with S256 (RFC 7636)?
    pub pkce: bool,
    /// Does it take requests sent ahead (RFC 9126)?
    pub pushed_requests: bool,
    /// Does it bind tokens to a key (RFC 9449)?
    pub dpop: bool,
    /// Does it revoke tokens (RFC 7009)?
    pub revocation: bool,
    /// Does it end the person's session there (OpenID Connect RP-Initiated Logout)?
    pub end_session: bool,
    /// Does it tell who is signed in (OpenID Connect Core §5.3)?
    pub user_info: bool,
    /// What may be asked for, as far as it says.
    pub scopes: Vec<String>,
    /// How it signs ID tokens, as far as it says.
    pub algorithms: Vec<String>,
    /// What must be registered there for this program.
    pub redirect_uri: String,
}

/// Asks the server of an account what it can do. Nothing is sent to it but the question.
///
/// # Errors
/// The [`Failure`]: [`Failure::Misfit`] for a server that says something which cannot be used.
pub async fn describe(config: &OauthConfig, http: &Http) -> Result<ServerDescription, Failure> {
    let (metadata, _) = ask(config, http).await?;
    let endpoints = &metadata.endpoints;
    let shown = |names: &[String]| names.iter().map(|name| latchkey_core::text::foreign(name)).collect();
    Ok(ServerDescription {
        issuer: metadata.issuer.as_ref().map(ToString::to_string),
        browser: endpoints.authorization.is_some(),
        device: endpoints.device_authorization.is_some(),
        pkce: metadata.pkce == Pkce::S256,
        pushed_requests: endpoints.pushed_authorization_request.is_some(),
        dpop: metadata.dpop,
        revocation: endpoints.revocation.is_some(),
        end_session: endpoints.end_session.is_some(),
        user_info: endpoints.user_info.is_some(),
        scopes: shown(&metadata.scopes),
        algorithms: shown(metadata.id_token_algorithms.as_deref().unwrap_or_default()),
        redirect_uri: config.redirect.registered(),
    })
}

impl Oauth {
    /// What is known of the server: asked for where it is not fresh. An old answer is better than none.
    pub(super) async fn metadata(&self) -> Result<Metadata, Failure> {
        let known = self.inner.metadata.lock().await;
        let now = self.inner.clock.now();
        match known.as_ref().filter(|known| !known.until.passed(now)) {
            Some(fresh) => Ok(fresh.metadata.clone()),
            None => self.ask_anew(known).await,
        }
    }

    /// The same for a sign-in, which does not rely on what the server said before: somebody may just have changed it.
    pub(super) async fn metadata_for_sign_in(&self) -> Result<Metadata, SignInFailure> {
        let asked = self.ask_anew(self.inner.metadata.lock().await).await;
        asked.map_err(|failure| match failure {
            Failure::Misfit { why } => misfit(&why),
            Failure::NotSent { .. }
            | Failure::NoReply
            | Failure::Answered(_)
            | Failure::KeyLost
            | Failure::SessionError { .. } => SignInFailure::Failed(failure),
        })
    }

    async fn ask_anew(&self, mut known: MutexGuard<'_, Option<Known>>) -> Result<Metadata, Failure> {
        let inner = &self.inner;
        match ask(&inner.config, &inner.http).await {
            Ok((metadata, kept)) => {
                let until = inner.clock.now().plus(kept);
                *known = Some(Known { metadata: metadata.clone(), until });
                Ok(metadata)
            }
            // A server that is out of reach has not changed; one that says something else is not overheard.
            Err(Failure::Misfit { why }) => Err(Failure::Misfit { why }),
            // It is asked again soon, and not before each request of one renewal: a lost reply has to be asked for quickly.
            Err(failure) => {
                let known = known.as_mut().ok_or(failure)?;
                known.until = inner.clock.now().plus(ASKED_AGAIN);
                Ok(known.metadata.clone())
            }
        }
    }
}

/// Asks for the metadata and judges them. An account with a token endpoint of its own asks nobody.
async fn ask(config: &OauthConfig, http: &Http) -> Result<(Metadata, SignedDuration), Failure> {
    let misfit = |why| Failure::Misfit { why };
    let issuer = match &config.issuer {
        Some(issuer) if config.endpoints.token.is_none() => issuer,
        Some(_) | None => {
            let metadata = Metadata::of_account(config).with(config).map_err(misfit)?;
            return Ok((metadata, KEPT.at_most));
        }
    };
    let mut reply = None;
    for url in places(issuer) {
        let answer = http.send(Request::get(&url)).await?;
        // Only a server that says "not here" is asked at the other place.
        let elsewhere = matches!(answer.status, 400..=499) && !matches!(answer.status, 408 | 425 | 429);
        reply = Some(answer);
        if !elsewhere {
            break;
        }
    }
    let reply = reply.ok_or_else(|| misfit("its issuer is no address".to_owned()))?;
    let document = document(&reply)?;
    let metadata = Metadata::read(&document, issuer).and_then(|read| read.with(config)).map_err(misfit)?;
    Ok((metadata, kept_for(&reply.headers, KEPT)))
}

/// Where metadata stand: OpenID Connect Discovery §4 appends to the issuer's path, RFC 8414 §3.1 puts it between
/// host and path.
fn places(issuer: &IssuerUrl) -> Vec<Url> {
    let text = issuer.as_str().strip_suffix('/').unwrap_or(issuer.as_str());
    let appended = Url::parse(&format!("{text}/.well-known/openid-configuration")).ok();
    let inserted = Url::parse(text).ok().map(|mut url| {
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
        url
    });
    appended.into_iter().chain(inserted).collect()
}

/// The document in a reply. A status that is none of a document is no verdict on the session.
fn document(reply: &Reply) -> Result<serde_json::Map<String, Value>, Failure> {
    let object = reply::object(reply).and_then(|value| match value {
        Value::Object(members) => Some(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    });
    match (reply.status, object) {
        (200, Some(document)) => Ok(document),
        (404 | 410, _) => Err(Failure::Misfit {
            why: "there are no metadata at its address: is the issuer right?".to_owned(),
        }),
        (status, _) => {
            let body = if (300..400).contains(&status) { Body::Redirect } else { Body::NotJson };
            let retry_after = crate::http::retry_after(&reply.headers);
            Err(Failure::Answered(Answer { status, body, retry_after }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn both_standards_are_asked_at_their_own_place() {
        let at = |issuer: &str| {
            let config = samples::of(&format!("issuer = \"{issuer}\""));
            places(config.issuer.as_ref().unwrap()).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        for issuer in ["https://a.example", "https://a.example/"] {
            assert_eq!(
                at(issuer),
                [
                    "https://a.example/.well-known/openid-configuration",
                    "https://a.example/.well-known/oauth-authorization-server",
                ]
            );
        }
        for issuer in ["https://a.example:8443/t/one", "https://a.example:8443/t/one/"] {
            assert_eq!(
                at(issuer),
                [
                    "https://a.example:8443/t/one/.well-known/openid-configuration",
                    "https://a.example:8443/.well-known/oauth-authorization-server/t/one",
                ]
            );
        }
    }
}
