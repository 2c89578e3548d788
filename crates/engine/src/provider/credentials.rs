//! A REST backend with a login, a refresh and perhaps a logout endpoint, none of them standardised: the account
//! says where things stand in its requests and replies.

use std::collections::BTreeSet;
use std::sync::Arc;

use latchkey_core::disposition::{Answer, Body, Failure};
use latchkey_core::reason::Reason;
use latchkey_core::secret::{AccessToken, RefreshToken};

use crate::config::{Carrier, CredentialsConfig};
use crate::http::{Http, Reply, Request};
use crate::ports::Clock;
use crate::provider::{Issued, SignInFailure, pin, reply};
use crate::sign_in::Login;
use crate::vault::{Envelope, Identity};

/// At the login and logout endpoints no status says anything about a refresh token.
const NONE_REFUSED: BTreeSet<u16> = BTreeSet::new();

/// The provider of accounts with `provider = "credentials"`.
#[derive(Clone)]
pub struct Credentials {
    config: Arc<CredentialsConfig>,
    http: Http,
}

impl Credentials {
    pub(super) fn new(config: Arc<CredentialsConfig>, http: Http) -> Self {
        Self { config, http }
    }

    pub(super) async fn sign_in(&self, login: Login, clock: &dyn Clock) -> Result<Issued, SignInFailure> {
        let answer = self.http.send(self.login_request(&login)).await.map_err(SignInFailure::Failed)?;
        let received = clock.now().wall;
        let mut issued = reply::read(&answer, &self.config.map, &NONE_REFUSED, received)
            .map_err(|failure| refused_login(failure, &answer))?;
        issued.oauth.token_host = Some(self.token_host());
        if issued.access.is_none() {
            return Err(SignInFailure::Refused(no_access_token()));
        }
        if issued.identity.name.is_none() && issued.identity.email.is_none() {
            self.ask_user_info(&mut issued).await;
        }
        Ok(issued)
    }

    pub(super) fn login_request(&self, login: &Login) -> Request {
        let members = [
            (self.config.username_field.as_str(), login.username.as_str()),
            ("password", login.password.expose()),
        ];
        Request::post_json(&self.config.login_url, &members)
    }

    pub(super) async fn renew(
        &self,
        refresh: &RefreshToken,
        held: &Envelope,
        clock: &dyn Clock,
    ) -> Result<Issued, Failure> {
        pin::pinned(held, Some(&self.token_host()), "refresh address")?;
        let answer = self.http.send(self.carrying(&self.config.refresh_url, refresh)).await?;
        let mut issued =
            reply::read(&answer, &self.config.map, &self.config.refused_status, clock.now().wall)?;
        issued.oauth.token_host = Some(self.token_host());
        Ok(issued)
    }

    /// The host that refresh tokens are for.
    fn token_host(&self) -> String {
        pin::host(&self.config.refresh_url)
    }

    pub(super) async fn accepts(&self, access: &AccessToken) -> Option<bool> {
        let url = self.config.user_info_url.as_ref()?;
        let request =
            Request::get(url).secret_header("authorization", &format!("Bearer {}", access.expose()));
        verdict(&self.http.send(request).await.ok()?)
    }

    pub(super) fn exchange_url(&self) -> &reqwest::Url {
        &self.config.refresh_url
    }

    pub(super) fn revokes(&self) -> bool {
        self.config.logout_url.is_some()
    }

    /// Whether it is this backend's tokens that are held.
    pub(super) fn issued(&self, held: &Envelope) -> bool {
        pin::is_of(held, Some(&self.token_host()))
    }

    pub(super) async fn sign_out(
        &self,
        refresh: Option<&RefreshToken>,
        access: &AccessToken,
    ) -> Result<(), Failure> {
        let Some(url) = &self.config.logout_url else { return Ok(()) };
        let request = match refresh {
            Some(refresh) => self.carrying(url, refresh),
            None => Request::post_json(url, &[]),
        };
        let request = request.secret_header("authorization", &format!("Bearer {}", access.expose()));
        let answer = self.http.send(request).await?;
        if answer.is_success() { Ok(()) } else { Err(reply::failure(&answer, &NONE_REFUSED)) }
    }

    /// A request that carries the refresh token the way this backend wants it.
    fn carrying(&self, url: &reqwest::Url, refresh: &RefreshToken) -> Request {
        match &self.config.refresh_token {
            Carrier::Body(name) => Request::post_json(url, &[(name, refresh.expose())]),
            Carrier::Header(name) => Request::post_json(url, &[]).secret_header(name, refresh.expose()),
            Carrier::Cookie(name) => {
                Request::post_json(url, &[]).secret_header("cookie", &format!("{name}={}", refresh.expose()))
            }
        }
    }

    /// Asks who signed in. Not knowing is no reason to fail: the tokens are good.
    async fn ask_user_info(&self, issued: &mut Issued) {
        let Some(access) = &issued.access else { return };
        if let Ok(Some(identity)) = self.user_info(access).await {
            issued.identity = identity;
        }
    }

    /// Asks who an access token is for; none where the backend has nowhere to ask.
    pub(super) async fn user_info(&self, access: &AccessToken) -> Result<Option<Identity>, Failure> {
        let Some(url) = &self.config.user_info_url else { return Ok(None) };
        let request =
            Request::get(url).secret_header("authorization", &format!("Bearer {}", access.expose()));
        let answer = self.http.send(request).await?;
        match reply::object(&answer).filter(|_| answer.is_success()) {
            Some(json) => Ok(Some(reply::user_info(&self.config.map, &json, &answer))),
            None => Err(reply::failure(&answer, &NONE_REFUSED)),
        }
    }
}

/// Whether a resource took the access token that it was asked with (RFC 6750 §3.1); any other answer says nothing.
pub(super) fn verdict(answer: &Reply) -> Option<bool> {
    if answer.is_success() { Some(true) } else { (answer.status == 401).then_some(false) }
}

/// A login that brought no tokens: what the backend says in a readable answer is its verdict on who wants in. 423 is
/// "locked" (RFC 4918 §11.3), which backends answer after too many wrong passwords.
pub(super) fn refused_login(failure: Failure, answer: &Reply) -> SignInFailure {
    let failure = if failure == Failure::NoReply { reply::odd(answer) } else { failure };
    let Failure::Answered(Answer { status, body, .. }) = &failure else {
        return SignInFailure::Failed(failure);
    };
    let said = || reply::object(answer).and_then(|json| reply::said(&json));
    match (status, body) {
        (400 | 401 | 403 | 422, Body::Verdict { .. } | Body::NoVerdict) | (401, Body::Empty) => {
            SignInFailure::WrongCredentials { said: said() }
        }
        (423, _) => SignInFailure::Refused(Reason::SignInDenied { said: said() }),
        (200..=299, Body::NoVerdict) => SignInFailure::Refused(no_access_token()),
        _ => SignInFailure::Failed(failure),
    }
}

fn no_access_token() -> Reason {
    let why = "there is no access token where the account looks for it; either the backend wants a second factor, which a \
               REST login has no step for, or the account's `map` has to name another place";
    Reason::NotBelieved { why: why.to_owned() }
}
