//! One RSA key: the private half signs here, the public half is published.

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    crypto::{CryptoProvider, aws_lc},
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use serde::Serialize;

use crate::StartError;

/// An RSA key of 2048 bits, the size RFC 7518 §3.3 requires at least.
pub(crate) struct SigningKey {
    pem: String,
    key_id: String,
    encoding: EncodingKey,
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
        Ok(Self { pem: pem.to_owned(), key_id, encoding, jwk })
    }

    pub(crate) fn to_pem(&self) -> &str {
        &self.pem
    }

    /// The `kid` of what it signs.
    pub(crate) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The public half.
    pub(crate) fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// A signed token of this type (the `typ` of its header).
    pub(crate) fn sign(
        &self,
        token_type: &str,
        claims: &impl Serialize,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        self.sign_as(&self.key_id, token_type, claims)
    }

    /// The same, under the name of a key that this one need not be.
    pub(crate) fn sign_as(
        &self,
        key_id: &str,
        token_type: &str,
        claims: &impl Serialize,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let header = Header {
            typ: Some(token_type.to_owned()),
            kid: Some(key_id.to_owned()),
            ..Header::new(Algorithm::RS256)
        };
        jsonwebtoken::encode(&header, claims, &self.encoding)
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
