//! The signing key: RS256 access tokens (RFC 7519) and the key set that verifies them (RFC 7517).

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    crypto::{CryptoProvider, aws_lc},
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use serde::{Deserialize, Serialize};

use crate::StartError;

/// The `aud` of every access token.
pub(crate) const AUDIENCE: &str = "latchkey-demo";

/// What an access token says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: String,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    pub(crate) jti: String,
    /// The family id: a token of a revoked family is told by it.
    pub(crate) sid: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) realm_access: Roles,
}

/// Roles in the place where Keycloak puts them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Roles {
    pub(crate) roles: Vec<String>,
}

/// An RSA key of 2048 bits, the size RFC 7518 §3.3 requires at least.
pub(crate) struct SigningKey {
    pem: String,
    key_id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    jwk: Jwk,
}

impl SigningKey {
    /// A new key. Takes a good part of a second: not for an async thread.
    pub(crate) fn generate() -> Result<Self, StartError> {
        let pair =
            KeyPair::generate(KeySize::Rsa2048).map_err(|_| StartError::Key("no RSA key pair".into()))?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| StartError::Key("no PKCS #8 form".into()))?;
        Self::from_pem(&pem(der.as_ref())).map_err(|error| StartError::Key(error.to_string()))
    }

    /// The key that `to_pem` gave.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, jsonwebtoken::errors::Error> {
        // Another crate of the process may switch on jsonwebtoken's second provider; then it would panic at the
        // first signature unless one was chosen. A provider that was chosen already is as good.
        let _ = CryptoProvider::install_default(&aws_lc::DEFAULT_PROVIDER);
        let encoding = EncodingKey::from_rsa_pem(pem.as_bytes())?;
        let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::RS256)?;
        // RFC 7638: the same key has the same id after a restart.
        let key_id = jwk.thumbprint(ThumbprintHash::SHA256)?;
        jwk.common.key_id = Some(key_id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { pem: pem.to_owned(), key_id, decoding: DecodingKey::from_jwk(&jwk)?, encoding, jwk })
    }

    pub(crate) fn to_pem(&self) -> &str {
        &self.pem
    }

    /// The key set to publish: the public half only.
    pub(crate) fn key_set(&self) -> JwkSet {
        JwkSet { keys: vec![self.jwk.clone()] }
    }

    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &self.encoding)
    }

    /// The claims of a token of ours, whatever its age: the caller compares `exp` with its own clock.
    pub(crate) fn verify(&self, token: &str, issuer: &str) -> Result<Claims, jsonwebtoken::errors::Error> {
        let mut rules = Validation::new(Algorithm::RS256);
        rules.validate_exp = false;
        rules.set_issuer(&[issuer]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        Ok(jsonwebtoken::decode(token, &self.decoding, &rules)?.claims)
    }
}

/// RFC 7468 §10.
fn pem(der: &[u8]) -> String {
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for (place, character) in STANDARD.encode(der).chars().enumerate() {
        if place > 0 && place % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END PRIVATE KEY-----\n");
    pem
}
