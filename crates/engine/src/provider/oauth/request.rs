//! The authorization request (RFC 6749 §4.1.1), sent ahead where that can be (RFC 9126).

use jiff::SignedDuration;
use latchkey_core::disposition::Failure;
use latchkey_core::reason::Reason;
use reqwest::Url;
use serde_json::Value;

use super::metadata::Metadata;
use super::token::failure;
use super::{BoundKey, Oauth, answer};
use crate::config::When;
use crate::http::Reply;
use crate::jose::pkce::{CHALLENGE_METHOD, Nonce, State, Verifier};
use crate::provider::{SignInFailure, reply};

/// The shortest and longest time for which a request that was sent ahead is taken to be good.
const PUSHED_FOR: (i64, i64) = (10, 600);
/// So long where the server does not say, which it must.
const PUSHED_USUALLY: i64 = 60;

/// A request that is ready to be sent, as often as it takes.
pub(super) struct AuthorizationRequest {
    endpoint: Url,
    parameters: Vec<(String, String)>,
    pushed_to: Option<Url>,
}

/// The page to open.
pub(super) struct SignInPage {
    pub(super) url: Url,
    /// How long the page can be opened, where the server ends that.
    pub(super) good_for: Option<SignedDuration>,
}

/// What one sign-in is known by.
pub(super) struct Marks<'a> {
    pub(super) redirect_uri: &'a str,
    pub(super) state: &'a State,
    pub(super) nonce: Option<&'a Nonce>,
    pub(super) verifier: &'a Verifier,
    pub(super) key: Option<&'a BoundKey>,
}

impl Oauth {
    /// The request of one sign-in.
    pub(super) fn authorization_request(
        &self,
        metadata: &Metadata,
        marks: &Marks<'_>,
    ) -> Result<AuthorizationRequest, SignInFailure> {
        let config = &self.inner.config;
        let endpoint = metadata.endpoints.authorization.clone().ok_or(SignInFailure::NotThisWay)?;
        let pushed_to = metadata.endpoints.pushed_authorization_request.clone();
        let pushed_to = pushed_to.filter(|_| config.par != When::Never);
        if pushed_to.is_none() && metadata.par_required {
            return Err(misfit("it takes requests only that are sent ahead (`par`)"));
        }
        if pushed_to.is_none() && config.par == When::Always {
            return Err(misfit("requests cannot be sent ahead to it (`par`)"));
        }
        let mut parameters = vec![
            ("response_type", "code".to_owned()),
            ("client_id", config.client_id.clone()),
            ("redirect_uri", marks.redirect_uri.to_owned()),
            ("state", marks.state.expose().to_owned()),
            ("code_challenge", marks.verifier.challenge()),
            ("code_challenge_method", CHALLENGE_METHOD.to_owned()),
        ];
        let further = [
            ("scope", Some(config.scope.clone()).filter(|scope| !scope.is_empty())),
            ("nonce", marks.nonce.map(|nonce| nonce.expose().to_owned())),
            ("audience", config.audience.clone()),
            ("resource", config.resource.clone()),
            ("dpop_jkt", marks.key.map(|key| key.proofs.thumbprint().to_owned())),
        ];
        parameters.extend(further.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let own = config.parameters.iter().filter(|(_, value)| !value.is_empty());
        let own = own.map(|(name, value)| (name.clone(), value.clone()));
        let parameters =
            parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(own).collect();
        Ok(AuthorizationRequest { endpoint, parameters, pushed_to })
    }

    /// The page of a request: with everything in its address, or with the name of what was sent ahead.
    pub(super) async fn sign_in_page(
        &self,
        metadata: &Metadata,
        request: &AuthorizationRequest,
        key: Option<&BoundKey>,
    ) -> Result<SignInPage, SignInFailure> {
        let mut url = request.endpoint.clone();
        let Some(pushed_to) = &request.pushed_to else {
            url.query_pairs_mut().extend_pairs(&request.parameters);
            return Ok(SignInPage { url, good_for: None });
        };
        let form = request.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = self
            .ask(metadata, pushed_to, form, key.map(|key| &key.proofs))
            .await
            .map_err(SignInFailure::Failed)?;
        let (request_uri, good_for) = pushed(&answer)?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.inner.config.client_id)
            .append_pair("request_uri", &request_uri);
        Ok(SignInPage { url, good_for: Some(good_for) })
    }
}

