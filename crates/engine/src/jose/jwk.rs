//! One public key (RFC 7517), taken only when it may verify signatures and is strong enough to.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::aws_lc;
use latchkey_core::text;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;

mod rsa;

/// Members that only a private or a shared key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A public key that signatures may be verified with.
#[derive(Clone, Debug)]
pub struct PublicKey {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    kind: KeyKind,
    thumbprint: String,
    key: DecodingKey,
}

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, 2048 to 8192 bits.
    Rsa {
        /// The length of the modulus.
        bits: usize,
    },
    /// The curve P-256.
    P256,
    /// The curve P-384.
    P384,
    /// The curve Ed25519.
    Ed25519,
}

/// What may be told of a key: "signature verified by this one".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// The name its issuer gives it, fit to be shown.
    pub kid: Option<String>,
    /// What kind it is.
    pub kind: KeyKind,
    /// Its SHA-256 thumbprint (RFC 7638), which nobody can choose.
    pub thumbprint: String,
}

/// Why a key of a set is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Its `kty` or curve is not one that is used here.
    #[error("its type is not one that signatures are verified with here")]
    OtherType,
    /// It holds private members, or is a shared key.
    #[error(
        "it is a private or shared key, which does not belong in a public set; the issuer should replace it"
    )]
    Private,
    /// `use` or `key_ops` say that it is not for verifying.
    #[error("it is not meant for verifying signatures (`use`, `key_ops`)")]
    OtherUse,
    /// Its `alg` is not accepted, or does not fit its type.
    #[error("its algorithm is not accepted, or does not fit its type")]
    OtherAlgorithm,
    /// A member is missing or cannot be read.
    #[error("its `{0}` is missing or cannot be read")]
    Malformed(&'static str),
    /// Too short, a bad exponent, a modulus of a known weak generator, a point that is not on the curve.
    #[error("it is too weak, or no valid key at all")]
    Weak,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
            Self::Ed25519 => f.write_str("Ed25519"),
        }
    }
}

/// `signing-2026 (RSA 2048, NzbLsXh8…)`: the name its issuer chose, and the beginning of what nobody can choose.
impl fmt::Display for KeyFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.kid.as_deref().unwrap_or("without a name");
        write!(f, "{name} ({}, {:.8}…)", self.kind, self.thumbprint)
    }
}

impl KeyKind {
    /// Whether signatures of that algorithm are made with such keys.
    fn serves(self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => matches!(self, Self::Rsa { .. }),
            Algorithm::Es256 => self == Self::P256,
            Algorithm::Es384 => self == Self::P384,
            Algorithm::EdDsa => self == Self::Ed25519,
        }
    }
}

impl PublicKey {
    /// Reads a key of a set.
    ///
    /// # Errors
    /// The [`KeyFault`] for which it is not used. Members that are not known are passed over (RFC 7517 §4).
    pub fn of_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyFault> {
        if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
            return Err(KeyFault::Private);
        }
        for_verifying(jwk)?;
        let algorithm = match text_of(jwk, "alg")? {
            Some(name) => Some(Algorithm::from_name(name).ok_or(KeyFault::OtherAlgorithm)?),
            None => None,
        };
        let kid = text_of(jwk, "kid")?.map(str::to_owned);
        let read = match text_of(jwk, "kty")?.ok_or(KeyFault::Malformed("kty"))? {
            "RSA" => rsa::read(jwk)?,
            "EC" => match text_of(jwk, "crv")?.ok_or(KeyFault::Malformed("crv"))? {
                "P-256" => curve_point(jwk, KeyKind::P256, 32)?,
                "P-384" => curve_point(jwk, KeyKind::P384, 48)?,
                _ => return Err(KeyFault::OtherType),
            },
            "OKP" if text_of(jwk, "crv")? == Some("Ed25519") => ed25519(jwk)?,
            _ => return Err(KeyFault::OtherType),
        };
        if algorithm.is_some_and(|algorithm| !read.kind.serves(algorithm)) {
            return Err(KeyFault::OtherAlgorithm);
        }
        Ok(Self { kid, algorithm, kind: read.kind, thumbprint: thumbprint(&read.canonical), key: read.key })
    }

    /// What may be told of it.
    pub fn facts(&self) -> KeyFacts {
        let kid = self.kid.as_deref().map(text::foreign);
        KeyFacts { kid, kind: self.kind, thumbprint: self.thumbprint.clone() }
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether it may be used for signatures of that algorithm. A key that names one is for that one alone.
    pub(super) fn serves(&self, algorithm: Algorithm) -> bool {
        self.kind.serves(algorithm) && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether this key made that signature.
    ///
    /// The provider is named, not taken from the process: where another crate turns a second one on, the default is
    /// a panic.
    pub(super) fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &Vec<u8>) -> bool {
        let verifier = aws_lc::DEFAULT_PROVIDER.verifier_factory;
        self.serves(algorithm)
            && verifier(&algorithm.of_library(), &self.key)
                .is_ok_and(|verifier| verifier.verify(signed, signature).is_ok())
    }
}

