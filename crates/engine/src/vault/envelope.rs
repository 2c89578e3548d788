//! What is stored for an account: one JSON document with a schema version.
//!
//! Invariant: this is the only place that turns secrets into bytes and back, and no error it makes holds any
//! of those bytes. (serde's own messages quote the value they could not read.)
//!
//! Members this version does not know are passed over, so a newer version may add some. Whatever an older
//! version must not pass over (a new reason, a new source, another meaning) raises [`SCHEMA`].

use std::io;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::reason::{Reason, VaultProblem};
use latchkey_core::secret::{AccessToken, DpopKey, IdToken, RefreshToken, Secret};
use latchkey_core::time::Stamp;
use latchkey_core::token_set::{Clock, Source, TokenFacts, TokenSet};
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use super::identity::Identity;
use super::used::Used;
use crate::ports::VaultError;

/// The schema this version writes, and the newest it reads.
pub const SCHEMA: u32 = 3;

/// The farthest end that is believed: what lies beyond (a year 9999, milliseconds read as seconds) counts as this.
const FARTHEST: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

/// A wall clock that went back by less was set as clocks are all the time.
const SET_BY_A_LITTLE: SignedDuration = SignedDuration::from_mins(1);

/// All that is stored for an account.
#[derive(Clone)]
pub struct Envelope {
    /// Whose it is. Stored as well, so that an item under a wrong name is noticed.
    pub account: AccountName,
    /// Goes up by one with each token set stored for the account.
    pub generation: u64,
    /// When was it written?
    pub stored_at: Timestamp,
    /// When did the reply with these tokens arrive?
    pub received_at: Timestamp,
    /// When was that on the boot-time clock, and in which boot? Unlike the wall clock that one is never set.
    pub received_boot: Option<BootTime>,
    /// The tokens, as issued together.
    pub tokens: TokenSet,
    /// When does the access token end?
    pub access: Expiry,
    /// When does the refresh token end, where the server tells?
    pub refresh: Option<Expiry>,
    /// When does the session end whatever is renewed, where the server tells?
    pub session: Option<Expiry>,
    /// Since when does the session live, and when was it used?
    pub used: Used,
    /// Who is signed in, as far as the provider tells?
    pub identity: Identity,
    /// The token type of the reply (RFC 6749 §7.1).
    pub token_type: Option<String>,
    /// The scope of the reply (RFC 6749 §3.3).
    pub scope: Option<String>,
    /// Why is the refresh token quarantined, if it is?
    pub quarantined: Option<Reason>,
    /// Which key are the tokens bound to (RFC 9449), if they are?
    pub dpop_key: Option<DpopKey>,
    /// Which host issued the tokens? A refresh token is sent to no other without a new sign-in.
    pub token_host: Option<String>,
    /// What does the site say of the session besides, fit to be shown? Where it is a site's.
    pub session_data: Option<Vec<(String, String)>>,
    /// What does the site seal its cookies with, where a developer asked for that to be kept?
    pub site_secret: Option<Secret>,
    /// When did the person sign out? Nobody is signed in then: what is left is for telling the provider.
    pub signed_out_at: Option<Timestamp>,
}

/// A time on the boot-time clock, for processes of the same boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootTime {
    /// Which boot.
    pub boot_id: String,
    /// How long after its start, in milliseconds.
    pub millis: i64,
}

impl BootTime {
    /// This moment, as `clock` has it; none where boots have no names.
    pub fn of(clock: &dyn crate::ports::Clock, at: Stamp) -> Option<Self> {
        let millis = i64::try_from(at.boot.as_millis()).ok()?;
        Some(Self { boot_id: clock.boot_id()?.to_owned(), millis })
    }
}

/// When something ends on the wall clock, and who said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// The end.
    pub expires_at: Timestamp,
    /// Where it was learned.
    pub source: Source,
}

impl Envelope {
    /// What the session machine may know of it, `now` in the boot of this name.
    ///
    /// An end is as far from the receipt as it was when it was written. When the receipt was is told by the
    /// boot-time clock while the machine has not been restarted; after that by the wall clock, which may have been
    /// wrong then or now: nothing was received in the future, and nothing lives longer than it ever did. An access token
    /// that seems to be from the future may have expired long ago: where it can be renewed it counts as over.
    pub fn facts(&self, key: &FingerprintKey, now: Stamp, boot_id: Option<&str>) -> TokenFacts {
        let received = self.received(now, boot_id);
        let clock = |expiry: Expiry| expiry.clock(self.received_at, received, now);
        TokenFacts {
            generation: self.generation,
            received,
            access: if self.may_be_over_long_since(now, boot_id) {
                Clock { expires: now, source: self.access.source }
            } else {
                clock(self.access)
            },
            refresh: self.refresh.map(clock),
            session: self.session.map(clock),
            usage: self.used.understood(self.received_at, received, now),
            access_fingerprint: key.of(self.tokens.access.expose()),
            refresh_fingerprint: self.tokens.refresh.as_ref().map(|token| key.of(token.expose())),
            quarantined: self.quarantined.clone(),
        }
    }