/// The name of a request that was sent ahead, and for how long it is good (RFC 9126 §2.2).
fn pushed(answer: &Reply) -> Result<(String, SignedDuration), SignInFailure> {
    let json = reply::object(answer);
    let member = |name: &str| json.as_ref()?.get(name).cloned();
    if let Some(Value::String(request_uri)) = member("request_uri").filter(|_| answer.is_success()) {
        let secs = member("expires_in").and_then(|secs| secs.as_i64()).unwrap_or(PUSHED_USUALLY);
        let (shortest, longest) = PUSHED_FOR;
        return Ok((request_uri, SignedDuration::from_secs(secs.clamp(shortest, longest))));
    }
    Err(refused(answer))
}

/// A reply that ends a sign-in: with the server's own error, or as what it is.
pub(super) fn refused(answer: &Reply) -> SignInFailure {
    let json = reply::object(answer);
    let member = |name: &str| json.as_ref()?.get(name)?.as_str().map(str::to_owned);
    if let Some(error) = member("error").filter(|_| answer.status < 500) {
        return SignInFailure::Refused(answer::ended(&error, member("error_description").as_deref()));
    }
    let failure = failure(answer);
    // Something did arrive, and there is nothing that could be asked for once more.
    SignInFailure::Failed(if failure == Failure::NoReply { reply::odd(answer) } else { failure })
}

/// A server that cannot do what the account asks of it.
pub(super) fn misfit(why: &str) -> SignInFailure {
    SignInFailure::Refused(Reason::Misfit { why: why.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::samples;
    use super::*;

    async fn page(keys: &str, document: serde_json::Map<String, Value>) -> Result<Url, SignInFailure> {
        let config = samples::of(&format!("issuer = \"https://login.example.com\"\n{keys}"));
        let provider = samples::provider(config.clone());
        let metadata = Metadata::read(&document, config.issuer.as_ref().unwrap()).unwrap();
        let (state, nonce) = (State::generate().unwrap(), Nonce::generate().unwrap());
        let verifier = Verifier::generate().unwrap();
        let key = provider.new_key(&metadata)?;
        let redirect_uri = "http://127.0.0.1:5/callback";
        let marks = Marks {
            redirect_uri,
            state: &state,
            nonce: Some(&nonce),
            verifier: &verifier,
            key: key.as_ref(),
        };
        let request = provider.authorization_request(&metadata, &marks)?;
        let url = provider.sign_in_page(&metadata, &request, None).await?.url;
        assert!(!url.as_str().contains(verifier.expose()), "the verifier stays here");
        Ok(url)
    }

    #[tokio::test]
    async fn the_address_has_everything_once_and_keeps_what_the_endpoint_had() {
        let keys = "audience = \"api\"\nresource = \"https://api.example.com\"\ndpop = \"always\"\n\
                    [accounts.work.parameters]\nlogin_hint = \"me@example.com\"\nprompt = \"\"";
        let url = page(keys, samples::metadata()).await.unwrap();
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let once: BTreeMap<_, _> = pairs.iter().cloned().collect();
        assert_eq!(once.len(), pairs.len(), "no parameter stands twice (RFC 6749 §3.1)");
        for (name, value) in [
            ("tenant", "1"),
            ("response_type", "code"),
            ("client_id", "desktop"),
            ("redirect_uri", "http://127.0.0.1:5/callback"),
            ("scope", "openid offline_access"),
            ("code_challenge_method", "S256"),
            ("audience", "api"),
            ("resource", "https://api.example.com"),
            ("login_hint", "me@example.com"),
        ] {
            assert_eq!(once.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(["state", "nonce", "code_challenge", "dpop_jkt"].iter().all(|name| once[*name].len() == 43));
        assert!(!once.contains_key("prompt"), "an empty parameter is not sent");
    }

    #[tokio::test]
    async fn what_the_account_wants_and_the_server_cannot_is_said() {
        let why = |failure| {
            let SignInFailure::Refused(Reason::Misfit { why }) = failure else { panic!("{failure:?}") };
            why
        };
        let said = why(page("par = \"always\"", samples::metadata()).await.unwrap_err());
        assert!(said.contains("sent ahead"), "{said}");
        let mut document = samples::metadata();
        document.insert("require_pushed_authorization_requests".into(), true.into());
        assert!(why(page("par = \"never\"", document).await.unwrap_err()).contains("sent ahead"));
        let mut document = samples::metadata();
        document.remove("authorization_endpoint");
        assert!(matches!(page("", document).await, Err(SignInFailure::NotThisWay)));
    }
}