/// What the members of one key type say.
struct Read {
    kind: KeyKind,
    key: DecodingKey,
    /// Its required members in canonical JSON (RFC 7638 §3.2).
    canonical: String,
}

/// `use` and `key_ops` (RFC 7517 §4.2, §4.3), if they are there, must allow verifying.
fn for_verifying(jwk: &Map<String, Value>) -> Result<(), KeyFault> {
    if text_of(jwk, "use")?.is_some_and(|for_what| for_what != "sig") {
        return Err(KeyFault::OtherUse);
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|one| one == "verify") => Ok(()),
        Some(Value::Array(_)) => Err(KeyFault::OtherUse),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Err(KeyFault::Malformed("key_ops"))
        }
    }
}

fn curve_point(jwk: &Map<String, Value>, kind: KeyKind, length: usize) -> Result<Read, KeyFault> {
    let (x, y) = (octets_of(jwk, "x")?, octets_of(jwk, "y")?);
    if x.len() != length {
        return Err(KeyFault::Malformed("x"));
    }
    if y.len() != length {
        return Err(KeyFault::Malformed("y"));
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    // A point that is not on the curve would be refused at each signature; here it is said once.
    let valid = if kind == KeyKind::P256 {
        is_valid(&ECDSA_P256_SHA256_FIXED, &point)
    } else {
        is_valid(&ECDSA_P384_SHA384_FIXED, &point)
    };
    if !valid {
        return Err(KeyFault::Weak);
    }
    let canonical = canonical_ec(if kind == KeyKind::P256 { "P-256" } else { "P-384" }, &x, &y);
    Ok(Read { kind, key: DecodingKey::from_ec_der(&point), canonical })
}

fn ed25519(jwk: &Map<String, Value>) -> Result<Read, KeyFault> {
    let x = octets_of(jwk, "x")?;
    if x.len() != 32 {
        return Err(KeyFault::Malformed("x"));
    }
    if !is_valid(&ED25519, &x) {
        return Err(KeyFault::Weak);
    }
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, BASE64_URL_SAFE_NO_PAD.encode(&x));
    Ok(Read { kind: KeyKind::Ed25519, key: DecodingKey::from_ed_der(&x), canonical })
}

fn is_valid(algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> bool {
    ParsedPublicKey::new(algorithm, key).is_ok()
}

/// The required members of a key on a curve, in the order that is hashed (RFC 7638 §3.2).
pub(super) fn canonical_ec(curve: &str, x: &[u8], y: &[u8]) -> String {
    let (x, y) = (BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y));
    format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
}

/// The SHA-256 thumbprint of a key's canonical JSON (RFC 7638 §3.1).
pub(super) fn thumbprint(canonical: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

/// A member that is a text or is not there.
fn text_of<'a>(jwk: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, KeyFault> {
    match jwk.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(KeyFault::Malformed(name)),
    }
}

/// A required member that is base64url.
fn octets_of(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyFault> {
    let text = text_of(jwk, name)?.ok_or(KeyFault::Malformed(name))?;
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyFault::Malformed(name))
}

#[cfg(test)]
mod tests;
