//! How accounts sign in and renew. One file for each provider.

pub mod credentials;
pub mod expiry;
pub mod nextauth;
pub mod oauth;
mod pin;
mod reply;
pub mod trial;

use std::sync::Arc;

use jiff::Timestamp;
use latchkey_core::disposition::Failure;
use latchkey_core::reason::Reason;
use latchkey_core::secret::{AccessToken, DpopKey, IdToken, RefreshToken};
use latchkey_core::token_set::Source;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde_json::Value;

use crate::authorization;
use crate::config::ProviderConfig;
use crate::engine::IssuedToken;
use crate::error::EngineError;
use crate::http::Http;
use crate::inspection::SignatureStatus;
use crate::ports::Clock;
use crate::sign_in::{Attempt, SignIn};
use crate::vault::{Envelope, Identity};

/// What a provider issued, as far as it could be read. The refresh token is taken first and by itself, so that
/// an odd reply loses nothing.
pub struct Issued {
    /// The access token, unless the reply lacks one.
    pub access: Option<AccessToken>,
    /// The refresh token, if a new one was issued.
    pub refresh: Option<RefreshToken>,
    /// The ID token, if one was issued.
    pub id: Option<IdToken>,
    /// When the reply arrived.
    pub received: Timestamp,
    /// When the access token expires, by our clock.
    pub access_expires: Option<(Timestamp, Source)>,
    /// When the refresh token expires, by our clock.
    pub refresh_expires: Option<(Timestamp, Source)>,
    /// When the session ends, by our clock.
    pub session_expires: Option<(Timestamp, Source)>,
    /// Who signed in, as far as the reply tells.
    pub identity: Identity,
    /// What a site says of the session besides, fit to be shown.
    pub session_data: Option<Vec<(String, String)>>,
    /// What mostly an authorization server says.
    pub oauth: OauthFacts,
}

/// What an authorization server says of its tokens besides their ends, and where they are from.
#[derive(Default)]
pub struct OauthFacts {
    /// The token type (RFC 6749 §7.1).
    pub token_type: Option<String>,
    /// The scope that was granted (RFC 6749 §3.3), where that is known.
    pub scope: Option<String>,
    /// The scope that was asked for, at a sign-in.
    pub asked_scope: Option<String>,
    /// The key that the tokens are bound to (RFC 9449).
    pub dpop_key: Option<DpopKey>,
    /// The host that issued them.
    pub token_host: Option<String>,
}

/// What became of a session at its provider.
pub struct SignedOut {
    /// Was there a place to tell it that its tokens are not used any more?
    pub revoked: bool,
    /// The page at which the person ends their session there, where the account asks for that.
    pub page: Option<Url>,
}

/// How much of what a renewal brought is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Believed {
    /// All of it.
    All,
    /// Its tokens, which came from the token endpoint itself, but not its ID token: the one from before stays.
    ButTheIdToken,
}

/// Why a sign-in brought no tokens.
#[derive(Debug)]
pub enum SignInFailure {
    /// The provider did not accept what was typed.
    WrongCredentials {
        /// Its words, made harmless.
        said: Option<String>,
    },
    /// The account does not sign in that way: a browser for a REST login, a password for OAuth.
    NotThisWay,
    /// It was given up.
    GivenUp,
    /// It came to an end that has a name: declined, timed out, not believed.
    Refused(Reason),
    /// Anything else.
    Failed(Failure),
}

/// An account's provider.
#[derive(Clone)]
pub enum Provider {
    /// A REST backend with a login and a refresh endpoint.
    Credentials(credentials::Credentials),
    /// An authorization server.
    Oauth(oauth::Oauth),
    /// A site with NextAuth or Auth.js.
    Nextauth(nextauth::Nextauth),
}

