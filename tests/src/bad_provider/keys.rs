//! Keys, the key set, and signatures; each also as it must not be.
//!
//! JWTs are put together by hand here: what is wrong with them is what the libraries refuse to write.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::exchange::{Delivery, Reply};
use super::fault::{KeySet, Plan, Signing};

/// An RSA key and the id it goes by.
struct Key {
    id: String,
    pair: RsaKeyPair,
}

impl Key {
    fn new(id: String) -> Self {
        Self { id, pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap() }
    }

    fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        let n = base64url(public.modulus().big_endian_without_leading_zero());
        let e = base64url(public.exponent().big_endian_without_leading_zero());
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "n": n, "e": e })
    }

    fn sign(&self, scheme: &'static dyn RsaEncoding, message: &str) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(scheme, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        signature
    }

    /// The public half as the file that people pass around (RFC 7468 §13).
    fn public_pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().unwrap();
        let text = STANDARD.encode(der.as_ref());
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }
}

/// The provider's keys: one of RSA that signs, one of EC beside it.
pub(super) struct Keys {
    signing: Key,
    elliptic: EcdsaKeyPair,
    /// Published still, although nothing is signed with them any more.
    retired: Vec<Value>,
    rotations: u32,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self {
            signing: Key::new("rsa-0".to_owned()),
            elliptic: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            retired: Vec::new(),
            rotations: 0,
        }
    }

    fn rotate(&mut self, keep_published: bool) {
        if keep_published {
            self.retired.push(self.signing.jwk());
        }
        self.rotations += 1;
        self.signing = Key::new(format!("rsa-{}", self.rotations));
    }

    fn elliptic_jwk(&self) -> Value {
        let point = self.elliptic.public_key().as_ref();
        let (x, y) = (base64url(&point[1..33]), base64url(&point[33..]));
        json!({ "kty": "EC", "use": "sig", "alg": "ES256", "kid": "ec-0", "crv": "P-256", "x": x, "y": y })
    }

    /// The key set endpoint.
    pub(super) fn key_set(&self, plan: &mut Plan) -> Reply {
        let mut keys = vec![self.signing.jwk(), self.elliptic_jwk()];
        keys.extend(self.retired.clone());
        for fault in plan.striking() {
            match fault {
                KeySet::ServerError => return Reply::error(500, "server_error", "planned"),
                KeySet::Html => return Reply::portal(),
                KeySet::Hang => return Reply::portal().delivered(Delivery::Never),
                KeySet::Empty => keys.clear(),
                KeySet::BadKey => {
                    keys.insert(0, json!({ "kty": "nonsense", "kid": self.signing.id, "use": "sig" }));
                    keys.insert(0, json!({ "kty": "RSA", "kid": "torn", "n": "*", "e": 3 }));
                }
                KeySet::Several => keys.insert(0, Key::new("rsa-other".to_owned()).jwk()),
                // These show when a token is signed.
                KeySet::RotateBeforeSign | KeySet::RotateAfter => {}
            }
        }
        Reply::json(200, &json!({ "keys": keys }))
    }

    /// An ID token of these claims.
    pub(super) fn sign(&mut self, claims: &Value, plan: &mut Plan) -> String {
        if plan.strikes(KeySet::RotateBeforeSign) {
            self.rotate(false);
        }
        let token = self.sign_with(claims, plan.first());
        if plan.strikes(KeySet::RotateAfter) {
            self.rotate(true);
        }
        token
    }

    fn sign_with(&mut self, claims: &Value, fault: Option<Signing>) -> String {
        if fault == Some(Signing::KidReused) {
            let id = self.signing.id.clone();
            self.signing = Key::new(id);
        }
        let mut header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.signing.id });
        let stranger = match fault {
            Some(Signing::JwkEmbedded) => Some(Key::new("embedded".to_owned())),
            _ => None,
        };
        match fault {
            None | Some(Signing::KidReused | Signing::SignatureWrong) => {}
            Some(Signing::KidAbsent) => drop(header.as_object_mut().unwrap().remove("kid")),
            Some(Signing::KidUnknown) => header["kid"] = json!("never-published"),
            Some(Signing::AlgNone) => header = json!({ "alg": "none" }),
            Some(Signing::AlgHs256Pub) => header["alg"] = json!("HS256"),
            Some(Signing::AlgEs256Bad) => header = json!({ "alg": "ES256", "typ": "JWT", "kid": "ec-0" }),
            Some(Signing::AlgPsOnRs) => header["alg"] = json!("PS256"),
            Some(Signing::Crit) => {
                header["crit"] = json!(["urn:example:must-understand"]);
                header["urn:example:must-understand"] = json!(true);
            }
            Some(Signing::JwkEmbedded) => {
                header = json!({ "alg": "RS256", "typ": "JWT", "jwk": stranger.as_ref().map(Key::jwk) });
            }
        }
        let message = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let signature = match fault {
            Some(Signing::AlgNone) => Vec::new(),
            Some(Signing::AlgHs256Pub) => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, self.signing.public_pem().as_bytes());
                hmac::sign(&secret, message.as_bytes()).as_ref().to_vec()
            }
            Some(Signing::AlgEs256Bad) => vec![0; 64],
            Some(Signing::AlgPsOnRs) => self.signing.sign(&RSA_PSS_SHA256, &message),
            Some(Signing::SignatureWrong) => {
                let mut signature = self.signing.sign(&RSA_PKCS1_SHA256, &message);
                signature[100] ^= 1;
                signature
            }
            None
            | Some(
                Signing::KidAbsent
                | Signing::KidUnknown
                | Signing::KidReused
                | Signing::Crit
                | Signing::JwkEmbedded,
            ) => stranger.as_ref().unwrap_or(&self.signing).sign(&RSA_PKCS1_SHA256, &message),
        };
        format!("{message}.{}", base64url(signature))
    }
}

/// base64url without padding (RFC 7515 §2).
pub(super) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// SHA-256 in base64url: code challenges, thumbprints, `ath`.
pub(super) fn sha256(text: &str) -> String {
    base64url(digest(&SHA256, text.as_bytes()))
}

/// `at_hash` and `c_hash`: the left half of the hash (OpenID Connect Core §3.1.3.6).
pub(super) fn half_hash(text: &str) -> String {
    base64url(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
}
