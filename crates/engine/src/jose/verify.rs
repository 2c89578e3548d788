//! A signed token against the keys of its issuer: signature first, then issuer and times.

use jiff::Timestamp;

use super::algorithm::{Algorithm, Algorithms};
use super::claims::Claims;
use super::compact::Compact;
use super::jwk::KeyFacts;
use super::jwks::KeySet;
use super::refusal::Refusal;

/// An issuer, and what is accepted from it. Both are fixed before any of its tokens is looked at.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// Its identifier, compared octet by octet (OpenID Connect Core §3.1.3.7, rule 2).
    pub identifier: String,
    /// The algorithms it signs with.
    pub algorithms: Algorithms,
}

/// What `typ` must say (RFC 8725 §3.11): tokens of one kind must not pass for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Absent or `JWT`: an ID token, or an access token from before RFC 9068.
    Jwt,
    /// `at+jwt` (RFC 9068 §2.1).
    AccessToken,
}

impl Type {
    fn fits(self, typ: Option<&str>) -> Result<(), Refusal> {
        // A media type, compared without regard to case, whose "application/" may be left out (RFC 7515 §4.1.9).
        let typ = typ.map(str::to_ascii_lowercase);
        let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        match self {
            Self::Jwt if matches!(typ, None | Some("jwt")) => Ok(()),
            Self::AccessToken if typ == Some("at+jwt") => Ok(()),
            Self::Jwt => Err(Refusal::OtherType("plain JWT")),
            Self::AccessToken => Err(Refusal::OtherType("JWT access token (`at+jwt`)")),
        }
    }
}

/// A payload whose signature was verified. What it says is not yet judged.
pub struct Signed {
    /// The key that signed it.
    pub key: KeyFacts,
    /// With which algorithm.
    pub algorithm: Algorithm,
    /// What was signed.
    pub payload: Vec<u8>,
}

/// A token that is from its issuer, and in time.
pub struct Verified {
    /// The key that signed it.
    pub key: KeyFacts,
    /// With which algorithm.
    pub algorithm: Algorithm,
    /// What it claims.
    pub claims: Claims,
}

/// Verifies the signature alone, whatever is signed (RFC 7515 §5.2).
///
/// # Errors
/// The [`Refusal`]; [`Refusal::may_be_cured_by_newer_keys`] tells whether the set may be too old.
pub fn signature(token: &str, keys: &KeySet, algorithms: &Algorithms, typ: Type) -> Result<Signed, Refusal> {
    let parts = Compact::of(token)?;
    let algorithm = parts.header.algorithm;
    if !algorithms.contain(algorithm) {
        return Err(Refusal::AlgorithmNotAnnounced(algorithm));
    }
    typ.fits(parts.header.typ.as_deref())?;
    let mut candidates = keys.candidates(&parts.header)?.into_iter();
    let key = candidates
        .find(|key| key.verifies(algorithm, parts.signed, &parts.signature))
        .ok_or(Refusal::BadSignature)?
        .facts();
    Ok(Signed { key, algorithm, payload: parts.payload })
}

/// Verifies signature, issuer and times. Whom it is for, the callers in `id_token` and `access_token` judge.
pub(super) fn jwt(
    token: &str,
    keys: &KeySet,
    issuer: &Issuer,
    typ: Type,
    now: Timestamp,
) -> Result<Verified, Refusal> {
    let Signed { key, algorithm, payload } = signature(token, keys, &issuer.algorithms, typ)?;
    let claims = Claims::of(&payload)?;
    if claims.issuer != issuer.identifier {
        return Err(Refusal::WrongIssuer);
    }
    claims.in_time(now)?;
    Ok(Verified { key, algorithm, claims })
}