    pub(super) fn received_in_this_boot(&self, boot_id: Option<&str>) -> Option<&BootTime> {
        self.received_boot.as_ref().filter(|then| Some(then.boot_id.as_str()) == boot_id)
    }

    fn may_be_over_long_since(&self, now: Stamp, boot_id: Option<&str>) -> bool {
        let ahead = self.received_at.duration_since(now.wall);
        self.tokens.refresh.is_some()
            && self.received_in_this_boot(boot_id).is_none()
            && ahead >= SET_BY_A_LITTLE
    }

    fn received(&self, now: Stamp, boot_id: Option<&str>) -> Stamp {
        let ago = match self.received_in_this_boot(boot_id) {
            Some(then) => now.boot.saturating_sub(SignedDuration::from_millis(then.millis)),
            None => now.wall.duration_since(self.received_at),
        };
        now.plus(-ago.clamp(SignedDuration::ZERO, FARTHEST))
    }

    /// The bytes to store.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let document = Document::of(self);
        // Measured first: a buffer that grows leaves copies of the secrets behind which nobody wipes.
        let mut length = Length(0);
        serde_json::to_writer(&mut length, &document).map_err(|_| unwritable())?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
        serde_json::to_writer(&mut *bytes, &document).map_err(|_| unwritable())?;
        Ok(bytes)
    }

    /// The bytes to store under this account's name. Another account's envelope is refused: it would replace
    /// tokens that nobody could bring back.
    pub(super) fn to_bytes_for(&self, account: &AccountName) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        if self.account != *account {
            let detail = "the envelope to store is another account's".to_owned();
            return Err(VaultError { problem: VaultProblem::Refused, detail });
        }
        self.to_bytes()
    }

    /// Reads what [`Envelope::to_bytes`] wrote for this account.
    ///
    /// # Errors
    /// `Newer` for a schema above [`SCHEMA`], `Damaged` for anything else that is not this account's envelope.
    pub fn from_bytes(bytes: &[u8], expected: &AccountName) -> Result<Self, VaultError> {
        // The heading first: the rest of a newer document need not look like ours.
        let heading: Heading<'_> = serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
        if heading.schema > SCHEMA {
            let detail = format!("schema {}; this version reads {SCHEMA}", heading.schema);
            return Err(VaultError { problem: VaultProblem::Newer, detail });
        }
        if heading.schema == 0 {
            return Err(damaged("schema 0".to_owned()));
        }
        if heading.account != expected.as_str() {
            return Err(damaged("the item says that it is another account's".to_owned()));
        }
        let read: Reading = serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
        Ok(read.into_envelope(expected.clone()))
    }
}

impl Expiry {
    /// `received_at` and `received` are the same moment, as it was written and as it is understood now.
    fn clock(self, received_at: Timestamp, received: Stamp, now: Stamp) -> Clock {
        let lifetime = self.expires_at.duration_since(received_at);
        let left = received.plus(lifetime.clamp(-FARTHEST, FARTHEST)).boot.saturating_sub(now.boot);
        Clock { expires: now.plus(left.min(FARTHEST)), source: self.source }
    }
}

/// The document as it is written.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    account: &'a AccountName,
    generation: u64,
    stored_at: Timestamp,
    received_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_boot: Option<&'a BootTime>,
    access_token: &'a str,
    refresh_token: Option<&'a str>,
    id_token: Option<&'a str>,
    access: Expiry,
    refresh: Option<Expiry>,
    session: Option<Expiry>,
    used: Used,
    identity: &'a Identity,
    token_type: Option<&'a str>,
    scope: Option<&'a str>,
    quarantined: Option<&'a Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_data: Option<&'a [(String, String)]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_out_at: Option<Timestamp>,
}

