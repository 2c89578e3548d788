//! An issuer's keys, kept up to date: fetched when they are needed, kept as long as the issuer allows, fetched anew
//! when a token is signed with a key that is not among them.
//!
//! Keys that were fetched once are never given up because fetching fails, and whatever tokens arrive, the issuer
//! is asked at most twice a minute: once because the set got old, once because of a token.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::SignedDuration;
use latchkey_core::disposition::Failure;
use latchkey_core::time::Stamp;
use reqwest::Url;

use super::jwks::KeySet;
use super::refusal::Refusal;
use crate::http::{Http, Reply, Request};
use crate::http_cache::{Bounds, kept_for};
use crate::ports::Clock;

/// How long a set is kept.
const KEPT: Bounds = Bounds {
    at_least: SignedDuration::from_mins(1),
    usually: SignedDuration::from_hours(1),
    at_most: SignedDuration::from_hours(24),
};
/// The least time between two fetches for the same reason (an old set, a token's unknown key).
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// The least time between two fetches while there are no keys at all: somebody waits for a sign-in.
const PAUSE_WITHOUT_KEYS: SignedDuration = SignedDuration::from_secs(5);

/// Where documents with keys come from. [`Http`] in life.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// Fetches the document at this address, whatever its status.
    async fn fetch(&self, jwks_uri: &Url) -> Result<Reply, Failure>;
}

#[async_trait]
impl KeySource for Http {
    async fn fetch(&self, jwks_uri: &Url) -> Result<Reply, Failure> {
        self.send(Request::get(jwks_uri)).await
    }
}

/// Why there are no newer keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysFault {
    /// Nothing answered.
    #[error("the address of its keys (`jwks_uri`) does not answer")]
    NoAnswer,
    /// The answer is none with a document.
    #[error("the address of its keys (`jwks_uri`) answers with status {0}")]
    Status(u16),
    /// The document is no set of keys.
    #[error("the document at the address of its keys (`jwks_uri`) is no set of keys")]
    NotAKeySet,
    /// None of its keys may be used.
    #[error("none of the keys it publishes may be used for verifying")]
    NoUsableKey,
}

/// The keys of one issuer, for all who verify its tokens. They are never used for another issuer's.
pub struct IssuerKeys {
    jwks_uri: Url,
    source: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    /// Held while fetching, so that those who need the keys at once share one fetch.
    fetches: tokio::sync::Mutex<Fetches>,
}

#[derive(Default)]
struct Held {
    keys: Option<(Arc<KeySet>, Stamp)>,
    fault: Option<KeysFault>,
}

/// When the issuer was last asked, by reason.
#[derive(Default)]
struct Fetches {
    because_old: Option<Stamp>,
    because_of_a_token: Option<Stamp>,
}

struct AtHand {
    keys: Arc<KeySet>,
    /// Fetched for this very judgement: there are no newer ones to be had.
    just_fetched: bool,
}

impl IssuerKeys {
    /// Keys that are fetched from the issuer's `jwks_uri` when they are first needed.
    pub fn new(jwks_uri: Url, source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        Self { jwks_uri, source, clock, held: Mutex::default(), fetches: tokio::sync::Mutex::default() }
    }

    /// Judges a token with the keys at hand, and once more with newer ones if those may change the outcome.
    ///
    /// # Errors
    /// What `judge` says, or [`Refusal::KeysUnavailable`] when there never were any keys.
    pub async fn judge<T>(&self, judge: impl Fn(&KeySet) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let AtHand { keys, just_fetched } = self.at_hand().await?;
        match judge(&keys) {
            Err(refusal) if refusal.may_be_cured_by_newer_keys() && !just_fetched => {
                match self.newer_than(&keys).await {
                    Some(newer) => judge(&newer),
                    None => Err(refusal),
                }
            }
            judged => judged,
        }
    }

    /// Why the last fetch brought no keys, if it did not. The keys of an earlier one are still used.
    pub fn fault(&self) -> Option<KeysFault> {
        self.held().fault
    }

    /// The keys to judge with: those at hand while they are fresh, else newer ones, else those at hand all the same.
    async fn at_hand(&self) -> Result<AtHand, Refusal> {
        if let Some(keys) = self.fresh() {
            return Ok(AtHand { keys, just_fetched: false });
        }
        let mut fetches = self.fetches.lock().await;
        // Somebody else may have fetched them while this one waited.
        if let Some(keys) = self.fresh() {
            return Ok(AtHand { keys, just_fetched: false });
        }
        let now = self.clock.now();
        let pause = if self.held().keys.is_some() { PAUSE } else { PAUSE_WITHOUT_KEYS };
        let due = is_over(pause, fetches.because_old, now);
        if due {
            fetches.because_old = Some(now);
            self.fetch().await;
        }
        let held = self.held();
        let just_fetched = due && held.fault.is_none();
        match &held.keys {
            Some((keys, _)) => Ok(AtHand { keys: Arc::clone(keys), just_fetched }),
            None => Err(Refusal::KeysUnavailable(held.fault.unwrap_or(KeysFault::NoAnswer))),
        }
    }

    /// Newer keys than these, if there are any: somebody else's fetch, or one of our own if the last one because
    /// of a token is long enough ago.
    async fn newer_than(&self, seen: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        let mut fetches = self.fetches.lock().await;
        let newer = |held: &Held| {
            held.keys.as_ref().map(|(keys, _)| Arc::clone(keys)).filter(|keys| !Arc::ptr_eq(keys, seen))
        };
        let now = self.clock.now();
        let fetched_meanwhile = newer(&self.held()).is_some();
        if !fetched_meanwhile && is_over(PAUSE, fetches.because_of_a_token, now) {
            fetches.because_of_a_token = Some(now);
            self.fetch().await;
        }
        newer(&self.held())
    }

    fn fresh(&self) -> Option<Arc<KeySet>> {
        let now = self.clock.now();
        self.held().keys.as_ref().filter(|(_, until)| !until.passed(now)).map(|(keys, _)| Arc::clone(keys))
    }

    /// Asks the issuer. What is held is replaced only by a set with at least one usable key.
    async fn fetch(&self) {
        let reply = self.source.fetch(&self.jwks_uri).await.map_err(|failure| match failure {
            Failure::NotSent { .. }
            | Failure::NoReply
            | Failure::Misfit { .. }
            | Failure::KeyLost
            | Failure::SessionError { .. } => KeysFault::NoAnswer,
            // A body without end is the one answer that is no reply.
            Failure::Answered(_) => KeysFault::NotAKeySet,
        });
        let fetched = reply.and_then(|reply| read(&reply));
        let now = self.clock.now();
        let mut held = self.held();
        match fetched {
            Ok((keys, lifetime)) => {
                *held = Held { keys: Some((Arc::new(keys), now.plus(lifetime))), fault: None };
            }
            Err(fault) => held.fault = Some(fault),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_over(pause: SignedDuration, last: Option<Stamp>, now: Stamp) -> bool {
    last.is_none_or(|last| last.age(now) >= pause)
}

fn read(reply: &Reply) -> Result<(KeySet, SignedDuration), KeysFault> {
    if reply.status != 200 {
        return Err(KeysFault::Status(reply.status));
    }
    let keys = KeySet::parse(&reply.body).map_err(|_| KeysFault::NotAKeySet)?;
    if keys.keys().is_empty() {
        return Err(KeysFault::NoUsableKey);
    }
    Ok((keys, kept_for(&reply.headers, KEPT)))
}
