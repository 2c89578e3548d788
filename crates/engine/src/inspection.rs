//! What an access token says of itself, and whether its issuer signed that. It answers a developer's question and
//! decides nothing (RFC 9068 §6).

use latchkey_core::secret::AccessToken;
use serde::Serialize;

use crate::jose::look;
use crate::snapshot::ClaimStatus;

/// A look into a token. Holds nothing of it that could be used as one: the signature is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Whether it is a signed JWT. Opaque tokens say nothing to anyone but their issuer.
    pub jwt: bool,
    /// Its header (RFC 7515 §4).
    pub header: Vec<ClaimStatus>,
    /// Its claims (RFC 7519 §4), in its own order.
    pub claims: Vec<ClaimStatus>,
    /// Whose word that is.
    pub signature: SignatureStatus,
}

/// Whether a token's signature was verified, and by which key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SignatureStatus {
    /// The issuer signed it.
    Verified {
        /// The key, by its name, kind and thumbprint.
        key: String,
        /// The algorithm (RFC 7518 §3.1).
        algorithm: String,
    },
    /// It is not in order.
    Refused {
        /// What is wrong with it.
        why: String,
    },
    /// It was not looked at.
    NotChecked {
        /// Why not.
        why: String,
    },
}

impl SignatureStatus {
    /// It was not looked at, for this reason.
    pub fn not_checked(why: impl Into<String>) -> Self {
        Self::NotChecked { why: why.into() }
    }
}

impl Inspection {
    /// A look into any token; nobody is asked about it.
    pub fn of(token: &AccessToken, signature: SignatureStatus) -> Self {
        let shown = |pairs: Vec<(String, String)>| {
            pairs.into_iter().map(|(name, value)| ClaimStatus { name, value }).collect()
        };
        Self {
            jwt: look::claims(token.expose()).is_some(),
            header: shown(look::shown_header(token.expose())),
            claims: shown(look::shown_claims(token.expose())),
            signature,
        }
    }

    /// A look into a token that is no account's.
    pub fn of_stranger(token: &AccessToken) -> Self {
        Self::of(token, SignatureStatus::not_checked("it was not said whose it is"))
    }
}
