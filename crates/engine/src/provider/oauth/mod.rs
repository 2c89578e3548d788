//! An authorization server: OAuth 2.0, and OpenID Connect where it has an issuer.
//!
//! | file | what is in it |
//! |---|---|
//! | `metadata`, `discovery` | what the server says of itself, judged; asking for it, keeping it, describing it |
//! | `browser` | signing in in the system's browser: code and PKCE, with a listener on this machine |
//! | `request` | the authorization request, sent ahead where that can be (PAR) |
//! | `listener`, `answer`, `page` | where the browser comes back to, what it brings, what the person sees there |
//! | `device` | signing in with a code on another device |
//! | `token`, `token_reply` | asking the token endpoint; reading what it says |
//! | `trust` | whether what was issued is believed |
//! | `resource` | what authorizes a request to a resource server |
//! | `identity` | who signed in |
//! | `sign_out` | revoking tokens, ending the session at the provider |
//!
//! **Invariants:** a redirect is answered once and only by the attempt that sent it. Nothing of a reply is used whose
//! ID token is not believed. A refresh token is sent to the host that issued it and to no other.

mod answer;
mod browser;
mod device;
mod discovery;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod identity;
mod listener;
mod metadata;
mod page;
mod request;
mod resource;
mod sign_out;
mod token;
mod token_reply;
mod trust;

#[cfg(test)]
mod samples;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use latchkey_core::disposition::Failure;
use latchkey_core::reason::Reason;
use latchkey_core::secret::DpopKey;
use reqwest::Url;

use crate::config::{OauthConfig, When};
use crate::http::Http;
use crate::jose::IssuerKeys;
use crate::jose::dpop::{Nonces, ProofKey};
use crate::jose::random::NoRandomness;
use crate::ports::Clock;
use crate::provider::SignInFailure;

pub use discovery::{ServerDescription, describe};

/// The provider of accounts with `provider = "oauth"`. Cheap to clone.
#[derive(Clone)]
pub struct Oauth {
    inner: Arc<Inner>,
}

struct Inner {
    config: Arc<OauthConfig>,
    http: Http,
    clock: Arc<dyn Clock>,
    metadata: tokio::sync::Mutex<Option<discovery::Known>>,
    /// The issuer's keys, by the address they come from.
    keys: Mutex<Option<(Url, Arc<IssuerKeys>)>>,
    nonces: Mutex<Nonces>,
    /// How much the server's clock was ahead of ours when it last answered.
    skew: Mutex<SignedDuration>,
}

/// The key that the tokens of one account are bound to, in both of its forms.
struct BoundKey {
    proofs: ProofKey,
    stored: DpopKey,
}

impl Oauth {
    pub(super) fn new(config: Arc<OauthConfig>, http: Http, clock: Arc<dyn Clock>) -> Self {
        let inner = Inner {
            config,
            http,
            clock,
            metadata: tokio::sync::Mutex::default(),
            keys: Mutex::default(),
            nonces: Mutex::default(),
            skew: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Fetches what an exchange needs besides the tokens.
    pub(super) async fn prepare(&self) -> Result<(), Failure> {
        self.metadata().await.map(drop)
    }

    /// Where tokens are asked for: the token endpoint once it is known, until then whoever tells where it is.
    pub(super) fn exchange_url(&self) -> Option<Url> {
        let known = self.inner.metadata.try_lock().ok();
        let told =
            known.and_then(|known| known.as_ref().and_then(|known| known.metadata.endpoints.token.clone()));
        told.or_else(|| self.inner.config.exchange_url())
    }

    /// The time as the server sees it.
    fn server_time(&self) -> Timestamp {
        let now = self.inner.clock.now().wall;
        now.checked_add(*locked(&self.inner.skew)).unwrap_or(now)
    }

    /// A key for the tokens of a sign-in, where they are to be bound to one.
    fn new_key(&self, metadata: &metadata::Metadata) -> Result<Option<BoundKey>, SignInFailure> {
        let wanted = match self.inner.config.dpop {
            When::Always => true,
            When::Auto => metadata.dpop,
            When::Never => false,
        };
        if !wanted {
            return Ok(None);
        }
        let (proofs, stored) = ProofKey::generate().map_err(no_randomness)?;
        Ok(Some(BoundKey { proofs, stored }))
    }
}

/// What cannot be made safe is not begun.
fn no_randomness(error: NoRandomness) -> SignInFailure {
    SignInFailure::Refused(Reason::NotBelieved { why: error.to_string() })
}

/// What a short critical section guards is whole whatever happened in it.
fn locked<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}
