//! ID tokens: who signed in, for this client, in this sign-in (OpenID Connect Core §3.1.3.7, §12.2).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use latchkey_core::secret::{AccessToken, IdToken};
use serde::{Deserialize, Serialize};

use super::algorithm::Algorithm;
use super::claims::{Claims, LEEWAY, ahead};
use super::jwks::KeySet;
use super::look;
use super::pkce::Nonce;
use super::refusal::Refusal;
use super::verify::{Issuer, Type, Verified, jwt};

/// How old a token may be that has just been received.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// What a logout token has and an ID token has not (OpenID Connect Back-Channel Logout §2.4).
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What an ID token must be like to be believed.
pub struct Expected<'a> {
    /// Whom it was asked of.
    pub issuer: &'a Issuer,
    /// Who asked.
    pub client_id: &'a str,
    /// Others that may stand in `aud` beside the client. Mostly none.
    pub trusted_audiences: &'a [String],
    /// The access token it came with, for `at_hash`.
    pub access_token: Option<&'a AccessToken>,
    /// The authorization code that bought it, for `c_hash`.
    pub code: Option<&'a str>,
    /// On which occasion it was issued.
    pub occasion: Occasion<'a>,
}

/// On which occasion an ID token was issued.
#[derive(Clone, Copy)]
pub enum Occasion<'a> {
    /// A sign-in has just been completed.
    SignIn {
        /// The nonce that was sent, if one was: then the token must have it.
        nonce: Option<&'a Nonce>,
        /// How long ago the person may have proved who they are, if that was asked for (`max_age`).
        max_age: Option<SignedDuration>,
    },
    /// Tokens were refreshed.
    Refresh {
        /// What the ID token of the sign-in said.
        original: &'a Original,
    },
}

/// What the ID token of a sign-in said that later ones must say as well (OpenID Connect Core §12.2).
///
/// A refreshed token may say less than that of the sign-in (no nonce), so the latter is the better one to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`.
    pub audience: Vec<String>,
    /// `azp`.
    #[serde(default)]
    pub authorized_party: Option<String>,
    /// `nonce`. It was used up by the sign-in.
    #[serde(default)]
    pub nonce: Option<String>,
    /// `auth_time`, in epoch seconds.
    #[serde(default)]
    pub signed_in_at: Option<i64>,
}

impl Original {
    /// What a verified ID token says. `None` if it has no `sub`, which [`verify`] lets no ID token be without.
    pub fn of(claims: &Claims) -> Option<Self> {
        let text = |name| claims.text(name).ok().flatten().map(str::to_owned);
        Some(Self {
            issuer: claims.issuer.clone(),
            subject: claims.subject.clone()?,
            audience: claims.audience.clone(),
            authorized_party: text("azp"),
            nonce: text("nonce"),
            signed_in_at: claims.date("auth_time").ok().flatten().map(Timestamp::as_second),
        })
    }

    /// What an ID token says that was verified when it was received and has been in the vault since. It may have
    /// expired.
    pub fn of_stored(token: &IdToken) -> Option<Self> {
        Self::of(&Claims::of(&look::payload(token.expose())?).ok()?)
    }
}

