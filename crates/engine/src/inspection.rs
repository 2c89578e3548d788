//! What an access token says of itself, and whether its issuer signed that. It answers a developer's question and
//! decides nothing (RFC 9068 §6).

use latchkey_core::secret::AccessToken;
use serde::Serialize;

use crate::jose::look;
use crate::snapshot::ClaimStatus;

/// A look into a token. Holds nothing of it that could be used as one: the signature is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Inspection {
    /// Whether it is a signed JWT. Opaque tokens say nothing to anyone but their issuer.
    pub jwt: bool,
    /// Its header (RFC 7515 §4).
    pub header: Vec<ClaimStatus>,
    /// Its claims (RFC 7519 §4), in its own order.
    pub claims: Vec<ClaimStatus>,
    /// Whose word that is.
    pub signature: SignatureStatus,
    /// The claims of the access token before it, where this is an account's and there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Vec<ClaimStatus>>,
}

/// Whether a token's signature was verified, and by which key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
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
        Self {
            jwt: look::claims(token.expose()).is_some(),
            header: shown(look::whole_header(token.expose())),
            claims: claims(token),
            signature,
            previous: None,
        }
    }

    /// A look into a token that is no account's.
    pub fn of_stranger(token: &AccessToken) -> Self {
        Self::of(token, SignatureStatus::not_checked("it was not said whose it is"))
    }
}

/// The claims of a token, for somebody who wants to read all of them; none for one that is opaque.
pub(crate) fn claims(token: &AccessToken) -> Vec<ClaimStatus> {
    shown(look::whole_claims(token.expose()))
}

/// Who issued a token, as it says itself.
pub(crate) fn issuer(token: &AccessToken) -> Option<String> {
    look::claims(token.expose())?.get("iss")?.as_str().map(str::to_owned)
}

fn shown(pairs: Vec<(String, String)>) -> Vec<ClaimStatus> {
    pairs.into_iter().map(|(name, value)| ClaimStatus { name, value }).collect()
}
