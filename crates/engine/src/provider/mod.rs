//! How accounts sign in and renew. One file for each provider.

pub mod credentials;
pub mod expiry;
mod reply;

use jiff::Timestamp;
use latchkey_core::disposition::Failure;
use latchkey_core::secret::{AccessToken, IdToken, Password, RefreshToken};
use latchkey_core::token_set::Source;

use crate::config::ProviderConfig;
use crate::http::Http;
use crate::vault::Identity;

/// What a person types to sign in. Used once.
pub struct Login {
    /// The user name or e-mail address.
    pub username: String,
    /// The password.
    pub password: Password,
}

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
}

/// Why a sign-in brought no tokens.
#[derive(Debug)]
pub enum SignInFailure {
    /// The provider did not accept what was typed.
    WrongCredentials {
        /// Its words, made harmless.
        said: Option<String>,
    },
    /// Anything else.
    Failed(Failure),
}

/// An account's provider.
#[derive(Clone)]
pub enum Provider {
    /// A REST backend with a login and a refresh endpoint.
    Credentials(credentials::Credentials),
}

impl Provider {
    /// The provider an account is configured for.
    pub fn new(config: &ProviderConfig, http: Http) -> Self {
        match config {
            ProviderConfig::Credentials(config) => {
                Self::Credentials(credentials::Credentials::new(config.clone(), http))
            }
        }
    }

    /// Its name in configuration and status.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Credentials(_) => "credentials",
        }
    }

    /// Signs in; the password is used once.
    pub async fn sign_in(
        &self,
        login: Login,
        clock: &dyn crate::ports::Clock,
    ) -> Result<Issued, SignInFailure> {
        match self {
            Self::Credentials(provider) => provider.sign_in(login, clock).await,
        }
    }

    /// Exchanges a refresh token for the next token set.
    pub async fn renew(
        &self,
        refresh: &RefreshToken,
        clock: &dyn crate::ports::Clock,
    ) -> Result<Issued, Failure> {
        match self {
            Self::Credentials(provider) => provider.renew(refresh, clock).await,
        }
    }

    /// Tells the provider that the session is over, if it can be told.
    pub async fn sign_out(
        &self,
        refresh: Option<&RefreshToken>,
        access: &AccessToken,
    ) -> Result<(), Failure> {
        match self {
            Self::Credentials(provider) => provider.sign_out(refresh, access).await,
        }
    }
}