impl<'a> Document<'a> {
    fn of(envelope: &'a Envelope) -> Self {
        Self {
            schema: SCHEMA,
            account: &envelope.account,
            generation: envelope.generation,
            stored_at: envelope.stored_at,
            received_at: envelope.received_at,
            received_boot: envelope.received_boot.as_ref(),
            access_token: envelope.tokens.access.expose(),
            refresh_token: envelope.tokens.refresh.as_ref().map(RefreshToken::expose),
            id_token: envelope.tokens.id.as_ref().map(IdToken::expose),
            access: envelope.access,
            refresh: envelope.refresh,
            session: envelope.session,
            used: envelope.used,
            identity: &envelope.identity,
            token_type: envelope.token_type.as_deref(),
            scope: envelope.scope.as_deref(),
            quarantined: envelope.quarantined.as_ref(),
            dpop_key: envelope.dpop_key.as_ref().map(DpopKey::expose),
            token_host: envelope.token_host.as_deref(),
            session_data: envelope.session_data.as_deref(),
            site_secret: envelope.site_secret.as_ref().map(Secret::expose),
            signed_out_at: envelope.signed_out_at,
        }
    }
}

/// What is read before anything else.
#[derive(Deserialize)]
struct Heading<'a> {
    schema: u32,
    #[serde(borrow)]
    account: std::borrow::Cow<'a, str>,
}

/// The document as it is read. Tokens go into their types at once, so a document that turns out to be damaged
/// further down leaves none behind.
#[derive(Deserialize)]
struct Reading {
    generation: u64,
    stored_at: Timestamp,
    received_at: Timestamp,
    #[serde(default)]
    received_boot: Option<BootTime>,
    #[serde(deserialize_with = "access_token")]
    access_token: AccessToken,
    #[serde(default, deserialize_with = "refresh_token")]
    refresh_token: Option<RefreshToken>,
    #[serde(default, deserialize_with = "id_token")]
    id_token: Option<IdToken>,
    access: Expiry,
    #[serde(default)]
    refresh: Option<Expiry>,
    #[serde(default)]
    session: Option<Expiry>,
    #[serde(default)]
    used: Option<Used>,
    #[serde(default)]
    identity: Identity,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    quarantined: Option<Reason>,
    #[serde(default, deserialize_with = "dpop_key")]
    dpop_key: Option<DpopKey>,
    #[serde(default)]
    token_host: Option<String>,
    #[serde(default)]
    session_data: Option<Vec<(String, String)>>,
    #[serde(default, deserialize_with = "site_secret")]
    site_secret: Option<Secret>,
    #[serde(default)]
    signed_out_at: Option<Timestamp>,
}

impl Reading {
    fn into_envelope(self, account: AccountName) -> Envelope {
        Envelope {
            account,
            generation: self.generation,
            stored_at: self.stored_at,
            received_at: self.received_at,
            received_boot: self.received_boot,
            tokens: TokenSet { access: self.access_token, refresh: self.refresh_token, id: self.id_token },
            access: self.access,
            refresh: self.refresh,
            session: self.session,
            used: self.used.unwrap_or(Used::beginning(self.received_at)),
            identity: self.identity,
            token_type: self.token_type,
            scope: self.scope,
            quarantined: self.quarantined,
            dpop_key: self.dpop_key,
            token_host: self.token_host,
            session_data: self.session_data,
            site_secret: self.site_secret,
            signed_out_at: self.signed_out_at,
        }
    }
}

fn access_token<'de, D: Deserializer<'de>>(from: D) -> Result<AccessToken, D::Error> {
    String::deserialize(from).map(AccessToken::new)
}

fn refresh_token<'de, D: Deserializer<'de>>(from: D) -> Result<Option<RefreshToken>, D::Error> {
    Option::<String>::deserialize(from).map(|text| text.map(RefreshToken::new))
}

fn id_token<'de, D: Deserializer<'de>>(from: D) -> Result<Option<IdToken>, D::Error> {
    Option::<String>::deserialize(from).map(|text| text.map(IdToken::new))
}

fn site_secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    Option::<String>::deserialize(from).map(|text| text.map(Secret::new))
}

fn dpop_key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DpopKey>, D::Error> {
    Option::<String>::deserialize(from).map(|text| text.map(DpopKey::new))
}

/// Counts what is written to it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(part.len());
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn damaged(detail: String) -> VaultError {
    VaultError { problem: VaultProblem::Damaged, detail }
}

/// Where and how reading failed, without the words of serde, which quote the document.
fn unreadable(error: &serde_json::Error) -> VaultError {
    let how = match error.classify() {
        serde_json::error::Category::Io => "cannot be read",
        serde_json::error::Category::Syntax => "is not JSON",
        serde_json::error::Category::Data => "is not an envelope",
        serde_json::error::Category::Eof => "ends too early",
    };
    damaged(format!("the document {how} (line {}, column {})", error.line(), error.column()))
}

/// Texts, numbers and times always have a JSON form, so nobody should see this.
fn unwritable() -> VaultError {
    VaultError { problem: VaultProblem::Refused, detail: "the envelope has no JSON form".to_owned() }
}

#[cfg(test)]
pub(crate) mod tests;