/// Verifies an ID token.
///
/// `now` is the time as the issuer sees it: by the clock here, corrected by the measured skew.
///
/// # Errors
/// The [`Refusal`]. After a refused token of a sign-in, the tokens that came with it must not be used either.
pub fn verify(
    token: &IdToken,
    keys: &KeySet,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Verified, Refusal> {
    let verified = jwt(token.expose(), keys, expected.issuer, Type::Jwt, now)?;
    let claims = &verified.claims;
    if claims.all.get("events").is_some_and(|events| events.get(LOGOUT_EVENT).is_some()) {
        return Err(Refusal::LogoutToken);
    }
    if claims.subject.is_none() {
        return Err(Refusal::MissingClaim("sub"));
    }
    let issued_at = claims.issued_at.ok_or(Refusal::MissingClaim("iat"))?;
    audience(claims, expected)?;
    hashes(claims, verified.algorithm, expected)?;
    match expected.occasion {
        Occasion::SignIn { nonce, max_age } => {
            let age = now.duration_since(issued_at);
            if age > FRESH {
                return Err(Refusal::IssuedLongAgo(age));
            }
            belongs_to_this_sign_in(claims, nonce)?;
            signed_in_lately(claims, max_age, now)?;
        }
        Occasion::Refresh { original } => same_person(claims, original)?,
    }
    Ok(verified)
}

/// `aud` names the client, and others only if they are trusted and `azp` says who asked (rules 3 to 5).
fn audience(claims: &Claims, expected: &Expected<'_>) -> Result<(), Refusal> {
    let client = expected.client_id;
    if !claims.audience.iter().any(|one| one == client) {
        return Err(Refusal::WrongAudience);
    }
    if claims.audience.iter().any(|one| one != client && !expected.trusted_audiences.contains(one)) {
        return Err(Refusal::UntrustedAudience);
    }
    match claims.text("azp")? {
        Some(party) if party != client => Err(Refusal::WrongClient("azp")),
        None if claims.audience.len() > 1 => Err(Refusal::MissingClaim("azp")),
        Some(_) | None => Ok(()),
    }
}

/// `at_hash` and `c_hash`, where they are there and what they are of is known (§3.1.3.8, §3.3.2.10).
fn hashes(claims: &Claims, algorithm: Algorithm, expected: &Expected<'_>) -> Result<(), Refusal> {
    if let (Some(hash), Some(token)) = (claims.text("at_hash")?, expected.access_token)
        && !equal(hash, &left_half(algorithm, token.expose()))
    {
        return Err(Refusal::WrongAccessToken);
    }
    if let (Some(hash), Some(code)) = (claims.text("c_hash")?, expected.code)
        && !equal(hash, &left_half(algorithm, code))
    {
        return Err(Refusal::WrongCode);
    }
    Ok(())
}

/// The left half of a text's hash, in base64url (§3.1.3.6).
fn left_half(algorithm: Algorithm, text: &str) -> String {
    let hash = digest::digest(algorithm.digest(), text.as_bytes());
    let hash = hash.as_ref();
    BASE64_URL_SAFE_NO_PAD.encode(hash.get(..hash.len() / 2).unwrap_or_default())
}

fn equal(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// A nonce that was sent must be there and the same (rule 11).
fn belongs_to_this_sign_in(claims: &Claims, sent: Option<&Nonce>) -> Result<(), Refusal> {
    let Some(sent) = sent else { return Ok(()) };
    match claims.text("nonce")? {
        None => Err(Refusal::MissingClaim("nonce")),
        Some(nonce) if sent.matches(nonce) => Ok(()),
        Some(_) => Err(Refusal::WrongNonce),
    }
}

/// `auth_time`, if `max_age` was asked for (rule 13).
fn signed_in_lately(claims: &Claims, max_age: Option<SignedDuration>, now: Timestamp) -> Result<(), Refusal> {
    let signed_in_at = claims.date("auth_time")?;
    if let Some(ahead) = signed_in_at.and_then(|at| ahead(at, now)) {
        return Err(Refusal::IssuedInFuture(ahead));
    }
    let Some(max_age) = max_age else { return Ok(()) };
    let age = now.duration_since(signed_in_at.ok_or(Refusal::MissingClaim("auth_time"))?);
    if age > max_age.saturating_add(LEEWAY) { Err(Refusal::SignInTooOld(age)) } else { Ok(()) }
}

/// What must not change over refreshes (§12.2).
fn same_person(claims: &Claims, original: &Original) -> Result<(), Refusal> {
    // What an issuer leaves out of one token it may put into the next: these two are compared where both tell.
    let signed_in_at = claims.date("auth_time")?.map(Timestamp::as_second).zip(original.signed_in_at);
    let nonce = claims.text("nonce")?.zip(original.nonce.as_deref());
    let changed = [
        ("iss", claims.issuer != original.issuer),
        ("sub", claims.subject.as_deref() != Some(original.subject.as_str())),
        ("aud", !original.audience.iter().all(|one| claims.audience.contains(one))),
        ("azp", claims.text("azp")? != original.authorized_party.as_deref()),
        ("nonce", nonce.is_some_and(|(now, then)| now != then)),
        ("auth_time", signed_in_at.is_some_and(|(now, then)| now != then)),
    ];
    match changed.into_iter().find(|(_, changed)| *changed) {
        Some((name, _)) => Err(Refusal::Changed(name)),
        None => Ok(()),
    }
}
