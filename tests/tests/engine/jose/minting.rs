//! An issuer that signs whatever it is told to.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use latchkey_core::secret::{AccessToken, IdToken, Secret};
use latchkey_engine::jose::id_token::{self, Expected, Occasion};
use latchkey_engine::jose::pkce::Nonce;
use latchkey_engine::jose::{Algorithms, Issuer, KeySet, Refusal};
use serde_json::{Value, json};

/// When everything in here happens.
pub(super) const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);
pub(super) const ISSUER: &str = "https://issuer.example";
pub(super) const CLIENT: &str = "latchkey";
pub(super) const ACCESS_TOKEN: &str = "LKCANARY-access";

/// One RSA key for all tests of a process: making one takes a while.
static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

/// A private key and how it signs.
pub(super) enum Signer {
    Rsa,
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub(super) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(super) fn p384() -> Self {
        Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    pub(super) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    /// The public key as its issuer publishes it.
    pub(super) fn jwk(&self, kid: &str) -> Value {
        let text = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
        let point = |pair: &EcdsaKeyPair, curve: &str| {
            let octets = pair.public_key().as_ref()[1..].to_vec();
            let (x, y) = octets.split_at(octets.len() / 2);
            json!({ "kty": "EC", "crv": curve, "kid": kid, "x": text(x), "y": text(y) })
        };
        match self {
            Self::Rsa => {
                let public = RSA.public_key();
                let (n, e) = (public.modulus(), public.exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                json!({ "kty": "RSA", "kid": kid, "n": text(n), "e": text(e) })
            }
            Self::P256(pair) => point(pair, "P-256"),
            Self::P384(pair) => point(pair, "P-384"),
            Self::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": text(pair.public_key().as_ref()) })
            }
        }
    }

    pub(super) fn sign(&self, algorithm: &str, signed: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa => {
                let encoding: &'static dyn RsaEncoding = match algorithm {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; RSA.public_modulus_len()];
                RSA.sign(encoding, &random, signed, &mut signature).unwrap();
                signature
            }
            Self::P256(pair) | Self::P384(pair) => pair.sign(&random, signed).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(signed).as_ref().to_vec(),
        }
    }

    /// A token with this header and this payload, as they stand, signed as its `alg` says, as far as this key can.
    pub(super) fn token(&self, header: &str, payload: &[u8]) -> String {
        let signed = signed_part(header, payload);
        let read: Value = serde_json::from_str(header).unwrap_or_default();
        let signature = self.sign(read["alg"].as_str().unwrap_or_default(), signed.as_bytes());
        joined(&signed, &signature)
    }
}

/// The RSA public key in the forms that an attacker can get hold of.
pub(super) fn rsa_public_key_bytes() -> Vec<(&'static str, Vec<u8>)> {
    let der: PublicKeyX509Der<'_> = RSA.public_key().as_der().unwrap();
    let base64 = base64::prelude::BASE64_STANDARD.encode(der.as_ref());
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
    let jwk = Signer::Rsa.jwk("one");
    vec![
        ("PEM", pem.clone().into_bytes()),
        ("PEM with a last line break", format!("{pem}\n").into_bytes()),
        ("DER", der.as_ref().to_vec()),
        ("PKCS#1", RSA.public_key().as_ref().to_vec()),
        ("JWK", jwk.to_string().into_bytes()),
        ("modulus", BASE64_URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap()),
    ]
}

/// A token "signed" with a shared secret.
pub(super) fn hmac_token(algorithm: &str, secret: &[u8], payload: &[u8]) -> String {
    let signed = signed_part(&json!({ "alg": algorithm, "kid": "one", "typ": "JWT" }).to_string(), payload);
    let algorithm = match algorithm {
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    joined(&signed, hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes()).as_ref())
}

pub(super) fn signed_part(header: &str, payload: &[u8]) -> String {
    format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(payload))
}

pub(super) fn joined(signed: &str, signature: &[u8]) -> String {
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// `at_hash` of the access token, made with this hash.
pub(super) fn left_half(hash: &'static digest::Algorithm) -> String {
    let hash = digest::digest(hash, ACCESS_TOKEN.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

/// What the issuer publishes.
pub(super) fn key_set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

pub(super) fn issuer() -> Issuer {
    Issuer { identifier: ISSUER.to_owned(), algorithms: Algorithms::all() }
}

/// A sign-in at an issuer with one P-256 key that is called "one".
pub(super) struct SignIn {
    pub(super) signer: Signer,
    pub(super) nonce: Nonce,
    pub(super) trusted: Vec<String>,
}

impl SignIn {
    pub(super) fn new() -> Self {
        Self { signer: Signer::p256(), nonce: Nonce::generate().unwrap(), trusted: Vec::new() }
    }

    /// Claims in which nothing is wrong.
    pub(super) fn claims(&self) -> Value {
        json!({
            "iss": ISSUER, "sub": "LKCANARY-subject", "aud": CLIENT, "azp": CLIENT,
            "exp": NOW.as_second() + 300, "iat": NOW.as_second(), "nonce": self.nonce.expose(),
            "at_hash": left_half(&digest::SHA256),
        })
    }

    /// Good claims with one of them set, or left out.
    pub(super) fn with(&self, name: &str, value: Option<Value>) -> Value {
        let mut claims = self.claims();
        let members = claims.as_object_mut().unwrap();
        match value {
            Some(value) => members.insert(name.to_owned(), value),
            None => members.remove(name),
        };
        claims
    }

    pub(super) fn signed(&self, claims: &Value) -> String {
        self.signer.token(r#"{"alg":"ES256","kid":"one","typ":"JWT"}"#, claims.to_string().as_bytes())
    }

    /// What becomes of an ID token at this moment.
    pub(super) fn judged(&self, token: &str) -> Result<(), Refusal> {
        self.judged_with(token, &key_set(&[self.signer.jwk("one")]))
    }

    pub(super) fn judged_with(&self, token: &str, keys: &KeySet) -> Result<(), Refusal> {
        let (issuer, access_token) = (issuer(), AccessToken::new(ACCESS_TOKEN));
        let expected = Expected {
            issuer: &issuer,
            client_id: CLIENT,
            trusted_audiences: &self.trusted,
            access_token: Some(&access_token),
            code: None,
            occasion: Occasion::SignIn { nonce: Some(&self.nonce), max_age: None },
        };
        id_token::verify(&IdToken::new(token), keys, &expected, NOW).map(|_| ())
    }
}

/// That a refusal tells nothing of what it refuses.
pub(super) fn assert_tells_nothing(refusal: &Refusal, token: &str, nonce: &Secret) {
    for text in [refusal.to_string(), format!("{refusal:?}")] {
        let parts = token.split('.').filter(|part| part.len() > 8);
        for secret in parts.chain([nonce.expose(), "LKCANARY"]) {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
