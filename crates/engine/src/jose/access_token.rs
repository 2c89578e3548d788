//! JWT access tokens (RFC 9068), verified where somebody wants to see whether they are in order.
//!
//! A client must not base anything on what its access tokens say (RFC 9068 §6): nothing of this decides when to
//! renew or whether to hand a token out. It answers a developer's question.

use jiff::Timestamp;
use latchkey_core::secret::AccessToken;

use super::claims::Claims;
use super::jwks::KeySet;
use super::refusal::Refusal;
use super::verify::{Issuer, Type, Verified, jwt};

/// What an access token is held against.
pub struct Expected<'a> {
    /// Whom it was asked of.
    pub issuer: &'a Issuer,
    /// The resource it is for, if that is known.
    pub audience: Option<&'a str>,
    /// Who asked.
    pub client_id: &'a str,
    /// By which rules.
    pub profile: Profile,
}

/// By which rules an access token is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// RFC 9068: `typ` is `at+jwt`; `aud`, `sub`, `client_id`, `iat` and `jti` are there.
    Rfc9068,
    /// A signed JWT of an issuer with ways of its own (Keycloak, Entra): `typ` is `JWT` or absent, and only what
    /// is there is judged.
    IssuersOwn,
}

/// Verifies an access token.
///
/// # Errors
/// The [`Refusal`]; [`Refusal::NotCompact`] for one that is opaque, which is no fault.
pub fn verify(
    token: &AccessToken,
    keys: &KeySet,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Verified, Refusal> {
    let typ = match expected.profile {
        Profile::Rfc9068 => Type::AccessToken,
        Profile::IssuersOwn => Type::Jwt,
    };
    let verified = jwt(token.expose(), keys, expected.issuer, typ, now)?;
    let claims = &verified.claims;
    if expected.audience.is_some_and(|audience| !claims.audience.iter().any(|one| one == audience)) {
        return Err(Refusal::WrongAudience);
    }
    match expected.profile {
        Profile::Rfc9068 => complete(claims)?,
        Profile::IssuersOwn => issued_to(claims, "azp", expected.client_id)?,
    }
    issued_to(claims, "client_id", expected.client_id)?;
    Ok(verified)
}

/// The claims that RFC 9068 §2.2 requires; `iss` and `exp` are required of every token.
fn complete(claims: &Claims) -> Result<(), Refusal> {
    if claims.audience.is_empty() {
        return Err(Refusal::MissingClaim("aud"));
    }
    if claims.subject.is_none() {
        return Err(Refusal::MissingClaim("sub"));
    }
    if claims.issued_at.is_none() {
        return Err(Refusal::MissingClaim("iat"));
    }
    for name in ["jti", "client_id"] {
        claims.text(name)?.ok_or(Refusal::MissingClaim(name))?;
    }
    Ok(())
}

/// The client it was issued to, where it says so.
fn issued_to(claims: &Claims, name: &'static str, client_id: &str) -> Result<(), Refusal> {
    match claims.text(name)? {
        Some(client) if client != client_id => Err(Refusal::WrongClient(name)),
        Some(_) | None => Ok(()),
    }
}
