//! Token sets, and the facts about them that may be known without holding them.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::limits::Usage;
use crate::policy::WITHOUT_END;
use crate::reason::Reason;
use crate::secret::{AccessToken, IdToken, RefreshToken};
use crate::time::Stamp;

/// The tokens a provider issued together.
#[derive(Clone)]
pub struct TokenSet {
    /// The access token.
    pub access: AccessToken,
    /// The refresh token, if the provider issued one.
    pub refresh: Option<RefreshToken>,
    /// The ID token, if the provider issued one.
    pub id: Option<IdToken>,
}

/// Where a time was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `expires_in` of a token reply (RFC 6749 §5.1), counted from its receipt.
    ExpiresIn,
    /// The `exp` claim of a JWT: a hint only, since access tokens are opaque to clients (RFC 9068 §6).
    JwtExp,
    /// `accessTokenExpiry` of a credentials backend, or whatever the account maps to it.
    AccessTokenExpiry,
    /// `refresh_expires_in`, or the mapped expiry of the refresh token.
    RefreshExpiresIn,
    /// The mapped end of the session, or `expires` of a NextAuth session.
    SessionExpiry,
    /// `Expires` or `Max-Age` of a session cookie (RFC 6265 §5.2).
    CookieExpires,
    /// The account's own policy.
    Policy,
    /// Nobody said; the account's `assumed_lifetime` is used until a server says otherwise.
    Assumed,
}

impl Source {
    /// The name that stands in files and in `status --json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExpiresIn => "expires_in",
            Self::JwtExp => "jwt_exp",
            Self::AccessTokenExpiry => "access_token_expiry",
            Self::RefreshExpiresIn => "refresh_expires_in",
            Self::SessionExpiry => "session_expiry",
            Self::CookieExpires => "cookie_expires",
            Self::Policy => "policy",
            Self::Assumed => "assumed",
        }
    }
}

/// When something ends, and who said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The end.
    pub expires: Stamp,
    /// Where it was learned.
    pub source: Source,
}

/// What is known of a token set without holding it: all the session machine ever sees.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenFacts {
    /// Goes up by one with each token set stored for the account.
    pub generation: u64,
    /// When the reply arrived here.
    pub received: Stamp,
    /// When the access token ends.
    pub access: Clock,
    /// When the refresh token ends, where the server tells.
    pub refresh: Option<Clock>,
    /// When the session ends whatever is renewed, where the server tells.
    pub session: Option<Clock>,
    /// Since when the session lives and when it was used: what the account's limits are counted from.
    pub usage: Usage,
    /// The access token's fingerprint.
    pub access_fingerprint: Fingerprint,
    /// The refresh token's fingerprint; none where there is no refresh token.
    pub refresh_fingerprint: Option<Fingerprint>,
    /// Why the refresh token is quarantined, if it is.
    pub quarantined: Option<Reason>,
}

impl TokenFacts {
    /// How long the access token was to live from its receipt. Zero or negative when it arrived expired.
    pub fn lifetime(&self) -> SignedDuration {
        self.access.expires.left(self.received)
    }

    /// Whether nobody knows an end of the access token ([`WITHOUT_END`]): it is served until a new sign-in.
    pub fn without_end(&self) -> bool {
        self.access.source == Source::Assumed && self.lifetime() >= WITHOUT_END
    }

    /// Whether the set can be renewed at all.
    pub fn renewable(&self) -> bool {
        self.refresh_fingerprint.is_some() && self.quarantined.is_none()
    }
}