impl Provider {
    /// The provider an account is configured for.
    pub fn new(config: &ProviderConfig, http: Http, clock: Arc<dyn Clock>) -> Self {
        match config {
            ProviderConfig::Credentials(config) => {
                Self::Credentials(credentials::Credentials::new(config.clone(), http))
            }
            ProviderConfig::Oauth(config) => Self::Oauth(oauth::Oauth::new(config.clone(), http, clock)),
            ProviderConfig::Nextauth(config) => {
                Self::Nextauth(nextauth::Nextauth::new(config.clone(), http, clock))
            }
        }
    }

    /// Its name in configuration and status.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Credentials(_) => "credentials",
            Self::Oauth(_) => "oauth",
            Self::Nextauth(_) => "nextauth",
        }
    }

    /// Fetches what an exchange needs besides the tokens, before any lock is taken.
    pub async fn prepare(&self) -> Result<(), Failure> {
        match self {
            // A session knows where it is read.
            Self::Credentials(_) | Self::Nextauth(_) => Ok(()),
            Self::Oauth(provider) => provider.prepare().await,
        }
    }

    /// Signs in. What the person has to do meanwhile is shown through the attempt; a password is used once.
    pub async fn sign_in(
        &self,
        how: SignIn,
        attempt: &Attempt,
        clock: &dyn Clock,
    ) -> Result<Issued, SignInFailure> {
        match (self, how) {
            (Self::Credentials(provider), SignIn::Password(login)) => provider.sign_in(login, clock).await,
            (Self::Oauth(provider), SignIn::Browser) => provider.sign_in_by_browser(attempt).await,
            (Self::Oauth(provider), SignIn::Device) => provider.sign_in_by_device(attempt).await,
            (Self::Nextauth(provider), SignIn::Password(login)) => provider.sign_in(login, clock).await,
            (Self::Nextauth(provider), SignIn::Cookie(session)) => {
                provider.take_cookie(&session, clock).await
            }
            (Self::Credentials(_), SignIn::Browser | SignIn::Device | SignIn::Cookie(_))
            | (Self::Oauth(_), SignIn::Password(_) | SignIn::Cookie(_))
            | (Self::Nextauth(_), SignIn::Browser | SignIn::Device) => Err(SignInFailure::NotThisWay),
        }
    }

    /// Exchanges the refresh token that is held for the next token set. An `update` goes along where the session is a
    /// site's; nobody else takes one.
    pub async fn renew(
        &self,
        refresh: &RefreshToken,
        held: &Envelope,
        update: Option<&Value>,
        clock: &dyn Clock,
    ) -> Result<Issued, Failure> {
        match self {
            Self::Credentials(provider) => provider.renew(refresh, held, clock).await,
            Self::Oauth(provider) => provider.renew(refresh, held).await,
            Self::Nextauth(provider) => provider.renew(refresh, update, clock).await,
        }
    }

    /// Whether renewing is reading a session, with what it holds.
    pub fn reads_sessions(&self) -> bool {
        match self {
            Self::Credentials(_) | Self::Oauth(_) => false,
            Self::Nextauth(_) => true,
        }
    }

    /// What a site calls the session cookie in a jar.
    pub(crate) fn session_cookie_name(&self, cookies: &nextauth::Jar) -> Option<String> {
        match self {
            Self::Credentials(_) | Self::Oauth(_) => None,
            Self::Nextauth(provider) => provider.session_cookie_name(cookies),
        }
    }

    /// Asks again who is signed in; none where the account has nowhere to ask.
    pub async fn identity(&self, access: &AccessToken, held: &Envelope) -> Result<Option<Identity>, Failure> {
        match self {
            Self::Credentials(provider) => provider.user_info(access).await,
            Self::Oauth(provider) => provider.user_info_again(access, held).await,
            Self::Nextauth(_) => Ok(None),
        }
    }

    /// Whether there is something to [`Provider::judge`] in what a renewal brought.
    pub fn judges(&self, renewed: &Envelope, before: &Envelope) -> bool {
        match self {
            Self::Credentials(_) | Self::Nextauth(_) => false,
            Self::Oauth(provider) => provider.judges(renewed, before),
        }
    }

    /// Judges what a renewal brought, once its refresh token is durable: whether it is still the same person's.
    ///
    /// # Errors
    /// The [`Reason`] why its access token must not be handed out.
    pub async fn judge(&self, renewed: &Envelope, before: &Envelope) -> Result<Believed, Reason> {
        match self {
            Self::Credentials(_) | Self::Nextauth(_) => Ok(Believed::All),
            Self::Oauth(provider) => provider.judge(renewed, before).await,
        }
    }

    /// Whether an access token is what its issuer says it is.
    pub async fn verify_access_token(&self, token: &AccessToken) -> SignatureStatus {
        match self {
            Self::Credentials(_) => {
                SignatureStatus::not_checked("the account names no issuer whose keys could be asked for")
            }
            Self::Oauth(provider) => provider.verify_access_token(token).await,
            Self::Nextauth(_) => {
                SignatureStatus::not_checked("only the site can read its cookie; with its secret, so can you")
            }
        }
    }

    /// Whether this provider signed a token that somebody wants to look at; nothing where it names another issuer.
    pub async fn verify_signature(&self, token: &AccessToken) -> Option<SignatureStatus> {
        match self {
            Self::Credentials(_) | Self::Nextauth(_) => None,
            Self::Oauth(provider) => provider.verify_signature(token).await,
        }
    }

    /// What authorizes one request to a resource server with this token.
    pub fn request_headers(
        &self,
        token: &IssuedToken,
        method: &Method,
        url: &Url,
    ) -> Result<HeaderMap, EngineError> {
        match self {
            Self::Credentials(_) => Ok(authorization::bearer(&token.access)),
            Self::Oauth(provider) => provider.request_headers(token, method, url),
            Self::Nextauth(provider) => provider.request_headers(token, url),
        }
    }

    /// Takes down what a resource server's answer brings for the next request there.
    pub fn heard_from_resource(&self, url: &Url, answer: &HeaderMap) {
        match self {
            Self::Credentials(_) | Self::Nextauth(_) => {}
            Self::Oauth(provider) => provider.heard_from_resource(url, answer),
        }
    }

    /// Whether the access token is taken where the account can ask who is signed in; none where it cannot ask.
    pub async fn accepts(&self, held: &Envelope) -> Option<bool> {
        match self {
            Self::Credentials(provider) => provider.accepts(&held.tokens.access).await,
            Self::Oauth(provider) => provider.accepts(held).await,
            // A site has no place of its own for that; its pages are its own affair.
            Self::Nextauth(_) => None,
        }
    }

    /// Where an exchange is sent, as far as that is known.
    pub fn exchange_url(&self) -> Option<Url> {
        match self {
            Self::Credentials(provider) => Some(provider.exchange_url().clone()),
            Self::Oauth(provider) => provider.exchange_url(),
            Self::Nextauth(provider) => Some(provider.exchange_url()),
        }
    }

    /// Whether the provider has anything to be told at the end of a session.
    pub fn revokes(&self) -> bool {
        match self {
            Self::Credentials(provider) => provider.revokes(),
            // An authorization server has where its metadata say so, and those are fetched when they are needed.
            Self::Oauth(_) | Self::Nextauth(_) => true,
        }
    }

    /// Tells the provider that the session is over, if it can be told.
    pub async fn sign_out(&self, held: &Envelope, clock: &dyn Clock) -> Result<SignedOut, Failure> {
        match self {
            Self::Credentials(provider) => {
                let ours = provider.issued(held);
                if ours {
                    provider.sign_out(held.tokens.refresh.as_ref(), &held.tokens.access).await?;
                }
                Ok(SignedOut { revoked: ours && provider.revokes(), page: None })
            }
            Self::Oauth(provider) => provider.sign_out(held).await,
            Self::Nextauth(provider) => provider.sign_out(held, clock).await,
        }
    }
}
